"""The INSERT for a row whose values a message lists, or that is the last one with something else in it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.context.table_names import NAME
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.row_values import RowValues, same_columns, values_in
from dynamic_plugins.embedded.slots.sql_conditions import NUMBER, QUOTED, literal
from dynamic_plugins.embedded.slots.sql_subject import code_of, says
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.embedded.context.known_tables import Table
    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.language.free_text import Span

FEWEST = 2
"""A listing of fewer values is none for sure."""


class Listed(NamedTuple):
    """An INSERT, and where the message lists its values."""

    code: str
    span: Span


def insert(message: Message, table: Table, used: Sequence[Span], *, named: bool) -> Listed | None:
    """Return the INSERT into *table*, which the message names at *used* where *named*, for the values it lists."""
    verb = says("insert", message.text)
    if verb is None or not table.whole or _refused(message.text, verb.start()):
        return None
    return (_whole(message.text, table, used, verb.end()) if named else None) or _fitted(
        message, table, used, verb.end(), named=named
    )


def row_code(table: Table, values: dict[str, str]) -> str:
    """Return the INSERT of a row with *values*, which are as SQL writes them."""
    names, told = ", ".join(values), ", ".join(values.values())
    return code_of("INSERT INTO", table.name, f"({names})", f"VALUES ({told})")


def insert_again(message: Message, table: Table, row: dict[str, str]) -> str | None:
    """ "Same amount, same date for M. Deshpande, id 2": *row*, the last that was added, with these values in it."""
    kept = same_columns(message.text, table)
    if not kept or message.text.rstrip().endswith("?"):
        return None
    again = rf"(?<!\w){phrases('sql', 'again')}(?!\w)"
    text = re.sub(rf"{again}\s+[^\W\d_]+\s*(?:,|(?:and|und|y|et|e|i)(?!\w))?", "", message.text, flags=re.I)
    text = re.sub(again, "", text, flags=re.I)
    values = RowValues(table)
    if not values.fit(values_in(text.strip())) or set(kept) & values.found.keys():
        return None
    told = values.found.keys() | set(kept)
    if not values.found or not values.found.keys() <= row.keys() or not row.keys() <= told | set(table.flags):
        return None
    return row_code(table, {column: values.found.get(column, value) for column, value in row.items()})


# --- a value for every column, in their order


def _whole(text: str, table: Table, used: Sequence[Span], at: int) -> Listed | None:
    for span in _lists(text, used, at):
        parts = [part for part in _split(text[slice(*span)]) if part]
        names = list(table.whole)
        if len(parts) == len(names) - 1 and names[0].casefold() == "id":
            names = names[1:]
        if len(parts) != len(names) or len(parts) < FEWEST:
            continue
        pairs = _labelled(parts, names) or dict(zip(names, parts, strict=True))
        if any(table.counts(name) and not re.fullmatch(NUMBER, value) for name, value in pairs.items()):
            continue
        return Listed(row_code(table, {n: _as_value(v, table.texts(n)) for n, v in pairs.items()}), span)
    return None


def _lists(text: str, used: Sequence[Span], at: int) -> list[Span]:
    """Return where values may stand: behind a colon, or between the verb and the table."""
    found = []
    for colon in re.finditer(r":\s+", text):
        end = re.compile(r"[.;](?=\s+\S)|\n|[.;]?\s*\Z").search(text, colon.end())
        found.append((colon.end(), end.start() if end else len(text)))
    start = used[0][0] if used else at
    into = r"\s+(?:to|in|into|en|a|dans|à|in|em|na|do|w)\s+(?:(?:the|die|la|el|o|il)\s+)?"
    tail = re.search(rf"{into}(?:{phrases('sql', 'table')}\s+)?[\"'`]?\Z", text[:start], re.I)
    return [*found, *([(at, tail.start())] if tail and tail.start() > at else [])]


def _split(text: str) -> list[str]:
    parts = re.findall(rf"\s*((?:{QUOTED}|[^,])+)(?:,|\Z)", text)
    return [re.sub(r"\A(?:and|und|y|et|e|i)\s+", "", part.strip(), flags=re.I) for part in parts]


def _labelled(parts: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the value of each column where every part begins with the name of one: "item tomato, crates 14"."""
    found: dict[str, str] = {}
    for part in parts:
        told = re.match(rf"({NAME})\s*[:=]?\s+(\S.*)\Z|({NAME})[:=](\S.*)\Z", part)
        name = next((n for n in names if told and plain(n) == plain(told[1] or told[3])), None)
        if told is None or name is None or name in found:
            return {}
        found[name] = told[2] or told[4]
    return found


def _as_value(said: str, text: bool) -> str:
    if re.fullmatch(QUOTED, said):
        return literal(said[1:-1], text=True)
    return literal(said, text=text)


# --- values that fit the columns


def _fitted(message: Message, table: Table, used: Sequence[Span], at: int, *, named: bool) -> Listed | None:
    """Return the INSERT for values of which each finds its column by name, by its sort, or in the order of texts."""
    if message.values.of("url", "email", "path", "file", "repo"):
        return None
    for start, end in _listings(message.text, table, used, at):
        values = RowValues(table)
        parts = values_in(message.text[start:end])
        columns = [column for column in table.whole if column.casefold() != "id"]
        if len(parts) < FEWEST or not values.fit(parts) or len(values.found) * 2 < len(columns):
            continue
        if named or values.typed:
            return Listed(row_code(table, values.found), (start, end))
    return None


def _listings(text: str, table: Table, used: Sequence[Span], at: int) -> Iterator[Span]:
    """Give where a listing may stand: behind the verb and small words, or behind those and a colon."""
    masked = text
    for start, end in used:
        masked = masked[:start] + " " * (end - start) + masked[end:]
    begins = _lead().match(masked, at)
    if (colon := re.compile(r":\s+").search(text, at)) is not None:
        between = [w for w in tokens(masked[at : colon.start()]) if w not in fillers() and w not in tokens(table.name)]
        if all(_lead().fullmatch(f"{word} ") for word in between):
            yield colon.end(), _end(text, colon.end())
        return
    first = begins.end() if begins else at
    tail = re.compile(
        r"\s+(?:to|into|in|en|a|dans|à|em|na|do|w)\s+(?:(?:the|die|la|el|o|il)\s+)?(?:\w+\s+)?\s*\Z", re.I
    )
    last = min([*(start for start, _ in used if start > first), _end(text, first)])
    into = tail.search(text[first:last]) if last in [start for start, _ in used] else None
    yield first, first + into.start() if into else last


def _end(text: str, at: int) -> int:
    """Return where the sentence ends; a point behind one letter or a number ends none: "S. Kulkarni", "12. Juli"."""
    found = re.compile(r"(?<![\W\d_]\w)(?<!\d)(?<!\s\w)[.!?](?=\s)|\n|[.!?]*\s*\Z").search(text, at)
    return found.start() if found else len(text)


def _refused(text: str, verb: int) -> bool:
    return re.search(rf"(?<!\w)(?:{phrases('sql', 'no')}|don'?t|never)\s+(?:\w+\s+)?\Z", text[:verb], re.I) is not None


@cache
def _lead() -> re.Pattern[str]:
    return re.compile(rf"(?:[\s,]*{phrases('sql', 'row_lead')}(?=[\s,:]))*[\s,]*", re.I)
