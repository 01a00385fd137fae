"""The last statement in SQL with what a message changes of it: another value, another limit, another table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.table_names import is_name
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_conditions import NUMBER, QUOTED, Columns, literal
from dynamic_plugins.embedded.slots.sql_inserts import insert_again
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.embedded.values.time_values import month_number
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.known_tables import Table, Tables
    from dynamic_plugins.embedded.context.message import Message

SHORT = 12
"""A message of more words is not just the last statement with something else in it."""
LATELY, JUST_NOW = 6, 2
"""So many turns ago the last statement was at most, where the message says that it is the same again, and where not."""
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.])")
_LIMIT = re.compile(r"(\blimit\s+)(\d+)", re.I)
_NAMED = r"[A-ZÄÖÜ0-9][\w-]*[A-Za-z][\w-]*(?:\s+[A-ZÄÖÜ][\w-]*)*"
_WHERE = re.compile(r"\bwhere\b", re.I)
_REST = re.compile(r"\s+(?:group\s+by|order\s+by|limit|having)\b|\s*;?\s*\Z", re.I)


def changed(message: Message, tables: Tables) -> str | None:
    """Return the last statement as *message* wants it now; None where it changes nothing, or not for sure.

    What changes rows is only written once more where the message says so, or where it was never run.
    """
    code, table, again = tables.last, tables.current, _again(message.text)
    if (
        not code
        or table is None
        or not 0 < len(message.words) <= SHORT
        or tables.turn > (LATELY if again else JUST_NOW)
    ):
        return None
    if code.split()[0].lower() != "select" and (not again or message.text.rstrip().endswith("?")):
        return _corrected(code, message.text) if not tables.ran else None
    return _Change(code, message, table, tables).first() or _corrected(code, message.text)


def created_again(message: Message, tables: Tables) -> str | None:
    """ "The same again for singles": the table that was created last, under another name."""
    found, rest = re.match(r"(create\s+table\s+)(\w+)", tables.last, re.I), _rest(message)
    if found is None or not _again(message.text) or tables.turn > JUST_NOW or len(rest) != 1 or not is_name(rest[0]):
        return None
    named = re.fullmatch(r"[^\W\d]\w*", rest[0]) is not None and tables.named(rest[0]) is None
    return f"{found[1]}{rest[0]}{tables.last[found.end() :]}" if named else None


class _Change:
    """One way after another in which the last statement may be meant with something else in it."""

    def __init__(self, code: str, message: Message, table: Table, tables: Tables) -> None:
        self.code, self.message, self.tables = code, message, tables
        self.columns = Columns(message, table)

    def first(self) -> str | None:
        """Return the statement of the first way that changes something."""
        writes = (self.with_condition, self.with_listed, self.with_limit, self.of_another_row, self.of_another_table,
                  self.with_values, self.of_another_day, self.of_another_column, self.of_another_text)  # fmt: skip
        return next((new for write in writes if (new := write()) is not None and new != self.code), None)

    def with_condition(self) -> str | None:
        """ "Same for paid = 1", "now with where late = 1": a condition more, or another value of one there is."""
        orders = "|".join(phrases("sql", name) for name in ("delete", "update", "insert"))
        if re.match(r"insert\b", self.code, re.I) or re.search(rf"(?<!\w)(?:{orders})(?!\w)", self.message.text, re.I):
            return None
        if len(found := self.columns.conditions()) != 1:
            return None
        (column, operator, value), (start, end) = found[0][:3], found[0].span
        if self.columns.numbers_left([(start, end)]):
            return None
        where = _WHERE.search(self.code)
        held = re.compile(rf"\b{re.escape(column)}\s*(?:=|<>|!=|<=|>=|<|>)\s*('(?:[^']|'')*'|-?[\d.]+)", re.I)
        if where and (old := held.search(self.code, where.end())):
            if operator != "=" and operator not in self.code[old.start() : old.start(1)]:
                return None
            return self.code[: old.start(1)] + value + self.code[old.end(1) :]
        if not re.match(r"select\b", self.code, re.I):
            return None
        typed = self.message.text[start:end]
        typed = typed if re.search(r"[=<>]", typed) and value in typed else f"{column} {operator} {value}"
        at = next(m for m in _REST.finditer(self.code) if m.start() >= (where.end() if where else 0)).start()
        lower = self.code[:6].islower()
        joint = (" and " if lower else " AND ") if where else " where " if lower else " WHERE "
        return self._asked(f"{self.code[:at]}{joint}{typed}{self.code[at:]}")

    def _asked(self, code: str) -> str:
        """Return *code* for the rows where it counted and the message asks which, or for how many where it listed."""
        text, counted = self.message.text, re.match(r"select\s+count\(\s*\*\s*\)", code, re.I)
        many = re.search(rf"(?<!\w){phrases('sql', 'how_many')}(?!\w)", text, re.I)
        if counted and not many and re.search(rf"(?<!\w){phrases('sql', 'which')}(?!\w)", text, re.I):
            return f"{code[:6]} *{code[counted.end() :]}"
        if many and not counted and not re.search(r"\b(?:limit|group)\b", code, re.I):
            return re.sub(r"\A(select)\b.*?\bfrom\b", r"\1 COUNT(*) FROM", code, count=1, flags=re.I | re.S)
        return code

    def of_another_text(self) -> str | None:
        """ "And beech?": another value in place of the only text that is asked for."""
        found = re.fullmatch(
            rf"\s*(?:and|und|y|et|e|i|ve|en|και)\s+(?:(?:at|in|for|bei|für|en|para|pour|a|à)\s+)?(?P<v>{QUOTED}|[^\W\d_][\w-]+)\s*\?*\s*",
            self.message.text, re.I,
        )  # fmt: skip
        where = _WHERE.search(self.code)
        texts = [m for m in _LITERAL.finditer(self.code) if m.group()[0] == "'"]
        if found is None or where is None or len(texts) != 1 or texts[0].start() < where.end():
            return None
        said, named = found["v"].strip("'\"“”„«»"), {name for name, _, _ in self.columns.mentions}
        if named or self.tables.named(said) or not is_name(said) or re.match(r"'\d|'%", texts[0].group()):
            return None
        return _put(self.code, [(texts[0], literal(said, text=True))])

    def with_listed(self) -> str | None:
        """ "Same amount, same date for M. Deshpande, id 2": the row that was added, with some of it said anew."""
        return insert_again(self.message, self.columns.table, self.tables.added) if self.tables.added else None

    def with_limit(self) -> str | None:
        numbers = re.findall(r"(?<![\w.])\d+(?![\w.])", self.message.text)
        top = re.search(
            rf"\b{phrases('sql', 'top')}\s+(?:the\s+)?(?:top\s+)?(\d+|[^\W\d_]+)\b", self.message.text, re.I
        )
        if _LIMIT.search(self.code) is None or top is None or len(numbers) > 1:
            return None
        left = [word for word in _rest(self.message) if word not in top.group().split()]
        if len(left) > _again(self.message.text):
            return None
        count = int(top[1]) if top[1].isdigit() else number_words().get(top[1].lower(), 0)
        return _LIMIT.sub(rf"\g<1>{count}", self.code) if count else None

    def of_another_row(self) -> str | None:
        """ "Same for the other one", "also for Okafor": the row of a change is another of those shown."""
        table = self.columns.table
        found = re.search(rf"\bwhere\s+({re.escape(table.key)})\s*=\s*('(?:[^']|'')*'|-?[\d.]+)\s*\Z", self.code, re.I)
        if not table.key or found is None or re.match(r"(?:select|insert)\b", self.code, re.I):
            return None
        values = [literal(row[table.key], text=isinstance(row[table.key], str)) for row in table.rows]
        others = [value for value in values if value != found[2]]
        if re.search(rf"\b{phrases('sql', 'other')}\b", self.message.text, re.I):
            return (
                self.code[: found.start(2)] + others[0] + self.code[found.end(2) :]
                if len(others) == 1 < len(values)
                else None
            )
        picked = self.columns.row([])
        if picked is None or picked[0].column.casefold() != found[1].casefold() or picked[0].value == found[2]:
            return None
        return self.code[: found.start(2)] + picked[0].value + self.code[found.end(2) :]

    def of_another_table(self) -> str | None:
        """ "The same for contractors": another table, where the statement speaks of nothing else."""
        bare = re.fullmatch(r"(select\s+(?:\*|count\(\*\))\s+from\s+)(\w+)(\s*;?)", self.code, re.I)
        rest = _rest(self.message)
        if bare is None or len(rest) != 1 or not re.fullmatch(r"[^\W\d]\w*", rest[0]):
            return None
        known = self.tables.named(rest[0])
        if known is None and not _again(self.message.text):
            return None
        return f"{bare[1]}{known.name if known else rest[0]}{bare[3]}"

    def with_values(self) -> str | None:
        """ "Same with 'Hofmann, Uwe', 980.50, 1": values in their order, each of the sort of the one before it."""
        if not _again(self.message.text):
            return None
        inserted = re.search(r"\bvalues\s*\(", self.code, re.I)
        old = list(_LITERAL.finditer(self.code, inserted.end() if inserted else 0))
        new = _values_of(self.message.text, [m.group() for m in old])
        fewest = max(1, len(old) - 1)  # one value may stay: "at the same time"
        fits = fewest <= len(new) <= len(old) and (inserted is not None or len(new) == 1 == len(old))
        if not fits or (spots := _matched(old, new)) is None or self._says_more():
            return None
        return _put(self.code, spots)

    def _says_more(self) -> bool:
        """Whether the message has words beside values that are not quoted: "also remind Udo about 20 euros"."""
        text = self.message.text
        if re.search(QUOTED, text):
            return False
        values = re.sub(rf"(?<![\w'])(?:{_NAMED}|{NUMBER})", " ", re.sub(_again_words(), " ", text, flags=re.I))
        return bool(_rest_of(values))

    def of_another_day(self) -> str | None:
        """ "Und für Januar?", "lo mismo pero del día 3": another month or day in the only date that there is."""
        rest = _rest(self.message)
        dates = [m for m in _LITERAL.finditer(self.code) if re.fullmatch(r"'\d{4}-\d\d(?:-\d\d)?'", m.group())]
        held = [m.group()[1:-1] for m in dates]
        new: list[str] = []
        if len(rest) == 1 and (month := month_number(rest[0])):
            new = _in_month(held, month)
        elif len(held) == 1 and len(held[0]) == 10 and len(rest) <= 2 and (day := _DAY.search(self.message.text)):
            new = [f"{held[0][:8]}{int(day[1]):02}"] if 0 < int(day[1]) < 32 else []
        return _put(self.code, [(m, f"'{day}'") for m, day in zip(dates, new, strict=True)]) if new else None

    def of_another_column(self) -> str | None:
        """ "And maths?": the same of another column."""
        found = re.match(r"(select\s+(?:avg|sum|min|max)\(\s*)(\w+)(\s*\))", self.code, re.I)
        rest, named = _rest(self.message), {name for name, _, _ in self.columns.mentions}
        if found is None or len(named) != 1 or len(rest) > 1 or self.code.lower().count(found[2].lower()) != 1:
            return None
        return f"{found[1]}{named.pop()}{found[3]}{self.code[found.end() :]}"


def _put(code: str, spots: Sequence[tuple[re.Match[str], str]]) -> str:
    """Return *code* with each value in its place, which is none before the one ahead of it."""
    for spot, value in reversed(spots):
        code = code[: spot.start()] + value + code[spot.end() :]
    return code


def _again_words() -> str:
    return rf"(?<!\w){phrases('sql', 'again')}(?!\w)"


def _again(text: str) -> bool:
    return re.search(_again_words(), text, re.I) is not None


def _rest(message: Message) -> list[str]:
    """Return the words of the message that say more than that it is the same again."""
    return _rest_of(re.sub(_again_words(), " ", message.text, flags=re.I))


def _rest_of(text: str) -> list[str]:
    words = re.findall(r"[\w'.-]*\w", text)
    small = re.compile(phrases("sql", "aside"), re.I)
    return [word for word in words if plain(word) not in fillers() and not small.fullmatch(word)]


def _corrected(code: str, text: str) -> str | None:
    """ "It was 35, not 25": the value that is refused gives way to the other."""
    found = re.search(
        rf"({NUMBER}|{QUOTED})\s*,?\s*(?:and\s+)?{phrases('sql', 'old')}\s+({NUMBER}|{QUOTED})", text, re.I
    )
    if found is None:
        return None
    new, old = (literal(found[i].strip("'\"“”„«»"), text=not re.fullmatch(NUMBER, found[i])) for i in (1, 2))
    spots = [m for m in _LITERAL.finditer(code) if m.group() == old]
    return code[: spots[0].start()] + new + code[spots[0].end() :] if len(spots) == 1 else None


def _values_of(text: str, old: Sequence[str]) -> list[str]:
    """Return the values that *text* holds as SQL writes them; names count where the statement holds texts."""
    text = re.sub(_again_words(), lambda m: " " * len(m.group()), text, flags=re.I)
    names = rf"|(?<![\w'])(?:{_NAMED})" if any(v[0] == "'" for v in old) else ""
    found = [m.group() for m in re.finditer(rf"{QUOTED}|(?<![\w.])(?:{NUMBER}){names}", text)]
    values = [v for v in found if plain(v) not in fillers()]
    return [literal(v[1:-1], text=True) if re.fullmatch(QUOTED, v) else literal(v) for v in values]


def _matched(old: Sequence[re.Match[str]], new: Sequence[str]) -> list[tuple[re.Match[str], str]] | None:
    """Return which of *old* each of *new* stands for, in order: a text for a text, a number for a number."""
    spots, at = [], 0
    for value in new:
        while at < len(old) and (old[at].group()[0] == "'") != (value[0] == "'"):
            at += 1
        if at == len(old):
            return None
        spots.append((old[at], value))
        at += 1
    return spots


def _in_month(held: Sequence[str], month: int) -> list[str]:
    """Return *held*, a month or the first days of one and of the next, for another month of the year."""
    if [len(each) for each in held] == [7]:
        return [f"{held[0][:5]}{month:02}"]
    if len(held) != 2 or any(len(each) != 10 or not each.endswith("-01") for each in held):
        return []
    (year, first), (other, second) = ((int(each[:4]), int(each[5:7])) for each in held)
    if other * 12 + second != year * 12 + first + 1:
        return []
    return [f"{year}-{month:02}-01", f"{year + month // 12}-{month % 12 + 1:02}-01"]


_DAY = re.compile(r"\b(?:day|día|dia|tag|jour|giorno|the|am|el|le|il)\s+(\d{1,2})(?:st|nd|rd|th|\.)?(?!\w)", re.I)
