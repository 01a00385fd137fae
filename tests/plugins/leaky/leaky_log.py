"""An MCP server that logs its token as it is asked to: ``leaky_log.py``, with LEAKY_TOKEN in its environment."""

from __future__ import annotations

import json
import sys
from typing import Any

from leaky_spellings import WAYS, written  # type: ignore[import-not-found]  # it lies beside this file


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result: dict[str, Any] = {}
    if message["method"] == "initialize":
        can: dict[str, Any] = {"tools": {}, "logging": {}}
        result = {"protocolVersion": "2025-06-18", "capabilities": can, "serverInfo": {"name": "leaky", "version": "1"}}
    elif message["method"] == "tools/list":
        result = {"tools": [{"name": "log", "inputSchema": {"type": "object"}}]}
    elif message["method"] == "tools/call":
        for way in WAYS:
            send(method="notifications/message", params={"level": "info", "data": f"{way}: {written(way)}"})
            send(method="notifications/message", params={"level": "info", "data": {"key": written(way)}})
        result = {"content": [{"type": "text", "text": "logged"}]}
    send(id=message["id"], result=result)
