"""What is said to be done with which plugin: "use X to …", "with X, …", "… of X?"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.plain_order import surely_named
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from dynamic_plugins.embedded.reading import Reading

_BEFORE = re.compile(
    r"(?:(?:please|now|ok|okay|hey),? )*(?:use|using|with|ask|let|have)(?: the| my)?\s*", re.IGNORECASE
)
_BEHIND = re.compile(r"\s*(?:plugin|server|extension)?\s*(?:,|:|\bto\b|\band\b)?\s*", re.IGNORECASE)

_OF = re.compile(r".*\S\s+(?:of|from|with|using|via|through|by|in)(?: the| my)?\s*", re.IGNORECASE | re.DOTALL)
_END = re.compile(r"(?:\s+(?:plugin|server|extension))?[\s?.!]*", re.IGNORECASE)
_LINKING = re.compile(r"\s+\S+(?:\s+(?:the|my))?\s*\Z", re.IGNORECASE)


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


def begins_with_action(said: str, tool: str) -> bool:
    """Whether *said* begins with the name of the action of *tool*, as an order does that spells it ("greet Ada")."""
    words = tokens(said)
    if words[:1] == ["please"]:
        del words[0]
    name = tokens(tool.rpartition("__")[2])
    return bool(name) and words[: len(name)] == name and len(words) > len(name) and "?" not in said
