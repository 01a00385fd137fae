"""Places that people write, as far as they lie in a known time zone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.values.places import places_within
from dynamic_plugins.embedded.values.places import zone as zone_of
from dynamic_plugins.embedded.values.typed_values import Value
from dynamic_plugins.text.cities import city_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"(?:St|Ste|Mt|Ft|S|D|B)\.(?=\s[A-Z])|[^\W\d_][\w'’/+-]*(?:\.(?=[A-Z]\.))?")
_SHORT = frozenset(["nyc", "la", "sf", "uk", "usa", "us", "utc", "gmt", "cet", "est", "pst", "uae"])
_NO_PLACES = frozenset(
    [
        "us",
        "la",
        "me",
        "et",
        "est",
        "eat",
        "sat",
        "mst",
        "met",
        "wet",
        "cat",
        "art",
        "mit",
        "west",
        "east",
        "north",
        "south",
        "central",
        "general",
        "israel",
        "man",
        "reading",
        "nice",
        "most",
        "mobile",
        "bar",
        "split",
        "male",
        "lima",
        "van",
        "easter",
        "knox",
        "center",
        "monday",
        "navy",
        "turkey",
        "iran",
        "zulu",
        "universal",
        "factory",
        "poland",
        "greenwich",
        "egypt",
        "cuba",
        "rome",
        "page",
        "jan",
        "may",
        "march",
        "troll",
        "cairo",
        "date",
        "time",
        "wake",
        "midway",
        "easter",
    ]
) - frozenset(["israel", "lima", "poland", "turkey", "iran", "cuba", "egypt", "rome", "cairo"])


def places(text: str) -> Iterator[Value]:
    """Give the places in *text* that lie in a known time zone; the zone is their *unit*."""
    if not text.isascii():
        yield from (Value("place", name, at, at + len(name), unit=zone) for name, zone, at in places_within(text))
    words = list(_NAME.finditer(text))
    index = 0
    while index < len(words):
        step = 1
        for count in (3, 2, 1):
            if index + count > len(words):
                continue
            start, end = words[index].start(), words[index + count - 1].end()
            place = text[start:end]
            if not _may_be_a_place(place, text[:start]):
                continue
            if zone := zone_of(place) or city_zone(place, text[:start], text[end:]):
                yield Value("place", place, start, end, unit=zone)
                step = count
                break
        index += step


_BREAK = re.compile(r"[^\w\s'’/+.-]")


def _is_within(place: str) -> bool:
    """Whether a comma in *place* stands before the country or the state that the place lies in: "Portland, Oregon"."""
    name, mark, where = place.partition(",")
    where = where.strip()
    named = bool(where) and all(word[0].isupper() and len(word) > 1 for word in where.split())
    return mark == "," and len(name) > 3 and (named or zone_of(where) is not None)


_WHOLE = re.compile(r"\W*(?:and|or|what about|how about|same for)\s+", re.I)
_AFTER_A_CLOCK = re.compile(r"\d\s?(?:am|pm|a\.m\.|p\.m\.|h|uhr)?\s$", re.I)


def _may_be_a_place(place: str, ahead: str) -> bool:
    low = place.lower()
    if _BREAK.search(place) and not _is_within(place):
        return False  # "20 Uhr ist, wie spät …", "in Porto, there is rain?"
    if place.isupper() and 1 < len(place) < 5 and _AFTER_A_CLOCK.search(ahead):
        return True
    if low in _SHORT:
        return (
            place.isupper()
            or low == "nyc"
            or (low not in _NO_PLACES and low != "la")
            or ahead.endswith(("in ", "for "))
            or _WHOLE.fullmatch(ahead) is not None
        )
    return len(place) > 3 and low not in _NO_PLACES
