"""From a message to its orders: which verbs order something, and of which plugins."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from dynamic_plugins.embedded import curious
from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.clause import object_of, order_in, shifted
from dynamic_plugins.embedded.doubts import conditions
from dynamic_plugins.embedded.phrases import Hit, Text, cues, word_set
from dynamic_plugins.embedded.second_thoughts import (
    Reading,
    add,
    falter,
    let_be,
    no_at_the_end,
    no_verb,
    withdraw,
)

Likely = Callable[[Sequence[str]], bool]
"""Tells whether words may name a plugin."""


def judge(text: Text, likely: Likely) -> Reading:
    """Return the orders in *text*, whose mentions are masked as ⟨0⟩, ⟨1⟩ …"""
    reading = Reading()
    for number, (start, end) in enumerate(o.sentences(text)):
        sentence = text.part(start, end)
        _sentence(reading, sentence, number, likely)
        let_be(reading, sentence, number)
        falter(reading, sentence, number)
    for order in reading.orders:
        order.slots = [slot for slot in order.slots if slot not in reading.spared]
    reading.orders = [order for order in reading.orders if order.slots or order.refers == "all" or not order.had_slots]
    return reading


def _sentence(reading: Reading, sentence: Text, number: int, likely: Likely) -> None:
    sentence = _without_what_stays(reading, sentence)
    named_before = bool(reading.floating or any(order.slots for order in reading.orders))
    hits = _useful(_verbs(sentence), sentence, likely, named_before)
    if not hits:
        no_verb(reading, sentence, number)
        return
    refused_to = -1
    wonders = curious.wonders(sentence)
    for index, (hit, (start, end)) in enumerate(zip(hits, o.clauses(sentence, hits), strict=True)):
        clause = sentence.part(start, end)
        order = order_in(clause, shifted(hit, start), number)
        if refused_to >= 0 and _ORS & set(sentence.words[refused_to : hit.start]):
            order.doubts.add("refused")  # "do not start or unload it"
            order.given = False
        refused_to = hit.end if "refused" in order.doubts else -1
        if wonders:
            order.doubts.add("wondered")
            order.given = False
        before = sentence.part(0, hit.start)
        order.doubts |= conditions(before) if index == 0 else set()
        if "?" in sentence.words and not cues("cues", "asks").match(before):
            order.doubts.add("asked")
        reading.floating += [slot for slot in order.apart if slot not in reading.floating]
        reading.aside += order.apart
        if order.given and not order.slots and index == 0:
            _before_it(reading, sentence.part(0, start))
        add(reading, order, clause, sentence)
    if reading.orders and no_at_the_end(sentence, hits[-1].end):
        withdraw(reading)
        reading.taken_back = number


def _without_what_stays(reading: Reading, sentence: Text) -> Text:
    """Take out the stretches that say of a plugin that it stays as it is ("…, matrix can stay")."""
    kept: list[int] = []
    begin = 0
    for end in range(len(sentence) + 1):
        if end < len(sentence) and not (sentence.words[end] in o.BREAKS or sentence.words[end] in o.JOINS):
            continue
        part = sentence.part(begin, end)
        if _stays(part):
            reading.spared |= set(o.slots(part))
            reading.kept = True
        else:
            kept += range(begin, min(end + 1, len(sentence)))
        begin = end + 1
    return sentence.choose(kept) if len(kept) < len(sentence) else sentence


def _stays(part: Text) -> bool:
    """Whether *part* says of a plugin that it stays; "keep X quiet" and "X stays installed" say something else."""
    found = cues("cues", "stays").find(part) if o.slots(part) else []
    if not found or any(word in word_set("cues", "stays_only") for word in part.words):
        return False
    said = {index for hit in found for index in o.literal_words(hit)}
    return not any(hit.label.sure and not o.literal_words(hit) <= said for hit in o.verb_hits(part))


_ORS = frozenset({"or", "nor", "oder", "noch", "ou", "ni", "o", "né", "of", "или", "ни", "lub", "ani", "eller"})


def _before_it(reading: Reading, before: Text) -> None:
    reading.floating += [slot for slot in o.slots(before) if slot not in reading.floating]


def _verbs(sentence: Text) -> list[Hit]:
    """Return the verbs, but those that are part of a taking back ("hold on", "scrap that") or are nouns ("the use")."""
    apart: set[int] = set()
    for name in ("cancels", "corrects", "spares", "later", "gains"):
        for hit in cues("questions" if name == "gains" else "cues", name).find(sentence):
            if hit.literal > 1:
                apart |= o.literal_words(hit)
    nouns = word_set("cues", "determiners")
    return [
        hit
        for hit in o.verb_hits(sentence)
        if not (o.literal_words(hit) & apart and hit.literal < 3)
        and not (hit.label.gerund and not _minded(sentence.part(0, hit.start)))
        and not (hit.literal == 1 and hit.start and sentence.words[hit.start - 1] in nouns)
        and not _is_noun(sentence, hit)
    ]


def _is_noun(sentence: Text, hit: Hit) -> bool:
    """Whether a verb is none: "release 1.0.7" names a version, and "have i got …" asks."""
    after = sentence.words[hit.end] if hit.end < len(sentence) else ""
    if hit.literal == 1 and sentence.words[hit.start] in _VERSION_WORDS and re.fullmatch(r"v?\d+(?:\.\d+)+", after):
        return True
    inside = sentence.words[hit.gap[0]] if hit.gap else ""
    return sentence.words[hit.start] in ("have", "has", "had") and inside in _SUBJECTS


_VERSION_WORDS = frozenset({"release", "build", "drop"})
_SUBJECTS = frozenset({"i", "we", "you", "they", "he", "she"})


def _minded(before: Text) -> bool:
    """Whether it is asked for ("would you mind awfully taking it down")."""
    end = len(before)
    while end and (
        before.words[end - 1].endswith("ly") or before.words[end - 1] in {"maybe", "perhaps", "please", "just"}
    ):
        end -= 1
    return any(mind.end == end for mind in cues("cues", "minds").find(before))


def _useful(hits: list[Hit], sentence: Text, likely: Likely, before: bool) -> list[Hit]:
    """Leave out verbs that only mean something with a plugin beside them, where there is none.

    *before* says that a plugin was named in an earlier sentence: "add it" is about that one.
    """
    named = bool(o.slots(sentence))
    kinds = cues("questions", "kinds").match(sentence)
    kept = []
    if any(hit.label.intent == "swap" for hit in hits):
        # "Swap X out for Y": the small words are part of it.
        hits = [hit for hit in hits if hit.label.intent == "swap" or hit.literal > 1 or hit.label.intent == "install"]
    for hit in hits:
        object_ = object_of(sentence.part(hit.start, len(sentence)), replace(shifted(hit, hit.start)))
        refers = bool(o.refers(object_)) and (before or hit.label.intent != "install")
        alone = hit.label.intent != "install" and len(sentence) <= 3
        if hit.label.sure or named or refers or alone or likely(o.content(object_)) or (kinds and _is_first(hit, hits)):
            kept.append(hit)
    return [hit for hit in kept if hit.label.sure or not _subsumed(hit, kept, sentence)]


def _is_first(hit: Hit, hits: Sequence[Hit]) -> bool:
    return hit is hits[0] and not any(each.label.sure for each in hits)


def _subsumed(hit: Hit, hits: list[Hit], sentence: Text) -> bool:
    """Whether a verb is only how another is said: "I want X gone", "can I get X running"."""
    after = [each for each in hits if each.start > hit.start]
    if not after or not (after[0].label.sure or hit.label.intent == "install" != after[0].label.intent):
        return False
    between = sentence.part(hit.end, after[0].start)
    parted = any(word in o.JOINS or word in o.BREAKS for word in between.words)
    own = hit.gap is not None and bool(o.slots(sentence.part(*hit.gap)))
    return not (parted and (own or o.slots(between)))
