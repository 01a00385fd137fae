"""Embeds a registry's documents in a process beside the one that was asked, so that no answer waits for it.

Run as ``python -m dynamic_plugins.resolver.embedding_job FOLDER``. It has one thread and the lowest priority, one runs
for a home at a time, and a batch that is done stays done. What is to be embedded lies in *FOLDER*, the home's cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.background_process import start_in_background
from dynamic_plugins.resolver.documents import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM = "dynamic_plugins.resolver.embedding_job"
WANTED, LOCK = ".wanted", "embedding.lock"
AGAIN_SECONDS = 60.0
"""After a start the next one waits so long: a process that failed at once would be started with every request."""


def start(folder: Path, what: str, missing: Callable[[], Mapping[int, str]]) -> None:
    """Have the *missing* texts, by key, embedded into the vectors of the cache *folder*.

    *what* names them: the next ones of that name take the place of those that are not done. What cannot be started is
    left, and while a process is at work nobody looks what is missing: of ten thousand plugins that takes longer than
    a search.
    """
    wanted = folder / f"{what}{WANTED}"
    if _age(wanted) < AGAIN_SECONDS or _at_work(folder) or not (texts := missing()):
        return
    with contextlib.suppress(OSError):
        write_atomically(wanted, json.dumps({str(key): text for key, text in texts.items()}))
        start_in_background(PROGRAM, str(folder.absolute()), folder=folder)


def _at_work(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        if (folder / LOCK).exists():
            try:
                with FileLock(folder / LOCK, timeout=0):
                    return False
            except Timeout:
                return True
    return False


def _age(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")


def run(folder: Path) -> int:
    """Embed what is wanted in *folder*; return how many documents were. Nothing where another process is at it."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return sum(_embed(wanted, folder / VECTORS) for wanted in sorted(folder.glob(f"*{WANTED}")))
    except (Timeout, OSError):
        return 0


def _embed(wanted: Path, vectors: Path) -> int:
    from dynamic_plugins.resolver.vector_index import embed_documents, not_embedded

    with contextlib.suppress(OSError, ValueError):
        texts = {int(key): str(text) for key, text in json.loads(wanted.read_text(encoding="utf-8")).items()}
        return embed_documents(not_embedded(texts, vectors), vectors)
    return 0


def main() -> None:
    with contextlib.suppress(OSError, AttributeError):  # where there is no such thing it runs as others do
        os.nice(19)
    run(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
