"""Registries over a network that misbehaves: each mess comes from a real server on this machine."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from dynamic_plugins.errors import RegistryUnavailableError
from dynamic_plugins.registry.cache import Cache, CopyFacts
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.registry.http import FetchError, fetch
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.registry import Registry
from tests.certificates import certificate

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0
Handler = BaseHTTPRequestHandler


@dataclass
class Server:
    """A real HTTP server whose behaviour is *answer*; it remembers the paths and headers it was asked with."""

    address: str = ""
    answer: Callable[[Handler], None] = lambda handler: handler.send_error(500)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def serves(self, value: Any, *, etag: str | None = None) -> None:
        """Answer with *value* as JSON (or as it is, if it is bytes)."""
        self.answer = lambda handler: send(handler, value, etag=etag)

    def query(self, index: int) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.asked[index][0]).query).items()}


def send(handler: Handler, value: Any, *, status: int = 200, etag: str | None = None, **headers: str) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    handler.send_response(status)
    for key, text in headers.items():
        handler.send_header(key.replace("_", "-"), text)
    if etag:
        handler.send_header("ETag", etag)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers.items())))
            server.answer(self)

        def log_message(self, *_: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None: ...  # clients hang up on purpose here

    with Quiet(("127.0.0.1", 0), Answer) as http:
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        server.address = f"http{'s' if tls else ''}://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join(5)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def registry(home: Path, server: Server, clock: Clock, *, path: str = "/index.json", timeout: float = 5.0) -> Registry:
    return Registry(home, [server.address + path], timeout=timeout, clock=clock)


def listing(*names: str) -> dict[str, Any]:
    return {"schema": 1, "plugins": [{"name": name} for name in names]}


async def names(registry: Registry) -> list[str]:
    """Return the names that there are once the refresh that goes on beside has ended."""
    await registry.entries()
    await registry.refreshed()
    return [entry.name for entry in await registry.entries()]


# ---------------------------------------------------------------- when all is well


async def test_a_copy_is_used_for_an_hour_and_then_revalidated(home: Path, server: Server, clock: Clock) -> None:
    def answer(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == '"one"':
            handler.send_response(304)
            handler.end_headers()
        else:
            send(handler, listing("a"), etag='"one"')

    server.answer = answer
    assert await names(registry(home, server, clock)) == ["a"]
    clock.now += HOUR - 1
    assert await names(registry(home, server, clock)) == ["a"]
    assert len(server.asked) == 1
    clock.now += 2
    later = registry(home, server, clock)
    assert await names(later) == ["a"]
    assert [headers.get("If-None-Match") for _, headers in server.asked] == [None, '"one"']
    assert later.notices == []
    clock.now += HOUR / 2
    assert await names(registry(home, server, clock)) == ["a"]
    assert len(server.asked) == 2, "a copy that was confirmed is good for another hour"


async def test_what_changed_at_the_source_changes_the_fingerprint(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("a"))
    asked = registry(home, server, clock)
    await asked.entries()
    before = asked.fingerprint
    await asked.refresh()
    assert asked.fingerprint == before
    server.serves(listing("a", "b"))
    await asked.refresh()
    assert await names(asked) == ["a", "b"]
    assert asked.fingerprint != before


async def test_a_copy_that_another_process_fetched_is_taken_up(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("a"))
    one, other = registry(home, server, clock), registry(home, server, clock)
    assert await names(one) == await names(other) == ["a"]
    server.serves(listing("b"))
    await one.refresh()
    assert await names(other) == ["b"]


async def test_a_copy_that_another_process_puts_in_place_right_after_ours_is_taken_up(
    home: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Cache.keep

    def keep_and_be_overtaken(cache: Cache, location: str, facts: CopyFacts, entries: EntryList) -> Any:
        kept = keep(cache, location, facts, entries)
        keep(cache, location, facts, EntryList([Entry("b", "mcp")], ""))
        return kept

    server.serves(listing("a"))
    asked = registry(home, server, clock)
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "keep", keep_and_be_overtaken)
        await asked.refresh()
    assert await names(asked) == ["b"]


async def test_redirects_are_followed(home: Path, server: Server, clock: Clock) -> None:
    def answer(handler: Handler) -> None:
        if handler.path == "/index.json":
            send(handler, b"", status=302, Location="/moved/here.json")
        else:
            send(handler, listing("a"))

    server.answer = answer
    assert await names(registry(home, server, clock)) == ["a"]


async def test_a_compressed_answer_is_read(home: Path, server: Server, clock: Clock) -> None:
    server.answer = lambda handler: send(
        handler, gzip.compress(json.dumps(listing("a")).encode()), Content_Encoding="gzip"
    )
    assert await names(registry(home, server, clock)) == ["a"]


async def test_a_description_of_ten_megabytes_survives(home: Path, server: Server, clock: Clock) -> None:
    server.serves({"schema": 1, "plugins": [{"name": "a", "description": "x" * 10 * 2**20}, {"name": "b"}]})
    assert await names(registry(home, server, clock)) == ["a", "b"]


async def test_many_who_ask_at_once_ask_the_source_once(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("a"))
    asked = registry(home, server, clock)
    await asyncio.gather(*(asked.entries() for _ in range(20)))
    assert len(server.asked) == 1


# ---------------------------------------------------------------- messes


def hang(handler: Handler, server: Server) -> None:
    server.released.wait(10)


def trickle(handler: Handler, server: Server) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        if server.released.wait(0.05):
            return


def truncate(handler: Handler, server: Server) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'{"schema": 1, "plugins": [{"name": "half"}')
    handler.close_connection = True


def cut_off(handler: Handler, server: Server) -> None:
    """Truncate without having said how long the answer would be."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b'{"schema": 1, "plugins": [{"name": "half"}')
    handler.close_connection = True


def bomb(handler: Handler, server: Server) -> None:
    send(handler, gzip.compress(b" " * 80 * 2**20, 1), Content_Encoding="gzip")


def not_gzip(handler: Handler, server: Server) -> None:
    send(handler, b"this is no gzip", Content_Encoding="gzip")


def redirect_for_ever(handler: Handler, server: Server) -> None:
    send(handler, b"", status=302, Location=handler.path + "x")


def redirect_to_a_file(handler: Handler, server: Server) -> None:
    send(handler, b"", status=302, Location="file:///etc/passwd")


def nothing_changed(handler: Handler, server: Server) -> None:
    handler.send_response(304)
    handler.end_headers()


def hang_up(handler: Handler, server: Server) -> None:
    handler.connection.close()


def fail(handler: Handler, server: Server) -> None:
    send(handler, {"error": "the database is down"}, status=503)


def garbage(handler: Handler, server: Server) -> None:
    send(handler, b"<html>Welcome to the hotel's network</html>")


def other_json(handler: Handler, server: Server) -> None:
    send(handler, {"message": "rate limit exceeded"})


def nothing_usable(handler: Handler, server: Server) -> None:
    send(handler, {"schema": 1, "plugins": [{"name": 7}, {"name": ""}]})


OUTAGES = [
    hang,
    trickle,
    truncate,
    bomb,
    not_gzip,
    redirect_for_ever,
    redirect_to_a_file,
    nothing_changed,
    hang_up,
    fail,
]
NO_REGISTRY = [cut_off, garbage, other_json, nothing_usable]
Mess = Callable[[Handler, Server], None]


def patience(mess: Mess) -> float:
    """Return how long to wait: the rest must fail for its own reason, however busy the machine is."""
    return 1.0 if mess in (hang, trickle) else 20.0


@pytest.mark.parametrize("mess", [*OUTAGES, *NO_REGISTRY])
async def test_the_last_good_copy_outlives_every_mess_and_its_age_is_told(
    home: Path, server: Server, clock: Clock, mess: Mess
) -> None:
    server.serves(listing("good"))
    await registry(home, server, clock).entries()
    clock.now += 3 * HOUR
    server.answer = lambda handler: mess(handler, server)
    asked = registry(home, server, clock, timeout=patience(mess))
    async with asyncio.timeout(30):
        shown = await names(asked)
    assert shown == ["good"]
    (notice,) = asked.notices
    assert server.address in notice
    assert "3 hours old" in notice


@pytest.mark.parametrize("mess", OUTAGES)
async def test_an_outage_without_a_copy_shows_the_bundled_snapshot(
    home: Path, server: Server, clock: Clock, mess: Mess
) -> None:
    server.answer = lambda handler: mess(handler, server)
    asked = registry(home, server, clock, timeout=patience(mess))
    async with asyncio.timeout(30):
        entries = await asked.entries()
    assert {entry.source for entry in entries} == {"bundled"}
    assert "bundled snapshot" in asked.notices[0]
    assert await names(asked) == [entry.name for entry in entries]
    requests = 6 if mess is redirect_for_ever else 1
    assert len(server.asked) == requests, "a source that failed is left alone for a while"


@pytest.mark.parametrize("mess", NO_REGISTRY)
async def test_an_address_that_serves_something_else_is_an_error_rather_than_an_outage(
    home: Path, server: Server, clock: Clock, mess: Mess
) -> None:
    server.answer = lambda handler: mess(handler, server)
    asked = registry(home, server, clock)
    with pytest.raises(RegistryUnavailableError, match="No registry could be read") as caught:
        await asked.entries()
    assert caught.value.code == "registry_unavailable"
    assert server.address in str(caught.value)


async def test_an_answer_that_unpacks_to_more_than_the_limit_is_not_taken(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = lambda handler: bomb(handler, server)
    asked = registry(home, server, clock, timeout=patience(bomb))
    await asked.entries()
    assert "larger than 64 MB" in asked.notices[0]


async def test_a_source_goes_down_serves_garbage_and_comes_back(home: Path, server: Server, clock: Clock) -> None:
    asked = registry(home, server, clock)
    for answer, expected, told in (
        (lambda handler: send(handler, listing("first")), ["first"], False),
        (lambda handler: fail(handler, server), ["first"], True),
        (lambda handler: garbage(handler, server), ["first"], True),
        (lambda handler: truncate(handler, server), ["first"], True),
        (lambda handler: send(handler, listing("second")), ["second"], False),
    ):
        server.answer = answer
        await asked.refresh()
        assert await names(asked) == expected
        assert bool(asked.notices) is told


async def test_a_source_that_failed_is_asked_again_after_a_minute(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("first"))
    await registry(home, server, clock).entries()
    clock.now += 2 * HOUR
    server.answer = lambda handler: fail(handler, server)
    assert await names(registry(home, server, clock)) == ["first"]
    server.serves(listing("second"))
    asked = registry(home, server, clock)
    assert await names(asked) == ["first"]
    assert asked.notices != []
    assert len(server.asked) == 2
    clock.now += 61
    assert await names(asked) == ["second"]
    assert asked.notices == []


async def test_what_a_refresh_found_out_is_known_to_the_next_process(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("first"))
    long_running = registry(home, server, clock)
    await long_running.entries()
    server.answer = lambda handler: fail(handler, server)
    clock.now += 60
    await registry(home, server, clock).refresh()
    (state,) = registry(home, server, clock).states()
    assert (state.problem, state.entries) == ("it answers 503", 1)
    assert await names(long_running) == ["first"]
    assert "1 minute old" in long_running.notices[0]
    server.serves(listing("second"))
    await registry(home, server, clock).refresh()
    assert await names(long_running) == ["second"]
    assert long_running.notices == []


async def test_a_server_that_nobody_listens_on_is_an_outage(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("good"))
    asked = registry(home, server, clock)
    gone = Registry(home, ["http://127.0.0.1:9/index.json", server.address + "/a.json"], clock=clock)
    assert await names(gone) == ["good"]
    assert "cannot be reached" in gone.notices[0]
    assert await names(asked) == ["good"]


async def test_a_copy_that_was_damaged_on_disk_is_fetched_again(home: Path, server: Server, clock: Clock) -> None:
    server.serves(listing("a", "b"), etag='"one"')
    await registry(home, server, clock).entries()
    (copy,) = (home / "registry").glob("*.entries")
    copy.write_bytes(copy.read_bytes()[:-20])
    assert await names(registry(home, server, clock)) == ["a", "b"]
    assert "If-None-Match" not in server.asked[1][1]


async def test_a_password_in_an_address_is_never_shown_or_kept(home: Path, server: Server, clock: Clock) -> None:
    server.answer = lambda handler: fail(handler, server)
    address = server.address.replace("//", "//me:sesame@") + "/index.json?key=sesame"
    asked = Registry(home, [address], clock=clock)
    entries = await asked.entries()
    server.serves(listing("a"))
    await asked.refresh()
    entries = [*entries, *await asked.entries()]
    assert "Authorization" in server.asked[0][1]
    kept = b"".join(path.read_bytes() + str(path).encode() for path in (home / "registry").iterdir())
    assert b"sesame" not in kept
    assert "sesame" not in repr((entries, asked.notices, [state.source.shown for state in asked.states()]))


async def test_https_is_never_left_for_http(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path).both)
    with serving(context) as secure:
        secure.answer = lambda handler: send(handler, b"", status=302, Location="http://127.0.0.1:9/index.json")
        # The certificate is this test's own, so nobody vouches for it.
        async with httpx2.AsyncClient(verify=False) as client:
            with pytest.raises(FetchError, match="from https to http"):
                await fetch(client, secure.address)


# ---------------------------------------------------------------- the MCP registry's pages


@dataclass
class Api:
    """An MCP registry with pages of two, that knows ``updated_since``."""

    servers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name to status and time of the last change."""

    def __call__(self, handler: Handler) -> None:
        asked = {key: values[0] for key, values in parse_qs(urlsplit(handler.path).query).items()}
        if urlsplit(handler.path).path != "/v0.1/servers":
            send(handler, b"<html>A page for people</html>")
            return
        since = asked.get("updated_since", "")
        listed = sorted(
            name
            for name, (status, changed) in self.servers.items()
            if changed > since and (since or status != "deleted") and name > asked.get("cursor", "")
        )
        page = listed[:2]
        metadata = {"count": len(page)} | ({"nextCursor": page[-1]} if len(listed) > 2 else {})
        send(handler, {"servers": [self.wrapped(name) for name in page] or None, "metadata": metadata})

    def wrapped(self, name: str) -> dict[str, Any]:
        status, changed = self.servers[name]
        meta = {"io.modelcontextprotocol.registry/official": {"status": status, "updatedAt": changed, "isLatest": True}}
        return {"server": {"name": name, "description": "One", "version": "1.0.0"}, "_meta": meta}


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("path", ["/v0.1/servers", "", "/"])
async def test_all_pages_are_read_and_later_only_what_changed(
    home: Path, server: Server, clock: Clock, path: str
) -> None:
    api = Api({name: ("active", at(clock.now - 10 * HOUR)) for name in "abcde"})
    server.answer = api
    assert sorted(await names(registry(home, server, clock, path=path))) == list("abcde")
    first = server.query(-1)
    assert (first["version"], first["limit"], first["cursor"]) == ("latest", "100", "d")
    clock.now += 2 * HOUR
    api.servers |= {"b": ("deleted", at(clock.now - 60)), "f": ("active", at(clock.now - 60))}
    later = registry(home, server, clock, path=path)
    assert sorted(await names(later)) == list("acdef")
    assert "updated_since" in server.query(-1)
    clock.now += 8 * 24 * HOUR
    assert sorted(await names(registry(home, server, clock, path=path))) == list("acdef")
    assert "updated_since" not in server.query(-1), "once a week everything is read, so that nothing lingers"


async def test_half_the_pages_are_no_copy(home: Path, server: Server, clock: Clock) -> None:
    api = Api({name: ("active", at(clock.now - 10 * HOUR)) for name in "abcde"})
    server.answer = api
    await registry(home, server, clock, path="/v0.1/servers").entries()
    clock.now += 8 * 24 * HOUR
    api.servers = {name: ("active", at(clock.now)) for name in "vwxyz"}
    server.answer = lambda handler: fail(handler, server) if "cursor" in handler.path else api(handler)
    asked = registry(home, server, clock, path="/v0.1/servers")
    assert sorted(await names(asked)) == list("abcde")
    assert "8 days old" in asked.notices[0]


async def test_pages_that_do_not_end_are_an_outage(home: Path, server: Server, clock: Clock) -> None:
    page = {"servers": [{"server": {"name": "a"}}], "metadata": {"nextCursor": "again"}}
    server.serves(page)
    asked = registry(home, server, clock, path="/v0.1/servers")
    await asked.entries()
    assert "do not end" in asked.notices[0]
    assert len(server.asked) < 5


async def test_a_file_with_pages_is_followed_wherever_it_lies(home: Path, server: Server, clock: Clock) -> None:
    def answer(handler: Handler) -> None:
        last = "cursor=2" in handler.path
        send(
            handler,
            {"servers": [{"server": {"name": "b" if last else "a"}}], "metadata": {} if last else {"nextCursor": "2"}},
        )

    server.answer = answer
    assert await names(registry(home, server, clock, path="/mine.json")) == ["a", "b"]


async def test_a_registry_on_the_network_names_no_path_of_this_machine(server: Server, tmp_path: Path) -> None:
    trap = {"type": "path", "name": "/srv/trap"}
    plugins = [
        {"name": "whole", "packages": [trap]},
        {"name": "relative", "packages": [{"type": "path", "name": "./trap"}]},
        {"name": "part", "packages": [trap, {"type": "pypi", "name": "part", "version": "1.0"}]},
        {"name": "good", "packages": [{"type": "pypi", "name": "good"}]},
    ]
    server.serves({"schema": 1, "plugins": plugins})
    remote = Registry(tmp_path / "home", [server.address])
    found = {entry.name: [package.type for package in entry.packages] for entry in await remote.entries()}
    assert found == {"part": ["pypi"], "good": ["pypi"]}
    assert any("whole: it names a path of this machine" in notice for notice in remote.notices)

    file = tmp_path / "registry.json"
    file.write_text(json.dumps({"schema": 1, "plugins": plugins}))
    local = Registry(tmp_path / "other", [str(file)])
    assert {entry.name for entry in await local.entries()} == {"whole", "relative", "part", "good"}

    server.serves({"schema": 1, "plugins": plugins[:2]})
    only = Registry(tmp_path / "third", [server.address])
    with pytest.raises(RegistryUnavailableError, match="it names a path of this machine"):
        await only.entries()
