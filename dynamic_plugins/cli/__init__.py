"""The command line: the only part that prints. Each command imports what it needs, and nothing that it does not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``exit_codes.py`` has them all."""
    try:
        try:
            return _main(sys.argv[1:] if argv is None else list(argv))
        finally:
            sys.stdout.flush()  # else it fails where nobody can catch it: when Python ends
    except BrokenPipeError:
        from dynamic_plugins.cli.exit_codes import PIPE_CLOSED

        # Who read it went away, and there is nobody left to tell. What is still to be printed goes nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:  # so early that nothing was begun
        from dynamic_plugins.cli.exit_codes import INTERRUPTED

        return INTERRUPTED


def _main(words: list[str]) -> int:
    if words[:1] == ["_complete"]:
        from dynamic_plugins.cli import completion_names

        return completion_names.main(words[1:])
    from dynamic_plugins.cli.parser import parse
    from dynamic_plugins.cli.runner import run

    return run(parse(words))
