"""An MCP server that takes its time and tells how far it is, as a wheel that needs nothing from an index."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "slow-server"
TOOL = f"{NAME}__work"

_SERVER = '''
import json, os, sys, time


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def work(params):
    """Tell of half the work, do the rest once the file *until* is there (some 20 s at most)."""
    token = params.get("_meta", {}).get("progressToken")
    if token is not None:
        told = {"progressToken": token, "progress": 1, "total": 2, "message": "half of it is done"}
        send(method="notifications/progress", params=told)
    for _ in range(1000):
        if os.path.exists(params["arguments"]["until"]):
            return
        time.sleep(0.02)


def main():
    schema = {"type": "object", "properties": {"until": {"type": "string"}}, "required": ["until"]}
    for line in sys.stdin:
        message = json.loads(line)
        number, params = message.get("id"), message.get("params") or {}
        match message["method"] if number is not None else None:
            case "initialize":
                info = {"name": "slow", "version": "1"}
                can = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
                send(id=number, result=can | {"serverInfo": {"name": "slow", "version": "1"}})
            case "tools/list":
                send(id=number, result={"tools": [{"name": "work", "description": "Works", "inputSchema": schema}]})
            case "tools/call":
                work(params)
                send(id=number, result={"content": [{"type": "text", "text": "all of it is done"}]})
            case None:
                pass
            case _:
                send(id=number, result={})
'''


def registry(folder: Path) -> Path:
    """Write the wheel and a registry that lists it into *folder*, and return the registry's file."""
    info = "slow_server-1.0.dist-info"
    files = {
        "slow_server/__init__.py": _SERVER,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\nSummary: Works slowly\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{NAME} = slow_server:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    wheel = folder / "slow_server-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    entry = {
        "name": NAME,
        "kind": "mcp",
        "description": "Works slowly, and tells how far it is",
        "packages": [{"type": "path", "name": str(wheel)}],
    }
    listed = folder / "registry.json"
    listed.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    return listed
