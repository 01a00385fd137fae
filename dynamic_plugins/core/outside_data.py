"""Reading what others wrote: regular files only, of a bounded size, and parsed so that every fault is an error to tell.

What is nested too deeply, too long or no file is an OSError or a ValueError with a sentence, never a RecursionError, a
MemoryError or a process that waits for a pipe.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_BYTES = 2**20
"""What a description of a plugin, a manifest or a module may take; files that hold more have limits of their own."""
MOST_PARSED = 2**18
"""Parsing holds the interpreter: this many characters of Python take it about a quarter of a second."""
DEEPEST = 100
"""So deep may JSON be that is walked through as a whole: Python's own functions go no deeper than some hundreds."""
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*"|[\[{\]}]', re.DOTALL)
_LONG_KEY = re.compile(r"""(?:(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
TOO_DEEP = "it is nested too deeply"


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of the regular file *path*.

    Raises OSError for what cannot be read, is no regular file (a pipe would be waited for) or has more than *most*
    bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe is opened without its writer
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return content


def parse_json(text: str | bytes, deepest: int | None = DEEPEST) -> Any:
    """Return the JSON value of *text*. Raises ValueError for what is no JSON or nested deeper than *deepest*.

    None is for what is only looked into at fixed places: that may be as deep as can be parsed.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if deepest is not None and _may_be_deep(text, deepest) and _depth(text) > deepest:
        raise ValueError(TOO_DEEP)
    return value


def _may_be_deep(text: str | bytes, deepest: int) -> bool:
    if isinstance(text, str):
        return text.count("[") + text.count("{") > deepest
    return text.count(b"[") + text.count(b"{") > deepest


def _depth(text: str | bytes) -> int:
    """Return how deep a JSON text is nested."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(text if isinstance(text, str) else text.decode(json.detect_encoding(text))):
        mark = found[0]
        depth += (mark in "[{") - (mark in "]}")
        deepest = max(deepest, depth)
    return deepest


def nested_deeper(value: object, deepest: int) -> bool:
    """Return whether lists, tuples and dictionaries lie within one another deeper than *deepest* in *value*.

    So they do in what holds itself.
    """
    level = [value]
    for _ in range(deepest + 1):
        inner = [each for outer in level for each in _items(outer) if isinstance(each, (dict, list, tuple))]
        if not inner:
            return False
        level = list({id(each): each for each in inner}.values())  # the same one twice is looked into once
    return True


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def parse_toml(text: str | bytes) -> dict[str, Any]:
    """Return the table of a TOML file. Raises ValueError for what is none."""
    import tomllib

    text = text.removeprefix("\ufeff") if isinstance(text, str) else text.decode("utf-8-sig")
    if _LONG_KEY.search(text):
        raise ValueError(TOO_DEEP)  # Python's own reader takes a time that grows with the square of a key's parts
    try:
        return tomllib.loads(text)
    except (RecursionError, MemoryError):
        raise ValueError(TOO_DEEP) from None


def parse_python(source: bytes) -> list[ast.stmt]:
    """Return the statements of a Python module, which is parsed and never run. Raises ValueError for what is none."""
    if len(source) > MOST_PARSED:
        raise ValueError(f"it is larger than {MOST_PARSED:,} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a stranger's escapes is nobody's concern here
            return ast.parse(source).body
    except (RecursionError, MemoryError):
        raise ValueError(TOO_DEEP) from None
    except SyntaxError as error:
        raise ValueError(f"it is no Python: {error.msg}") from None
