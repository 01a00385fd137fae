"""The table that a message asks something of: as it names it, or as the conversation spoke of it last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.context.known_tables import Table
from dynamic_plugins.embedded.context.table_names import NAME, columns_called, table_called
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_conditions import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.known_tables import Tables
    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.slots.sql_conditions import Condition

LATELY = 4
"""So many turns ago rows were shown at most for a message to lean on them."""
FUNCTIONS = (("average", "AVG"), ("sum", "SUM"), ("minimum", "MIN"), ("maximum", "MAX"))
"""What makes one figure of a column, by its turns of phrase."""


class Written(NamedTuple):
    """A statement, and the parts of the message that it stands for."""

    code: str
    spans: list[Span]


def says(name: str, text: str) -> re.Match[str] | None:
    """Return where *text* has one of the turns of phrase *name*."""
    return re.search(rf"(?<!\w){phrases('sql', name)}(?!\w)", text, re.I)


def code_of(*parts: str) -> str:
    """Return the statement of *parts*, without those that are empty."""
    return " ".join(part for part in parts if part)


def where_of(conditions: Sequence[Condition]) -> str:
    """Return the condition of a statement; nothing without *conditions*."""
    return f"WHERE {' AND '.join(c.code for c in conditions)}" if conditions else ""


class Subject:
    """The table that *message* speaks of, where it names it, and its columns."""

    def __init__(self, message: Message, tables: Tables) -> None:
        self.message, self.text, self.tables = message, message.text, tables
        self.named, self.used = self._table()
        table = self.named or tables.current
        if self.named and (listed := columns_called(self.text)):
            # What this message lists must not be learned by the conversation before it.
            if at := re.search(r"\W+(?:\w+\W+)?".join(map(re.escape, listed)), self.text, re.I):
                self.used = [*self.used, at.span()]
            table = Table(self.named.name, {**self.named.columns, **dict.fromkeys(listed, "")}, tuple(listed))
        self.table = table or Table("")
        self.columns = Columns(message, self.table)

    def _table(self) -> tuple[Table | None, list[Span]]:
        """Return the table that the message names, and where; the one behind a small word where it names several."""
        text = self.text
        found = [
            (table, m)
            for name in self.tables.names
            for m in re.finditer(rf"(?<![\w']){re.escape(name)}(?!\w|[./]\w)", text, re.I)
            if (table := self.tables.named(name))
        ]
        called = table_called(text)
        dotted = re.search(rf"(?<![\w.])({NAME})\.({NAME})(?![\w.])", text)
        if dotted and any(says(name, text) for name, _ in FUNCTIONS):
            return Table(dotted[1], {dotted[2]: ""}), [dotted.span(1)]
        if called and not any(table.name.casefold() == called.casefold() for table, _ in found):
            at = text.find(called)
            return Table(called), [(at, at + len(called))]
        if called and len(found) > 1:
            found = [(table, m) for table, m in found if table.name.casefold() == called.casefold()]
        if found and len({table.name for table, _ in found}) == 1:
            return found[0][0], [m.span() for _, m in found]
        return None, []

    def several_named(self) -> bool:
        """Whether the message names several tables, and says of none that it is the one."""
        said = {n for n in self.tables.names if re.search(rf"(?<![\w'.]){re.escape(n)}(?!\w)", self.text, re.I)}
        return self.named is None and len(said) > 1
