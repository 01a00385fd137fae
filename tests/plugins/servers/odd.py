"""An MCP server that answers as it is told: ``odd.py FILE``, which holds a JSON object of results by method.

``calls`` in it are results by the name of a tool (any other gives back its arguments), ``before`` is what stands before
the first message, ``only`` the one version of the protocol that is taken, and ``says`` goes to standard error.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

ANSWERS: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def greeting(params: dict[str, Any]) -> dict[str, Any]:
    version = params["protocolVersion"]
    if (only := ANSWERS.get("only")) and version != only:
        return {"error": {"code": -32602, "message": f"Unsupported protocol version {version}"}}
    told = {"protocolVersion": version, "serverInfo": {"name": "odd", "version": "1"}}
    return {"result": {**told, "capabilities": {"tools": {}}, **ANSWERS.get("initialize", {})}}


def called(params: dict[str, Any]) -> dict[str, Any]:
    name, arguments = params["name"], params.get("arguments")
    if name == "works":
        token = (params.get("_meta") or {}).get("progressToken")
        for step in range(8):
            time.sleep(0.25)
            send(method="notifications/progress", params={"progressToken": token, "progress": step, "total": 8})
    answer = ANSWERS.get("calls", {}).get(name, {"content": [{"type": "text", "text": json.dumps([name, arguments])}]})
    return {"error": answer["error"]} if "error" in answer else {"result": answer}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return greeting(params)
    if method == "tools/call":
        return called(params)
    if method == "ping":
        return {"result": {}}
    pages = ANSWERS.get(method)
    if isinstance(pages, list):  # of several pages, each names the next
        number = int(params.get("cursor") or 0)
        return {"result": {**pages[number % len(pages)], "nextCursor": str((number + 1) % len(pages))}}
    return {"result": pages} if pages is not None else {"error": {"code": -32601, "message": "Method not found"}}


sys.stdout.write(ANSWERS.get("before", ""))
sys.stderr.write(ANSWERS.get("says", ""))
sys.stderr.flush()
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        send(id=asked["id"], **answer(asked["method"], asked.get("params") or {}))
