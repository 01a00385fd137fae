"""Which plugin a pasted secret is meant for, going by what the person said with it; never by a tool's result."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dynamic_plugins.text import normalize

_NOISE = frozenset(
    """access api app auth bot client credentials db id key keys mcp pass passphrase password pat personal private
    public secret service token tokens url user value wallet webhook""".split()  # noqa: SIM905 - a table of words
)
_SURE = 0.5  # how sure the resolver must be that a word names a plugin
NAMED, HINTED, IN_TALK = 3, 2, 1
"""How much speaks for a plugin: it was named, its variable or service was, or the talk was about it."""


class Mention(Protocol):
    """A place in a text where one of *names* may be named (the resolver's ``Mention``)."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def kind(self) -> str: ...

    @property
    def confidence(self) -> float: ...


FindMentions = Callable[[str, tuple[str, ...]], Sequence[Mention]]
"""Finds in a text where it names one of some plugins."""


@dataclass(frozen=True)
class PluginSecrets:
    """The variables of an installed plugin that hold secrets, and those of them that are not set."""

    variables: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()


InstalledSecrets = Mapping[str, PluginSecrets]
"""The installed plugins by name."""
ListInstalled = Callable[[], InstalledSecrets]


@dataclass(frozen=True)
class PasteContext:
    """What the person said with a secret: its *label* (a variable, if *named*), the *text*, and the talk before it."""

    label: str
    named: bool
    text: str
    before: tuple[str, ...] = ()


class Ownership:
    """Decides which plugin a secret is meant for, among those that are *installed* now."""

    def __init__(self, installed: InstalledSecrets, find_mentions: FindMentions) -> None:
        self._installed = installed
        self._find_mentions = find_mentions
        self._known: dict[str, dict[str, int]] = {}

    def meant(
        self, plugin: str, variable: str, contexts: Collection[PasteContext], used_for: Collection[str] = ()
    ) -> bool:
        """Return whether the secret that was pasted in *contexts* is meant for *variable* of *plugin*.

        Where it was labelled with variables of the plugin's, it is for none but those.
        """
        labelled = {each for context in contexts for each in self._labelled(plugin, context)}
        if labelled and variable not in labelled:
            return False
        return any(self.fits(plugin, variable, context, used_for) for context in contexts)

    def fits(self, plugin: str, variable: str, context: PasteContext, used_for: Collection[str] = ()) -> bool:
        """Return whether the secret of *context* is meant for *variable* of *plugin*.

        It is when the person named the plugin; or, where no other installed plugin fits as well, when they named a
        variable that the plugin has, or the service it is for, or when that plugin was talked about. What one plugin
        has been given is not for another unless the person named that one.
        """
        mine = self._strength(plugin, variable, context)
        if mine == NAMED:
            return True
        if mine == 0 or any(user != plugin for user in used_for):
            return False
        others = (
            self._strength(other, its_variable, context)
            for other, secrets in self._installed.items()
            if other != plugin
            for its_variable in (*secrets.variables, "")
        )
        return mine > max(others, default=0)

    def _labelled(self, plugin: str, context: PasteContext) -> set[str]:
        """Return which of the plugin's secret variables the label of *context* speaks of, by name or service."""
        variables = self._installed.get(plugin, PluginSecrets()).variables
        if context.named:
            return {each for each in variables if each.upper() == context.label}
        service = set(_words(context.label)) - _NOISE
        return {each for each in variables if service & {*_words(each)}}

    def _strength(self, plugin: str, variable: str, context: PasteContext) -> int:
        """Return how much speaks for *variable* of *plugin*: NAMED, HINTED, IN_TALK or 0."""
        mentioned = self._mentioned(context.text).get(plugin, 0)
        if mentioned:
            return mentioned
        secrets = self._installed.get(plugin, PluginSecrets())
        if context.named and variable.upper() == context.label and variable in secrets.variables:
            return HINTED
        service = set(_words(context.label)) - _NOISE
        if service & {*_words(variable), *_words(plugin)}:
            return HINTED
        if not context.named and not service and plugin == self._talked_of(context):
            return IN_TALK
        return 0

    def _talked_of(self, context: PasteContext) -> str | None:
        """Return the plugin that was named last, or else the only one that lacks a secret."""
        for text in reversed(context.before):
            if named := self._mentioned(text):
                return next(iter(named)) if len(named) == 1 else None
        lacking = [plugin for plugin, secrets in self._installed.items() if secrets.unset]
        return lacking[0] if len(lacking) == 1 else None

    def _mentioned(self, text: str) -> dict[str, int]:
        """Return the installed plugins that *text* names: NAMED, or HINTED where the word may be a mere word."""
        if text not in self._known:
            found: dict[str, int] = {}
            for mention in self._find_mentions(text, tuple(self._installed)):
                for name in mention.names if mention.kind != "similar" else ():
                    core = set(_words(normalize.core(normalize.bare(normalize.normal(name)))))
                    if core <= _NOISE and name not in text:
                        continue  # a plugin that calls itself "token" is not named by every token
                    sure = mention.kind == "exact" and mention.confidence >= _SURE
                    found[name] = max(found.get(name, 0), NAMED if sure else HINTED)
            self._known[text] = found
        return self._known[text]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
