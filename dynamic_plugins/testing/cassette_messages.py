"""What a cassette keeps of a request and an answer: bodies without secrets, and no headers but the kind of content."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from dynamic_plugins.testing.body_text import scrubbed_body
from dynamic_plugins.testing.scrub_rules import INSTEAD, Hidden
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOWHERE = "http://recorded.invalid"
"""Stands for the endpoint, and is where requests are sent while replaying: a name that no network knows."""
_CREDENTIAL = re.compile(r"(?i)auth|key|token|secret|cookie|password|signature|^(?:code|sig)$")


def scrubbed_request(request: Any, hidden: Hidden) -> Any:
    """Return vcrpy's *request* as it is kept and compared."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    hidden.add(credentials_of(request.uri))
    hidden.add(_credentials_in(headers))
    request.uri = NOWHERE + scrubbed_path(request.uri, hidden)
    kind = headers.get("content-type")
    request.headers = {"content-type": kind} if kind else {}
    if request.body is not None:
        request.body = scrubbed_body(request.body, hidden, remember=True)
    return request


def scrubbed_response(response: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """Return vcrpy's *response* as it is kept."""
    headers = {key.lower(): value for key, value in response["headers"].items()}
    kept = {key: value for key, value in headers.items() if key in {"content-type", "retry-after"}}
    body = response["body"].get("string")
    return response | {"headers": kept, "body": {"string": scrubbed_body(body, hidden) if body else body}}


def scrubbed_path(address: str, hidden: Hidden) -> str:
    """Return an address's path without secrets, and with the names in its query, but none of the values."""
    parts = urlsplit(address)
    path = "/".join(_scrubbed_part(part, hidden) for part in parts.path.split("/"))
    pairs = [each.partition("=") for each in parts.query.split("&") if each]
    return path + ("?" + "&".join(f"{name}={INSTEAD}" if is_ else INSTEAD for name, is_, _ in pairs) if pairs else "")


def credentials_of(address: str) -> Iterator[str]:
    """Yield the user information of *address*, and what its query says under the name of a secret."""
    parts = urlsplit(address)
    user = parts.netloc.rpartition("@")[0]
    if user:
        yield from (each for part in user.split(":", 1) for each in (part, unquote(part)))
        yield base64.b64encode(unquote(user).encode()).decode()
    yield from (value for name, value in parse_qsl(parts.query) if _is_secret(name))


def _credentials_in(headers: Mapping[str, Any]) -> Iterator[str]:
    for name, value in headers.items():
        if _CREDENTIAL.search(name):
            for each in value if isinstance(value, list) else [value]:
                text = each.decode() if isinstance(each, bytes) else str(each)
                yield text.rpartition(" ")[2]  # without the scheme


def _is_secret(name: str) -> bool:
    return bool(_CREDENTIAL.search(name)) or looks_secret(name)


def _scrubbed_part(part: str, hidden: Hidden) -> str:
    plain = unquote(part)
    scrubbed = hidden.text(plain)
    return part if scrubbed == plain else quote(scrubbed, safe="*<>")
