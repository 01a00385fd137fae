"""The last good copy of each registry, under ``<home>/registry/``.

A copy is one file, put in place in one step: a line of facts about it, then a line per entry. When it was last
confirmed, and why it could not be, lies beside it in a small file of its own, because that changes far more often.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins import __version__
from dynamic_plugins.core.atomic_file import MOST_BYTES, Stamp, read_json, stamp_of, write_atomically
from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.revocation import Revocation
from dynamic_plugins.registry.walk_log import WalkLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Entry

FORMAT = 1
TOLD_SKIPPED = 5


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """About one copy: its digest, what revalidates it, and when it came. Times are seconds since 1970."""

    digest: str
    fetched_at: float
    etag: str | None = None
    last_modified: str | None = None
    full_at: float = 0.0
    """When an MCP registry was last read from its first page to its last, rather than only what changed."""
    paged: bool = False
    skipped: int = 0
    why_skipped: tuple[str, ...] = ()
    updated: str = ""
    revoked: tuple[Revocation, ...] = ()
    """What the registry has revoked."""
    made_by: str = __version__
    """The version of this program that parsed it; another one parses it anew."""


@dataclass(frozen=True, slots=True)
class Checked:
    """When the source last confirmed its copy, and how the last attempt failed, if it did."""

    checked_at: float = 0.0
    failed_at: float = 0.0
    failure: str = ""
    failures: int = 0
    """How many attempts have failed since one succeeded."""
    next_try: float = 0.0
    """When it is asked again, where the last attempt failed."""
    is_outage: bool = True
    """Whether the failure was that it could not be reached, rather than what it answered."""


@dataclass(frozen=True)
class Copy:
    """A registry as it was last good."""

    facts: CopyFacts
    entries: EntryList = field(repr=False)


class Cache:
    """Keeps copies in *folder*, by the location they came from. What cannot be written is not kept, and no error."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, location: str, source: str) -> Copy | None:
        """Return the last good copy, or None if there is none that can be read."""
        try:
            head, _, body = read_file(self._copy(location), MOST_BYTES).decode("ascii").partition("\n")
            data = parse_json(head)
            if data.pop("format") != FORMAT or data.pop("length") != len(body):
                return None
            facts = _facts(data)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Copy(facts, EntryList(body.splitlines(), source))

    def revoked(self, location: str) -> tuple[Revocation, ...]:
        """Return what the last good copy revokes, without reading its entries."""
        try:
            with self._copy(location).open(encoding="ascii") as file:
                data = json.loads(file.readline())
            return _facts({name: value for name, value in data.items() if name not in ("format", "length")}).revoked
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def stamp(self, location: str) -> Stamp | None:
        """Return what changes whenever the copy does, or None without one."""
        try:
            return stamp_of(self._copy(location))
        except OSError:
            return None

    def keep(self, location: str, facts: CopyFacts, entries: EntryList) -> Stamp | None:
        """Put a new good copy in place of the last and return its stamp: another process may put its own there next."""
        body = "\n".join(entries.rows())
        # The length tells a whole file from one that a full disk or a power cut has shortened.
        head = json.dumps({"format": FORMAT, "length": len(body), **asdict(facts)})
        try:
            return write_atomically(self._copy(location), f"{head}\n{body}")
        except OSError:
            return self.stamp(location)

    def checked(self, location: str) -> Checked:
        """Return what is known of the last attempts to reach the source."""
        try:
            data = read_json(self._checked(location))
            return Checked(
                float(data["checked_at"]),
                float(data["failed_at"]),
                str(data["failure"]),
                int(data.get("failures", 0)),  # an earlier version wrote none of these
                float(data.get("next_try", 0.0)),
                data.get("is_outage", True) is True,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Checked()

    def check(self, location: str, checked: Checked) -> None:
        """Remember an attempt."""
        with suppress(OSError):
            write_atomically(self._checked(location), json.dumps(asdict(checked)))

    def walk(self, location: str) -> WalkLog:
        """Return where a walk through the pages of the source is kept until it is whole."""
        return WalkLog(self._folder / f"{_slug(location)}.pages")

    def is_asked_elsewhere(self, location: str) -> bool:
        """Return whether another process, or another registry of this one, asks the source now."""
        if not self._lock(location).exists():
            return False
        with self.alone(location) as alone:
            return not alone

    @contextmanager
    def alone(self, location: str) -> Iterator[bool]:
        """Keep others from asking the source during the block; gives whether nobody else is at it already.

        In a folder that cannot be written nobody is kept from anything.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock(location), timeout=0, mode=0o600)
        alone = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire()
        except Timeout:
            alone = False
        except (OSError, NotImplementedError):  # a folder that is read-only, a file system without locks
            pass
        try:
            yield alone
        finally:
            lock.release()

    def forget(self, location: str) -> None:
        """Remove the copy of a source that is no longer one."""
        self.walk(location).drop()
        for path in (self._copy(location), self._checked(location), self._lock(location)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _copy(self, location: str) -> Path:
        return self._folder / f"{_slug(location)}.entries"

    def _checked(self, location: str) -> Path:
        return self._folder / f"{_slug(location)}.checked.json"

    def _lock(self, location: str) -> Path:
        return self._folder / f"{_slug(location)}.lock"


def _facts(data: dict[str, Any]) -> CopyFacts:
    revoked = tuple(Revocation(**{**each, "versions": tuple(each["versions"])}) for each in data.get("revoked", ()))
    return CopyFacts(**{**data, "why_skipped": tuple(data["why_skipped"]), "revoked": revoked})


def digest_of(entries: Sequence[Entry]) -> str:
    """Return a text that two lists of entries share exactly when they are equal."""
    rows = entries.rows() if isinstance(entries, EntryList) else EntryList(entries, "").rows()
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _slug(location: str) -> str:
    # The digest keeps two locations apart that read alike; the words are for whoever looks into the folder. The query
    # is left out of them, since it may hold a key.
    words = re.sub(r"[^A-Za-z0-9]+", "-", location.partition("?")[0].rpartition("@")[2])[-40:].strip("-").lower()
    return f"{words}-{hashlib.sha256(location.encode()).hexdigest()[:12]}"
