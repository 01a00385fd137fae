"""An MCP server whose results bring pictures, sound and files, which asks the person, and tells how it is used."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
OBJECT = {"type": "object"}
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "nights": {"type": "integer", "default": 2}},
    "required": ["city"],
}


def block(kind: str, data: bytes = PNG, mime: str = "image/png") -> dict[str, Any]:
    return {"type": kind, "data": base64.b64encode(data).decode(), "mimeType": mime}


def blob(data: bytes, uri: str = "reports://2026/tea.pdf", mime: str = "application/pdf") -> dict[str, Any]:
    resource = {"uri": uri, "mimeType": mime, "blob": base64.b64encode(data).decode()}
    return {"type": "resource", "resource": resource}


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def asked(schema: dict[str, Any]) -> Any:
    """Ask the person, and return their client's answer."""
    params = {"message": "Where to?", "requestedSchema": schema}
    send(id="question", method="elicitation/create", params=params)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == "question":
            return message.get("result", message.get("error"))
    return None


def content(name: str) -> list[dict[str, Any]]:
    if name == "picture":
        return [{"type": "text", "text": "a teapot"}, block("image")]
    if name == "called jpeg":
        return [block("image", mime="image/jpeg")]
    if name == "drawing":
        return [block("image", b"<svg/>", "image/svg+xml")]
    if name == "sound":
        return [block("audio", b"RIFF\0\0\0\0WAVE", "audio/wav")]
    if name == "report":
        return [blob(b"%PDF-1.7"), {"type": "resource_link", "uri": "https://example.org/a", "name": "a"}]
    if name == "leak":
        return [block("image", PNG + os.environ["MEDIA_TOKEN"].encode())]
    if name == "broken":
        return [{"type": "image", "data": "no base64!", "mimeType": "image/png"}]
    return [{"type": "text", "text": json.dumps(asked({"book": FORM, "login": PASSWORD}[name]))}]


PASSWORD: dict[str, Any] = {
    "type": "object",
    "properties": {"user": {"type": "string"}, "yourPassword": {"type": "string"}},
}
TOOLS = ["picture", "called jpeg", "drawing", "sound", "report", "leak", "broken", "book", "login"]
ANSWERS: dict[str, dict[str, Any]] = {
    "tools/list": {
        "tools": [
            {"name": name, "description": "Gives one.", "inputSchema": OBJECT, "annotations": {"readOnlyHint": True}}
            for name in TOOLS
        ]
    },
    "resources/list": {"resources": [{"uri": "reports://logo", "name": "logo", "mimeType": "image/png"}]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "reports://{year}", "name": "year"}]},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "serverInfo": {"name": "media", "version": "1"},
            "capabilities": {"tools": {}, "resources": {}},
            "instructions": "Ask for a picture before you ask for a sound.",
        }
    if method == "tools/call":
        return {"content": content(params["name"])}
    if method == "resources/read" and params["uri"] == "reports://logo":
        return {"contents": [blob(PNG, params["uri"], "image/png")["resource"]]}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "text": f"all of {params['uri']}"}]}
    return ANSWERS.get(method)


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            result = answer(message["method"], message.get("params") or {})
            found = {"error": {"code": -32601, "message": "no"}} if result is None else {"result": result}
            send(id=message["id"], **found)


if __name__ == "__main__":
    main()
