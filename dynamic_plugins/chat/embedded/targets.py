"""Which plugins a text names, and how sure that is: the resolver's word, read against what is installed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from dynamic_plugins.chat.embedded.phrases import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.chat.embedded.standing import Standing
    from dynamic_plugins.registry.entry import Entry

MAX_WORDS = 5
"""A name is at most this many words ("the sequential thinking server")."""
LIKELY = 0.74
"""From this similarity on a name is offered as what was meant."""

_WORD = re.compile(r"@?[A-Za-z0-9_À-ɏЀ-ӿ][\w./:@=+-]*(?:['\u2019]s\b)?")
_CORE = re.compile(r"^(?:@[^/]+/)?(?:elizaos-plugin-|eliza-plugin-|plugin-|client-|mcp-server-|server-)?", re.I)


class Candidate(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def score(self) -> float: ...


class Resolution(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def candidates(self) -> Sequence[Candidate]: ...
    @property
    def version(self) -> str | None: ...


class Resolver(Protocol):
    """The one resolver, as it is used here."""

    def resolve(self, said: str) -> Resolution: ...


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
    """A target and where it stands in the text."""

    start: int
    end: int
    target: Target


@dataclass(frozen=True)
class Knowledge:
    """What is known by name: the resolver, the registry's entries, and a search over what they do."""

    resolver: Resolver
    entries: Mapping[str, Entry]
    search: Callable[[str, int], Sequence[str]]
    standing: Standing

    @cached_property
    def _mine(self) -> dict[str, str]:
        """Installed plugins by the bare core of their name, where that is one plugin's only."""
        cores: dict[str, list[str]] = {}
        for name in self.standing.plugins:
            cores.setdefault(core(name), []).append(name)
        return {key: names[0] for key, names in cores.items() if len(names) == 1}

    def named(self, said: str) -> Target | None:
        """Return what *said* names by a rule; None when no rule applies. What is installed goes before what is not."""
        found = self.resolver.resolve(said)
        if found.kind == "exact" and found.name:
            return Target((found.name,), said, version=found.version)
        if found.kind != "ambiguous":
            return None
        names = tuple(each.name for each in found.candidates)
        mine = [name for name in names if name in self.standing]
        return Target(tuple(mine) if len(mine) == 1 else names, said, version=found.version)

    def mentions(self, text: str) -> list[Mention]:
        """Return the plugins that *text* names, in order; the longest name at each place."""
        words = list(_WORD.finditer(text))
        found, index = [], 0
        while index < len(words):
            mention = self._mention_at(text, words, index)
            if mention is None:
                index += 1
                continue
            found.append(mention)
            while index < len(words) and words[index].start() < mention.end:
                index += 1
        return found

    def _mention_at(self, text: str, words: Sequence[re.Match[str]], index: int) -> Mention | None:
        for count in range(min(MAX_WORDS, len(words) - index), 0, -1):
            start, end = words[index].start(), words[index + count - 1].end()
            said = text[start:end].rstrip(".:/=@+-")
            if not _one_phrase(said):
                continue
            target = self.named(re.sub(r"['\u2019]s$", "", said))
            if target is not None:
                return Mention(start, start + len(said), target)
        return None

    def like(self, said: str) -> list[tuple[str, float]]:
        """Return the known names that *said* resembles, best first, with scores from 0 to 1."""
        found = self.resolver.resolve(said)
        return [(each.name, each.score) for each in found.candidates if each.score >= LIKELY]


def core(name: str) -> str:
    """Return the part of a name that tells plugins apart: ``discord`` of ``@elizaos/plugin-discord``."""
    return _CORE.sub("", name).lower().replace("_", "-")


def _one_phrase(said: str) -> bool:
    if "\n" in said or re.search(r"[,;!?()\"]|[.:](?=\s)", said):
        return False
    words = said.lower().split()
    filler = word_set("questions", "filler")
    return words[0] not in filler and (words[-1] not in filler or len(words) == 1)
