"""What a message says of a table's columns and rows: conditions, the row that is meant, values as SQL writes them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_plugins.embedded.context.references import Item, chosen
from dynamic_plugins.embedded.context.table_names import NAME, is_name
from dynamic_plugins.embedded.language.action_words import fillers, verb_kinds
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_values import written
from dynamic_plugins.embedded.values.time_values import month_number
from dynamic_plugins.text.tokenizer import placed_tokens, plain, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.context.known_tables import Table
    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.language.free_text import Span

QUOTED = r"(?:'(?:[^']|'')*'|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»)"
NUMBER = r"(?:-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,])|-?\d+(?:[.,]\d+)?(?![\w:/-]|\.\d))"
_ENDING = rf"(?:s?[ıiuü]|s?[ıiuü]n[ıiuü])(?=\s+(?:{QUOTED}|[^\W\d_]+\s+(?:yap|olsun)(?!\w)))"
"""What some languages put behind a name: "durumu 'bekliyor'"."""
_ALIKE = 5
"""Words that begin with so many letters of a column's name are of it: they arrive, arrival."""
_SIGNS = r"=|==|!=|<>|<=|>=|<|>"
_WORDED = (("at_least", ">="), ("at_most", "<="), ("above", ">"), ("below", "<"), ("equals", "="))


class Condition(NamedTuple):
    """``column operator value``, the value as SQL writes it, and where the message says so."""

    column: str
    operator: str
    value: str
    span: Span
    spelled: bool = False
    """Whether it is written as in a statement, or with the column's name told by itself."""

    @property
    def code(self) -> str:
        """The condition in SQL."""
        return f"{self.column} {self.operator} {self.value}"


class Read(NamedTuple):
    """A value that was read: as SQL writes it, and where it ends."""

    value: str
    end: int


def literal(value: Any, *, text: bool = False) -> str:
    """Return *value* as SQL writes it; as a text where *text*, else a number that is written in digits is bare."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int, float)):
        return f"'{value}'" if text else str(int(value) if isinstance(value, bool) else value)
    said = str(value)
    if not text and re.fullmatch(NUMBER, said):
        return said if re.fullmatch(r"-?\d+(?:\.\d+)?", said) else written(said)
    return f"'{said.replace(chr(39) * 2, chr(39)).replace(chr(39), chr(39) * 2)}'"


class Columns:
    """The columns of *table* that *message* speaks of, and what it says of each."""

    def __init__(self, message: Message, table: Table) -> None:
        self.message, self.text, self.table = message, message.text, table
        self.mentions = sorted(_mentions(self.text, table), key=lambda each: each[1])

    def value(self, column: str, at: int, *, words: bool = False) -> Read | None:
        """Return the value that the message writes at *at* for *column*; bare words only where they are known or
        *words*.
        """
        text, held = self.text, self.table.texts(column)
        at += len(text[at:]) - len(text[at:].lstrip())
        if found := re.compile(QUOTED).match(text, at):
            return Read(literal(found.group()[1:-1], text=True), found.end())
        if day := next((v for v in self.message.values.of("date") if v.start == at), None):
            return Read(literal(day.value, text=True), day.end)
        if found := re.compile(NUMBER).match(text, at):
            return Read(literal(found.group(), text=held), found.end())
        for known in sorted({str(r[column]) for r in self.table.rows if isinstance(r.get(column), str)}, key=len)[::-1]:
            if known and (found := re.compile(rf"{re.escape(known)}(?!\w)", re.I).match(text, at)):
                return Read(literal(known, text=True), found.end())
        word = re.compile(r"[^\W\d_][\w-]*(?=\s*(?:$|[,.;!?)]|(?:and|und|y|et|e|i|order|limit)\b))", re.I).match(
            text, at
        )
        if words and word and is_name(word.group()):
            return Read(literal(word.group(), text=True), word.end())
        return None

    def conditions(self, until: int = 0) -> list[Condition]:
        """Return what the message says of columns behind *until*; with an equals sign also of those not known yet."""
        found = [
            c for column, start, end in self.mentions if start >= until and (c := self._condition(column, start, end))
        ]
        for typed in re.finditer(rf"\b({NAME})\s*(?:{_SIGNS})", self.text):
            known = any(start <= typed.start(1) < end for _, start, end in self.mentions)
            if typed.start() >= until and not known and is_name(typed[1]):
                found += [c] if (c := self._condition(typed[1], *typed.span(1))) else []
        compared = "|".join(phrases("sql", name) for name, _ in _WORDED)
        for told in re.finditer(rf"\b(?P<by>where|and)\s+(?:the\s+)?({NAME})\s+(?:{compared})\b", self.text, re.I):
            known = any(start <= told.start(2) < end for _, start, end in self.mentions)
            behind = told["by"].lower() == "where" or re.search(r"\bwhere\b", self.text[: told.start()], re.I)
            if behind and told.start() >= until and not known and (told[2].lower() == "id" or is_name(told[2])):
                c = self._condition(told[2], *told.span(2))
                found += [c._replace(spelled=c.spelled or not self.table.columns)] if c else []
        for more in (self._told_apart, self._named, self._flagged, self._dated, self._in_month):
            found += [c for c in more() if c.span[0] >= until and not _overlaps(c.span, [o.span for o in found])]
        return sorted(found, key=lambda c: c.span)

    def _told_apart(self) -> Iterator[Condition]:
        """ "How many are 'waiting'? column is status": a value in quotation marks, and its column elsewhere."""
        quoted, called = list(re.finditer(QUOTED, self.text)), phrases("sql", "is_called")
        told = re.search(rf"\b{phrases('sql', 'columns')}\s+(?:=|{called}|ist|es)\s+({NAME})\b", self.text, re.I)
        if told and len(quoted) == 1 and is_name(told[1]) and not _overlaps(quoted[0].span(), [told.span()]):
            first, last = sorted([told.span(), quoted[0].span()])
            value = literal(quoted[0].group()[1:-1], text=True)
            yield Condition(told[1], "=", value, (first[0], last[1]), spelled=True)

    def _named(self) -> Iterator[Condition]:
        """ "With status cancelled", where the table's columns are not known; "table stock, item blankets"."""
        value = rf"(?P<v>{QUOTED}|[^\W\d_][\w-]*|{NUMBER})(?=\s*(?:$|[,.;!?)]))"
        if self.table.whole or not self.table.name:
            return
        beside = rf"{phrases('sql', 'table')}\s+{re.escape(self.table.name)}\s*,"
        for told in re.finditer(
            rf"(?<!\w)(?:{phrases('sql', 'holding')}|{beside})\s+(?:the\s+|a\s+)?(?P<c>{NAME})\s+{value}",
            self.text,
            re.I,
        ):
            text = not re.fullmatch(NUMBER, told["v"])
            known = {c.casefold() for c in self.table.columns}
            if (
                is_name(told["c"])
                and (not text or is_name(told["v"].strip("'\"")))
                and told["c"].casefold() not in known
            ):
                said = told["v"].strip("'\"“”„«»")
                yield Condition(told["c"], "=", literal(said, text=text), (told.start("c"), told.end()))

    def shown(self, taken: Sequence[Span]) -> list[Condition]:
        """Return a condition for each text of the message that just one column is known to hold."""
        found: list[Condition] = []
        names = {word for name in (*self.table.columns, self.table.name) for word in tokens(name)}
        for column in self.table.columns:
            for text in self.table.held(column):
                at = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", self.text, re.I) if len(text) > 2 else None
                if at and not _overlaps(at.span(), taken) and not set(tokens(text)) & (names | fillers()):
                    found.append(Condition(column, "=", literal(text, text=True), at.span()))
        return found if len({c.span for c in found}) == len(found) else []

    def _flagged(self) -> Iterator[Condition]:
        """ "That isn't paid", "which are paid", of a column that holds 0 or 1."""
        for column, start, end in self.mentions:
            told = re.search(
                rf"\b(?:(?P<no>{phrases('sql', 'no')})|are|is|sind|ist|sono|są|jest)\s+\Z", self.text[:start], re.I
            )
            sure = column in self.table.flags or (told and told["no"]) or self.table.counts(column)
            known = sure and self.table.holds_yes_or_no(column)
            if known and told and not _operator_said(self.text, end):
                yield Condition(column, "=", "0" if told["no"] else "1", (told.start(), end))
            brings = re.search(
                rf"\b{phrases('sql', 'brings')}\s+(?:(?:the|an?|their|den|einen|el|un)\s+)?\Z", self.text[:start], re.I
            )
            if brings and self.table.holds_yes_or_no(column):
                yield Condition(column, "=", "1", (brings.start(), end))

    def _dated(self) -> Iterator[Condition]:
        """ "For 14 February 2027", where only one column holds days."""
        for day in self.message.values.of("date") if len(self.table.days) == 1 else ():
            if told := re.search(rf"\b{phrases('sql', 'on_day')}\s+(?:the\s+)?\Z", self.text[: day.start], re.I):
                yield Condition(self.table.days[0], "=", literal(day.value, text=True), (told.start(), day.end))

    def _in_month(self) -> Iterator[Condition]:
        """ "In August", where only one column holds days as YYYY-MM-DD."""
        days = self.table.days
        for told in re.finditer(
            rf"(?<!\w){phrases('sql', 'in_month')}\s+(?P<m>[^\W\d_]+)(?!\w|\.?\s+\d)", self.text, re.I
        ):
            if len(days) == 1 and (month := month_number(told["m"])):
                yield Condition(days[0], "LIKE", f"'%-{month:02}-%'", told.span())

    def _condition(self, column: str, start: int, end: int) -> Condition | None:
        if (found := _operator().match(self.text, end)) is None:
            return None
        said = (found["op"] or "").strip()
        signed = re.fullmatch(_SIGNS, said) is not None
        operator = said.replace("==", "=") if signed else _meant(said) if said else "="
        introduced = re.search(rf"\b{phrases('sql', 'where')}\s+(?:the\s+)?\Z", self.text[:start], re.I) is not None
        beside = re.search(rf"\b{phrases('sql', 'holding')}\s+(?:the\s+)?\Z", self.text[:start], re.I) is not None
        words = signed or (bool(said) and introduced) or (beside and not said and not self.table.counts(column))
        read = self.value(column, found.end(), words=words)
        return Condition(column, operator, read.value, (start, read.end), signed) if read else None

    # --- rows

    def row(self, taken: Sequence[Span], *, lately: bool = True) -> tuple[Condition, list[Span]] | None:
        """Return which row the message means: by its number, and *lately* by a value only it holds, or its place."""
        if found := self._by_number(taken):
            return found
        rows, key = self.table.rows, self.table.key
        if not key or not lately:
            return None
        hits = self.by_values(taken)
        numbers = [number for number, _ in hits]
        if len(set(numbers)) != 1:
            items = [Item(" ".join(map(str, row.values())), {"row": at}) for at, row in enumerate(rows)]
            text = without(self.text, taken)
            ignored = frozenset(word for name in (*self.table.columns, self.table.name) for word in tokens(name))
            picked = chosen(text, items, ignored) if not hits and len(items) > 1 else []
            picked = picked or (items if len(items) == 1 and self.message.points and not hits else [])
            if len(picked) != 1:
                return None
            numbers = [picked[0].fields["row"]]
        value = rows[numbers[0]][key]
        told = literal(value, text=isinstance(value, str))
        return Condition(key, "=", told, (0, 0)), [span for _, span in hits]

    def _by_number(self, taken: Sequence[Span]) -> tuple[Condition, list[Span]] | None:
        """ "Row 21", "id 3", "adm_no 3417": what tells a row apart, and its value."""
        for column, start, end in self.mentions:
            told = re.search(r"(?:^|_)(?:id|no|nr|number|key|code)$", column, re.I)
            condition = self._condition(column, start, end) if told and not _overlaps((start, end), taken) else None
            if condition and condition.operator == "=":
                return condition, [condition.span]
        found = re.search(rf"(?:\b|(?=#)){phrases('sql', 'row_id')}\s*(?:is|=|:)?\s*(\d+)\b", self.text, re.I)
        if found is None or _overlaps(found.span(), taken):
            return None
        own = next((c for c in self.table.columns if c.casefold() == "id"), None)
        if own is None and self.table.whole:
            return None
        if own is None and not re.search(r"\bid\b", found.group(), re.I):
            return None
        return Condition(own or "id", "=", found[1], found.span()), [found.span()]

    def by_values(self, taken: Sequence[Span]) -> list[tuple[int, Span]]:
        """Return the rows that the message names by a word that no other row holds, and where it does."""
        names = {word for name in (*self.table.columns, self.table.name) for word in tokens(name)}
        held = [{w for v in row.values() if v is not None for w in tokens(str(v))} for row in self.table.rows]
        found = []
        for word, start, end in placed_tokens(self.text):
            word = ending[1] if (ending := re.fullmatch(r"(\d+)[ıiuü]", word)) else word
            if (
                _overlaps((start, end), taken)
                or word in fillers()
                or word in names
                or (len(word) < 3 and not word.isdigit())
            ):
                continue
            bare = word.removesuffix("s") if self.text[start:end].lower().endswith("'s") else word
            having = [at for at, words in enumerate(held) if {word, bare} & words]
            if len(having) == 1:
                found.append((having[0], (start, end)))
        return found

    # --- what is left over

    def unexplained(self, used: Sequence[Span]) -> list[str]:
        """Return the words of the sentences with *used* spans that those and the small words do not account for."""
        text, left = self.text, list[str]()
        if (found := re.search(rf"\b{phrases('sql', 'that_is')}\b", text, re.I)) and any(
            s > found.end() for s, _ in used
        ):
            text = " " * found.end() + text[found.end() :]
        parts = [part for part in sentences(text) if text[slice(*part)].strip()]
        last = parts[-1:] if len(parts) > 1 and self._says_it_all(parts[-1], used) else parts
        for start, end in last:
            if any(start <= s < end for s, _ in used):
                left += [w for w, s, e in placed_tokens(text) if start <= s < end and not _overlaps((s, e), used)]
        left = [word for word in left if not (word in fillers() or verb_kinds(word) or _small().fullmatch(word))]
        heads = {name[:_ALIKE].lower() for name in self.table.columns if len(name) > _ALIKE}
        return [word for word in left if len(word) < _ALIKE or word[:_ALIKE] not in heads]

    def _says_it_all(self, part: Span, used: Sequence[Span]) -> bool:
        """Whether the sentence *part* has a condition, and nothing else: then it says what the ones before it mean."""
        within = [c for c in self.conditions() if part[0] <= c.span[0] < part[1]]
        words = [w for w, s, e in placed_tokens(self.text) if part[0] <= s < part[1] and not _overlaps((s, e), used)]
        return bool(within) and all(word in fillers() or _small().fullmatch(word) for word in words)

    def numbers_left(self, used: Sequence[Span], within: Span | None = None) -> bool:
        """Return whether a number or a quoted text of the message, or of the part *within*, is in no span of *used*."""
        start, end = within or (0, len(self.text))
        found = [*re.finditer(rf"(?<![\w.]){NUMBER}|{QUOTED}", self.text)]
        days = [(v.start, v.end) for v in self.message.values.of("date", "quoted")]
        return any(start <= s < end and not _overlaps((s, e), used) for s, e in [*(m.span() for m in found), *days])


def sentences(text: str) -> Iterator[Span]:
    """Give where the sentences of *text* stand."""
    start = 0
    for mark in re.finditer(r"[.!?;]+(?=\s|$)|\n", text):
        yield start, mark.end()
        start = mark.end()
    yield start, len(text)


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def without(text: str, spans: Sequence[Span]) -> str:
    """Return *text* with blanks at *spans*."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _mentions(text: str, table: Table) -> list[tuple[str, int, int]]:
    """Return the columns that *text* names, by their name or by the first part of it that no other begins with."""
    found: list[tuple[str, int, int]] = []
    heads = [re.split(r"_", name.lower())[0] for name in table.columns]
    for name in sorted(table.columns, key=len, reverse=True):
        head = re.split(r"_", name.lower())[0]
        forms = [re.escape(name).replace("_", "[ _-]")]
        if "_" in name and heads.count(head) == 1 and len(head) > 3:
            forms.append(re.escape(head))
        if name.casefold() == table.name.casefold():
            continue
        for m in re.finditer(rf"(?<![\w.'])(?:\w+\.)?({'|'.join(forms)})(?:{_ENDING})?(?!\w)", text, re.I):
            small = plain(name) in fillers() and not re.match(rf"\s*(?:{_SIGNS})", text[m.end() :])
            if not small and not any(s < m.end(1) and m.start(1) < e for _, s, e in found):
                found.append((name, m.start(1), m.end()))
    return found


@cache
def _operator() -> re.Pattern[str]:
    worded = "|".join(phrases("sql", name) + r"\b" for name, _ in _WORDED)
    counted = r"(?:\s+(?:count|number|value|wert|valor|valeur))?"
    return re.compile(rf"{counted}\s*(?P<op>{_SIGNS}|{worded})?\s*(?:the\s+)?", re.I)


def _operator_said(text: str, at: int) -> bool:
    found = _operator().match(text, at)
    return found is not None and bool(found["op"]) and re.match(r"[^\w]*\d", text[found.end() :]) is not None


def _meant(said: str) -> str:
    return next(sign for name, sign in _WORDED if re.fullmatch(phrases("sql", name), said, re.I))


@cache
def _small() -> re.Pattern[str]:
    names = ("said_too", "show", "rows", "everything", "how_many", "table", "where", "equals", "it", "by", "that_is")
    return re.compile("|".join(phrases("sql", name) for name in names), re.I)
