"""What a message has ordered so far, and how further words take it back, keep something or change its target."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.orders import Order
from dynamic_plugins.embedded.phrases import Hit, Text, cues, word_set


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


def falter(reading: Reading, sentence: Text, number: int) -> None:
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


def let_be(reading: Reading, sentence: Text, number: int) -> None:
    """Leave alone what a sentence without an order puts off or keeps: "hold off on X", "X is fine as it is"."""
    if any(order.given for order in reading.orders if order.sentence == number):
        return
    if cues("cues", "puts_off").match(sentence) or any(hit.literal > 2 for hit in cues("cues", "keeps").find(sentence)):
        reading.spared |= set(o.slots(sentence))
        reading.cancelled = True


_ENDING = frozenset({"deactivate", "unload"})


def no_verb(reading: Reading, sentence: Text, number: int) -> None:
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
        withdraw(reading)
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


def withdraw(reading: Reading) -> None:
    """Take back all that is ordered."""
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
        withdraw(reading)


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


def add(reading: Reading, order: Order, clause: Text, sentence: Text) -> None:
    """Take up what *clause* orders, or refuses."""
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
        withdraw(reading)
        return
    reading.orders.append(order)
    if order.given and takes_back(sentence) and _ends_with_it(sentence):
        withdraw(reading)


def no_at_the_end(sentence: Text, after: int) -> bool:
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
