"""Statements in SQL for what a message asks of tables that are known: to count, read, insert, change and delete rows.

Nothing is written of a table, a column or a value that nobody has named or shown, and nothing where it is unsure what
is meant: the agent then asks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.context.known_tables import Table, Tables
from dynamic_plugins.embedded.context.new_tables import likely_type, new_table
from dynamic_plugins.embedded.context.table_names import NAME, columns_called, is_name, table_called
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_changes import changed
from dynamic_plugins.embedded.slots.sql_conditions import (
    NUMBER,
    QUOTED,
    Columns,
    Condition,
    literal,
    sentences,
    without,
)
from dynamic_plugins.embedded.slots.sql_corrections import corrected_row
from dynamic_plugins.embedded.slots.sql_inserts import insert
from dynamic_plugins.embedded.values.number_values import number_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.parameters import Parameter


LATELY = 4
"""So many turns ago rows were shown at most for a message to lean on them."""


class Written(NamedTuple):
    """A statement, and the parts of the message that it stands for."""

    code: str
    spans: list[Span]


def statement(message: Message, tool: Offered, p: Parameter) -> Written | None:
    """Return the statement that *message* means for *p* of *tool*; None where none is sure.

    A tool that only reads gets a SELECT, one that changes rows gets an INSERT, UPDATE or DELETE.
    """
    takes = _takes(tool, p)
    if "creates" in takes:
        made = new_table(message.text) if not message.values.of("sql") else None
        return Written(made.code, [(0, len(message.text))]) if made else None
    if not takes or message.values.of("sql") or not message.text.strip():
        return None
    tables = message.tables
    if again := changed(message, tables):
        reads = again.split()[0].lower() == "select"
        if _says("again", message.text) or _says("of_these", message.text):
            return Written(again, [(0, len(message.text))]) if ("reads" if reads else "changes") in takes else None
    found = _Writer(message, tables).read() if "reads" in takes else None
    found = found or (_Writer(message, tables).change() if "changes" in takes else None)
    if found is None and again and ("reads" if reads else "changes") in takes:
        return Written(again, [(0, len(message.text))])
    if found is None and "changes" in takes and (right := corrected_row(message, tables)):
        return Written(right, [(0, len(message.text))])
    return found


def _takes(tool: Offered, p: Parameter) -> frozenset[str]:
    """Return whether *tool* takes statements that read, that change rows, both, or those that create tables."""
    words = {stem(w) for w in (*tokens(tool.name.rpartition("__")[2]), *tokens(tool.description[:200]), *p.about)}
    changes = bool(words & {stem(w) for w in ("insert", "update", "delete", "write", "modify")})
    reads = bool(words & {stem(w) for w in ("select", "read")})
    creates = stem("create") in words
    if (creates or "alter" in words) and not changes and not reads:
        return frozenset(["creates"] if creates else [])
    if tool.annotations.get("readOnlyHint") is True or (reads and not changes):
        return frozenset(["reads"])
    return frozenset(["changes"]) if changes and not reads else frozenset(["reads", "changes"])


def _says(name: str, text: str) -> re.Match[str] | None:
    return re.search(rf"(?<!\w){phrases('sql', name)}(?!\w)", text, re.I)


class _Writer:
    def __init__(self, message: Message, tables: Tables) -> None:
        self.message, self.text, self.tables = message, message.text, tables
        self.named, self.used = self._table()
        table = self.named or tables.current
        if self.named and (listed := columns_called(self.text)):
            # What this message lists must not be learned by the conversation before it.
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
        if dotted and any(_says(name, text) for name, _ in _FUNCTIONS):
            return Table(dotted[1], {dotted[2]: ""}), [dotted.span(1)]
        if called and not any(table.name.casefold() == called.casefold() for table, _ in found):
            at = text.find(called)
            return Table(called), [(at, at + len(called))]
        if called and len(found) > 1:
            found = [(table, m) for table, m in found if table.name.casefold() == called.casefold()]
        if found and len({table.name for table, _ in found}) == 1:
            return found[0][0], [m.span() for _, m in found]
        return None, []

    # --- reading

    def read(self) -> Written | None:
        """Return the SELECT that is meant."""
        if not self.table.name or self._several_named() or _says("delete", self.text):
            return None
        if _says("columns", self.text) and not columns_called(self.text):
            return None
        conditions = self.columns.conditions()
        if self.tables.turn <= LATELY:
            taken = [*self.used, *(c.span for c in conditions)]
            conditions = sorted([*conditions, *self.columns.shown(taken)], key=lambda c: c.span)
        if _says("negated", without(self.text, [c.span for c in conditions])):
            return None
        for write in (self._amount, self._count, self._aggregate, self._total, self._select):
            if (found := write(conditions)) is not None:
                code, spans = found
                spans = [*self.used, *(c.span for c in conditions), *spans]
                known = self.named is not None or self.message.points or conditions or write in (self._amount, self._aggregate, self._total)
                if known and not self.columns.numbers_left(spans) and not self.columns.unexplained(spans):
                    return Written(code, spans)
                return None
        return None

    def _several_named(self) -> bool:
        said = {n for n in self.tables.names if re.search(rf"(?<![\w'.]){re.escape(n)}(?!\w)", self.text, re.I)}
        return self.named is None and len(said) > 1

    def _count(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        found = _says("how_many", self.text)
        if found is None or any(c.span[0] <= found.start() < c.span[1] for c in conditions):
            return None
        return _code("SELECT COUNT(*) FROM", self.table.name, _where(conditions)), [found.span()]

    def _aggregate(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        free = self._free(conditions)
        if len(free) != 1 or _ranked(self.text):
            return None
        name, start, end = free[0]
        counted = not self.table.texts(name)
        for kind, function in _FUNCTIONS:
            fits = counted or function in ("MIN", "MAX")
            if fits and (found := _says(kind, self.text)) and not start <= found.start() < end:
                code = _code("SELECT", f"{function}({name})", "FROM", self.table.name, _where(conditions))
                return code, [found.span(), (start, end)]
        return None

    def _amount(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        """ "How many nights": the sum of a column that holds so many of them."""
        free = self._free(conditions)
        if len(free) != 1 or not self._sums(free[0][0]):
            return None
        name, start, end = free[0]
        many = re.search(rf"(?<!\w)(?:{phrases('sql', 'how_many')}|{phrases('sql', 'how_much')})\s+(?:(?:de|di)\s+)?\Z",
                         self.text[:start], re.I)  # fmt: skip
        if many is None:
            return None
        told = [m.span()] if (m := _says("sum", self.text)) else []
        return _code("SELECT", f"SUM({name})", "FROM", self.table.name, _where(conditions)), [(many.start(), end), *told]

    def _total(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        """ "What is the total": the sum of the only column that has one."""
        sums = [column for column in self.table.columns if self._sums(column)]
        found = _says("sum", self.text)
        if found is None or len(sums) != 1 or _says("how_many", self.text) or _ranked(self.text):
            return None
        spans = [(start, end) for _, start, end in self._free(conditions)]
        return _code("SELECT", f"SUM({sums[0]})", "FROM", self.table.name, _where(conditions)), [found.span(), *spans]

    def _sums(self, column: str) -> bool:
        """Whether it makes sense to add up what *column* holds."""
        table = self.table
        known = bool(table.columns.get(column)) or any(row.get(column) is not None for row in table.rows)
        counts = table.counts(column) if known else likely_type(column) != "TEXT"
        other = column in table.flags or column in table.days or _NO_SUM.search(column)
        return counts and not other

    def _free(self, conditions: Sequence[Condition]) -> list[tuple[str, int, int]]:
        """Return the columns that the message names beside its conditions."""
        spans = [*(c.span for c in conditions), *self.used]
        return [each for each in self.columns.mentions if not any(s <= each[1] < e for s, e in spans)]

    def _select(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        free, ranked = self._free(conditions), _ranked(self.text)
        spans: list[Span] = []
        order = limit = ""
        by = re.compile(rf"\b{phrases('sql', 'by')}\s+(?:the\s+|der\s+|la\s+|el\s+)?\Z", re.I)
        sorting = [each for each in free if by.search(self.text[: each[1]])]
        if sorting and (ranked or _says("sorted", self.text)):
            name, start, end = sorting[0]
            down = ranked.down if ranked else bool(_says("descending", self.text))
            order = f"ORDER BY {name}{' DESC' if down else ' ASC' if ranked else ''}"
            limit = f"LIMIT {ranked.most}" if ranked else ""
            told = [m.span() for kind in ("sorted", "descending") if (m := _says(kind, self.text))]
            spans += [(start, end), *([ranked.span] if ranked else []), *told]
            free = [each for each in free if each not in sorting]
        elif ranked or sorting:
            return None
        every = _says("everything", self.text) or _says("rows", self.text)
        if not (every or order or (free and _says("show", self.text))):
            return None
        listed = ", ".join(name for name, _, _ in free) if free else "*"
        spans += [(start, end) for _, start, end in free]
        if not conditions and not order and self.named is None:
            return None
        return _code("SELECT", listed, "FROM", self.table.name, _where(conditions), order, limit), spans

    # --- changing

    def change(self) -> Written | None:
        """Return the INSERT, UPDATE or DELETE that is meant."""
        if not self.table.name or self._several_named():
            return None
        quoted = [(v.start, v.end) for v in self.message.values.of("quoted")]
        return self._delete() if _says("delete", without(self.text, quoted)) else self._insert() or self._update()

    def _insert(self) -> Written | None:
        found = insert(self.message, self.table, self.used, named=self.named is not None)
        return Written(found.code, [*self.used, found.span]) if found and (self.named or self._lately()) else None

    def _lately(self) -> bool:
        """Whether the table that is spoken of was told of not long ago."""
        return self.tables.told <= LATELY

    def _update(self) -> Written | None:
        if not (_says("update", self.text) or _says("mark", self.text)):
            return None
        if (told := self._assigned()) is None:
            return None
        column, value, span = told
        where = re.search(r"\b(?:where|wo|donde|dove|onde|où|gdzie)\b", self.text, re.I)
        if where and where.start() > span[0]:
            conditions = self.columns.conditions(where.start())
            spans = [c.span for c in conditions]
        elif picked := self._row([span]):
            conditions, spans = [picked[0]], picked[1]
        else:
            return None
        conditions = [c for c in conditions if c.column != column]
        if not conditions or self._doubtful([*self.used, span, *spans], span):
            return None
        code = _code("UPDATE", self.table.name, "SET", f"{column} = {value}", _where(conditions))
        return Written(code, [*self.used, span, *spans])

    def _row(self, taken: Sequence[Span]) -> tuple[Condition, list[Span]] | None:
        """Return the row that is meant; by what the rows hold only while they were shown lately."""
        return self.columns.row(taken, lately=self.tables.turn <= LATELY)

    def _doubtful(self, used: Sequence[Span], span: Span) -> bool:
        """Whether the sentence with the new value holds another number, which is not the old one."""
        old = [m.span() for m in re.finditer(rf"\b{phrases('sql', 'old')}\s+(?:{NUMBER}|{QUOTED})", self.text, re.I)]
        within = next(each for each in sentences(self.text) if each[0] <= span[1] - 1 < each[1])
        return self.columns.numbers_left([*used, *old], within)

    def _assigned(self) -> tuple[str, str, Span] | None:
        """Return the column that is to hold another value, that value, and where the message says so."""
        becomes = re.compile(rf"(?:\s+(?:count|value))?\s*{phrases('sql', 'becomes')}(?!\w)\s*", re.I)
        of_it = re.compile(
            r"\s+(?:of|for|in|von|bei|de|del|da|di)\s+[^,.;:!?]{1,40}?\s+(?:to|auf|à|su|para|na)\s+", re.I
        )
        key = self.table.key
        own = [each for each in self.columns.mentions if each[0] != key and each[0].casefold() != "id"]
        where = re.search(r"\b(?:where|wo|donde|dove|onde|où|gdzie)\b", self.text, re.I)
        own = [each for each in own if where is None or each[1] < where.start()]
        for column, start, end in own:
            if (to := becomes.match(self.text, end)) and (read := self._new_value(column, to.end())):
                return column, read[0], (start, read[1])
            if (to := of_it.match(self.text, end)) and (read := self._new_value(column, to.end())):
                return column, read[0], (to.end(), read[1])
            there = re.search(rf"({NUMBER}|{QUOTED})\s+(?:in|for|en|dans|bei|em|w)\s+(?:the\s+)?\Z", self.text[:start])
            if there and (read := self.columns.value(column, there.start())):
                return column, read.value, (there.start(), end)
        if len(own) == 1 and re.match(rf"\s+(?:{NUMBER}|{QUOTED})", self.text[own[0][2] :]):
            column, start, end = own[0]
            return (column, read.value, (start, read.end)) if (read := self.columns.value(column, end)) else None
        rows = [self.text[slice(*span)] for _, span in self.columns.by_values([])]
        it = re.compile(phrases("sql", "it"), re.I)
        if len(own) == 1 and own[0][0] in self.table.flags and _says("mark", self.text) and not _says("no", self.text):
            return own[0][0], "1", own[0][1:]
        said = [m for m in _it_becomes().finditer(self.text) if it.fullmatch(m["subject"]) or m["subject"] in rows]
        if len(said) != 1 or self.tables.turn > LATELY:
            return None
        at = said[0].start("value")
        only = self._only_column(said[0]["value"], own)
        new = self.columns.value(only, at) if only else None
        return (only, new.value, (at, new.end)) if only and new else None

    def _new_value(self, column: str, at: int) -> tuple[str, int] | None:
        if read := self.columns.value(column, at):
            return read
        rest = re.compile(r"[^\W\d_][^,.;!?\n]*?(?=\s+(?:where|for|in row|for row|on row)\b|\s*(?:[,.;!?\n]|\Z))", re.I)
        found = rest.match(self.text, at)
        sure = found is not None and is_name(found.group().split()[0]) and len(found.group().split()) < 7
        return (
            (literal(found.group(), text=True), found.end())
            if found and sure and not self.table.counts(column)
            else None
        )

    def _only_column(self, value: str, named: Sequence[tuple[str, int, int]]) -> str | None:
        """Return the column that a value without one is for: the one named, or the only one of its sort shown."""
        if named:
            return named[0][0] if len({name for name, _, _ in named}) == 1 else None
        table, key = self.table, self.table.key
        shown = [c for c in (table.rows[0] if table.rows else {}) if c != key and not re.search(r"(?:^|_)id$", c, re.I)]
        fits = table.counts if re.fullmatch(NUMBER, value) else table.texts
        alike = [column for column in shown if fits(column)]
        return alike[0] if len(alike) == 1 else None

    def _delete(self) -> Written | None:
        verb = phrases("sql", "delete")
        unsure = (
            rf"(?<!\w){phrases('sql', 'except')}(?!\w)|\b(?:{phrases('sql', 'no')}|don'?t|never)\s+(?:\w+\s+)?{verb}"
        )
        if re.search(unsure, self.text, re.I):
            return None
        conditions = self.columns.conditions()
        spans = [c.span for c in conditions]
        if not conditions:
            if (picked := self._row([])) is None:
                return None
            conditions, spans = [picked[0]], picked[1]
        if self.columns.numbers_left([*self.used, *spans]) and not all(c.span == (0, 0) for c in conditions):
            return None
        return Written(_code("DELETE FROM", self.table.name, _where(conditions)), [*self.used, *spans])


def _code(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _where(conditions: Sequence[Condition]) -> str:
    return f"WHERE {' AND '.join(c.code for c in conditions)}" if conditions else ""


_NO_SUM = re.compile(r"(?:^|_)(?:id|no|nr|age|year|jahr|alter|edad|año|âge|année|number|code|key)(?:_|$)", re.I)
_FUNCTIONS = (("average", "AVG"), ("sum", "SUM"), ("minimum", "MIN"), ("maximum", "MAX"))


class _Ranked(NamedTuple):
    most: int
    down: bool
    span: Span


def _ranked(text: str) -> _Ranked | None:
    """Return "top 3", "the five biggest", "3 lowest": how many, and from which end."""
    for name, down in (("most", True), ("fewest", False)):
        counted = r"(?P<n>\d+|[^\W\d_]+)"
        for pattern in (rf"\b{counted}\s+{phrases('sql', name)}\b", rf"\b{phrases('sql', name)}\s+{counted}\b"):
            for m in re.finditer(pattern, text, re.I):
                count = int(m["n"]) if m["n"].isdigit() else number_words().get(m["n"].lower(), 0)
                if count > 1 or m["n"] == "1":
                    return _Ranked(count, down, m.span())
    return None


@cache
def _it_becomes() -> re.Pattern[str]:
    """ "Set it to 6", "it is 22": what is spoken of, and the value that it is to have."""
    return re.compile(
        rf"\b(?P<subject>[^\W\d_][\w-]*)\s+{phrases('sql', 'becomes')}(?!\w)\s*(?:now\s+)?(?P<value>{NUMBER}|{QUOTED})",
        re.I,
    )
