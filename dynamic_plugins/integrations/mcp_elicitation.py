"""The person behind an MCP client: asked through elicitation, where the client has it.

Up to protocol 2025-11-25 a server asks in the middle of a call. Since 2026-07-28 it answers the call with its
questions, and the client makes the same call again with the answers; which questions were asked and agreed to travels
with it as a state that the server has sealed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
import shlex
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import is_version_at_least

from dynamic_plugins.approval import Answer
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError, NeedsSignInError
from dynamic_plugins.text.printable import visible

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from mcp.server.context import ServerRequestContext

    from dynamic_plugins.approval import ApprovalRequest, SignInRequest
    from dynamic_plugins.events import Event
    from dynamic_plugins.integrations.secret_form import ValuePage
    from dynamic_plugins.integrations.values_on_page import ValuesOnPage
    from dynamic_plugins.registry.entry import Variable

ValueForm: TypeAlias = "ValuePage | ValuesOnPage"
PERSON_SECONDS = 600.0
"""How long a person may think."""

_ROUNDS = "2026-07-28"
"""Since this protocol a question is an answer to the call, not a request of the server's."""


class InputNeededError(Exception):
    """The call cannot go on before the person answers; *result* asks the client to have them do so.

    A question on its way to the client, and no failure: no PluginError, so that nothing on the way takes it for one.
    """

    def __init__(self, result: types.InputRequiredResult) -> None:
        self.result = result
        super().__init__("the person has to answer first")


@dataclass
class _Call:
    """One tool call under way, and what the person has answered to it so far."""

    context: ServerRequestContext[Any]
    answers: dict[str, Any]
    asked: frozenset[str]
    answered: dict[str, Any] = field(default_factory=dict)
    steps: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)

    @property
    def in_rounds(self) -> bool:
        return is_version_at_least(self.context.protocol_version, _ROUNDS)

    def can_be_asked(self, mode: str) -> bool:
        """Whether the client can show a person a ``form`` or open a ``url`` for them."""
        capabilities = self.context.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities is not None else None
        if elicitation is None or not (self.in_rounds or self.context.session.can_send_request):
            return False
        # Before there were modes, clients said only that they can elicit, and meant forms.
        return elicitation.url is not None if mode == "url" else elicitation.form is not None or elicitation.url is None

    def page(self, url: str, message: str) -> types.ElicitRequestURLParams:
        """Return the question to open *url*; asked in rounds, it is known by what it says and has no other name."""
        identifier = None if self.in_rounds else secrets.token_hex(8)
        return types.ElicitRequestURLParams(message=message, url=url, elicitation_id=identifier)

    async def ask(self, question: types.ElicitRequestParams) -> types.ElicitResult | None:
        """Return the person's answer; None where the client could not ask them after all.

        Raises :class:`InputNeededError` where the answer comes with the next round.
        """
        request = types.ElicitRequest(params=question)
        if self.in_rounds:
            return self._ask_in_rounds(request)
        try:
            return await self.context.session.send_request(
                request,
                types.ElicitResult,
                PERSON_SECONDS,
                ServerMessageMetadata(related_request_id=self.context.request_id),
            )
        except MCPError as error:
            return types.ElicitResult(action="cancel") if error.code == types.REQUEST_TIMEOUT else None
        except ValueError:  # an answer of no known shape
            return None

    def _ask_in_rounds(self, request: types.ElicitRequest) -> types.ElicitResult | None:
        # The key is a digest of the whole question: an answer counts for exactly what the person was shown.
        shown = request.model_dump(mode="json", by_alias=True, exclude_none=True)
        key = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
        if key in self.asked and key in self.answers:
            self.answered[key] = self.answers[key]
        if key in self.answered:
            return types.ElicitResult.model_validate(self.answered[key])
        state = json.dumps({"asked": [key], "answered": self.answered})
        raise InputNeededError(types.InputRequiredResult(input_requests={key: request}, request_state=state))


_CALL: ContextVar[_Call | None] = ContextVar("mcp_call", default=None)


class Person:
    """Approval, values and progress by way of whoever made the MCP call that is under way.

    *allow_installs* agrees for the person where their client cannot ask them, to what a registry lists; with
    *allow_unlisted* to all else, too. *command* is how they start the command line on this *home*; on its page, where
    one is open, they enter what a plugin must be told.
    """

    def __init__(
        self,
        *,
        allow_installs: bool = False,
        allow_unlisted: bool = False,
        command: Sequence[str] = ("dynamic-plugins",),
        home: Path | None = None,
    ) -> None:
        self._allow_installs, self._allow_unlisted, self._command = allow_installs, allow_unlisted, tuple(command)
        self._home = home
        self._pages: dict[tuple[str, tuple[str, ...]], ValueForm] = {}
        self._unanswered: dict[str, asyncio.Event] = {}
        """The installs that a client was asked about and has not come back for with the answer, by plugin."""

    @contextlib.asynccontextmanager
    async def behind(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> AsyncIterator[None]:
        """Ask the person behind *context* for as long as the block lasts, and tell their client of progress."""
        call = _Call(context, *_told(params))
        token = _CALL.set(call)
        telling = asyncio.create_task(_tell(call))
        try:
            yield
        finally:
            _CALL.reset(token)
            call.steps.put_nowait(None)
            await telling

    async def approve(self, request: ApprovalRequest) -> bool | Answer:
        """Ask whether the person agrees. Raises NeedsConfirmationError where nobody can be asked."""
        call = _CALL.get()
        answer = await self._answer(call, request) if call is not None and call.can_be_asked("form") else None
        if answer is not None and answer.action != "cancel":
            return _said(answer)
        # What is dismissed was answered neither way: whoever agreed beforehand does not agree to that.
        dismissed = answer is not None
        if request.verb in ("call", "reach"):
            why = "They dismissed the question." if dismissed else "This client cannot ask them."
            raise NeedsConfirmationError(request.name, request.question, for_model=f"{request.question} {why}")
        listed = not (request.by_itself and not self._allow_unlisted)
        if self._allow_installs and not dismissed and not request.suggested_by and listed:
            return Answer.BEFOREHAND
        why = "They dismissed the question. " if dismissed else ""
        command = shlex.join(self._words(request))
        raise NeedsConfirmationError(
            request.name,
            f"{request.question} You agree by running this in a terminal: {command}",
            for_model=f"{request.question} {why}They agree by running this in a terminal: {command}",
        )

    def _words(self, request: ApprovalRequest) -> list[str]:
        words = [*self._command, request.verb, request.unlisted or request.name]
        if request.verb != "activate" and not request.version.startswith("("):
            words += ["--version", request.version]
        return words

    async def _answer(self, call: _Call, request: ApprovalRequest) -> types.ElicitResult | None:
        try:
            answer = await call.ask(_agreement(request))
        except InputNeededError:
            if request.verb == "install":
                self._unanswered.setdefault(request.name, asyncio.Event())
            raise
        if (waiting := self._unanswered.pop(request.name, None)) is not None:
            waiting.set()
        return answer

    async def answered(self, plugin: str) -> bool:
        """Wait for the client to come back with the answer about installing *plugin*; False where none is awaited."""
        if (waiting := self._unanswered.get(plugin)) is None:
            return False
        try:
            async with asyncio.timeout(PERSON_SECONDS):
                await waiting.wait()
        except TimeoutError:
            if self._unanswered.get(plugin) is waiting:
                del self._unanswered[plugin]  # nobody will come back
        return True

    async def ask_values(self, plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
        """Have the person enter *variables* on a page of this machine; nothing where their client opens no page."""
        call = _CALL.get()
        if call is None or not call.can_be_asked("url"):
            return {}
        key = (plugin, tuple(variable.name for variable in variables))
        page = self._pages.get(key)
        if page is None or not page.useful:
            await self._close(key)
            page = self._pages[key] = self._form(plugin, variables)
        try:
            values = await self._values_from(page, call)
        except InputNeededError:
            raise  # the page stays open: the next round waits for it
        except BaseException:  # cancelled too: nobody waits for the page any more
            await self._close(key)
            raise
        await self._close(key)
        return values

    def _form(self, plugin: str, variables: Sequence[Variable]) -> ValueForm:
        """Return a form on the page of this home; where none is open, one that is served for these values alone."""
        from dynamic_plugins.integrations.values_on_page import on_page

        if self._home is not None and (form := on_page(self._home, plugin, variables, PERSON_SECONDS)) is not None:
            return form
        from dynamic_plugins.integrations.secret_form import ValuePage  # a web server: imported once it is needed

        return ValuePage(plugin, variables, PERSON_SECONDS)

    async def ask_sign_in(self, request: SignInRequest) -> None:
        """Have the person open the address of *request* and sign in there; it comes back to this machine by itself.

        Raises NeedsSignInError where their client opens no page, DeclinedError where they do not want to.
        """
        call = _CALL.get()
        if call is None or not call.can_be_asked("url"):
            raise NeedsSignInError(request.plugin)
        facts = " ".join(" ".join(fact.split()) + "." for fact in request.facts)
        message = (
            f"Sign in for {visible(request.plugin)}. {facts} "
            "Neither this client nor the model sees what you enter there, or what comes of it."
        )
        answer = await call.ask(call.page(request.url, message))
        if answer is None or answer.action == "cancel":  # dismissed: they may sign in later
            raise NeedsSignInError(request.plugin)
        if answer.action != "accept":
            raise DeclinedError(request.plugin, "sign in for")

    async def _close(self, key: tuple[str, tuple[str, ...]]) -> None:
        if (page := self._pages.pop(key, None)) is not None:
            await page.close()

    async def _values_from(self, page: ValueForm, call: _Call) -> dict[str, str]:
        message = (
            f"{page.plugin} needs {', '.join(variable.name for variable in page.variables)}. "
            "The page is on this machine; what is entered there reaches neither this client nor the model."
        )
        question = call.page(page.url, message)
        answer = await call.ask(question)
        values = await page.values() if answer is not None and answer.action == "accept" else {}
        if values and question.elicitation_id is not None:
            await call.context.session.send_elicit_complete(question.elicitation_id, call.context.request_id)
        return values

    def listen(self, event: Event) -> None:
        """Tell the client of a step, if it asked to be told of progress."""
        if (call := _CALL.get()) is not None:
            call.steps.put_nowait(f"{event.plugin}: {event.stage} {event.message}".strip())

    async def close(self) -> None:
        """Close the pages that are still open."""
        for key in list(self._pages):
            await self._close(key)


def _told(params: types.CallToolRequestParams) -> tuple[dict[str, Any], frozenset[str], dict[str, Any]]:
    """Return the answers that came with a call, the questions asked before it, and the answers before those."""
    answers = {
        key: answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        for key, answer in (params.input_responses or {}).items()
        if isinstance(answer, types.ElicitResult)
    }
    # What arrives here was sealed by this process (see RequestStateBoundary), so it is of the shape it was made in.
    state = json.loads(params.request_state) if params.request_state else {"asked": [], "answered": {}}
    return answers, frozenset(state["asked"]), state["answered"]


def _said(answer: types.ElicitResult) -> bool | Answer:
    """Return what the person answered to an agreement: anything but a clear yes is a no."""
    content = answer.content or {}
    if answer.action != "accept" or content.get("agree") is not True:
        return False
    return _LASTING.get(str(content.get("how_long")), True)


_LASTS = {"call": ("once", "this conversation", "always"), "reach": ("this conversation", "always")}
"""How long a yes may hold, the shortest first, by what is asked."""
_LASTING = {"this conversation": Answer.CONVERSATION, "always": Answer.ALWAYS}
"""Answers to how long a yes holds; any other is for this call."""


def _agreement(request: ApprovalRequest) -> types.ElicitRequestFormParams:
    lasts = _LASTS.get(request.verb, ())
    lasting = {"type": "string", "title": "How long", "enum": list(lasts), "default": next(iter(lasts), "")}
    return types.ElicitRequestFormParams(
        message="\n".join([request.question, *request.facts]),
        requested_schema={
            "type": "object",
            "properties": {
                "agree": {
                    "type": "boolean",
                    "title": "Let it" if request.verb == "reach" else request.verb.capitalize(),
                    "description": request.question,
                    "default": False,
                },
                **({"how_long": lasting} if lasts else {}),
            },
            "required": ["agree"],
        },
    )


async def _tell(call: _Call) -> None:
    count = 0
    while (step := await call.steps.get()) is not None:
        count += 1  # progress must grow, and no total is known that would hold for every verb
        with contextlib.suppress(MCPError):
            await call.context.session.report_progress(count, None, step)
