"""MCP results as plain JSON values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_types import CallToolResult, ContentBlock, GetPromptResult, ReadResourceResult


def value_of(result: CallToolResult) -> Any:
    """Return what a tool gave: its structured content if there is one, else its content.

    A lone ``{"result": x}`` is the wire's wrapping for x that is no object, and is taken off. Text that is a JSON
    object or array is parsed. Pictures, sound and files are described, not handed on.
    """
    structured = result.structured_content
    if structured is not None:
        if isinstance(structured, dict) and structured.keys() == {"result"}:
            return structured["result"]
        return structured
    return _content(result.content)


def text_of(result: CallToolResult, clean: Callable[[Any], Any]) -> str:
    """Return a failed tool's own reason; *clean* takes the secrets out of what is written as JSON only here."""
    text = "\n".join(block.text for block in result.content if block.type == "text").strip()
    return text or (json.dumps(clean(result.structured_content)) if result.structured_content else "it gave no reason")


def resource_text(result: ReadResourceResult) -> str:
    """Return a resource's text; of binary contents, what they are."""
    parts = []
    for each in result.contents:
        blob = getattr(each, "blob", None)
        parts.append(json.dumps(_binary("resource", each.mime_type, blob)) if blob is not None else each.text)  # type: ignore[union-attr] # without a blob it is text
    return "\n".join(parts)


def prompt_value(result: GetPromptResult) -> Any:
    """Return a prompt's messages: a lone text, or a list of ``{"role", "content"}``."""
    messages = [{"role": each.role, "content": _block(each.content)} for each in result.messages]
    return messages[0]["content"] if len(messages) == 1 else messages


def _content(blocks: Sequence[ContentBlock]) -> Any:
    values = [_block(block) for block in blocks]
    if all(isinstance(value, str) for value in values):
        return _parsed("\n".join(values))
    return _parsed(values[0]) if len(values) == 1 else values


def _block(block: ContentBlock) -> Any:
    if block.type == "text":
        return block.text
    if block.type in ("image", "audio"):
        return _binary(block.type, block.mime_type, block.data)
    if block.type == "resource_link":
        return {"type": "link", "uri": str(block.uri), "name": block.name}
    if block.type != "resource":
        return {"type": block.type}
    resource = block.resource
    if (blob := getattr(resource, "blob", None)) is not None:
        return _binary("resource", resource.mime_type, blob)
    return getattr(resource, "text", "")


def _binary(kind: str, mime: str | None, data: str) -> dict[str, Any]:
    return {"type": kind, "mime": mime, "bytes": len(data) * 3 // 4 - data[-2:].count("=")}


def _parsed(value: Any) -> Any:
    """Return text that is a JSON object or array as such; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return parse_json(value)
        except ValueError:
            return value
    return value
