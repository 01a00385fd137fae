"""One try of a person to sign in: the address that they open, how their browser comes back, and the end of the wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.approval import SignInRequest
from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.errors import BadArgumentsError, SignInError
from dynamic_plugins.oauth.redirect_listener import NotTheRedirectError, RedirectListener
from dynamic_plugins.oauth.sign_in_flow import SignInFlow, state_in

if TYPE_CHECKING:
    from dynamic_plugins.oauth.challenge import Challenge
    from dynamic_plugins.oauth.client_settings import ClientSettings
    from dynamic_plugins.oauth.credentials import SignIn

PERSON_SECONDS = 600.0
"""How long a person may take."""
DISCOVERY_SECONDS = 60.0
"""How long the servers may take until there is something to show to the person."""


class SignInAttempt:
    """A sign-in under way. It listens on a port of its own until it is done, closed, or took too long.

    *challenge* is how the server asked for it, *before* the sign-in that it takes the place of.
    """

    def __init__(
        self,
        flow: SignInFlow,
        settings: ClientSettings,
        challenge: Challenge,
        before: SignIn | None,
        *,
        seconds: float = PERSON_SECONDS,
    ) -> None:
        self._flow, self._before, self._seconds = flow, before, seconds
        self._listener = _listener(flow.plugin, settings, before)
        self._shown: asyncio.Future[SignInRequest] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(challenge), name=f"sign-in of {flow.plugin}")

    @property
    def useful(self) -> bool:
        """Whether the person can still sign in, or has answered: not whether it came to nothing by itself."""
        if not self._task.done():
            return True
        return not self._task.cancelled() and not isinstance(self._task.exception(), SignInError)

    async def request(self) -> SignInRequest:
        """Return what the person is to be shown. Raises SignInError where the servers do not let it come to that."""
        either: list[asyncio.Future[Any]] = [self._task, self._shown]
        await asyncio.wait(either, timeout=DISCOVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if self._shown.done():
            return self._shown.result()
        if self._task.done():
            self._task.result()
        raise SignInError(self._flow.plugin, "its authorization server does not come to the point")

    def paste(self, text: str) -> None:
        """Take the address that the person's browser ended at, or the code in it. Raises BadArgumentsError."""
        try:
            self._listener.paste(text)
        except NotTheRedirectError as error:
            raise BadArgumentsError(self._flow.plugin, str(error)) from None

    async def result(self) -> SignIn:
        """Wait until the person is done, and return what was given out. Raises SignInError and DeclinedError."""
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """End it, wherever it is; nothing of it stays. Safe to repeat."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # looked at, so that nobody is warned of it

    async def _run(self, challenge: Challenge) -> SignIn:
        plugin = self._flow.plugin
        try:
            await self._listener.open()
            async with asyncio.timeout(self._seconds):
                return await self._flow.sign_in(
                    challenge, self._listener.uri, self._before, self._show, self._listener.redirect
                )
        except TimeoutError:
            raise SignInError(plugin, f"nobody signed in within {self._seconds / 60:g} minutes") from None
        finally:
            await to_the_end(self._let_go())

    async def _let_go(self) -> None:
        try:
            await self._listener.close()
        finally:
            await self._flow.aclose()

    async def _show(self, address: str, issuer: str, scopes: tuple[str, ...]) -> None:
        self._listener.expect(state_in(address))
        flow = self._flow
        self._shown.set_result(SignInRequest(flow.plugin, flow.server, issuer, address, self._listener.uri, scopes))


def _listener(plugin: str, settings: ClientSettings, before: SignIn | None) -> RedirectListener:
    """Return a listener on the port that a registration names, where it names one and that is free."""
    if settings.redirect_port:
        try:
            return RedirectListener(settings.redirect_port)
        except OSError as error:
            port = settings.redirect_port
            raise SignInError(plugin, f"port {port} (OAUTH_REDIRECT_PORT) cannot be listened on: {error}") from None
    for uri in (before.client.get("redirect_uris") or ()) if before is not None else ():
        with suppress(OSError, ValueError):
            if (known := urlsplit(str(uri)).port) is not None:
                return RedirectListener(known)
    return RedirectListener()
