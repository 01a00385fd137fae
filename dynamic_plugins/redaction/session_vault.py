"""The vault of one conversation: secrets go in as a person pastes them, placeholders come out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.detectors.nearby import asks_for_secret, find_announcement, lone_token
from dynamic_plugins.redaction.detectors.token_formats import Finding, warm_up
from dynamic_plugins.redaction.ownership import FindMentions, ListInstalled, Ownership, PasteContext
from dynamic_plugins.redaction.scrubber import BLANK, Scrubber
from dynamic_plugins.text.secret_names import PLACEHOLDER

if TYPE_CHECKING:
    import re

REMEMBERED = 6
"""So many messages back the talk may have been about a plugin."""
LONG_ENOUGH = 8

ListNames = Callable[[], Awaitable[Collection[str]]]
ListStored = Callable[[], Iterable[str]]


class NamedVariable(Protocol):
    """What is needed of the variable that a secret is set to."""

    @property
    def name(self) -> str: ...

    @property
    def is_secret(self) -> bool: ...


@dataclass
class StoredSecret:
    """A secret in the vault."""

    placeholder: str
    value: str = field(repr=False)
    contexts: list[PasteContext] = field(default_factory=list, repr=False)
    """What the person said with it, one for each time."""
    used_for: set[str] = field(default_factory=set)


async def _no_names() -> Collection[str]:
    return ()


class SessionVault:
    """Holds what a person pasted, in memory, for as long as the conversation lasts.

    *names* gives the secret variables of all known plugins, *installed* those of the installed ones, *stored* the
    secrets that are stored for plugins (it may block). *find_mentions* finds plugins' names in a text; without it
    none is named.
    """

    def __init__(
        self,
        names: ListNames = _no_names,
        installed: ListInstalled = dict,
        stored: ListStored = lambda: (),
        find_mentions: FindMentions = lambda text, names: (),  # noqa: ARG005 # as it is called
    ) -> None:
        self._names, self._installed, self._stored = names, installed, stored
        self._find_mentions = find_mentions
        self._pasted: dict[str, StoredSecret] = {}
        self._stored_values: frozenset[str] = frozenset()
        self._talk: list[str] = []
        self._announced: Finding | None = None
        self._asked = False
        self._scrubber = Scrubber({})

    async def redact(self, text: str) -> tuple[str, list[str]]:
        """Return *text* with a placeholder for each secret in it, and what to tell the person about those.

        Imports what finding needs at first use, in a thread: some 0.3 s.
        """
        try:
            known = await self._names()
        except PluginError:
            known = ()  # without a registry the formats are known all the same
        await asyncio.to_thread(warm_up)
        await self.refresh()
        installed = {name for secrets in self._installed().values() for name in secrets.variables}
        # In a thread: what is pasted may be long, and made to take its time.
        found = await asyncio.to_thread(find_secrets, text, {*known, *installed}, installed) or self._lone_token(text)
        self._announced = None if found else find_announcement(text, {*known, *installed}, installed)
        self._asked = False
        put = [(self._put(finding.value, finding.label), finding) for finding in found]
        clean = _with_placeholders(text, put)
        for value in self._stored_values:
            if len(value) >= LONG_ENOUGH and value in clean:
                self._put(value)  # one that a plugin has already: the person may mean it for another
        # What was found once is known now, and may stand elsewhere in the text, in another spelling.
        self._scrubber = self._fresh()
        clean = self._scrubber.text(clean)
        here = [secret for secret in self._pasted.values() if secret.placeholder in clean]
        spoken, before = PLACEHOLDER.sub(" ", clean), tuple(self._talk)
        for secret in here:
            labels = {(finding.label, finding.named) for one, finding in put if one is secret} or {("", False)}
            secret.contexts += [PasteContext(*label, spoken, before) for label in labels]
        self._remember(clean)
        return clean, _notices(clean, here)

    def _lone_token(self, text: str) -> list[Finding]:
        """Return the secret that *text* is: one word, where the message before it, or the reply, spoke of one."""
        span = lone_token(text, sure=self._announced is None)
        if span is None or not (self._announced or self._asked):
            return []
        about = self._announced or Finding(0, 0, "")
        return [replace(about, start=span[0], end=span[1], value=text[slice(*span)])]

    def _put(self, value: str, label: str = "") -> StoredSecret:
        if value not in self._pasted:
            name = f":{label}" if label else ""
            self._pasted[value] = StoredSecret(f"[secret:{len(self._pasted) + 1}{name}]", value)
        return self._pasted[value]

    def record_reply(self, text: str) -> None:
        """Remember what was replied: it tells which plugin the talk is about, and may ask for a secret."""
        self._asked = asks_for_secret(text)
        self._remember(text)

    def _remember(self, text: str) -> None:
        self._talk = [*self._talk, PLACEHOLDER.sub(" ", text)][-REMEMBERED:]

    def holds(self, value: str) -> bool:
        """Return whether there is a placeholder in *value*."""
        return PLACEHOLDER.search(value) is not None

    def reveal(self, value: str, plugin: str, variable: NamedVariable) -> str:
        """Return the secret for which *value*, one placeholder, stands, for *variable* of *plugin* and nothing else.

        Raises BadArgumentsError for a placeholder that is only a part of *value*, is not in the vault, or is meant for
        another plugin or variable, and for a variable that is no secret: the rest of an address says where a secret
        goes, and what is no secret is shown.
        """
        match = PLACEHOLDER.fullmatch(value.strip())
        if match is None:
            raise _refused(plugin, variable, "a placeholder has to be the whole value, with nothing before or after it")
        secret = self._of_placeholder(match)
        if secret is None:
            raise BadArgumentsError(plugin, f"there is no {match.group()}; copy a placeholder as it stands")
        if not variable.is_secret:
            raise _refused(
                plugin, variable, f"{secret.placeholder} is a secret, and {variable.name} is no secret variable"
            )
        ownership = Ownership(self._installed(), self._find_mentions)
        if not ownership.meant(plugin, variable.name, secret.contexts, secret.used_for):
            what = f"{secret.placeholder} is not meant for {variable.name} of {plugin} by what"
            raise BadArgumentsError(
                plugin,
                f"{what} you said. Say which plugin it is for",
                for_model=f"{what} the person said. Ask the person which plugin it is for",
            )
        secret.used_for.add(plugin)
        return secret.value

    def _of_placeholder(self, match: re.Match[str]) -> StoredSecret | None:
        """Return what a placeholder's number stands for: models shorten ``[secret:1:NAME]``, or put another name in."""
        pasted = list(self._pasted.values())
        # Longer numbers than a conversation can reach are not read: Python refuses those of thousands of digits.
        number = int(match.group(1)) if len(match.group(1)) < 10 else 0
        return pasted[number - 1] if 0 < number <= len(pasted) else None

    async def refresh(self) -> None:
        """Learn which secrets are stored for plugins now."""
        try:
            stored = frozenset(await asyncio.to_thread(lambda: tuple(self._stored())))
        except PluginError:
            return  # a keyring that is locked gives its secrets to nobody
        if stored != self._stored_values:
            self._stored_values = stored
            self._scrubber = self._fresh()

    def _fresh(self) -> Scrubber:
        pasted = {secret.value: secret.placeholder for secret in self._pasted.values()}
        # A stored secret that is a short word stays: taking every such word out of everything would break more.
        stored = [value for value in self._stored_values if len(value) >= LONG_ENOUGH or not value.isalpha()]
        return Scrubber(dict.fromkeys(stored, BLANK) | pasted)

    def scrub_result(self, value: Any) -> Any:
        """Return a tool's result without any secret that is known here (:meth:`Scrubber.result`)."""
        return self._scrubber.result(value)

    def scrub_tools(self, tools: Any) -> Any:
        """Return tools' descriptions and schemas without any secret that is known here (:meth:`Scrubber.schema`)."""
        return self._scrubber.schema(tools)

    def scrub_text(self, text: str) -> str:
        """Return *text* without any secret that is known here."""
        return self._scrubber.text(text)


def _refused(plugin: str, variable: NamedVariable, why: str) -> BadArgumentsError:
    command = f"dynamic-plugins configure {plugin}"
    return BadArgumentsError(
        plugin,
        f"{why}. Enter {variable.name} with: {command}",
        for_model=f"{why}. The person enters {variable.name} with: {command}",
    )


def _with_placeholders(text: str, put: list[tuple[StoredSecret, Finding]]) -> str:
    pieces, at = [], 0
    for secret, finding in put:
        pieces += [text[at : finding.start], secret.placeholder]
        at = finding.end
    return "".join([*pieces, text[at:]])


def _notices(text: str, secrets: list[StoredSecret]) -> list[str]:
    ordered = sorted(secrets, key=lambda secret: text.index(secret.placeholder))
    return [f"A secret was kept out of the conversation; the model sees {secret.placeholder}." for secret in ordered]
