"""What a person has set up by hand at a plugin's authorization server, as the plugin's configuration says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from dynamic_plugins.errors import BadArgumentsError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ClientSettings:
    """How we show ourselves to a plugin's authorization server, where the person has set something up there.

    The variables, all of them optional: ``OAUTH_CLIENT_ID``, ``OAUTH_CLIENT_SECRET`` and ``OAUTH_ISSUER`` of a
    registration made by hand, ``OAUTH_REDIRECT_PORT`` where that needs a fixed one, ``OAUTH_SCOPE``,
    ``OAUTH_CLIENT_METADATA_URL`` of a document that describes us, and ``OAUTH_GRANT=client_credentials`` where the
    registration itself is who signs in, with its secret or with ``OAUTH_PRIVATE_KEY`` (PEM) and
    ``OAUTH_SIGNING_ALGORITHM`` (``ES256`` where nothing is said).
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    issuer: str = ""
    redirect_port: int = 0
    scope: str = ""
    metadata_url: str = ""
    grant: str = ""
    private_key: str = field(default="", repr=False)
    signing_algorithm: str = ""

    @classmethod
    def of(cls, plugin: str, values: Mapping[str, str]) -> Self:
        """Return what *values* say. Raises BadArgumentsError for one that cannot be."""
        port = values.get("OAUTH_REDIRECT_PORT", "0")
        if not port.isdecimal() or int(port) >= 2**16:
            raise BadArgumentsError(plugin, "OAUTH_REDIRECT_PORT must be a port's number")
        grant = values.get("OAUTH_GRANT", "")
        if grant not in {"", "authorization_code", "client_credentials"}:
            raise BadArgumentsError(plugin, "OAUTH_GRANT must be authorization_code or client_credentials")
        metadata_url = values.get("OAUTH_CLIENT_METADATA_URL", "")
        if metadata_url and (urlsplit(metadata_url).scheme != "https" or urlsplit(metadata_url).path in {"", "/"}):
            raise BadArgumentsError(plugin, "OAUTH_CLIENT_METADATA_URL must be an https address with a path")
        return cls(
            values.get("OAUTH_CLIENT_ID", ""),
            values.get("OAUTH_CLIENT_SECRET", ""),
            values.get("OAUTH_ISSUER", ""),
            int(port),
            values.get("OAUTH_SCOPE", ""),
            metadata_url,
            grant,
            values.get("OAUTH_PRIVATE_KEY", ""),
            values.get("OAUTH_SIGNING_ALGORITHM", "ES256"),
        )
