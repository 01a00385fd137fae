"""What a person typed in earlier conversations, for the arrow keys: kept in the home, for its owner's eyes only."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from prompt_toolkit.history import History

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.outside_data import parse_json, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KEPT = 1_000
LOCK_SECONDS = 5.0
_MOST_BYTES = 2**24
_OWNERS_ONLY = 0o600


class Past(History):
    """The prompt's history, in *path*: one JSON text a line, the newest last. Several conversations may share it.

    What is typed may hold a secret, so nothing is taken from the prompt itself: :meth:`remember` is told the message
    once its secrets have been taken out. A file that cannot be read or written costs the history and nothing else.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append_string(self, string: str) -> None:
        """Do nothing: the prompt calls this with what was typed, as it was typed."""

    def remember(self, message: str) -> None:
        """Keep *message*, which holds no secret."""
        if message and message != next(iter(self.get_strings()[-1:]), None):
            super().append_string(message)

    def load_history_strings(self) -> Iterable[str]:
        """Return what is kept, the newest first."""
        lines = self._lines()
        if len(lines) > 2 * KEPT:
            lines = lines[-KEPT:]
            with contextlib.suppress(OSError), self._alone():
                self._replace(self._lines()[-KEPT:])  # read anew: another conversation may have added to it
        return [text for line in reversed(lines) if (text := _text(line))]

    def store_string(self, string: str) -> None:
        """Write *string* behind the others."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._append(json.dumps(string) + "\n")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other conversations from writing; raises OSError where that is not to be had."""
        from filelock import FileLock

        with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS):
            yield

    def _lines(self) -> list[str]:
        try:
            return read_file(self._path, _MOST_BYTES).decode(errors="replace").splitlines()
        except OSError:
            return []

    def _replace(self, lines: list[str]) -> None:
        write_atomically(self._path, "".join(f"{line}\n" for line in lines))

    def _append(self, line: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)  # a pipe is not waited for
        descriptor = os.open(self._path, flags, _OWNERS_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            self._path.chmod(_OWNERS_ONLY)  # one that was there may be open to others
            file.write(line)


def _text(line: str) -> str:
    """Return the message in a line of the file; empty for a line that a crash or another program left."""
    try:
        text = parse_json(line)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""
