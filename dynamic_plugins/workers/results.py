"""MCP results as plain JSON values."""

from __future__ import annotations

import ast
import json
import math
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.workers.media import described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcp_types import CallToolResult, ContentBlock, GetPromptResult, ReadResourceResult

    Take = Callable[..., dict[str, Any]]
    """Called with the kind, type, base64 and name of a picture, a sound or a file; gives what is told of it."""


def brings_media(result: CallToolResult | ReadResourceResult | GetPromptResult) -> bool:
    """Return whether *result* holds a picture, a sound or a file: they take time to put somewhere."""
    if hasattr(result, "contents"):
        return any(getattr(each, "blob", None) is not None for each in result.contents)
    blocks = result.content if hasattr(result, "content") else [each.content for each in result.messages]
    return any(block.type in ("image", "audio", "resource") for block in blocks)


def value_of(result: CallToolResult, take: Take = described) -> Any:
    """Return what a tool gave: its content, its structured content, or a list of both where they do not say the same.

    A lone ``{"result": x}`` is the wire's wrapping for x that is no object, and is taken off. Text that is a JSON
    object or array is parsed. Pictures, sound and files are given to *take*, and stand here as what that tells of them.
    What is no number in JSON is text: ``"NaN"``.
    """
    structured = result.structured_content
    if structured is None:
        return finite(_content(result.content, take))
    value = structured["result"] if structured.keys() == {"result"} else structured
    blocks = _more_than(structured, result.content)
    value = finite(_parsed(value))
    if not blocks:
        return value
    content = finite(_content(blocks, take))
    if structured == {}:
        return content
    return [*(content if len(blocks) > 1 and isinstance(content, list) else [content]), value]


def wrapped_value_of(result: CallToolResult) -> Any:
    """Return what a tool of our own worker gave, which wraps every value."""
    return (result.structured_content or {}).get("result")


def text_of(result: CallToolResult, clean: Callable[[Any], Any]) -> str:
    """Return a failed tool's own reason; *clean* takes the secrets out of what is written as JSON only here."""
    text = "\n".join(block.text for block in result.content if block.type == "text").strip()
    if not text and result.content:
        told = _content(result.content)
        text = told if isinstance(told, str) else json.dumps(clean(told), ensure_ascii=False)
    structured = result.structured_content
    if not structured or (text and not _more_than(structured, result.content)):
        return text or "it gave no reason"
    return f"{text} {json.dumps(clean(finite(structured)), ensure_ascii=False)}".strip()


def finite(value: Any) -> Any:
    """Return a JSON value without the numbers that JSON does not have; the same object where there are none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else _NO_NUMBERS.get(value, "NaN")
    if isinstance(value, list):
        items = [finite(each) for each in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        found = {key: finite(each) for key, each in value.items()}
        return value if all(found[key] is value[key] for key in value) else found
    return value


_NO_NUMBERS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _more_than(structured: dict[str, Any], content: Sequence[ContentBlock]) -> list[ContentBlock]:
    """Return what of *content* the structured content does not say as well.

    A list is written by the official SDK as a block for each of its items.
    """
    texts = [text for text in map(_words, content) if text is not None]
    whole = structured.get("result", structured)
    items = whole if isinstance(whole, list) else next(iter(structured.values())) if len(structured) == 1 else None
    if isinstance(items, list) and [_read(text) for text in texts if text.strip()] == items:
        return [block for block in content if _words(block) is None]
    return [block for block in content if (text := _words(block)) is None or not _says(text, structured)]


def _words(block: ContentBlock) -> str | None:
    """Return the text of a block of text, or of a file that is text; None for any other."""
    if block.type == "resource":
        return getattr(block.resource, "text", None)
    return block.text if block.type == "text" else None


def _says(text: str, structured: dict[str, Any]) -> bool:
    """Return whether *text* says no more than *structured* does."""
    plain = text.strip()
    if not plain:
        return True
    found = _read(plain)
    whole = structured.get("result", structured)
    alone = [value for value in (whole, *(structured.values() if len(structured) == 1 else ())) if value is not None]
    if found == structured or found in alone:
        return True
    lines = plain.splitlines()
    if len(lines) > 1 and any(isinstance(each, list) and len(each) == len(lines) for each in alone):
        read = [_read(line) for line in lines]
        if read in alone:
            return True
    flat = "".join(plain.split())
    return any("".join(word.split()) == flat for word in _texts(structured))


_FENCED = re.compile(r"```\w*\n(.*)\n```", re.DOTALL)
_LONGEST_LITERAL = 20_000


def _read(text: str) -> Any:
    """Return the value that *text* writes down, as JSON, perhaps in a fence, or as Python prints it; else the text."""
    plain = text.strip()
    if fenced := _FENCED.fullmatch(plain):
        plain = fenced[1].strip()
    try:
        return parse_json(plain)
    except ValueError:
        pass
    if len(plain) <= _LONGEST_LITERAL and (plain[:1] in "{[(" or plain in ("True", "False", "None")):
        try:
            return ast.literal_eval(plain)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            pass
    return text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def resource_text(result: ReadResourceResult, take: Take = described) -> str:
    """Return a resource's text; of binary contents, what is told of them."""
    parts = []
    for each in result.contents:
        blob = getattr(each, "blob", None)
        parts.append(
            json.dumps(take("resource", each.mime_type, blob, str(each.uri))) if blob is not None else each.text  # type: ignore[union-attr] # without a blob it is text
        )
    return "\n".join(parts)


def prompt_value(result: GetPromptResult, take: Take = described) -> Any:
    """Return a prompt's messages: a lone text, or a list of ``{"role", "content"}``."""
    messages = [{"role": each.role, "content": _block(each.content, take)} for each in result.messages]
    return messages[0]["content"] if len(messages) == 1 else messages


def _content(blocks: Sequence[ContentBlock], take: Take = described) -> Any:
    values = [_block(block, take) for block in blocks]
    if all(isinstance(value, str) for value in values):
        return _parsed("\n".join(values))
    return _parsed(values[0]) if len(values) == 1 else values


def _block(block: ContentBlock, take: Take) -> Any:
    if block.type == "text":
        return block.text
    if block.type in ("image", "audio"):
        return take(block.type, block.mime_type, block.data)
    if block.type == "resource_link":
        about = {"mime": block.mime_type, "description": block.description}
        return {"type": "link", "uri": str(block.uri), "name": block.name} | {k: v for k, v in about.items() if v}
    if block.type != "resource":
        return {"type": block.type}
    resource = block.resource
    if (blob := getattr(resource, "blob", None)) is not None:
        return take("resource", resource.mime_type, blob, str(resource.uri))
    return getattr(resource, "text", "")


def _parsed(value: Any) -> Any:
    """Return text that is a JSON object or array as such, and so within a lone ``{"result": text}``; else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        found = parse_json(value)
    except ValueError:
        return value
    if isinstance(found, dict) and found.keys() == {"result"} and isinstance(found["result"], str):
        return {"result": _parsed(found["result"])}
    return found
