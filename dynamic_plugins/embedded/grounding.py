"""Arguments that hold what was said: values the engine guessed, brought into the form that the schema demands.

General rules only: a parameter that speaks of time zones gets an IANA zone, one with choices one of them, numbers
are numbers that were said, dates and times are written as the description says, and free text keeps the person's own
spelling. What the engine left out and the message plainly holds is filled in, in the order it was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from dynamic_plugins.embedded.finds import Finds, clock, find, sort_of
from dynamic_plugins.embedded.places import zone

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_WORDS = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_WORDS |= {"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50}
_WORDS |= {"hundred": 100, "dozen": 12}
_LOCAL = re.compile(r"\buse ['\"`]?([\w+-]+(?:/[\w+-]+)*)['\"`]? (?:as|for|when|if)\b.{0,40}\b(?:if no|local)\b", re.I)
_PLACE = re.compile(r"\b(?:in|at|for)\s+(?!the\b|a\b|my\b|our\b)[A-Z]\w+")
_TITLE, TITLE_WORDS = re.compile(r"title|subject|heading|headline", re.I), 6
_FILLED = frozenset({"zone", "clock", "number", "url", "path", "email"})


def ground(arguments: Mapping[str, Any], schema: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Return *arguments* in the form that *schema* demands; what cannot be brought into it is left out."""
    finds = find(said)
    grounded: dict[str, Any] = {}
    used: dict[str, int] = {}
    required = schema.get("required") or ()
    for name, told in (schema.get("properties") or {}).items():
        if not isinstance(told, Mapping):
            continue
        flat = flatten(told)
        sort = sort_of(name, flat)
        value = _value(name, flat, arguments.get(name), said)
        if sort in _FILLED and name in required:
            value = _filled(finds, flat, value, used, said)
        if value is not None:
            grounded[name] = value
    return grounded | _titles(grounded, schema)


def _titles(grounded: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """Return a title for what has a text and needs a title that nobody said: the first words of the text."""
    texts = [value for value in grounded.values() if isinstance(value, str)]
    missing = [name for name in lacking(grounded, schema) if _TITLE.search(name)]
    return {name: " ".join(texts[0].split()[:TITLE_WORDS]) for name in missing} if texts else {}


def _filled(finds: Finds, told: Mapping[str, Any], value: Any, used: dict[str, int], said: str) -> Any:
    """Return what was said for a required parameter, in the order of saying, where the engine's value is none of it."""
    sort = (
        sort_of("", told) if told.get("type") in ("integer", "number") else sort_of(str(told.get("description")), told)
    )
    said_values = finds.of(sort)
    place = used.get(sort, 0)
    used[sort] = place + 1
    if sort == "zone" and not said_values and (value is None or str(value) in str(told.get("description"))):
        # The engine takes the description's examples for what was said.
        return _local(told, said) if place == 0 else None
    if value is not None and (str(value) in said_values or not said_values):
        return value
    if place >= len(said_values):
        return value
    return _value("", told, said_values[place], said) if sort == "number" else said_values[place]


def lacking(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the parameters that *schema* requires and *arguments* lack."""
    return [name for name in schema.get("required") or () if name not in arguments and not _nullable(schema, name)]


def _nullable(schema: Mapping[str, Any], name: str) -> bool:
    told = (schema.get("properties") or {}).get(name) or {}
    kinds = told.get("type")
    return "null" in (kinds if isinstance(kinds, list) else [kinds]) or any(
        isinstance(each, Mapping) and each.get("type") == "null" for each in told.get("anyOf") or ()
    )


def flatten(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a property's schema with the branch that is not null taken up, and one plain type."""
    flat = dict(told)
    for branch in told.get("anyOf") or told.get("oneOf") or ():
        if isinstance(branch, Mapping) and branch.get("type") != "null":
            flat = {**branch, **{key: value for key, value in flat.items() if key not in ("anyOf", "oneOf")}}
            break
    if isinstance(flat.get("type"), list):
        flat["type"] = next((each for each in flat["type"] if each != "null"), "string")
    return flat


def _value(name: str, told: Mapping[str, Any], value: Any, said: str) -> Any:
    match sort_of(name, told):
        case "choice":
            return _choice(told["enum"], value)
        case "number":
            return _number(value, said, whole=told["type"] == "integer")
        case "flag":
            return _boolean(value)
        case "list":
            return _list(name, told, value, said)
        case "zone":
            return zone(str(value)) or _local(told, said) if value is not None else None
        case "clock":
            return clock(str(value)) if value is not None else None
        case "date":
            return day(str(value)) if value is not None else None
    return _text(value, said)


def _choice(choices: list[Any], value: Any) -> Any:
    return next((choice for choice in choices if str(choice).lower() == str(value).lower().strip()), None)


def _number(value: Any, said: str, *, whole: bool) -> int | float | None:
    if isinstance(value, str):
        found = _NUMBER.search(value)
        value = float(found.group().replace(",", ".")) if found else _WORDS.get(value.lower().strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    told = {float(each.replace(",", ".")) for each in _NUMBER.findall(said)}
    told |= {float(number) for word, number in _WORDS.items() if re.search(rf"\b{word}\b", said, re.I)}
    if float(value) not in told:
        return None  # a number that nobody said is made up
    return int(value) if whole or float(value).is_integer() else float(value)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return known.get(str(value).lower())


def _list(name: str, told: Mapping[str, Any], value: Any, said: str) -> Any:
    if told.get("type") == "object":
        return value if isinstance(value, Mapping) else None
    if isinstance(value, str):
        value = [part.strip() for part in re.split(r",|\band\b", value) if part.strip()]
    if not isinstance(value, list):
        return None
    inner = told.get("items")
    items = flatten(inner) if isinstance(inner, Mapping) else {}
    return [each for each in (_value(name, items, one, said) for one in value) if each is not None] or None


def _text(value: Any, said: str) -> str | None:
    """Return *value* as the person wrote it, where they did."""
    if value is None or isinstance(value, (Mapping, list)):
        return None
    text = str(value).strip()
    at = said.lower().find(text.lower())
    return (said[at : at + len(text)] if at >= 0 else text) or None


def _local(told: Mapping[str, Any], said: str) -> str | None:
    """Return the zone that a parameter says counts where none was said; a place that nobody knows is none of it."""
    if _PLACE.search(said):
        return None
    description = str(told.get("description") or "")
    if found := _LOCAL.search(description):
        return zone(found[1])
    return "UTC" if "utc" in description.lower() else None


def day(text: str, today: date | None = None) -> str | None:
    """Return the day that *text* names as YYYY-MM-DD; None when it names none that is understood."""
    today = today or date.today()
    if found := re.search(r"\d{4}-\d{2}-\d{2}", text):
        return found.group()
    words = text.lower()
    for word, days in {"day after tomorrow": 2, "tomorrow": 1, "today": 0, "yesterday": -1}.items():
        if word in words:
            return (today + timedelta(days=days)).isoformat()
    weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    for number, word in enumerate(weekdays):
        if word in words:
            return (today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)).isoformat()
    return None
