"""Which plugins a text names, and how sure that is: the resolver's word, read against what is installed here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded import sounds
from dynamic_plugins.embedded.abilities import Abilities, abilities_of
from dynamic_plugins.embedded.orders import verbs
from dynamic_plugins.embedded.phrases import cues, read, word_set
from dynamic_plugins.embedded.slips import spelled
from dynamic_plugins.resolver.mentions import MERELY_A_WORD, mentions_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.standing import Standing
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

LIKELY = 0.68
"""From this similarity on a name is offered as what was meant."""

RELATED = 0.5
"""From here on a word has to do with a plugin."""
MISSPELLED = 5
"""A misspelled name has at least so many letters."""
NEARLY = 0.76
"""So much alike must a misspelled name be."""
SOUNDS_NEARLY = 0.55
"""So much alike must a name be that is written as it sounds."""
TERSE = 8
"""In a message of so few words another name of a product is a name, too."""
SHORT = 3
"""In a message of so few words a name is a name."""

_POINTED = re.compile(
    r"\b(?:the|my|our|that|this|your)\s+([\w.-]+(?:\s[\w.-]+)?)\s+(?:plug-?in|server|one|thing|add-?on|extension)\b",
    re.I,
)
_JOINED = re.compile(r"\s*(?:plugins?)?\s*(?:,|,?\s*(?:and|&|\+|plus|or|und|et|y|e|и))\s*(?:also\s+)?(?:the\s+)?", re.I)
_CORE = re.compile(
    r"^(?:@[^/]+/|io\.github\.[^/]+/)?(?:elizaos-plugin-|eliza-plugin-|plugin-|mcp-server-|server-)?", re.I
)


@dataclass(frozen=True)
class Target:
    """A plugin that was named. *names* are several when the words fit several; *sure* says that a rule decided."""

    names: tuple[str, ...]
    said: str
    sure: bool = True
    version: str | None = None

    @property
    def name(self) -> str | None:
        """The one name it means, or None."""
        return self.names[0] if len(self.names) == 1 else None


@dataclass(frozen=True)
class Mention:
    """A target and where it stands in the text. *weak* says that the word may well mean something else."""

    start: int
    end: int
    target: Target
    weak: bool = False


@dataclass(frozen=True)
class Knowledge:
    """What is known by name: the resolver, the registry's entries, and a search over what they do."""

    names: Resolver
    entries: Mapping[str, Entry]
    search: Callable[[str, int], Sequence[str]]
    standing: Standing

    def named(self, said: str) -> Target | None:
        """Return what *said* names by a rule; None when no rule applies."""
        found = self.names.resolve(said)
        if found.kind == "exact" and found.name:
            return Target((found.name,), said, version=found.version)
        if found.kind == "ambiguous":
            return self._of_several(tuple(each.name for each in found.candidates), said, found.version)
        return None

    def mentions(self, text: str) -> list[Mention]:
        """Return the plugins that *text* names, in order; what is installed goes before what is not."""
        found: list[Mention] = []
        dropped: list[Mention] = []
        for each in mentions_in(text, self.names):
            said = text[each.start : each.end]
            target = self._of_several(each.names, said, each.version)
            if each.kind == "similar":
                mine = [name for name in each.names if name in self.standing]
                target = Target(tuple(mine or each.names)[:1], said, sure=False, version=each.version)
            weak = each.confidence < MERELY_A_WORD and len(text.split()) > SHORT
            if each.kind == "similar" and any(said.lower() in word_set("questions", words) for words in _NO_SLIPS):
                continue
            if said.lower() in word_set("questions", "again") and not re.match(
                r"[\s-]*(?:mcp|server|plugin)", text[each.end :]
            ):
                continue  # "unload everything" is not about the server of that name
            if weak and found and _JOINED.fullmatch(text[found[-1].end : each.start]):
                weak = found[-1].weak  # "discord and slack": the one explains the other
            if not weak or any(name in self.standing for name in target.names):
                found.append(Mention(each.start, each.end, target, weak))
            elif said.lower() in word_set("real_words", "brands") and _stands_alone(text, each.start, each.end):
                found.append(Mention(each.start, each.end, replace(target, sure=False), weak))
            else:
                dropped.append(Mention(each.start, each.end, replace(target, sure=False), weak))
        for at in range(len(dropped) - 1, -1, -1):
            # "Signal, LINE and Teams": the last explains the first.
            left = dropped[at]
            after = next((other for other in found if _JOINED.fullmatch(text[left.end : other.start])), None)
            if after is not None and not after.weak:
                found.append(replace(left, weak=False))
        found += self._pointed(text, found)
        found += self._otherwise(text, found)
        found.sort(key=lambda mention: mention.start)
        return [each for each, after in zip_longest(found, found[1:]) if not _begins(each, after, text)]

    def _otherwise(self, text: str, found: Sequence[Mention]) -> list[Mention]:
        """Give the plugins that are named by another name of theirs, in another script, or with an ending."""
        taken = [(mention.start, mention.end) for mention in found]
        more: list[Mention] = []
        others = [*self._by_other_name(text, named=bool(found)), *self._by_sound(text), *self._bent(text)]
        if not any(not mention.weak for mention in found) and not others:
            others = list(self._misspelled(text))
        for start, end, name in others:
            if not any(start < stop and begin < end for begin, stop in taken):
                taken.append((start, end))
                more.append(Mention(start, end, Target((name,), text[start:end], sure=False)))
        return more

    def _by_other_name(self, text: str, *, named: bool) -> Iterator[tuple[int, int, str]]:
        for called, name in self._also_called.items():
            if name not in self.standing and called.isascii() and (named or len(text.split()) > TERSE):
                continue
            edge = r"(?<![A-Za-z0-9_]){}(?![A-Za-z0-9_])" if called.isascii() else "{}"
            for place in re.finditer(edge.format(re.escape(called)), text, re.IGNORECASE):
                yield place.start(), place.end(), name

    def _by_sound(self, text: str) -> Iterator[tuple[int, int, str]]:
        for start, end, said in sounds.elsewhere(text):
            word = read(text[start:end])
            if any(cues("hints", hint).match(word) for hint in ("off", "on", "gone", "get")):
                continue
            if text[start:end].lower() in verbs().single_words or text[start:end] in word_set("questions", "kinds"):
                continue
            if alike := sounds.same_sound(said, self._by_core):
                yield start, end, self._by_core[alike]

    def _bent(self, text: str) -> Iterator[tuple[int, int, str]]:
        for start, end, stems in sounds.bent(text):
            for stem in stems:
                if (
                    len(stem) >= 5
                    and (name := self._by_core.get(stem.lower()))
                    and stem.lower() not in word_set("real_words", "bent")
                ):
                    yield start, end, name
                    break

    def _misspelled(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Give what is a slip or two away from a name, or sounds like one, where no name is spelled right."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        words = list(re.finditer(r"[A-Za-z][A-Za-z0-9'-]+", text))
        pairs = [
            (a.start(), b.end(), f"{a.group()}{b.group()}")
            for a, b in pairwise(words)
            if not self._is_word(a.group().lower()) and not self._is_word(b.group().lower())
        ]
        for start, end, said in [*((word.start(), word.end(), word.group()) for word in words), *pairs]:
            plain = said.lower().replace("-", "")
            if len(plain) < MISSPELLED or plain in self._squashed or self._is_word(said.lower()):
                continue
            near = process.extractOne(plain, self._squashed, scorer=OSA.normalized_similarity)
            heard = sounds.same_sound(plain, self._squashed) if len(sounds.skeleton(plain)) > sounds.SOUNDS else None
            if near is not None and near[1] >= NEARLY and plain[0] == near[0][0]:
                yield start, end, self._squashed[near[0]]
            elif heard is not None and OSA.normalized_similarity(plain, heard) >= SOUNDS_NEARLY:
                yield start, end, self._squashed[heard]

    @staticmethod
    def _is_word(said: str) -> bool:
        """Whether *said* is a word of ours, or a slip of one."""
        lists = (
            ("real_words", "words"),
            ("questions", "fluff"),
            ("questions", "again"),
            ("questions", "kinds"),
            ("questions", "stop"),
        )
        return said in verbs().single_words or any(said in word_set(*each) for each in lists) or spelled(said) != said

    @cached_property
    def _squashed(self) -> dict[str, str]:
        return {called.replace("-", ""): name for called, name in self._by_core.items() if len(called) >= MISSPELLED}

    @cached_property
    def _by_core(self) -> dict[str, str]:
        """The registry's names by what tells them apart; what is installed goes before what is not."""
        ranked = sorted(self.entries, key=lambda name: (name not in self.standing, not name.startswith("@elizaos/")))
        cores: dict[str, str] = {}
        for name in ranked:
            cores.setdefault(core(name), name)
        return cores

    def _pointed(self, text: str, found: Sequence[Mention]) -> Iterator[Mention]:
        """Give the installed plugins that are called by part of their name or another name: "the s3 plugin"."""
        for place in _POINTED.finditer(text):
            start, end = place.span(1)
            if any(start < mention.end and mention.start < end for mention in found):
                continue
            near = [name for name, _ in self.like(place[1]) if name in self.standing][:1]
            words = re.findall(r"\w+", place[1].lower())
            told = [name for name in self.standing.plugins if self._relates(words, name)]
            if near:
                yield Mention(start, end, Target(tuple(dict.fromkeys([*near, *told])), place[1], sure=False))

    def _relates(self, words: Sequence[str], name: str) -> bool:
        return all(self.relation(word, name) >= RELATED for word in words)

    def _of_several(self, names: Sequence[str], said: str, version: str | None) -> Target:
        mine = [name for name in names if name in self.standing]
        return Target(tuple(mine) if len(mine) == 1 else tuple(names), said, version=version)

    def like(self, said: str) -> list[tuple[str, float]]:
        """Return the known names that *said* may mean, best first, with scores from 0 to 1."""
        plain = re.sub(r"(?<=[^\x00-\u052f]) (?=[^\x00-\u052f])", "", said.lower())
        for called, name in self._also_called.items():
            if called == plain or (not called.isascii() and called in plain):
                return [(name, 0.99)]
        found = self.names.resolve(said)
        if found.kind == "exact" and found.name:
            return [(found.name, 1.0)]
        return [(each.name, each.score) for each in found.candidates if each.score >= LIKELY]

    def relation(self, word: str, name: str) -> float:
        """Return how much *word* has to do with the plugin *name*: 1 for its name, less for its description."""
        from rapidfuzz.distance import OSA

        stem = _stem(word)
        if len(stem) < 2:
            return 0.0
        own = re.split(r"[-_/.]", core(name))
        if stem in (_stem(core(name)), core(name).replace("-", "")):
            return 1.0
        if stem in {_stem(part) for part in own}:
            return 0.85
        if len(stem) >= 4:
            best = max(OSA.normalized_similarity(stem, part) for part in [*own, core(name).replace("-", "")])
            if best >= 0.74:
                return best * 0.95
        entry = self.entries.get(name)
        if entry is None:
            return 0.0
        if stem in {_stem(each) for keyword in entry.keywords for each in keyword.lower().split()}:
            return 0.7
        told = {_stem(each) for each in re.findall(r"\w+", entry.description.lower())}
        return 0.5 if stem in told and len(stem) > 3 else 0.0

    def offers(self, words: Sequence[str]) -> bool:
        """Return whether some plugin's own words cover enough of *words* to have to do with what they ask."""
        return self._abilities.cover(words)

    @cached_property
    def _abilities(self) -> Abilities:
        return abilities_of(tuple(self.entries.values()))

    @cached_property
    def _also_called(self) -> dict[str, str]:
        by_core: dict[str, str] = {}
        for name in sorted(self.entries, key=lambda name: not name.startswith("@elizaos/")):
            by_core.setdefault(core(name), name)
            by_core.setdefault(name, name)
        table = prompt_files.table("embedded/also_called.toml")
        return {said: by_core[key] for key, words in table.items() if key in by_core for said in words}


_NO_SLIPS = ("kinds", "offered", "stop", "fluff")
"""Words of these lists are what they are, however near to a name: "from" is no "form"."""


def _begins(mention: Mention, after: Mention | None, text: str) -> bool:
    """Whether a mention is only the first word of the next one, which has a slip in it: "mcp server tiem"."""
    if after is None or text[mention.end : after.start].strip():
        return False
    return not after.target.sure and (after.target.name or "").startswith(
        f"{'-'.join(mention.target.said.lower().split())}-"
    )


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a word is one of a list, or has a version beside it: no word of a phrase."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    return bool(_LISTED_BEFORE.search(before) and _LISTED_AFTER.match(after))


_LISTED_BEFORE = re.compile(
    r"(?:^|[^\w\s]|\b(?:and|or|plus|also|no|not|then|please|pls|plz|bitte|favor|favore|svp|stp|und|et|y|e|и|o|ou|oder|en|i|og|och))$",
    re.I,
)
_LISTED_AFTER = re.compile(
    r"(?:$|[^\w\s]|(?:and|or|plus|too|also|instead|please|pls|und|et|y|e|и|o|ou|oder|en|i|og|och)\b|"
    r"(?:(?:at|in|version|v|der|die|la|en|na|versión|versione|versie|версии|версия|wersji|release|build)\s+){0,3}v?\d+\.\d)",
    re.I,
)


def core(name: str) -> str:
    """Return the part of a name that tells plugins apart: ``discord`` of ``@elizaos/plugin-discord``."""
    return _CORE.sub("", name).lower().replace("_", "-")


def _stem(word: str) -> str:
    for ending in ("ies", "es", "s", "ing", "ed"):
        if len(word) - len(ending) >= 3 and word.endswith(ending):
            return word[: -len(ending)]
    return word
