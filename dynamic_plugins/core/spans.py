"""What an operation tells of itself while it lasts, and what takes it; see ``telemetry.py`` for the operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Context
    from types import TracebackType

Value = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Value]
Kind = Literal["internal", "client", "server"]

AGENT = "dynamic-plugins"
"""What this program is called in a trace."""


@dataclass(frozen=True)
class ModelAnswer:
    """What is known of a model's answer beside its words. *tokens* are those read and those written."""

    model: str | None = None
    id: str | None = None
    reasons: Sequence[str] = ()
    tokens: tuple[int, int] | None = None


class Span:
    """One operation while it lasts. This one, for a process without an exporter, does nothing."""

    recording: ClassVar[bool] = False
    """Whether it is worth while to work out what it is told."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def set(self, name: str, value: Value | None) -> None:
        """Give it an attribute; None gives none."""

    def fail(self, error_type: str) -> None:
        """Say that it failed, and of what kind that was. What is said first stays."""

    def answered(self, answer: ModelAnswer) -> None:
        """Say what a request to a model came to."""

    def first_piece(self) -> None:
        """Say that the first piece of a streamed answer has come."""


class Exporter(Protocol):
    """Where spans and metrics go."""

    def begin(self, name: str, kind: Kind, attributes: Attributes, metric: str) -> Span:
        """Return a span, not begun; its duration is also recorded as *metric*, where that is not empty."""
        ...

    def detached_context(self) -> Context:
        """Return the context of the caller without its span."""
        ...

    def close(self) -> None:
        """Send what has not been sent, and end. Blocks, but not for long."""
        ...
