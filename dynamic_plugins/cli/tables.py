"""Tables: ruled on a terminal, a list where a terminal is too narrow for one, plain columns where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.cli.output import Output

_READABLE = 20
"""A column of prose narrower than this is no longer read with ease."""
_GAP = 3


def table(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int = 0) -> None:
    """Show *rows* under *columns*; the one at *name* is there to be copied, so it is never broken over lines.

    A last column without a heading holds notes; where there is little room they stand behind what they are about.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    shown = [index for index, column in enumerate(columns) if column or any(row[index] for row in cells)]
    columns, cells = [columns[index] for index in shown], [[row[index] for index in shown] for row in cells]
    name = shown.index(name)
    if not out.terminal:
        _plain(out, [list(columns), *cells])
        return
    if not columns[-1] and len(columns) > 2 and _least_width(columns, cells, name) > out.width:
        columns = columns[:-1]
        cells = [[*row[:-2], f"{row[-2]} ({row[-1]})" if row[-1] else row[-2]] for row in cells]
    if _least_width(columns, cells, name) > out.width:
        _listed(out, columns, cells, name)
    else:
        _ruled(out, columns, cells, name)


def _plain(out: Output, rows: Sequence[Sequence[str]]) -> None:
    """A row is a line, however long, so that grep and cut can work on it."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        out.say(
            "   ".join(cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        )


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> int:
    from rich.cells import cell_len

    least = 0
    for index, heading in enumerate(columns):
        widest = max(map(cell_len, (heading, *(row[index] for row in rows))))
        least += _GAP + (widest if index == name else min(widest, _READABLE))
    return least


def _listed(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> None:
    """Each row as a paragraph: its name, and below it what else is known, each with its heading."""
    from rich.padding import Padding
    from rich.text import Text

    for row in rows:
        out.console.print(Text(row[name], "bold", overflow="fold"), soft_wrap=False)
        for index, cell in enumerate(row):
            if cell and index != name:
                heading = f"{columns[index]}: " if columns[index] else ""
                out.console.print(Padding(Text(heading, "dim").append(cell, "not dim"), (0, 0, 0, 2)), soft_wrap=False)


def _ruled(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    ruled = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        style = "bold" if index == name else ""
        ruled.add_column(Text(column), overflow="fold", no_wrap=index == name, style=style)
    for row in rows:
        # As Text: in a string, what stands in square brackets would be read as a style.
        ruled.add_row(*(Text(cell) for cell in row))
    out.console.print(ruled)
