"""The verbs that a browser began: what they are doing, what they ask the person, and how they ended.

A verb goes on when its browser goes away, and a second browser that wants the same sees the same one. Its question is
answered once: the form has the question's own id, and whoever comes second is told so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.approval import Answer
from dynamic_plugins.core.status import Outcome
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError, NeedsSignInError, PluginError
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.approval import ApprovalRequest, SignInRequest
    from dynamic_plugins.events import Event

PERSON_SECONDS = 600.0
"""How long a person may think."""
SECOND_CLICK = 2.0
"""Within so many seconds the same form again is no second call, even where the first has ended."""
MOST_KEPT = 50
"""So many verbs that have ended are kept, for the page that tells of them."""

_DONE = {
    "install": "is installed",
    "update": "is up to date",
    "rollback": "is at the version before",
    "pin": "is pinned: nothing updates it",
    "unpin": "can be updated again",
    "uninstall": "is uninstalled",
    "activate": "is on",
    "deactivate": "is off",
    "unload": "is unloaded",
    "reload": "was started anew",
    "sign-in": "is signed in",
    "sign-out": "is signed out",
    "configure": "is configured",
    "outdated": "was compared with what can be had",
    "permissions": "may reach what you agreed to, from its next call on",
    "call": "answered",
}
_DOING = {
    "install": "Installing",
    "update": "Updating",
    "rollback": "Going back with",
    "pin": "Pinning",
    "unpin": "Unpinning",
    "uninstall": "Uninstalling",
    "activate": "Switching on",
    "deactivate": "Switching off",
    "unload": "Unloading",
    "reload": "Starting anew",
    "sign-in": "Signing in to",
    "sign-out": "Signing out of",
    "outdated": "Looking for newer versions",
    "permissions": "Changing the permissions of",
    "call": "Calling",
}

log = logging.getLogger(__name__)


class Consent(Protocol):
    """What a person is asked to agree to: an ApprovalRequest, or a change that they have asked for themselves."""

    @property
    def verb(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def facts(self) -> list[str]: ...
    @property
    def changes(self) -> tuple[str, ...]: ...


@dataclass
class Question:
    """What a verb asks the person: consent to *request*, or to sign in at the address of *sign_in*."""

    request: Consent | None
    answers: tuple[Answer, ...]
    sign_in: SignInRequest | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


_ANSWERS: dict[str, tuple[Answer, ...]] = {
    "call": (Answer.ONCE, Answer.CONVERSATION, Answer.ALWAYS),
    "reach": (Answer.CONVERSATION, Answer.ALWAYS),
}
"""The ways to agree to what is asked, as the terminal offers them; anything else is agreed to once."""


@dataclass
class Operation:
    """One verb on one plugin: ``install``, ``activate``, ``call``, …; *after* is the page to see once it is done."""

    verb: str
    plugin: str
    after: str
    action: str = ""
    """Of a call: what is called; of permissions: what is changed; of an install: where it runs, if elsewhere."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    step: Event | None = None
    """What it is doing now."""
    question: Question | None = None
    value: Any = None
    """What it gave: an Outcome, or the result of a call."""
    error: PluginError | None = None
    note: str = ""
    """What else a person should know of it."""
    form: dict[str, str] = field(default_factory=dict)
    """What was entered, of a call."""
    changes: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _begun: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def step_words(self) -> str:
        """What it is doing now, as a sentence without its end: ``Finding packages``."""
        if self.step is None:
            return ""
        words = printable(self.step.message or self.step.stage)
        return words[:1].upper() + words[1:]

    @property
    def doing_words(self) -> str:
        """What it does, in words: ``Installing``."""
        return _DOING.get(self.verb, self.verb)

    @property
    def done_words(self) -> str:
        """What it has done, as a sentence."""
        if self.outcome is not None and self.outcome.note:
            return self.outcome.note
        return f"{self.outcome.info.name if self.outcome is not None else self.plugin} {_DONE[self.verb]}."

    @property
    def outcome(self) -> Outcome | None:
        """The plugin as the verb left it, of all verbs but a call."""
        return self.value if isinstance(self.value, Outcome) else None

    def repeats(self, other: Operation) -> bool:
        """Return whether this is *other* once more: the same verb while that is under way, or a second click.

        A call is the same where its form is, which has an id of its own for each time that it is shown.
        """
        same = (self.verb, self.plugin, self.action) == (other.verb, other.plugin, other.action)
        if self.verb != "call":
            return same and not other.is_over
        clicked_twice = not other.is_over or self._begun - other._begun < SECOND_CLICK
        return same and bool(self.form.get("once")) and self.form == other.form and clicked_twice

    def tell(self) -> None:
        """Have whoever waits for news look again."""
        self.changes += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def news(self, seen: int, seconds: float) -> None:
        """Return once it has changed more than *seen* times, or after *seconds*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.changes <= seen and not self.is_over:
                    await self._changed.wait()

    async def decided(self, seconds: float) -> None:
        """Return once it asks something or is over, or after *seconds*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.question is None and not self.is_over:
                    await self._changed.wait()

    async def _run(self, make: Callable[[], Awaitable[Any]]) -> None:
        try:
            self.value = await make()
        except PluginError as error:
            self.error = error
        except Exception as error:  # nobody waits for it but the page, which has to say that it ended
            log.exception("%s of %s failed", self.verb, self.plugin)
            self.error = PluginError(f"{self.verb} of {self.plugin} failed: {type(error).__name__}. The log says why.")
        finally:
            self.question, self.step = None, None


_CURRENT: ContextVar[Operation | None] = ContextVar("web_operation", default=None)


class Operations:
    """All verbs that browsers began, under way or over. As *approve* it asks the person at the page."""

    def __init__(self, seconds: float = PERSON_SECONDS) -> None:
        self._all: dict[str, Operation] = {}
        self._seconds = seconds

    def get(self, operation: str) -> Operation | None:
        """Return the one of this id; None where there is none, or it was forgotten."""
        return self._all.get(operation)

    def under_way(self) -> list[Operation]:
        """Return those that are not over."""
        return [each for each in self._all.values() if not each.is_over]

    def begin(self, operation: Operation, make: Callable[[], Awaitable[Any]]) -> Operation:
        """Begin *operation*, which *make* does, and return it; or the one that does the same already."""
        for other in self._all.values():
            if operation.repeats(other):
                return other
        self._forget()
        self._all[operation.id] = operation
        token = _CURRENT.set(operation)
        try:
            operation._task = asyncio.create_task(operation._run(make))
        finally:
            _CURRENT.reset(token)
        operation._task.add_done_callback(lambda _: operation.tell())
        return operation

    def _forget(self) -> None:
        over = [each.id for each in self._all.values() if each.is_over]
        for each in over[: max(0, len(over) - MOST_KEPT + 1)]:
            del self._all[each]

    def cancel(self, operation: Operation) -> None:
        """End *operation*: what it has done so far is undone."""
        if operation._task is not None:
            operation._task.cancel()

    async def close(self) -> None:
        """End all that are under way, and return when they have ended."""
        tasks = [each._task for each in self.under_way() if each._task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---------------------------------------------------------------- what they ask and tell

    async def approve(self, request: ApprovalRequest) -> bool | Answer:
        """Ask the person at the page that began what asks; raises NeedsConfirmationError where no page did.

        What was clicked is agreed to, but for what cannot be known before: see :func:`needs_no_question`.
        """
        operation = _CURRENT.get()
        if operation is None or operation.is_over:
            raise NeedsConfirmationError(request.name, request.question)
        if needs_no_question(request):
            return Answer.BEFOREHAND
        answer = await self._ask(operation, Question(request, _ANSWERS.get(request.verb, (Answer.ONCE,))))
        return answer if request.verb in _ANSWERS else bool(answer)

    async def agree(self, change: Consent) -> bool:
        """Ask the person at the page that began it whether what they want to be changed is to be."""
        operation = _CURRENT.get()
        assert operation is not None  # noqa: S101 - only what an operation makes asks so
        return bool(await self._ask(operation, Question(change, (Answer.ONCE,))))

    async def _ask(self, operation: Operation, question: Question) -> Answer:
        operation.question = question
        operation.tell()
        try:
            async with asyncio.timeout(self._seconds):
                return await question.answer
        except TimeoutError:
            asked = question.request
            raise NeedsConfirmationError(operation.plugin, asked.question if asked else "") from None
        finally:
            operation.question = None
            operation.tell()

    async def ask_sign_in(self, request: SignInRequest) -> str | None:
        """Show the person where to sign in, until this is cancelled since they have.

        Raises DeclinedError for a no, and NeedsSignInError where no page began it.
        """
        operation = _CURRENT.get()
        if operation is None or operation.is_over:
            raise NeedsSignInError(request.plugin)
        await self._ask(operation, Question(None, (), request))
        raise DeclinedError(request.plugin, "sign in for")  # nothing but a no is answered here

    def answer(self, operation: Operation, question: str, answer: Answer) -> bool:
        """Give *answer* to the question of this id; False where it is not asked any more, or was answered before."""
        asked = operation.question
        if asked is None or not secrets.compare_digest(asked.id.encode(), question.encode()) or asked.answer.done():
            return False
        if answer is not Answer.NO and answer not in asked.answers:
            return False
        asked.answer.set_result(answer)
        # At once, and not when the verb wakes: who answered is shown what comes next, and not the question again.
        operation.question = None
        operation.tell()
        return True

    def listen(self, event: Event) -> None:
        """Show a step on the page of whatever verb it belongs to."""
        if (operation := _CURRENT.get()) is not None:
            operation.step = event
            if event.stage == "secrets_stayed":
                operation.note = event.message
            operation.tell()


def needs_no_question(request: ApprovalRequest) -> bool:
    """Return whether the click that led to *request* has said it all: as at a terminal, a command that was typed.

    What a plugin offers otherwise than was agreed to, and what it would reach besides, the person cannot know.
    """
    return request.verb == "activate" and not request.changes and not request.suggested_by
