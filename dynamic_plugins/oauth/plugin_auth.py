"""The sign-in on a plugin's requests: the token is put on, renewed when it ends, and missed when there is none."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx2

from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.errors import NeedsSignInError, SignInError
from dynamic_plugins.oauth.challenge import challenge_in
from dynamic_plugins.oauth.sign_in_flow import SignInFlow
from dynamic_plugins.redaction.scrubber import BLANK, Scrubber

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.oauth.challenge import Challenge
    from dynamic_plugins.oauth.client_settings import ClientSettings
    from dynamic_plugins.oauth.credentials import SignIn, SignInKeeper

T = TypeVar("T")

RENEWING_SECONDS = 60.0
"""How long to wait for another process that renews a token."""

_MOST_SECRETS = 12
"""So many tokens are looked for, those before the present ones among them."""


class PluginAuth(httpx2.Auth):
    """The sign-in of *plugin* at *server*, for the requests of its connection, in every process that has one.

    It asks nobody: where a person is needed it says so, and whoever made the call may ask one.
    """

    def __init__(
        self, plugin: str, server: str, keeper: SignInKeeper, settings: Callable[[], Awaitable[ClientSettings]]
    ) -> None:
        self.plugin, self.server = plugin, server
        self._keeper, self._settings = keeper, settings
        self._origin = httpx2.URL(server)
        self._seen: Stamp | None = None
        self._sign_in: SignIn | None = None
        self._was_signed_in = False
        self.tokens_scrubber = Scrubber({})
        """What takes the tokens of this sign-in out of what the server says."""
        self._scrubber: Scrubber = _WithTokens(Scrubber({}), self)
        self._had: list[str] = []
        self._renewing = asyncio.Lock()

    def with_tokens(self, scrubber: Scrubber) -> Scrubber:
        """Return *scrubber* for this connection: it takes the tokens out as well, also those that are yet to come."""
        self._scrubber = _WithTokens(scrubber, self)
        return self._scrubber

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Put the token on *request*; once more with a new one, where the server does not take it.

        Raises NeedsSignInError where only a person can help, SignInError and SecretStoreError.
        """
        if not self._goes_to_server(request.url):
            yield request
            return
        sign_in = await self._usable()
        response = yield _with_token(request, sign_in)
        challenge = self._challenge_in(response)
        if challenge is not None and challenge.status == 401:
            newer = await self._instead_of(sign_in, challenge)
            if newer is not None:
                sign_in = newer
                response = yield _with_token(request, newer)
                challenge = self._challenge_in(response)
        if challenge is not None:
            await self._keeper_does(self._keeper.note_challenge, self.plugin, self.server, challenge)
            raise self._wanted(challenge, sign_in)

    def _challenge_in(self, response: httpx2.Response) -> Challenge | None:
        """Return how *response* refuses, without what holds a secret: a server may say back what it was sent.

        A configured value that is no secret may stand in it: the server's own host, in where its metadata lies.
        """
        challenge = challenge_in(response)
        if challenge is None:
            return None
        scope, metadata = (
            "" if self._scrubber.result(said) != said else said for said in (challenge.scope, challenge.metadata)
        )
        return replace(challenge, scope=scope, metadata=metadata)

    def _goes_to_server(self, url: httpx2.URL) -> bool:
        mine = self._origin
        return (url.scheme, url.host, url.port) == (mine.scheme, mine.host, mine.port)

    def _wanted(self, challenge: Challenge, sign_in: SignIn | None) -> NeedsSignInError:
        host = urlsplit(self.server).hostname
        if challenge.status == 403:
            more = f" ({challenge.scope})" if challenge.scope else ""
            return NeedsSignInError(
                self.plugin,
                f"{host} wants you to allow more{more}",
                for_model=f"{host} wants more to be allowed{more}",
            )
        if sign_in is not None or self._was_signed_in:
            return NeedsSignInError(self.plugin, f"{host} does not take the earlier sign-in any more")
        return NeedsSignInError(self.plugin)

    # ---------------------------------------------------------------- the token

    async def _keeper_does(self, do: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(do, *arguments)

    async def _current(self) -> SignIn | None:
        """Return what is kept now, by whichever process."""
        stamp = self._keeper.stamp()
        if stamp != self._seen or stamp is None:
            sign_in = await self._keeper_does(self._keeper.get, self.plugin, self.server)
            self._take(sign_in)
            self._seen = stamp
        return self._sign_in

    def _take(self, sign_in: SignIn | None) -> None:
        self._was_signed_in = self._was_signed_in or sign_in is not None
        self._sign_in = sign_in
        if sign_in is not None:
            self._had = [*dict.fromkeys((*self._had, *sign_in.secrets))][-_MOST_SECRETS:]
            self.tokens_scrubber = Scrubber(dict.fromkeys(self._had, BLANK))

    async def _usable(self) -> SignIn | None:
        """Return a sign-in that has not ended; None where there is none. Raises SignInError and SecretStoreError."""
        sign_in = await self._current()
        if sign_in is None or not sign_in.expired:
            return sign_in
        return await self._renewed(sign_in) if sign_in.renewable else None

    async def _instead_of(self, sign_in: SignIn | None, challenge: Challenge) -> SignIn | None:
        """Return another sign-in than the one that the server does not take; None where there is none."""
        settings = await self._settings()
        if settings.grant == "client_credentials":
            return await self._by_itself(settings, challenge)
        if sign_in is None:
            return None
        return await self._renewed(sign_in)

    async def _renewed(self, sign_in: SignIn) -> SignIn | None:
        """Return what takes the place of *sign_in*: what another process has had meanwhile, or new tokens.

        None where the server gives none any more; what it does not take is forgotten then.
        """
        async with self._alone():
            self._seen = None
            current = await self._current()
            if current is None or current.access_token != sign_in.access_token:
                return current
            if not current.renewable:
                return None
            # A token that was renewed and not kept is lost: this goes to its end.
            return await to_the_end(self._renew(current))

    async def _renew(self, sign_in: SignIn) -> SignIn | None:
        async with aclosing(SignInFlow(self.plugin, self.server, await self._settings())) as flow:
            renewed = await flow.renewed(sign_in)
        if renewed is None:
            await self._keeper_does(self._keeper.drop, self.plugin, self.server)
        else:
            await self._keeper_does(self._keeper.keep, self.plugin, renewed)
        self._take(renewed)
        return renewed

    async def _by_itself(self, settings: ClientSettings, challenge: Challenge) -> SignIn:
        async with self._alone():
            async with aclosing(SignInFlow(self.plugin, self.server, settings)) as flow:
                sign_in = await flow.sign_in_by_itself(challenge)
            await self._keeper_does(self._keeper.keep, self.plugin, sign_in)
            self._take(sign_in)
        return sign_in

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keep other tasks and processes from renewing a token in this block. Raises SignInError where one is slow."""
        from filelock import AsyncFileLock, Timeout

        async with self._renewing:
            try:
                async with AsyncFileLock(self._keeper.renewing_lock(), timeout=RENEWING_SECONDS, run_in_executor=False):
                    yield
            except Timeout:
                raise SignInError(self.plugin, "another process has been renewing its token for too long") from None


class _WithTokens(Scrubber):
    """The scrubber of a connection, which also takes out the tokens that its sign-in has had."""

    def __init__(self, own: Scrubber, auth: PluginAuth) -> None:
        super().__init__({})
        self._own, self._auth = own, auth

    def text(self, text: str) -> str:
        return self._auth.tokens_scrubber.text(self._own.text(text))

    def result(self, value: Any) -> Any:
        return self._auth.tokens_scrubber.result(self._own.result(value))

    def schema(self, value: Any) -> Any:
        return self._auth.tokens_scrubber.schema(self._own.schema(value))


def _with_token(request: httpx2.Request, sign_in: SignIn | None) -> httpx2.Request:
    if sign_in is not None:
        request.headers["Authorization"] = f"Bearer {sign_in.access_token}"
    return request
