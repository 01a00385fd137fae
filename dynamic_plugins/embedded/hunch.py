"""What is probably wanted where no rule read an order: from words that hint at it, and from how the plugins stand.

Nobody can list all the ways to say "switch it off". But what is off is not switched off, and what is not installed can
only be installed, so a hint and the state leave little to guess. A hunch is only ever asked about, never acted on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.embedded import curious
from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.decide import Step
from dynamic_plugins.embedded.phrases import Text, cues, word_set
from dynamic_plugins.embedded.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.phrases import Hit
    from dynamic_plugins.embedded.second_thoughts import Reading
    from dynamic_plugins.embedded.standing import Standing
    from dynamic_plugins.embedded.targets import Mention

Hint = Literal["off", "on", "gone", "get"]
HINTS: tuple[Hint, ...] = ("off", "on", "gone", "get")


@dataclass
class Stretch:
    """A stretch of the message about the same plugins: what hints at a wish in it."""

    slots: list[int] = field(default_factory=list)
    hints: set[Hint] = field(default_factory=set)
    at: int = 0
    asks: bool = False
    """Whether it only asks or tells, so that nothing but a hint makes a wish of it."""


def steps(text: Text, mentions: Sequence[Mention], reading: Reading, standing: Standing) -> list[Step]:
    """Return what *text* may want of the plugins it names; *reading* tells which are to be left alone."""
    apart = reading.spared | {slot for order in reading.withdrawn for slot in order.slots}
    found = []
    for stretch in _stretches(text):
        for slot in stretch.slots:
            target = mentions[slot].target
            if slot in apart or target.name is None:
                continue
            intent = _intent(stretch, target.name, standing)
            known = target.sure and not mentions[slot].weak
            if intent and (stretch.hints or known or (target.name in standing and not mentions[slot].weak)):
                found.append(Step(intent, target, False, stretch.at))
    return found or _of_all(text, mentions, reading, standing)


def _of_all(text: Text, mentions: Sequence[Mention], reading: Reading, standing: Standing) -> list[Step]:
    """Return what *text* may want of all plugins but those that it sets apart."""
    if o.refers(text) != "all":
        return []
    spared = {mentions[slot].target.name for slot in reading.spared}
    hints = {hint for hint in HINTS if cues("hints", hint).match(text)}
    if "gone" in hints:
        intent, names = "unload", list(standing.plugins)
    elif "off" in hints:
        intent, names = "deactivate", standing.active
    else:
        intent, names = "activate", standing.inactive if "on" in hints else []
    return [Step(intent, Target((name,), name, sure=False), False) for name in names if name not in spared]


def _stretches(text: Text) -> list[Stretch]:
    """Cut *text* where another plugin comes into it; what names none belongs to what was said before it."""
    found: list[Stretch] = []
    waiting: set[Hint] = set()
    for part, idle in _parts(text):
        slots, hints = o.slots(part), _hints(part)
        if re.search(r" v?\d+\.\d", part.joined):
            hints.add("get")  # a version is asked for to be installed
        if slots:
            found.append(Stretch(slots, hints | waiting, part.starts[0], idle))
            waiting = set()
        elif found:
            found[-1].hints |= hints
        else:
            waiting |= hints
    for after, before in pairwise(reversed(found)):
        # "Slack, Teams and Mattermost can go to sleep": the last of a list tells for all.
        if not before.hints:
            before.hints = set(after.hints)
    for before, after in pairwise(found):
        if not after.hints:
            after.hints = set(before.hints)
    return found


def _parts(text: Text) -> Iterator[tuple[Text, bool]]:
    for start, end in o.sentences(text):
        sentence = text.part(start, end)
        if curious.asks(sentence):
            continue
        begin = 0
        for index, word in enumerate([*sentence.words, ","]):
            if word in o.BREAKS or word in o.JOINS:
                if part := sentence.part(begin, index):
                    yield part, _idle(sentence)
                begin = index + 1


def _hints(part: Text) -> set[Hint]:
    found = {hint: cues("hints", hint).find(part) for hint in HINTS}
    # "Knock it on the head": a small word hints at something only where a stretch ends with it.
    small = {index for index, word in enumerate(part.words[:-1]) if word in _SMALL}
    every = [hit for hits in found.values() for hit in hits]
    return {
        hint
        for hint, hits in found.items()
        if any(not _among(hit, small) and not any(_within(hit, other) for other in every) for hit in hits)
    }


def _within(hit: Hit, other: Hit) -> bool:
    """Whether a hint is a part of a longer one: "out" in "out of retirement"."""
    mine, longer = o.literal_words(hit), o.literal_words(other)
    return mine < longer


_SMALL = frozenset(
    {"on", "an", "up", "use", "again", "run", "in", "out", "off", "av", "på", "aan", "uit", "aus", "ein", "down"}
)


def _among(hit: Hit, small: set[int]) -> bool:
    return hit.end - hit.start == 1 and hit.start in small


def _idle(sentence: Text) -> bool:
    """Whether a sentence asks or tells rather than orders."""
    first = next((word for word in sentence.words if re.search(r"\w", word)), "")
    if first in word_set("cues", "subjects") or cues("cues", "wonders").begins(sentence):
        return True
    return "?" in sentence.words and not cues("questions", "requests").match(sentence)


def only_tells(text: Text) -> bool:
    """Whether *text* is somebody's story ("I had pizza for lunch"): it asks nothing and wishes nothing."""
    first = next((word for word in text.words if re.search(r"\w", word)), "")
    asks = "?" in text.words or cues("cues", "asks").match(text)
    wishes = word_set("cues", "wishes") & set(text.words)
    return first in word_set("cues", "subjects") and not asks and not wishes


def _intent(stretch: Stretch, name: str, standing: Standing) -> str:
    """Return the likeliest wish for the plugin *name*, empty when there is none."""
    hints = stretch.hints
    if name not in standing:
        if hints & {"on"} and not hints & {"get"}:
            return "activate"
        return "" if hints and hints <= {"off", "gone"} else "install"
    if "gone" in hints and ("off" in hints or not hints & {"on", "get"} or not standing.is_active(name)):
        return "unload"
    if not standing.is_active(name):
        return "" if hints == {"off"} or (stretch.asks and not hints) else "activate"
    if "off" in hints:
        return "deactivate"
    return "unload" if "gone" in hints else "" if hints or stretch.asks else "deactivate"
