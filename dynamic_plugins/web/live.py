"""News for browsers that run scripts: what is asked, what is installed and what was called have changed.

One task looks for all of them, twice a second and only while somebody listens; other processes of the home tell nobody
when they write.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from dynamic_plugins.core.atomic_file import stamp_of
from dynamic_plugins.storage.call_log import FILE as CALLS_FILE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site

MOST_LISTENERS = 32
"""So many browsers' pages are told of news at once; others look for themselves."""
BETWEEN = 0.5
STILL_THERE = 15.0
"""Something is sent at least so often: else nobody learns that a browser has gone away."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    news = News(site)

    async def events(request: Request) -> Response:  # noqa: ARG001 # as it is called
        if news.is_full:
            return PlainTextResponse("Too many pages are open.", 503)
        return StreamingResponse(news.events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return [Route("/events", events)]


class Listener:
    """One browser's page: what it has not read yet is kept once, by its newest state, however long it reads nothing."""

    def __init__(self) -> None:
        self._unread: dict[str, Any] = {}
        self._is_news = asyncio.Event()

    def tell(self, changed: dict[str, Any]) -> None:
        """Have it told what has *changed*."""
        self._unread |= changed
        self._is_news.set()

    async def next(self) -> bytes:
        """Return the next event: what it has not read, or a comment after a while in which nothing has changed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STILL_THERE):
                await self._is_news.wait()
        if not self._unread:
            return b":\n\n"  # by which the protocol lets one say nothing
        unread, self._unread = self._unread, {}
        self._is_news.clear()
        return _event(unread)


class News:
    """Tells listeners what is so now, and what is so once it has changed: by the name of a part of the page."""

    def __init__(self, site: Site) -> None:
        self._site, self._queue = site, site.queue
        self._listeners: set[Listener] = set()
        self._now: dict[str, Any] = {}
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether as many listen as may."""
        return len(self._listeners) >= MOST_LISTENERS

    async def events(self) -> AsyncIterator[bytes]:
        """Yield server-sent events for as long as somebody reads them: first all that is so now."""
        mine = Listener()
        self._listeners.add(mine)
        try:
            with self._site.presence.listening():
                if self._watching is None:
                    self._now = await asyncio.to_thread(self._look)
                self._watching = self._watching or asyncio.create_task(self._watch())
                yield _event(self._now)
                while True:
                    yield await mine.next()
        finally:
            self._listeners.discard(mine)
            if not self._listeners and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BETWEEN)
            try:
                found = await asyncio.to_thread(self._look)
            except OSError:  # the home cannot be read just now
                continue
            changed = {name: value for name, value in found.items() if self._now.get(name) != value}
            self._now = found
            if changed:
                for listener in self._listeners:
                    listener.tell(changed)

    def _look(self) -> dict[str, Any]:
        settings = self._site.app.settings
        return {
            "asked": [question.id for question in self._queue.open()],
            "plugins": self._site.app.store.stamp(),
            "calls": [_stamp(settings.home / CALLS_FILE), _stamp(settings.audit_file)],
        }


def _event(changed: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(changed)}\n\n".encode()


def _stamp(path: Path) -> str:
    try:
        return str(stamp_of(path))
    except OSError:
        return ""
