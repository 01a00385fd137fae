"""Notes what Python code reaches for, a JSON line each, whether it gets it or not. Loaded before a plugin's first line.

``start(log)`` is called from a ``.pth`` file that :mod:`evals.permissions` puts into the plugin's environment. An audit
hook sees what goes through Python; it is no boundary, and here it need not be one.
"""

import json
import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_STARTING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}
_CHANGING = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.truncate", "os.link", "os.symlink"}


def _whole(path: object) -> str:
    return os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type] # noqa: PTH100 - links are kept as they are


def start(log: str) -> None:
    """Note from now on, at the end of the file *log*."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(kind: str, what: object) -> None:
        text = os.fsdecode(what) if isinstance(what, str | bytes | os.PathLike) else str(what)
        os.write(file, json.dumps({"kind": kind, "what": text}).encode() + b"\n")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        try:
            _note(event, arguments, note)
        except Exception as error:  # a plugin must not notice
            os.write(file, json.dumps({"kind": "error", "what": repr(error)}).encode() + b"\n")

    sys.addaudithook(hook)


def _note(event, arguments, note) -> None:  # type: ignore[no-untyped-def] # the events' arguments are of any type
    if event == "open" and not isinstance(arguments[0], int):
        note("write" if (arguments[2] or 0) & _WRITING else "read", _whole(arguments[0]))
    elif event in {"os.listdir", "os.scandir"} and isinstance(arguments[0], str | bytes | os.PathLike):
        note("read", _whole(arguments[0]))
    elif event in _CHANGING:
        note("write", _whole(arguments[0]))
    elif event == "sqlite3.connect" and arguments[0] != ":memory:":
        note("write", _whole(str(arguments[0]).removeprefix("file:").partition("?")[0]))
    elif event == "socket.getaddrinfo" and arguments[0]:
        note("network", f"{os.fsdecode(arguments[0])}:{arguments[1] or ''}".rstrip(":"))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        note("network", f"{arguments[1][0]}:{arguments[1][1]}")
    elif event in _STARTING:
        note("program", arguments[0] if isinstance(arguments[0], str | bytes) else os.fspath(arguments[0]))
