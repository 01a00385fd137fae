"""What plugins and registries say changes nothing by itself: what is installed, switched or set is what people ask for.

One guard stands in front of a toolbox, whoever calls it. How strong it is depends on what it is told: in a conversation
it hears every word of the person's; behind the library and its frameworks only if the host passes them on; behind the
MCP server never.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core.json_text import words_of
from dynamic_plugins.errors import NeedsConfirmationError, PluginError
from dynamic_plugins.lifecycle.approval_gate import suggested_by
from dynamic_plugins.registry.unlisted import parse_direct
from dynamic_plugins.text.addresses import hosts_in, names_place, says
from dynamic_plugins.text.secret_names import PLACEHOLDER
from dynamic_plugins.tools.management import CHANGING, NAMES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

    from dynamic_plugins.tools.prepared_call import Prepared
    from dynamic_plugins.tools.tool_formats import Tool

KEPT_CHARACTERS = 4_000_000
"""So much of what plugins said last is held against a change: far more than a conversation's history ever sends."""
SHORTEST_VALUE = 6
"""A value shorter than this (``true``, ``8080``) stands in many texts by chance."""
_IN_ITS_OWN_WORDS = frozenset({"load_failed", "action_failed", "timeout"})
"""Errors of the six actions whose text holds what a plugin wrote."""


class Reader(Protocol):
    """What knows names: which texts speak of a plugin, and what a plugin declares."""

    async def canonical(self, said: str) -> str:
        """Return the name of the plugin that *said* means, or *said* where it means none."""
        ...

    async def is_named(self, text: str, plugin: str) -> bool:
        """Return whether *text*, which may be long and hostile, names *plugin*."""
        ...

    async def is_asked_for(self, text: str, plugin: str) -> bool:
        """Return whether a person who says *text* names *plugin*, and not to refuse it."""
        ...

    async def is_unlisted(self, plugin: str) -> bool:
        """Return whether *plugin* names something that no registry lists."""
        ...

    async def is_named_by(self, texts: Sequence[str], plugin: str) -> bool:
        """Return whether a person who said *texts* has named *plugin*, which no registry lists, and last not to refuse
        it.
        """
        ...

    def choices(self, plugin: str, variable: str) -> Collection[str]:
        """Return the values that are declared for a plugin's variable: its choices and its default."""
        ...

    def asks_to_start(self, plugin: str) -> bool:
        """Return whether starting *plugin* asks the person, since they never agreed to it."""
        ...

    def plugin_tools(self) -> list[Tool]:
        """Return the tools of the active plugins."""
        ...


class _Texts:
    """The newest texts by where they came from, up to a number of characters in all."""

    def __init__(self, characters: int) -> None:
        self._room = characters
        self._texts: deque[tuple[str, str]] = deque()
        self._held = 0

    def add(self, source: str, text: str) -> None:
        text = text[: self._room // 4]
        self._texts.append((source, text))
        self._held += len(text)
        while self._held > self._room and len(self._texts) > 1:
            self._held -= len(self._texts.popleft()[1])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(tuple(self._texts))


class InjectionGuard:
    """Refuses a change that only a plugin's or a registry's words can have suggested.

    Consent that was given beforehand is for what people ask, not for what a page, a message or a description says.
    Where the person's words are known (:meth:`begin`), a plugin is installed or switched after another one's output
    was read in the same turn, or while another one's texts name it, only if the person has named it in this turn; a
    version has to be theirs, so has the name of whatever no registry lists, and so has every host or address that a
    plugin is told, unless it is declared as a choice.
    Where they are not known, what others' texts name goes to a person, who is told so, or is refused.
    """

    def __init__(self, reader: Reader, characters: int | None = None) -> None:
        """*characters* is how much of one result the model is shown; None for all of it."""
        self._reader, self._characters = reader, characters
        self._said: list[str] = []
        self._turn: list[str] = []
        self._outputs = _Texts(KEPT_CHARACTERS)
        self._listed = _Texts(KEPT_CHARACTERS)
        """What the six actions answered, which holds what a registry says. It names plugins because it was asked to."""
        self._context: Mapping[str, Any] = {}
        self._has_read = False

    # ---------------------------------------------------------------- what it is told

    def begin(self, text: str, agreed_to: str = "") -> None:
        """Begin a turn with what the person said, and the question to which that says yes."""
        self._said.append(text)
        self._turn = [text, agreed_to]
        self._has_read = False

    def forget_turn(self) -> None:
        """Take back what the person said last: the turn was stopped, and nothing of it counts."""
        self._said.pop()
        self._turn = []

    def told(self, context: Mapping[str, Any]) -> None:
        """Take note of what plugins say in every turn, by ``plugin/provider``."""
        self._context = context

    def read(self, call: Prepared, plugin: str, result: Mapping[str, Any]) -> None:
        """Take note of what a call about *plugin* has brought before the model."""
        if call.name not in NAMES:
            self._has_read = True
            self._outputs.add(plugin, self._text(result))
            return
        self._listed.add(plugin, self._text(result))
        if (error := result.get("error")) is not None:
            if error.get("code") in _IN_ITS_OWN_WORDS:
                self._outputs.add(plugin, self._text(error))
        elif call.name == "activate_plugin":
            self._outputs.add(plugin, self._text([result.get("actions"), result.get("instructions", "")]))
        elif isinstance(named := result.get("plugin"), dict) and named.get("instructions"):  # all about one plugin
            self._outputs.add(str(named.get("name")), self._text(named["instructions"]))

    def _text(self, said: Any) -> str:
        return words_of(said)[: self._characters]

    # ---------------------------------------------------------------- what it says

    async def subject(self, call: Prepared) -> str:
        """Return the canonical name of the plugin that *call* is about; empty where it is about none."""
        if not call.about or (call.tool is not None and call.tool.plugin is not None):
            return call.about
        return await self._reader.canonical(call.about)

    async def refusal(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why *call*, which is about *plugin*, is not made; None when it may be."""
        if call.name not in CHANGING:
            return None
        if not self._said:
            return await self._refusal_unheard(call, plugin)
        if await self._is_unasked_unlisted(call, plugin):
            unlisted = f"No registry lists {plugin}"
            return NeedsConfirmationError(
                plugin,
                f"{unlisted}, and you have not named it. Only if you write that name it is installed.",
                for_model=f"{unlisted}, and the person has not named it. Only if they write that name it is installed. "
                "Tell them so, and suggest a listed plugin.",
            )
        others = self._texts_of_others(plugin)
        if not await self._is_asked_for(plugin) and (self._has_read or await self._namer(others, plugin)):
            return NeedsConfirmationError(
                plugin,
                f"It came up in what a plugin says, and you have not named {plugin}. Say yes if you want it.",
                for_model=f"{call.name} came up in what a plugin says, and the person has not named {plugin}. "
                "Ask them first.",
            )
        return self._unsaid_version(call, plugin) or self._foreign_value(call, plugin)

    async def _is_unasked_unlisted(self, call: Prepared, plugin: str) -> bool:
        """Return whether *call* installs what no registry lists and the person has not named in this conversation.

        A yes to a model's question is no naming: the name in it may be out of anybody's text.
        """
        if call.name != "install_plugin" or not await self._reader.is_unlisted(plugin):
            return False
        return not await self._reader.is_named_by(self._said, plugin)

    async def call(self, call: Prepared, make: Callable[[Prepared], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Make *call* by *make*, and take note of its result. Raises NeedsConfirmationError where it is not made.

        Whoever is asked to agree on the way is told which plugin's words suggest it.
        """
        plugin = await self.subject(call)
        if (refused := await self.refusal(call, plugin)) is not None:
            raise refused
        token = suggested_by.set(await self._suspect(call, plugin))
        try:
            result = await make(call)
        finally:
            suggested_by.reset(token)
        self.read(call, plugin, result)
        return result

    async def _suspect(self, call: Prepared, plugin: str) -> str | None:
        """Return whose words suggest *call*, where nobody hears the person and the call asks them by itself."""
        if self._said or not self._asks(call, plugin):
            return None
        others = self._texts_of_others(plugin)
        version = str(call.arguments.get("version") or _version_in(call.about) or "")
        return await self._namer(others, plugin) or next((name for name, text in others if says(text, version)), None)

    def _asks(self, call: Prepared, plugin: str) -> bool:
        return call.name == "install_plugin" or (call.name == "activate_plugin" and self._reader.asks_to_start(plugin))

    async def _refusal_unheard(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        if self._asks(call, plugin):
            return None  # the person is asked, and told whose words suggest it
        if (namer := await self._namer(self._texts_of_others(plugin), plugin)) is not None:
            verb = call.name.removesuffix("_plugin")
            command = f"dynamic-plugins {verb} {plugin}"
            return NeedsConfirmationError(
                plugin,
                f"It came up in what the plugin {namer} says. If you want it: {command}",
                for_model=f"{call.name} came up in what the plugin {namer} says. The person does it with: {command}",
            )
        return self._foreign_value(call, plugin)

    def _unsaid_version(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why a version is not installed: the person did not say it, so that a page may have."""
        version = str(call.arguments.get("version") or _version_in(call.about) or "").strip()
        plain = version.lstrip("vV")
        if plain in {"", "latest"} or any(
            says(each, plain) or says(each, f"v{plain}") for each in self._persons_texts()
        ):
            return None
        return NeedsConfirmationError(
            plugin,
            f"You have not said version {version}. Say it if you want that one.",
            for_model=f"The person has not said version {version}. "
            "Leave it out, or ask them whether they want that one.",
        )

    def _foreign_value(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why a plugin is not told a value that is not the person's: it may be where everything goes."""
        if call.name != "configure_plugin":
            return None
        for each in call.arguments.get("configuration") or ():
            name, value = str(each["name"]), str(each["value"])
            if not self._is_theirs(plugin, name, value):
                return _unsaid_value(plugin, name, heard=bool(self._said))
        return None

    def _is_theirs(self, plugin: str, variable: str, value: str) -> bool:
        said = self._persons_texts()
        if PLACEHOLDER.fullmatch(value.strip()) or value in self._reader.choices(plugin, variable):
            return True  # a secret that the person pasted is its vault's to guard
        if any(says(each, value) for each in said):
            return True
        hosts = hosts_in(value)
        if self._said and (hosts or names_place(variable)):
            return bool(hosts) and all(any(says(each, host) for each in said) for host in hosts)
        if self._has_read and self._said:
            return False
        texts = [text for _, text in (*self._listed, *self._texts_of_others(""))]
        if any(says(text, host) for host in hosts for text in texts):
            return False
        if not self._said:  # there, what people say themselves cannot be told from a word of some description
            texts = [text for _, text in self._outputs]
        return len(value) < SHORTEST_VALUE or not any(value.casefold() in text.casefold() for text in texts)

    def _persons_texts(self) -> list[str]:
        return [*self._said, *self._turn[1:]]

    # ---------------------------------------------------------------- who names what

    async def _is_asked_for(self, plugin: str) -> bool:
        for text in self._turn:
            if text and await self._reader.is_asked_for(text, plugin):
                return True
        return False

    async def _namer(self, texts: Collection[tuple[str, str]], plugin: str) -> str | None:
        """Return the first plugin of whose *texts* one names *plugin*."""
        for source, text in texts:
            if await self._reader.is_named(text, plugin):
                return source
        return None

    def _texts_of_others(self, plugin: str) -> list[tuple[str, str]]:
        """Return what the model may have before it that plugins other than *plugin* wrote, with who wrote it."""
        context = [(_of(source), self._text(said)) for source, said in self._context.items()]
        texts = [(source, text) for source, text in (*context, *self._outputs) if source != plugin]
        tools = [tool for tool in self._reader.plugin_tools() if tool.plugin is not None and tool.plugin != plugin]
        return texts + [(str(tool.plugin), _described(tool)) for tool in tools]


def _version_in(said: str) -> str | None:
    """Return the version that is named with a plugin: ``1.2.3`` of ``npm:@playwright/mcp@1.2.3``."""
    try:
        direct = parse_direct(said)
    except PluginError:
        return None
    return direct.version if direct is not None else None


def _described(tool: Tool) -> str:
    action = tool.action
    words = [tool.name, action.description, *map(str, action.similes), dict(action.parameters)]
    return words_of(words)


def _of(source: str) -> str:
    return source.rsplit("/", 1)[0]


def _unsaid_value(plugin: str, name: str, *, heard: bool) -> NeedsConfirmationError:
    """Return why *plugin* is not told a value for *name*; where nobody *heard* the person, a command sets it."""
    command = f"dynamic-plugins configure {plugin}"
    came = f"The value for {name} came up in what a plugin says"
    return NeedsConfirmationError(
        plugin,
        f"{came}, and you have not said it. " + ("Say it if you want that." if heard else f"Set it with: {command}"),
        for_model=f"{came}, and the person has not said it. Ask them for it."
        + ("" if heard else f" They set it with: {command}"),
    )
