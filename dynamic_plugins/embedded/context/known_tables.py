"""The tables that a conversation has told of: their columns, the rows that were shown, and the last statement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.new_tables import NewTable, likely_type, new_table
from dynamic_plugins.embedded.context.table_names import NAME, columns_called, table_called
from dynamic_plugins.embedded.values.extractors import extract
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.context.references import Memory, Used

_CODE = re.compile(r"\b(?:select|insert|update|delete|create)\b", re.I)
_OF_STATEMENT = re.compile(
    rf"\b(?:from|into|update|(?:create|alter)\s+table(?:\s+if\s+not\s+exists)?)\s+[\"`\[]?({NAME})", re.I
)
_IN_USE = re.compile(
    rf"\b(?:where|and|or|set|by|on|having)\s+({NAME})\b(?!\s*\()|[,(]\s*({NAME})\s*(?:=|[<>]|is\b|like\b)", re.I
)
_DAY = re.compile(
    r"(?:^|_)(?:date|day|datum|fecha|data|jour|giorno|d[ií]a|tanggal|tarih|arrival|departure|ankunft|abreise|llegada|salida"
    r"|arrivo|partenza|arrivée|départ|chegada|due)(?:_|\s|$)|_(?:on|at)(?:\s|$)|yyyy|date",
    re.I,
)
_EQUAL_TO = re.compile(rf"\b({NAME})\s*=\s*('(?:[^']|'')*')")
_CONSTRAINT = re.compile(r"\s*(?:primary|foreign|unique|check|constraint)\b", re.I)
_DESCRIBES = frozenset(["describe", "schema", "columns", "structure", "info", "definition", "fields"])


@dataclass
class Table:
    """A table by what was told of it. *columns* are those known, with their declared types, empty where untold."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    """All its columns in their order; empty while nobody has told them all."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The rows of it that were shown last."""
    flags: set[str] = field(default_factory=set)
    """Those of which is known that they hold 0 or 1."""
    values: dict[str, set[str]] = field(default_factory=dict)
    """Texts that columns are known to hold from what was added or asked for."""

    def add(self, columns: Mapping[str, str]) -> None:
        """Learn of *columns*."""
        for name, kind in columns.items():
            known = next((each for each in self.columns if each.casefold() == name.casefold()), name)
            self.columns[known] = kind or self.columns.get(known, "")
            if re.search(r"bool|\b0\W+1\b", kind, re.I):
                self.flags.add(known)

    def texts(self, column: str) -> bool:
        """Return whether *column* holds texts, by its declared type or by the rows that were shown."""
        if kind := self.columns.get(column, ""):
            return re.search(r"char|text|date|time|clob|uuid|string", kind, re.I) is not None
        return any(isinstance(row.get(column), str) for row in self.rows)

    def counts(self, column: str) -> bool:
        """Return whether *column* is known to hold numbers."""
        if kind := self.columns.get(column, ""):
            return re.search(r"int|real|num|dec|float|double|bool", kind, re.I) is not None
        held = [row[column] for row in self.rows if row.get(column) is not None]
        return bool(held) and all(isinstance(value, (int, float)) for value in held)

    def holds_yes_or_no(self, column: str) -> bool:
        """Return whether *column* can hold 0 or 1: it is known to, or neither what it holds nor its name says else."""
        if column in self.flags:
            return True
        other = re.search(r"(?:^|_)id$", column, re.I) or column in self.days or self.texts(column)
        return not other and likely_type(column) == "TEXT"

    def held(self, column: str) -> set[str]:
        """Return the texts that *column* is known to hold."""
        shown = {str(row[column]) for row in self.rows if isinstance(row.get(column), str)}
        return shown | self.values.get(column, set())

    @property
    def days(self) -> list[str]:
        """The columns that hold days, by their types or names, or by what the rows hold."""
        return [
            name
            for name, kind in self.columns.items()
            if _DAY.search(f"{name} {kind}")
            or any(re.match(r"\d{4}-\d\d-\d\d", str(row.get(name))) for row in self.rows)
        ]

    @property
    def key(self) -> str:
        """The column that tells a row of those shown from the others; empty where there is none."""
        known = list(self.rows[0]) if self.rows else list(self.columns)
        named = [c for c in known if c.casefold() == "id"]
        named += [c for c in known if re.search(r"(?:^|_)(?:id|no|nr|number|key|code)$", c, re.I) and c not in named]
        named += [c for c in known if self.rows and c not in named]
        single = (c for c in named if len({str(row.get(c)) for row in self.rows}) == len(self.rows))
        return next(single, "")


class Tables:
    """The tables told of in a conversation; what was told last counts."""

    def __init__(self, memory: Memory) -> None:
        self._known: dict[str, Table] = {}
        self.last: str = ""
        """The last statement that was run, or typed to be run."""
        self.ran = False
        """Whether :attr:`last` was run, and did not fail."""
        self.added: dict[str, str] = {}
        """The row that :attr:`last` adds, each value as SQL writes it; empty where it adds none, or several."""
        self.current: Table | None = None
        self.turn = len(memory.said) + 1
        """How many turns ago :attr:`last` was said or run."""
        self.told = self.turn
        """How many turns ago :attr:`current` was told of."""
        for turn in range(len(memory.said), 0, -1):
            self._turn = turn
            self._say(memory.said[turn - 1])
            for call in reversed([call for call in memory.calls if call.turn == turn]):
                self._learn(call)

    def named(self, name: str) -> Table | None:
        """Return the table called *name*; None where nobody has told of it."""
        return self._known.get(name.casefold())

    @property
    def names(self) -> list[str]:
        """The names of all, as they are written."""
        return [table.name for table in self._known.values()]

    def table(self, name: str) -> Table:
        """Return the table called *name*, a new one where it was not known."""
        return self._known.setdefault(name.casefold(), Table(name))

    def told_in(self, said: str) -> Table | None:
        """Return the table that *said* calls so, with the columns that it lists; None without one."""
        if (name := table_called(said)) is None:
            return None
        table = self.table(name)
        if columns := columns_called(said):
            table.add(dict.fromkeys(columns, ""))
            table.whole = tuple(columns)
        return table

    def _say(self, said: str) -> None:
        for value in extract(said).of("sql") if _CODE.search(said) else ():
            self._read(str(value.value), [])
            self.ran = False
        if made := new_table(said):
            self._tell(self._made(made))
        elif not _CODE.search(said) and columns_called(said) and (table := self.told_in(said)):
            self._tell(table)

    def _tell(self, table: Table) -> None:
        self.current, self.told = table, self._turn

    def _made(self, made: NewTable) -> Table:
        """Return the table that was wanted; what its statement says of it comes later, where there was one."""
        table = self.table(made.name)
        table.add(made.columns)
        table.flags |= made.flags
        table.whole = tuple(made.columns)
        return table

    def _learn(self, call: Used) -> None:
        if call.failed:
            return
        code = next((v for v in call.arguments.values() if isinstance(v, str) and _OF_STATEMENT.search(v)), None)
        words = set(tokens(call.tool.rpartition("__")[2]))
        if code is not None and _CODE.search(code):
            self._read(code, _rows(call.result))
            self.ran = True
            return
        named = next((v for k, v in call.arguments.items() if "table" in tokens(k) and isinstance(v, str)), None)
        if named is not None and re.fullmatch(NAME, named):
            self._tell(table := self.table(named))
            if words & _DESCRIBES and (columns := columns_in(call.result)):
                table.add(columns)
                table.whole = tuple(columns)
        elif "tables" in words and named is None:
            for name in columns_in(call.result):
                self.table(name)

    def _read(self, code: str, rows: Sequence[Any]) -> None:
        if (found := _OF_STATEMENT.search(code)) is None:
            return
        self.last, self.turn, table = code, self._turn, self.table(found[1])
        self._tell(table)
        verb = code.split()[0].lower()
        inside = _inside(code, found.end())
        self.added = _added(code) if verb == "insert" else {}
        for name, value in [*self.added.items(), *_EQUAL_TO.findall(code)]:
            if value.startswith("'"):
                table.values.setdefault(name, set()).add(value[1:-1].replace("''", "'"))
        if verb == "create":
            columns = _declared(inside)
            table.add(columns)
            table.whole = tuple(columns)
        elif verb == "insert" and not re.match(r"\W*values\b", code[found.end() :], re.I):
            table.add(dict.fromkeys((c.strip() for c in inside.split(",") if re.fullmatch(rf"\s*{NAME}\s*", c)), ""))
        elif re.search(r"\bjoin\b", code, re.I) is None:
            self._read_selected(code, found.start(), table, rows)
        table.flags.update(re.findall(rf"({NAME})\s*=\s*[01]\b", _without_texts(code)))
        table.add({name: "" for m in _IN_USE.finditer(_without_texts(code)) if (name := m[1] or m[2])})

    def _read_selected(self, code: str, until: int, table: Table, rows: Sequence[Any]) -> None:
        listed = [part.strip() for part in _parts(code[len("select") : until])] if code[:6].lower() == "select" else []
        plain_ones = [part for part in listed if re.fullmatch(NAME, part)]
        inner = [m[1] for part in listed if (m := re.match(rf"\w+\(\s*(?:distinct\s+)?({NAME})\s*\)", part, re.I))]
        table.add(dict.fromkeys([*plain_ones, *inner], ""))
        if rows and all(isinstance(row, list) and len(row) == len(listed) for row in rows):
            rows = [dict(zip(listed, row, strict=True)) for row in rows]
        shown = [row for row in rows if isinstance(row, dict)]
        if not shown or (listed != ["*"] and not plain_ones):
            return
        wanted = list(shown[0]) if listed == ["*"] else plain_ones
        kept = [name for name in wanted if re.fullmatch(NAME, name) and name in shown[0]]
        table.rows = [{name: row.get(name) for name in kept} for row in shown]
        table.add(dict.fromkeys(kept, ""))
        if listed == ["*"] and not table.whole:
            table.whole = tuple(kept)


# --- what results and messages tell


def _rows(result: Any) -> list[Any]:
    if isinstance(result, dict):
        result = next((v for v in result.values() if isinstance(v, list) and v), [])
    while isinstance(result, list) and len(result) == 1 and isinstance(result[0], list) and _holds(result[0]):
        result = result[0]
    return result if isinstance(result, list) else []


def _holds(inner: Sequence[Any]) -> bool:
    return bool(inner) and isinstance(inner[0], (dict, list))


def columns_in(result: Any) -> dict[str, str]:
    """Return the names that *result* lists, of columns or of tables, each with its type where it tells one."""
    if isinstance(result, dict):
        result = next((v for v in result.values() if v and isinstance(v, (list, str))), None)
    if isinstance(result, str):
        if re.search(r"\bcreate\s+table\b", result, re.I):
            return _declared(_inside(result, 0))
        return _declared(re.sub(r"\n", ",", result).strip(" ,."))
    if not isinstance(result, list):
        return {}
    if len(result) == 1 and isinstance(result[0], list):
        return columns_in(result[0])
    found: dict[str, str] = {}
    for each in result:
        found |= _of_entry(each)
    return found


def _of_entry(each: Any) -> dict[str, str]:
    if isinstance(each, str):
        return _declared(each)
    if isinstance(each, dict):
        name = next(
            (each[k] for k in ("name", "column_name", "column", "table_name", "table", "field") if k in each), ""
        )
        return {name: str(each.get("type") or "")} if re.fullmatch(NAME, str(name)) else {}
    if isinstance(each, list):
        texts = [part for part in each if isinstance(part, str) and re.fullmatch(rf"{NAME}(?:\(.*\))?", part)]
        return {texts[0]: texts[1] if len(texts) > 1 else ""} if texts else {}
    return {}


def _added(code: str) -> dict[str, str]:
    """Return the row that the INSERT *code* adds; nothing where it adds several, or names no columns."""
    found = re.search(r"\(([^()]*)\)\s*values\s*\((.*)\)\s*;?\s*\Z", code, re.I | re.S)
    value = r"(?:'(?:[^']|'')*'|[-\w.]+)"
    if found is None or not re.fullmatch(rf"\s*{value}(?:\s*,\s*{value})*\s*", found[2]):
        return {}
    names, values = [name.strip() for name in found[1].split(",")], re.findall(value, found[2])
    return dict(zip(names, values, strict=True)) if len(names) == len(values) else {}


def _declared(text: str) -> dict[str, str]:
    """Return names and types of "id INTEGER, paid INTEGER (0/1)"; nothing where it does not read so."""
    found = dict[str, str]()
    for part in _parts(text):
        words = part.split()
        if _CONSTRAINT.match(part):
            continue
        if not words or not re.fullmatch(rf"[\"`\[]?{NAME}[\"`\]]?", words[0]) or len(words) > 8:
            return {}
        found[words[0].strip('"`[]')] = " ".join(words[1:])
    return found


def _inside(code: str, at: int) -> str:
    """Return what stands between the next round brackets after *at*."""
    if (start := code.find("(", at)) < 0:
        return ""
    depth = 0
    for place in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[place], 0)
        if depth == 0:
            return code[start + 1 : place]
    return code[start + 1 :]


def _parts(text: str) -> Iterator[str]:
    """Give the parts of *text* between commas that stand in no brackets."""
    depth, start = 0, 0
    for place, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _without_texts(code: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", code)
