"""The place that a message consists of, where a place was spoken of before: "no way. narvik", "and largs?"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import concepts, fillers, verb_kinds
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.cities import cities_in
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from dynamic_plugins.embedded.context.message import Message

BARE = 6
"""A message of more words than these is more than a place by itself."""
_PART = re.compile(r"[\s¿¡(]*(?:(?:and|und|y|et|e|en|og|och|i)\s+)?([^.,;:!?()]+)[.,;:!?)]*")
_AND_THERE = re.compile(
    r"^\W*(?:(?:and|und|y|et|e|en|og|och|i|ok|okay|what about|how about)\s+)+([^\W\d_][\w'’-]+)", re.I
)


def bare_place(message: Message) -> re.Match[str] | None:
    """Return the place that is all of a short message, or stands behind "and"."""
    if (found := _AND_THERE.match(message.text)) and all(map(_may_be_place, found[1].split())):
        return found
    if len(message.words) > BARE:
        return None
    parts = [m for m in _PART.finditer(message.text) if len(m[1].split()) < 4]
    left = [m for m in parts if all(_may_be_place(word) for word in m[1].split())]
    known = [m for m in left if is_city(m[1]) or (m[1][:1].isupper() and m.start()) or m[0].endswith("?")]
    return known[0] if len(known) == 1 else None


def is_city(name: str) -> bool:
    """Whether *name* is one of the known cities, by itself."""
    return any(span == (0, len(name)) for _, span in cities_in(name))


def _may_be_place(word: str) -> bool:
    parts = [plain(part) for part in re.split(r"['’-]", word) if part]
    return bool(parts) and all(part.isalpha() for part in parts) and not all(map(_says_another_thing, parts))


def _says_another_thing(word: str) -> bool:
    other = word in _NO_PLACES or word in fillers() or word in number_words() or len(word) < 2
    return other or bool(verb_kinds(word) or concepts(word))


_NO_PLACES = frozenset(
    [
        "way", "same", "days", "also", "side", "again", "lol", "thanks", "wow", "hmm", "tomorrow", "today",
        "tonight", "yesterday", "morgen", "heute", "mañana", "hoy", "demain", "domani", "amanhã", "jutro", "weekend",
        "wochenende", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "why", "how",
        "when", "where", "who", "what", "never", "perfect", "nice", "lovely", "sorry", "wait", "stop", "rain",
        "snow", "wind", "there", "then", "instead", "too", "week", "hours", "hour", "minutes",
    ]
)  # fmt: skip
