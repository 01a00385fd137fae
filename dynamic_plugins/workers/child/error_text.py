"""Errors as one line a person can use."""

from __future__ import annotations

import os
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 # pathlib is slow to import
_MOST = 2000
_OWN = ("FailedError", "NothingOfferedError")  # ours: their text is the whole of it


def describe(error: BaseException, *, place: bool = True) -> str:
    """Return ``KeyError: 'x'``, with the plugin's own line that raised it if *place*."""
    while isinstance(within := getattr(error, "exceptions", None), (list, tuple)) and within:
        error = within[0]  # a group: its first error is the reason
    if isinstance(error, SystemExit):
        text = f"SystemExit: it ended itself with {error.code!r}"
    elif type(error).__name__ in _OWN:
        return _said(error)[:_MOST]
    else:
        said = _said(error)
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    text = text[:_MOST]
    if place and (frame := _own_frame(error)) is not None:
        text += f" ({os.path.basename(frame[0])}, line {frame[1]}: {frame[2]})"  # noqa: PTH119
    return text


def _said(error: BaseException) -> str:
    try:
        # A file's name may hold what no text may: it is written out.
        return str(error).strip().encode("utf-8", "backslashreplace").decode()
    except Exception:  # its own words fail, too
        return ""


def _own_frame(error: BaseException) -> tuple[str, int, str] | None:
    if isinstance(error, SyntaxError):  # its text has the place
        return None
    import linecache  # when something failed there is time
    import traceback

    found: Any = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith(("<frozen", _HERE)) and f"{os.sep}importlib{os.sep}" not in file:
            found = (file, line)
    if found is None:
        return None
    return found[0], found[1], linecache.getline(*found).strip()
