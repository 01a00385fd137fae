"""The UPDATE for the row that was just added, where a message puts one of its values right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.row_values import RowValues
from dynamic_plugins.embedded.slots.sql_conditions import NUMBER, QUOTED, literal
from dynamic_plugins.embedded.slots.sql_subject import code_of, says
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from dynamic_plugins.embedded.context.known_tables import Table, Tables
    from dynamic_plugins.embedded.context.message import Message

JUST_NOW = 2
"""So many turns ago the row was added at most."""
LONGEST = 24
"""A message of more words is about something else as well."""


def corrected_row(message: Message, tables: Tables) -> str | None:
    """Return the UPDATE of the row that was added just now which *message* wants; None where none is sure."""
    text, row, table = message.text, tables.added, tables.current
    if not row or table is None or not tables.ran or tables.turn > JUST_NOW or len(message.words) > LONGEST:
        return None
    if text.rstrip().endswith("?"):
        return None
    told = _instead(text, row)
    if told is None and says("puts_right", text):
        told = _known_value(text, row, table) or _counted(text, row, table)
    if told is None or told[1] == row[told[0]]:
        return None
    where = _where(row, told[0])
    return code_of("UPDATE", table.name, "SET", f"{told[0]} = {told[1]}", "WHERE", where) if where else None


def _where(row: dict[str, str], changed: str) -> str:
    """Return what tells *row* apart: its id where it was given one, else all that it holds beside what is changed."""
    own = next((column for column in row if column.casefold() == "id" and column != changed), None)
    kept = [own] if own else [column for column in row if column != changed and row[column].lower() != "null"]
    return " AND ".join(f"{column} = {row[column]}" for column in kept)


def _instead(text: str, row: dict[str, str]) -> tuple[str, str] | None:
    """ "He's 3, not 2": the one column that holds the value which is refused gets the other."""
    value = rf"({NUMBER}|{QUOTED}|[A-ZÄÖÜ][\w-]*)"
    found = re.search(rf"(?<![\w.]){value}\s*,?\s*(?:and\s+|y\s+|und\s+)?(?i:{phrases('sql', 'old')})\s+{value}", text)
    if found is None:
        return None
    new, old = (literal(found[i].strip("'\"“”„«»"), text=not re.fullmatch(NUMBER, found[i])) for i in (1, 2))
    holding = [column for column, held in row.items() if _same(held, old)]
    return (holding[0], new) if len(holding) == 1 else None


def _same(held: str, told: str) -> bool:
    return plain(held.strip("'")) == plain(told.strip("'"))


def _known_value(text: str, row: dict[str, str], table: Table) -> tuple[str, str] | None:
    """ "Is the Lavanda, Ulivo has the stairs": a text for the column that is known to hold it, or held the other."""
    told = re.search(
        rf"(?<!\w)(?i:{phrases('sql', 'becomes')}|c'est|'s)\s+(?:(?:the|der|die|das|la|le|el|il|o|a)\s+)?"
        rf"(?P<v>{QUOTED}|[A-ZÄÖÜ][\w-]*(?:\s+[A-ZÄÖÜ][\w-]*)*)",
        text,
    )
    if told is None:
        return None
    said = told["v"].strip("'\"“”„«»")
    rest = set(tokens(text[: told.start("v")] + text[told.end("v") :]))
    texts = [column for column, held in row.items() if held.startswith("'") and column not in table.days]
    known = [column for column in texts if plain(said) in {plain(value) for value in table.held(column)}]
    known = known or [column for column in texts if set(tokens(row[column])) <= rest]
    return (known[0], literal(said, text=True)) if len(known) == 1 else None


def _counted(text: str, row: dict[str, str], table: Table) -> tuple[str, str] | None:
    """ "There were two of them": another number, where the row holds one."""
    words = number_words()
    every = [m.group() for m in re.finditer(rf"(?<![\w.'])(?:{NUMBER})", text)]
    every += [word for word in tokens(text) if words.get(word, 0) > 1]
    told = re.search(
        rf"(?:(?<!\w)(?:{phrases('sql', 'becomes')}|were|was|are|waren|war|eran|étaient|erano|eram)|'s)"
        rf"\s+(?:only\s+|just\s+|nur\s+)?({NUMBER}|[^\W\d_]+)",
        text,
        re.I,
    )
    own = [c for c in row if c in RowValues(table).numeric() and not row[c].startswith("'")]
    if told is None or len(own) != 1 or len(every) != 1 or told[1].lower() != every[0].lower():
        return None
    return own[0], literal(str(words.get(every[0], every[0])))
