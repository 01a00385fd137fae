"""An npm registry on loopback with packages made here, for what no public package does; and npm told to use it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = """#!/usr/bin/env node
const lines = require('readline').createInterface({input: process.stdin})
const send = message => process.stdout.write(JSON.stringify({jsonrpc: '2.0', ...message}) + '\\n')
lines.on('line', line => {
  const {id, method, params} = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') send({id, result: {protocolVersion: params.protocolVersion, capabilities: {tools: {}},
    serverInfo: {name: 'tea', version: '1'}}})
  else if (method === 'tools/list') send({id, result: {tools: [{name: 'tell', inputSchema: {type: 'object',
    properties: {name: {type: 'string'}}}}]}})
  else if (method === 'tools/call') send({id, result: {content: [{type: 'text',
    text: String(process.env[params.arguments.name])}]}})
  else send({id, error: {code: -32601, message: 'no'}})
})
"""
"""A small MCP server; its one tool gives a variable of its environment."""


def archive(files: dict[str, str]) -> bytes:
    """Return an npm package with *files*; every file may be run."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


@dataclass
class NpmRegistry:
    """The packages served, by name and version; *times* says when they were published, where the registry says so."""

    address: str = ""
    packages: dict[str, dict[str, tuple[dict[str, Any], bytes]]] = field(default_factory=dict)
    times: dict[str, dict[str, str]] = field(default_factory=dict)
    downloads: dict[str, int] = field(default_factory=dict)
    """How often packages were downloaded in the last week, which the registry's search tells."""
    attestations: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """By ``name@version``: the address that its attestations are said to be at, and what is there."""
    archives: str = ""
    """The address that archives are said to be at; empty: that of the registry."""

    def add(self, name: str, version: str = "1.0.0", files: dict[str, str] | None = None, **manifest: Any) -> None:
        """Publish a package; without *files* it is a small MCP server."""
        told = {"name": name, "version": version, "bin": "server.js", **manifest}
        packed = archive({"package.json": json.dumps(told), **({"server.js": SERVER} if files is None else files)})
        self.packages.setdefault(name, {})[version] = (told, packed)

    def environment(self, folder: Path) -> dict[str, str]:
        """Return what npm must be told to use this registry, with a cache of its own in *folder*."""
        return {"npm_config_registry": self.address, "npm_config_cache": str(folder / "npm-cache")}

    def answer(self, path: str) -> bytes | None:
        if path.startswith("/-/v1/search"):
            found = [{"package": {"name": n}, "downloads": {"weekly": count}} for n, count in self.downloads.items()]
            return json.dumps({"objects": found}).encode()
        if path.startswith("/-/npm/v1/attestations/"):
            return json.dumps(self.attestations[urllib.parse.unquote(path.rpartition("/")[2])][1]).encode()
        name, _, rest = urllib.parse.unquote(path.split("?")[0]).strip("/").partition("/-/")
        versions = self.packages.get(name)
        if versions is None:
            return None
        if rest:
            return next(packed for version, (_, packed) in versions.items() if rest == f"{version}.tgz")
        told = {version: self._version(name, version, *each) for version, each in versions.items()}
        document = {"name": name, "dist-tags": {"latest": list(versions)[-1]}, "versions": told}
        return json.dumps(document | ({"time": self.times[name]} if name in self.times else {})).encode()

    def _version(self, name: str, version: str, told: dict[str, Any], packed: bytes) -> dict[str, Any]:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
        place = f"{self.archives or self.address}{name}/-/{version}.tgz"
        dist: dict[str, Any] = {"tarball": place, "integrity": integrity}
        if (attested := self.attestations.get(f"{name}@{version}")) is not None:
            dist["attestations"] = {
                "url": attested[0],
                "provenance": {"predicateType": "https://slsa.dev/provenance/v1"},
            }
        return told | {"dist": dist}


@contextmanager
def npm_registry() -> Iterator[NpmRegistry]:
    """Serve a registry until the block ends; skips the test where there is no npm."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    registry = NpmRegistry()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            content = registry.answer(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"{}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.address = f"http://127.0.0.1:{server.server_port}/"
    with serving(server):
        yield registry
