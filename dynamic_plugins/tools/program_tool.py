"""Code mode: one tool that runs a program, in place of a tool for each action of the active plugins."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import NeedsConfirmationError, PluginError, ProgramError, UnavailableHereError
from dynamic_plugins.plugin import Action
from dynamic_plugins.tools.function_signatures import functions_of
from dynamic_plugins.tools.plugin_tools import RUN_PROGRAM
from dynamic_plugins.tools.tool_formats import Tool
from dynamic_plugins.workers.fence.fence import FenceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dynamic_plugins.tools.function_signatures import Function
    from dynamic_plugins.tools.prepared_call import Prepared
    from dynamic_plugins.workers.program_process import Outcome, ProgramRunner

    CallOne = Callable[[Prepared], Awaitable[dict[str, Any]]]

LISTED_CHARACTERS = 5_000
"""So much is said of functions in each request, as of tools; of the others it is said that they can be searched for."""
_NOT_MADE = frozenset({"needs_confirmation", "declined", "bad_arguments"})
"""Errors of calls that were never made."""
_ABOUT = (
    "Run a short Python program that calls the active plugins' actions as functions. Only what it prints comes back: "
    "use it for several calls at once, and print no more than is needed. It has the standard library, no network, no "
    "files but an empty folder, and 30 seconds. The actions that install and switch plugins cannot be called in it."
)
_CODE = (
    "The program. Each function returns the action's result, or raises ActionError; a refusal is to be told to the "
    "person, not tried again. "
)
_SEARCHED = (
    "Further functions, and those of plugins that are switched on later, are found by "
    'print(search_actions("what it should do")).'
)


def run_program_tool(about: str) -> Tool:
    """Return the tool; *about* says what a program can call."""
    code = {"type": "string", "description": _CODE + about}
    schema = {"type": "object", "properties": {"code": code}, "required": ["code"], "additionalProperties": False}
    return Tool(RUN_PROGRAM, Action(RUN_PROGRAM, _ABOUT, lambda **_: None, schema))


def listed(functions: Sequence[Function]) -> str:
    """Return what a model is told of *functions*: a line for each, while there is room."""
    lines: list[str] = []
    room = LISTED_CHARACTERS
    for each in functions:
        line = each.signature()
        if len(line) <= room:
            lines.append(line)
            room -= len(line) + 1
    if not functions:
        return f"No plugin is active now. {_SEARCHED}"
    more = "" if len(lines) == len(functions) else f"\n{len(functions) - len(lines)} functions are not shown here. "
    return "\n".join(["The functions:", *lines]) + f"\n{more.strip()}{' ' if more else ''}{_SEARCHED}"


class ProgramTool:
    """Runs programs by *runner*. *changes* tells whether a call may change something; *scrub* takes secrets out."""

    def __init__(self, runner: ProgramRunner, changes: Callable[[Prepared], bool], scrub: Callable[[str], str]) -> None:
        self._runner, self._changes, self._scrub = runner, changes, scrub
        self._functions: tuple[Sequence[Tool], list[Function]] = ((), [])

    @property
    def parameters(self) -> dict[str, Any]:
        """The schema of the tool's arguments."""
        return dict(run_program_tool("").action.parameters)

    @property
    def unfenced(self) -> str:
        """Why programs run without a fence on this machine; empty where one stands round them."""
        return self._runner.unfenced

    def functions(self, tools: Sequence[Tool]) -> list[Function]:
        """Return *tools* as functions; made once for each list of them."""
        if self._functions[0] is not tools:
            self._functions = (tools, functions_of(tools))
        return self._functions[1]

    def tool(self, tools: Sequence[Tool]) -> Tool:
        """Return the tool that runs a program, which can call *tools*."""
        return run_program_tool(listed(self.functions(tools)))

    async def run(
        self,
        code: str,
        tools: Sequence[Tool],
        prepare: Callable[[str, dict[str, Any]], Prepared],
        call: CallOne,
        search: Callable[[str], Sequence[int]],
    ) -> dict[str, Any]:
        """Run *code* and return ``{"output", "calls"}``. Raises ProgramError, UnavailableHereError.

        *prepare* makes a call of a plugin's action of what the program wants, or raises PluginError; *call* makes it.
        *search* returns the places in *tools* of what a request is for.
        """
        functions = self.functions(tools)
        calls = _Calls(prepare, call, self._changes)

        async def found(query: str) -> str:
            return "\n".join(functions[place].described() for place in await asyncio.to_thread(search, query)) or "none"

        try:
            outcome = await self._runner.run(code, [each.order() for each in functions], calls.make, found)
        except (FenceError, OSError) as error:
            raise UnavailableHereError(RUN_PROGRAM, str(error)) from None
        return await asyncio.to_thread(self._result, outcome)

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        told: dict[str, Any] = {"output": self._scrub(outcome.output), "calls": outcome.calls}
        if outcome.left_out:
            told["left_out"] = f"{outcome.left_out} more characters that it printed. Print less."
        elif len(outcome.output) >= self._runner.limits.output_characters:
            told["left_out"] = "Whatever it printed after that. Print less."
        if self.unfenced:
            told["note"] = f"This program ran without a fence: {self.unfenced}"
        if outcome.failure:
            raise ProgramError(self._scrub(outcome.failure), told)
        return told


class _Calls:
    """The calls of one program, made one after the other."""

    def __init__(
        self, prepare: Callable[[str, dict[str, Any]], Prepared], call: CallOne, changes: Callable[[Prepared], bool]
    ) -> None:
        self._prepare, self._call, self._changes = prepare, call, changes
        self._has_changed = False

    async def make(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return ``{"result"}`` or ``{"error"}`` of one call."""
        try:
            call = self._prepare(tool, arguments)
            made = await self._answered(call)
        except PluginError as error:
            made = {"ok": False, "error": error.to_dict()}
        if not made["ok"]:
            return {"error": {"code": made["error"]["code"], "message": _error_text(made["error"])}}
        return {"result": json.loads(json.dumps(made.get("result"), default=str))}

    async def _answered(self, call: Prepared) -> dict[str, Any]:
        try:
            made = await self._call(call)
        except PluginError:
            raise
        except Exception:
            # A question to the person that the client carries out: it calls the whole program again with the answer.
            # That must not make a second time what has been made.
            if not self._has_changed:
                raise
            raise NeedsConfirmationError(
                call.about,
                f"{call.name} needs your word, and this program has already changed something. Call it again.",
                for_model=f"{call.name} needs the person's word, and this program has already made calls that change "
                "something, which stay made. Call it in a new program that does not repeat them.",
            ) from None
        if made["ok"] or made["error"]["code"] not in _NOT_MADE:
            self._has_changed = self._has_changed or self._changes(call)
        return made


def _error_text(error: dict[str, Any]) -> str:
    """Return what a program's exception says: the error's text, and the names that would have been right."""
    near = error.get("suggestions")
    return str(error["message"]) + (f" Similar: {', '.join(map(str, near))}" if near else "")
