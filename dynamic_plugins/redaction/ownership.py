"""Which plugin a pasted secret is meant for, going by what the person said with it; never by a tool's result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_plugins.resolver.resolver import Resolver

_NOISE = frozenset(
    """access api app auth bot client credentials db id key keys mcp pass passphrase password pat personal private
    public secret service token tokens url user value wallet webhook""".split()  # noqa: SIM905 - a table of words
)
_SURE = 0.5  # how sure the resolver must be that a word names a plugin
NAMED, HINTED, IN_TALK = 3, 2, 1


@dataclass(frozen=True)
class Wanting:
    """What an installed plugin can be told: its variables that hold secrets, and those of them that are not set."""

    secrets: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()


Installed = Mapping[str, Wanting]
"""The installed plugins by name."""
AskInstalled = Callable[[], Installed]


@dataclass(frozen=True)
class Meaning:
    """What the person said with a secret: its *label* (a variable, if *named*), the *text*, and the talk before it."""

    label: str
    named: bool
    text: str
    before: tuple[str, ...] = ()

    def fits(self, plugin: str, variable: str, installed: Installed, used_for: Collection[str] = ()) -> bool:
        """Return whether the secret is meant for *variable* of *plugin*.

        It is when the person named the plugin; or, where no other installed plugin fits as well, when they named a
        variable that the plugin has, or the service it is for, or when that plugin was talked about. What one plugin
        has been given is not for another unless the person named that one.
        """
        mine = self.strength(plugin, variable, installed)
        if mine == NAMED:
            return True
        if mine == 0 or any(each != plugin for each in used_for):
            return False
        others = (
            self.strength(other, each, installed)
            for other, wanting in installed.items()
            if other != plugin
            for each in (*wanting.secrets, "")
        )
        return mine > max(others, default=0)

    def strength(self, plugin: str, variable: str, installed: Installed) -> int:
        """Return how much speaks for *variable* of *plugin*: NAMED, HINTED, IN_TALK or 0."""
        mentioned = _mentioned(self.text, installed).get(plugin, 0)
        if mentioned:
            return mentioned
        wanting = installed.get(plugin, Wanting())
        if self.named and variable.upper() == self.label and variable in wanting.secrets:
            return HINTED
        service = set(_words(self.label)) - _NOISE
        if service & {*_words(variable), *_words(plugin)}:
            return HINTED
        if not self.named and not service and plugin == self._talked_of(installed):
            return IN_TALK
        return 0

    def _talked_of(self, installed: Installed) -> str | None:
        """Return the plugin that was named last, or else the only one that lacks a secret."""
        for text in reversed(self.before):
            if named := _mentioned(text, installed):
                return next(iter(named)) if len(named) == 1 else None
        lacking = [plugin for plugin, wanting in installed.items() if wanting.unset]
        return lacking[0] if len(lacking) == 1 else None


def _mentioned(text: str, installed: Installed) -> dict[str, int]:
    """Return the installed plugins that *text* names: NAMED, or HINTED where the word may be a mere word."""
    found: dict[str, int] = {}
    from dynamic_plugins.resolver.mentions import mentions_in

    for mention in mentions_in(text, _index(tuple(installed))):
        for name in mention.names if mention.kind != "similar" else ():
            core = set(_words(normalize.core(normalize.bare(normalize.normal(name)))))
            if core <= _NOISE and name not in text:
                continue  # a plugin that calls itself "token" is not named by every token
            sure = mention.kind == "exact" and mention.confidence >= _SURE
            found[name] = max(found.get(name, 0), NAMED if sure else HINTED)
    return found


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> Resolver:
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

    return Resolver([Entry(name=name) for name in names])


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
