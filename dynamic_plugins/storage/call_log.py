"""What was called when, and how it went: one line for each call of a plugin's action, in ``calls.jsonl`` in the home.

A line has the time, the plugin, the action, the door, how long it took, the error's code and about how many tokens the
result comes to; never an argument, a result or an error's text. A call costs no write of its own: lines are kept in
memory for some seconds and appended together. Full files are set aside as the audit log's are, and the oldest go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.json_text import json_text
from dynamic_plugins.errors import PluginError
from dynamic_plugins.storage.appended_file import AppendedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "calls.jsonl"
MOST_BYTES = 2**20
"""A file of this size is set aside; it holds some 7,000 calls."""
KEPT = 4
"""So many files that were set aside are kept."""
FLUSH_SECONDS = 2.0
"""What was called is in the file after this long."""
CHARACTERS_PER_TOKEN = 4
LOCK_SECONDS = 5.0
_LONGEST_NAME = 200
_LATEST, _LONGEST_MS, _MOST_TOKENS = 2.0**35, 2.0**53, 2**53
"""What lies beyond is no time, no duration and no size that anybody has measured: pictures are made of them."""
_CANCELLED, _UNFORESEEN = "cancelled", "internal_error"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call: *at* is when it ended, in seconds since 1970; *error* is the code of what went wrong, or empty."""

    at: float
    plugin: str
    action: str
    door: str
    ms: float
    error: str = ""
    tokens: int = 0

    @classmethod
    def from_line(cls, line: str) -> CallRecord | None:
        """Return the record in a line of the file; None for what is none, as a line is that a crash has cut short."""
        try:
            told = json.loads(line)
            at, ms, tokens = float(told["at"]), float(told["ms"]), int(told.get("tokens", 0))
            if not (0 <= at < _LATEST and 0 <= ms < _LONGEST_MS and 0 <= tokens < _MOST_TOKENS):  # NaN is none either
                return None
            texts = [str(told.get(name, "")) for name in ("plugin", "action", "door", "error")]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            return None
        return cls(at, texts[0], texts[1], texts[2], ms, texts[3], tokens)


class CallMeter:
    """What is learned of a call while it is made."""

    tokens = 0

    def gives(self, value: Any) -> None:
        """Take note of the result."""
        self.tokens = tokens_of(value)


class CallLog:
    """Keeps calls in memory and appends them to *path*; several processes may, and a reader sees whole lines."""

    def __init__(self, path: Path, door: str = "library") -> None:
        self._path, self._file, self._door = path, AppendedFile(path, KEPT), door
        self._new: list[CallRecord] = []
        self._lock = threading.Lock()
        """Held while :attr:`_new` is changed or taken away: it is written from threads."""
        self._planned: asyncio.TimerHandle | None = None

    @contextmanager
    def timed(self, plugin: str, action: str, door: str = "") -> Iterator[CallMeter]:
        """Note the call made in this block: its time, what it gave, and whether it raised.

        *door* is who made it, where that is not whoever came through the door of this process.
        """
        begun, meter, error = time.perf_counter(), CallMeter(), ""
        try:
            yield meter
        except asyncio.CancelledError:
            error = _CANCELLED
            raise
        except BaseException as raised:  # a plugin may raise anything; the log says that it failed, and it goes on
            error = raised.code if isinstance(raised, PluginError) else _UNFORESEEN
            raise
        finally:
            ms = round((time.perf_counter() - begun) * 1000, 2)
            names = plugin[:_LONGEST_NAME], action[:_LONGEST_NAME]
            self._keep(CallRecord(time.time(), *names, door or self._door, ms, error, meter.tokens))

    def _keep(self, record: CallRecord) -> None:
        with self._lock:
            self._new.append(record)
        if self._planned is None:
            with contextlib.suppress(RuntimeError):  # without a loop, whoever closes us writes
                loop = asyncio.get_running_loop()
                self._planned = loop.call_later(FLUSH_SECONDS, self._flush_beside, loop)

    def _flush_beside(self, loop: asyncio.AbstractEventLoop) -> None:
        self._planned = None
        loop.run_in_executor(None, self._flush_quietly)

    def _flush_quietly(self) -> None:
        with contextlib.suppress(OSError):  # what happened is worth less than the program going on
            self.flush()

    def flush(self) -> None:
        """Append what is kept in memory. Raises OSError."""
        with self._lock:
            new, self._new = self._new, []
        if not new:
            return
        with self._alone():
            erased = self._erased_at()
            lines = [json.dumps(_short(record), ensure_ascii=False) for record in new if record.at > erased]
            if lines and self._file.append(lines) > MOST_BYTES:
                self._file.set_aside()

    def close(self) -> None:
        """Append what is kept in memory, where that can be done."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        self._flush_quietly()

    def read(self, since: float = 0.0) -> list[CallRecord]:
        """Return the calls that ended after *since*, the oldest first; this process's own included."""
        with self._lock:
            mine = list(self._new)
        written = filter(None, map(CallRecord.from_line, self._file.lines(since)))
        found = [record for record in (*written, *mine) if record.at > since]
        return sorted(found, key=lambda record: record.at)

    def erase(self) -> None:
        """Remove all that was noted, by whichever process, in memory or on disk. Raises OSError."""
        with self._lock:
            self._new = []
        with self._alone():
            for path in self._file.aside:
                path.unlink(missing_ok=True)
            # Other processes have calls in memory: what is older than this is not written any more.
            write_atomically(self._path, json.dumps({"erased": time.time()}) + "\n")

    @property
    def size(self) -> int:
        """How many bytes it takes on disk."""
        return sum(path.stat().st_size for path in self._file.all if path.exists())

    def _erased_at(self) -> float:
        """Return when all was erased, as long as that can concern a call that is not written yet."""
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                return float(json.loads(file.readline(200))["erased"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        from filelock import FileLock

        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS):
            yield


def tokens_of(value: Any) -> int:
    """Return about how many tokens a result costs a model that reads it."""
    if value is None:
        return 0
    if isinstance(value, str):
        return -(-len(value) // CHARACTERS_PER_TOKEN)
    try:
        text = json_text(value)
    except (ValueError, TypeError, RecursionError):  # of a plugin in this process, a result may be anything
        return 0
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _short(record: CallRecord) -> dict[str, Any]:
    # Only here: a time that was rounded up before would lie behind the erasing that came after it.
    facts = asdict(record) | {"at": round(record.at, 3)}
    return {name: value for name, value in facts.items() if value or name in ("at", "ms")}
