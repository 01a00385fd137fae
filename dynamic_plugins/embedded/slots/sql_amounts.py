"""The UPDATE that takes so many off what the row holds that was shown last: "take 5 off", "zieh die 5 ab"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_conditions import NUMBER, literal
from dynamic_plugins.embedded.slots.sql_subject import LATELY, Written, code_of, says

if TYPE_CHECKING:
    from dynamic_plugins.embedded.slots.sql_subject import Subject

_WHERE = re.compile(r"\bwhere\b\s*(.+?)\s*;?\s*\Z", re.I | re.S)
_MORE = re.compile(r"\b(?:group|order)\s+by\b|\blimit\b|\bor\b|\bjoin\b", re.I)
_STOCK = re.compile(
    r"(?:^|_)(?:qty|quantity|amount|stock|count|number|left|pieces|menge|anzahl|bestand|vorrat|cantidad|existencias|quantit[éà]"
    r"|stück|quantidade|aantal|ilość|adet|jumlah|stok)(?:_|$)",
    re.I,
)


def less(subject: Subject) -> Written | None:
    """Return the UPDATE for so many less of what *subject* is about; None unless one row was shown, and one amount."""
    text, table, last = subject.text, subject.table, subject.tables.last
    found = list(re.finditer(rf"(?<![\w.])(?:{NUMBER})", text))
    if says("takes_off", text) is None or len(found) != 1 or text.rstrip().endswith("?"):
        return None
    if re.match(rf"\s*{phrases('sums', 'percent')}", text[found[0].end() :], re.I):
        return None
    where = _WHERE.search(last)
    shown = last[:6].lower() == "select" and len(table.rows) == 1 and subject.tables.turn <= LATELY
    if (
        where is None
        or not shown
        or _MORE.search(last)
        or subject.tables.current is not subject.tables.named(table.name)
    ):
        return None
    column = _amount(subject)
    value = literal(found[0].group())
    if column is None or value.startswith("-"):
        return None
    code = code_of("UPDATE", table.name, "SET", f"{column} = {column} - {value}", "WHERE", where[1])
    return Written(code, [*subject.used, found[0].span()])


def _amount(subject: Subject) -> str | None:
    """Return the column that is named, or the only one of the row with a number that says how many there are."""
    (row,) = subject.table.rows
    asked = {name.casefold() for name, _, _ in subject.columns.mentions}
    numbers = [name for name, value in row.items() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    numbers = [name for name in numbers if name.casefold() != "id" and name not in subject.table.flags]
    for fits in ([n for n in numbers if n.casefold() in asked], numbers, [n for n in numbers if _STOCK.search(n)]):
        if len(fits) == 1 and (not asked or fits[0].casefold() in asked or not asked & {n.casefold() for n in numbers}):
            return fits[0]
    return None
