"""The worker's end of the protocol: JSON-RPC messages as lines, on file descriptors that no plugin touches."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

from .serialize import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonRpcChannel:
    """Takes the process's standard input and output for the protocol and leaves harmless ones in their place."""

    def __init__(self) -> None:
        self._in = os.dup(0)
        self._out = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)  # what a plugin prints goes to standard error, not into the protocol
        self._lock = threading.Lock()
        self._receivers: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._last_id = 0

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield the host's requests and notifications until it closes the pipe; responses go to their receivers."""
        with os.fdopen(self._in, "rb") as lines:
            for line in lines:
                message = json.loads(line)
                if "method" in message:
                    yield message
                elif (receive := self._receivers.pop(str(message.get("id")), None)) is not None:
                    receive(message)

    def send(self, message: dict[str, Any]) -> int:
        """Send one message and return how long its line was, in bytes."""
        line = encoded(message, default=plain)
        self.send_line(line)
        return len(line)

    def send_line(self, line: bytes) -> None:
        with self._lock:
            view = memoryview(line)
            try:
                while view:
                    view = view[os.write(self._out, view) :]
            except BrokenPipeError:  # the host is gone, and with it the reason to live
                os._exit(0)

    def request(self, method: str, params: dict[str, Any], receive: Callable[[dict[str, Any]], None]) -> None:
        """Send the host a request; *receive* gets the whole response, in the thread that reads."""
        self._last_id += 1
        request_id = f"w{self._last_id}"
        self._receivers[request_id] = receive
        self.send({"id": request_id, "method": method, "params": params})


def encoded(message: dict[str, Any], default: Callable[[Any], Any] | None = None) -> bytes:
    """Return the line of a message. Raises what json.dumps raises.

    Half a character, as in a file's name of another encoding, is written out (``\\udce9``): no reader of JSON takes it.
    """
    line = json.dumps({"jsonrpc": "2.0", **message}, default=default, separators=(",", ":"), ensure_ascii=False) + "\n"
    try:
        return line.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub(lambda found: f"\\\\u{ord(found[0]):04x}", line).encode()


def flush() -> None:
    """Write out what the plugin printed, so that its last lines are not lost."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
