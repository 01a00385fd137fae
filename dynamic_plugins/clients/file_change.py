"""Changing somebody else's file: shown before it is made, with a copy of what was there, whole or not at all."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dynamic_plugins.clients.client_files import client_of, format_of
from dynamic_plugins.clients.config_documents import parse
from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.outside_data import read_file
from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.redaction.blanked_text import blanked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.config_documents import Document

MOST_BYTES = 2**25
"""Claude Code keeps its state of all projects in one file, which grows to some megabytes."""
_CONTEXT = 2


def read_text(path: Path) -> str:
    """Return the content of a client's file, empty where there is none. Raises BadArgumentsError."""
    try:
        return read_file(path, MOST_BYTES).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is no text in UTF-8"
        raise BadArgumentsError(str(path), f"it cannot be read: {reason}") from None


def read_document(path: Path, client: Client | None = None) -> tuple[Document, Client]:
    """Return the document in *path*, and *client* or else the one that it is of. Raises BadArgumentsError."""
    text = read_text(path)
    try:
        document = parse(text, client.format if client is not None else format_of(path))
    except ValueError as error:
        raise BadArgumentsError(str(path), f"it cannot be read: {error}. Nothing was changed") from None
    return document, client or client_of(path, document.data, text)


@dataclass(frozen=True)
class FileChange:
    """A file as it is and as it would be. Links are followed, so that a linked file stays a link."""

    path: Path
    before: str
    after: str

    @property
    def is_change(self) -> bool:
        return self.before != self.after

    def lines(self, secrets: Iterable[str] = ()) -> list[str]:
        """Return the difference, a line each, without what is a secret or looks like one."""
        known = list(secrets)
        before, after = (blanked(text, known).splitlines() for text in (self.before, self.after))
        found = list(difflib.unified_diff(before, after, n=_CONTEXT, lineterm=""))
        return found[2:]

    def write(self) -> Path | None:
        """Write it, and return where the copy of the old one lies; None where there was no file.

        Raises PluginError where somebody else has changed the file since it was read, and OSError.
        """
        target = self.path.resolve()
        if read_text(target) != self.before:
            raise PluginError(f"{self.path} was changed by another program meanwhile. Nothing was written; try again.")
        backup, mode = None, None
        if target.exists():
            mode = stat.S_IMODE(os.stat(target).st_mode)  # noqa: PTH116 # of the file that a link leads to
            backup = _backup_path(target)
            write_atomically(backup, self.before, mode=mode & 0o600, ours=False)
        write_atomically(target, self.after, mode=mode, ours=False)
        return backup


def _backup_path(target: Path) -> Path:
    """Return where the copy of *target* goes: beside it, with the time in its name."""
    said = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = (f"{target.name}.{said}{more}.bak" for more in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(path for name in names if not (path := target.with_name(name)).exists())
