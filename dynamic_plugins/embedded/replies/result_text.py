"""A result as a person reads it, by its shape: a sentence, a short list, a table, the text itself.

What it travelled in has been taken off (:mod:`dynamic_plugins.embedded.context.result_unwrapping`), and nothing is
added that the result does not hold.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.result_unwrapping import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_CHARACTERS = 3_000
MOST_ROWS = 20
MOST_COLUMNS = 6
IN_A_SENTENCE = 6
"""So many values stand in one sentence; more make a list."""
CELL = 60
DEEPEST = 3

_PLACES = ("city", "place", "location", "timezone", "time_zone", "country")
_LEADING = ("id", "number", "key", "name", "full_name", "title", "path", "state", "status")
_DONE = frozenset({"ok", "done", "success", "succeeded", "true", "null", "none"})
_CODE_LINE = re.compile(
    r"^(\t| {4}\S|[+-](?![ -])|@@|diff --git|def |class |import |from \w+ import|#include|function |const |let |"
    r"<[a-z!/]|\$ )|[{};]\s*$|[├└│]"
)


def is_empty(value: Any) -> bool:
    """Return whether there is nothing in *value*: no text, no rows, or lists that are all empty."""
    if value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip()):
        return True
    if not isinstance(value, dict):
        return False
    lists = [each for each in value.values() if isinstance(each, (list, dict))]
    others = [each for each in value.values() if not isinstance(each, (list, dict))]
    return bool(lists) and not any(lists) and not any(each for each in others if each is not True)


def empty_part(value: Any) -> str:
    """Return the name of what is empty in *value*, or nothing: ``issues`` of ``{"issues": []}``."""
    names = [key for key, each in value.items() if each in ([], {})] if isinstance(value, dict) else []
    return spoken(names[0]) if len(names) == 1 else ""


def is_done(value: Any) -> bool:
    """Return whether *value* says that it worked, and nothing else."""
    if isinstance(value, dict) and len(value) == 1:
        (key, only), *_ = value.items()
        return key in ("ok", "success", "done", "succeeded") and only is True
    return value is True or (isinstance(value, str) and value.strip().rstrip(".!").lower() in _DONE)


def shaped(value: Any) -> str:
    """Return *value* as text, Markdown where it helps; what is long is cut, with how much is left."""
    return _cut(_shaped(value))


def _shaped(value: Any) -> str:
    match value:
        case Part():
            return f"{_cut(_shaped(value.value))}\n… {value.cut}."
        case str():
            return _text(value)
        case dict():
            return _object(value)
        case list():
            return _list(value)
    return scalar(value)


def scalar(value: Any) -> str:
    """Return one value as a person writes it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case str():
            return _moment(value.strip())
    return str(value)


def _moment(text: str) -> str:
    """Return an ISO time as date and time; any other text as it is."""
    if not re.match(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d", text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    seconds = f":{moment:%S}" if moment.second else ""
    zone = f" (UTC{moment.isoformat()[-6:]})" if moment.tzinfo is not None else ""
    return f"{moment:%Y-%m-%d %H:%M}{seconds}{zone}"


def spoken(key: str) -> str:
    """Return a key as words: ``day_of_week`` and ``dayOfWeek`` are "day of week"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("_", " ").replace("-", " ").strip().lower() or key


def _text(text: str) -> str:
    stripped = text.strip("\n")
    if "```" in stripped or not looks_like_code(stripped):
        return stripped
    kind = "diff" if re.search(r"^(diff --git|@@ )", stripped, re.M) else ""
    return f"```{kind}\n{_cut(stripped)}\n```"


def looks_like_code(text: str) -> bool:
    """Return whether *text* is code, a diff or a tree, whose line breaks and indents matter."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and sum(bool(_CODE_LINE.search(line)) for line in lines) * 3 >= len(lines)


# ---------------------------------------------------------------- objects


def _object(value: Mapping[str, Any], depth: int = 0) -> str:
    if table := _columns_and_rows(value):
        return table
    held = {key: each for key, each in value.items() if each is not None and each not in ("", [], {})}
    if len(held) == 1 and (only := next(iter(held.values()))) and isinstance(only, (list, dict)):
        return _named(next(iter(held)), only, depth)
    simple = {key: each for key, each in held.items() if _is_simple(each)}
    if len(simple) == len(held) and len(held) <= IN_A_SENTENCE:
        return sentence(held)
    lines = [f"- {spoken(key)}: {_in_line(each)}" for key, each in simple.items()]
    return "\n".join([*lines, *(_named(key, each, depth) for key, each in held.items() if key not in simple)])


def _is_simple(value: Any) -> bool:
    return not isinstance(value, (list, dict)) and "\n" not in str(value).strip()


def sentence(value: Mapping[str, Any]) -> str:
    """Return a simple object as a sentence, its place first: "Hamburg: temp 9, sky light rain."."""
    place = next((key for key in _PLACES if isinstance(value.get(key), str)), None)
    if place is None or len(value) == 1:
        return "; ".join(f"{spoken(key)}: {_in_line(each)}" for key, each in value.items())
    told = ", ".join(f"{spoken(key)} {_in_line(each)}" for key, each in value.items() if key != place)
    return f"{value[place]}: {told}"


def _in_line(value: Any) -> str:
    return " ".join(scalar(value).split())


def _named(key: str, value: Any, depth: int) -> str:
    """Return a part of an object under its name, on one line where it is short."""
    if isinstance(value, str):
        return f"{spoken(key)}:\n{_text(value)}"
    if depth >= DEEPEST:
        return f"- {spoken(key)}: {_brief(value)}"
    inner = _list(value) if isinstance(value, list) else _object(value, depth + 1)
    if "\n" not in inner and not inner.startswith(("- ", "|")):
        return f"{spoken(key)}: {inner}"
    count = f" ({len(value)})" if isinstance(value, list) else ""
    return f"{spoken(key)}{count}:\n\n{inner}"


def _columns_and_rows(value: Mapping[str, Any]) -> str:
    columns, rows = value.get("columns"), value.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list) or not rows:
        return ""
    names = [str(each.get("name", "")) if isinstance(each, dict) else str(each) for each in columns]
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return ""
    return _table(names, [dict(zip(names, row, strict=True)) for row in rows])


# ---------------------------------------------------------------- lists


def _list(values: Sequence[Any]) -> str:
    if len(values) == 1 and isinstance(values[0], dict):
        return _object(values[0])
    if values and all(isinstance(each, dict) for each in values):
        return _rows(values)
    texts = [_brief(each) for each in values]
    if len(texts) <= IN_A_SENTENCE and all(len(text) <= CELL and "," not in text for text in texts):
        return listed(texts)
    return "\n".join([*(f"- {text}" for text in texts[:MOST_ROWS]), *_left(len(texts), "more")])


def listed(texts: Sequence[str], word: str = "and") -> str:
    """Return "a, b and c"."""
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(key for row in rows for key in row))
    filled = [name for name in names if any(row.get(name) not in (None, "", [], {}) for row in rows)]
    leading = [name for name in _LEADING if name in filled]
    columns = [*leading, *(name for name in filled if name not in leading)]
    # Links and dumps are what nobody reads in a table; where there is room they stand last.
    columns.sort(key=lambda name: any("://" in str(row.get(name)) or isinstance(row.get(name), list) for row in rows))
    if len(columns) == 1:
        return _list([row.get(columns[0]) for row in rows])
    return _table(columns[:MOST_COLUMNS], rows)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    head = [f"| {' | '.join(spoken(name) for name in columns)} |", f"|{' --- |' * len(columns)}"]
    body = [f"| {' | '.join(_cell(row.get(name)) for name in columns)} |" for row in rows[:MOST_ROWS]]
    left = _left(len(rows), "more rows")
    return "\n".join([*head, *body, *([""] if left else []), *left])


def _left(count: int, what: str) -> list[str]:
    return [f"… and {count - MOST_ROWS} {what}."] if count > MOST_ROWS else []


def _cell(value: Any) -> str:
    text = _brief(value).replace("|", "\\|") if value is not None else ""
    return text if len(text) <= CELL else text[: CELL - 1].rstrip() + "…"


def _brief(value: Any) -> str:
    """Return any value on one line."""
    if isinstance(value, dict):
        name = next((value[key] for key in ("name", "title", "login", "full_name", "id") if value.get(key)), None)
        return _in_line(name) if name is not None else sentence({k: v for k, v in value.items() if _is_simple(v)})
    if isinstance(value, list):
        short = [_brief(each) for each in value[:IN_A_SENTENCE]]
        more = f" and {len(value) - IN_A_SENTENCE} more" if len(value) > IN_A_SENTENCE else ""
        return ", ".join(short) + more
    return _in_line(value)


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS]
    end = kept.rfind("\n")
    kept = kept[: end if end > MOST_CHARACTERS // 2 else MOST_CHARACTERS].rstrip()
    fence = "\n```" if kept.count("```") % 2 else ""
    return f"{kept}{fence}\n… {len(text) - len(kept):,} more characters: ask for a part of it to see the rest."
