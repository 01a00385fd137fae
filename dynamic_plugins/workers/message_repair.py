"""Answers of servers, put right before the protocol's own models read them.

Those refuse a whole page for one odd item in it. Here an item that cannot be read costs only itself, and is named; what
an answer to a call holds is taken as it is, whatever shape it has.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import mcp_types as types
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel, TypeAdapter, ValidationError

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.core.schema_repair import repaired
from dynamic_plugins.workers.message_form import BARE

if TYPE_CHECKING:
    from collections.abc import Callable

_LISTS: dict[str, tuple[str, type[types.Result]]] = {
    "tools/list": ("tools", types.ListToolsResult),
    "resources/list": ("resources", types.ListResourcesResult),
    "resources/templates/list": ("resourceTemplates", types.ListResourceTemplatesResult),
    "prompts/list": ("prompts", types.ListPromptsResult),
}
_CAPABILITIES = ("tools", "resources", "prompts", "logging", "completions", "experimental", "extensions")
_SCHEMA_KEYS = ("inputSchema", "input_schema", "parameters")
ANSWERS = "dynamic-plugins/output-schema"
"""The key in a tool's ``_meta`` under which its schema of answers is kept from the client."""
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
_USUAL = {"image": "image/png", "audio": "audio/wav"}
"""The types of what does not say its own."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATA_ADDRESS = re.compile(r"data:([\w.+/-]+);base64,")
_KEPT_APART = ("content", "structuredContent", "isError", "_meta", "resultType")


class _InputSchema(BaseModel):
    type: Literal["object"]
    properties: dict[str, dict[str, Any] | bool] | None = None
    required: list[str] | None = None


class _ListedTool(BaseModel):
    inputSchema: _InputSchema  # noqa: N815 # as the protocol has it


class ListedSchemas(BaseModel):
    """What the protocol says of the schemas in a list of tools, and its models of all versions do not."""

    tools: list[_ListedTool]


def put_right(method: str, result: dict[str, Any], left_out: Callable[[str], None]) -> None:
    """Change the *result* of a request so that the client's models take it.

    *left_out* is called with a sentence for each item that had to be left out, which names it.
    """
    if result.get("resultType", "complete") != "complete":  # a question of the newest protocol, and no answer yet
        return
    if BARE in result:
        result |= _as_object(method, result.pop(BARE))
    if not isinstance(result.get("_meta", {}), dict):
        del result["_meta"]
    if method in _LISTS:
        _put_list_right(*_LISTS[method], result, left_out)
    elif method == "tools/call":
        _put_call_right(result)
    elif method == "prompts/get":
        _put_messages_right(result)
    elif method == "initialize":
        _put_greeting_right(result)


def put_notice_right(method: str, params: dict[str, Any]) -> None:
    """Change the *params* of a notification so that what it says of a log or of progress is not lost."""
    if method == "notifications/message":
        if params.get("level") not in _LEVELS:
            params["level"] = "info"
        params.setdefault("data", params.get("message", ""))
    elif method == "notifications/progress":
        for key in ("progress", "total"):
            if key in params and not isinstance(params[key], int | float):
                del params[key]
        params.setdefault("progress", 0)
        if not isinstance(params.get("message", ""), str):
            del params["message"]


def _as_object(method: str, value: Any) -> dict[str, Any]:
    """Return the result that a *value* stands for which is no object."""
    if value is None:
        return {}
    if method in _LISTS:
        return {_LISTS[method][0]: value}
    if method == "tools/call":
        blocks = isinstance(value, list) and all(isinstance(each, dict) and "type" in each for each in value)
        return {"content" if blocks or isinstance(value, str) else "structuredContent": value}
    key = {"prompts/get": "messages", "resources/read": "contents"}.get(method)
    return {key: value} if key else {}


def _put_greeting_right(result: dict[str, Any]) -> None:
    if "protocolVersion" not in result:  # whatever it is, it is no greeting
        return
    result["protocolVersion"] = _known_version(result["protocolVersion"])
    can = result.get("capabilities")
    can = can if isinstance(can, dict) else {}
    result["capabilities"] = {
        key: ({} if value is True else value)
        for key, value in can.items()
        if isinstance(value, dict) or (value is True and key in _CAPABILITIES)
    }
    server = result.get("serverInfo")
    server = server if isinstance(server, dict) else {}
    named = {key: value for key, value in server.items() if value is not None}
    result["serverInfo"] = {**named, **{key: str(named.get(key, "")) for key in ("name", "version")}}
    if not isinstance(result.get("instructions", ""), str):
        del result["instructions"]


def _known_version(said: object) -> object:
    """Return the version of the protocol that is meant: of one before its first release, or between two, the older.

    One that is newer than all stays as it is, and is refused by name.
    """
    if not isinstance(said, str):
        return HANDSHAKE_PROTOCOL_VERSIONS[0]
    if not _DATE.fullmatch(said) or said > HANDSHAKE_PROTOCOL_VERSIONS[-1]:
        return said
    older = [version for version in HANDSHAKE_PROTOCOL_VERSIONS if version <= said]
    return max(older, default=HANDSHAKE_PROTOCOL_VERSIONS[0])


def _put_list_right(
    key: str, page: type[types.Result], result: dict[str, Any], left_out: Callable[[str], None]
) -> None:
    items = result.get(key)
    if isinstance(items, dict):  # by name
        items = [{"name": name, **each} for name, each in items.items() if isinstance(each, dict)]
    found = []
    for place, item in enumerate(items if isinstance(items, list) else ()):
        mended = _item(key, item) if isinstance(item, dict) else item
        if problem := _item_problem(key, page, mended):
            left_out(f"{key}: {_named(item, place)} is left out: {problem}")
        else:
            found.append(mended)
    result[key] = found
    cursor = result.get("nextCursor", "")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        result["nextCursor"] = str(cursor)
    elif not isinstance(cursor, str):
        del result["nextCursor"]
        if cursor:
            left_out(f"{key}: the next page is left out: it is named by {json.dumps(cursor)[:60]}, which is no text")


def _item_problem(key: str, page: type[types.Result], item: Any) -> str | None:
    """Return why an item of a *page* cannot be used."""
    try:
        page.model_validate({key: [item]}, by_name=False)
        if key == "tools":
            ListedSchemas.model_validate({key: [item]})
    except ValidationError as error:
        return problem_in(error)
    return None


def _item(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    if kind == "tools" and "name" not in item and isinstance(item.get("function"), dict):  # as OpenAI's API has it
        item = item["function"]
    # The client would hold every answer to the schema of answers, in our event loop: a pattern may take for ever.
    answers = item.get("outputSchema")
    item = {key: value for key, value in item.items() if value is not None and key != "outputSchema"}
    for key in ("title", "description", "mimeType"):
        if key in item and not isinstance(item[key], str):
            del item[key]
    for key in ("annotations", "_meta", "icons", "execution", "size"):
        if key in item and not _fits(key, item[key]):
            del item[key]
    if isinstance(arguments := item.get("arguments"), dict):
        item["arguments"] = [
            {"name": name, **(each if isinstance(each, dict) else {})} for name, each in arguments.items()
        ]
    elif isinstance(arguments, list):
        item["arguments"] = [{"name": each} if isinstance(each, str) else each for each in arguments]
    if kind == "tools":
        schema = next((item[key] for key in _SCHEMA_KEYS if key in item), None)
        item["inputSchema"] = repaired(_parsed(schema))
        if isinstance(answers := _parsed(answers), dict):
            item["_meta"] = {**item.get("_meta", {}), ANSWERS: answers}
    elif "name" not in item and isinstance(uri := item.get("uri", item.get("uriTemplate")), str):
        item["name"] = uri
    return item


def _parsed(schema: object) -> object:
    """Return the schema in a text that is JSON, as some write it down twice."""
    if isinstance(schema, str):
        with suppress(ValueError):
            return parse_json(schema)
    return schema


def _fits(key: str, value: object) -> bool:
    if key in ("_meta", "execution"):
        return isinstance(value, dict)
    if key == "size":
        return isinstance(value, int) and not isinstance(value, bool)
    try:
        (_tool_annotations if key == "annotations" else _icons).validate_python(value, by_name=False)
    except ValidationError:
        return False
    return True


_tool_annotations: TypeAdapter[Any] = TypeAdapter(types.ToolAnnotations)
_icons: TypeAdapter[Any] = TypeAdapter(list[types.Icon])
_block: TypeAdapter[Any] = TypeAdapter(types.ContentBlock)


def _named(item: object, place: int) -> str:
    name = item.get("name") or item.get("uri") if isinstance(item, dict) else None
    return repr(name[:60]) if isinstance(name, str) else f"number {place + 1}"


def _put_call_right(result: dict[str, Any]) -> None:
    structured = result.get("structuredContent")
    if structured is None:
        result.pop("structuredContent", None)
    elif not isinstance(structured, dict):
        result["structuredContent"] = {"result": structured}
    if not isinstance(result.get("isError", False), bool):
        result["isError"] = str(result["isError"]).lower() in ("true", "yes", "1")
    if result.get("content") is None:
        rest = {key: value for key, value in result.items() if key not in _KEPT_APART}
        result["content"] = [_as_text(rest)] if rest and structured is None else []
    content = result["content"]
    blocks = content if isinstance(content, list) else [content]
    result["content"] = [_readable(block) for block in blocks]


def _put_messages_right(result: dict[str, Any]) -> None:
    messages = result.get("messages")
    messages = messages if isinstance(messages, list) else [messages] if messages else []
    result["messages"] = [
        {"role": each.get("role") if each.get("role") in ("user", "assistant") else "user", "content": _first(each)}
        if isinstance(each, dict)
        else {"role": "user", "content": _as_text(each)}
        for each in messages
    ]


def _first(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        blocks = [_readable(block) for block in content]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        return blocks[0] if len(blocks) == 1 else _as_text("\n".join(texts))
    return _readable(content)


def _readable(block: Any) -> dict[str, Any]:
    """Return a block of content that the protocol has: of another one what it holds, as text."""
    if not isinstance(block, dict):
        return _as_text(block)
    mended = _in_form(block)
    try:
        if "type" not in mended:  # which the models would guess
            raise ValueError("a block of no type")  # noqa: TRY301 # as one of another type
        _block.validate_python(mended, by_name=False)
    except ValueError:
        text = block.get("text")
        return _as_text(text if isinstance(text, str) and mended.get("type") in ("text", None) else block)
    return mended


def _in_form(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block with what is left out, or written otherwise, as the protocol has it."""
    mended = dict(_as_picture(block) or block)
    if isinstance(kind := mended.get("type"), str):
        kind = mended["type"] = kind.lower()
    if isinstance(mended.get("annotations"), str | list | None):
        mended.pop("annotations", None)
    if isinstance(data := mended.get("data"), str) and (address := _DATA_ADDRESS.match(data)):
        mended["data"] = data[address.end() :]
        mended.setdefault("mimeType", address[1])
    if kind in _USUAL:
        mended.setdefault("mimeType", mended.get("mime_type") or _USUAL[kind])
    elif kind == "resource_link":
        mended.setdefault("name", mended.get("uri"))
    return mended


def _as_picture(block: dict[str, Any]) -> dict[str, Any] | None:
    """Return the picture of a block in the form of a model's API, Anthropic's or OpenAI's; None for any other."""
    source = block.get("source") if block.get("type") == "image" else None
    if isinstance(source, dict) and isinstance(data := source.get("data"), str):
        return {"type": "image", "data": data, "mimeType": str(source.get("media_type", "image/png"))}
    if block.get("type") not in ("image", "image_url", "input_image"):
        return None
    told = block.get("image_url", block.get("url", block.get("data")))
    address = told.get("url") if isinstance(told, dict) else told
    found = _DATA_ADDRESS.match(address) if isinstance(address, str) else None
    return {"type": "image", "data": address[found.end() :], "mimeType": found[1]} if found and address else None


def _as_text(value: Any) -> dict[str, Any]:
    return {"type": "text", "text": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def problem_in(error: ValidationError) -> str:
    """Return the first thing that is wrong with a message, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
