"""What a sign-in leaves: tokens, the client's registration, and whom they are for. All of it is kept as one secret."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.oauth.challenge import Challenge

_LEEWAY = 30.0
"""So many seconds before its end a token counts as ended, or a tenth of its life where that is shorter."""


@dataclass(frozen=True)
class SignIn:
    """One sign-in of one plugin: good for *server* alone, with what *issuer* gave out for *resource*."""

    server: str
    issuer: str
    resource: str
    tokens: Mapping[str, Any] = field(repr=False)
    """``access_token``, and where the server gave them ``refresh_token``, ``expires_in`` and ``scope``."""
    client: Mapping[str, Any] = field(repr=False)
    """The client's registration: ``client_id``, ``client_secret``, how it shows them, its redirect addresses."""
    metadata: Mapping[str, Any] | None = None
    """What the authorization server says of itself (RFC 8414): where tokens are renewed and revoked."""
    expires_at: float | None = None

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(str(self.tokens.get("scope") or "").split())

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and time.time() >= self.expires_at

    @property
    def renewable(self) -> bool:
        return bool(self.tokens.get("refresh_token"))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be seen nowhere."""
        found = (self.tokens.get("access_token"), self.tokens.get("refresh_token"), self.client.get("client_secret"))
        return tuple(str(each) for each in found if each)

    def with_tokens(self, tokens: Mapping[str, Any]) -> Self:
        """Return it with *tokens*, just given out."""
        seconds = tokens.get("expires_in")
        ends = None if seconds is None else time.time() + seconds - min(_LEEWAY, seconds / 10)
        return replace(self, tokens=dict(tokens), expires_at=ends)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` gave. Raises TypeError for anything else."""
        return cls(**data)


class SignInKeeper(Protocol):
    """Where sign-ins are kept, by plugin and server. Its methods may block; they raise SecretStoreError."""

    def stamp(self) -> Stamp | None:
        """Return a mark that is another after every change, by whichever process."""

    def get(self, plugin: str, server: str) -> SignIn | None: ...

    def keep(self, plugin: str, sign_in: SignIn) -> None:
        """Keep *sign_in* in place of what was kept for that server; what the server asked for is done with."""

    def drop(self, plugin: str, server: str) -> None:
        """Forget the sign-in for *server*."""

    def challenge(self, plugin: str, server: str) -> Challenge | None:
        """Return how *server* refused the last request, until it was signed in to."""

    def note_challenge(self, plugin: str, server: str, challenge: Challenge) -> None: ...

    def check_place(self) -> None:
        """Raise SecretStoreError where there is no safe place for a token."""

    def renewing_lock(self) -> str:
        """Return the path of the lock that is held while a token is renewed."""

    def servers(self, plugin: str) -> Collection[str]:
        """Return the servers that *plugin* is signed in to."""


def digest(issuer: str, resource: str) -> str:
    """Return the name under which what *issuer* gave out for *resource* is kept."""
    return hashlib.sha256(f"{issuer}\n{resource}".encode()).hexdigest()[:32]
