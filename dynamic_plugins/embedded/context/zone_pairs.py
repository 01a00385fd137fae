"""Which of two time zones a time of day is said of, and which it is asked for: here and there, ours and theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.extractors import extract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.references import Memory
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.parameters import Parameter
    from dynamic_plugins.embedded.values.typed_values import Value

_LOCAL = re.compile(r"Use '([\w+/-]+)' as local timezone")


def _words(name: str, ahead: str = r"\b", behind: str = r"\b") -> re.Pattern[str]:
    return re.compile(f"{ahead}{phrases('zones', name)}{behind}", re.I)


_CLOCK = rf"(?:own )?{phrases('zones', 'our_clock')}\b"
_MINE = _words("mine", rf"\b(?:our|my) {_CLOCK}|\b")
_THEIRS = _words("theirs", rf"\b(?:his|her|their|theirs) {_CLOCK}|\b")
_I_AM_IN = _words(
    "i_am", behind=rf"\b(?:[\s,]+{phrases('zones', 'in')}){{0,3}}[\s,]*(?:\d[\d:.]*\s*(?:am|pm)?\s*)?[(]?\Z"
)
_OURS, _QUESTION, _IS = _words("ours", r"[\s,(]*"), _words("question"), _words("is", r"\W*", r"\W*")
_THEY_ARE_IN = re.compile(
    r"[\s,.;:()–—-]*(?:(?:and|but|as|cos|because|who)\s+)?(?:she|he|they)(?:['’]?s|['’]?re| is| are)?"
    r"(?: \w+)?\s+(?:in|over in|out in|down in|at)\s+",
    re.I,
)
"""What stands between "her time" and where she is."""
_ENDS = re.compile(r"[.!?;](?:\s|$)")
Side = tuple[str, "str | None", "Span | None"]


@dataclass(frozen=True)
class _Mention:
    """Where a message speaks of a place, of ``here`` or of ``there``; *zone* is None where nothing says which it is."""

    start: int
    end: int
    zone: str | None
    named: bool


def sides(zones: Sequence[Parameter], message: Message, memory: Memory, clocks: Sequence[Value]) -> list[Side]:
    """Return the zones that *message* gives the parameters *zones*, and where; None is a zone that nobody has told."""
    source = next((p for p in zones if re.search(r"source|from|origin", p.name, re.I)), zones[0])
    target = next((p for p in zones if p is not source), zones[-1])
    places, home = message.values.of("place"), _home(zones, message, memory)
    mentions = sorted(_mentions(message, memory, home), key=lambda m: m.start)
    if not clocks:
        return [(target.name, places[-1].unit, (places[-1].start, places[-1].end))] if len(places) == 1 else []
    if not mentions:
        return []
    near = _of_the_time(mentions, message.text, clocks[0])
    others = [m for m in mentions if m is not near and (m.zone != near.zone or m.zone is None)]
    other = max(others, key=lambda m: (m.named, m.zone is not None, m.start), default=None)
    if other is None and near.named and _is_asked_for(near, message.text, clocks[0]):
        return [_side(target, near), *_known(source, near, home or _there(memory, near.zone))]
    if other is None:
        return [_side(source, near), *_known(target, near, _opposite(near, memory, home))]
    return [_side(source, near), _side(target, other)]


def _side(p: Parameter, mention: _Mention) -> Side:
    return p.name, mention.zone, (mention.start, mention.end)


def _known(p: Parameter, near: _Mention, zone: str | None) -> list[Side]:
    return [(p.name, zone, None)] if zone and zone != near.zone else []


def _opposite(near: _Mention, memory: Memory, home: str | None) -> str | None:
    """Return what a time of one place is asked for where nothing else is said: home for one abroad, else abroad."""
    if home is not None and home != near.zone:
        return home
    return _there(memory, near.zone)


def _mentions(message: Message, memory: Memory, home: str | None) -> Iterator[_Mention]:
    places = message.values.of("place")
    yield from (_Mention(v.start, v.end, v.unit, named=True) for v in places)
    quoted = [(v.start, v.end) for v in message.values.of("quoted")]
    for found in _MINE.finditer(message.text):
        if opened := next((start for start, end in quoted if start <= found.start() < end), None):
            # "My time" in a letter is its writer's.
            theirs = next((v.unit for v in reversed(places) if v.end <= opened), None)
            yield _Mention(found.start(), found.end(), theirs, named=False)
            continue
        beside = (v for v in places if _I_AM_IN.search(message.text[: v.start]) and 0 <= v.start - found.end() < 24)
        if (place := next(beside, None)) is not None:
            yield _Mention(found.start(), place.end, place.unit, named=True)
        else:
            yield _Mention(found.start(), found.end(), home, named=False)
    for found in _THEIRS.finditer(message.text):
        before = next((v.unit for v in reversed(places) if v.end <= found.start() and v.unit != home), None)
        behind = next((v.unit for v in places if _THEY_ARE_IN.fullmatch(message.text[found.end() : v.start])), None)
        yield _Mention(found.start(), found.end(), behind or before or _there(memory, home), named=False)


def _of_the_time(mentions: Sequence[_Mention], text: str, clock: Value) -> _Mention:
    """Return the mention that the time of day is said of: in its clause, the nearest, rather behind it than before."""
    question = [m.start() for m in _QUESTION.finditer(text)]

    def far(m: _Mention) -> tuple[bool, bool, int, bool]:
        low, high = sorted((m.start, clock.start))
        between = text[low:high]
        asked = any(low < at < high for at in question)
        gap = m.start - clock.end if m.start >= clock.end else clock.start - m.end
        gap = -1 if m.end <= clock.start and _IS.fullmatch(text[m.end : clock.start]) else gap
        return bool(_ENDS.search(between)), asked, gap, m.start < clock.start

    return min(mentions, key=far)


def _is_asked_for(near: _Mention, text: str, clock: Value) -> bool:
    """Whether the one place of a message stands in the question: there the other time is wanted."""
    return any(clock.end <= m.start() < near.start for m in _QUESTION.finditer(text))


def _home(zones: Sequence[Parameter], message: Message, memory: Memory) -> str | None:
    """Return the person's own zone: as they or the server say, or the one of a pair that was never named."""
    every = zip((message.text, *memory.said), (message.values.of("place"), *memory.places), strict=True)
    for said, places in every:
        for v in places:
            if _OURS.match(said, v.end) or (_I_AM_IN.search(said[: v.start]) and not _is_of_another(said[: v.start])):
                return v.unit
    found = next((m for p in zones if (m := _LOCAL.search(p.description))), None)
    if found and found[1].rpartition("/")[2] not in ("UTC", "GMT", "UCT", "Universal", "Zulu"):
        return found[1]  # a machine that keeps UTC says nothing of its owner
    named = {v.unit for places in memory.places for v in places}
    for call in memory.calls:
        pair = [call.arguments[p.name] for p in zones if p.name in call.arguments]
        unnamed = [zone for zone in pair if zone not in named]
        if len(pair) == len(zones) and len(unnamed) == 1:
            return str(unnamed[0])
        if len(pair) == len(zones) and (mine := _mine_of(call.said, pair)):
            return mine
    return None


def _is_of_another(ahead: str) -> bool:
    return bool(re.search(r"\b(?:is|was|are)\s+here\s+from\b|\bnot\s+(?:in|from)\W*\Z", ahead, re.I))


def _mine_of(said: str, pair: Sequence[object]) -> str | None:
    """Return which of a pair of zones was "for us" in what was said for it, where the other one was named."""
    named = [v.unit for v in extract(said).of("place")]
    rest = [zone for zone in pair if zone not in named]
    return str(rest[0]) if len(rest) == 1 and _MINE.search(said) else None


def _there(memory: Memory, home: str | None) -> str | None:
    """Return the zone that was spoken of last and is not *home*."""
    for places, call in _exchanges(memory):
        for v in reversed(places):
            if v.unit != home:
                return v.unit
        for zone in call:
            if zone != home:
                return zone
    return None


def _exchanges(memory: Memory) -> Iterator[tuple[list[Value], list[str]]]:
    """Give the places and the zones of each exchange, the newest first."""
    for turn, places in enumerate(memory.places, start=1):
        calls = [call for call in memory.calls if call.turn == turn]
        yield places, [str(v) for call in calls for n, v in call.arguments.items() if re.search(r"zone", n, re.I)]
