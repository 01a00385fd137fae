"""Registries over HTTP: one bounded request, or the pages of the MCP registry's API one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from dynamic_plugins import __version__
from dynamic_plugins.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

MAX_BYTES = 64 * 2**20
MAX_REDIRECTS = 5
MAX_PAGES = 1000
LONGEST_WAIT = 24 * 3600.0
"""For no longer than this, in seconds, is a source left alone because it says so."""
PAGE = 100  # the most the MCP registry gives at once


class FetchError(RegistryUnavailableError):
    """The source could not be read; the text says why, and holds nothing that the source sent.

    *retry_after*, in seconds, is how long the source wants to be left alone, where it said so; *status* what it
    answered with, 0 where it did not answer.
    """

    def __init__(self, text: str, *, retry_after: float | None = None, status: int = 0) -> None:
        self.retry_after, self.status = retry_after, status
        super().__init__(text)


class UnfinishedError(FetchError):
    """The time was over while the source still gave one page after the other: what was read is kept."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source answered: its bytes and what revalidates them, or None where the copy at hand is still good."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


async def fetch(
    client: httpx2.AsyncClient,
    address: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    limit: int = MAX_BYTES,
) -> Fetched:
    """Return what lies at *address*. With *etag* or *last_modified* the source may say that nothing changed.

    Follows a few redirects, never from https to http. Raises :class:`FetchError`; the caller bounds the time.
    """
    import httpx2

    conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {key: value for key, value in conditions.items() if value}
    try:
        for _ in range(MAX_REDIRECTS + 1):
            async with client.stream("GET", address, headers=headers) as response:
                if not response.has_redirect_location:
                    return await _answer(response, bool(headers), limit)
                address = _follow(address, response.headers["location"])
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise FetchError(_why(error)) from None
    raise FetchError(f"it redirects more than {MAX_REDIRECTS} times")


async def _answer(response: httpx2.Response, conditional: bool, limit: int) -> Fetched:
    if response.status_code == 304:
        if not conditional:
            raise FetchError("it answers 304 (not modified) to a request without a condition")
        return Fetched(None)
    if response.status_code != 200:
        raise FetchError(
            f"it answers {response.status_code}", retry_after=_retry_after(response), status=response.status_code
        )
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit:
            raise FetchError(f"it is larger than {limit // 2**20} MB")
        parts.append(part)
    return Fetched(b"".join(parts), _header(response, "etag"), _header(response, "last-modified"))


def _header(response: httpx2.Response, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if 0 < len(value) <= 200 and value.isascii() and value.isprintable() else None


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that the source asks to be left alone (RFC 9110, 10.2.3), a day at most."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        seconds = float(said[:9])
    else:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _follow(address: str, location: str) -> str:
    there = urljoin(address, location)
    schemes = urlsplit(address).scheme, urlsplit(there).scheme
    if schemes[1] not in ("http", "https"):
        raise FetchError("it redirects to something that is not http")
    if schemes == ("https", "http"):
        raise FetchError("it redirects from https to http")
    return there


def _why(error: Exception) -> str:
    import httpx2

    match error:
        case httpx2.TimeoutException():
            return "it does not answer in time"
        case httpx2.ConnectError():
            return "it cannot be reached"
        case httpx2.RemoteProtocolError():
            return "its answer breaks off"
        case httpx2.DecodingError():
            return "its answer is not compressed as it says"
        case _:
            return f"the connection failed ({type(error).__name__})"


def open_client(timeout: float) -> httpx2.AsyncClient:
    """Return a client for :func:`fetch`, whose single waits are bounded by *timeout* seconds."""
    import httpx2

    return httpx2.AsyncClient(
        timeout=timeout,
        follow_redirects=False,
        headers={"User-Agent": f"agent-dynamic-plugins/{__version__}", "Accept": "application/json, */*;q=0.5"},
    )


def is_api(address: str) -> bool:
    """Return whether *address* is the list of servers of an MCP registry, by the path that its API prescribes."""
    path = urlsplit(address).path.rstrip("/")
    return path.endswith("/servers") and "/v0" in path


def with_query(address: str, more: Mapping[str, str]) -> str:
    """Return *address* with *more* in its query, in place of what it said for the same keys."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(more)
    return urlunsplit(parts._replace(query=urlencode(query)))
