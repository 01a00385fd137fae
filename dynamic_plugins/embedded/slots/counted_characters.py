"""Things with amounts in scripts that write no spaces, or a counter behind the number: "牛乳2本と卵10個をリストに"."""

from __future__ import annotations

import re

from dynamic_plugins.embedded.language.turns_of_phrase import phrases

_FAR_EAST = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_NUMBER = r"(\d+|[一二两兩三四五六七八九十百]+|한|두|세|네|다섯|여섯)"
_VALUES = {
    **{character: value for value, character in enumerate("一二三四五六七八九十", start=1)},
    "两": 2,
    "兩": 2,
    "한": 1,
    "두": 2,
    "세": 3,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "百": 100,
}
_COUNTER, _PARTICLES = phrases("items", "counters"), phrases("items", "particles")
_BEHIND = re.compile(
    rf"([^\s\d、。，,.!?！？]+(?: [^\s\d、。，,.!?！？]+)?)\s*{_NUMBER}\s*{_COUNTER}\s*"
    rf"(?:{_PARTICLES})*\s*"
)
_AHEAD = re.compile(rf"{_NUMBER}\s*{_COUNTER}\s*([^\s\d和跟、。，,.!?！？到放进在]+)(?:{_PARTICLES})*")
_OBJECTS = re.compile(
    rf"([^。！？!?\n]+?)(?:を|도|을|를|，)?[、,]?\s*{phrases('items', 'to_the_list')}(?:に|へ|에|里|上)"
)
_BEGINS = re.compile(rf"\A(?:(?:{phrases('items', 'begins_cjk')}|{_PARTICLES})\s*)+")
_ENDS = re.compile(rf"(?:{_PARTICLES})+\Z")
LONGEST = 16
"""A thing is named in so many characters at most."""


def counted_characters(text: str) -> list[tuple[str, int | float | None]]:
    """Return the things of an order in Japanese, Korean or Chinese, with their amounts; empty in other languages."""
    if not _FAR_EAST.search(text):
        return []
    text = re.split(r"[。！？!?\n]\s*", text.strip("。！？!?\n "))[-1]
    ahead = list(_AHEAD.finditer(text)) if _AHEAD.match(_BEGINS.sub("", text)) else []
    if ahead:
        found = [(_BEGINS.sub("", m[2]), _number(m[1])) for m in ahead]
    else:
        found = [(_ENDS.sub("", _BEGINS.sub("", m[1].strip())), _number(m[2])) for m in _BEHIND.finditer(text)]
    if not found and (named := _OBJECTS.match(text)):
        return [(name, None) for name in _parts(named[1])]
    return [(name, number) for name, number in found if name and len(name) <= LONGEST]


def _parts(text: str) -> list[str]:
    parts = [_ENDS.sub("", _BEGINS.sub("", part.strip())) for part in re.split(r"と|、|랑|하고|和", text)]
    return parts if all(part and len(part) <= LONGEST for part in parts) else []


def _number(written: str) -> int:
    if written.isdigit():
        return int(written)
    if written in _VALUES:
        return _VALUES[written]
    total = 0
    for character in written:
        value = _VALUES.get(character, 0)
        total = (total or 1) * value if value in (10, 100) else total + value
    return total
