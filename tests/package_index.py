"""A Python package index on loopback, with packages made here: it tells when they were published, or does not."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JSON = "application/vnd.pypi.simple.v1+json"  # PEP 691; the time of upload is of PEP 700


def plugin_wheel(name: str, version: str, requires: tuple[str, ...] = (), python: str = "") -> bytes:
    """Return a wheel of a native plugin whose one action tells its version."""
    module = "from dynamic_plugins.plugin import Plugin, action\n@action\ndef tell() -> str:\n    'Tells.'\n"
    source = f"{module}    return {version!r}\nplugin = Plugin({name!r}, actions=[tell])\n"
    points = f"[dynamic_plugins.plugins]\n{name} = {name}:plugin\n"
    return wheel_of(name, version, source, points, requires, python)


def wheel_of(
    name: str, version: str, source: str, entry_points: str, requires: tuple[str, ...] = (), python: str = ""
) -> bytes:
    """Return a wheel of one module, *name*, with this *source*, for the versions *python* of Python."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    needs += f"Requires-Python: {python}\n" if python else ""
    files = {
        f"{name}/__init__.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": entry_points,
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return packed.getvalue()


SERVER = """import json, sys
def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method = message["method"]
        if method == "initialize":
            result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                      "serverInfo": {"name": "tea", "version": "1"}}
        elif method == "tools/list":
            result = {"tools": [{"name": "brew", "description": "Brews.", "inputSchema": {"type": "object"}}]}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": "hot tea"}]}
        else:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}),
                  flush=True)
            continue
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""
"""A small MCP server that needs no package; its one tool brews tea."""


@dataclass
class PackageIndex:
    """The wheels served, by package and file name, each with the time of its upload where that is told.

    *pages* are what it says of packages as JSON, by name, beside their files.
    """

    host: str = ""
    files: dict[str, dict[str, tuple[bytes, str | None]]] = field(default_factory=dict)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """By file: the address that its provenance is said to be at, and what is there under its name (PEP 740)."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""

    def add(
        self, name: str, version: str, published: str | None, requires: tuple[str, ...] = (), python: str = ""
    ) -> None:
        """Publish a plugin; *published* is a date (ISO 8601), or None where the index does not say."""
        wheel = plugin_wheel(name, version, requires, python)
        self.files.setdefault(name, {})[f"{name}-{version}-py3-none-any.whl"] = (wheel, published)

    def add_wheel(self, name: str, version: str, published: str | None, source: str, entry_points: str) -> None:
        """Publish a wheel of one module with this *source*."""
        module = name.replace("-", "_")
        wheel = wheel_of(module, version, source, entry_points)
        self.files.setdefault(name, {})[f"{module}-{version}-py3-none-any.whl"] = (wheel, published)

    def add_server(self, name: str, version: str = "1.0", published: str | None = "2020-01-01") -> None:
        """Publish a small MCP server."""
        command = f"[console_scripts]\n{name} = {name.replace('-', '_')}:main\n"
        self.add_wheel(name, version, published, SERVER, command)

    def environment(self, folder: Path) -> dict[str, str]:
        """Return what uv must be told to use this index, with a cache of its own in *folder*."""
        told = {"UV_DEFAULT_INDEX": f"http://{self.host}/simple/", "UV_NO_CONFIG": "1"}
        return told | {"UV_CACHE_DIR": str(folder / "uv-cache")}

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        kind, _, name = path.strip("/").partition("/")
        if kind == "files":
            return next(packed[name][0] for packed in self.files.values() if name in packed)
        if kind == "integrity":
            return json.dumps(self.provenance[name][1]).encode() if name in self.provenance else None
        if kind == "pypi":
            page = self.pages.get(name.removesuffix("/json"))
            return None if page is None else json.dumps(page).encode()
        if name not in self.files:
            return None
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": self._files(name)}).encode()

    def _files(self, name: str) -> list[dict[str, Any]]:
        told = []
        for file, (_, published) in self.files[name].items():
            one: dict[str, Any] = {"filename": file, "url": f"http://{self.host}/files/{file}", "hashes": {}}
            if file in self.provenance:
                one["provenance"] = self.provenance[file][0]
            told.append(one | ({"upload-time": f"{published}T00:00:00Z"} if published else {}))
        return told


@contextmanager
def package_index() -> Iterator[PackageIndex]:
    """Serve an index until the block ends."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            content = index.answer(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", _JSON if "/simple/" in self.path else "application/zip")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content or b"")

        do_HEAD = do_GET  # noqa: N815 # the name is the server class expects; uv asks how long a wheel is, to read no more than its metadata

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with five, a loaded machine turns away what eight installs ask at once

    server = Server(("127.0.0.1", 0), Handler)
    index.host = f"127.0.0.1:{server.server_port}"
    with serving(server):
        yield index
