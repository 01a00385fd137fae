"""The things that a result lists: of a structure its entries, of a text its lines or the parts of its one line."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REF = re.compile(r"\[?\b(?:ref|id)[=: ]+([\w-]+)\]?|\(([a-z]\d+)\)")
_MARK = re.compile(r"^\s*(?:[-*•>]|\d+[.)](?!\d)|\[(?:FILE|DIR)\])\s*", re.I)
_COMMIT = re.compile(r"^(?:commit\s+)?([0-9a-f]{6,40})\b\s*(.*)")
_SIZE = re.compile(r"\s+\d+(?:\.\d+)?\s*[KMGT]?B$")
_STATE = re.compile(r"^(?:modified|new file|deleted|untracked|added|renamed|staged)\s*:\s*", re.I)


@dataclass(frozen=True)
class Item:
    """One thing that a result lists: how it reads, and its fields (a line of text has those that can be seen in it)."""

    label: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def items_in(result: Any) -> list[Item]:
    """Return the things that *result* lists, in its order; one item for a result that is about one thing."""
    if isinstance(result, str):
        return _items_of_text(result)
    if isinstance(result, list):
        return [_item(each) for one in result for each in _with_branches(one)]
    if isinstance(result, dict):
        lists = [value for value in result.values() if isinstance(value, list) and value]
        if lists:
            return [_item(each) for one in max(lists, key=len) for each in _with_branches(one)]
        inner = [value for value in result.values() if isinstance(value, dict)]
        return [Item(_label(result), {**result, **{k: v for d in inner for k, v in d.items() if k not in result}})]
    return []


def _with_branches(each: Any, above: str = "") -> Iterator[Any]:
    """Give a thing, and what lies in it, each with its path from the top, where folders hold *children*."""
    if not (isinstance(each, dict) and isinstance(each.get("name"), str)) or not (above or each.get("children")):
        yield each
        return
    path = posixpath.join(above, each["name"])
    yield {**{k: v for k, v in each.items() if k != "children"}, "path": path}
    for inner in each.get("children") or ():
        yield from _with_branches(inner, path)


def _item(each: Any) -> Item:
    if isinstance(each, dict):
        return Item(_label(each), each)
    if isinstance(each, list):
        return Item(" ".join(map(str, each)), {"name": str(each[0])} if each else {})
    return _item_of_line(str(each))


def _label(fields: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in fields.values() if isinstance(value, (str, int)))


def _items_of_text(text: str) -> list[Item]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = _parts_of_line(text)
        if len(lines) == 1 and not (_REF.search(text) or _COMMIT.match(text) or _MARK.match(text)):
            # A plain sentence lists nothing; a lone path does.
            return [_item_of_line(text)] if re.fullmatch(r"\s*[~/][\w./-]+\s*", text) else []
    lines = [line for line in lines if not _HEADING.fullmatch(line)] or lines
    marked = [line for line in lines if _BRACKETED.match(line)]
    return [_item_of_line(line) for line in (marked if len(marked) == len(lines) - 1 > 1 else lines)]


_BRACKETED = re.compile(r"\s*\[(?!(?:FILE|DIR)\b)([\w-]+)\]\s+(\S.*)", re.I)
"""A line that begins with the id of what it names: "[9] curtains"; a line over such lines is a heading."""
_HEADING = re.compile(r"\s*(?:On branch \S+|[^:]*\w:)\s*")
"""A line that names what stands below it: "Untracked files:"."""
_ID_FIRST = re.compile(r"[A-Za-z]{0,2}\d+(?:\.\d+)*|([A-Za-z]{1,3}-?\d+):")
_NUMBERED = re.compile(r"(?:^|[\s;,]+)(?=(\d{1,2})[.)]\s)")
_FILES = re.compile(r"\s+(?=\[(?:FILE|DIR)\])")
_SEPARATORS = (r";\s+", r"\s\|\s", r",\s+(?=#\d)", r",\s+")
LONGEST_PART, LONGEST_BETWEEN_COMMAS = 14, 2
"""Of so many words is a part of a list at most; between commas, which sentences have as well, of fewer."""


def _parts_of_line(text: str) -> list[str]:
    """Return the parts of a list on one line: numbered, or between semicolons, bars or commas."""
    marks = list(_NUMBERED.finditer(text))
    if len(marks) > 1 and [int(mark[1]) for mark in marks] == list(range(1, len(marks) + 1)):
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    if len(parts := _FILES.split(text.strip())) > 1:
        return parts
    if _STATE.search(text.split(". ")[-1]):
        return [part for part in re.split(r"[.,]\s+", text) if not part.startswith("On branch ")]
    refs = len(_REF.findall(text))
    for separator in _SEPARATORS:
        parts = [part.strip() for part in re.split(separator, text.strip().rstrip("."))]
        longest = LONGEST_BETWEEN_COMMAS if separator == _SEPARATORS[-1] and refs < 2 else LONGEST_PART
        if len(parts) > 1 and all(part and len(part.split()) <= longest and ". " not in part for part in parts):
            return parts
    return [text]


def _item_of_line(line: str) -> Item:
    text = _MARK.sub("", line).strip()
    if found := _REF.search(text):
        ref = found[1] or found[2]
        label = text.replace(found.group(), " ").strip()
        return Item(label, {"ref": ref, "id": ref, "name": label})
    if found := _BRACKETED.match(text):
        return Item(found[2], {"id": found[1], "name": found[2]})
    if found := _COMMIT.match(text):
        return Item(text, {"sha": found[1], "hash": found[1], "revision": found[1], "id": found[1], "name": found[1]})
    named = _STATE.sub("", _SIZE.sub("", text))
    fields: dict[str, Any] = {
        "name": named,
        **({"size": size[0].strip()} if (size := _SIZE.search(text)) else {}),
        "kind": "dir" if "[DIR]" in line else "",
    }
    if found := re.match(r"#(\d+)\b", named):
        fields |= {"number": int(found[1]), "id": found[1]}
    if "/" in named and " " not in named:
        fields["path"] = named
    if re.fullmatch(r"[\w.-]*\d[\w.-]*", named) and not re.search(r"\.[a-z]{2,4}$", named):
        fields["id"] = named
    if len(words := named.split()) > 1 and (found := _ID_FIRST.fullmatch(words[0])):
        fields["id"] = found[1] or found[0]
    return Item(named, fields)
