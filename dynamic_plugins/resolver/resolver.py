"""What a name means: the one way from what somebody said to a plugin's exact name.

A rule decides or nobody does. Rules see past case, white space, ``_`` for ``-``, a scope that was left out, the
``plugin-`` and ``elizaos-plugin-`` prefixes, words such as "the … plugin", ``@version``, and know a plugin's repository
and packages. Where they lead to several names the answer is ambiguous; where they lead nowhere, similar names are
suggested. Only an exact answer is ever acted on without asking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.resolver.name_table import NameTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.suggestions import Suggestions

ResolutionKind = Literal["exact", "ambiguous", "suggestions", "unknown"]

SHOWN = 5
"""How many suggestions an answer has at most."""
LONGEST = 300
"""Nothing longer than this, in characters, is anybody's name."""

_VERSION = re.compile(
    r"(?P<name>.*[^\s@=/])\s*(?:@|==|\s[Vv]ersion\s|\s[Vv](?=\d))\s*(?P<version>[Vv]?\d[\w.+!-]*|latest)"
)
_COMMAND = re.compile(r"(?:npx\s+(?:-y\s+|--yes\s+)?|uvx\s+|pypi:|npm:)(?=\S)", re.IGNORECASE)
_OF_INDEX = re.compile(r"(npm|pypi):\s*(?=\S)", re.IGNORECASE)
_BEFORE = re.compile(r"(?:the|a|an|my|our|that|this)\s+|plug-?in\s+(?:for|called|named)\s+", re.IGNORECASE)
_WITH_AFTER = re.compile(
    r"(.+?)(?:['\u2019]s)?(?:\s+(?:plug-?ins?|add-?ons?|extension|package|module|integration|connector|tool|thing|one)"
    r"|[-_]plug-?in)",
    re.IGNORECASE,
)
_KINDS = (
    (re.compile(r"(.+?)(?:\s+(?:mcp\s+)?server|\s+mcp)", re.IGNORECASE), re.compile(r"(?:^|-)(?:mcp|server)(?:-|$)")),
    (re.compile(r"(.+?)\s+client", re.IGNORECASE), re.compile(r"^client-|-client$")),
    (re.compile(r"(.+?)\s+adapt[eo]r", re.IGNORECASE), re.compile(r"^adapter-|-adapter$")),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known name that may be meant, with a score from 0 to 1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Resolution:
    """What *said* means. *name* is set when *kind* is ``exact``; *candidates* are best first.

    *version* is the version that was said with the name. *warning* says that the name is easily taken for another, or
    looks like an imitation of one; an approval shows it.
    """

    said: str
    kind: ResolutionKind
    name: str | None = None
    candidates: tuple[Candidate, ...] = ()
    warning: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read what was said: the words that name, the kind of plugin they ask for, the version."""

    text: str
    kind: re.Pattern[str] | None = None
    version: str | None = None


class Resolver:
    """Resolves names among *entries*; built once for a registry.

    *far* are looked at only where the names of *entries* decide nothing: however many there are, and whatever they are
    called, they take no name from *entries* and make none ambiguous.
    """

    def __init__(self, entries: Sequence[Entry], far: Sequence[Entry] = ()) -> None:
        self.table = NameTable(entries)
        self._entries, self._far = entries, far

    @cached_property
    def _all(self) -> Resolver | None:
        """What resolves among the far ones as well; made when needed, since there are thousands of them."""
        from dynamic_plugins.registry.lazy_entries import Joined

        return Resolver(Joined([self._entries, self._far])) if self._far else None

    @cached_property
    def spoken(self) -> Resolver:
        """What resolves the words of a sentence: there a far plugin is meant only by a name with a scope.

        Of ten thousand names somebody's is every word that people use.
        """
        return _Spoken(self) if self._far else self

    @cached_property
    def _suggestions(self) -> Suggestions:
        from dynamic_plugins.resolver.suggestions import Suggestions

        return Suggestions(self.table)

    # ---------------------------------------------------------------- what is asked

    def resolve(self, said: str) -> Resolution:
        """Return what *said* means among the known names."""
        found = self._decided(said)
        if found.kind == "unknown" and self._all is not None:
            return self._all.resolve(said)
        if found.kind == "exact" and found.name is not None:
            return replace(found, warning=self._suggestions.warning(self.table.position(found.name)))
        if found.kind == "ambiguous":
            return found
        text = _trimmed(said)
        if not text or len(text) > LONGEST:
            return found
        candidates, warning = self._suggestions.to(_plainest(text))
        shown = tuple(Candidate(self.table.names[index], score) for index, score in candidates[:SHOWN])
        return Resolution(said, "suggestions" if shown else "unknown", None, shown, warning, found.version)

    def decide(self, said: str) -> Resolution | None:
        """Return what a rule maps *said* to, exact or ambiguous and without a warning; None where no rule applies."""
        found = self._decided(said)
        if found.kind == "unknown" and self._all is not None:
            return self._all.decide(said)
        return None if found.kind == "unknown" else found

    # ---------------------------------------------------------------- the rules

    def _decided(self, said: str) -> Resolution:
        text, version = _trimmed(said), None
        if text in self.table:
            return Resolution(said, "exact", text, (Candidate(text, 1.0),))
        if not text or len(text) > LONGEST:
            return Resolution(said, "unknown")
        if of_index := _OF_INDEX.match(text):
            return self._packaged(said, of_index[1], text[of_index.end() :])
        if text.startswith(("https://", "http://")) and (servers := self.table.served(text)):
            return self._found(said, servers, None)
        for reading in _readings(text):
            version = reading.version or version
            found = self.table.meant(reading.text)
            if reading.kind is not None:
                found = [index for index in found if reading.kind.search(self.table.bares[index])]
            if found:
                return self._found(said, found, version)
        return Resolution(said, "unknown", version=version)

    def _packaged(self, said: str, index: str, package: str) -> Resolution:
        """Return the plugin of a package that is named with its index: of exactly that one, whatever else is alike."""
        version = None
        if found := _VERSION.fullmatch(package):
            package, version = found["name"], found["version"].lstrip("vV")
        owners = self.table.packaged(index, package)
        return self._found(said, owners, version) if owners else Resolution(said, "unknown", version=version)

    def _found(self, said: str, positions: Sequence[int], version: str | None) -> Resolution:
        names = self._suggestions.best_known_first(positions)
        candidates = tuple(Candidate(name, 1.0) for name in names)
        if len(names) > 1:
            return Resolution(said, "ambiguous", None, candidates, None, version)
        return Resolution(said, "exact", names[0], candidates, None, version)


class _Spoken(Resolver):
    """Resolves among the near entries of *resolver*, and among all of them what has a scope."""

    def __init__(self, resolver: Resolver) -> None:
        self.table, self._entries, self._far, self._whole = resolver.table, resolver._entries, (), resolver

    def resolve(self, said: str) -> Resolution:
        return self._whole.resolve(said) if "/" in said else super().resolve(said)

    def decide(self, said: str) -> Resolution | None:
        return self._whole.decide(said) if "/" in said else super().decide(said)


def _trimmed(said: str) -> str:
    return said.strip().strip("\"'`\u201c\u201d\u2018\u2019 \t\n")


def _plainest(text: str) -> str:
    """Return the last and most stripped reading of *text* that leaves the kind of plugin in it."""
    return [reading.text for reading in _readings(text) if reading.kind is None][-1]


def _readings(text: str) -> Iterator[_Reading]:
    """Give the ways to read *text*, the most literal first."""
    yield _Reading(text)
    version = None
    if found := _VERSION.fullmatch(text):
        text, version = found["name"], found["version"].lstrip("vV")
        yield _Reading(text, version=version)
    plain = _COMMAND.sub("", text, count=1) if _COMMAND.match(text) else text
    while before := _BEFORE.match(plain):
        plain = plain[before.end() :]
    while after := _WITH_AFTER.fullmatch(plain):
        plain = after[1]
    if plain != text:
        yield _Reading(plain, version=version)
    if version is None and (found := _VERSION.fullmatch(plain)):
        plain, version = found["name"], found["version"].lstrip("vV")
        yield _Reading(plain, version=version)
    for words, affix in _KINDS:
        if found := words.fullmatch(plain):
            yield _Reading(found[1], affix, version)
            return
