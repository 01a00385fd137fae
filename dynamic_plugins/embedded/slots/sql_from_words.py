"""Statements in SQL for what a message asks of tables that are known: to count, read, insert, change and delete rows.

Nothing is written of a table, a column or a value that nobody has named or shown, and nothing where it is unsure what
is meant: the agent then asks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.new_tables import new_table
from dynamic_plugins.embedded.context.table_names import is_name
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_amounts import less
from dynamic_plugins.embedded.slots.sql_changes import changed, created_again
from dynamic_plugins.embedded.slots.sql_conditions import (
    NUMBER,
    QUOTED,
    Condition,
    literal,
    sentences,
    without,
)
from dynamic_plugins.embedded.slots.sql_corrections import corrected_row
from dynamic_plugins.embedded.slots.sql_inserts import insert
from dynamic_plugins.embedded.slots.sql_selects import Reading
from dynamic_plugins.embedded.slots.sql_subject import LATELY, Subject, Written, code_of, says, where_of
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.parameters import Parameter


def statement(message: Message, tool: Offered, p: Parameter) -> Written | None:
    """Return the statement that *message* means for *p* of *tool*; None where none is sure.

    A tool that only reads gets a SELECT, one that changes rows gets an INSERT, UPDATE or DELETE.
    """
    takes = _takes(tool, p)
    if "creates" in takes:
        made = new_table(message.text) if not message.values.of("sql") else None
        code = made.code if made else created_again(message, message.tables)
        return Written(code, [(0, len(message.text))]) if code else None
    if not takes or message.values.of("sql") or not message.text.strip():
        return None
    tables = message.tables
    if again := changed(message, tables):
        reads = again.split()[0].lower() == "select"
        if says("again", message.text) or says("of_these", message.text):
            return Written(again, [(0, len(message.text))]) if ("reads" if reads else "changes") in takes else None
    found = Reading(message, tables).read() if "reads" in takes else None
    found = found or (Changing(message, tables).change() if "changes" in takes else None)
    if found is None and again and ("reads" if reads else "changes") in takes:
        return Written(again, [(0, len(message.text))])
    if found is None and takes == {"reads"}:
        found = Reading(message, tables).spelled()
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


class Changing(Subject):
    """What a message wants changed in a table."""

    def change(self) -> Written | None:
        """Return the INSERT, UPDATE or DELETE that is meant."""
        if not self.table.name or self.several_named():
            return None
        quoted = [(v.start, v.end) for v in self.message.values.of("quoted")]
        if says("delete", without(self.text, quoted)):
            return self._delete()
        return less(self) or self._insert() or self._update()

    def _insert(self) -> Written | None:
        found = insert(self.message, self.table, self.used, named=self.named is not None)
        return Written(found.code, [*self.used, found.span]) if found and (self.named or self._lately()) else None

    def _lately(self) -> bool:
        """Whether the table that is spoken of was told of not long ago."""
        return self.tables.told <= LATELY

    def _update(self) -> Written | None:
        if not (says("update", self.text) or says("mark", self.text)):
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
        code = code_of("UPDATE", self.table.name, "SET", f"{column} = {value}", where_of(conditions))
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
            if made := re.compile(r"\s+([^\W\d_]+)\s+(?:yap|olsun)(?!\w)", re.I).match(self.text, end):
                return column, literal(made[1], text=True), (start, made.end(1))
            there = re.search(rf"({NUMBER}|{QUOTED})\s+(?:in|for|en|dans|bei|em|w)\s+(?:the\s+)?\Z", self.text[:start])
            if there and (read := self.columns.value(column, there.start())):
                return column, read.value, (there.start(), end)
        if len(own) == 1 and re.match(rf"\s+(?:{NUMBER}|{QUOTED})", self.text[own[0][2] :]):
            column, start, end = own[0]
            return (column, read.value, (start, read.end)) if (read := self.columns.value(column, end)) else None
        rows = [self.text[slice(*span)] for _, span in self.columns.by_values([])]
        it = re.compile(phrases("sql", "it"), re.I)
        if len(own) == 1 and own[0][0] in self.table.flags and not says("no", self.text):
            to = re.search(rf"(?<!\w){phrases('sql', 'becomes')}\s+\Z", self.text[: own[0][1]], re.I)
            if to or says("mark", self.text):
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
        return Written(code_of("DELETE FROM", self.table.name, where_of(conditions)), [*self.used, *spans])


@cache
def _it_becomes() -> re.Pattern[str]:
    """ "Set it to 6", "it is 22": what is spoken of, and the value that it is to have."""
    return re.compile(
        rf"\b(?P<subject>[^\W\d_][\w-]*)\s+{phrases('sql', 'becomes')}(?!\w)\s*(?:now\s+)?(?P<value>{NUMBER}|{QUOTED})",
        re.I,
    )
