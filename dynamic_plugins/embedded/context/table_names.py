"""What a message calls a table and its columns: "table purchases", "the columns are item, crates and paid"."""

from __future__ import annotations

import re

from dynamic_plugins.embedded.language.action_words import fillers, ordinals
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.text.tokenizer import plain

NAME = r"[^\W\d]\w*"
"""What a table or a column is called, where it needs no quotation marks."""
AND = r"and|und|y|et|e|i|en|ve|dan"
"""What stands before the last of several, in several languages."""
_NO_NAME = frozenset(["that", "which", "with", "has", "have", "named", "called", "structure", "schema", "whole", "same",
    "for", "other", "new", "right", "middle", "from", "are", "there", "not", "how", "what", "where", "called", "this",
    "these", "those", "alles", "every", "each", "values", "names", "tables", "table", "rows", "database", "into",
    "as", "like", "if", "when", "who", "than", "about", "because", "since", "while", "was", "were", "had", "would",
    "your", "their", "columns", "only", "but", "plus", "entire", "says", "should", "baru",
    "nuwe", "nieuwe", "hê", "vir", "yeni"])  # fmt: skip


def table_called(said: str) -> str | None:
    """Return what *said* calls a table: "table purchases", "from the pallets table", "rows in pallets"."""
    for pattern in _called():
        for found in pattern.finditer(said):
            if is_name(found[1]):
                return found[1]
    return None


def table_of_columns(said: str) -> tuple[str, tuple[int, int]] | None:
    """Return the table whose columns *said* asks for, and where: "what columns has stg_orders got"."""
    columns = phrases("sql", "columns")
    has = r"(?:does|do|has|have|had|did|hat|haben|tiene|tienen|a|ont|ha|tem|ma)"
    for pattern in (
        rf"\b{columns}\s+(?:are\s+(?:there\s+)?)?(?:in|of|from|for|von|in|de|del|dans|di|w|em)\s+(?:the\s+|der\s+|la\s+)?({NAME})\b",
        rf"\b{columns}\s+{has}\s+(?:the\s+|die\s+|la\s+)?({NAME})\b",
        rf"\b({NAME})(?:['\u2019]s)?\s+{columns}\b",
        rf"(?<![\w/.-])({NAME}_\w+)(?![\w/.-])",
    ):
        for found in re.finditer(pattern, said, re.I):
            if is_name(found[1]):
                return found[1], found.span(1)
    return None


def is_name(word: str) -> bool:
    """Return whether *word* can be what somebody calls a table or a column, and is none of the small words."""
    bare = plain(word)
    return len(word) > 1 and bare not in fillers() and bare not in _NO_NAME and bare not in ordinals()


def _called() -> list[re.Pattern[str]]:
    table, rows, called = phrases("sql", "table"), phrases("sql", "rows"), phrases("sql", "is_called")
    return [
        re.compile(
            rf"\b{table}\s+(?:{called}\s+)?[\"'`]?({NAME})\b",
            re.I,
        ),
        re.compile(rf"\b(?:the|from|in|into|of|to)\s+[\"'`]?({NAME})[\"'`]?\s+table\b", re.I),
        # A part of its own: "who still owes me money. invoices table".
        re.compile(rf"(?:\A|[.,;:!?]\s+|\bit['\u2019]?s\s+)({NAME})\s+table\b(?=\s*(?:[.,;:!?]|\Z))", re.I),
        re.compile(rf"(?<!\w)({NAME})\s+tablosu\w*", re.I),
        re.compile(
            rf"\b{rows}\b[^.,;?!]*?\b(?:in|of|from|en|de|dans|di|em|w|von)\s+[\"'`]?({NAME})[\"'`]?"
            rf"(?:\s*[?.!]*\Z|(?=\s+{phrases('sql', 'holding')}\s+\w))",
            re.I,
        ),
        re.compile(rf"\brow ?count (?:of|for|in)\s+({NAME})\b", re.I),
    ]


def columns_called(said: str) -> list[str]:
    """Return the columns that *said* lists: "the columns are item, crates and paid"."""
    found = re.search(
        rf"\b{phrases('sql', 'columns')}\b\s*(?:[:=]|(?:is|are|sind|son|sont|sono|são|to|named|called)\b)?\s*"
        rf"({NAME}(?:\s*(?:,|\band\b|\bund\b|\by\b|\bet\b|\be\b|\bi\b|&)\s*(?:and\s+)?{NAME})*)",
        said,
        re.I,
    )
    if found is None:
        return _in_brackets(said)
    names = [n for n in re.split(r"\s*(?:,|\b(?:and|und|y|et|e|i)\b|&)\s*", found[1]) if n]
    return names if all(is_name(name) or name == "id" for name in names) else []


def _in_brackets(said: str) -> list[str]:
    """Return the columns behind the name of a table: "my table bookings (there is guest, arrival, nights)"."""
    table = phrases("sql", "table")
    intro = r"(?:(?:there is|there are|it has|has|with|es gibt|mit|hat|con|tiene|hay|avec|il y a|ha|com|tem)\s+)?"
    told = rf"(?:\b{table}\s+{NAME}|\b{NAME}\s+(?:table|tablo\w*))\s*\(\s*{intro}({NAME}(?:\s*,\s*{NAME})+)\s*\)"
    found = re.search(told, said, re.I)
    return re.split(r"\s*,\s*", found[1]) if found else []
