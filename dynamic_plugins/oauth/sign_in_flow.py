"""OAuth 2.1 at a remote server's word, through the official client: metadata, registration, PKCE, tokens, renewal.

The client's provider is a generator of requests. Here it is handed how the server refused, and what it asks for goes
through :mod:`dynamic_plugins.oauth.guarded_http`, never through the plugin's own connection.
"""

from __future__ import annotations

import logging
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyHttpUrl, AnyUrl, ValidationError

from dynamic_plugins.errors import DeclinedError, SignInError
from dynamic_plugins.oauth.challenge import challenge_in
from dynamic_plugins.oauth.credentials import SignIn
from dynamic_plugins.oauth.guarded_http import GuardedClient, Reach, UnsafeAddressError
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.oauth.challenge import Challenge
    from dynamic_plugins.oauth.client_settings import ClientSettings
    from dynamic_plugins.oauth.redirect_listener import Redirect

_METHODS = ("client_secret_basic", "client_secret_post")
_ERROR = re.compile(r"[a-z_]{1,60}")
_ENDED = 1.0
"""A time long past, for a token that is to be renewed."""

# The provider logs what went wrong with the servers' answers in full, tokens among them. It is told without them.
logging.getLogger("mcp.client.auth.oauth2").addFilter(lambda record: not record.exc_info)


class _Memory:
    """What the provider keeps while it works; what comes of it is kept elsewhere, once it is whole."""

    def __init__(self, tokens: OAuthToken | None, client: OAuthClientInformationFull | None) -> None:
        self.tokens, self.client = tokens, client

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class SignInFlow:
    """Signs in at *server* for *plugin*, or renews what was given out there."""

    def __init__(self, plugin: str, server: str, settings: ClientSettings) -> None:
        self.plugin, self.server = plugin, server
        self._settings = settings
        self._reach = Reach(server)
        self._http = GuardedClient(self._reach)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def challenge(self) -> Challenge | None:
        """Ask the server without signing in, and return how it refuses; None where it does not.

        Raises SignInError where it cannot be asked.
        """
        hello = {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "dynamic-plugins", "version": "1"},
            },
        }
        headers = {"Accept": "application/json, text/event-stream"}
        try:
            answer = await self._http.head_of(httpx2.Request("POST", self.server, json=hello, headers=headers))
            if answer.status_code in {404, 405}:  # the older transport begins with GET
                answer = await self._http.head_of(httpx2.Request("GET", self.server, headers=headers))
        except UnsafeAddressError as error:
            raise SignInError(self.plugin, str(error)) from None
        return challenge_in(answer)

    async def sign_in(
        self,
        challenge: Challenge,
        redirect_uri: str,
        before: SignIn | None,
        show: Callable[[str, str, tuple[str, ...]], Awaitable[None]],
        redirect: Callable[[], Awaitable[Redirect]],
    ) -> SignIn:
        """Do all that it takes and return what was given out.

        *show* is called with the address to open, the issuer and the scopes; *redirect* is called after it, and
        returns how the browser came back, with the state that stands in the address. The registration of *before* is
        used again where it fits. Raises SignInError and DeclinedError.
        """
        state = ""

        async def to_person(address: str) -> None:
            nonlocal state
            address = self._checked(provider, address)
            state = state_in(address)
            scopes = tuple((provider.context.client_metadata.scope or "").split())
            await show(address, _issuer(provider), scopes)

        async def from_person() -> AuthorizationCodeResult:
            came = await redirect()
            if came.error:
                raise _RefusedError(came.error)
            return AuthorizationCodeResult(code=came.code, state=state, iss=came.issuer)

        provider = self._provider(redirect_uri, before, to_person, from_person)
        granted = " ".join(before.scopes) if before is not None and challenge.status == 403 else ""
        if granted:  # only its scope counts: it is sent nowhere
            cast("_Memory", provider.context.storage).tokens = OAuthToken(access_token="-", scope=granted)  # noqa: S106 # none
        await self._drive(provider, challenge)
        return self._given_out(provider)

    async def sign_in_by_itself(self, challenge: Challenge) -> SignIn:
        """Sign in with the registration alone, as programs without a person do. Raises SignInError."""
        settings = self._settings
        if not (settings.client_id and settings.issuer and (settings.client_secret or settings.private_key)):
            needed = "OAUTH_CLIENT_ID, OAUTH_ISSUER and OAUTH_CLIENT_SECRET or OAUTH_PRIVATE_KEY"
            raise SignInError(self.plugin, f"OAUTH_GRANT=client_credentials needs {needed}")
        provider = _of_program(self.plugin, self.server, settings)
        await self._drive(provider, challenge)
        return self._given_out(provider)

    async def renewed(self, sign_in: SignIn) -> SignIn | None:
        """Return *sign_in* with new tokens; None where the server does not give any, so that a person has to sign in.

        Raises SignInError where it cannot be asked now.
        """
        provider = self._provider("http://127.0.0.1/callback", None, None, None)
        context = provider.context
        context.storage = _Memory(
            OAuthToken.model_validate(sign_in.tokens), OAuthClientInformationFull.model_validate(sign_in.client)
        )
        context.token_expiry_time = _ENDED
        if sign_in.metadata is not None:
            context.oauth_metadata = OAuthMetadata.model_validate(sign_in.metadata)
            context.protected_resource_metadata = ProtectedResourceMetadata(
                resource=AnyHttpUrl(sign_in.resource), authorization_servers=[AnyHttpUrl(sign_in.issuer)]
            )
        request = httpx2.Request("POST", self.server)
        try:
            async with aclosing(provider.async_auth_flow(request)) as flow:
                outgoing = await anext(flow)
                answer = None
                while outgoing is not request:
                    answer = await self._http.send(outgoing)
                    outgoing = await flow.asend(answer)
        except (OAuthFlowError, ValidationError, UnsafeAddressError) as error:
            raise SignInError(self.plugin, _in_words(error)) from None
        if context.is_token_valid() and context.current_tokens is not None and answer is not None:
            return sign_in.with_tokens(context.current_tokens.model_dump(exclude_none=True))
        if answer is not None and (answer.status_code >= 500 or answer.status_code == 429):
            raise SignInError(self.plugin, f"its authorization server answers {answer.status_code}. Try again later")
        return None

    async def revoke(self, sign_in: SignIn) -> bool:
        """Have the authorization server forget what it gave out (RFC 7009); return whether it said that it did."""
        endpoint = (sign_in.metadata or {}).get("revocation_endpoint")
        if not endpoint:
            return False
        provider = self._provider("http://127.0.0.1/callback", None, None, None)
        provider.context.client_info = OAuthClientInformationFull.model_validate(sign_in.client)
        done = False
        for token in filter(None, (sign_in.tokens.get("refresh_token"), sign_in.access_token)):
            form = {"token": str(token), "client_id": str(sign_in.client["client_id"])}
            data, headers = provider.context.prepare_token_auth(form, {})
            try:
                request = httpx2.Request("POST", str(endpoint), data=data, headers=headers)
                done = (await self._http.send(request)).status_code == 200
            except UnsafeAddressError:
                return False
        return done

    # ---------------------------------------------------------------- the provider

    def _provider(
        self,
        redirect_uri: str,
        before: SignIn | None,
        to_person: Callable[[str], Awaitable[None]] | None,
        from_person: Callable[[], Awaitable[AuthorizationCodeResult]] | None,
    ) -> OAuthClientProvider:
        client = _registered_by_hand(self._settings)
        if client is None and before is not None and redirect_uri in map(str, before.client.get("redirect_uris") or ()):
            client = OAuthClientInformationFull.model_validate(before.client)
        return OAuthClientProvider(
            self.server,
            OAuthClientMetadata(
                client_name="dynamic-plugins",
                redirect_uris=[AnyUrl(redirect_uri)],
                scope=self._settings.scope or None,
            ),
            _Memory(None, client),
            cast("Any", to_person),
            cast("Any", from_person),
            self._settings.metadata_url or None,
        )

    async def _drive(self, provider: OAuthClientProvider, challenge: Challenge) -> None:
        """Run *provider* as if the server had just answered with *challenge*."""
        if challenge.metadata:
            try:
                self._reach.check_origin(challenge.metadata, "the address of the server's metadata")
            except UnsafeAddressError as error:
                raise SignInError(self.plugin, str(error)) from None
        request = httpx2.Request("POST", self.server)
        answer = httpx2.Response(challenge.status, headers={"WWW-Authenticate": challenge.header}, request=request)
        try:
            async with aclosing(provider.async_auth_flow(request)) as flow:
                await anext(flow)
                while (outgoing := await flow.asend(answer)) is not request:
                    answer = await self._http.send(outgoing)
        except _RefusedError as refused:
            if refused.error == "access_denied":
                raise DeclinedError(self.plugin, "sign in for") from None
            raise SignInError(self.plugin, str(refused)) from None
        except (OAuthFlowError, ValidationError, UnsafeAddressError, UnicodeDecodeError) as error:
            raise SignInError(self.plugin, _in_words(error)) from None

    def _checked(self, provider: OAuthClientProvider, address: str) -> str:
        """Return *address*, for the person's browser. Raises UnsafeAddressError where they must not be sent there."""
        context, settings = provider.context, self._settings
        metadata = context.oauth_metadata
        if metadata is not None:
            if "S256" not in (metadata.code_challenge_methods_supported or []):
                raise UnsafeAddressError("its authorization server does not support PKCE with S256, which is required")
            endpoint = str(metadata.authorization_endpoint)
            if "?" in endpoint:  # RFC 6749, 3.1: its own query stays
                address = f"{endpoint}&{address.removeprefix(f'{endpoint}?')}"
            for what in ("token_endpoint", "registration_endpoint", "revocation_endpoint"):
                if (named := getattr(metadata, what)) is not None:
                    self._reach.check(str(named), f"its {what.replace('_', ' ')}")
        if settings.client_id and settings.issuer and _issuer(provider).rstrip("/") != settings.issuer.rstrip("/"):
            raise UnsafeAddressError(f"the server names {_issuer(provider)} as its issuer, not the one in OAUTH_ISSUER")
        if (client := context.client_info) is not None and settings.client_secret:
            supported = (metadata.token_endpoint_auth_methods_supported if metadata is not None else None) or _METHODS
            client.token_endpoint_auth_method = next((each for each in _METHODS if each in supported), None)
        self._reach.check(address, "the address to sign in at")
        return address

    def _given_out(self, provider: OAuthClientProvider) -> SignIn:
        context = provider.context
        if context.current_tokens is None or context.client_info is None:
            raise SignInError(self.plugin, "its authorization server gave no token")
        metadata = context.oauth_metadata
        return SignIn(
            server=self.server,
            issuer=_issuer(provider),
            resource=context.get_resource_url(),
            tokens={},
            client=context.client_info.model_dump(mode="json", exclude_none=True),
            metadata=metadata.model_dump(mode="json", exclude_none=True) if metadata is not None else None,
        ).with_tokens(context.current_tokens.model_dump(exclude_none=True))


class _RefusedError(Exception):
    """The authorization server sent the browser back with an error.

    It never leaves this module: no PluginError.
    """

    def __init__(self, error: str) -> None:
        self.error = error if _ERROR.fullmatch(error) else "an unknown error"
        super().__init__(f"its authorization server answered {self.error}")


def _of_program(plugin: str, server: str, settings: ClientSettings) -> OAuthClientProvider:
    """Return the provider for a registration that signs in by itself."""
    from mcp.client.auth.extensions import client_credentials as programs

    how: dict[str, Any] = {"scope": settings.scope or None, "issuer": settings.issuer}
    if not settings.private_key:
        return programs.ClientCredentialsOAuthProvider(
            server, _Memory(None, None), settings.client_id, settings.client_secret, **how
        )
    signed = programs.SignedJWTParameters(
        issuer=settings.client_id,
        subject=settings.client_id,
        signing_key=settings.private_key,
        signing_algorithm=settings.signing_algorithm,
    )
    sign = signed.create_assertion_provider()

    async def assertion(audience: str) -> str:
        try:
            return await sign(audience)
        except Exception:  # the libraries that read keys have errors of many kinds, whose text might quote the key
            problem = f"OAUTH_PRIVATE_KEY is no key that signs with {settings.signing_algorithm}"
            raise SignInError(plugin, f"{problem} (OAUTH_SIGNING_ALGORITHM)") from None

    return programs.PrivateKeyJWTOAuthProvider(server, _Memory(None, None), settings.client_id, assertion, **how)


def _registered_by_hand(settings: ClientSettings) -> OAuthClientInformationFull | None:
    if not settings.client_id:
        return None
    method = "client_secret_basic" if settings.client_secret else "none"
    return OAuthClientInformationFull(
        client_id=settings.client_id, client_secret=settings.client_secret or None, token_endpoint_auth_method=method
    )


def state_in(address: str) -> str:
    """Return the state of a sign-in, by the *address* that it begins with."""
    return parse_qs(urlsplit(address).query)["state"][0]


def _issuer(provider: OAuthClientProvider) -> str:
    metadata = provider.context.oauth_metadata
    if metadata is not None:
        return str(metadata.issuer)
    return provider.context.auth_server_url or provider.context.get_authorization_base_url(provider.context.server_url)


def _in_words(error: Exception) -> str:
    """Return what went wrong: never an answer's body, which may hold tokens, nor a state."""
    if isinstance(error, UnsafeAddressError):
        return str(error)
    text = one_line(str(error))
    if isinstance(error, ValidationError):
        return "its authorization server answered with what is no such document"
    for begins, words in _FAILURES.items():
        if text.startswith(begins):
            code = re.search(r'"error"\s*:\s*"([a-z_]{1,60})"', text)
            return words + (f" ({code.group(1)})" if code else "")
    return f"the official client refused it ({type(error).__name__})"


_FAILURES = {
    "Token exchange failed": "its authorization server gave no token for the code",
    "Invalid token response": "its authorization server answered with no token",
    "Registration failed": "its authorization server did not register this client",
    "Invalid registration response": "its authorization server answered with no registration",
    "Authorization server registered": "its authorization server registered this client in a way that cannot be used",
    "State parameter mismatch": "what came back is of another sign-in",
    "Authorization response iss mismatch": "another authorization server answered than was asked (its iss is another)",
    "Authorization response missing iss": "the answer does not say who gave it (iss): paste the whole address",
    "Authorization server metadata issuer mismatch": "the authorization server says of itself that it is another one",
    "No authorization server metadata discovered": "OAUTH_ISSUER has no metadata where it has to lie",
    "Protected resource metadata request failed": "the server's metadata cannot be read",
    "Protected resource": "the server's metadata is of another server",
}
