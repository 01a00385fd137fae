"""What every model is to a conversation: the messages and tools it is given, and the two things it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dynamic_plugins.core.status import DynamicPluginInfo

OnText = Callable[[str], None]
"""Gets each piece of an answer's text as it comes."""


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants called; *arguments* is the text it wrote, JSON or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Say:
    """The model answered the person."""

    text: str


@dataclass(frozen=True)
class Use:
    """The model wants tools called before it answers."""

    calls: tuple[ToolCall, ...]
    text: str = ""


@dataclass(frozen=True)
class TurnContext:
    """What a conversation knows beside its messages, as objects: a model in this process need not read them in text.

    The messages say the same in words, so a model behind an endpoint leaves it aside.
    """

    plugins: tuple[DynamicPluginInfo, ...]
    """The installed plugins as they stand now, without secrets."""


class Model(Protocol):
    """One model: the built-in one, or one behind an endpoint."""

    name: str
    reads_every_tool: bool
    """Whether it is given all actions of the active plugins, however many: one that pays for each word of a request is
    given a search for them instead."""

    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        on_text: OnText | None = None,
        context: TurnContext | None = None,
    ) -> Say | Use:
        """Return what the model says to *messages*, or which of *tools* it wants called.

        Both have the form of the Chat Completions API. With *on_text* the answer's text is given piece by piece as it
        comes. *context* is for models in this process. Raises :class:`~dynamic_plugins.errors.ModelError`.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and engines."""
        ...
