"""A plugin that runs elsewhere, as its host sees it: sessions come and go, the connection stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import ActionError, LoadError
from dynamic_plugins.workers.components import READ
from dynamic_plugins.workers.remote.remote_session import SessionGoneError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.workers.components import Component, Offers
    from dynamic_plugins.workers.remote.remote_session import RemoteSession


class RemoteConnection:
    """A :class:`~dynamic_plugins.workers.components.Connection` to a remote server. *open_session* begins a session.

    A call is made again in a new session where the server has forgotten the old one and so has done nothing; a call
    that may have been done is never made again.
    """

    def __init__(self, name: str, session: RemoteSession, open_session: Callable[[], Awaitable[RemoteSession]]) -> None:
        self.name = name
        self.on_offers_changed: Callable[[Offers], None] | None = None
        """Called with the new offers when the plugin changes what it offers."""
        self._open_session = open_session
        self._closed = False
        self._renewing = asyncio.Lock()
        self._leaving: set[asyncio.Future[None]] = set()
        self._session = self._heard(session)

    @property
    def offers(self) -> Offers:
        return self._session.offers

    @property
    def alive(self) -> bool:
        """Whether it was not closed: a server that cannot be reached now may be at the next call."""
        return not self._closed

    @property
    def pid(self) -> int | None:
        return None

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,
    ) -> Any:
        """Call one component; see :meth:`dynamic_plugins.workers.components.Connection.call`.

        Raises what connecting raises, where the session was lost meanwhile.
        """
        session = self._session
        if not session.alive:
            session = await self._renewed(session, component)
        try:
            return await session.call(component, arguments, progress)
        except SessionGoneError:
            session = await self._renewed(session, component)
        try:
            return await session.call(component, arguments, progress)
        except SessionGoneError:
            reason = "it forgets each session at once"
            raise ActionError(self.name, component.name, reason) from None

    async def close(self) -> None:
        """Leave the server. Safe to repeat; never raises."""
        self._closed = True
        await asyncio.gather(self._session.close(), *self._leaving, return_exceptions=True)

    async def _renewed(self, lost: RemoteSession, component: Component) -> RemoteSession:
        """Return the session that has taken the place of *lost*, for a call of *component*."""
        async with self._renewing:
            if self._closed:
                raise ActionError(self.name, component.name, "the connection was closed")
            if self._session is lost:
                try:
                    session = await self._open_session()
                except LoadError as error:
                    raise ActionError(self.name, component.name, error.reason) from None
                if self._closed:
                    await session.close()
                    raise ActionError(self.name, component.name, "the connection was closed")
                leaving = asyncio.ensure_future(lost.close())
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)
                self._session = self._heard(session)
                if session.offers != lost.offers:
                    self._tell(session.offers)
        is_action = component.kind == "action" and component.address != READ
        if is_action and component not in self._session.offers.components:
            # What was agreed to is not there any more: who calls has to look again at what it offers now.
            reason = "it is not offered any more as it was; it was not called"
            raise ActionError(self.name, component.name, reason)
        return self._session

    def _heard(self, session: RemoteSession) -> RemoteSession:
        session.on_offers_changed = self._tell
        return session

    def _tell(self, offers: Offers) -> None:
        if self.on_offers_changed is not None:
            self.on_offers_changed(offers)
