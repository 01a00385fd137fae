"""Signing in at, and out of, the servers of remote plugins: which plugin is meant, who is asked, and what follows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dynamic_plugins.errors import BadArgumentsError, NeedsConfigurationError, NeedsSignInError
from dynamic_plugins.events import Event
from dynamic_plugins.install.remote_address import RemoteAddressError, filled
from dynamic_plugins.lifecycle import variables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.approval import AskSignIn
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.oauth.sign_ins import SignIns
    from dynamic_plugins.storage.audit import AuditLog
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.values import ConfigurationStore

T = TypeVar("T")


class RemoteSignIn:
    """Signs a person in for an installed plugin, by its canonical name."""

    def __init__(
        self,
        sign_ins: SignIns,
        store: HomeState,
        configuration: ConfigurationStore,
        supervisor: Supervisor,
        audit: AuditLog,
        listener: Listener,
    ) -> None:
        self._sign_ins, self._store, self._configuration = sign_ins, store, configuration
        self._supervisor, self._audit, self._listener = supervisor, audit, listener

    async def sign_in(self, name: str, ask: AskSignIn | None) -> bool:
        """Have the person sign in; False where the server wants no sign-in.

        Raises NeedsSignInError where nobody can be asked, and what :meth:`SignIns.sign_in` raises.
        """
        server = await self._server(name)
        if ask is None:
            raise NeedsSignInError(name)
        signed_in = await self._sign_ins.sign_in(name, server, ask)
        if signed_in is None:
            return False
        # A server may hold its session for whoever began it: the next call begins another.
        await self._supervisor.get(name).disconnect()
        installation = self._store.get(name).installation
        self._audit.note("sign in", name, of=installation, answer="yes", detail=f"at {signed_in.issuer}")
        self._listener(Event(name, "signed_in", signed_in.issuer))
        return True

    async def sign_out(self, name: str) -> bool:
        """Forget what the plugin is signed in to; False where that is nothing."""
        await self._server(name)
        if not await self._sign_ins.sign_out(name):
            return False
        await self._supervisor.get(name).disconnect()
        self._audit.note("sign out", name, of=self._store.get(name).installation)
        self._listener(Event(name, "signed_out"))
        return True

    async def signed_in(self, name: str, ask: AskSignIn | None, do: Callable[[], Awaitable[T]]) -> T:
        """Return what *do* gives; where that wants a sign-in, have the person sign in and do it once more."""
        try:
            return await do()
        except NeedsSignInError:
            if ask is None or not await self.sign_in(name, ask):
                raise
        return await do()

    async def _server(self, name: str) -> str:
        """Return the address of the plugin's server, with the person's values in it."""
        installation = self._store.get(name).installation
        if installation.remote is None:
            raise BadArgumentsError(name, "it runs on this machine, and there is nothing to sign in to")
        values = await asyncio.to_thread(self._configuration.values, name)
        if missing := variables.missing(installation, values):
            raise NeedsConfigurationError(name, missing)
        try:
            return filled(installation.remote, variables.environment(installation, values))
        except RemoteAddressError as error:
            raise BadArgumentsError(name, str(error)) from None
