"""The command line: the only part that prints. Each command imports what it needs, and nothing that it does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 3 needs configuration, 4 declined."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["_complete"]:
        from dynamic_plugins.cli import completion_names

        return completion_names.main(words[1:])
    from dynamic_plugins.cli.parser import parse
    from dynamic_plugins.cli.runner import run

    return run(parse(words))
