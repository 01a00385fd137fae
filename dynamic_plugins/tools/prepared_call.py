"""A call as it will be made, and what it passes on its way: the guard, what asks about reach, what runs programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from dynamic_plugins.tools.tool_formats import Tool


@dataclass(frozen=True)
class Prepared:
    """A call as it will be made: mended once, so that whoever guards it sees what is called.

    *tool* is None for the search among plugins' actions, and for a program.
    """

    name: str
    arguments: dict[str, Any]
    tool: Tool | None = None

    @property
    def about(self) -> str:
        """The plugin that it is about: of an action its own name, of the six what was said."""
        if self.tool is not None and self.tool.plugin is not None:
            return self.tool.plugin
        return str(self.arguments.get("plugin_name") or "")


class Guard(Protocol):
    """What stands in front of a toolbox: it hears what people and plugins say, and refuses calls by that."""

    def begin(self, text: str) -> None:
        """Begin a turn with what the person said."""
        ...

    def told(self, context: Mapping[str, Any]) -> None:
        """Take note of what plugins say without being called, by ``plugin/provider``."""
        ...

    async def call(self, call: Prepared, make: Callable[[Prepared], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Make *call* by *make*, and take note of its result. Raises NeedsConfirmationError where it is not made."""
        ...


class Reach(Protocol):
    """What stands round the calls of plugins' actions, for what these may not reach."""

    def hear(self, text: str) -> None:
        """Take note of what the person said."""
        ...

    async def check(self, call: Prepared) -> None:
        """Ask about what *call* needs to reach before it is made. Raises what asking raises."""
        ...

    async def make(self, call: Prepared, make: Callable[[], Awaitable[Any]]) -> Any:
        """Make *call* by *make*, asking before it or once it was refused something; raises what both raise."""
        ...


class Programs(Protocol):
    """What offers and runs programs in code mode: ``tools/program_tool.py`` has it."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The schema of the tool's arguments."""
        ...

    @property
    def unfenced(self) -> str:
        """Why programs run without a fence on this machine; empty where one stands round them."""
        ...

    def tool(self, tools: Sequence[Tool]) -> Tool:
        """Return the tool that runs a program, which can call *tools*."""
        ...

    async def run(
        self,
        code: str,
        tools: Sequence[Tool],
        prepare: Callable[[str, dict[str, Any]], Prepared],
        call: Callable[[Prepared], Awaitable[dict[str, Any]]],
        search: Callable[[str], Sequence[int]],
    ) -> dict[str, Any]:
        """Run *code* and return what it came to. Raises PluginError."""
        ...
