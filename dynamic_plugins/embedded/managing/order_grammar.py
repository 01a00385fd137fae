"""Orders of which every word is explained: a plugin, a word that says on or off, or one that says nothing.

"sqlite on, memory off", "um, bring git and time up again please", "install it n start it": in what order the words
stand is left open, which words there may be is not (``prompts/embedded/order_words.toml``). With one word more nothing
is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_ASKED_FOR = re.compile(r"\b(?:can|could|would|will) (?:you|u|ya)\b(?! (?:be|have)\b)")
_WORD = re.compile(r"#all|[^\W_]+(?:['’\-][^\W_]+)*|[^\w\s]")
_DRAWN = re.compile(r"([^\W\d_])\1{2,}")
_NONE = frozenset[str]()
_POINTS = frozenset({"it", "that", "this"})
_MOVES = frozenset({"put", "take", "get", "have"})
"""What is put on or taken off may as well be a thing on a list."""
_LETTERS = {"activate": "A", "deactivate": "D", "rest": "D", "install": "I", "unload": "U", "uninstall": "X"}


class _Form(NamedTuple):
    """The words that say what is done, alone or only with one of *verbs*, what may stand *beside*, and its letter.

    "Bring it down" stops a plugin, "turn it down" lowers a voice.
    """

    letter: str
    telling: frozenset[str]
    with_verb: frozenset[str]
    verbs: frozenset[str]
    beside: frozenset[str]

    def told_by(self, words: frozenset[str], before: frozenset[str]) -> bool:
        """Whether *words* say so and nothing else; their verb may be among those of the clause *before*."""
        tells = self.telling & words or (self.with_verb & words and self.verbs & (words | before))
        return bool(tells) and words <= self.telling | self.with_verb | self.verbs | self.beside


class _Words(NamedTuple):
    joints: frozenset[str]
    nothing: frozenset[str]
    verbs: frozenset[str]
    forms: tuple[_Form, ...]


@cache
def _words() -> _Words:
    table = prompt_files.table("embedded/order_words.toml")

    def words(text: str) -> frozenset[str]:
        return frozenset(text.split())

    verbs = words(table["verbs"])
    forms = []
    for name, letter in _LETTERS.items():
        tells, with_verb, own = (words(table[name].get(key, "")) for key in ("tells", "with_a_verb", "of_these"))
        forms.append(_Form(letter, tells, with_verb, own, verbs if name in ("activate", "deactivate") else frozenset()))
    return _Words(words(table["joints"]), words(table["says_nothing"]), verbs, tuple(forms))


@dataclass
class _Orders:
    """What was read so far: the letters for each plugin, by its number, and what waits for its other half."""

    letters: dict[int, str] = field(default_factory=dict)
    named: list[int] = field(default_factory=list)
    """The plugins of the clause before, or of several where no verb came yet: "git and time off"."""
    verb: str = ""
    waiting: str = ""
    """Verbs for what the next clause names: "install and start git"."""

    def add(self, letter: str, numbers: list[int]) -> None:
        """Take one clause."""
        if letter and not numbers and not self.named:
            self.waiting += letter
        elif not letter:
            self.named = [*self.named, *numbers]
            self._order(self.verb, numbers)
        else:
            before = self.named if not self.verb or not numbers else []
            self.named, self.verb = [*before, *numbers], letter
            self._order(self.waiting + letter, self.named)
            self.waiting = ""

    def _order(self, letters: str, numbers: Sequence[int]) -> None:
        for number in numbers:
            known = self.letters.get(number, "")
            self.letters[number] = known + "".join(letter for letter in letters if letter not in known)

    @property
    def whole(self) -> bool:
        """Whether each plugin has its verb and each verb its plugin; off and on again is one, on and off is none."""
        halves = self.waiting or not all(self.letters.get(number) for number in self.named)
        return bool(self.verb) and not halves and not any("AD" in letters for letters in self.letters.values())


def grammatical_order(text: str, pointed: Callable[[], int | None]) -> Mapping[int, str] | None:
    """Return what *text*, in which plugins are numbered, orders for each of them; None where a word says more.

    *pointed* gives the number of the plugin that an "it" is, where the message names none.
    """
    words = _WORD.findall(_DRAWN.sub(r"\1", _ASKED_FOR.sub("please", text)))
    # One up and the other down are on and off.
    before = frozenset[str]().union(*(form.verbs for form in _words().forms)) if {"up", "down"} <= {*words} else _NONE
    orders = _Orders()
    for clause in _clauses(words):
        numbers = [int(word) for word in clause if word.isdigit()]
        points = not numbers and bool(_POINTS & set(clause))
        told = frozenset(word for word in clause if not word.isdigit()) - _words().nothing
        told -= _POINTS if points else frozenset()
        letter = _letter(told, before)
        if letter is None or (points and letter in "AD" and _MOVES & told):
            return None
        before |= told
        if points and letter:
            number = orders.named[-1] if orders.named else pointed()
            if number is None:
                return None
            numbers = [number]
        if numbers or letter:
            orders.add(letter, numbers)
    return orders.letters if orders.whole else None


def _clauses(words: Sequence[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for word in words:
        if word in _words().joints:
            yield clause
            clause = []
        else:
            clause.append(word)
    yield clause


def _letter(words: frozenset[str], before: frozenset[str]) -> str | None:
    """Return what the words of a clause say is to be done, after those of the clause *before*.

    Nothing where there are none, or only a verb that says no way; None where they say more.
    """
    if words <= _words().verbs:
        return ""
    return next((form.letter for form in _words().forms if form.told_by(words, before)), None)
