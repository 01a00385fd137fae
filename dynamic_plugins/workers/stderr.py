"""The error in a dead process's last words."""

from __future__ import annotations

import re

_RAISED = re.compile(
    r"^\s*(?:\[[^\]]*\]\s*)?(?:[\w.]+:\s)?"  # a log's mark
    r"([A-Z]\w*(?:\.\w+)*(?:Error|Exception|Exit|Interrupt|Group|Warning)|[\w.]+\.\w+Error|Error(?=: ))(?:\b.*)$"
)
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_NODE_FRAME = re.compile(r"^\s+at .*[:)]\d*\)?$")
_COMPLAINT = re.compile(r"^\W*(?:[\w.-]+: )?(?:error|fatal|panic)\b\W*\w", re.IGNORECASE)
_MOST = 600


def error_in(words: str) -> str:
    """Return the last error that *words* (standard error of a process) tell of, with its place, or their last lines.

    Empty when there are no words.
    """
    lines = [line.rstrip() for line in words.splitlines() if line.strip() and not _NODE_FRAME.match(line)]
    frame = ""
    error = ""
    place = ""
    for line in lines:
        if match := _FRAME.match(line):
            frame = f"{match['file'].rsplit('/', 1)[-1]}, line {match['line']}"
        elif _RAISED.match(line):
            error, place, frame = line.strip(), frame, ""
    if error:
        return (error[:_MOST] + (f" ({place})" if place else "")).strip()
    # A program that is started the wrong way says so first, and then pages of how to start it.
    first = next((number for number, line in enumerate(lines) if _COMPLAINT.match(line)), len(lines) - 3)
    return " / ".join(line.strip() for line in lines[max(first, 0) :][:3])[:_MOST]
