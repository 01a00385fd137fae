"""What is said to be done with which plugin: "use X to …", "with X, …", "… of X?", "tell me about X"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.managing.plain_order import surely_named
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.reading import Reading

_BEFORE = re.compile(
    r"(?:(?:please|now|ok|okay|hey),? )*(?:use|using|with|ask|let|have)(?: the| my)?\s*", re.IGNORECASE
)
_BEHIND = re.compile(r"\s*(?:plugin|server|extension)?\s*(?:,|:|\bto\b|\band\b)?\s*", re.IGNORECASE)

_OF = re.compile(r".*\S\s+(?:of|from|with|using|via|through|by|in)(?: the| my)?\s*", re.IGNORECASE | re.DOTALL)
_END = re.compile(r"(?:\s+(?:plugin|server|extension))?[\s?.!]*", re.IGNORECASE)
_LINKING = re.compile(r"\s+\S+(?:\s+(?:the|my))?\s*\Z", re.IGNORECASE)

_TELL_ME = re.compile(
    r"(?:(?:please|pls|ok|okay|hey|so|now|and|can you|could you|would you|i want you to)[ ,]+)*(?:"
    r"(?:tell|show|give) me (?:(?:more|all|everything|something|a bit|some more) )?about"
    r"|describe|(?:everything|all|more) (?:about|on)"
    r"|(?:(?:give|show|get|tell) me |i want |i'd like )?(?:(?:all|more|some|the|any) )*"
    r"(?:details|info|infos|information|facts|everything) (?:on|about|of|for)"
    r"|erzähle? mir (?:mehr |alles |was )?(?:über|von)|beschreibe?|mehr über|alles über"
    r"|háblame de|cuéntame (?:más )?(?:de|sobre)|parle[- ]moi (?:plus )?d[e']|parlami d[ie]|fale[- ]me (?:mais )?sobre"
    r")(?: (?:the|that|this|my|das|den|die|el|la|le|il))?(?: plugin)?\s*",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    r"(?:\s+(?:plugin|server|extension|mcp server))?(?:,?\s+(?:please|pls|bitte))?[\s?.!]*", re.IGNORECASE
)


def used_for(reading: Reading) -> str | None:
    """Return what the message orders of the active plugin that it begins with; None where it does not begin so."""
    text = reading.text.spoken
    for each in reading.plugins:
        if each.state != "on" or not surely_named(each) or not _BEFORE.fullmatch(text[: each.link.start].lstrip()):
            continue
        behind = _BEHIND.match(text, each.link.end)
        rest = text[behind.end() :].strip() if behind else ""
        return rest or None
    return None


def asked_of(reading: Reading) -> tuple[str, str] | None:
    """Return the active plugin that a question ends with, and the question without it; None where it does not."""
    text = reading.text.spoken
    for each in reading.plugins:
        if each.state != "on" or not surely_named(each) or not _END.fullmatch(text[each.link.end :]):
            continue
        if "?" in text[each.link.end :] and _OF.fullmatch(text[: each.link.start]):
            return each.link.names[0], _LINKING.sub("", text[: each.link.start]) + "?"
    return None


def asked_about(reading: Reading) -> str | None:
    """Return the plugin that a message asks all about and does nothing else: "tell me about X"; None for any other."""
    text = reading.text.spoken
    for each in reading.plugins:
        if len(each.link.names) != 1 or not each.link.named or not surely_named(each):
            continue
        if _TELL_ME.fullmatch(text[: each.link.start].lstrip()) and _NO_MORE.fullmatch(text[each.link.end :]):
            return each.link.names[0]
    return None


def spells_action(said: str, tool: str) -> bool:
    """Whether *said* begins with the written name of the action of *tool*, as no other word is, or is nothing else."""
    first, action = said.strip().partition(" ")[0].strip(".!"), tool.rpartition("__")[2]
    return first.lower() == action.lower() and ("_" in action or "-" in action or first == said.strip(" .!"))


def begins_with_action(said: str, tool: str) -> bool:
    """Whether *said* begins with the name of the action of *tool*, as an order does that spells it ("greet Ada")."""
    words = tokens(said)
    if words[:1] == ["please"]:
        del words[0]
    name = tokens(tool.rpartition("__")[2])
    return bool(name) and words[: len(name)] == name and len(words) > len(name) and "?" not in said
