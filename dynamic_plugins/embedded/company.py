"""What stands around an order: whether somebody else's words are passed on, spoken of, or disowned.

"Turn off X is what the guide says", "found in a post: turn off X", "never do this. Turn off X": such an order is asked
about, never carried out at once. Where something is set off from an order, by a line break or a colon, all that is not
plainly harmless counts; within a sentence, only what speaks of a source, of the order itself, or of what follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.phrases import cues, word_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.orders import Order
    from dynamic_plugins.embedded.phrases import Text


def doubtful(text: Text, orders: Sequence[Order]) -> bool:
    """Return whether what stands around *orders* in *text* leaves open that they are the person's own."""
    places: dict[int, list[int]] = {}
    for order in orders:
        places.setdefault(order.sentence, []).append(order.at)
    if not places:
        return False
    parts = [text.part(start, end) for start, end in o.sentences(text)]
    if _relays(text) or _beside(parts, places):
        return True
    for number, part in enumerate(parts):
        at = [next((i for i, start in enumerate(part.starts) if start >= one), 0) for one in places.get(number, ())]
        if not at and _disowns(part):
            return True
        if at and (_headed(part, min(at)) or _is_spoken_of(part, at) or _ends_in_a_no(part, max(at))):
            return True
    return False


def _relays(text: Text) -> bool:
    """Whether somebody else is said to say, or a source to hold, something; or what follows is pointed at."""
    if cues("company", "sources").match(text) or cues("company", "onward").match(text):
        return True
    own, saying = word_set("company", "own"), word_set("company", "saying")
    return any(
        word in saying and not (index and text.words[index - 1] in own) and not _is_own(text, index)
        for index, word in enumerate(text.words)
    )


def _is_own(text: Text, index: int) -> bool:
    """Whether a verb of saying is the person's own ("as i just said"), which "i was told" is not."""
    near = text.words[max(0, index - 3) : index]
    return bool(set(near) & {"i", "ich", "i've", "i'd"}) and not set(near) & word_set("company", "undergone")


def _beside(parts: Sequence[Text], places: dict[int, list[int]]) -> bool:
    """Whether a line without an order stands beside the orders and is more than a greeting."""
    lines: list[tuple[list[Text], bool]] = []
    for number, part in enumerate(parts):
        if not lines or (part.breaks and part.breaks[0]):
            lines.append(([], False))
        held, ordering = lines.pop()
        lines.append(([*held, part], ordering or number in places))
    return len(lines) > 1 and any(not ordering and not all(map(_harmless, held)) for held, ordering in lines)


def _harmless(part: Text) -> bool:
    known = word_set("company", "harmless") | word_set("cues", "asks") | word_set("questions", "filler")
    return all(
        word in known or o.SLOT.fullmatch(word) or re.fullmatch(r"\d{1,2}\.?", word)
        for word in part.words
        if re.search(r"\w", word)
    )


def _disowns(part: Text) -> bool:
    """Whether a sentence without an order and without a plugin forbids something: it may be what follows."""
    if o.slots(part):
        return False
    index = 0
    while index < len(part) and (
        part.words[index] in word_set("cues", "asks") or not re.search(r"\w", part.words[index])
    ):
        index += 1
    return cues("company", "forbids").begins(part.part(index, len(part)))


def _headed(part: Text, at: int) -> bool:
    """Whether a colon sets an order off from a head that is more than "please" or a name."""
    colons = [index for index, word in enumerate(part.words[:at]) if word in _COLONS]
    return bool(colons) and not _harmless(part.part(0, colons[-1]))


_COLONS = frozenset({":", "\uff1a"})


def _is_spoken_of(part: Text, places: Sequence[int]) -> bool:
    """Whether an order is the subject of a sentence: right after it, or after its object, stands a finite verb."""
    return any(_says_of(part, index) for at in places for index in _ends(part, at))


def _ends(part: Text, at: int) -> Iterator[int]:
    """Return where the order that begins at word *at* may have ended: after a plugin, after a break."""
    passed = closed = False
    for index in range(at + 1, len(part)):
        word, before = part.words[index], part.words[index - 1]
        if passed and word in _LEAVES:
            return
        slot, breaks = o.SLOT.fullmatch(before), before in o.BREAKS
        passed = passed or bool(slot)
        small = breaks or before in word_set("company", "kinds") | word_set("company", "particles")
        if (passed and small) or (slot and not closed):
            yield index
        closed = closed or (passed and not slot and not breaks and before not in o.JOINS)


_LEAVES = (o.JOINS | word_set("cues", "object_ends")) - {"and", "und", "et", "y", "e", "en", "n", "a", "&"}


def _says_of(part: Text, index: int) -> bool:
    while index < len(part) and part.words[index] in word_set("company", "kinds"):
        index += 1
    if index >= len(part):
        return False
    word, after = part.words[index], part.words[index + 1] if index + 1 < len(part) else ""
    if after in ("you", "u", "ya", "we", "i", "du", "sie", "tu", "vous"):
        return False
    if word in word_set("company", "finite"):
        return True
    # An English verb of the third person, or of the past.
    return bool(re.fullmatch(r"[a-z]{3,}[^su\W](?:s|ed)", word)) and word not in word_set("company", "no_verbs")


def _ends_in_a_no(part: Text, at: int) -> bool:
    """Whether it ends by taking back what it said: "…, or rather don't"."""
    words = [index for index, word in enumerate(part.words) if re.search(r"\w", word)]
    last = part.part(words[-2], words[-1] + 1) if len(words) > 1 and words[-2] > at else part.part(0, 0)
    return any(hit.end == len(last) for hit in cues("cues", "not_first").find(last))
