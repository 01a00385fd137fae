"""What plugins say changes nothing by itself: what is installed or switched is what the person asked for."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.untrusted_text import RESULT_CHARACTERS
from dynamic_plugins.errors import NeedsConfirmationError
from dynamic_plugins.tools.management import CHANGING, NAMES
from dynamic_plugins.tools.toolbox import in_format

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from dynamic_plugins.tools.toolbox import Prepared, Toolbox

REMEMBERED = 30
"""So many of the last things that plugins said are held against a change."""
SHORTEST_VALUE = 6
"""A value shorter than this (``true``, ``8080``) stands in many texts by chance."""
_IN_ITS_OWN_WORDS = frozenset({"load_failed", "action_failed", "timeout"})
"""Errors of the six actions whose text holds what a plugin wrote."""


class Guard:
    """Refuses a change that only a plugin's words can have suggested.

    Consent that was given beforehand is for what people ask, not for what a page, a message or a description says. Once
    a plugin's output has been read in a turn, only plugins that the person has named are installed or switched; and at
    any time, one that other plugins' texts name must have been named by the person, too. In the same way a value that a
    plugin is told must be the person's: it may be an address, to which everything goes from then on. *named* tells
    whether a text names a plugin.
    """

    def __init__(self, toolbox: Toolbox, named: Callable[[str, str], Awaitable[bool]]) -> None:
        self._toolbox, self._named = toolbox, named
        self._said: list[str] = []
        self._outputs: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._listed: deque[str] = deque(maxlen=REMEMBERED)
        """What the six actions answered, which holds what a registry says. It names plugins because it was asked to."""
        self._context: Mapping[str, Any] = {}
        self._has_read = False

    def begin(self, text: str) -> None:
        """Begin a turn with what the person said."""
        self._said.append(text)
        self._has_read = False

    def forget_turn(self) -> None:
        """Take back what the person said last: the turn was stopped, and nothing of it counts."""
        self._said.pop()

    def told(self, context: Mapping[str, Any]) -> None:
        """Take note of what plugins say in every turn, by ``plugin/provider``."""
        self._context = context

    def read(self, call: Prepared, plugin: str, result: Mapping[str, Any]) -> None:
        """Take note of what a call about *plugin* has brought before the model."""
        if call.name not in NAMES:
            self._has_read = True
            self._keep(plugin, result)
            return
        self._listed.append(_text(result))
        if (error := result.get("error")) is not None:
            if error.get("code") in _IN_ITS_OWN_WORDS:
                self._keep(plugin, error)
        elif call.name == "activate_plugin":
            self._keep(plugin, result.get("actions"))

    def _keep(self, plugin: str, said: Any) -> None:
        self._outputs.append((plugin, _text(said)))

    async def refusal(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why *call*, which is about *plugin*, is not made; None when it may be."""
        if call.name not in CHANGING:
            return None
        if await self._any_names(self._said, plugin):
            return self._foreign_value(call, plugin)
        if not self._has_read and not await self._any_names(self._texts_of_others(plugin), plugin):
            return None
        asked = f"{call.name} came up in what a plugin says, and the person has not named {plugin}. Ask them first."
        return NeedsConfirmationError(plugin, asked)

    def _foreign_value(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why a plugin is not told a value that stands in what plugins say, and not in what the person said."""
        if call.name != "configure_plugin":
            return None
        said = "\n".join(self._said).casefold()
        texts = [text.casefold() for text in (*self._listed, *self._texts_of_others(""))]
        for each in call.arguments.get("configuration") or ():
            value = each["value"].casefold()
            if value in said:
                continue
            if self._has_read or (len(value) >= SHORTEST_VALUE and any(_quoted(value) in text for text in texts)):
                asked = f"The value for {each['name']} came up in what a plugin says, and the person has not said it. "
                return NeedsConfirmationError(plugin, f"{asked}Ask them for it.")
        return None

    async def _any_names(self, texts: Iterable[str], plugin: str) -> bool:
        for text in texts:
            if await self._named(text, plugin):
                return True
        return False

    def _texts_of_others(self, plugin: str) -> list[str]:
        """Return what the model has before it that plugins other than *plugin* wrote."""
        texts = [json.dumps(said, default=str) for source, said in self._context.items() if _of(source) != plugin]
        texts += [text for source, text in self._outputs if source != plugin]
        tools = [tool for tool in self._toolbox.plugin_tools() if tool.plugin != plugin]
        return texts + [json.dumps(form, ensure_ascii=False, default=str) for form in in_format(tools, "openai")]


def _text(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, default=str)[:RESULT_CHARACTERS]


def _quoted(value: str) -> str:
    """Return *value* as it stands in a JSON text."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _of(source: str) -> str:
    return source.rsplit("/", 1)[0]
