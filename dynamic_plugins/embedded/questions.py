"""What a message asks when it orders nothing: what is installed, what there is, or a new ability."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.phrases import Text, cues, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

Asked = Literal["status", "list", "gain", "able", ""]

_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_NUMBERS |= {"twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "a dozen": 12, "dozen": 12}
_LIMIT = re.compile(
    r"\b(?:first|top|best|only|at most|up to|max(?:imum)?(?: of)?|limit(?: of| to)?|no more than|just|show(?: me)?|"
    r"list|"
    r"die ersten|los primeros|as primeiras|i primi|de eerste|前)\s*(\d{1,2}|[a-z]+)\b|"
    r"\b(\d{1,2})\s+(?:of them|plugins|results|matches|options|entries|suggestions|hits)\b|前\s*(\d{1,2})"
)


def asked(sentence: Text) -> Asked:
    """Return what *sentence* asks."""
    kinds = cues("questions", "kinds").match(sentence)
    opens = cues("questions", "opens").begins(_after_greeting(sentence)) or "?" in sentence.words
    state = cues("questions", "state").match(sentence) or _switched(sentence)
    mine = cues("questions", "mine").match(sentence)
    named = bool(o.slots(sentence)) or bool({"it", "that", "they", "es", "il"} & set(sentence.words[:4]))
    if not _asks_for(sentence) and _about_standing(
        sentence, opens=opens, state=state, mine=mine, kinds=kinds, named=named
    ):
        return "status"
    look = cues("questions", "look").match(sentence)
    offered = cues("questions", "offered").match(sentence)
    if kinds and (look or offered or opens) and not _only_named(sentence):
        return "list"
    if not named and cues("questions", "anything").match(sentence):
        return "list"
    if (
        offered
        and not kinds
        and cues("questions", "shows").match(sentence)
        and cues("questions", "choice").match(sentence)
    ):
        return "list"
    if cues("questions", "gains").match(sentence):
        return "gain"
    if kinds and not named and len(sentence) <= 3 and ("?" in sentence.words or len(sentence) == 1):
        return "list"
    return "able" if cues("questions", "requests").match(sentence) else ""


def _asks_for_a_choice(sentence: Text) -> bool:
    """Whether it asks what there is for something, without the word plugin ("show me which trackers I could have")."""
    return cues("questions", "shows").match(sentence) and cues("questions", "choice").match(sentence)


def _asks_for(sentence: Text) -> bool:
    """Whether it asks for something to be done ("can we get X set up?"), not to be told how things stand."""
    return cues("questions", "requests").match(sentence) and not cues("questions", "tell").match(sentence)


def _about_standing(sentence: Text, *, opens: bool, state: bool, mine: bool, kinds: bool, named: bool) -> bool:
    if cues("questions", "gains").match(sentence) and not named:
        return False
    looking = any(word in {"could", "can", "might", "available", "exist", "registry"} for word in sentence.words)
    if state and opens and (named or mine or not looking) and (named or kinds or mine):
        return not (looking and not named)
    return bool(mine and kinds and opens and not looking and not cues("questions", "offered").match(sentence))


def _switched(sentence: Text) -> bool:
    """Whether it ends by asking for a state: "is discord on?", "is slack still off now"."""
    words = [word for word in sentence.words if re.search(r"\w", word) and word not in word_set("questions", "mine")]
    return bool(words) and words[-1] in word_set("questions", "switched")


def _only_named(sentence: Text) -> bool:
    """Whether the kind of thing stands only beside a name ("the discord plugin")."""
    kinds = word_set("questions", "kinds")
    beside = all(
        any(o.SLOT.fullmatch(near) for near in _beside(sentence, index))
        for index, word in enumerate(sentence.words)
        if word in kinds
    )
    return (
        bool(o.slots(sentence))
        and beside
        and not any(
            word in {"which", "what", "any", "similar", "alternative", "alternatives", "like", "other"}
            for word in sentence.words
        )
    )


def _beside(sentence: Text, index: int) -> tuple[str, ...]:
    """Return the words beside word *index*, past a "for" or "de"."""
    after = sentence.words[index + 1 : index + 3]
    return (*sentence.words[max(0, index - 1) : index], *(after if after and after[0] in _FOR else after[:1]))


_FOR = frozenset(
    {"for", "de", "para", "pour", "für", "von", "di", "per", "voor", "do", "dla", "для", "til", "för", "pro"}
)


def _after_greeting(sentence: Text) -> Text:
    for index, word in enumerate(sentence.words[:6]):
        if word == ",":
            return sentence.part(index + 1, len(sentence))
    return sentence


def limit_in(spoken: str) -> int | None:
    """Return how many results were asked for, or None."""
    for found in _LIMIT.finditer(spoken.lower()):
        said = next(each for each in found.groups() if each)
        number = int(said) if said.isdigit() else _NUMBERS.get(said)
        if number and 1 <= number <= 50:
            return number
    return None


def query_in(sentence: Text, named: Sequence[str] = ()) -> str:
    """Return the words of *sentence* that say what a plugin should do, at most twelve; empty when there are none.

    *named* are the words that stand behind ⟨0⟩, ⟨1⟩ …
    """
    fluff = word_set("questions", "fluff")
    spoken = [
        named[int(slot[1])].lower() if (slot := o.SLOT.fullmatch(word)) and named else word for word in sentence.words
    ]
    words = [
        word
        for word in spoken
        if re.search(r"\w", word) and "⟨" not in word and word not in fluff and not word.isdigit()
    ]
    if words and re.search(r"[\u3040-\u9fff\uac00-\ud7af]", "".join(words)):
        return "".join(words)
    return " ".join(words[:12])
