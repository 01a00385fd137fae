"""How a command ends, for scripts: what each code says, and which errors end with it.

This is the one place; ``docs/terminal.md`` has the same as a table, and a test holds the two together.
"""

from __future__ import annotations

DONE = 0
"""What was asked for is done."""
FAILED = 1
"""It could not be done: a plugin or its action failed, or something that is needed is not there."""
USAGE = 2
"""The command was not typed as it has to be; nothing was begun."""
NEEDS_CONFIGURATION = 3
"""A person has to give something first: a value, or a sign-in."""
DECLINED = 4
"""A person has to agree: they said no, or nobody could be asked."""
INTERRUPTED = 130
"""It was interrupted, as by Ctrl-C: 128 and the number of the signal, as shells have it."""
PIPE_CLOSED = 141
"""Who read the output went away before its end, as ``head`` does: 128 and the number of SIGPIPE."""

_OF_ERRORS = {
    "needs_configuration": NEEDS_CONFIGURATION,
    "declined": DECLINED,
    "needs_confirmation": DECLINED,
    "wrong_usage": USAGE,
}


def exit_code(code: str) -> int:
    """Return the exit code for an error's code: 1 where it is not one of the others."""
    return _OF_ERRORS.get(code, FAILED)
