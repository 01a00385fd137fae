"""All typed values of a message: addresses, paths, code, repositories, and those of the modules beside this one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.values.currency_values import currencies
from dynamic_plugins.embedded.values.expression_values import expressions
from dynamic_plugins.embedded.values.number_values import numbers
from dynamic_plugins.embedded.values.place_values import places
from dynamic_plugins.embedded.values.time_values import dates, times
from dynamic_plugins.embedded.values.typed_values import Kind, Value, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_URL = re.compile(
    r"\b(?i:https?)://[^\s<>\"'“”„»]+[^\s<>\"'“”„».,;:!?)]|"
    r"\b(?:www\.)[\w-]+(?:\.[\w-]+)+(?:/\S*)?|(?<![\w/@.])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|example)(?:/\S*[\w/])?\b"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_PATH = re.compile(r"(?<![\w/:.*])(?:~|\.{1,2})?/[\w.~@+/-]*[\w/]|\b[A-Z]:\\[^\s\"']*[\w]")
_GLOB = re.compile(r"(?<![^\s\"'`])(?=[^\s]*[A-Za-z])[\w./-]*\*[\w.*/{}-]*(?=[\s,;?!\"'`]|$)")
_RELATIVE = re.compile(r"(?<![\w/.@])[\w-]+(?:/[\w.-]+)+\.\w{1,5}\b")
_REPO = re.compile(r"(?<![\w/.:@-])([A-Za-z][\w-]*)/([A-Za-z][\w.-]*[\w])(?![\w/])")
_FILE = re.compile(r"(?<![\w/.@-])[\w-]*[A-Za-z_][\w-]*(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{0,4}(?![\w/]|\.\w)")
_HASH = re.compile(r"(?<![\w-])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,40}(?![\w-])|\bHEAD(?:[~^]\d*)*(?!\w)")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![\w.])\d{4}\.\d{4,5}(?:v\d+)?\b")
_QUOTED = re.compile(
    r"\"([^\"]+)\"|“([^”]+)[”\"]|„([^“”\"]+)[“”\"]|«\s*([^»]+?)\s*»|‘([^’]+)’|`([^`]+)`|「([^」]+)」|『([^』]+)』|(?<!\w)'([^'\n]+?)'(?!\w)"
)
_SQL = re.compile(
    r"\b(?:select\b(?=.+?\bfrom\b|\s+[\d(*'\"])|insert\s+(?:or\s+\w+\s+)?into\b|update\s+\S+\s+set\b|delete\s+from\b|"
    r"(?:create|alter|drop)\s+(?:table|index|view)\s+\S+(?=.*[(]|.*\badd\b|\s*;?\s*$)|pragma\s+\w+|with\s+\w+\s+as\s*\()",
    re.I | re.S,
)
_ISSUE = re.compile(r"#(\d+)\b|\b(?:pr|issue|pull request|number|nr\.?|ticket)\s+#?(\d+)\b", re.I)


def extract(text: str, today: date | None = None) -> Values:
    """Return the typed values in *text*. *today* is what relative days are counted from.

    What belongs to a longer value is none by itself: the number in a path, the file name in an address.
    """
    taken = bytearray(len(text))
    found: list[Value] = []
    # Quoted text is kept beside what it holds: "readme.md" is a file as well.
    found += [Value("quoted", next(g for g in m.groups() if g), m.start(), m.end()) for m in _QUOTED.finditer(text)]
    for value in _ordered(text, today):
        if not any(taken[value.start : value.end]):
            taken[value.start : value.end] = b"\1" * (value.end - value.start)
            found.append(value)
    found.sort(key=lambda value: (value.start, -value.end))
    return Values(text, tuple(found))


def _ordered(text: str, today: date | None) -> Iterator[Value]:
    if (sql := _SQL.search(text)) is not None:
        end = _end_of_code(text, sql.start())
        yield Value("sql", text[sql.start() : end].strip(), sql.start(), end)
    for kind, pattern in _PLAIN[:3]:
        yield from (Value(kind, m.group(), m.start(), m.end()) for m in pattern.finditer(text))
    yield from expressions(text)
    for kind, pattern in _PLAIN[3:]:
        yield from (Value(kind, m.group(), m.start(), m.end()) for m in pattern.finditer(text))
    yield from times(text)
    yield from dates(text, today)
    yield from (Value("issue", int(m[1] or m[2]), m.start(), m.end()) for m in _ISSUE.finditer(text))
    yield from numbers(text)
    yield from places(text)
    yield from currencies(text)


_PLAIN: list[tuple[Kind, re.Pattern[str]]] = [
    ("url", _URL),
    ("email", _EMAIL),
    ("id", _UUID),
    ("path", _PATH),
    ("glob", _GLOB),
    ("path", _RELATIVE),
    ("repo", _REPO),
    ("file", _FILE),
    ("hash", _HASH),
]


def _end_of_code(text: str, start: int) -> int:
    """Code goes to the end of the message, but not into the sentence that follows a semicolon or a quotation mark."""
    if start and text[start - 1] in "\"“„`'":
        close = {"“": "”", "„": "“"}.get(text[start - 1], text[start - 1])
        at = text.find(close, start)
        return at if at > 0 else len(text)
    for mark in re.finditer(
        r";(?=\s|$)|\n\s*\n|\s[—–]\s|\s-\s(?=[^\W\d_]+\s+[^\W\d_]+\s)|,\s+(?:this|that|which|what)\s|[.?!]\s+(?=[A-ZÄÖÜ¿¡][a-zäöü])|\s+(?:please|pls|plz|bitte)\s*[.!?]*\s*$",
        text[start:],
    ):
        return start + mark.start()
    return start + len(text[start:].rstrip().rstrip("?.") if not text.rstrip().endswith(")?") else text[start:])
