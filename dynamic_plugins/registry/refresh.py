"""From a source to a new good copy of it: read, parsed, and kept only if it is a registry."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
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
    PAGE,
    Fetched,
    FetchError,
    UnfinishedError,
    fetch,
    is_api,
    open_client,
    with_query,
)
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.page_walk import PageWalk
from dynamic_plugins.registry.sources import BUNDLED
from dynamic_plugins.registry.walk_log import WalkStart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.sources import Source
    from dynamic_plugins.registry.walk_log import WalkLog

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
        return None if _is_of(last, stamp) else _bundled(SNAPSHOT, stamp)

    def read_file(self, source: Source, last: Copy | None) -> Copy | None:
        """Return a new copy of a file, or None if *last* is of the file as it is now.

        Raises :class:`FetchError` or :class:`NotARegistryError`.
        """
        path = Path(source.location)
        try:
            stamp = _stamp(path)
            if _is_of(last, stamp):
                return None
            if path.stat().st_size > MAX_BYTES:
                raise NotARegistryError(f"it is larger than {MAX_BYTES // 2**20} MB")
            content = read_file(path, MAX_BYTES)
        except OSError as error:
            raise NotARegistryError(f"the file cannot be read ({error.strerror or type(error).__name__})") from None
        return self._copy(self._parse(content, source), source.name, Fetched(content, etag=stamp))

    async def read_address(self, source: Source, last: Copy | None, seconds: float, log: WalkLog | None) -> Copy | None:
        """Return a new copy of what an address serves, or None if *last* is still good; within *seconds*.

        The pages of an MCP registry are kept in *log* until all are read, and read on from where it ends. Raises
        :class:`UnfinishedError` where the time was over while they came, :class:`FetchError` or
        :class:`NotARegistryError`.
        """
        if last is not None and last.facts.made_by != __version__:
            last = None  # another version of this program may read more out of the same answer
        try:
            async with asyncio.timeout(seconds), open_client(min(seconds, self.timeout)) as client:
                walk = PageWalk(client, source.name, log)
                if is_api(source.location):
                    return await self._read_api(walk, source, last)
                return await self._read_one(walk, source, last)
        except TimeoutError:
            if walk.moved:
                raise UnfinishedError(f"{len(walk.pages)} pages were read within {seconds:g} s, not all") from None
            raise FetchError(f"it does not answer within {seconds:g} s") from None

    async def _read_one(self, walk: PageWalk, source: Source, last: Copy | None) -> Copy | None:
        conditions = (last.facts.etag, last.facts.last_modified) if last is not None else (None, None)
        try:
            fetched = await fetch(walk.client, source.location, etag=conditions[0], last_modified=conditions[1])
            if fetched.content is None:
                return None
            parsed = await asyncio.to_thread(self._parse, fetched.content, source)
        except (FetchError, NotARegistryError) as error:
            if urlsplit(source.location).path.strip("/"):
                raise
            # The bare address of an MCP registry shows a page for people; its API lies below.
            try:
                return await self._read_api(walk, source, last)
            except NotARegistryError:
                raise error from None
        if parsed.next_cursor is not None:
            started = self.clock()
            whole = PageWalk(walk.client, source.name)
            await whole.to_the_end(source.location)
            return self._finish(source, whole, {}, started=started, full_at=started)
        return await asyncio.to_thread(self._copy, parsed, source.name, fetched)

    async def _read_api(self, walk: PageWalk, source: Source, last: Copy | None) -> Copy | None:
        """Read an MCP registry page by page: all of it once a week, otherwise what changed since *last*."""
        now = self.clock()
        base = last.facts.digest if last is not None else ""
        resumed = walk.log.resume(now, base) if walk.log is not None else None
        if resumed is not None:
            start, walk.pages = resumed
        else:
            start = self._begin(last, now)
            if walk.log is not None:
                walk.log.begin(start)
        try:
            await walk.to_the_end(_pages_address(source.location, start.since))
        except FetchError as error:
            if not walk.begins_anew_after(error):
                raise
            return await self._read_api(walk, source, last)
        rows, full_at = {}, start.started
        if start.base and last is not None:
            rows = dict(zip(last.entries.names(), last.entries.rows(), strict=True))
            full_at = last.facts.full_at
        return await asyncio.to_thread(self._finish, source, walk, rows, started=start.started, full_at=full_at)

    def _begin(self, last: Copy | None, now: float) -> WalkStart:
        if last is None or not last.facts.paged or not 0 <= now - last.facts.full_at < FULL_EVERY:
            return WalkStart(now)
        # Its copy is of when its first page was asked for, however long the others took.
        return WalkStart(now, last.facts.digest, max(0.0, last.facts.fetched_at - OVERLAP))

    def _finish(self, source: Source, walk: PageWalk, rows: dict[str, str], *, started: float, full_at: float) -> Copy:
        walk.merge_into(rows)
        if not rows:
            raise NotARegistryError("it lists no server at all")
        entries = EntryList(rows.values(), source.name)
        facts = CopyFacts(
            digest_of(entries),
            started,
            full_at=full_at,
            paged=True,
            skipped=walk.skipped,
            why_skipped=walk.why_skipped,
        )
        return Copy(facts, entries)

    def _parse(self, content: bytes, source: Source) -> ParsedRegistry:
        parsed = parse_registry(content, source.name, self.python)
        return without_local_packages(parsed) if source.is_remote else parsed

    def _copy(self, parsed: ParsedRegistry, source: str, fetched: Fetched) -> Copy:
        return _copy_of(parsed, source, fetched, self.clock())


def _copy_of(parsed: ParsedRegistry, source: str, fetched: Fetched, at: float) -> Copy:
    entries = EntryList(parsed.entries, source)
    facts = CopyFacts(
        digest_of(entries),
        at,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        skipped=len(parsed.skipped),
        why_skipped=parsed.skipped[:TOLD_SKIPPED],
        updated=parsed.updated,
        revoked=parsed.revoked,
    )
    return Copy(facts, entries)


@lru_cache(maxsize=1)
def _bundled(snapshot: Path, stamp: str) -> Copy:
    """Return the *snapshot*, which all applications of this process share. Raises ValueError or OSError."""
    parsed = parse_registry(snapshot.read_bytes(), BUNDLED)
    made = datetime.fromisoformat(parsed.updated).replace(tzinfo=UTC)
    return _copy_of(parsed, BUNDLED, Fetched(None, etag=stamp), made.timestamp())


def _stamp(path: Path) -> str:
    """Return what changes whenever a file does. Raises OSError."""
    status = path.stat()
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"


def _is_of(copy: Copy | None, stamp: str) -> bool:
    """Return whether *copy* was made, by this version of the program, from the file as its *stamp* says it is."""
    return copy is not None and copy.facts.made_by == __version__ and copy.facts.etag == stamp


def _pages_address(location: str, since: float) -> str:
    """Return where the pages begin of the MCP registry at *location*: all of them, or of what changed *since*."""
    address = location if is_api(location) else location.rstrip("/") + "/v0.1/servers"
    address = with_query(address, {"version": "latest", "limit": str(PAGE)})
    return with_query(address, {"updated_since": _rfc3339(since)}) if since else address


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(max(0.0, seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
