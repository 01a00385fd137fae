"""What a message holds that arguments are made of: zones, times of day, numbers, addresses, paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.embedded.places import known_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

Sort = Literal["zone", "clock", "date", "number", "url", "path", "email", "choice", "flag", "list", "text"]

_ZONE = re.compile(r"time[\s_-]?zone|\btz\b|\biana\b", re.I)
_CLOCK = re.compile(r"hh:mm|24-?hour", re.I)
_DATE = re.compile(r"yyyy-mm-dd", re.I)
_URL = re.compile(r"\bur[il]\b|web address|\blink\b", re.I)
_PATH = re.compile(r"\bpath\b|\bfolder\b|\bdirectory\b|_path\b|\bfile ?name\b", re.I)
_EMAIL = re.compile(r"\be-?mail address\b|\bemail\b", re.I)

SAID_URL = re.compile(
    r"\bhttps?://[^\s<>\"']+[^\s<>\"'.,;:!?)]|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|ch|de|uk)(?:/\S*)?\b", re.I
)
SAID_PATH = re.compile(
    r"(?<![\w/:])(?:~|\.{1,2})?/[\w.~/-]*[\w/]|\b[A-Z]:\\[^\s\"']+|(?<![\w/.])[\w-]+\.[a-z]{2,4}\b(?!/)"
)
SAID_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
SAID_CLOCK = re.compile(
    r"\b(\d{1,2})[:.h](\d{2})\s*(am|pm|a\.m\.|p\.m\.)?(?!\w)|\b(\d{1,2})\s*(am|pm|a\.m\.|p\.m\.|uhr|o'clock)(?!\w)|"
    r"\b(noon|midday|midnight)\b",
    re.I,
)
SAID_NUMBER = re.compile(r"(?<![\w.:/-])-?\d+(?:\.\d+)?(?![\w:/]|\.\d)")


@dataclass(frozen=True)
class Finds:
    """What was found, each in the order it was said."""

    zones: tuple[str, ...]
    clocks: tuple[str, ...]
    numbers: tuple[str, ...]
    urls: tuple[str, ...]
    paths: tuple[str, ...]
    emails: tuple[str, ...]

    def of(self, sort: Sort) -> tuple[str, ...]:
        """Return what was found of one *sort*; nothing for sorts that are not looked for."""
        return {
            "zone": self.zones,
            "clock": self.clocks,
            "number": self.numbers,
            "url": self.urls,
            "path": self.paths,
            "email": self.emails,
        }.get(sort, ())


def find(said: str) -> Finds:
    """Return what *said* holds."""
    urls = tuple(found.group() for found in SAID_URL.finditer(said))
    rest = SAID_URL.sub(" ", said)
    emails = tuple(found.group() for found in SAID_EMAIL.finditer(rest))
    rest = SAID_EMAIL.sub(" ", rest)
    clocks = tuple(time for found in SAID_CLOCK.finditer(rest) if (time := clock(found.group())))
    return Finds(
        _zones(rest),
        clocks,
        tuple(found.group() for found in SAID_NUMBER.finditer(SAID_CLOCK.sub(" ", rest))),
        urls,
        tuple(found.group() for found in SAID_PATH.finditer(rest)),
        emails,
    )


_SAYS_REQUIRED, _CATCH_ALL = "(required)", "plain words"


def wanted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* with what its descriptions say, too.

    A parameter described as "(required)" is required. One that takes the whole request in plain words is left out
    where there are others: it is for callers who cannot tell them apart.
    """
    properties = {name: told for name, told in (schema.get("properties") or {}).items() if isinstance(told, dict)}
    own = {name: told for name, told in properties.items() if _CATCH_ALL not in str(told.get("description"))}
    required = [*(schema.get("required") or ())]
    required += [name for name, told in own.items() if _SAYS_REQUIRED in str(told.get("description")).lower()]
    return {**schema, "properties": own or properties, "required": list(dict.fromkeys(required))}


def sort_of(name: str, told: Mapping[str, Any]) -> Sort:
    """Return what sort of value the parameter *name* wants."""
    if isinstance(told.get("enum"), list):
        return "choice"
    match told.get("type"):
        case "integer" | "number":
            return "number"
        case "boolean":
            return "flag"
        case "array" | "object":
            return "list"
    about = f"{name.replace('_', ' ')} {name} {told.get('description') or ''} {told.get('format') or ''}"
    for pattern, sort in _SORTS:
        if pattern.search(about):
            return sort
    return "text"


_SORTS: list[tuple[re.Pattern[str], Sort]] = [
    (_ZONE, "zone"),
    (_CLOCK, "clock"),
    (_DATE, "date"),
    (_URL, "url"),
    (_EMAIL, "email"),
    (_PATH, "path"),
]


def clock(text: str) -> str | None:
    """Return the time of day in *text* as HH:MM, 24 hours; None when there is none."""
    found = SAID_CLOCK.search(text)
    if found is None:
        return None
    if word := found[6]:
        return "00:00" if word.lower() == "midnight" else "12:00"
    hour, minute = int(found[1] or found[4]), int(found[2] or 0)
    half = (found[3] or found[5] or "").lower().replace(".", "")
    if half == "pm" and hour < 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


def _zones(said: str) -> tuple[str, ...]:
    """Return the zones of the places that *said* names; the longest name at each place."""
    words = list(re.finditer(r"[^\W\d_][\w.'/+-]*", said))
    zones, index = [], 0
    while index < len(words):
        for count in (3, 2, 1):
            if index + count > len(words):
                continue
            place = said[words[index].start() : words[index + count - 1].end()]
            # Short names are also words ("la", "et"): they count when they are written as names.
            if (len(place) > 3 or place.isupper() or place.lower() in {"nyc"}) and (zone := known_zone(place)):
                zones.append(zone)
                index += count - 1
                break
        index += 1
    return tuple(zones)
