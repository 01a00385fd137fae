"""What a command prints: one JSON document for programs, sentences and tables for people."""

from __future__ import annotations

import sys
from functools import cache, cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli.exit_codes import USAGE, exit_code
from dynamic_plugins.errors import UsageError
from dynamic_plugins.text.printable import json_text, printable

if TYPE_CHECKING:
    from rich.console import Console

    from dynamic_plugins.errors import PluginError

NO_TERMINAL = (
    "This command needs the extra cli: pip install 'agent-dynamic-plugins[cli]' "
    "(or give --json, which works without it)."
)


@cache
def has_terminal() -> bool:
    """Return whether the extra ``cli`` is installed, which draws and asks at a terminal."""
    return all(find_spec(package) is not None for package in ("prompt_toolkit", "rich"))


class Output:
    """Prints results to standard output, and everything else to standard error; see ``printable`` for what is kept out.

    *terminal* says whether standard output is one, *dumb* whether the terminal cannot move about.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty()

    @property
    def console(self) -> Console:
        """A console on standard output for tables; colours only on a terminal, and never with NO_COLOR."""
        from rich.console import Console

        return Console(highlight=False, soft_wrap=True)

    @cached_property
    def dumb(self) -> bool:
        from rich.console import Console

        return Console(stderr=True).is_dumb_terminal

    @property
    def width(self) -> int:
        """The columns of the terminal as it is now."""
        return self.console.width

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        print(json_text(value, None if not self.terminal else 2))

    def line(self, value: Any) -> None:
        """Print one JSON document on one line, at once: somebody may be waiting for it."""
        print(json_text(value), flush=True)

    def say(self, text: str) -> None:
        """Print a sentence for a person; nothing where a program reads."""
        if not self.as_json:
            print(printable(text), flush=True)

    def script(self, text: str) -> None:
        """Print what a program reads as it is."""
        print(text)

    def aside(self, text: str, style: str = "") -> None:
        """Print a sentence that is not a result, to standard error; on a terminal broken at words and in *style*."""
        if not sys.stderr.isatty() or not has_terminal():
            print(printable(text), file=sys.stderr, flush=True)
            return
        from rich.console import Console
        from rich.padding import Padding
        from rich.text import Text

        bare = printable(text).lstrip(" ")
        indent = len(text) - len(text.lstrip(" "))
        Console(stderr=True, highlight=False).print(Padding(Text(bare, style), (0, 0, 0, indent), expand=False))

    def failure(self, error: PluginError, **more: Any) -> int:
        """Print *error* and return its exit code: a person reads the text for people, a program the error object."""
        if self.as_json:
            self.document({"ok": False, "error": error.to_dict(), **more})
        else:
            self.aside(f"{error.code}: {error.for_person()}", "red")
        return exit_code(error.code)

    def wrong_usage(self, text: str) -> int:
        """Print what is wrong with the command as it was typed, and return the exit code for that."""
        if self.as_json:
            return self.failure(UsageError(text))
        self.aside(text)
        return USAGE
