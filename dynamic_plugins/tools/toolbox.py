"""The tools that a model is offered, and the one way to call them: arguments repaired and checked, calls dispatched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import telemetry
from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.errors import BadArgumentsError, PluginError, WithheldError
from dynamic_plugins.plugin import Action
from dynamic_plugins.tools.argument_repair import repair, with_texts, with_types
from dynamic_plugins.tools.management import ALIASES
from dynamic_plugins.tools.model_schemas import for_models, in_own_names
from dynamic_plugins.tools.plugin_tools import (
    CALL_ACTION,
    RUN_PROGRAM,
    SEARCH_ACTIONS,
    PluginTools,
    may_offer,
    unique_name,
)
from dynamic_plugins.tools.prepared_call import Prepared
from dynamic_plugins.tools.result_pages import READ_PAGE, ResultPages
from dynamic_plugins.tools.tool_formats import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.core.action_choice import ActionChoice
    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
    from dynamic_plugins.resolver.action_search import ActionSearch, ActionText
    from dynamic_plugins.tools.prepared_call import Guard, Programs, Reach

Use = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]

_SEARCH = Action(
    SEARCH_ACTIONS,
    "Find actions of the active plugins by what they do; call one with call_plugin_action.",
    lambda **_: None,
    {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What the action should do, in a few words."}},
        "required": ["query"],
        "additionalProperties": False,
    },
)
_CALL = Action(
    CALL_ACTION,
    "Call one action that search_plugin_actions found.",
    lambda **_: None,
    {
        "type": "object",
        "properties": {
            "action": {"type": "string", "description": "The action's name as search_plugin_actions gave it."},
            "arguments": {"type": "string", "description": "Its arguments, as the text of one JSON object."},
        },
        "required": ["action", "arguments"],
        "additionalProperties": False,
    },
)


class Toolbox:
    """The tools that a model is offered now, and the one way to call them.

    *management* are the six actions; the mounted plugins of *components* add their own. *use* calls one of those (by
    default *components* does). *guard* looks at every call that comes through :meth:`call`; a conversation, which
    hears the person, asks one of its own and makes its calls by :meth:`make`. *withheld* tells what a plugin offers and
    nobody has agreed to, as ``action add``: calling that needs a person. *consent* is asked before a call of a plugin's
    action, and raises where it is not given. *search* finds actions among many; by default by their words alone.
    *reach* stands round it, for what its plugin may not reach. *wait_for* waits for the installs and activations under
    way of the plugins that its argument says are meant, and tells whether there was one. *choices* gives what the
    person has chosen among plugins' actions. With *programs* a model is offered one tool that runs a program in place
    of the plugins' own; a conversation says with :meth:`calls_go_by` how such a program's calls are made. Of a result
    of more than *characters*, :meth:`call` gives the first page; 0 is no limit.
    """

    def __init__(
        self,
        management: Sequence[Action],
        components: ComponentRegistry,
        use: Use | None = None,
        guard: Guard | None = None,
        *,
        withheld: Callable[[str], Sequence[str]] | None = None,
        consent: Callable[[Prepared], Awaitable[None]] | None = None,
        search: ActionSearch | None = None,
        reach: Reach | None = None,
        wait_for: Callable[[Callable[[str], bool]], Awaitable[bool]] | None = None,
        choices: Callable[[], Mapping[str, ActionChoice]] = dict,
        programs: Programs | None = None,
        characters: int = 0,
    ) -> None:
        self.programs, self._pages = programs, ResultPages(characters)
        self._call_of_program: Callable[[Prepared], Awaitable[dict[str, Any]]] = self._guarded
        self._wait_for, self._choices = wait_for, choices
        self.guard, self._withheld, self._consent, self.reach = guard, withheld, consent, reach
        self._management = {action.name: Tool(action.name, action) for action in management}
        self._search = search
        self._components, self._use = components, use or components.execute_action
        self._plugin_tools: PluginTools | None = None

    def management(self) -> list[Tool]:
        """Return the six management tools."""
        return list(self._management.values())

    def plugin_tools(self) -> list[Tool]:
        """Return one tool for each action of the active plugins, under unique names."""
        return list(self._current().tools)

    def _current(self) -> PluginTools:
        """Return the plugins' tools, made anew where what is mounted has changed since they were made."""
        made, choices = self._plugin_tools, self._choices()
        if made is None or made.generation != self._components.generation or made.choices != choices:
            made = self._plugin_tools = PluginTools(self._components, choices)
        return made

    def offered(self) -> list[Tool]:
        """Return what the model gets in this turn: the six, and the plugins' own or a search and a call for them."""
        mine = self._current()
        if self.programs is not None:
            return self.constant()
        reading = [self._pages.tool] if self._pages else []
        return [*(self.constant() if mine.too_many else (*self.management(), *mine.tools)), *reading]

    def everything(self) -> list[Tool]:
        """Return the six and all of the plugins' own, however many."""
        return [*self.management(), *self.plugin_tools()]

    def constant(self) -> list[Tool]:
        """Return tools that stay the same whatever is active: the six, and a search and a call for plugins' actions.

        For callers that read the list of tools once. In code mode the six, and the tool that runs a program.
        """
        if self.programs is not None:
            return [*self.management(), self.programs.tool(self._current().tools)]
        return [*self.management(), Tool(SEARCH_ACTIONS, _SEARCH), Tool(CALL_ACTION, _CALL)]

    async def call(self, name: str, arguments: Mapping[str, Any] | str | None) -> dict[str, Any]:
        """Call a tool and return ``{"ok": true, …}`` or ``{"ok": false, "error": {…}}``; never raises PluginError.

        *arguments* may be the JSON text that a model wrote.
        """
        try:
            if (page := self._page_asked(name, arguments)) is not None:
                return self._pages.read(page)  # the guard has looked at the whole of it
            return self._pages.first(await self._guarded(await self._prepare_or_wait(name, arguments)))
        except PluginError as error:
            return {"ok": False, "error": error.to_dict()}

    def _page_asked(self, name: str, arguments: Mapping[str, Any] | str | None) -> Any:
        """Return the arguments of a call that reads on in a result; None for any other call."""
        if name == READ_PAGE:
            return arguments or {}
        if name != CALL_ACTION or READ_PAGE not in str(arguments):
            return None
        inner = repair(name, arguments, dict(_CALL.parameters))
        return (inner.get("arguments") or {}) if inner.get("action") == READ_PAGE else None

    async def _guarded(self, call: Prepared) -> dict[str, Any]:
        return await (self.make(call) if self.guard is None else self.guard.call(call, self.make))

    def calls_go_by(self, call: Callable[[Prepared], Awaitable[dict[str, Any]]]) -> None:
        """Have the calls of programs made by *call*, which guards them as those of a model."""
        self._call_of_program = call

    async def _prepare_or_wait(self, said: str, arguments: Mapping[str, Any] | str | None) -> Prepared:
        """Return the call that is meant; a tool that is not there yet may be of a plugin that is being activated."""
        try:
            return self.prepare(said, arguments)
        except BadArgumentsError:
            inner = repair(said, arguments, dict(_CALL.parameters)).get("action") if said == CALL_ACTION else said
            if self._wait_for is None or not await self._wait_for(lambda plugin: may_offer(plugin, str(inner))):
                raise
        return self.prepare(said, arguments)

    async def ask_consent(self, name: str, arguments: Mapping[str, Any] | str | None) -> None:
        """Ask for the consent that a call needs, and make no call. Raises PluginError, and what asking raises."""
        call = self.prepare(name, arguments)
        if call.tool is None or call.tool.plugin is None:
            return
        if self._consent is not None:
            await self._consent(call)
        if self.reach is not None:
            await self.reach.check(call)

    async def make(self, call: Prepared) -> dict[str, Any]:
        """Make a call that was prepared; as :meth:`call`."""
        with telemetry.tool_call(call.name, call.tool.plugin if call.tool is not None else None) as span:
            try:
                return {"ok": True, **await self._make(call)}
            except PluginError as error:
                span.fail(error.code)
                return {"ok": False, "error": error.to_dict()}

    def prepare(self, said: str, arguments: Mapping[str, Any] | str | None) -> Prepared:
        """Return the call that is meant, names and arguments repaired. Raises BadArgumentsError for what is none."""
        name = ALIASES.get(said, said)
        if (tool := self._management.get(name)) is not None:
            repaired = repair(name, arguments, dict(tool.action.parameters))
            values = tool.action.parameters["properties"].get("configuration")
            if values is not None and "configuration" in repaired:  # a port is a number to a model
                repaired["configuration"] = with_texts(repaired["configuration"], values)
            check_arguments(name, repaired, dict(tool.action.parameters))
            return Prepared(name, repaired, tool)
        if name == RUN_PROGRAM and self.programs is not None:
            schema = self.programs.parameters
            repaired = repair(name, arguments, schema)
            check_arguments(name, repaired, schema)
            return Prepared(name, repaired)
        if name == SEARCH_ACTIONS:
            return Prepared(name, repair(name, arguments, dict(_SEARCH.parameters)))
        if name == CALL_ACTION:
            # An action of a plugin, and nothing else: the six are not reached through it.
            inner = repair(name, arguments, dict(_CALL.parameters))
            if not (action := str(inner.get("action") or "")):
                reason = "'action' is missing"
                how = f"{reason}: it is the name that search_plugin_actions gives."
                raise BadArgumentsError("the call", reason, dict(_CALL.parameters), for_model=how)
            return self._prepared(action, inner.get("arguments") or {})
        return self._prepared(name, arguments)

    def _prepared(self, name: str, arguments: Mapping[str, Any] | str | None) -> Prepared:
        tool = self._named(name)
        schema = dict(tool.action.parameters)
        repaired = repair(name, arguments, schema)
        if tool.is_renamed:
            repaired = in_own_names(repaired, schema)
        return Prepared(tool.name, with_types(repaired, schema), tool)

    async def _make(self, call: Prepared) -> dict[str, Any]:
        if call.name == RUN_PROGRAM and self.programs is not None:
            return await self._run(self.programs, str(call.arguments["code"]))
        if call.tool is None:
            return {"actions": await asyncio.to_thread(self._found, str(call.arguments.get("query") or ""))}
        if call.tool.plugin is None:
            result: dict[str, Any] = await call.tool.action.handler(**call.arguments)
            return result
        if self._consent is not None:
            await self._consent(call)
        plugin, action = call.tool.plugin, call.tool.action.name

        async def use() -> Any:
            return await self._use(plugin, action, call.arguments)

        value = await (use() if self.reach is None else self.reach.make(call, use))
        return {"plugin": plugin, "action": action, "result": value}

    async def _run(self, programs: Programs, code: str) -> dict[str, Any]:
        tools = self._current().tools

        def found(query: str) -> Sequence[int]:
            return self._places(query, tools)

        return await programs.run(code, tools, self._of_program, self._call_of_program, found)

    def _of_program(self, name: str, arguments: dict[str, Any]) -> Prepared:
        """Return the call that a program wants: of a plugin's action, and of nothing else."""
        if ALIASES.get(name, name) in self._management or name in (RUN_PROGRAM, SEARCH_ACTIONS, CALL_ACTION):
            raise BadArgumentsError(name, "it cannot be called from a program. Call it as a tool of its own")
        return self._prepared(name, arguments)

    def _named(self, name: str) -> Tool:
        current = self._current()
        if (tool := current.by_name.get(name)) is not None:
            return tool
        bare = [tool for tool in current.tools if name == tool.action.name]
        if len(bare) == 1:
            return bare[0]
        self._check_agreed(name)
        near = [tool.name for tool in (bare or current.tools)][:8]
        raise BadArgumentsError(
            name, "there is no such tool. " + (f"There are: {', '.join(near)}" if near else "No plugin is active.")
        )

    def _check_agreed(self, name: str) -> None:
        """Raise NeedsConfirmationError where *name* is of an action that nobody has agreed to."""
        if self._withheld is None:
            return
        for plugin in self._components.plugins:
            for waiting in self._withheld(plugin):
                kind, _, action = waiting.partition(" ")
                if kind == "action" and name in {action, unique_name(plugin, action, set())}:
                    raise WithheldError(plugin, waiting)

    def _found(self, query: str) -> list[dict[str, Any]]:
        tools = self.plugin_tools()
        return [
            {
                "action": tools[index].name,
                "description": tools[index].action.description[:200],
                "parameters": for_models(tools[index].action.parameters),
            }
            for index in self._places(query, tools)
        ]

    def _places(self, query: str, tools: Sequence[Tool]) -> Sequence[int]:
        """Return where in *tools* the actions are that *query* is for, best first."""
        from dynamic_plugins.resolver.action_search import ActionSearch

        self._search = self._search or ActionSearch()
        return self._search.search(query, [_text(tool) for tool in tools])


def _text(tool: Tool) -> ActionText:
    """Return what a search reads of a tool."""
    from dynamic_plugins.resolver.action_search import ActionText

    action = tool.action
    similes = tuple(one for one in action.similes if isinstance(one, str))
    return ActionText(action.name, action.description, similes, (tool.plugin or "").rsplit("/", 1)[-1])
