"""What a typed value is: its kind, what it is, and where it stands in a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "url", "email", "path", "file", "glob", "repo", "hash", "id", "date", "time", "number", "place", "currency",
    "quoted", "sql", "expression", "issue", "rest",
]  # fmt: skip


@dataclass(frozen=True)
class Value:
    """What stands from *start* to *end* of a message. *unit* is the word behind a number, in lower case."""

    kind: Kind
    value: str | float | int
    start: int
    end: int
    unit: str = ""
    before: str = ""
    """The word in front of a number, in lower case."""


@dataclass(frozen=True)
class Values:
    """All that was found in *text*, in the order in which it stands there."""

    text: str
    found: tuple[Value, ...] = field(default=())

    def of(self, *kinds: Kind) -> list[Value]:
        """Return the values of *kinds*."""
        return [value for value in self.found if value.kind in kinds]
