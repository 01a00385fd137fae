"""Reading the pages of an MCP registry one after the other, or on from where an earlier walk was cut short."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamic_plugins.errors import NotARegistryError
from dynamic_plugins.registry.cache import TOLD_SKIPPED
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.http import MAX_BYTES, MAX_PAGES, FetchError, fetch, with_query
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.walk_log import WalkedPage

if TYPE_CHECKING:
    import httpx2

    from dynamic_plugins.registry.walk_log import WalkLog

TOO_MANY = 429


@dataclass
class PageWalk:
    """A walk through the pages of *source*, which is a name; each page is kept in *log* as it is read.

    *pages* are those that an earlier walk has read. :attr:`moved` says whether this one has read any.
    """

    client: httpx2.AsyncClient
    source: str
    log: WalkLog | None = None
    pages: list[WalkedPage] = field(default_factory=list)
    moved: bool = False

    async def to_the_end(self, address: str) -> None:
        """Read all pages that are left, of those that begin at *address*.

        Raises :class:`FetchError` or :class:`NotARegistryError`; what was read until then stays in the log.
        """
        seen = {page.cursor for page in self.pages}
        left = MAX_BYTES - sum(page.size for page in self.pages)
        while not self.pages or self.pages[-1].next_cursor is not None:
            cursor = self.pages[-1].next_cursor if self.pages else None
            if cursor in seen or len(seen) > MAX_PAGES:
                self._forget()
                raise FetchError("its pages do not end")
            seen.add(cursor)
            where = address if cursor is None else with_query(address, {"cursor": cursor})
            fetched = await fetch(self.client, where, limit=left)
            page = await asyncio.to_thread(self._read, fetched.content or b"", cursor)
            left -= page.size
            self._keep(page)

    def begins_anew_after(self, error: FetchError) -> bool:
        """Return whether *error* says that the place where an earlier walk stopped is none any more; forget it then."""
        if self.moved or not self.pages or not 400 <= error.status < 500 or error.status == TOO_MANY:
            return False
        self._forget()
        self.pages = []
        return True

    def merge_into(self, rows: dict[str, str]) -> None:
        """Put what the pages list in place of what *rows*, by name, has of it, and take out what they withdraw."""
        for page in self.pages:
            rows.update(zip(EntryList(page.rows, self.source).names(), page.rows, strict=True))
            for name in page.deleted:
                rows.pop(name, None)

    @property
    def skipped(self) -> int:
        return sum(page.skipped for page in self.pages)

    @property
    def why_skipped(self) -> tuple[str, ...]:
        """Why, for the first few."""
        return tuple(why for page in self.pages for why in page.why_skipped)[:TOLD_SKIPPED]

    def _read(self, content: bytes, cursor: str | None) -> WalkedPage:
        parsed = parse_registry(content, self.source, one_of_many=True)
        if not parsed.paged:
            raise NotARegistryError("it does not answer as an MCP registry")
        rows = EntryList(parsed.entries, self.source).rows()
        why = parsed.skipped[:TOLD_SKIPPED]
        return WalkedPage(
            cursor, parsed.next_cursor, rows, sorted(parsed.deleted), len(content), len(parsed.skipped), why
        )

    def _keep(self, page: WalkedPage) -> None:
        self.pages.append(page)
        self.moved = True
        if self.log is not None:
            self.log.add(page)

    def _forget(self) -> None:
        if self.log is not None:
            self.log.drop()
