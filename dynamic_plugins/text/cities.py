"""The time zones of some thirty thousand cities, for names that stand where a place does.

``cities.txt.gz`` is made by ``evals/make_cities.py`` of GeoNames' cities of more than 15,000 people (CC BY 4.0). Many
are words as well (Same, Most, Best), so that a name alone says little: what stands before it has to.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

from anyascii import anyascii

NEAR = 60
"""So many letters before a name say whether a place stands there."""
FILE = Path(__file__).with_name("cities.txt.gz")
_NAME = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_BEFORE = re.compile(
    r"(?:\b(?:in|at|from|near|to|for|around|over in|nach|bei|aus|über|à|en|de|desde|para|em|da|di|w|z|dla|till|från"
    r"|time|times|clock|weather|forecast|zeit|uhrzeit|wetter|hora|tiempo|clima|heure|météo|meteo|tempo|pogoda|czas)"
    r"[\s:]+|\d\s?(?:am|pm|a\.m\.|p\.m\.|h|uhr)\s+"
    r"|^\W*(?:(?:and|und|y|et|e|or|now|what about|how about|same for)\s+)*|,\s+)\Z",
    re.I,
)
_ALONE = re.compile(r"(?:^\W*(?:(?:and|und|y|et|e|or|now)\s+)*|,\s+)\Z", re.I)
"""Where nothing but its place in the message says that a name is one: then nothing may follow."""

_BEHIND = re.compile(
    r"\s+(?:port|office|airport|harbou?r|docks?|depot|plant|warehouse|terminal|time|branch|campus)\b", re.I
)
"""What is often named after its city: then the city is one wherever the name stands."""


def key(name: str) -> str:
    """Return a name as it is looked up: small Latin letters, without accents."""
    return re.sub(r"[\s-]+", " ", anyascii(name).lower()).strip()


@cache
def _cities() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in gzip.decompress(FILE.read_bytes()).decode().splitlines():
        zone, _, names = line.partition("\t")
        found.update(dict.fromkeys(names.split("|"), zone))
    return found


def cities_in(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Return the cities that *text* names anywhere, and where, for who knows that it names one."""
    words = list(_NAME.finditer(text))
    found: list[tuple[str, tuple[int, int]]] = []
    for count in (3, 2, 1):
        for first, last in zip(words, words[count - 1 :], strict=False):
            span = (first.start(), last.end())
            if key(text[span[0] : span[1]]) in _cities() and not any(
                s < span[1] and span[0] < e for _, (s, e) in found
            ):
                found.append((text[span[0] : span[1]], span))
    return sorted(found, key=lambda each: each[1])


def city_zone(place: str, ahead: str, behind: str) -> str | None:
    """Return the time zone of *place* where it is a city and stands where one does, between *ahead* and *behind*."""
    near = ahead if len(ahead) <= NEAR else f"x{ahead[-NEAR:]}"  # a long text is not searched for each of its words
    offices = place[:1].isupper() and _BEHIND.match(behind) is not None
    if not offices and (
        not _BEFORE.search(near) or (_ALONE.search(near) and behind.strip()[:1] not in ("", ",", ".", "?", "!"))
    ):
        return None
    name = key(place)
    if zone := _cities().get(name):
        return zone
    is_name = place[:1].isupper() and bool(re.search(r"\w", ahead)) and not (place.isupper() and ahead.isupper())
    return _cities().get(f"!{name}") if is_name else None


def words_of_places(text: str) -> frozenset[str]:
    """Return the words, in small letters without accents, of the cities that *text* names where a place stands."""
    words = list(_NAME.finditer(text))
    found: set[str] = set()
    for count in (3, 2, 1):
        for first, last in zip(words, words[count - 1 :], strict=False):
            start, end = first.start(), last.end()
            if start and city_zone(text[start:end], text[:start], text[end:]):
                found.update(key(text[start:end]).split())
    return frozenset(found)
