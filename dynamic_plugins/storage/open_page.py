"""Where this home's page for people is open, ``web.json`` in the home for as long as its server lives, and whether
anybody looks at it: its server touches ``web.seen`` for as long as somebody does.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.core.held_lock import HeldLock, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "web.json"
ASKED = "/asked"
"""The path of the page on which approvals are answered."""
SETTINGS = "/plugin/settings"
"""The path of the page on which a plugin's settings are entered."""
VALUES = "/values"
"""The path of the form on which somebody who asks for values gets them, opened by a ticket alone."""
SEEN_FILE = "web.seen"
NOTED_EVERY = 5.0
"""Seconds between two notes that somebody looks at the page."""
_FRESH = 3 * NOTED_EVERY
_LONGEST = 200


@contextlib.contextmanager
def announced(home: Path, address: str) -> Iterator[None]:
    """Let every process of *home* know, for as long as the block lasts, that its page is open at *address*.

    The address is without any token: whoever reads it may be a model, which must not be able to answer for the person.
    Of two servers on one home the first one is announced. What cannot be written raises OSError.
    """
    path = home / FILE
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = HeldLock(_lock_path(home))
    except BlockingIOError:
        yield
        return
    try:
        write_atomically(path, json.dumps({"schema": 1, "address": address, "pid": os.getpid()}))
        yield
    finally:
        path.unlink(missing_ok=True)
        (home / SEEN_FILE).unlink(missing_ok=True)
        lock.release()


def page_address(home: Path) -> str | None:
    """Return where the page of *home* is open, without any token; None where no living process serves it."""
    path = home / FILE
    if not path.exists():  # asked at every turn of a wait: the lock is looked at only where there is something
        return None
    try:
        address = str(read_json(path)["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    address = address.rstrip("/")
    return address if is_held(_lock_path(home)) and address.isprintable() and len(address) < _LONGEST else None


def settings_page(home: Path, plugin: str) -> str:
    """Return where a person enters the settings of *plugin*, without any token; empty where no page is open."""
    address = page_address(home)
    return f"{address}{SETTINGS}?{urlencode({'name': plugin})}" if address is not None else ""


def note_seen(home: Path) -> None:
    """Let every process of *home* know that somebody looks at its page now. Raises OSError."""
    (home / SEEN_FILE).touch(mode=0o600)


def is_seen(home: Path) -> bool:
    """Return whether somebody looks at the page of *home*, as far as its server can tell."""
    try:
        return time.time() - (home / SEEN_FILE).stat().st_mtime < _FRESH
    except OSError:
        return False


def _lock_path(home: Path) -> Path:
    return home / f"{FILE}.lock"
