"""Asking the person here and on the page of this home at once: whichever answer comes first is the one that counts.

Nothing of it does anything where no page is open on the home.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.errors import AskedOnPageError, NeedsConfirmationError
from dynamic_plugins.events import ANSWERED, WAITING, Event, Listener, ignore
from dynamic_plugins.storage.approval_queue import ApprovalQueue, key_of
from dynamic_plugins.storage.open_page import ASKED, is_seen, page_address, settings_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_plugins.approval import Answer, ApprovalRequest, Approve
    from dynamic_plugins.storage.approval_queue import Given, OpenQuestion, Question

KEPT_SECONDS = 300.0
"""How long an answer waits for the call that it is for to be made again."""
WITHOUT_PAGE = 20.0
"""So long may the page be away, to be started anew, before nobody is waited for any more."""
UNSEEN = 60.0
"""So long is a page waited for that nobody looks at: time to read where one is asked, and to open it."""
_BETWEEN = 0.25
"""A file is looked for so often, while a person thinks."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PersonAnswer:
    """What the person answered, and whether they did so on the page."""

    answer: bool | Answer
    on_page: bool = False


class SharedApproval:
    """Asks the person by what a door has for that, and on the page of *home* where one is open.

    Where a door has nobody to ask, the page's answer is waited for; with *later* the call ends at once and is told
    where the person is asked, and the same request made again takes the answer, once. *scrub* takes the secrets out of
    a call's arguments, in a thread. *listener* is told of questions that wait, and of answers from the page. A person
    has *seconds* to think; with 0 the page asks nothing.
    """

    def __init__(
        self,
        home: Path,
        door: str,
        *,
        later: bool = False,
        scrub: Callable[[str], str] = str,
        listener: Listener = ignore,
        seconds: float = 600.0,
    ) -> None:
        self._home, self._queue, self._later = home, ApprovalQueue(home, door), later
        self._scrub, self._listener, self._seconds = scrub, listener, seconds
        self._kept: dict[str, OpenQuestion] = {}
        """The questions whose calls have ended, by what is asked: until somebody makes the same call again."""

    async def ask(self, request: ApprovalRequest, approve: Approve, *, waits: bool = True) -> PersonAnswer:
        """Return what the person answers, here by *approve* or on the page.

        Raises what *approve* raises. Where that is NeedsConfirmationError, since nobody can be asked here, and a page
        is open, its answer is waited for, unless *waits* is false; for a door that answers later, AskedOnPageError is
        raised.
        """
        try:
            return await self._ask_both(request, approve)
        except NeedsConfirmationError as nobody:
            return await self._ask_on_page(request, nobody, waits)

    def settings_page(self, plugin: str) -> str:
        """Return where the person enters the settings of *plugin*; empty where no page is open."""
        return settings_page(self._home, plugin)

    def close(self) -> None:
        """Take the questions off the queue that still wait for their call to be made again."""
        while self._kept:
            self._kept.popitem()[1].close()

    # ---------------------------------------------------------------- here and on the page

    async def _ask_both(self, request: ApprovalRequest, approve: Approve) -> PersonAnswer:
        here = asyncio.ensure_future(_answered(approve, request))
        question: OpenQuestion | None = None
        put = False
        try:
            while not (await asyncio.wait({here}, timeout=_BETWEEN))[0]:
                if not put and page_address(self._home) is not None:  # it may be opened while somebody thinks
                    put, question = True, await self._put(request)
                if question is not None and question.given() is not None:
                    return await self._from_page(question, here)
            # What was answered on the page just before counts, and whoever answered there was told so.
            given = question.close() if question is not None else None
            return PersonAnswer(here.result()) if given is None else self._tell(request, given)
        finally:
            if question is not None:
                question.close()
            await _end(here)

    async def _from_page(self, question: OpenQuestion, here: asyncio.Task[bool | Answer]) -> PersonAnswer:
        given = question.close()
        assert given is not None  # noqa: S101 - it was there, and nothing takes an answer back
        await _end(here)
        return self._tell(question.question, given)

    def _tell(self, asked: ApprovalRequest | Question, given: Given) -> PersonAnswer:
        self._listener(Event(asked.name, ANSWERED, f"{asked.question} Answered on the page: {given.answer}."))
        return PersonAnswer(given.as_answer, on_page=True)

    # ---------------------------------------------------------------- on the page alone

    async def _ask_on_page(self, request: ApprovalRequest, nobody: NeedsConfirmationError, waits: bool) -> PersonAnswer:
        if self._later:
            return await self._ask_for_later(request, nobody)
        question = await self._put(request) if waits else None
        if question is None:
            raise nobody
        address = page_address(self._home)
        where = f"It waits for your answer at {address}{ASKED}, for a minute, and longer while you look there."
        self._listener(Event(request.name, WAITING, f"{request.question} {where}"))
        try:
            await self._wait(question)
        finally:
            given = question.close()
        if given is None:
            raise nobody
        return self._tell(request, given)

    async def _wait(self, question: OpenQuestion) -> None:
        """Return once there is an answer, time enough for one, the page has gone for good, or nobody looks."""
        open_at = seen_at = time.monotonic()
        while question.given() is None and time.time() < question.question.until:
            now = time.monotonic()
            if page_address(self._home) is not None:
                open_at = now
            if is_seen(self._home):
                seen_at = now
            if now - open_at > WITHOUT_PAGE or now - seen_at > UNSEEN:
                return
            await asyncio.sleep(_BETWEEN)

    async def _ask_for_later(self, request: ApprovalRequest, nobody: NeedsConfirmationError) -> PersonAnswer:
        key = key_of(request)
        self._drop_old()
        if (kept := self._kept.get(key)) is not None and kept.given() is not None:
            del self._kept[key]
            if (given := kept.close()) is not None:
                return self._tell(request, given)
        if key not in self._kept:
            if (question := await self._put(request)) is None:
                raise nobody
            if key in self._kept:  # the same call was made twice at once
                question.close()
            else:
                self._kept[key] = question
                asyncio.get_running_loop().call_later(self._seconds + KEPT_SECONDS, self._drop_old)
        if (address := page_address(self._home)) is None:
            raise nobody
        raise AskedOnPageError(nobody, address + ASKED)

    def _drop_old(self) -> None:
        now = time.time()
        for key, kept in list(self._kept.items()):
            given = kept.given()
            if now > (kept.question.until if given is None else given.at + KEPT_SECONDS):
                del self._kept[key]
                kept.close()

    async def _put(self, request: ApprovalRequest) -> OpenQuestion | None:
        """Put *request* on the queue, where a page is open to show it."""
        if page_address(self._home) is None or not self._seconds:
            return None
        try:
            if request.arguments:
                request = replace(request, arguments=await asyncio.to_thread(self._scrub, request.arguments))
            return self._queue.put(request, self._seconds)
        except (OSError, ValueError) as error:
            log.warning("%s: the page cannot ask about it: %s", request.name, error)
            return None


async def _answered(approve: Approve, request: ApprovalRequest) -> bool | Answer:
    return await approve(request)


async def _end(task: asyncio.Task[bool | Answer]) -> None:
    """Cancel *task* and wait until it has cleaned up, as a prompt does that gives the terminal back."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # it was asked, and what it ended with instead is nobody's any more
