"""What an action does, as far as the words of its name and its description tell."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from dynamic_plugins.embedded.replies.result_text import spoken
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens
from dynamic_plugins.text.wordlists import wordlist

LINE = 110
"""A description is told in so many characters."""

_READS = frozenset(
    {
        "calculate",
        "check",
        "convert",
        "describe",
        "estimate",
        "fetch",
        "find",
        "finds",
        "get",
        "gets",
        "list",
        "lists",
        "look",
        "monitor",
        "read",
        "reads",
        "retrieve",
        "returns",
        "search",
        "searches",
        "show",
        "shows",
        "tell",
        "tells",
        "view",
    }
)
_WRITES = frozenset(
    {
        "add",
        "append",
        "apply",
        "assign",
        "cancel",
        "change",
        "checkout",
        "clear",
        "click",
        "close",
        "commit",
        "copy",
        "create",
        "delete",
        "drag",
        "drop",
        "edit",
        "execute",
        "fill",
        "fork",
        "insert",
        "install",
        "kill",
        "merge",
        "move",
        "navigate",
        "patch",
        "pay",
        "post",
        "press",
        "publish",
        "push",
        "put",
        "remove",
        "rename",
        "replace",
        "reply",
        "reset",
        "run",
        "save",
        "send",
        "set",
        "stage",
        "stop",
        "submit",
        "switch",
        "toggle",
        "type",
        "unstage",
        "update",
        "upload",
        "write",
    }
)
_WRITES_STEMS = frozenset(stem(word) for word in _WRITES)


class Ability(NamedTuple):
    """An action of a plugin and its description."""

    plugin: str
    action: str
    description: str


def stems(text: str) -> frozenset[str]:
    """Return the telling words of *text* as stems."""
    words = (word for word in tokens(text) if len(word) > 1 and not word.isdigit())
    return frozenset(stem(word) for word in words if word not in _NOT_TELLING)


_NOT_TELLING = wordlist("stop") | wordlist("asking") | wordlist("switching")
_NOT_TELLING |= {
    "mcp",
    "server",
    "plugin",
    "plugins",
    "elizaos",
    "official",
    "one",
    "thing",
    "like",
    "think",
    "know",
    "say",
    "says",
    "said",
}


def nature(ability: Ability) -> Literal["changes", "reads", ""]:
    """Return whether an action changes something or only reads, told by its verb; empty where that tells nothing."""
    verbs = [*spoken(ability.action).split(), *re.findall(r"\A\W*([a-z]+)", ability.description.lower())]
    for verb in verbs:
        if verb in _READS:
            return "reads"
        if verb in _WRITES or stem(verb) in _WRITES_STEMS:
            return "changes"
    return ""


def warns(ability: Ability) -> bool:
    """Return whether the description of an action warns of it."""
    return bool(
        re.search(r"\b(arbitrary|unsafe|danger|permanent|irrevers|RCE|cannot be undone)", ability.description, re.I)
    )


def first_sentence(text: str) -> str:
    """Return the first sentence of *text* on one line, without its full stop, cut at a word where it is long."""
    # A line of its own may lack its full stop: what follows is another thing.
    head = next((line for line in text.splitlines() if len(line.split()) > 2), text)
    line = re.sub(r"\A[\w ]{1,24} \| ", "", " ".join(head.split()))  # the name of a product before a bar
    line = re.split(r"(?<=[a-z)\]])[.!?](?:\s|$)", line, maxsplit=1)[0].rstrip(".")
    return line if len(line) <= LINE else line[: LINE - 1].rsplit(" ", 1)[0] + "…"
