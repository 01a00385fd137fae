"""An MCP server written by hand, for what well-behaved libraries do not do: ``raw.py MODE``."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODE = sys.argv[1]
TOOLS: list[dict[str, Any]] = [
    {"name": name, "inputSchema": {"type": "object"}} for name in ("go", "swap", "refuse", "error", "die")
]


RESOURCES: list[dict[str, Any]] = [{"uri": "raw://diary", "name": "my diary"}]
PROMPTS: list[dict[str, Any]] = [{"name": "greet", "arguments": [{"name": "who", "required": True}]}]

ANSWERS = {
    "half": r'{"content": [{"type": "text", "text": "cut \ud83d here"}]}',
    "digits": '{"content": [], "structuredContent": {"result": 1' + "0" * 5000 + "}}",
    "deep": '{"content": ' + "[" * 5000 + "]" * 5000 + "}",
    "no-object": "[5]",
    "slow-pattern": '{"content": [], "structuredContent": {"text": "' + "a" * 60 + '!"}}',
}
"""What answers to a call are in these modes."""


def send(**message: Any) -> None:
    if MODE == "modern" and "result" in message:
        message["result"] |= {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def initialize(number: int, params: dict[str, Any]) -> None:
    if MODE == "modern":
        versions = {"supported": ["2026-07-28"], "requested": params.get("protocolVersion", "")}
        send(id=number, error={"code": -32022, "message": "Unsupported protocol version", "data": versions})
        return
    if MODE == "nonsense":
        send(id=number, result={"hello": "there"})
        return
    can: dict[str, Any] = {"tools": {"listChanged": True}}
    if MODE in ("rich", "boasts"):
        can |= {"resources": {"listChanged": True}, "prompts": {"listChanged": True}, "logging": {}}
    send(
        id=number,
        result={"protocolVersion": "2025-06-18", "capabilities": can, "serverInfo": {"name": "raw", "version": "1"}},
    )


def call(number: int, params: dict[str, Any]) -> None:
    name = params["name"]
    if MODE == "traced":
        send(id=number, result={"content": [{"type": "text", "text": json.dumps(params.get("_meta", {}))}]})
    elif MODE == "rich" and name == "swap":
        RESOURCES.append({"uri": "raw://letters", "name": "letters"})
        PROMPTS[0]["name"] = "take_leave"
        send(method="notifications/message", params={"level": "warning", "data": {"key": os.environ.get("RAW_KEY")}})
        send(method="notifications/resources/list_changed")
        send(method="notifications/prompts/list_changed")
        send(id=number, result={"content": [{"type": "text", "text": "swapped"}]})
    elif MODE == "huge":
        sys.stdout.write('{"jsonrpc": "2.0", "result": {"content": [{"type": "text", "text": "')
        for _ in range(100):
            sys.stdout.write("x" * 2**20)
        sys.stdout.write(f'"}}]}}, "id": {number}}}\n')
        sys.stdout.flush()
    elif MODE in ("torrent", "asks"):
        torrent(number)
    elif MODE in ANSWERS:
        sys.stdout.write(f'{{"jsonrpc": "2.0", "id": {number}, "result": {ANSWERS[MODE]}}}\n')
        sys.stdout.flush()
    elif name == "swap":
        TOOLS[:] = [{"name": "other", "inputSchema": {"type": "object"}}]
        send(method="notifications/tools/list_changed")
        send(id=number, result={"content": [{"type": "text", "text": "swapped"}]})
    elif name == "refuse":
        send(id=number, error={"code": -32602, "message": "that is no way to ask"})
    elif name == "error":
        send(id=number, result={"content": [{"type": "text", "text": "it did not work"}], "isError": True})
    elif name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        if MODE == "garbage":
            sys.stdout.write("Downloading… 50%\n{not json}\n\x00\x01\n\n[1, 2]\n")
        if MODE == "chatty":
            sys.stdout.write(f'{{"id": {number}, "price": 5}}\n{{"jsonrpc": "2.0", "method": 5, "id": {number}}}\n')
        send(id=number, result={"content": [{"type": "text", "text": f"went {name}"}]})


NOISE = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 99}})


def floods() -> Iterator[str]:
    "Yields what it is asked, with log lines in between that never end."
    asked = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 # it is never closed
    while True:
        while select.select([asked], [], [], 0)[0]:
            yield asked.readline().decode()
        sys.stdout.write(f"{NOISE}\n" * 50)
        sys.stdout.flush()


def torrent(number: int) -> None:
    "Never looks at its input again, and says or asks something without end."
    while True:
        number += 1
        if MODE == "asks":
            send(id=number, method="ping")
        else:
            sys.stdout.write(f"{NOISE}\n" * 50)


USAGE = ["ERROR: no database was named.", "Name one of these ways:", *(f"  {n}. another way" for n in range(20))]


def main() -> None:
    if MODE == "waits":
        sys.stderr.write("Listening on http://127.0.0.1:3333\n")
        sys.stderr.flush()
        threading.Event().wait()
    if MODE == "complains":
        sys.exit("\n".join(USAGE))
    if MODE == "node":
        sys.exit(
            "[Redis Error] Error: connect ECONNREFUSED\n    at run (file:///x/index.js:240:9)\n    at next (x:1:1)"
        )
    if MODE == "garbage":
        sys.stdout.write("Welcome to the server!\n{\n")
    if MODE == "listens":
        TOOLS[0]["_meta"] = {"dynamic-plugins": {"kind": "evaluator", "name": "ear", "similes": [5]}}
    if MODE == "bad-schema":
        TOOLS[:] = [{"name": "go", "inputSchema": "none"}]
    if MODE == "slow-pattern":
        TOOLS[0]["outputSchema"] = {"type": "object", "properties": {"text": {"pattern": "^(a+)+$"}}}
    if MODE == "bad-name":
        TOOLS[:] = [{"name": "go there", "inputSchema": {"type": "object"}}]
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in floods() if MODE == "floods" else sys.stdin:
        message = json.loads(line)
        number, params = message.get("id"), message.get("params") or {}
        if number is None or MODE == "silent":
            continue
        match message["method"]:
            case "initialize":
                initialize(number, params)
            case "tools/list":
                send(id=number, result={"tools": TOOLS})
            case "tools/call":
                call(number, params)
            case "resources/list" | "prompts/list" if MODE == "boasts":
                send(id=number, error={"code": -32601, "message": "Method not found"})
            case "resources/list":
                send(id=number, result={"resources": RESOURCES})
            case "resources/read" if params["uri"] == "raw://diary":
                send(id=number, result={"contents": [{"uri": "raw://diary", "text": "Dear diary"}]})
            case "resources/read":
                send(id=number, error={"code": -32002, "message": "nobody may read that"})
            case "prompts/list":
                send(id=number, result={"prompts": PROMPTS})
            case "prompts/get":
                said = {"type": "text", "text": f"Hello {params['arguments']['who']}"}
                send(id=number, result={"messages": [{"role": "user", "content": said}]})
            case "server/discover":
                send(id=number, result={"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
            case _:
                send(id=number, result={})
    if MODE == "stubborn":
        threading.Event().wait()


main()
