"""One turn of a conversation: the model is asked, the tools it wants are called, until it has an answer."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dynamic_plugins.approval import Answer
from dynamic_plugins.chat.change_guard import ChangeGuard
from dynamic_plugins.chat.history import History
from dynamic_plugins.chat.reach_question import answer_in, question_text
from dynamic_plugins.chat.turn import Call, Turn, Watch
from dynamic_plugins.chat.untrusted_text import RESULT_CHARACTERS, fenced
from dynamic_plugins.core import telemetry
from dynamic_plugins.core.model_protocol import Say, ToolCall, TurnContext, Use
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import BadArgumentsError, ModelError, PluginError
from dynamic_plugins.lifecycle.approval_gate import switched_on_too
from dynamic_plugins.redaction.session_vault import SessionVault
from dynamic_plugins.tools.injection_guard import InjectionGuard
from dynamic_plugins.tools.management import NAMES
from dynamic_plugins.tools.system_prompt import system_text
from dynamic_plugins.tools.tool_formats import in_format

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dynamic_plugins.core.model_protocol import Model
    from dynamic_plugins.core.spans import Span
    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.plugin import Provider
    from dynamic_plugins.tools.injection_guard import Reader
    from dynamic_plugins.tools.prepared_call import Prepared
    from dynamic_plugins.tools.reach_consent import ReachConsent, WantedReach
    from dynamic_plugins.tools.toolbox import Toolbox

    Evaluate = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

CONTEXT_CHARACTERS = 2_000
"""What the model is shown of one thing that plugins say without being asked: that goes along in every request."""
NO_ANSWER = "The model gave no answer. Say it again, or in other words."
NOT_LET = "All right, I leave it."
MOST_CALLS = 32
"""So many calls may a model want at once; the rest come back to it as errors."""
SETTLE_SECONDS = 5.0
log = logging.getLogger(__name__)


class Conversation:
    """A conversation with a model that can use, and manage, plugins.

    *reader* knows names: calls about one plugin run in order, others at once, and what other plugins' texts name is
    changed only if the person asks for it. *context* gives the running plugins' own context texts by source; *plugins*
    gives what is installed, which a model in this process gets as objects. *evaluate* shows a finished turn to the
    plugins' evaluators, while the person reads the reply; what they say is told to the model in the next turn. What is
    pasted goes into *vault*, which the toolbox's ``configure_plugin`` must share, as it must *reach*: what that could
    ask nobody about is asked in the reply.
    """

    def __init__(
        self,
        model: Model,
        toolbox: Toolbox,
        providers: Sequence[Provider],
        *,
        reader: Reader,
        context: Callable[[], Awaitable[dict[str, str]]],
        plugins: Callable[[], Sequence[DynamicPluginInfo]] | None = None,
        evaluate: Evaluate | None = None,
        vault: SessionVault | None = None,
        reach: ReachConsent | None = None,
        max_steps: int = 8,
        turn_seconds: float = 600.0,
    ) -> None:
        self._model, self._toolbox, self._providers = model, toolbox, providers
        self._watch = Watch()
        toolbox.calls_go_by(self._call_of_program)
        self._context, self._evaluate = context, evaluate
        self._plugins, self._reach = plugins, reach
        self._vault = vault or SessionVault()
        self._max_steps, self._turn_seconds = max_steps, turn_seconds
        self._history = History()
        self._guard = InjectionGuard(reader, RESULT_CHARACTERS)
        self._changes = ChangeGuard()
        self._evaluating: asyncio.Task[None] | None = None
        self._shown: set[asyncio.Task[None]] = set()
        self._remarks: dict[str, Any] = {}
        self._asked: list[tuple[ToolCall, WantedReach]] = []
        """Calls that wait for the person's answer to what the last reply asked."""

    async def respond(self, text: str, watch: Watch | None = None) -> Turn:
        """Answer *text*: ask the model, call what it wants called, until it says something.

        A model that cannot be reached, too many steps or too much time end the turn with a reply that says so; the
        conversation goes on. Cancelling leaves the conversation as it was before this turn.
        """
        with telemetry.turn(self._model.name) as span:
            turn = await self._respond(text, watch or Watch(), span)
            if turn.failed:
                span.fail("no_answer")
            return turn

    async def _respond(self, text: str, watch: Watch, span: Span) -> Turn:
        calls: list[Call] = []
        await self.settle()
        text, notices = await self._vault.redact(text)
        if watch.on_taken:
            watch.on_taken(text)
        if watch.on_notice:
            for notice in notices:
                watch.on_notice(notice)
        self._history.begin(text)
        self._guard.begin(text, self._changes.begin(text))
        if self._reach is not None:
            self._reach.hear(text)
        try:
            async with asyncio.timeout(self._turn_seconds):
                turn = await self._taken_up(text, watch, calls) or await self._run(watch, calls)
        except TimeoutError:
            span.fail("timeout")
            turn = Turn(f"I stopped: this took longer than {self._turn_seconds:g} s.", tuple(calls), failed=True)
        except ModelError as error:
            span.fail(error.code)
            return self._failed(self._vault.scrub_text(error.for_person()), calls, notices)
        except BaseException:  # Ctrl-C and the like too: half a turn would stay in the conversation
            self._drop_turn()
            raise
        turn = replace(turn, reply=self._vault.scrub_text(turn.reply), notices=tuple(notices))
        self._history.replied(turn.reply)
        self._vault.record_reply(turn.reply)
        self._changes.replied(turn.reply)
        if self._evaluate is not None:
            shown = self._show(self._evaluate, text, turn.reply)
            self._evaluating = asyncio.create_task(shown, context=telemetry.detached_context())
            self._shown.add(self._evaluating)
            self._evaluating.add_done_callback(self._shown.discard)
        return turn

    def recall(self, said: str, calls: Sequence[tuple[str, Any, Any]], reply: str) -> None:
        """Take up an exchange that was held before, with its *calls* as (tool, arguments, result)."""
        self._history.begin(said)
        self._guard.begin(said)
        if calls:
            wanted = [
                ToolCall(f"past_{len(self._history)}_{number}", tool, json.dumps(arguments, ensure_ascii=False))
                for number, (tool, arguments, _) in enumerate(calls)
            ]
            self._history.called(wanted, [fenced(result) for _, _, result in calls])
        self._history.replied(reply)
        self._changes.replied(reply)

    def _failed(self, reply: str, calls: Sequence[Call], notices: Sequence[str]) -> Turn:
        """End a turn in which the model failed. What was called before stays called, and stays in the conversation."""
        done = [call.tool for call in calls if call.result is not None and call.result.get("ok")]
        if done:
            reply += f" Done before that, and kept: {', '.join(done)}."
            self._history.replied(reply)
        else:
            self._drop_turn()
        return Turn(reply, tuple(calls), failed=True, notices=tuple(notices))

    async def _show(self, evaluate: Evaluate, text: str, reply: str) -> None:
        try:
            self._remarks = await evaluate({"user": text, "reply": reply})
        except PluginError as error:
            log.warning("the evaluators have not seen a turn: %s", error)

    def _drop_turn(self) -> None:
        self._history.drop_turn()
        self._guard.forget_turn()

    async def settle(self) -> None:
        """Wait until the evaluators have seen the last turn, but only a few seconds: one may be slow."""
        if self._evaluating is not None:
            await asyncio.wait([self._evaluating], timeout=SETTLE_SECONDS)
            self._evaluating = None

    async def plan(self, text: str) -> Turn:
        """Return what the model would do first with *text*, and do nothing; the conversation is not changed."""
        text, notices = await self._vault.redact(text)
        self._history.begin(text)
        try:
            answer = await self._ask(Watch())
        except ModelError as error:
            return Turn(self._vault.scrub_text(error.for_person()), failed=True, notices=tuple(notices))
        finally:
            self._history.drop_turn()
        if isinstance(answer, Say):
            return Turn(answer.text, notices=tuple(notices))
        calls = tuple(Call(call.name, _readable(call.arguments)) for call in answer.calls)
        return Turn(answer.text, calls, notices=tuple(notices))

    async def _run(self, watch: Watch, calls: list[Call]) -> Turn:
        for _ in range(self._max_steps):
            match await self._ask(watch):
                case Say(said):
                    if not said.strip() and not calls:
                        return Turn(NO_ANSWER, failed=True)
                    return Turn(said, tuple(calls))
                case Use(wanted, said):
                    results = await self._call_all(wanted, watch)
                    calls += [
                        Call(call.name, _readable(call.arguments), result)
                        for call, result in zip(wanted, results, strict=True)
                    ]
                    self._history.called(wanted, [fenced(result) for result in results], said)
                    if self._asked:
                        return Turn(question_text(asked for _, asked in self._asked), tuple(calls))
        stopped = f"I stopped after {self._max_steps} steps without an answer. Ask for less at once."
        return Turn(stopped, tuple(calls), failed=True)

    async def _taken_up(self, text: str, watch: Watch, calls: list[Call]) -> Turn | None:
        """Take *text* as the answer to what the last reply asked about plugins' reach, and make those calls.

        Returns the turn where that ends it: the person said no. A message that is no answer leaves them unmade.
        """
        asked, self._asked = self._asked, []
        answer = answer_in(text, [each for _, each in asked]) if asked else None
        if answer is None:
            return None
        results = [await self._answered(call, each, answer, watch) for call, each in asked]
        made = [replace(call, id=f"{call.id}_{len(self._history)}") for call, _ in asked]
        calls += [Call(c.name, _readable(c.arguments), r) for c, r in zip(made, results, strict=True)]
        self._history.called(made, [fenced(result) for result in results])
        return None if answer else Turn(NOT_LET, tuple(calls))

    async def _answered(self, call: ToolCall, asked: WantedReach, answer: Answer, watch: Watch) -> dict[str, Any]:
        """Return what *call* comes to, now that the person has given an *answer* to what it *asked* for."""
        assert self._reach is not None  # noqa: S101 - it asked
        if watch.on_call:
            watch.on_call(call)
        try:
            if not answer:
                raise self._reach.declined(asked)
            if (unmade := await self._reach.agreed(asked, always=answer is Answer.ALWAYS)) is not None:
                raise unmade
            result = await self._toolbox.make(asked.call)
        except PluginError as error:
            result = {"ok": False, "error": error.to_dict()}
        scrubbed: dict[str, Any] = self._vault.scrub_result(result)
        self._guard.read(asked.call, asked.plugin, scrubbed)
        if watch.on_result:
            watch.on_result(call, scrubbed)
        return scrubbed

    async def _ask(self, watch: Watch) -> Say | Use:
        messages = [{"role": "system", "content": await self._system()}, *self._history.messages()]
        tools = self._vault.scrub_tools(self._forms())
        return await self._model.respond(messages, tools, watch.on_text, self._turn_context())

    def _turn_context(self) -> TurnContext | None:
        """Return what the messages say of the plugins as objects, as free of secrets as they are."""
        if self._plugins is None:
            return None
        return TurnContext(tuple(self._without_secrets(info) for info in self._plugins()))

    def _without_secrets(self, info: DynamicPluginInfo) -> DynamicPluginInfo:
        return replace(info, error_details=info.error_details and self._vault.scrub_text(info.error_details))

    def _forms(self) -> list[dict[str, Any]]:
        if not self._model.reads_every_tool:
            return in_format(self._toolbox.offered(), "openai")
        tools = self._toolbox.everything()
        forms = in_format(tools, "openai")
        for tool, form in zip(tools, forms, strict=True):
            if tool.action.read_only is not None:
                form["function"]["annotations"] = {"readOnlyHint": tool.action.read_only}
        return forms

    async def _system(self) -> str:
        parts = [await system_text(self._providers)]
        told = {**await self._context(), **self._remarks}
        self._guard.told(told)
        for source, said in told.items():
            parts.append(fenced(self._vault.scrub_text(said), source, CONTEXT_CHARACTERS))
        return self._vault.scrub_text("\n\n".join(parts))

    async def _call_all(self, wanted: Sequence[ToolCall], watch: Watch) -> list[dict[str, Any]]:
        """Call all; those about one plugin in the order given, those about different ones at once."""
        self._watch = watch
        queues: dict[str, list[int]] = {}
        results: list[dict[str, Any]] = [{} for _ in wanted]
        prepared: dict[int, Prepared] = {}
        for index, call in enumerate(wanted):
            try:
                if index >= MOST_CALLS:
                    raise BadArgumentsError(call.name, f"more than {MOST_CALLS} calls at once. Make the rest now")
                prepared[index] = self._toolbox.prepare(call.name, call.arguments)
                queues.setdefault(await self._guard.subject(prepared[index]), []).append(index)
            except PluginError as error:
                results[index] = self._vault.scrub_result({"ok": False, "error": error.to_dict()})
                queues.setdefault("", []).append(index)

        async def work(plugin: str, indexes: list[int]) -> None:
            for place, index in enumerate(indexes):
                if index in prepared and prepared[index].name == "install_plugin":
                    following = [prepared[each] for each in indexes[place + 1 :] if each in prepared]
                    switched_on_too.set(await self._switches_on(following, plugin))
                if watch.on_call:
                    watch.on_call(wanted[index])
                if index in prepared:
                    results[index] = await self._call(prepared[index], plugin)
                if watch.on_result:
                    watch.on_result(wanted[index], results[index])

        async with asyncio.TaskGroup() as group:
            for plugin, indexes in queues.items():
                group.create_task(work(plugin, indexes))
        for plugin, indexes in queues.items():
            for index in (each for each in indexes if each in prepared):
                self._guard.read(prepared[index], plugin, results[index])
        if self._reach is not None:
            for asked in self._reach.take_open():
                place = next((index for index, call in prepared.items() if call is asked.call), None)
                self._asked.append((_as_call(asked.call) if place is None else wanted[place], asked))
        return results

    async def _switches_on(self, following: Sequence[Prepared], plugin: str) -> bool:
        """Return whether one of the *following* calls about *plugin* switches it on, and will be made."""
        for call in following:
            if call.name == "activate_plugin":
                return (self._changes.refusal(call, plugin) or await self._guard.refusal(call, plugin)) is None
        return False

    async def _call_of_program(self, call: Prepared) -> dict[str, Any]:
        """Make a call that a program wants, guarded, scrubbed and shown as one that the model wants by itself."""
        shown, watch = _as_call(call), self._watch
        if watch.on_call:
            watch.on_call(shown)
        plugin = await self._guard.subject(call)
        result = await self._call(call, plugin)
        self._guard.read(call, plugin, result)
        if watch.on_result:
            watch.on_result(shown, result)
        return result

    async def _call(self, call: Prepared, plugin: str) -> dict[str, Any]:
        refused = self._changes.refusal(call, plugin) or await self._guard.refusal(call, plugin)
        if refused is not None:
            said: dict[str, Any] = self._vault.scrub_result({"ok": False, "error": refused.to_dict()})
            return said
        result = await self._toolbox.make(call)
        if call.name in NAMES:
            await self._vault.refresh()  # the person may have been asked for a secret
        scrubbed: dict[str, Any] = self._vault.scrub_result(result)
        return scrubbed


def _as_call(call: Prepared) -> ToolCall:
    """Return the call of a program as if the model had wanted it by itself."""
    return ToolCall(f"program_{uuid4().hex[:12]}", call.name, json.dumps(call.arguments, ensure_ascii=False))


def _readable(arguments: str) -> Any:
    try:
        return parse_json(arguments) if arguments.strip() else {}
    except ValueError:
        return arguments
