"""From a message to its orders: what is ordered, what is only told, what was taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dynamic_plugins.chat.embedded import curious
from dynamic_plugins.chat.embedded import orders as o
from dynamic_plugins.chat.embedded.clause import object_of, order_in, shifted
from dynamic_plugins.chat.embedded.doubts import conditions
from dynamic_plugins.chat.embedded.orders import Order
from dynamic_plugins.chat.embedded.phrases import Hit, Text, cues, word_set

Likely = Callable[[Sequence[str]], bool]
"""Tells whether words may name a plugin."""


@dataclass
class Reading:
    """What a message asks for.

    *orders* stand; *withdrawn* ones were refused or taken back. *floating* are mentions that no verb governs, *spared*
    those that must be left alone.
    """

    orders: list[Order] = field(default_factory=list)
    floating: list[int] = field(default_factory=list)
    spared: set[int] = field(default_factory=set)
    withdrawn: list[Order] = field(default_factory=list)
    cancelled: bool = False
    aside: list[int] = field(default_factory=list)
    """Mentions in the same breath as an order, with words of their own that nobody could read."""
    taken_back: int = -2
    """The last sentence that took something back."""
    kept: bool = False
    """Whether something was said to stay as it is."""


def judge(text: Text, likely: Likely) -> Reading:
    """Return the orders in *text*, whose mentions are masked as ⟨0⟩, ⟨1⟩ …"""
    reading = Reading()
    for number, (start, end) in enumerate(o.sentences(text)):
        sentence = text.part(start, end)
        _sentence(reading, sentence, number, likely)
        _let_be(reading, sentence, number)
        _falter(reading, sentence, number)
    for order in reading.orders:
        order.slots = [slot for slot in order.slots if slot not in reading.spared]
    reading.orders = [order for order in reading.orders if order.slots or order.refers == "all" or not order.had_slots]
    return reading


def _sentence(reading: Reading, sentence: Text, number: int, likely: Likely) -> None:
    sentence = _without_what_stays(reading, sentence)
    named_before = bool(reading.floating or any(order.slots for order in reading.orders))
    hits = _useful(_verbs(sentence), sentence, likely, named_before)
    if not hits:
        _no_verb(reading, sentence, number)
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
        _add(reading, order, clause, sentence)
    if reading.orders and _no_at_the_end(sentence, hits[-1].end):
        _withdraw(reading)
        reading.taken_back = number


def _falter(reading: Reading, sentence: Text, number: int) -> None:
    """Weigh a sentence after orders that names and orders nothing: "or no, keep it", "hang on, is it used?"."""
    before = [order for order in reading.orders if order.sentence < number]
    if not before or o.slots(sentence) or any(order.given for order in reading.orders if order.sentence == number):
        return
    if cues("cues", "keeps").find(sentence) and (ending := [each for each in before if each.intent in _ENDING]):
        reading.withdrawn += ending
        reading.orders = [order for order in reading.orders if order not in ending]
        reading.cancelled = True
    elif any(hit.start <= 1 for hit in cues("cues", "wavers").find(sentence)):
        for order in before:
            order.doubts.add("wavered")


def _let_be(reading: Reading, sentence: Text, number: int) -> None:
    """Leave alone what a sentence without an order puts off or keeps: "hold off on X", "X is fine as it is"."""
    if any(order.given for order in reading.orders if order.sentence == number):
        return
    if cues("cues", "puts_off").match(sentence) or any(hit.literal > 2 for hit in cues("cues", "keeps").find(sentence)):
        reading.spared |= set(o.slots(sentence))
        reading.cancelled = True


_ENDING = frozenset({"deactivate", "unload"})


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


def _no_verb(reading: Reading, sentence: Text, number: int) -> None:
    """A sentence without an order may take one back, change its target, or only name plugins."""
    named = o.slots(sentence)
    for spare in cues("cues", "spares").find(sentence):
        after = sentence.part(spare.end, _contrast(sentence, spare.end))
        apart = o.slots(sentence.part(*spare.gap)) if spare.gap else o.slots(after)
        if apart:
            reading.spared |= set(apart)
            reading.cancelled = True
            named = [slot for slot in named if slot not in apart]
    if takes_back(sentence) or (not named and cues("questions", "no").all_of(sentence)):
        _withdraw(reading)
    again = reading.taken_back == number - 1 and len(o.content(sentence)) == 0
    if named and (again or cues("cues", "corrects").match(sentence)) and (reading.orders or reading.withdrawn):
        _replace(reading, named, number)
        return
    reading.floating += named


def _contrast(sentence: Text, begin: int) -> int:
    """Return where something else is set against what was said: "never mind about X, just do Y"."""
    contrasts = word_set("cues", "contrasts")
    for index in range(begin + 1, len(sentence)):
        if sentence.words[index] in contrasts and (
            sentence.words[index - 1] in o.BREAKS or sentence.words[index] in o.JOINS
        ):
            return index
    return len(sentence)


def takes_back(sentence: Text) -> bool:
    """Whether the sentence is, begins or ends with, or is long enough to mean, a taking back."""
    size = len(sentence)
    return any(
        hit.start <= 2 or hit.end >= size - 2 or hit.literal > 2
        for hit in cues("cues", "cancels").find(sentence)
        if not _is_told(sentence, hit)
        and not (hit.end < size and o.SLOT.fullmatch(sentence.words[hit.end]) and hit.literal == 1)
        # "github, no wait, linear" puts another in its place.
        and not (o.slots(sentence.part(0, hit.start)) and o.slots(sentence.part(hit.end, size)))
    )


def _is_told(sentence: Text, hit: Hit) -> bool:
    """Whether a bare "don't" is said of somebody: "I don't like being watched" takes nothing back."""
    bare = set(sentence.words[hit.start : hit.end]) <= {"don't", "dont", "do", "not"}
    return bare and hit.start > 0 and sentence.words[hit.start - 1] in word_set("cues", "subjects")


def _withdraw(reading: Reading) -> None:
    reading.withdrawn += reading.orders
    reading.orders = []
    reading.cancelled = True


def _refuse(reading: Reading, refused: Order) -> None:
    """Take back what a refusal without a name is about: "install it, but don't start it" still installs.

    Where nothing of that kind was ordered before it, people mean what was, or add what they do not want on top.
    """
    alike = [order for order in reading.orders if order.intent == refused.intent]
    if alike:
        reading.withdrawn += alike
        reading.orders = [order for order in reading.orders if order.intent != refused.intent]
    elif not any(order.intent in _BEFORE.get(refused.intent, ()) for order in reading.orders):
        _withdraw(reading)


_BEFORE = {
    "activate": ("install", "deactivate", "unload"),
    "unload": ("deactivate",),
    "configure": ("install", "activate"),
}
"""What may be wanted without what follows it."""


def _replace(reading: Reading, named: list[int], number: int) -> None:
    """The plugin named now is meant in place of the one before."""
    if reading.orders:
        reading.withdrawn.append(reading.orders.pop())
    last = reading.withdrawn[-1]
    order = Order(last.intent, True, named, {"corrected"}, sentence=number)
    order.had_slots = order.formal = True
    reading.orders.append(order)


def _add(reading: Reading, order: Order, clause: Text, sentence: Text) -> None:
    reading.spared |= set(order.spared)
    if "refused" in order.doubts:
        reading.cancelled = True
        order.slots = [slot for slot in order.slots if slot not in order.contrast]
        if order.slots:
            reading.orders = [each for each in reading.orders if not _same(each, order)]
        elif not order.loose or order.refers == "all":
            _refuse(reading, order)
        reading.withdrawn.append(order)
        if order.contrast:
            meant = replace(order, slots=order.contrast, doubts={"corrected"}, given=True, formal=True, spared=[])
            reading.orders.append(meant)
        return
    if not order.slots and not order.loose and takes_back(clause):
        _withdraw(reading)
        return
    reading.orders.append(order)
    if order.given and takes_back(sentence) and _ends_with_it(sentence):
        _withdraw(reading)


def _no_at_the_end(sentence: Text, after: int) -> bool:
    """Whether a sentence ends by taking back what stands before word *after*: "activate X - no." """
    spoken = [index for index, word in enumerate(sentence.words) if word not in o.ENDS]
    begin = max((index for index in spoken if sentence.words[index] in o.BREAKS), default=len(sentence))
    last = sentence.part(begin + 1, len(sentence))
    return (
        begin >= after
        and bool(len(last))
        and (cues("questions", "no").all_of(last) or cues("cues", "cancels").all_of(last))
    )


def _ends_with_it(sentence: Text) -> bool:
    return any(hit.end >= len(sentence) - 2 and hit.literal > 1 for hit in cues("cues", "cancels").find(sentence))


def _same(order: Order, refused: Order) -> bool:
    return order.intent == refused.intent and (not order.slots or bool(set(order.slots) & set(refused.slots)))
