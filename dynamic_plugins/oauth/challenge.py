"""How a server refuses a request for want of a sign-in: the challenge in its answer (RFC 6750, RFC 9728)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True)
class Challenge:
    """How a server refused a request: with 401 it wants a sign-in, with 403 a sign-in that grants more."""

    status: int = 401
    scope: str = ""
    metadata: str = ""
    """Where it says that its metadata lies; empty where it does not say."""

    @property
    def header(self) -> str:
        """The same as ``WWW-Authenticate``."""
        parts = ['error="insufficient_scope"'] if self.status == 403 else []
        parts += [f'scope="{self.scope}"'] if self.scope else []
        parts += [f'resource_metadata="{self.metadata}"'] if self.metadata else []
        return " ".join(["Bearer", ", ".join(parts)]).strip()


def challenge_in(answer: httpx2.Response) -> Challenge | None:
    """Return how *answer* refuses for want of a sign-in; None where it does not."""
    from mcp.client.auth.utils import (
        extract_field_from_www_auth,
        extract_resource_metadata_from_www_auth,
        extract_scope_from_www_auth,
    )

    more = answer.status_code == 403 and extract_field_from_www_auth(answer, "error") == "insufficient_scope"
    if answer.status_code != 401 and not more:
        return None
    scope, metadata = extract_scope_from_www_auth(answer), extract_resource_metadata_from_www_auth(answer)
    return Challenge(answer.status_code, _plain(scope, 1000), _plain(metadata, 2000))


def _plain(text: str | None, longest: int) -> str:
    """Return *text* where it can stand in a header between quotes, else nothing."""
    fits = text is not None and len(text) <= longest and text.isascii() and text.isprintable()
    return "" if not fits or text is None or '"' in text or "\\" in text else text
