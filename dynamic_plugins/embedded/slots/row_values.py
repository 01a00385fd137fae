"""Which column each of the values is for that a message lists for a row: by the column's name, its sort, its place."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.new_tables import likely_type
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.sql_conditions import NUMBER, QUOTED, literal
from dynamic_plugins.embedded.values.extractors import extract
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.known_tables import Table

LONGEST = 6
"""A text of more words is a sentence, no value of a row."""
_ID = re.compile(r"(?:^|_)id$", re.I)
_AMOUNT = re.compile(rf"(?:[^\W\d_]+\.?\s+|[$€£₹]\s*)?(?P<n>{NUMBER})(?:\s*[$€£₹%]|\s+[^\W\d_]+\.?)?")


class RowValues:
    """The values of one row of *table*, found for one part of a listing after another."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.found: dict[str, str] = {}
        """What each column gets, as SQL writes it."""
        self.typed = 0
        """So many of them are told by a name, as a number or as a day."""

    def fit(self, parts: Sequence[str]) -> bool:
        """Find the column of each of *parts*; False where one has none for sure."""
        left = [part for part in parts if not self._labelled(part)]
        left = [part for part in left if not self._flagged(part)]
        texts: list[str] = []
        for part in left:
            bare = _introduced().sub("", part)
            if day := _day(bare):
                if not self._only([c for c in self.table.days if c not in self.found], literal(day, text=True)):
                    return False
            elif amount := _AMOUNT.fullmatch(bare):
                if not self._only(self.numeric(), literal(amount["n"])):
                    return False
            else:
                texts.append(bare)
        free = [column for column in self.table.whole if self._takes_text(column)]
        if len(texts) > len(free) or not all(_is_text(text) and not self._names_column(text) for text in texts):
            return False
        self.found |= {column: _text(text) for column, text in zip(free, texts, strict=False)}
        self.found = {column: self.found[column] for column in self.table.whole if column in self.found}
        return True

    def _only(self, columns: Sequence[str], value: str) -> bool:
        if len(columns) != 1:
            return False
        self.found[columns[0]] = value
        self.typed += 1
        return True

    def numeric(self) -> list[str]:
        """Return the columns without a value yet that hold amounts, which an id is none of."""
        free = [c for c in self.table.whole if c not in self.found and c not in self.table.flags and not _ID.search(c)]
        return [column for column in free if self.counts(column)]

    def counts(self, column: str) -> bool:
        """Return whether *column* holds numbers, by what is known of it, else by its name."""
        if self.table.columns.get(column) or any(row.get(column) is not None for row in self.table.rows):
            return self.table.counts(column)
        return likely_type(column) != "TEXT"

    def _names_column(self, text: str) -> bool:
        """Whether *text* has the name of a column in it: then it is more than one value."""
        words = set(tokens(text))
        return any(len(column) > 2 and set(tokens(column)) <= words for column in self.table.whole)

    def _takes_text(self, column: str) -> bool:
        taken = column in self.found or column in self.table.flags or column in self.table.days
        return not taken and not _ID.search(column) and not self.counts(column)

    def _labelled(self, part: str) -> bool:
        """ "Id 1", "room Ulivo", "5 nights": a value beside the name of its column."""
        for column in self.table.whole:
            name = _forms(column)
            told = re.fullmatch(
                rf"(?:{name})\s*(?:[:=]|is\b|ist\b)?\s+(?P<v>\S.*)|(?P<w>\S.*?)\s+(?:{name})", part, re.I
            )
            value = _introduced().sub("", (told["v"] or told["w"])) if told else ""
            if column in self.found or told is None or not value or (column in self.table.flags):
                continue
            if (written := self._written(column, value)) and (told["v"] or len(value.split()) == 1):
                self.found[column] = written
                self.typed += 1
                return True
        return False

    def _written(self, column: str, value: str) -> str | None:
        if day := _day(value):
            return literal(day, text=True) if column in self.table.days else None
        if self.counts(column) or _ID.search(column):
            return literal(value) if re.fullmatch(NUMBER, value) else None
        return _text(value) if _is_text(value) and column not in self.table.days else None

    def _flagged(self, part: str) -> bool:
        """ "With dog", "not paid": whether a column that holds yes or no gets the one or the other."""
        for column in self.table.whole:
            has = rf"(?:(?P<no>{phrases('sql', 'no')}|{phrases('sql', 'lacking')})|{phrases('sql', 'where')})"
            told = re.fullmatch(rf"(?:{has}\s+)?(?:(?:the|a|an|den|die|il|la|le)\s+)?(?:{_forms(column)})", part, re.I)
            if told and column not in self.found and self.table.holds_yes_or_no(column):
                self.found[column] = "0" if told["no"] else "1"
                self.typed += 1
                return True
        return False


def values_in(listed: str) -> list[str]:
    """Return the parts of *listed* between commas, which those of numbers and of days are none of."""
    masked = listed
    for value in extract(listed).of("date", "quoted"):
        masked = masked[: value.start] + "x" * (value.end - value.start) + masked[value.end :]
    cuts = [m.span() for m in re.finditer(r"\s*[,;]\s+(?:(?:and|und|y|et|e|i|en|ve)\s+)?", masked)]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(listed)]
    return [part for start, end in zip(starts, ends, strict=True) if (part := listed[start:end].strip(" .!?"))]


def _forms(column: str) -> str:
    name = re.escape(column).replace("_", "[ _-]")
    return rf"{name}|{name.removesuffix('s')}s?" if len(column) > 3 else name


def _day(part: str) -> str | None:
    """Return the day that *part* is, and nothing else."""
    found = extract(part).of("date")
    whole = found and not found[0].unit and (found[0].start, found[0].end) == (0, len(part))
    return str(found[0].value) if whole else None


def _is_text(part: str) -> bool:
    if re.fullmatch(QUOTED, part):
        return True
    words = tokens(part)
    small = [word for word in words if word in fillers() or re.fullmatch(phrases("sql", "pointing"), word)]
    return 0 < len(words) <= LONGEST and not small and re.fullmatch(r"[^\W\d].*", part) is not None


def _text(part: str) -> str:
    return literal(part[1:-1] if re.fullmatch(QUOTED, part) else part, text=True)


@cache
def _introduced() -> re.Pattern[str]:
    return re.compile(rf"\A{phrases('sql', 'introducing')}\s+", re.I)


def same_columns(said: str, table: Table) -> list[str]:
    """Return the columns that *said* wants as they were: "same amount, same date"."""
    found = []
    for m in re.finditer(rf"(?<!\w){phrases('sql', 'again')}\s+([^\W\d_]+)", said, re.I):
        word = plain(m[1])
        own = [c for c in table.whole if word in tokens(c.replace("_", " "))]
        own = own or (table.days if re.fullmatch(phrases("sql", "day_words"), word) else [])
        found += own[:1]
    return found
