"""What a command prints: one JSON document for programs, sentences and tables for people."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from dynamic_plugins.errors import PluginError

DONE, FAILED, USAGE, NEEDS_CONFIGURATION, DECLINED = 0, 1, 2, 3, 4

_EXIT_CODES = {
    "needs_configuration": NEEDS_CONFIGURATION,
    "declined": DECLINED,
    "needs_confirmation": DECLINED,
}


class Output:
    """Prints results to standard output, and everything else to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def console(self) -> Console:
        """A console on standard output for tables; colours only on a terminal, and never with NO_COLOR."""
        from rich.console import Console

        return Console(highlight=False, soft_wrap=True)

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        print(json.dumps(value, ensure_ascii=False, indent=None if self._compact else 2))

    @property
    def _compact(self) -> bool:
        return not sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Print a sentence for a person; nothing where a program reads."""
        if not self.as_json:
            print(text)

    def aside(self, text: str) -> None:
        """Print a sentence that is not a result, to standard error."""
        print(text, file=sys.stderr)

    def failure(self, error: PluginError, **more: Any) -> int:
        """Print *error* and return its exit code."""
        if self.as_json:
            self.document({"ok": False, "error": error.to_dict(), **more})
        else:
            self.aside(f"{error.code}: {error}")
        return exit_code(error.code)


def exit_code(code: str) -> int:
    """Return the exit code for an error's code."""
    return _EXIT_CODES.get(code, FAILED)
