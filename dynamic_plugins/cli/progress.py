"""What is under way, at the foot of the terminal: a bar for each install, a line for whatever else takes time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.events import Event

_BAR = 24
_OVER = frozenset(
    {"installed", "updated", "rolled_back", "uninstalled", "activated", "deactivated", "unloaded", "failed"}
)


@dataclass
class _Row:
    """One thing under way; *fraction* is None where it is not known how much of it is done."""

    name: str
    note: str = ""
    fraction: float | None = None


class Bars:
    """On the screen only while something is under way, and hidden while anything else is written.

    A dumb terminal cannot move about, so there each new stage is a line.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._rows: dict[str, _Row] = {}
        self._busy = ""
        self._hidden = 0
        self._drawn: Any = None
        self._tasks: dict[str, Any] = {}

    def listen(self, event: Event) -> None:
        """Show an event: of an install, of a plugin's own work, or of the end of either."""
        if event.stage in _OVER or (event.fraction is not None and event.fraction >= 1.0):
            self._rows.pop(event.plugin, None)
        elif event.fraction is not None or event.stage == "progress":
            row = _Row(one_line(event.plugin), _note(event), event.fraction)
            before = self._rows.get(event.plugin)
            self._rows[event.plugin] = row
            if self._out.dumb and (before is None or before.note != row.note):
                self._out.aside(f"  {row.name}: {row.note}")
        self._draw()

    def busy(self, what: str) -> None:
        """Say *what* is being done, wherever nothing more exact is known; empty for nothing."""
        self._busy = what
        self._draw()

    def clear(self) -> None:
        """Nothing is under way any more."""
        self._rows.clear()
        self._busy = ""
        self._draw()

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Be off the screen while something else is written or asked there."""
        self._hidden += 1
        self._erase()
        try:
            yield
        finally:
            self._hidden -= 1
            self._draw()

    def _shown(self) -> dict[str, _Row]:
        if self._hidden or self._out.dumb:
            return {}
        return self._rows or ({"": _Row(self._busy)} if self._busy else {})

    def _draw(self) -> None:
        rows = self._shown()
        if not rows or (self._tasks.keys() - rows.keys()):
            self._erase()
        if not rows:
            return
        if self._drawn is None:
            # A new one each time: an erased one would go up over lines that are no longer its own.
            self._drawn = _progress(self._out.width)
            self._drawn.start()
        for key, row in rows.items():
            if key not in self._tasks:
                self._tasks[key] = self._drawn.add_task(row.name, total=None, note="")
            done = {"completed": row.fraction} if row.fraction is not None else {}
            total = None if row.fraction is None else 1.0
            self._drawn.update(self._tasks[key], description=row.name, total=total, note=row.note, **done)

    def _erase(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn, self._tasks = None, {}


def _note(event: Event) -> str:
    if not event.message and event.stage == "progress":
        return f"{event.fraction:.0%}" if event.fraction is not None else "at work"
    return one_line(event.message or event.stage)


def _progress(width: int) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class KnownBar(BarColumn):
        """A bar only where it is known how much is done."""

        def render(self, task: Task) -> Any:
            return Text("") if task.total is None else super().render(task)

    def text(template: str, style: str) -> TextColumn:
        column = Column(no_wrap=True, overflow="ellipsis")
        return TextColumn(template, style=style, markup=False, table_column=column)

    bar = KnownBar(bar_width=max(6, min(_BAR, width // 4)))
    columns = (SpinnerColumn(style="cyan"), text("{task.description}", "bold"), bar, text("{task.fields[note]}", "dim"))
    # The streams stay as they are: whatever else is written hides the bars first.
    console = Console(stderr=True, highlight=False)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
