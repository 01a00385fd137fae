"""Orders to install what no registry lists: "install npm:@playwright/mcp", "connect https://mcp.example.com/mcp".

Such a name is no plugin's that anybody knows, so that none of the trained models has a word on it. It is read by rule,
where the whole message is one order and the name is one that the person wrote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.managing.decide import Call
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.registry.unlisted import parse_direct

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.reading import Reading
    from dynamic_plugins.registry.unlisted import Direct
    from dynamic_plugins.resolver.resolver import Resolver

_COURTESY = r"(?:please|pls|ok|okay|hey|hi|now|so|great|thanks|bitte|por favor|merci|gracias|per favore|s'il te plaît)"
_ASKING = (
    r"(?:(?:can|could|would|will) you |i(?:'d| would)? (?:want|like|need)(?: you)? to |let'?s |go ahead and "
    r"|kannst du |könntest du |puedes |peux-tu |puoi |você pode )"
)
_VERB = (
    r"(?:install|add|get|grab|download|set ?up|connect(?: (?:me )?(?:to|with))?|hook up(?: to)?|link(?: to)?|use"
    r"|installiere?|füge|hole?|verbinde(?: (?:dich|mich))?(?: mit)?|instal[ae]|añade|agrega"
    r"|conect[ae](?:(?:te)? (?:a|con))?"
    r"|installe|ajoute|connecte(?: (?:toi )?à)?|installa|aggiungi|collega(?:ti a)?|adicion[ae]|zainstaluj|dodaj|połącz)"
)
_WHAT = (
    r"(?:(?:the|a|an|das|den|die|el|la|le|il|o) )?(?:(?:npm|python|pypi) )?"
    r"(?:(?:package|plugin|mcp server|server|paket) )?(?:(?:at|from|called) )?"
)
_NAME = r"(?P<name>(?:npx (?:-y |--yes )?|uvx |(?:npm|pypi): ?)?\S+?)"
_AFTER = r"(?: (?:plugin|package|server|mcp server|paket))?(?: hinzu| an)?"
_ON = (
    r"(?:(?:,? and|,? then| und| y| et| e)(?: then)? (?P<on>(?:activate|enable|start|aktiviere) (?:it|es)"
    r"|(?:switch|turn) it on|(?:switch|turn) on it|schalte? (?:es|ihn) ein|actívalo|active-le|attivalo))?"
)
_ORDER = re.compile(
    rf"(?:{_COURTESY}[ ,.!]+)*{_ASKING}?(?:{_COURTESY}[ ,]+)?{_VERB} (?:{_COURTESY} )?"
    rf"{_WHAT}[`\"']?{_NAME}[`\"']?{_AFTER}{_ON}"
    rf"(?:[ ,]+(?:for me|now|{_COURTESY}))*[ .!?]*",
    re.IGNORECASE,
)


def unlisted_order(reading: Reading, names: Resolver) -> tuple[Call, ...] | None:
    """Return the calls for a message that is nothing but an order to install what none of *names* is; else None."""
    found = _ORDER.fullmatch(re.sub(r"\s+", " ", reading.text.written).strip())
    if found is None:
        return None
    said = found["name"].rstrip(".,;!?")
    try:
        direct = parse_direct(said)
    except BadArgumentsError:  # the service says what is wrong with it
        return (Call("install_plugin", {"plugin_name": said}),)
    if direct is None or not _is_meant(direct, said, reading, names):
        return None
    named = {"plugin_name": direct.shown if direct.kind in ("npm", "pypi") else direct.name}
    install = Call("install_plugin", named | ({"version": direct.version} if direct.version else {}))
    on = found["on"] and direct.kind != "address"
    return (install, Call("activate_plugin", named)) if on else (install,)


def folder_order(reading: Reading) -> str | None:
    """Return what to say to an order to install a folder of this machine: that is agreed to at a terminal alone."""
    said = reading.text.written
    found = _FOLDER.search(said)
    if found is None or not _INSTALLS.search(said) or reading.act.all.get("manage", 0.0) < MANAGES:
        return None
    named = (one.link for one in reading.plugins if one.link.named and one.link.kind in ("exact", "whole", "alias"))
    if any(link.end <= found.start() or found.end() <= link.start for link in named):
        return None
    return f"{FOLDER} dynamic-plugins install --path {found[0]}"


MANAGES = 0.3
FOLDER = "A plugin that lies in a folder is installed by a command. Open a second terminal and type:"
_FOLDER = re.compile(r"(?<!\S)(?:~|\.{1,2})?/[\w.@-]+(?:/[\w.@-]+)*/?(?=[\s,;!?]|\.?\Z)")
_INSTALLS = re.compile(rf"\b{_VERB}\b", re.IGNORECASE)


def _is_meant(direct: Direct, said: str, reading: Reading, names: Resolver) -> bool:
    """Return whether a package is meant: a bare word is one only if it is made like a name and resembles none."""
    if direct.kind == "address":
        return True
    if names.decide(said) is not None:
        return False  # a listed plugin is called so
    if direct.in_full or direct.kind == "npm":
        return True
    return re.search(r"[a-z0-9][-_]\w", said, re.IGNORECASE) is not None and not any(
        each.link.named and each.link.kind in ("exact", "ambiguous", "similar") for each in reading.plugins
    )
