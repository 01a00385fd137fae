"""From a message to its orders: what is ordered, what is only told, what was taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dynamic_plugins.chat.embedded import orders as o
from dynamic_plugins.chat.embedded.orders import Order
from dynamic_plugins.chat.embedded.phrases import Hit, Text, cues, word_set

NEAR = 7
"""A refusal this many words before a verb refuses it."""

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
        _sentence(reading, text.part(start, end), number, likely)
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
    for index, (hit, (start, end)) in enumerate(zip(hits, o.clauses(sentence, hits), strict=True)):
        clause = sentence.part(start, end)
        order = _order(clause, _shifted(hit, start), number)
        if refused_to >= 0 and _ORS & set(sentence.words[refused_to : hit.start]):
            order.doubts.add("refused")  # "do not start or unload it"
            order.given = False
        refused_to = hit.end if "refused" in order.doubts else -1
        before = sentence.part(0, hit.start)
        order.doubts |= _conditions(before) if index == 0 else set()
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
        object_ = _object(sentence.part(hit.start, len(sentence)), replace(_shifted(hit, hit.start)))
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


def _shifted(hit: Hit, by: int) -> Hit:
    gap = (hit.gap[0] - by, hit.gap[1] - by) if hit.gap else None
    return replace(hit, start=hit.start - by, end=hit.end - by, gap=gap)


def _conditions(before: Text) -> set[str]:
    return {"condition"} if cues("cues", "conditions").match(before) else set()


def _order(clause: Text, hit: Hit, number: int) -> Order:
    before, after = clause.part(0, hit.start), clause.part(hit.end, len(clause))
    inside = clause.part(*hit.gap) if hit.gap else Text((), (), ())
    order = Order(hit.label.intent, hit.label.sure, o.slots(clause), sentence=number, at=clause.starts[hit.start])
    order.had_slots = bool(order.slots)
    apart = _of_another_thought(after) if not hit.label.passive else []
    order.slots = [slot for slot in order.slots if slot not in apart]
    order.apart = apart
    if _goes_on(after):
        order.doubts.add("unread")
    order.contrast = [slot for slot in _contrasted(after) if slot not in o.slots(inside)]
    if hit.literal == 1 and clause.words[hit.start] in word_set("cues", "homonyms"):
        order.doubts.add("homonym")
    order.doubts |= _doubts(before, inside, after, hit)
    order.given = not (order.doubts & {"refused", "told", "wondered"})
    order.formal = _formal(before, hit)
    _keep_the_rest_alone(order, clause, hit)
    _correct(order, clause)
    named = _object(clause.part(hit.start, len(clause)), _shifted(hit, hit.start))
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
    near = _since_pause(before)
    if not near.words or hit.label.passive or hit.label.tail or hit.label.gerund or near.words[-1] in o.JOINS:
        return True
    if any(ask.end == len(near) for ask in cues("cues", "asks").find(near)):
        return True
    # The object may stand first ("kannst du das Plugin deaktivieren", "I want X gone").
    near = near.part(max((ask.end for ask in cues("cues", "asks").find(near) if ask.start == 0), default=0), len(near))
    empty = word_set("cues", "wishers") | word_set("cues", "wishes")
    return all(word in empty or word.endswith("ly") for word in o.content(near)) and not _told(before, hit)


def _object(clause: Text, hit: Hit) -> Text:
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


def _doubts(before: Text, inside: Text, after: Text, hit: Hit) -> set[str]:
    doubts = set()
    near = _since_pause(before)
    near = near.part(max(0, len(near) - NEAR), len(near))
    foreign = hit.label.language not in {"en", "es", "it", "pt", "ru", "pl"}
    refused = _refused(near, english=hit.label.language == "en")
    if _refused_before_an_aside(before):
        doubts.add("refused")
    elif refused and _twice(near):
        doubts.add("asked")  # "I don't want it not running" wants it running
    elif refused or (foreign and any(_refused_after(part) for part in (inside, after))):
        doubts.add("refused")
    if cues("cues", "nothing").begins(inside if inside.words else after):
        doubts.add("refused")
    if _wondered(before):
        doubts.add("wondered")
    if _told(before, hit) or ("refused" not in doubts and near.words and near.words[-1] in _CANNOT | _UNABLE):
        doubts.add("told")
    if _later(after) or cues("cues", "conditions").match(after):
        doubts.add("later")
    return doubts


def _later(after: Text) -> bool:
    """Whether *after* puts it off; "until tomorrow" does not."""
    until = word_set("cues", "until")
    return any(
        not until & set(after.words[max(0, hit.start - 2) : hit.start]) for hit in cues("cues", "later").find(after)
    )


def _wondered(before: Text) -> bool:
    """Whether *before* wonders; "might I ask you to" does not, for all its "might"."""
    asked = {
        i for hit in cues("cues", "asks").find(before) if hit.end == len(before) for i in range(hit.start, hit.end)
    }
    return any(not set(range(hit.start, hit.end)) <= asked for hit in cues("cues", "wonders").find(before))


def _refused_after(part: Text) -> bool:
    """Whether a refusal follows the verb; "pas la 1.1" only refuses a version."""
    versions = [index for index, word in enumerate(part.words) if re.fullmatch(r"v?\d+(?:\.\d+)+", word)]
    return any(not any(hit.end <= at <= hit.end + 2 for at in versions) for hit in cues("cues", "not_after").find(part))


def _refused_before_an_aside(before: Text) -> bool:
    """Whether a refusal is followed by an aside: "do not, under any circumstances, unload it"."""
    ends = {hit.end for hit in cues("cues", "not_first").find(before) if before.words[hit.start] not in _LISTING}
    commas = [index for index, word in enumerate(before.words) if word == ","]
    return len(commas) > 1 and commas[-1] == len(before) - 1 and bool(ends & set(commas))


def _twice(near: Text) -> bool:
    """Whether it is refused twice in two places, which refuses nothing."""
    hits = [hit for hit in cues("cues", "not_first").find(near) if near.words[hit.start] not in _LISTING]
    ends = [hit.end for hit in hits]
    return len(hits) > 1 and any(hit.start > min(ends) for hit in hits)


_LISTING = frozenset({"nor", "neither", "no", "non", "n'", "ne"})


def _refused(near: Text, *, english: bool = True) -> bool:
    """Whether *near* refuses; "why not" and "don't forget to" do not."""
    harmless = {i for hit in cues("cues", "not_meant").find(near) for i in range(hit.start, hit.end)}
    for hit in cues("cues", "not_first").find(near):
        if set(range(hit.start, hit.end)) <= harmless:
            continue
        if english and near.words[hit.start] == "no" and hit.literal == 1 and hit.start == 0 and len(near) > 2:
            continue  # "no please turn it off"
        if _complains(near, hit) or near.words[hit.start] in _UNABLE:
            continue
        return True
    return False


def _complains(near: Text, hit: Hit) -> bool:
    """Whether a negation is told of somebody else: "it won't shut up" forbids nothing."""
    before, word = near.words[: hit.start], near.words[hit.start]
    return bool(before) and (before[-1] in _OTHERS) and word in _CANNOT and hit.end == len(near)


_UNABLE = frozenset({"can't", "cant", "cannot", "couldn't"})
"""Who cannot forbids nothing."""
_OTHERS = frozenset({"it", "he", "she", "they", "which", "that", "who"})
_CANNOT = frozenset({"won't", "doesn't", "never", "can't", "cannot", "wouldn't", "didn't", "don't"})

_PAUSES = frozenset({",", ":", "(", ")", "but", "aber", "mais", "pero", "mas", "ma", "maar", "но", *"\uff0c\u3001"})


def _since_pause(before: Text) -> Text:
    for index in range(len(before) - 1, -1, -1):
        if before.words[index] in _PAUSES:
            return before.part(index + 1, len(before))
    return before


def _told(before: Text, hit: Hit) -> bool:
    """Whether the verb is told of somebody, not ordered: a subject stands right before it and no order does."""
    near = _since_pause(before)
    if not near.words or hit.label.passive:
        return hit.label.passive and cues("cues", "passive_told").match(near)
    if hit.label.tail:
        first = near.words[0]
        return first in word_set("cues", "tells") and not cues("cues", "asks").begins(near) and not _wished(near)
    ask = max((hit.end - hit.start for hit in cues("cues", "asks").find(near) if hit.end == len(near)), default=0)
    told = max((hit.end - hit.start for hit in cues("cues", "told").find(near) if hit.end == len(near)), default=0)
    if ask or told:
        return told > ask
    last = near.words[-1]
    if hit.label.wish and last in word_set("cues", "wishers"):
        return False
    return last in word_set("cues", "tells") and last not in {"you", "u"}


def _wished(near: Text) -> bool:
    return any(word in word_set("cues", "wishes") for word in near.words[:3])


def _no_verb(reading: Reading, sentence: Text, number: int) -> None:
    """A sentence without an order may take one back, change its target, or only name plugins."""
    named = o.slots(sentence)
    for spare in cues("cues", "spares").find(sentence):
        apart = o.slots(sentence.part(*spare.gap)) if spare.gap else o.slots(sentence.part(spare.end, len(sentence)))
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


def takes_back(sentence: Text) -> bool:
    """Whether the sentence is, begins or ends with, or is long enough to mean, a taking back."""
    size = len(sentence)
    return any(
        hit.start <= 2 or hit.end >= size - 2 or hit.literal > 2
        for hit in cues("cues", "cancels").find(sentence)
        if not (hit.end < size and o.SLOT.fullmatch(sentence.words[hit.end]) and hit.literal == 1)
        # "github, no wait, linear" puts another in its place.
        and not (o.slots(sentence.part(0, hit.start)) and o.slots(sentence.part(hit.end, size)))
    )


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
