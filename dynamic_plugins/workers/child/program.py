"""Runs one program that a model wrote: ``program.py``, the whole of its process, with the standard library only.

It speaks with the host over descriptors 3 and 4, in lines of JSON. The first line that comes is ``{"code",
"functions", "output"}``. It tells ``{"print"}``, ``{"call", "tool", "arguments"}``, ``{"search", "query"}``, and at
last ``{"end"}`` or ``{"failed"}``; a call or search is answered by ``{"id"}`` with a ``result`` or an ``error``.
Nothing here keeps a program from writing to these descriptors itself: the host believes none of it.
"""

import io
import json
import os
import sys
from typing import Any

NAME = "<program>"
LONGEST_ARGUMENTS = 256 * 1024
_SPARE = 1024 * 1024


class ActionError(Exception):
    """What an action, or the call of one, failed with; ``code`` says what kind of error it is.

    It is no PluginError: a program has nothing of the package.
    """

    def __init__(self, message: str, code: str = "action_failed") -> None:
        super().__init__(message)
        self.code = code


class Host:
    """The host, as a program sees it."""

    def __init__(self) -> None:
        self._said = os.fdopen(3, "rb")
        self._told = os.fdopen(4, "wb", buffering=0)
        self._asked = 0

    def order(self) -> dict[str, Any]:
        """Return what is to be run."""
        order: dict[str, Any] = json.loads(self._said.readline())
        return order

    def tell(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self._told.write(json.dumps(message).encode() + b"\n")

    def ask(self, kind: str, **rest: Any) -> Any:
        """Send one message and return the answer. Raises ActionError."""
        self._asked += 1
        line = json.dumps({kind: self._asked, **rest}, allow_nan=False).encode()
        if len(line) > LONGEST_ARGUMENTS:
            raise ValueError(f"the arguments are {len(line)} bytes of JSON; at most {LONGEST_ARGUMENTS} are taken")
        self._told.write(line + b"\n")
        answer = json.loads(self._said.readline())
        if (error := answer.get("error")) is not None:
            raise ActionError(error["message"], error["code"])
        return answer["result"]


class Output(io.TextIOBase):
    """What a program prints: handed on up to *most* characters, the rest counted."""

    def __init__(self, host: Host, most: int) -> None:
        self._host, self._left, self.left_out = host, most, 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        shown = text[: self._left]
        if shown:
            self._left -= len(shown)
            self._host.tell({"print": shown})
        self.left_out += len(text) - len(shown)
        return len(text)


def _function(host: Host, name: str, tool: str, parameters: list[list[Any]], about: str) -> Any:
    """Return the function *name*; *parameters* are each its own name, the tool's, and whether None leaves it out."""
    known = {own: (told, droppable) for own, told, droppable in parameters}

    def function(*values: Any, **named: Any) -> Any:
        if len(values) > len(parameters):
            raise TypeError(f"{name}() takes at most {len(parameters)} arguments: {', '.join(known)}")
        for own, value in zip(known, values, strict=False):
            if own in named:
                raise TypeError(f"{name}() got two values for {own}")
            named[own] = value
        arguments = {}
        for own, value in named.items():
            told, droppable = known.get(own, (own, False))
            if not (value is None and droppable):
                arguments[told] = value
        return host.ask("call", tool=tool, arguments=arguments)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = about
    return function


def _place(error: BaseException) -> str:
    """Return the program's own lines on the way to *error*, outermost first."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == NAME:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    shown = lines if len(lines) <= 6 else [*lines[:3], *lines[-3:]]
    return ", called in line ".join(map(str, reversed(shown)))


def _text(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception:  # a class of the program's own
        return type(error).__name__


def _described(error: BaseException, code: str) -> str:
    """Return *error* with the line where it came up and what stands there."""
    if isinstance(error, SyntaxError) and error.filename == NAME:
        place, text = str(error.lineno), f"{type(error).__name__}: {error.msg}"
    else:
        place, text = _place(error), _text(error)
    lines = code.splitlines()
    number = int(place.partition(",")[0]) if place else 0
    source = f"    {lines[number - 1].strip()[:200]}\n" if 0 < number <= len(lines) else ""
    return (f"line {place}:\n" if place else "") + source + text


def _run(host: Host, order: dict[str, Any]) -> dict[str, Any]:
    """Run the program and return how it ended."""
    code = order["code"]
    output = sys.stdout = sys.stderr = Output(host, order["output"])
    scope: dict[str, Any] = {"__name__": "__main__", "ActionError": ActionError}
    scope["search_actions"] = lambda query: host.ask("search", query=str(query))
    for each in order["functions"]:
        scope[each["name"]] = _function(host, *(each[key] for key in ("name", "tool", "parameters", "about")))
    spare = bytearray(_SPARE)  # to tell of an error when there is no more memory
    try:
        exec(compile(code, NAME, "exec"), scope)  # noqa: S102 - it is what this process is for
    except SystemExit as left:
        if isinstance(left.code, str):
            output.write(f"{left.code}\n")
    except BaseException as error:  # whatever it is, the model is told of it
        del spare
        scope.clear()
        return {"failed": _described(error, code)[:4000], "left_out": output.left_out}
    return {"end": True, "left_out": output.left_out}


def _main() -> None:
    host = Host()
    host.tell(_run(host, host.order()))
    os._exit(0)  # nothing that a program registered or left behind runs after its end


if __name__ == "__main__":
    _main()
