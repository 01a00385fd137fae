"""The SELECT that a message asks for: so many rows, a figure of a column, or the rows themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.context.new_tables import likely_type
from dynamic_plugins.embedded.context.table_names import columns_called
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_conditions import without
from dynamic_plugins.embedded.slots.sql_subject import FUNCTIONS, LATELY, Subject, Written, code_of, says, where_of
from dynamic_plugins.embedded.values.number_words import number_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.slots.sql_conditions import Condition


class Reading(Subject):
    """What a message wants to know of a table."""

    def read(self) -> Written | None:
        """Return the SELECT that is meant."""
        if not self.table.name or self.several_named() or says("delete", self.text):
            return None
        if says("columns", self.text) and not columns_called(self.text):
            return None
        conditions = self.columns.conditions()
        if self.tables.turn <= LATELY:
            taken = [*self.used, *(c.span for c in conditions)]
            conditions = sorted([*conditions, *self.columns.shown(taken)], key=lambda c: c.span)
        if says("negated", without(self.text, [c.span for c in conditions])):
            return None
        for write in (
            self._grouped,
            self._distinct,
            self._amount,
            self._count,
            self._aggregate,
            self._total,
            self._select,
        ):
            if (found := write(conditions)) is not None:
                code, spans = found
                spans = [*self.used, *(c.span for c in conditions), *spans]
                known = (
                    self.named is not None
                    or self.message.points
                    or conditions
                    or write in (self._grouped, self._distinct, self._amount, self._aggregate, self._total)
                )
                # Beside a condition that is spelled out other words only say the same once more.
                is_told = any(c.spelled for c in conditions) and self.named is not None
                if known and not self.columns.numbers_left(spans) and (is_told or not self.columns.unexplained(spans)):
                    return Written(code, spans)
                return None
        return None

    def spelled(self) -> Written | None:
        """Return the SELECT of the rows that a question spells out conditions for, whatever else it calls them."""
        asks = self.text.rstrip().endswith("?") or _ASKS.match(self.text)
        conditions = [c for c in self.columns.conditions() if c.spelled]
        if self.named is None or not asks or not conditions or self.several_named():
            return None
        if any(says(kind, self.text) for kind in ("delete", "update", "mark")):
            return None
        code = code_of("SELECT * FROM", self.table.name, where_of(conditions))
        return Written(code, [*self.used, *(c.span for c in conditions)])

    def _grouped(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        """ "Total kilo per hive", "how many rows per spot": a figure for each value of a column."""
        free = self._free(conditions)
        per = re.compile(rf"(?<!\w){phrases('sql', 'per')}\s+\Z", re.I)
        groups = [each for each in free if per.search(self.text[: each[1]])]
        figures = [each for each in free if each not in groups]
        if len(groups) != 1 or len(figures) > 1 or _ranked(self.text):
            return None
        column, spans = groups[0][0], [(start, end) for _, start, end in free]
        kinds = [
            (f, m) for kind, f in FUNCTIONS if figures and self._sums(figures[0][0]) and (m := says(kind, self.text))
        ]
        counted = says("how_many", self.text) if not figures else None
        if len(kinds) == 1:
            figure, told = f"{kinds[0][0]}({figures[0][0]})", kinds[0][1].span()
        elif counted is not None:
            figure, told = "COUNT(*)", counted.span()
        else:
            return None
        group = f"GROUP BY {column}"
        code = code_of("SELECT", f"{column}, {figure}", "FROM", self.table.name, where_of(conditions), group)
        return code, [*spans, told]

    def _distinct(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        """ "How many different spots": so many values of a column."""
        for column, start, end in self._free(conditions):
            many = rf"(?<!\w){phrases('sql', 'how_many')}\s+{phrases('sql', 'different')}\s+\Z"
            if found := re.search(many, self.text[:start], re.I):
                code = code_of("SELECT", f"COUNT(DISTINCT {column})", "FROM", self.table.name, where_of(conditions))
                return code, [(found.start(), end)]
        return None

    def _count(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        found = says("how_many", self.text)
        if found is None or any(c.span[0] <= found.start() < c.span[1] for c in conditions):
            return None
        if any(
            re.match(rf"\s+{re.escape(c.value.strip(chr(39)))}(?!\w)", self.text[found.end() :], re.I)
            for c in conditions
        ):
            # "How many blankets are left, item blankets": the row says how many.
            return code_of("SELECT * FROM", self.table.name, where_of(conditions)), [found.span()]
        return code_of("SELECT COUNT(*) FROM", self.table.name, where_of(conditions)), [found.span()]

    def _aggregate(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        free = self._free(conditions)
        if len(free) != 1 or _ranked(self.text):
            return None
        name, start, end = free[0]
        counted = not self.table.texts(name)
        for kind, function in FUNCTIONS:
            fits = counted or function in ("MIN", "MAX")
            if fits and (found := says(kind, self.text)) and not start <= found.start() < end:
                code = code_of("SELECT", f"{function}({name})", "FROM", self.table.name, where_of(conditions))
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
        told = [m.span()] if (m := says("sum", self.text)) else []
        return code_of("SELECT", f"SUM({name})", "FROM", self.table.name, where_of(conditions)), [
            (many.start(), end),
            *told,
        ]

    def _total(self, conditions: Sequence[Condition]) -> tuple[str, list[Span]] | None:
        """ "What is the total": the sum of the only column that has one."""
        sums = [column for column in self.table.columns if self._sums(column)]
        if len(sums) > 1:
            sums = [column for column in sums if likely_type(column) != "TEXT"]
        found = says("sum", self.text)
        if found is None or len(sums) != 1 or says("how_many", self.text) or _ranked(self.text):
            return None
        spans = [(start, end) for _, start, end in self._free(conditions)]
        return code_of("SELECT", f"SUM({sums[0]})", "FROM", self.table.name, where_of(conditions)), [
            found.span(),
            *spans,
        ]

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
        if sorting and (ranked or says("sorted", self.text)):
            name, start, end = sorting[0]
            down = ranked.down if ranked else bool(says("descending", self.text))
            order = f"ORDER BY {name}{' DESC' if down else ' ASC' if ranked else ''}"
            limit = f"LIMIT {ranked.most}" if ranked else ""
            told = [m.span() for kind in ("sorted", "descending") if (m := says(kind, self.text))]
            spans += [(start, end), *([ranked.span] if ranked else []), *told]
            free = [each for each in free if each not in sorting]
        elif ranked or sorting:
            return None
        every = says("everything", self.text) or says("rows", self.text)
        if not (every or order or ((free or conditions) and says("show", self.text))):
            return None
        listed = ", ".join(name for name, _, _ in free) if free else "*"
        spans += [(start, end) for _, start, end in free]
        if not conditions and not order and self.named is None:
            return None
        return code_of("SELECT", listed, "FROM", self.table.name, where_of(conditions), order, limit), spans


_ASKS = re.compile(
    r"(?:\W*(?:and|ok|so|yo|hey|und|y|et|e|i|please|kindly)\b)*\W*(?:who|which|what|how|when|where|wer|welche\w*|wie|was"
    r"|wann|wo|wem|qui[ée]n\w*|cu[áa]\w+|qu[ée]|qui|quel\w*|combien|chi|quale|quali|quant\w+|quem|quais|kto|kt[óo]r\w+"
    r"|ile|кто|сколько|как\w*|show|list|give|let me (?:see|have)|find|i (?:want|need)(?: to see)?"
    r"|i(?:['\u2019]d| would| should) like(?: to (?:see|have))?|zeig\w*|ich (?:möchte|brauche|will)|muéstra\w*|dame"
    r"|montre\w*|donne\w*|mostra\w*|poka[żz]\w*)(?:['\u2019]?s)?\b",
    re.I,
)
_NO_SUM = re.compile(r"(?:^|_)(?:id|no|nr|age|year|jahr|alter|edad|año|âge|année|number|code|key)(?:_|$)", re.I)


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
