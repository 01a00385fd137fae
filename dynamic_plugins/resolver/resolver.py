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
from itertools import count
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.registry.lazy_entries import without_garbage_collection
from dynamic_plugins.resolver.repositories import address
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.mentions import Mention
    from dynamic_plugins.resolver.suggestions import Similar

ResolutionKind = Literal["exact", "ambiguous", "suggestions", "unknown"]

SHOWN = 5
"""How many suggestions an answer has at most."""
LONGEST = 300
"""Nothing longer than this, in characters, is anybody's name."""

_VERSION = re.compile(
    r"(?P<name>.*[^\s@=/])\s*(?:@|==|\s[Vv]ersion\s|\s[Vv](?=\d))\s*(?P<version>[Vv]?\d[\w.+!-]*|latest)"
)
_COMMAND = re.compile(r"(?:npx\s+(?:-y\s+|--yes\s+)?|uvx\s+|pypi:|npm:)(?=\S)", re.IGNORECASE)
_BEFORE = re.compile(r"(?:the|a|an|my|our|that|this)\s+|plug-?in\s+(?:for|called|named)\s+", re.IGNORECASE)
_AFTER = re.compile(
    r"(?:['\u2019]s)?(?:\s+(?:plug-?ins?|add-?ons?|extension|package|module|integration|connector|tool|thing|one)"
    r"|[-_]plug-?in)",
    re.IGNORECASE,
)
_KINDS = (
    (re.compile(r"\s+(?:mcp\s+)?server|\s+mcp", re.IGNORECASE), re.compile(r"(?:^|-)(?:mcp|server)(?:-|$)")),
    (re.compile(r"\s+client", re.IGNORECASE), re.compile(r"^client-|-client$")),
    (re.compile(r"\s+adapt[eo]r", re.IGNORECASE), re.compile(r"^adapter-|-adapter$")),
)
_SCOPES = {"@elizaos-plugins/": "@elizaos/", "elizaos-plugins/": "@elizaos/"}


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


class NameIndex:
    """The known names, built once for a registry. *entries* are kept; a name that occurs twice counts once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        listed = getattr(entries, "names", None)
        all_names: list[str] = listed() if callable(listed) else [entry.name for entry in entries]
        self._positions = {name: position for position, name in reversed(list(enumerate(all_names)))}
        self.names = list(dict.fromkeys(all_names))
        self._ids = {name: index for index, name in enumerate(self.names)}
        self._normals = normalize.normals(self.names)
        self._by_normal = _grouped(self._normals)

    # ---------------------------------------------------------------- the forms of the names, made when needed

    @cached_property
    def bares(self) -> list[str]:
        """The names without their scopes, in normal form, in the order of :attr:`names`."""
        return [normalize.bare(name) for name in self._normals]

    @cached_property
    def cores(self) -> list[str]:
        """The bare names without ``plugin-``, ``mcp-server-``, ``-mcp`` and the like."""
        return normalize.cores(self.bares)

    @cached_property
    def _by_bare(self) -> dict[str, list[int]]:
        return _grouped(self.bares)

    @cached_property
    def _by_core(self) -> dict[str, list[int]]:
        return _grouped(self.cores)

    @cached_property
    def by_squash(self) -> dict[str, list[int]]:
        """The names by their cores without separators."""
        return _grouped(normalize.squashes(self.cores))

    @cached_property
    def _by_package(self) -> dict[str, list[int]]:
        """The names by their packages."""
        owners, packages = [], []
        for entry in self._entries:
            for package in entry.packages:
                if package.type in ("pypi", "npm"):
                    owners.append(self._ids[entry.name])
                    packages.append(package.name)
        return _grouped(normalize.normals(packages), owners) if packages else {}

    @cached_property
    def _by_address(self) -> dict[str, list[int]]:
        """The names by their repositories; ``address`` and ``address#folder`` both lead there."""
        owners, places = [], []
        for entry in self._entries:
            if entry.repository and (place := address(entry.repository)):
                owners += [self._ids[entry.name]] * 2
                places += [place[0], f"{place[0]}#{place[1]}"]
        return _grouped(places, owners)

    @cached_property
    def _similar(self) -> Similar:
        from dynamic_plugins.resolver.suggestions import Similar

        return Similar(self)

    # ---------------------------------------------------------------- what is asked

    def resolve(self, said: str) -> Resolution:
        """Return what *said* means among the known names."""
        found = self._decided(said)
        if found.kind == "exact" and found.name is not None:
            return replace(found, warning=self._similar.warning(self._ids[found.name]))
        if found.kind == "ambiguous":
            return found
        text = _trimmed(said)
        if not text or len(text) > LONGEST:
            return found
        candidates, warning = self._similar.to(_plainest(text))
        shown = tuple(Candidate(self.names[index], score) for index, score in candidates[:SHOWN])
        return Resolution(said, "suggestions" if shown else "unknown", None, shown, warning, found.version)

    def decide(self, said: str) -> Resolution | None:
        """Return what a rule maps *said* to, exact or ambiguous and without a warning; None where no rule applies."""
        found = self._decided(said)
        return None if found.kind == "unknown" else found

    def mentions(self, text: str) -> list[Mention]:
        """Return the plugins that a sentence names, in order, and how sure that is."""
        from dynamic_plugins.resolver.mentions import mentions

        return mentions(self, text)

    # ---------------------------------------------------------------- the rules

    def _decided(self, said: str) -> Resolution:
        text, version = _trimmed(said), None
        if text in self._ids:
            return Resolution(said, "exact", text, (Candidate(text, 1.0),))
        if not text or len(text) > LONGEST:
            return Resolution(said, "unknown")
        for reading in _readings(text):
            version = reading.version or version
            found = self.meant(reading.text)
            if reading.kind is not None:
                found = [index for index in found if reading.kind.search(self.bares[index])]
            if found:
                names = self._similar.best_known_first(found)
                candidates = tuple(Candidate(name, 1.0) for name in names)
                if len(names) > 1:
                    return Resolution(said, "ambiguous", None, candidates, None, version)
                return Resolution(said, "exact", names[0], candidates, None, version)
        return Resolution(said, "unknown", version=version)

    def meant(self, text: str) -> list[int]:
        """Return the positions in :attr:`names` that a rule maps *text* to: none, one, or several."""
        key = normalize.normal(text)
        for form in _scoped(key):
            if form in self._by_normal:
                return self._by_normal[form]
        if place := address(text):
            return self._by_address.get(f"{place[0]}#{place[1]}" if place[1] else place[0], [])
        packaged = self._by_package.get(key, [])
        if "/" in key:
            return packaged or self._by_address.get(f"github.com/{key}", [])
        found = dict.fromkeys([*self._by_bare.get(key, ()), *packaged, *self._by_core.get(key, ())])
        if key.startswith(("elizaos-plugin-", "eliza-plugin-")):
            found |= dict.fromkeys(self._by_bare.get(key[key.index("plugin-") :], ()))
        squash = normalize.squashed(key)
        if not found and re.search(r"\s", text.strip()) and "-" not in text:
            found = dict.fromkeys(self.by_squash.get(squash, ()))
            found = {index: None for index in found if self.cores[index] == squash}
        if not found or (len(found) == 1 and key in normalize.GENERIC and not self._by_bare.get(key)):
            return []
        # "computer-use" and "computeruse" sound the same: a person may mean either.
        return list(found | dict.fromkeys(self.by_squash.get(squash, ())))

    def entry(self, index: int) -> Entry:
        """Return the first entry of the name at this position in :attr:`names`."""
        return self._entries[self._positions[self.names[index]]]


def _grouped(keys: Sequence[str], owners: Iterable[int] | None = None) -> dict[str, list[int]]:
    """Return the owners of each key, each once, in order; without *owners* a key's own position owns it."""
    groups: dict[str, list[int]] = {}
    with without_garbage_collection():
        for index, key in zip(count() if owners is None else owners, keys, strict=False):
            same = groups.get(key)
            if same is None:
                groups[key] = [index]
            elif same[-1] != index:
                same.append(index)
    return groups


def _scoped(key: str) -> Iterator[str]:
    """Give the key, and with the scope as the registry writes it: the organisation's name and its npm scope differ."""
    yield key
    for said, meant in _SCOPES.items():
        if key.startswith(said):
            yield meant + key[len(said) :]
    if "/" in key and not key.startswith("@"):
        yield f"@{key}"


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
    while after := re.fullmatch(rf"(.+?){_AFTER.pattern}", plain, re.IGNORECASE):
        plain = after[1]
    if plain != text:
        yield _Reading(plain, version=version)
    if version is None and (found := _VERSION.fullmatch(plain)):
        plain, version = found["name"], found["version"].lstrip("vV")
        yield _Reading(plain, version=version)
    for words, affix in _KINDS:
        if found := re.fullmatch(rf"(.+?)(?:{words.pattern})", plain, re.IGNORECASE):
            yield _Reading(found[1], affix, version)
            return
