"""The value of a result, out of what it travelled in: MCP content blocks, JSON in a string, ``{"result": …}``."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_WRAPS = 6
_DUMPED = re.compile(r"\A\s*(?:CallToolResult\(|(?:_?meta=\S+ )?content=\[)")
_DUMPED_TEXT = re.compile(r"""\btext=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.S)
_FAILED_DUMP = re.compile(r"\b(?:isError|is_error)=True\b")
_BLOCKS = frozenset({"text", "image", "audio", "resource", "resource_link"})


class Failed:
    """A result that says of itself that the action failed; *text* is what it says of the reason."""

    def __init__(self, text: str) -> None:
        self.text = text


class Part:
    """The beginning of a result that was too long to be passed on; *cut* says what is left out."""

    def __init__(self, value: Any, cut: str) -> None:
        self.value, self.cut = value, cut


def unwrapped(value: Any) -> Any:
    """Return what a result holds, out of everything it is wrapped in; :class:`Failed` where it says it failed."""
    for _ in range(_WRAPS):
        inner = _inner(value)
        if inner is value or isinstance(inner, (Failed, Part)):
            return inner
        value = inner
    return value


def our_result(value: Any) -> dict[str, Any] | None:
    """Return the result object ``{"ok": …}`` of a tool of ours, out of what an MCP client handed it on in."""
    for _ in range(_WRAPS):
        if isinstance(value, dict) and isinstance(value.get("ok"), bool):
            return value
        inner = _handed_on(value)
        if inner is None:
            break
        value = inner
    return None


def _handed_on(value: Any) -> Any:
    """Return what *value* hands on in MCP's shape, that of a failure too; None where it is something else."""
    if isinstance(value, dict) and ("content" in value or "structuredContent" in value):
        structured = value.get("structuredContent")
        return structured if isinstance(structured, dict) else value.get("content")
    if isinstance(value, dict):
        return value["result"] if value.keys() == {"result"} else None
    inner = _inner(value)
    inner = inner.text if isinstance(inner, Failed) else inner
    return None if inner is value else inner


def _inner(value: Any) -> Any:
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, list):
        return _from_blocks(value) if value and all(_is_block(each) for each in value) else value
    return _from_object(value) if isinstance(value, dict) else value


def _from_text(text: str) -> Any:
    if _DUMPED.match(text):
        parts = [str(ast.literal_eval(part)) for part in _DUMPED_TEXT.findall(text)]
        said = "\n".join(parts)
        return Failed(said) if _FAILED_DUMP.search(text) else said
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def closed(text: str) -> Any:
    """Return the value whose JSON *text* is the beginning of, as far as it goes; *text* where that cannot be read."""
    open_, quoted, skip = [], False, False
    for mark in text:
        if skip:
            skip = False
        elif quoted:
            skip, quoted = mark == "\\", mark != '"'
        elif mark == '"':
            quoted = True
        elif mark in "{[":
            open_.append("}" if mark == "{" else "]")
        elif mark in "}]" and open_:
            open_.pop()
    ends = "".join(reversed(open_))
    head = text[:-1] if skip else text
    quote = '"' if quoted else ""
    tries = [f"{head}{quote}{ends}", f"{head.rstrip().rstrip(',')}{ends}"]
    for whole in tries:
        try:
            return json.loads(whole)
        except ValueError:
            continue
    return text


def _from_object(value: dict[str, Any]) -> Any:
    if value.keys() == {"cut", "beginning"}:
        return Part(unwrapped(closed(str(value["beginning"]))), str(value["cut"]))
    if value.get("isError") is True or value.get("is_error") is True:
        return Failed(str(unwrapped(value.get("content")) or value.get("message") or ""))
    structured = value.get("structuredContent") or value.get("structured_content")
    if isinstance(structured, dict):
        return structured
    content = value.get("content")
    if isinstance(content, list) and content and all(_is_block(each) for each in content):
        return content
    rest = value.keys() - {"ok", "plugin", "action", "result", "isError", "is_error", "_meta", "meta"}
    return value["result"] if "result" in value and not rest else value


def _is_block(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in _BLOCKS
        and not value.keys().isdisjoint({"text", "data", "resource", "uri", "mimeType"})
    )


def _from_blocks(blocks: Sequence[dict[str, Any]]) -> Any:
    parts = [_block(block) for block in blocks]
    if len(parts) == 1:
        return parts[0]
    values = [unwrapped(part) for part in parts]
    if all(isinstance(each, dict) for each in values):
        return values  # one block for each row
    return "\n".join(part for part in parts if part)


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "text":
            return str(block.get("text") or "")
        case "resource":
            held = block.get("resource") or {}
            return str(held.get("text") or held.get("uri") or "") if isinstance(held, dict) else str(held)
        case "resource_link":
            return f"{block.get('name') or 'A resource'}: {block.get('uri') or ''}"
        case kind:
            what = "picture" if kind == "image" else "sound"
            return f"[a {what}, {block.get('mimeType') or 'of unknown type'}; it cannot be shown as text]"
