"""The safe of one conversation: secrets go in as a person pastes them, placeholders come out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.redaction.detector import PLACEHOLDER, find
from dynamic_plugins.redaction.detectors.follow_up import alone, announced, asked_for
from dynamic_plugins.redaction.detectors.token_formats import Found, warm_up
from dynamic_plugins.redaction.ownership import AskInstalled, Meaning
from dynamic_plugins.redaction.scrubber import Scrubber

if TYPE_CHECKING:
    import re

    from dynamic_plugins.registry.entry import Variable

REMEMBERED = 6
"""So many messages back the talk may have been about a plugin."""
LONG_ENOUGH = 8
KEPT = "***"
"""What stands for a secret that was not pasted here, but is kept for a plugin."""

AskNames = Callable[[], Awaitable[Collection[str]]]
AskKept = Callable[[], Iterable[str]]


@dataclass
class Held:
    """A secret in the safe."""

    placeholder: str
    value: str = field(repr=False)
    meanings: list[Meaning] = field(default_factory=list, repr=False)
    """What the person said with it, each time they did."""
    used_for: set[str] = field(default_factory=set)


async def _no_names() -> Collection[str]:
    return ()


class Safe:
    """Holds what a person pasted, in memory, for as long as the conversation lasts.

    *names* gives the secret variables of all known plugins, *installed* the installed ones and what they want, *kept*
    the secrets that are kept for plugins (it may block).
    """

    def __init__(
        self,
        names: AskNames = _no_names,
        installed: AskInstalled = dict,
        kept: AskKept = lambda: (),
    ) -> None:
        self._names, self._installed, self._kept = names, installed, kept
        self._held: dict[str, Held] = {}
        self._kept_values: frozenset[str] = frozenset()
        self._talk: list[str] = []
        self._announced: Found | None = None
        self._asked = False
        self._scrubber = Scrubber({})

    async def take(self, text: str) -> tuple[str, list[str]]:
        """Return *text* with a placeholder for each secret in it, and what to tell the person about those.

        Imports what finding needs at first use, in a thread: some 0.3 s.
        """
        try:
            known = await self._names()
        except PluginError:
            known = ()  # without a registry the formats are known all the same
        await asyncio.to_thread(warm_up)
        await self.refresh()
        installed = {name for wanting in self._installed().values() for name in wanting.secrets}
        found = find(text, {*known, *installed}, installed) or self._alone(text)
        self._announced = None if found else announced(text, {*known, *installed}, installed)
        self._asked = False
        put = [(self._put(each.value, each.label), each) for each in found]
        clean = text
        for held, each in reversed(put):
            clean = f"{clean[: each.start]}{held.placeholder}{clean[each.end :]}"
        for value in self._kept_values:
            if len(value) >= LONG_ENOUGH and value in clean:
                self._put(value)  # one that a plugin has already: the person may mean it for another
        # What was found once is known now, and may stand elsewhere in the text, in another spelling.
        self._scrubber = self._fresh()
        clean = self._scrubber.text(clean)
        here = [held for held in self._held.values() if held.placeholder in clean]
        for held in here:
            labels = {(each.label, each.named) for one, each in put if one is held} or {("", False)}
            held.meanings += [Meaning(*label, PLACEHOLDER.sub(" ", clean), tuple(self._talk)) for label in labels]
        self._remember(clean)
        return clean, _notices(clean, here)

    def _alone(self, text: str) -> list[Found]:
        """Return the secret that *text* is: one word, where the message before it, or the reply, spoke of one."""
        span = alone(text, sure=self._announced is None)
        if span is None or not (self._announced or self._asked):
            return []
        about = self._announced or Found(0, 0, "")
        return [replace(about, start=span[0], end=span[1], value=text[slice(*span)])]

    def _put(self, value: str, label: str = "") -> Held:
        if value not in self._held:
            name = f":{label}" if label else ""
            self._held[value] = Held(f"[secret:{len(self._held) + 1}{name}]", value)
        return self._held[value]

    def said(self, text: str) -> None:
        """Remember what was replied: it tells which plugin the talk is about, and may ask for a secret."""
        self._asked = asked_for(text)
        self._remember(text)

    def _remember(self, text: str) -> None:
        self._talk = [*self._talk, PLACEHOLDER.sub(" ", text)][-REMEMBERED:]

    def holds(self, value: str) -> bool:
        """Return whether there is a placeholder in *value*."""
        return PLACEHOLDER.search(value) is not None

    def reveal(self, value: str, plugin: str, variable: Variable) -> str:
        """Return *value* with its placeholders turned back, for *variable* of *plugin* and nothing else.

        Raises BadArgumentsError for a placeholder that is not in the safe or is meant for another plugin.
        """
        by_placeholder = {held.placeholder: held for held in self._held.values()}
        used = []
        for match in PLACEHOLDER.finditer(value):
            held = by_placeholder.get(match.group()) or self._numbered(match.group(1))
            if held is None:
                raise BadArgumentsError(plugin, f"there is no {match.group()}; copy a placeholder as it stands")
            if not any(each.fits(plugin, variable.name, self._installed(), held.used_for) for each in held.meanings):
                raise BadArgumentsError(
                    plugin,
                    f"{held.placeholder} is not meant for {variable.name} of {plugin} by what the person said. "
                    "Ask the person which plugin it is for",
                )
            used.append(held)
        for held in used:
            held.used_for.add(plugin)
        return PLACEHOLDER.sub(lambda match: self._value(match, by_placeholder), value)

    def _value(self, match: re.Match[str], by_placeholder: dict[str, Held]) -> str:
        held = by_placeholder.get(match.group()) or self._numbered(match.group(1))
        return held.value if held else match.group()

    def _numbered(self, number: str) -> Held | None:
        """Return what the number stands for: models shorten ``[secret:1:NAME]``, or put another name into it."""
        held = list(self._held.values())
        return held[int(number) - 1] if 0 < int(number) <= len(held) else None

    async def refresh(self) -> None:
        """Learn which secrets are kept for plugins now."""
        try:
            kept = frozenset(await asyncio.to_thread(lambda: tuple(self._kept())))
        except PluginError:
            return  # a keyring that is locked gives its secrets to nobody
        if kept != self._kept_values:
            self._kept_values = kept
            self._scrubber = self._fresh()

    def _fresh(self) -> Scrubber:
        pasted = {held.value: held.placeholder for held in self._held.values()}
        # A kept secret that is a short word stays: taking every such word out of everything would break more.
        kept = [value for value in self._kept_values if len(value) >= LONG_ENOUGH or not value.isalpha()]
        return Scrubber(dict.fromkeys(kept, KEPT) | pasted)

    def scrub(self, value: Any) -> Any:
        """Return a JSON value without any secret that is known here."""
        return self._scrubber.value(value)

    def scrub_text(self, text: str) -> str:
        """Return *text* without any secret that is known here."""
        return self._scrubber.text(text)


def _notices(text: str, held: list[Held]) -> list[str]:
    ordered = sorted(held, key=lambda each: text.index(each.placeholder))
    return [f"A secret was kept out of the conversation; the model sees {each.placeholder}." for each in ordered]
