"""From a message to its orders: what is ordered, what is only told, what was taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamic_plugins.chat.embedded import orders as o
from dynamic_plugins.chat.embedded.orders import Order
from dynamic_plugins.chat.embedded.phrases import Text, cues, word_set

if TYPE_CHECKING:
    from dynamic_plugins.chat.embedded.phrases import Hit

NEAR = 7
"""A refusal this many words before a verb refuses it."""


@dataclass
class Reading:
    """What a message asks for: its *orders*, the *floating* mentions that no verb governs, and whether it *cancels*."""

    orders: list[Order] = field(default_factory=list)
    floating: list[int] = field(default_factory=list)
    spared: set[int] = field(default_factory=set)
    withdrawn: list[Order] = field(default_factory=list)
    cancelled: bool = False
    forbidden: bool = False


def judge(text: Text) -> Reading:
    """Return the orders in *text*, whose mentions are masked as ⟨0⟩, ⟨1⟩ …"""
    reading = Reading()
    for number, (start, end) in enumerate(o.sentences(text)):
        _sentence(reading, text.part(start, end), number, start)
    for order in reading.orders:
        order.slots = [slot for slot in order.slots if slot not in reading.spared]
    return reading


def _sentence(reading: Reading, sentence: Text, number: int, offset: int) -> None:
    hits = _useful(o.verb_hits(sentence), sentence)
    if not hits:
        _no_verb(reading, sentence, number)
        return
    condition = _condition(sentence, hits[0])
    for hit, (start, end) in zip(hits, o.clauses(sentence, hits), strict=True):
        clause = sentence.part(start, end)
        order = _order(clause, _shifted(hit, start), number)
        order.span = (offset + start, offset + end)
        if condition and not order.doubts:
            order.doubts.add("condition")
        _add(reading, order, clause)


def _useful(hits: list[Hit], sentence: Text) -> list[Hit]:
    """Leave out verbs that only mean something with a plugin beside them, where there is none in the sentence."""
    named = bool(o.slots(sentence))
    kinds = cues("questions", "kinds").match(sentence)
    refers = bool(o.refers(sentence))
    alone = {hit.label.sure for hit in hits} == {False}
    kept = [
        hit
        for hit in hits
        if hit.label.sure or named or (kinds and alone) or (refers and hit.label.intent != "install")
    ]
    if any(hit.label.sure and hit.label.intent != "restart" for hit in kept):
        # "I want X gone", "get X running": beside a verb that says it, "want" and "get" are only how it is said.
        kept = [hit for hit in kept if hit.label.sure or not _subsumed(hit, kept, sentence)]
    return kept


def _subsumed(hit: Hit, hits: list[Hit], sentence: Text) -> bool:
    after = [each for each in hits if each.label.sure and each.start >= hit.start]
    if not after or hit.label.intent != "install":
        return False
    between = sentence.part(hit.end, after[0].start)
    return not any(word in o.JOINS or word in o.BREAKS for word in between.words) or not o.slots(between)


def _shifted(hit: Hit, by: int) -> Hit:
    from dataclasses import replace

    gap = (hit.gap[0] - by, hit.gap[1] - by) if hit.gap else None
    return replace(hit, start=hit.start - by, end=hit.end - by, gap=gap)


def _condition(sentence: Text, first: Hit) -> bool:
    """Whether the sentence begins with an "if" that governs its order, or with a wondering."""
    return cues("cues", "conditions").match(sentence.part(0, first.start))


def _order(clause: Text, hit: Hit, number: int) -> Order:
    before, after = clause.part(0, hit.start), clause.part(hit.end, len(clause))
    inside = clause.part(*hit.gap) if hit.gap else Text((), (), ())
    order = Order(hit.label.intent, hit.label.sure, o.slots(clause), sentence=number)
    order.doubts |= _doubts(before, inside, after, hit)
    order.given = not (order.doubts & {"refused", "told", "wondered"})
    _keep_the_rest_alone(order, clause, hit)
    around = [*inside.words, *after.words] if hit.end < len(clause) or inside.words else [*before.words]
    named = clause.choose([i for i in range(len(clause)) if i >= hit.start]) if around else clause
    order.loose = o.content(_object(named, hit))
    order.refers = o.refers(named) if not order.slots else ""
    return order


def _object(clause: Text, hit: Hit) -> Text:
    """Return the words that may name what the verb is about: in its gap, or after it up to a pause."""

    if hit.gap:
        width = hit.gap[1] - hit.gap[0]
        return clause.part(hit.gap[0] - hit.start, hit.gap[0] - hit.start + width)
    rest = clause.part(hit.end - hit.start, len(clause))
    stop = next(
        (
            i
            for i, word in enumerate(rest.words)
            if (word in o.BREAKS or word in o.JOINS | word_set("cues", "object_ends")) and i > 0
        ),
        len(rest),
    )
    return rest.part(0, stop)


def _keep_the_rest_alone(order: Order, clause: Text, hit: Hit) -> None:
    """Take out what "except", "not", "instead of" sets apart."""
    for spare in cues("cues", "spares").find(clause):
        apart = o.slots(clause.part(*spare.gap)) if spare.gap else o.slots(clause.part(spare.end, len(clause)))
        if spare.start > hit.start:
            order.spared += apart
            order.slots = [slot for slot in order.slots if slot not in apart]


def _doubts(before: Text, inside: Text, after: Text, hit: Hit) -> set[str]:
    doubts = set()
    near = _since_pause(before)
    near = near.part(max(0, len(near) - NEAR), len(near))
    refusals = _meant(near)
    if refusals or (hit.label.language not in {"en", "es", "it", "pt"} and cues("cues", "not_after").match(after)):
        doubts.add("refused")
    if inside.words and cues("cues", "not_after").match(inside) and hit.label.language != "en":
        doubts.add("refused")
    whole = before.words and cues("cues", "wonders").match(before)
    if whole:
        doubts.add("wondered")
    if _told(before, hit):
        doubts.add("told")
    if cues("cues", "later").match(after) or cues("cues", "conditions").match(after):
        doubts.add("later")
    if cues("cues", "conditions").match(before):
        doubts.add("condition")
    return doubts


def _meant(near: Text) -> bool:
    """Whether *near* refuses; "why not" and "don't forget to" do not."""
    harmless = {i for hit in cues("cues", "not_meant").find(near) for i in range(hit.start, hit.end)}
    return any(
        not set(range(hit.start, hit.end)) <= harmless
        and not (near.words[hit.start] == "no" and hit.start == 0 and len(near) > 2)
        for hit in cues("cues", "not_first").find(near)
    )


def _since_pause(before: Text) -> Text:
    for index in range(len(before) - 1, -1, -1):
        if before.words[index] in {
            ",",
            ":",
            "(",
            ")",
            "but",
            "aber",
            "mais",
            "pero",
            "mas",
            "ma",
            "maar",
            "но",
            *"\uff0c\u3001",
        }:
            return before.part(index + 1, len(before))
    return before


def _told(before: Text, hit: Hit) -> bool:
    """Whether the verb is told of somebody, not ordered: a subject stands right before it and no order does."""
    near = _since_pause(before)
    if not near.words:
        return False
    if any(ask.end == len(near) for ask in cues("cues", "asks").find(near)):
        return any(told.end == len(near) and told.literal > 1 for told in cues("cues", "told").find(near))
    if any(told.end == len(near) for told in cues("cues", "told").find(near)):
        return True
    last = near.words[-1]
    return last in word_set("cues", "tells") and hit.label.intent != "unload" if last not in {"you", "u"} else False


def _no_verb(reading: Reading, sentence: Text, number: int) -> None:
    """A sentence without an order may take one back, change its target, or only name plugins."""
    named = o.slots(sentence)
    for spare in cues("cues", "spares").find(sentence):
        apart = o.slots(sentence.part(*spare.gap)) if spare.gap else o.slots(sentence.part(spare.end, len(sentence)))
        if apart:
            reading.spared |= set(apart)
            reading.forbidden = True
            named = [slot for slot in named if slot not in apart]
    if _takes_back(sentence):
        _withdraw(reading)
    if named and cues("cues", "corrects").match(sentence) and (reading.orders or reading.withdrawn):
        _replace(reading, named, number)
        return
    reading.floating += named


def _takes_back(sentence: Text) -> bool:
    """Whether the sentence is, or begins or ends with, a taking back."""
    hits = cues("cues", "cancels").find(sentence)
    size = len(sentence)
    return any(hit.start <= 3 or hit.end >= size - 2 or hit.literal > 2 for hit in hits)


def _withdraw(reading: Reading) -> None:
    reading.withdrawn += reading.orders
    reading.orders = []
    reading.cancelled = True


def _replace(reading: Reading, named: list[int], number: int) -> None:
    """The plugin named now is meant in place of the one before."""
    if reading.orders:
        last = reading.orders.pop()
        reading.withdrawn.append(last)
    last = reading.withdrawn[-1]
    reading.orders.append(
        Order(last.intent, True, named, set(last.doubts - {"refused"}) | {"corrected"}, sentence=number, given=True)
    )


def _add(reading: Reading, order: Order, clause: Text) -> None:
    reading.spared |= set(order.spared)
    if "refused" in order.doubts:
        reading.forbidden = True
        reading.cancelled = True
        if order.slots:
            reading.orders = [each for each in reading.orders if not _same(each, order)]
        elif not order.loose or order.refers:
            _withdraw(reading)
        reading.withdrawn.append(order)
        return
    if order.given and _takes_back(clause) and not order.slots:
        _withdraw(reading)
        return
    reading.orders.append(order)


def _same(order: Order, refused: Order) -> bool:
    return order.intent == refused.intent and (not order.slots or bool(set(order.slots) & set(refused.slots)))
