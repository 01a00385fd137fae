"""IANA time zones by what people call them."""

from __future__ import annotations

import re
from functools import cache

from dynamic_plugins.core import prompt_files

_NO_PLACES = ("Etc/", "SystemV/", "US/", "posix/", "right/")
_OFFSET = re.compile(r"(?:utc|gmt)\s*([+-])(\d{1,2})(?::?00)?")


@cache
def _zones() -> dict[str, str]:
    """Return zones by their own name, their city, and places that the database does not list."""
    from zoneinfo import available_timezones

    names = sorted(available_timezones())
    zones = {name.lower(): name for name in names if "/" in name or name in {"UTC", "GMT"}}
    for name in names:
        area, _, city = name.rpartition("/")
        if area and not name.startswith(_NO_PLACES):
            zones.setdefault(city.lower().replace("_", " "), name)
    for table in ("embedded/places_abroad.toml", "embedded/places.toml"):
        for zone, places in prompt_files.table(table).items():
            zones |= {place.lower(): zone for place in places}
    # Small countries that are a zone of their own in the database (Japan, Singapore, Jamaica).
    return {name.lower(): name for name in names if "/" not in name and len(name) > 4} | zones


@cache
def _unspaced() -> re.Pattern[str]:
    """Places of languages that put no space between words."""
    names = [name for name in _zones() if len(name) > 1 and all("\u3040" <= c <= "\uffdc" for c in name)]
    return re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)))


def places_within(text: str) -> list[tuple[str, str, int]]:
    """Return the places of unspaced languages in *text*: the name, its zone, and where it begins."""
    return [(found.group(), _zones()[found.group()], found.start()) for found in _unspaced().finditer(text)]


def known_zone(place: str) -> str | None:
    """Return the zone that *place* is, exactly."""
    return _zones().get(re.sub(r"\s+", " ", place.lower().strip(" .,?!")))


def zone(text: str) -> str | None:
    """Return the IANA zone that *text* means: a zone, a city, a country with one zone, an abbreviation, an offset."""
    words = re.sub(r"\s+", " ", text.lower().replace("_", " ").strip(" .,?!"))
    tries = (text, words, words.rsplit("/", 1)[-1], words.removesuffix(" time"), words.split(",")[0])
    for said in tries:
        if found := known_zone(said):
            return found
    if offset := _OFFSET.fullmatch(words):
        # In the database's own names the sign is turned round: Etc/GMT-2 is two hours east.
        return f"Etc/GMT{'-' if offset[1] == '+' else '+'}{int(offset[2])}"
    return None
