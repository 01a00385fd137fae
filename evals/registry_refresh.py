"""How commands fare while a registry pages, stalls, fails and comes back: a session with the entries of a real one.

usage: python -m evals.registry_refresh SERVERS.json INDEX.json

SERVERS is a list of ``server.json`` documents, INDEX elizaOS' ``index.json``. Both are served on loopback, the first as
the MCP registry's API does, in pages, the second as a file with an ``ETag``, in place of the two official registries.
Every line of the session is a command of its own on one home; under each stands how long it took, what it showed, and
what was asked of the registries meanwhile. Ends with 1 where something is otherwise than docs/registry.md says.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psutil

from dynamic_plugins.registry.cache import Cache, Checked
from dynamic_plugins.registry.sources import SourceList

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = 20
PATIENT = 60.0
"""Seconds that are waited for something to happen, at most."""


class Registries(ThreadingHTTPServer):
    """Both registries. :attr:`weather` is what happens to a page: ``fair``, ``stalls``, ``fails`` or ``refuses``."""

    daemon_threads = True

    def __init__(self, servers: list[dict[str, Any]], index: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.servers, self.index = servers, index
        self.weather, self.from_page = "fair", 0
        self.asked: list[str] = []
        self.stalled, self.released = threading.Event(), threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take_asked(self) -> list[str]:
        """Return what was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


class _Handler(BaseHTTPRequestHandler):
    server: Registries

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/index.json":
            self._index()
        else:
            self._page({name: values[0] for name, values in parse_qs(parts.query).items()})

    def _index(self) -> None:
        known = self.headers.get("If-None-Match") == '"one"'
        self.server.asked.append(f"elizaos{', if it changed: 304' if known else ''}")
        self.send_response(304 if known else 200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", "0" if known else str(len(self.server.index)))
        self.end_headers()
        if not known:
            self.wfile.write(self.server.index)

    def _page(self, query: dict[str, str]) -> None:
        at = int(query.get("cursor", 0))
        since = ", what changed" if "updated_since" in query else ""
        self.server.asked.append(f"mcp page {at // PAGE + 1}{since}")
        if at // PAGE >= self.server.from_page and self.server.weather != "fair":
            self._bad()
            return
        listed = [] if since else self.server.servers
        following = {"nextCursor": str(at + PAGE)} if at + PAGE < len(listed) else {}
        page = {"servers": [{"server": each} for each in listed[at : at + PAGE]], "metadata": following}
        content = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _bad(self) -> None:
        if self.server.weather == "stalls":
            self.send_response(200)
            self.send_header("Content-Length", "10000")
            self.end_headers()
            self.server.stalled.set()
            self.server.released.wait(PATIENT)
            return
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Session:
    """Commands on one home, told as they go; what is not as it should be is counted."""

    def __init__(self, home: Path, registries: Registries) -> None:
        self.home, self.registries, self.wrong = home, registries, 0

    def command(self, *words: str) -> dict[str, Any]:
        """Run a command, tell of it, and return its document."""
        environment = {key: value for key, value in os.environ.items() if key != "DYNAMIC_PLUGINS_OFFLINE"}
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "dynamic_plugins", "--home", str(self.home), "--json", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENT,
        )
        print(f"$ dynamic-plugins {' '.join(words)}   {time.monotonic() - began:.2f} s, exit code {ran.returncode}")
        document: dict[str, Any] = json.loads(ran.stdout)
        if found := [each["name"] for each in document.get("plugins", ())[:3]]:
            print(f"    {', '.join(found)}")
        for each in document.get("registries", document.get("sources", ())):
            age = "" if each.get("age_seconds") is None else f", {each['age_seconds']:.0f} s old"
            told = {"page": each.get("pages_read"), "problem": each.get("problem")}
            rest = "".join(f", {name} {value}" for name, value in told.items() if value)
            print(f"    {each['name']}: {each['state']}, {each['entries']} entries{age}{rest}")
        return document

    def states(self, *words: str) -> dict[str, dict[str, Any]]:
        """Run a command and return what it says of each registry."""
        document = self.command(*words)
        return {each["name"]: each for each in document.get("registries", document.get("sources", ()))}

    def settled(self) -> None:
        """Wait until no process refreshes the home, and tell what was asked."""
        psutil.wait_procs(self.refreshing(), timeout=PATIENT)
        print(f"    asked meanwhile: {'; '.join(self.registries.take_asked()) or 'nothing'}")

    def refreshing(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if {str(self.home), "dynamic_plugins.cli.registry_refresh"} <= set(process.info["cmdline"] or ())
        ]

    def hours_later(self, hours: float = 2.0) -> None:
        """Have all that was last asked be so much older."""
        print(f"({hours:g} hours later)")
        cache = Cache(self.home / "registry")
        for source in SourceList(self.home, {}).all():
            if source.is_remote:
                cache.check(source.location, Checked(checked_at=time.time() - hours * 3600))
        (self.home / "registry" / "refresh-started").unlink(missing_ok=True)

    def expect(self, *, so: bool, what: str) -> None:
        """Count what is otherwise, and say it."""
        if not so:
            self.wrong += 1
            print(f"    NOT SO: {what}")


def held(session: Session) -> None:
    """Hold the session."""
    registries, pages = session.registries, -(-len(session.registries.servers) // PAGE)
    registries.weather, registries.from_page = "stalls", 3
    began = session.states("list", "weather")
    session.expect(so=began["servers"]["entries"] == 0, what="a new home answers from what is bundled")
    session.expect(so=registries.stalled.wait(PATIENT), what="the registry is asked beside the command")
    state = session.states("registry", "list")["servers"]
    session.expect(
        so=state["state"] == "refreshing" and state.get("pages_read") == 3,
        what="three pages are read, the fourth waits",
    )
    for process in session.refreshing():
        process.kill()
    session.settled()
    print("(the process that asked is killed; the registry fails)")
    registries.released.set()
    registries.weather = "fails"
    session.hours_later(0)
    state = session.states("registry", "refresh")["servers"]
    session.settled()
    session.expect(so=bool(state["problem"]), what="why it could not be read is told")
    print("(it comes back)")
    registries.weather = "fair"
    session.states("registry", "refresh")
    asked = [each for each in registries.asked if each.startswith("mcp")]
    session.expect(so=len(asked) == pages - 3, what="it is read on from the fourth page")
    session.settled()
    session.hours_later()
    session.states("list", "candidates for jobs")
    session.settled()
    session.states("registry", "list")
    print("(the registries are cut off)")
    registries.shutdown()
    registries.server_close()
    session.hours_later()
    session.states("list", "candidates for jobs")
    session.settled()
    told = session.states("list", "candidates for jobs")
    session.expect(so=told["servers"]["entries"] > 0, what="the last good copy is shown")


@contextlib.contextmanager
def served(servers: Path, index: Path) -> Iterator[Registries]:
    registries = Registries(json.loads(servers.read_bytes()), index.read_bytes())
    thread = threading.Thread(target=registries.serve_forever, daemon=True)
    thread.start()
    try:
        yield registries
    finally:
        registries.released.set()


def main(words: Sequence[str]) -> int:
    if len(words) != 2:
        raise SystemExit((__doc__ or "").splitlines()[2])
    with tempfile.TemporaryDirectory() as folder, served(*map(Path, words)) as registries:
        home = Path(folder, "home")
        sources = SourceList(home, {})
        for name, path in (("plugins", "/index.json"), ("servers", "/v0.1/servers")):
            sources.add(registries.address + path, name)
            sources.trust(name)
        session = Session(home, registries)
        held(session)
    print(f"{session.wrong} things were not so")
    return 1 if session.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
