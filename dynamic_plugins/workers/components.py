"""A plugin's components as facts that can be saved, and the connection that calls them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dynamic_plugins.core.permissions import UNDECLARED, Permissions

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import AskValues
    from dynamic_plugins.redaction.scrubber import Scrubber

UseModel = Callable[[Sequence[dict[str, str]]], Awaitable["str | None"]]
"""Called with messages (``{"role", "content"}``, oldest first); gives the model's text, or None where there is none."""

NOT_ANSWERED = -31_337
"""The code of the errors that stand for an answer which did not come from a server elsewhere."""
READ = "resources:"
"""The address of the action that reads what an MCP server keeps."""

READ_BY_ADDRESS = "resources:by-address"
"""The address of the action that reads what a server makes for an address, and does not list."""

PROMPT = "prompt:"
TOOL = "tool:"
"""Before the address of a tool that is listed under another name than its own."""

ComponentKind = Literal["action", "provider", "service", "evaluator", "task", "instructions"]
"""``instructions`` are what an MCP server says of how its tools are used, as the description of one component."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component, described. *parameters* is for actions, *interval* for tasks."""

    kind: ComponentKind
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    similes: tuple[str, ...] = ()
    interval: float | None = None
    address: str | None = None
    """What the worker calls it, where that differs from *name* (a resource's URI)."""
    read_only: bool | None = None
    """Whether it declares that it changes nothing; None where it declares nothing."""


@dataclass(frozen=True, slots=True)
class Offers:
    """All that a plugin offers; JSON-able through :meth:`to_list`."""

    components: tuple[Component, ...] = ()
    left_out: tuple[str, ...] = field(default=(), compare=False)
    """A sentence for each thing that cannot be used, which names it; known of a plugin that runs alone."""
    result_schemas: Mapping[str, dict[str, Any]] = field(default_factory=dict, compare=False)
    """What a server says that its tools answer, by the action's name; known of a plugin that runs alone."""

    @property
    def instructions(self) -> str:
        """What it says of how its actions are used; empty where it says nothing."""
        return next((each.description for each in self.of("instructions")), "")

    def of(self, kind: ComponentKind) -> list[Component]:
        return [component for component in self.components if component.kind == kind]

    def to_list(self) -> list[dict[str, Any]]:
        return [{k: v for k, v in asdict(each).items() if v not in (None, "", ())} for each in self.components]

    @classmethod
    def from_list(cls, data: list[dict[str, Any]]) -> Offers:
        return cls(tuple(Component(**{**each, "similes": tuple(each.get("similes", ()))}) for each in data))

    def scrubbed(self, scrubber: Scrubber) -> Offers:
        """Return them without secrets: some plugins put their configuration into their descriptions.

        Models read descriptions, and the state file keeps them.
        """
        listed = self.to_list()
        scrubbed = scrubber.schema(listed)
        found = self if scrubbed is listed else Offers.from_list(scrubbed)
        told = tuple(map(scrubber.text, self.left_out))
        return replace(found, left_out=told, result_schemas=self.result_schemas)


@dataclass(frozen=True)
class Host:
    """What one plugin gets from the host besides its configuration: by default, nothing."""

    use_model: UseModel | None = None
    roots: tuple[str, ...] = ()
    """Absolute folders that an MCP server may work on."""
    folder: Path | None = None
    """The plugin's own folder, where files that its results bring are kept; without one there are none."""
    permissions: Permissions = UNDECLARED
    """What it may reach: hosts and absolute paths, with the person's values in them."""
    own_network: bool = True
    """Whether a host that it may reach may lie on this machine or in its own network."""
    ask_values: AskValues | None = None
    """Asks the person what the plugin wants to know of them in the middle of a call."""
    log: Callable[[str, str], None] | None = None
    """Called with the plugin's name and one line that it logged; instead of the loader's own log."""
    progress: Callable[[float | None, str], None] | None = None
    """Called with the progress of calls that bring no listener of their own."""
    named: tuple[str, ...] = ()
    """Of a server that runs elsewhere: hosts that the person or the operator has named themselves."""
    reached: Callable[[str], None] | None = None
    """Of a server that runs elsewhere: called with why it cannot be reached, and with nothing once it can."""


class Connection(Protocol):
    """A plugin that is running somewhere, in a worker or in this process. Every wait in it is bounded."""

    on_offers_changed: Callable[[Offers], None] | None
    """Called when what it offers is not what it was; whoever wants to know sets it."""

    @property
    def offers(self) -> Offers: ...

    @property
    def alive(self) -> bool:
        """Whether a call can reach it now."""

    @property
    def pid(self) -> int | None:
        """Its process, or None where it runs in ours."""

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,
    ) -> Any:
        """Call one component and return its JSON value.

        An action gets *arguments*; a provider returns its text; a service takes ``{"do": "start" | "stop"}``; an
        evaluator takes ``{"turn": …}``; a task takes nothing. Raises ActionError, WorkerDiedError, PluginTimeoutError.
        """

    async def close(self) -> None:
        """End it: services stopped, process gone, memory given back. Safe to repeat; never raises."""


def request_for(component: Component) -> tuple[str, str]:
    """Return the method that a call of *component* is, and the tool or prompt that it names; of a resource none."""
    address = component.address or component.name
    if component.kind == "provider" or component.address in {READ, READ_BY_ADDRESS}:
        return "resources/read", ""
    if address.startswith(PROMPT):
        return "prompts/get", address.removeprefix(PROMPT)
    return "tools/call", address.removeprefix(TOOL)
