"""JSON with comments and trailing commas, as editors keep their settings: parsed, and edited in place.

An edit replaces, adds or removes one member and leaves every other character as it was: comments, order, line ends and
indentation. A library that writes the whole document anew keeps none of that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from dynamic_plugins.core.outside_data import DEEPEST, TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n\ufeff]+ | //[^\r\n]* | /\*.*?\*/)
    | (?P<string>"(?:[^"\\\r\n]|\\.)*")
    | (?P<mark>[{}\[\]:,])
    | (?P<word>[A-Za-z0-9+.\-]+)""",
    re.VERBOSE | re.DOTALL,
)
_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)


class JsoncError(ValueError):
    """The text is no JSON, not even with comments; the message has the line.

    It is no PluginError: whoever reads the file names it.
    """


@dataclass(slots=True)
class _Node:
    """A value and where it stands in the text; of an object its members by key, of an array its items."""

    start: int
    end: int
    value: Any
    members: dict[str, _Member] = field(default_factory=dict)
    items: list[_Node] = field(default_factory=list)


@dataclass(slots=True)
class _Member:
    start: int
    node: _Node


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = list(self._scan())
        self._next = 0

    def _scan(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if found is None:
                self.fail(at)
            at = found.end()
            if found.lastgroup != "blank":
                yield found

    def fail(self, at: int) -> NoReturn:
        line = self.text.count("\n", 0, at) + 1
        raise JsoncError(f"line {line} is no JSON")

    def document(self) -> _Node:
        if not self._tokens:
            return _Node(len(self.text), len(self.text), {})
        node = self._value(0)
        if self._next < len(self._tokens):
            self.fail(self._tokens[self._next].start())
        return node

    def _take(self) -> re.Match[str]:
        if self._next >= len(self._tokens):
            self.fail(len(self.text))
        self._next += 1
        return self._tokens[self._next - 1]

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _value(self, depth: int) -> _Node:
        if depth > DEEPEST:
            raise JsoncError(TOO_DEEP)
        token = self._take()
        if token[0] == "{":
            return self._object(token.start(), depth)
        if token[0] == "[":
            return self._array(token.start(), depth)
        try:
            return _Node(token.start(), token.end(), json.loads(token[0], strict=False))
        except ValueError:
            self.fail(token.start())

    def _object(self, start: int, depth: int) -> _Node:
        node = _Node(start, start, {})
        while self._peek() != "}":
            key = self._take()
            if key.lastgroup != "string" or self._take()[0] != ":":
                self.fail(key.start())
            name = json.loads(key[0], strict=False)
            value = self._value(depth + 1)
            node.members[name] = _Member(key.start(), value)
            node.value[name] = value.value
            self._comma("}")
        node.end = self._take().end()
        return node

    def _array(self, start: int, depth: int) -> _Node:
        node = _Node(start, start, [])
        while self._peek() != "]":
            item = self._value(depth + 1)
            node.items.append(item)
            node.value.append(item.value)
            self._comma("]")
        node.end = self._take().end()
        return node

    def _comma(self, end: Literal["}", "]"]) -> None:
        if self._peek() == ",":
            self._take()
        elif self._peek() != end:
            self.fail(self._tokens[self._next].start() if self._next < len(self._tokens) else len(self.text))


class JsoncDocument:
    """A document that is edited in place. An empty text counts as an empty object.

    Raises JsoncError for what is no JSON, and for a document that is no object.
    """

    def __init__(self, text: str) -> None:
        self._read(text if text.strip("\ufeff \t\r\n") else "{}\n")

    def _read(self, text: str) -> None:
        self.text = text
        self._root = _Parser(text).document()
        if not isinstance(self._root.value, dict):
            raise JsoncError("it is no JSON object")
        found = _INDENT.search(text)
        self._unit = found[1] if found else "  "

    @property
    def data(self) -> dict[str, Any]:
        """The document as plain values."""
        value: dict[str, Any] = self._root.value
        return value

    def set(self, path: Sequence[str], value: Any) -> None:
        """Put *value* at *path*; the objects on the way are made where they are missing.

        Raises JsoncError where something on the way is no object.
        """
        node, at = self._root, 0
        while at < len(path) and isinstance(node.value, dict) and path[at] in node.members:
            node, at = node.members[path[at]].node, at + 1
        if at == len(path):
            if node.value != value:
                self._splice([(node.start, node.end, self._rendered(value, self._indent_at(node.start)))])
            return
        if not isinstance(node.value, dict):
            raise JsoncError(f"{'.'.join(path[:at])} is no JSON object")
        for key in reversed(path[at + 1 :]):
            value = {key: value}
        self._insert(node, f"{json.dumps(path[at], ensure_ascii=False)}: ", value)

    def append(self, path: Sequence[str], value: Any) -> None:
        """Put *value* at the end of the array at *path*, which is made where it is missing."""
        node = self._at(path)
        if node is None:
            self.set(path, [value])
        elif not isinstance(node.value, list):
            raise JsoncError(f"{'.'.join(path)} is no JSON array")
        else:
            self._insert(node, "", value)

    def remove(self, path: Sequence[str]) -> None:
        """Remove the member at *path*, with its line and the comment at the end of that, where there is one."""
        parent = self._at(path[:-1])
        if parent is None or path[-1] not in parent.members:
            return
        member = parent.members[path[-1]]
        end = member.node.end
        if comma := re.compile(r"[ \t\r\n]*,").match(self.text, end):
            end = comma.end()
            before: list[tuple[int, int, str]] = []
        else:
            before = self._comma_before(parent, member)
        self._splice([*before, self._whole_lines(member.start, end)])

    def _at(self, path: Sequence[str]) -> _Node | None:
        node = self._root
        for key in path:
            if not isinstance(node.value, dict) or key not in node.members:
                return None
            node = node.members[key].node
        return node

    def _comma_before(self, parent: _Node, member: _Member) -> list[tuple[int, int, str]]:
        """Return the removal of the comma that stands between a last member and the one before it."""
        earlier = [each.node.end for each in parent.members.values() if each.node.end < member.start]
        if not earlier:
            return []
        comma = self._behind_blanks(max(earlier))
        return [(comma, comma + 1, "")]

    def _behind_blanks(self, at: int) -> int:
        """Return where the next thing stands that is neither white space nor a comment."""
        while (found := _TOKEN.match(self.text, at)) is not None and found.lastgroup == "blank":
            at = found.end()
        return at

    def _whole_lines(self, start: int, end: int) -> tuple[int, int, str]:
        """Return the removal from *start* to *end*, of whole lines where nothing else stands on them."""
        line_start = self.text.rfind("\n", 0, start) + 1
        rest = re.compile(r"[ \t]*(?://[^\r\n]*)?\r?(?=\n|\Z)").match(self.text, end)
        if rest is None or self.text[line_start:start].strip():
            return start, end, ""
        return max(line_start - 1, 0), rest.end() - (self.text[rest.end() - 1 : rest.end()] == "\r"), ""

    def _insert(self, parent: _Node, label: str, value: Any) -> None:
        """Put a member or an item behind the last one of *parent*."""
        children = [each.node for each in parent.members.values()] or parent.items
        outer = self._indent_at(parent.start)
        if not children:
            inner = outer + self._unit
            close = parent.end - 1
            # A comment may stand inside; what is added goes behind it.
            kept = self.text[parent.start + 1 : close].rstrip(" \t\r\n")
            text = f"{kept}\n{inner}{label}{self._rendered(value, inner)}\n{outer}"
            self._splice([(parent.start + 1, close, text)])
            return
        last = max(child.end for child in children)
        first = min(each.start for each in parent.members.values()) if parent.members else children[0].start
        inner = self._indent_at(first) if "\n" in self.text[parent.start : first] else outer + self._unit
        text = f"\n{inner}{label}{self._rendered(value, inner)}"
        behind = self._behind_blanks(last)
        has_comma = self.text[behind] == ","
        end_of_line = self._behind_comment(behind + 1 if has_comma else last, parent.end)
        text += "," if has_comma else ""
        text += "" if "\n" in self.text[end_of_line : parent.end] else f"\n{outer}"
        self._splice([(last, end_of_line, ("" if has_comma else ",") + self.text[last:end_of_line] + text)])

    def _behind_comment(self, at: int, end: int) -> int:
        """Return the place behind a comment that follows *at* on the same line."""
        found = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/)").match(self.text, at, end)
        return found.end() if found else at

    def _indent_at(self, at: int) -> str:
        """Return the white space that the line of *at* begins with."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _rendered(self, value: Any, indent: str) -> str:
        unit: str | int = self._unit if "\t" in self._unit else len(self._unit)
        return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")

    def _splice(self, changes: list[tuple[int, int, str]]) -> None:
        text, line_end = self.text, "\r\n" if "\r\n" in self.text else "\n"
        for start, end, new in sorted(changes, reverse=True):
            text = text[:start] + new.replace("\n", line_end) + text[end:]
        self._read(text)
