"""Signing in at plugins' remote servers: who is signed in where, and all that it takes to become so."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.oauth.challenge import Challenge
from dynamic_plugins.oauth.client_settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from dynamic_plugins.approval import AskSignIn
    from dynamic_plugins.oauth.attempt import SignInAttempt
    from dynamic_plugins.oauth.credentials import SignIn, SignInKeeper
    from dynamic_plugins.oauth.plugin_auth import PluginAuth


class SignIns:
    """Makes and keeps sign-ins. *values* gives a plugin's configuration; it may block.

    What is signed in is good for one plugin and one server address; see :class:`SignInKeeper`.
    """

    def __init__(self, keeper: SignInKeeper, values: Callable[[str], Mapping[str, str]]) -> None:
        self._keeper, self._values = keeper, values
        self._attempts: dict[tuple[str, str], SignInAttempt] = {}

    def auth_for(self, plugin: str, server: str) -> PluginAuth:
        """Return what puts the sign-in of *plugin* at *server* on its requests; it never asks anybody."""
        from dynamic_plugins.oauth.plugin_auth import PluginAuth

        async def settings() -> ClientSettings:
            return await self._settings(plugin)

        return PluginAuth(plugin, server, self._keeper, settings)

    async def sign_in(self, plugin: str, server: str, ask: AskSignIn) -> SignIn | None:
        """Have a person sign in, and keep what that gives; None where the server wants no sign-in.

        One that is under way already is gone on with. Raises SignInError, DeclinedError, SecretStoreError where there
        is no safe place for a token, and what *ask* raises.
        """
        await asyncio.to_thread(self._keeper.check_place)  # before anybody takes the trouble
        settings = await self._settings(plugin)
        if settings.grant == "client_credentials":
            return await self._by_itself(plugin, server, settings)
        attempt = await self._attempt(plugin, server, settings)
        if attempt is None:
            return None
        try:
            sign_in = await _answered(attempt, ask)
            await asyncio.to_thread(self._keeper.keep, plugin, sign_in)
        except (PluginError, asyncio.CancelledError):
            await self._close((plugin, server))
            raise  # anything else is a question on its way to a client: the attempt waits for its answer
        await self._close((plugin, server))
        return sign_in

    async def sign_out(self, plugin: str) -> list[str]:
        """Forget what *plugin* is signed in to, asking the servers to do so as well; return their addresses."""
        from dynamic_plugins.oauth.sign_in_flow import SignInFlow

        servers = list(await asyncio.to_thread(self._keeper.servers, plugin))
        settings = await self._settings(plugin)
        for server in servers:
            sign_in = await asyncio.to_thread(self._keeper.get, plugin, server)
            await asyncio.to_thread(self._keeper.drop, plugin, server)
            if sign_in is not None:
                async with contextlib.aclosing(SignInFlow(plugin, server, settings)) as flow:
                    await flow.revoke(sign_in)
        return servers

    async def close(self) -> None:
        """End the attempts that are under way."""
        for key in list(self._attempts):
            await self._close(key)

    async def _settings(self, plugin: str) -> ClientSettings:
        return ClientSettings.of(plugin, await asyncio.to_thread(self._values, plugin))

    async def _by_itself(self, plugin: str, server: str, settings: ClientSettings) -> SignIn:
        from dynamic_plugins.oauth.sign_in_flow import SignInFlow

        challenge = await asyncio.to_thread(self._keeper.challenge, plugin, server)
        async with contextlib.aclosing(SignInFlow(plugin, server, settings)) as flow:
            sign_in = await flow.sign_in_by_itself(challenge or Challenge())
        await asyncio.to_thread(self._keeper.keep, plugin, sign_in)
        return sign_in

    async def _attempt(self, plugin: str, server: str, settings: ClientSettings) -> SignInAttempt | None:
        """Return the attempt that is under way, or a new one; None where the server wants no sign-in."""
        from dynamic_plugins.oauth.attempt import SignInAttempt
        from dynamic_plugins.oauth.sign_in_flow import SignInFlow

        known = self._attempts.get((plugin, server))
        if known is not None and known.useful:
            return known
        await self._close((plugin, server))
        before = await asyncio.to_thread(self._keeper.get, plugin, server)
        challenge = await asyncio.to_thread(self._keeper.challenge, plugin, server)
        flow = SignInFlow(plugin, server, settings)
        try:
            challenge = challenge or await flow.challenge()
            if challenge is None:
                await flow.aclose()
                return None
            attempt = SignInAttempt(flow, settings, challenge, before)
        except BaseException:  # cancelled, too: nobody else knows of the flow yet
            await flow.aclose()
            raise
        self._attempts[plugin, server] = attempt
        return attempt

    async def _close(self, key: tuple[str, str]) -> None:
        if (attempt := self._attempts.pop(key, None)) is not None:
            await attempt.close()


async def _answered(attempt: SignInAttempt, ask: AskSignIn) -> SignIn:
    """Show the person where to sign in, and wait for their browser, or for what they paste."""
    request = await attempt.request()
    result = asyncio.ensure_future(attempt.result())
    try:
        while not result.done():
            pasted = await _unless_done(ask(request), result)
            if pasted is None:
                break
            try:
                attempt.paste(pasted)
                break
            except BadArgumentsError as error:
                request = replace(request, problem=error.reason)
        return await result
    finally:
        result.cancel()


async def _unless_done(asking: Awaitable[str | None], result: asyncio.Future[SignIn]) -> str | None:
    """Return what *asking* gives; None where *result* is there first, which ends the asking."""
    task = asyncio.ensure_future(asking)
    try:
        either: list[asyncio.Future[Any]] = [task, result]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        await asyncio.wait([task])
