"""An MCP server that answers as it is told: ``odd.py FILE``, which holds a JSON object of results by method.

``calls`` in it are results by the name of a tool (any other gives back its arguments), ``before`` is what stands before
the first message, ``only`` the one version of the protocol that is taken, and ``says`` goes to standard error. An
object with ``error`` in the place of a result is an error, and one with ``verbatim`` a line of Latin-1, in which ``%s``
stands for the number.

Each message is written as ``written`` with the message in the place of ``%s``, with ``indent``, and with ``members``
of its own, of which one that is null is left out. What is asked by a method in ``silent`` is not answered; after an
answer to one in ``changes`` it says that its tools have changed; the second page of one in ``breaks`` is an error. With
``bare`` a list is a result, and no list of pages. In a call ``notices`` are members of messages for the log, and
``progress`` what else the tool ``works`` tells.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

ANSWERS: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())


def send(**message: Any) -> None:
    message = {"jsonrpc": "2.0", **message, **ANSWERS.get("members", {})}
    text = json.dumps({key: each for key, each in message.items() if each is not None}, indent=ANSWERS.get("indent"))
    sys.stdout.write(ANSWERS.get("written", "%s").replace("%s", text) + "\n")
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
            progress = {"progressToken": token, "progress": step, "total": 8}
            send(method="notifications/progress", params={**progress, **ANSWERS.get("progress", {})})
    for notice in ANSWERS.get("notices", ()):
        send(method="notifications/message", **notice)
    answer = ANSWERS.get("calls", {}).get(name, {"content": [{"type": "text", "text": json.dumps([name, arguments])}]})
    return {"error": answer["error"]} if isinstance(answer, dict) and "error" in answer else {"result": answer}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return greeting(params)
    if method == "tools/call":
        return called(params)
    if method == "ping":
        return {"result": {}}
    pages = ANSWERS.get(method)
    if "cursor" in params and method in ANSWERS.get("breaks", ()):
        return {"error": {"code": -32602, "message": "Invalid cursor"}}
    if isinstance(pages, list) and "bare" not in ANSWERS:  # of several pages, each names the next
        number = int(params.get("cursor") or 0)
        return {"result": {**pages[number % len(pages)], "nextCursor": str((number + 1) % len(pages))}}
    if isinstance(pages, dict) and "error" in pages:
        return pages
    return {"result": pages} if pages is not None else {"error": {"code": -32601, "message": "Method not found"}}


sys.stdout.write(ANSWERS.get("before", ""))
sys.stderr.write(ANSWERS.get("says", ""))
sys.stderr.flush()
for line in sys.stdin:
    asked = json.loads(line)
    if "method" not in asked or "id" not in asked or asked["method"] in ANSWERS.get("silent", ()):
        continue
    found = answer(asked["method"], asked.get("params") or {})
    if isinstance(found.get("result"), dict) and "verbatim" in found["result"]:
        sys.stdout.buffer.write(found["result"]["verbatim"].replace("%s", str(asked["id"])).encode("latin-1") + b"\n")
        sys.stdout.flush()
        continue
    send(id=asked["id"], **found)
    if asked["method"] in ANSWERS.get("changes", ()):
        send(method="notifications/tools/list_changed")
