"""From a clause with a verb to an order: what it is about, and what of the clause is about something else."""

from __future__ import annotations

import re
from dataclasses import replace

from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.doubts import doubts, is_told, since_pause
from dynamic_plugins.embedded.orders import Order
from dynamic_plugins.embedded.phrases import Hit, Text, cues, word_set


def shifted(hit: Hit, by: int) -> Hit:
    gap = (hit.gap[0] - by, hit.gap[1] - by) if hit.gap else None
    return replace(hit, start=hit.start - by, end=hit.end - by, gap=gap)


def order_in(clause: Text, hit: Hit, number: int) -> Order:
    before, after = clause.part(0, hit.start), clause.part(hit.end, len(clause))
    inside = clause.part(*hit.gap) if hit.gap else Text((), (), ())
    order = Order(hit.label.intent, hit.label.sure, o.slots(clause), sentence=number, at=clause.starts[hit.start])
    order.had_slots = bool(order.slots)
    apart = _of_another_thought(after) if not hit.label.passive else []
    if o.slots(inside) or [slot for slot in o.slots(after) if slot not in apart]:
        apart += _subjects(before)
    order.slots = [slot for slot in order.slots if slot not in apart]
    order.apart = apart
    if _goes_on(after):
        order.doubts.add("unread")
    order.contrast = [slot for slot in _contrasted(after) if slot not in o.slots(inside)]
    if hit.literal == 1 and clause.words[hit.start] in word_set("cues", "homonyms"):
        order.doubts.add("homonym")
    order.doubts |= doubts(before, inside, after, hit)
    order.given = not (order.doubts & {"refused", "told", "wondered"})
    order.formal = _formal(before, hit)
    _keep_the_rest_alone(order, clause, hit)
    _correct(order, clause)
    named = object_of(clause.part(hit.start, len(clause)), shifted(hit, hit.start))
    if not o.content(named) and not o.refers(named) and not o.slots(clause):
        named = before if not order.formal or hit.label.passive else named
    order.loose = o.content(named)
    order.refers = o.refers(named) if not order.slots else ""
    if order.refers == "all":
        order.loose = _related(clause) or _narrowed(clause)
    return order


def _of_another_thought(after: Text) -> list[int]:
    """Return the mentions after a verb that are not its objects: a later stretch has words of its own before them.

    "Wake X, send Y home", "stop X because Y …".
    """
    begin, apart, reason = 0, list[int](), False
    for hit in cues("cues", "compares").find(after):
        apart += o.slots(after.part(hit.start, len(after)))  # "like you did with Y"
    for index, word in enumerate([*after.words, ","]):
        if word not in o.BREAKS and word not in o.JOINS:
            continue
        part = after.part(begin, index)
        first = next((i for i, each in enumerate(part.words) if o.SLOT.fullmatch(each)), 0)
        if begin and not cues("cues", "spares").match(part) and (reason or o.content(part.part(0, first))):
            apart += o.slots(part)
        reason = reason or word in _REASONS
        begin = index + 1
    return apart


def _subjects(before: Text) -> list[int]:
    """Return the mentions before a verb that has its object after it: "Y keeps crashing, so stop X"."""
    breaks = [index for index, word in enumerate(before.words) if word in o.BREAKS or word in o.JOINS]
    return o.slots(before.part(0, breaks[-1])) if breaks else []


def _goes_on(after: Text) -> bool:
    """Whether a later stretch says something of another plugin that nobody could read ("…, Y lassen wir laufen")."""
    begin = 0
    for index, word in enumerate([*after.words, ","]):
        if word in o.BREAKS or word in o.JOINS:
            part = after.part(begin, index)
            last = max((i for i, each in enumerate(part.words) if o.SLOT.fullmatch(each)), default=len(part))
            if begin and len(o.content(part.part(last + 1, len(part)))) > 1:
                return True
            begin = index + 1
    return False


_REASONS = frozenset({"because", "so"})


def _contrasted(after: Text) -> list[int]:
    """Return what is set against what was refused: "don't stop X, only Y"."""
    return [slot for hit in cues("cues", "only").find(after) for slot in o.slots(after.part(hit.start, hit.end))]


def _correct(order: Order, clause: Text) -> None:
    """Leave out what was corrected in the same breath: "matrix, no sorry, signal"."""
    for hit in cues("cues", "corrects").find(clause):
        right = o.slots(clause.part(hit.end, len(clause)))
        wrong = [slot for slot in o.slots(clause.part(0, hit.start)) if slot not in right]
        if wrong and right:
            order.slots = [slot for slot in order.slots if slot not in wrong]
            order.doubts.add("corrected")


def _related(clause: Text) -> tuple[str, ...]:
    """Return what "everything" is narrowed to: "all that has to do with crypto"."""
    hits = cues("cues", "relations").find(clause)
    return o.content(clause.part(max(hit.end for hit in hits), len(clause))) if hits else ()


def _narrowed(clause: Text) -> tuple[str, ...]:
    """Return the words that narrow "everything" to what is on or off: "all that isn't running"."""
    states = "|".join(map(re.escape, sorted(word_set("cues", "is_on") | word_set("cues", "is_off"))))
    found = re.search(rf" (?:{_RELATIVES}) (?:[^ ]+ ){{0,3}}?(?:{states}) ", clause.joined)
    return tuple(found.group().split()) if found else ()


_RELATIVES = "that|which|whatever|whichever|what|ones|anything|die|was|qui|que|che|wat|что|которые"


def _formal(before: Text, hit: Hit) -> bool:
    """Whether the verb stands where an order stands: first, or right after a request."""
    near = since_pause(before)
    if not near.words or hit.label.passive or hit.label.tail or hit.label.gerund or near.words[-1] in o.JOINS:
        return True
    if any(ask.end == len(near) for ask in cues("cues", "asks").find(near)):
        return True
    # The object may stand first ("kannst du das Plugin deaktivieren", "I want X gone").
    near = near.part(max((ask.end for ask in cues("cues", "asks").find(near) if ask.start == 0), default=0), len(near))
    empty = word_set("cues", "wishers") | word_set("cues", "wishes")
    return all(word in empty or word.endswith("ly") for word in o.content(near)) and not is_told(before, hit)


def object_of(clause: Text, hit: Hit) -> Text:
    """Return the words that may name what the verb, which begins *clause*, is about: in its gap, or up to a pause."""
    if hit.gap:
        return clause.part(*hit.gap)
    rest = clause.part(hit.end, len(clause))
    ends = o.JOINS | word_set("cues", "object_ends") | o.BREAKS
    stop = next((i for i, word in enumerate(rest.words) if word in ends and i > 0), len(rest))
    return rest.part(0, stop)


def _keep_the_rest_alone(order: Order, clause: Text, hit: Hit) -> None:
    """Take out what "except", "not", "instead of" sets apart."""
    for spare in cues("cues", "spares").find(clause):
        apart = o.slots(clause.part(*spare.gap)) if spare.gap else o.slots(clause.part(spare.end, len(clause)))
        if spare.start > hit.start:
            order.spared += apart
            order.slots = [slot for slot in order.slots if slot not in apart]
    for denied in cues("cues", "denied").find(clause):
        if denied.start and clause.words[denied.start - 1] == "why":
            continue
        apart = o.slots(clause.part(denied.start, denied.end))
        if [slot for slot in order.slots if slot not in apart]:
            order.spared += apart
            order.slots = [slot for slot in order.slots if slot not in apart]
