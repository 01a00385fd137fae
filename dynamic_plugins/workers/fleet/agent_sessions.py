"""The agents that have a plugin on a cluster open: what each is told, and which of them answers what it asks."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT = 1000
"""So many events wait for an agent that does not fetch them; then the oldest go."""
SILENT_SECONDS = 60.0
"""An agent that has not asked for its events for so long is gone."""

Event = tuple[int, str, Any]
"""A number that counts upwards, what happened, and its facts."""


class AgentSession:
    """One agent that has the plugin open. *has_model* says whether it answers the plugin's questions to a model."""

    def __init__(self, *, has_model: bool) -> None:
        self.has_model = has_model
        self.last_heard = time.monotonic()
        self.last_called = 0.0
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._counted = 0
        self._news = asyncio.Event()

    @property
    def is_gone(self) -> bool:
        return time.monotonic() - self.last_heard > SILENT_SECONDS

    def tell(self, what: str, facts: Any) -> None:
        """Have the agent hear of something when it asks next."""
        self._counted += 1
        self._events.append((self._counted, what, facts))
        self._news.set()

    async def after(self, seen: int, seconds: float) -> list[Event]:
        """Return what happened after the event *seen*, and wait for it at most *seconds*.

        What was *seen* is forgotten only now: an answer that was lost on its way is given again.
        """
        self.last_heard = time.monotonic()
        while self._events and self._events[0][0] <= seen:
            self._events.popleft()
        if not self._events:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                pass
        self.last_heard = time.monotonic()
        return list(self._events)


class AgentSessions:
    """All agents that have the plugin open, by the name of their session."""

    def __init__(self) -> None:
        self._sessions: dict[str, AgentSession] = {}
        self._questions: dict[str, asyncio.Future[str | None]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, name: str, *, has_model: bool) -> None:
        for other in [each for each, session in self._sessions.items() if session.is_gone]:
            del self._sessions[other]
        if name not in self._sessions:
            self._sessions[name] = AgentSession(has_model=has_model)

    def get(self, name: str) -> AgentSession | None:
        return self._sessions.get(name)

    def close(self, name: str) -> None:
        if (session := self._sessions.pop(name, None)) is not None:
            session.tell("closed", None)

    def tell(self, what: str, facts: Any) -> None:
        """Have every agent hear of something."""
        for session in self._sessions.values():
            session.tell(what, facts)

    async def ask_model(self, messages: Sequence[dict[str, str]], seconds: float) -> str | None:
        """Return what the model of the agent that called last says; None where no agent with a model is there.

        A plugin does not say for which call it asks.
        """
        able = [session for session in self._sessions.values() if session.has_model and not session.is_gone]
        if not able:
            return None
        question = secrets.token_hex(8)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._questions[question] = answer
        max(able, key=lambda session: session.last_called).tell("ask_model", (question, list(messages)))
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._questions[question]

    def answer(self, question: str, text: str | None) -> None:
        """Take an agent's answer to a question; one that comes too late is passed over."""
        waiting = self._questions.get(question)
        if waiting is not None and not waiting.done():
            waiting.set_result(text)
