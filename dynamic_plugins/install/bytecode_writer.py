"""The program that writes bytecode, with the standard library alone: ``bytecode_writer.py SECONDS SHARED FOLDER…``.

It compiles every module below each FOLDER, in as many processes as there are processors for it, and leaves out what
cannot be compiled. Where SHARED is a folder, and not ``-``, what is compiled is put there by the digest of its source,
and what lies there already is taken: of several plugins' packages most are the same. After SECONDS it ends where it is.
"""

from __future__ import annotations

import compileall
import hashlib
import importlib.util
import os
import signal
import struct
import sys

_MOST_PROCESSES = 4
_DEEPEST = 50
_HEADER = 16
"""Bytes of a .pyc before its code: the magic number, flags, and the time and size of the source."""


def main(seconds: int, shared: str | None, folders: list[str]) -> None:
    """Compile all below *folders*."""
    files = sorted(file for folder in folders for file in _modules(folder, _DEEPEST))
    count = max(1, min(_MOST_PROCESSES, _processors(), len(files) // 50))
    children = []
    for number in range(1, count):
        if (child := os.fork()) == 0:
            signal.alarm(seconds)  # a child has no alarm of its parent's
            _compile(files[number::count], shared)
            os._exit(0)
        children.append(child)
    signal.alarm(seconds)
    _compile(files[::count], shared)
    for child in children:
        os.waitpid(child, 0)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _modules(folder: str, deepest: int) -> list[str]:
    """Return the modules below *folder*; a link to a folder is not followed."""
    found = []
    with os.scandir(folder) as entries:
        for each in entries:
            if each.is_dir():
                if each.name != "__pycache__" and deepest and not each.is_symlink():
                    found += _modules(each.path, deepest - 1)
            elif each.name.endswith(".py"):
                found.append(each.path)
    return found


def _compile(files: list[str], shared: str | None) -> None:
    for file in files:
        try:
            if shared is None:
                compileall.compile_file(file, quiet=2)
            else:
                _compile_once(file, shared)
        except OSError:  # of one file, as of one that is no Python
            continue


def _compile_once(file: str, shared: str) -> None:
    cached = importlib.util.cache_from_source(file)
    with open(file, "rb") as source:  # noqa: PTH123 # pathlib takes as long to import as a hundred files to compile
        known = f"{shared}/{hashlib.sha256(source.read()).hexdigest()}"
        facts = os.fstat(source.fileno())
    stamp = struct.pack("<II", int(facts.st_mtime) & 0xFFFFFFFF, facts.st_size & 0xFFFFFFFF)
    header = importlib.util.MAGIC_NUMBER + bytes(4) + stamp
    if os.path.exists(known):  # noqa: PTH110
        with open(known, "rb") as code:  # noqa: PTH123
            os.makedirs(os.path.dirname(cached), exist_ok=True)  # noqa: PTH103, PTH120
            _write(cached, header + code.read())
    elif compileall.compile_file(file, quiet=2) and os.path.exists(cached):  # noqa: PTH110
        with open(cached, "rb") as made:  # noqa: PTH123
            _write(known, made.read()[_HEADER:])


def _write(path: str, content: bytes) -> None:
    """Write a whole file or none."""
    part = f"{path}.{os.getpid()}"
    with open(part, "wb") as file:  # noqa: PTH123
        file.write(content)
    os.replace(part, path)  # noqa: PTH105


if __name__ == "__main__":
    main(int(sys.argv[1]), None if sys.argv[2] == "-" else sys.argv[2], sys.argv[3:])
