"""From a source to a new good copy of it: read, parsed, and kept only if it is a registry."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins import __version__
from dynamic_plugins.core.outside_data import read_file
from dynamic_plugins.errors import NotARegistryError
from dynamic_plugins.registry.cache import TOLD_SKIPPED, Copy, CopyFacts, digest_of
from dynamic_plugins.registry.formats.detect import ParsedRegistry, parse_registry, without_local_packages
from dynamic_plugins.registry.http import (
    MAX_BYTES,
    MAX_PAGES,
    PAGE,
    Fetched,
    FetchError,
    fetch,
    is_api,
    open_client,
    with_query,
)
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.sources import BUNDLED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx2

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.sources import Source

SNAPSHOT = Path(__file__).with_name("snapshot.json")
FULL_EVERY = 7 * 24 * 3600.0
OVERLAP = 300.0  # our clock and the registry's need not agree


@dataclass
class Reader:
    """Reads sources. *python* gives the elizaOS plugins that exist in Python, by name; *clock* seconds since 1970."""

    python: Callable[[], Mapping[str, Entry]]
    timeout: float = 10.0
    clock: Callable[[], float] = time.time

    def read_bundled(self, last: Copy | None = None) -> Copy | None:
        """Return the snapshot that ships with this program, or None if *last* is a copy of it as it is now.

        Raises ValueError or OSError if it is damaged.
        """
        stamp = _stamp(SNAPSHOT)
        if last is not None and last.facts.made_by == __version__ and last.facts.etag == stamp:
            return None
        parsed = parse_registry(SNAPSHOT.read_bytes(), BUNDLED)
        made = datetime.fromisoformat(parsed.updated).replace(tzinfo=UTC)
        copy = self._copy(parsed, BUNDLED, Fetched(None, etag=stamp))
        return replace(copy, facts=replace(copy.facts, fetched_at=made.timestamp()))

    def read_file(self, source: Source, last: Copy | None) -> Copy | None:
        """Return a new copy of a file, or None if *last* is of the file as it is now.

        Raises :class:`FetchError` or :class:`NotARegistryError`.
        """
        path = Path(source.location)
        try:
            stamp = _stamp(path)
            if last is not None and last.facts.made_by == __version__ and last.facts.etag == stamp:
                return None
            if path.stat().st_size > MAX_BYTES:
                raise NotARegistryError(f"it is larger than {MAX_BYTES // 2**20} MB")
            content = read_file(path, MAX_BYTES)
        except OSError as error:
            raise NotARegistryError(f"the file cannot be read ({error.strerror or type(error).__name__})") from None
        return self._copy(self._parse(content, source), source.name, Fetched(content, etag=stamp))

    async def read_address(self, source: Source, last: Copy | None, checked_at: float, seconds: float) -> Copy | None:
        """Return a new copy of what an address serves, or None if *last* is still good; within *seconds*.

        Raises :class:`FetchError` or :class:`NotARegistryError`.
        """
        if last is not None and last.facts.made_by != __version__:
            last = None  # another version of this program may read more out of the same answer
        try:
            async with asyncio.timeout(seconds), open_client(min(seconds, self.timeout)) as client:
                if is_api(source.location):
                    return await self._read_api(client, source, last, checked_at)
                return await self._read_one(client, source, last)
        except TimeoutError:
            raise FetchError(f"it does not answer within {seconds:g} s") from None

    async def _read_one(self, client: httpx2.AsyncClient, source: Source, last: Copy | None) -> Copy | None:
        conditions = (last.facts.etag, last.facts.last_modified) if last is not None else (None, None)
        try:
            fetched = await fetch(client, source.location, etag=conditions[0], last_modified=conditions[1])
            if fetched.content is None:
                return None
            parsed = await asyncio.to_thread(self._parse, fetched.content, source)
        except (FetchError, NotARegistryError):
            if urlsplit(source.location).path.strip("/"):
                raise
            # The bare address of an MCP registry shows a page for people; its API lies below.
            return await self._read_api(client, source, last, 0.0)
        if parsed.next_cursor is not None:
            merged = {entry.name: entry for entry in parsed.entries}
            await self._more_pages(client, source, source.location, parsed, merged)
            return self._finish(source, merged, parsed, started=self.clock(), full_at=self.clock())
        return await asyncio.to_thread(self._copy, parsed, source.name, fetched)

    async def _read_api(
        self, client: httpx2.AsyncClient, source: Source, last: Copy | None, checked_at: float
    ) -> Copy | None:
        """Read an MCP registry page by page: all of it once a week, otherwise what changed since *checked_at*."""
        started = self.clock()
        address = source.location
        if not is_api(address):
            address = address.rstrip("/") + "/v0.1/servers"
        address = with_query(address, {"version": "latest", "limit": str(PAGE)})
        merged: dict[str, str | Entry] = {}
        full_at = started
        if last is not None and last.facts.paged and 0 <= started - last.facts.full_at < FULL_EVERY:
            since = max(last.facts.fetched_at, checked_at) - OVERLAP
            address = with_query(address, {"updated_since": _rfc3339(since)})
            merged = dict(zip(last.entries.names(), last.entries.rows(), strict=True))
            full_at = last.facts.full_at
        fetched = await fetch(client, address)
        page = await asyncio.to_thread(self._parse, fetched.content or b"", source)
        if not page.paged:
            raise NotARegistryError("it does not answer as an MCP registry")
        _apply(page, merged)
        await self._more_pages(client, source, address, page, merged)
        if not merged:
            raise NotARegistryError("it lists no server at all")
        return self._finish(source, merged, page, started=started, full_at=full_at)

    async def _more_pages(
        self,
        client: httpx2.AsyncClient,
        source: Source,
        address: str,
        page: ParsedRegistry,
        merged: dict[str, str | Entry] | dict[str, Entry],
    ) -> None:
        """Read the pages after *page* into *merged*. A page that fails fails all: half a registry is not a copy."""
        seen: set[str] = set()
        left = MAX_BYTES
        while (cursor := page.next_cursor) is not None:
            if cursor in seen or len(seen) >= MAX_PAGES:
                raise FetchError("its pages do not end")
            seen.add(cursor)
            fetched = await fetch(client, with_query(address, {"cursor": cursor}), limit=left)
            left -= len(fetched.content or b"")
            page = await asyncio.to_thread(self._parse, fetched.content or b"", source)
            _apply(page, merged)

    def _finish(
        self,
        source: Source,
        merged: dict[str, str | Entry] | dict[str, Entry],
        page: ParsedRegistry,
        *,
        started: float,
        full_at: float,
    ) -> Copy:
        entries = EntryList(merged.values(), source.name)
        skipped = page.skipped
        facts = CopyFacts(
            digest_of(entries),
            started,
            full_at=full_at,
            paged=True,
            skipped=len(skipped),
            why_skipped=skipped[:TOLD_SKIPPED],
        )
        return Copy(facts, entries)

    def _parse(self, content: bytes, source: Source) -> ParsedRegistry:
        parsed = parse_registry(content, source.name, self.python)
        return without_local_packages(parsed) if source.is_remote else parsed

    def _copy(self, parsed: ParsedRegistry, source: str, fetched: Fetched) -> Copy:
        entries = EntryList(parsed.entries, source)
        facts = CopyFacts(
            digest_of(entries),
            self.clock(),
            etag=fetched.etag,
            last_modified=fetched.last_modified,
            skipped=len(parsed.skipped),
            why_skipped=parsed.skipped[:TOLD_SKIPPED],
            updated=parsed.updated,
            revoked=parsed.revoked,
        )
        return Copy(facts, entries)


def _stamp(path: Path) -> str:
    """Return what changes whenever a file does. Raises OSError."""
    status = path.stat()
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"


def _apply(page: ParsedRegistry, merged: dict[str, str | Entry] | dict[str, Entry]) -> None:
    for entry in page.entries:
        merged[entry.name] = entry
    for name in page.deleted:
        merged.pop(name, None)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(max(0.0, seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
