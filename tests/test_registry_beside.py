"""Registries are refreshed beside what is asked: nobody waits, and what was begun is finished by whoever comes next."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import UnknownPluginError
from dynamic_plugins.registry.cache import Cache, Checked
from dynamic_plugins.registry.refresh_process import RefreshProcess
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.registry.sources import SourceActivity, SourceList
from dynamic_plugins.registry.timetable import LONGEST, after_failure, after_success, is_due
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.settings import Settings
from tests.test_registry_network import HOUR, Api, Clock, Handler, Server, at, fail, hang, send, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli

PAGES = "/v0.1/servers"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def registry(home: Path, server: Server, clock: Clock, **more: Any) -> Registry:
    """Return a new home's registry, as another process would have it, whose official sources *server* serves."""
    official = {"elizaos": f"{server.address}/index.json", "mcp": server.address + PAGES}
    return Registry(home, clock=clock, official=official, **{"timeout": 5.0} | more)


def api(clock: Clock, names: str = "abcdefg") -> Api:
    return Api({name: ("active", at(clock.now - 10 * HOUR)) for name in names})


def official(pages: Callable[[Handler], None], index: Any = None) -> Callable[[Handler], None]:
    """Return what answers with *pages* as the MCP registry does, and with *index* as elizaOS' does."""

    def answer(handler: Handler) -> None:
        if handler.path.startswith(PAGES):
            pages(handler)
        else:
            send(handler, index or {"@elizaos-plugins/plugin-far": "github:elizaos-plugins/plugin-far"})

    return answer


async def refreshed(asked: Registry) -> list[str]:
    """Let what is due be refreshed, and return the names of what the official sources list."""
    await asked.entries()
    await asked.refreshed()
    await asked.entries()
    return sorted(entry.name for entry in asked.far())


def cursors(server: Server) -> list[str | None]:
    """Return what each page was asked for by."""
    return [server.query(at).get("cursor") for at, (path, _) in enumerate(server.asked) if path.startswith(PAGES)]


# ---------------------------------------------------------------- nobody waits


async def test_a_new_home_answers_from_the_bundled_snapshot_while_both_official_registries_hang(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = lambda handler: hang(handler, server)
    asked = registry(home, server, clock, timeout=60.0)
    async with asyncio.timeout(5):
        entries = await asked.entries()
        assert {entry.source for entry in entries} == {"bundled"}
        assert [state.source.name for state in asked.states()] == ["bundled", "elizaos", "mcp"]
        assert asked.notices == []
        await asked.close()
        assert await asked.entries()
        await asked.close()


async def test_both_are_read_beside_it_and_there_for_whoever_asks_next(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = official(api(clock))
    first = registry(home, server, clock)
    assert {entry.source for entry in await first.entries()} == {"bundled"}
    assert await refreshed(first) == ["@elizaos-plugins/plugin-far", *"abcdefg"]
    asked = len(server.asked)
    assert {each.source for each in await registry(home, server, clock).entries()} == {"bundled", "elizaos", "mcp"}
    clock.now += HOUR - 1
    await refreshed(registry(home, server, clock))
    assert len(server.asked) == asked, "they are asked once an hour"


async def test_a_copy_that_is_old_is_shown_with_its_age_while_its_source_hangs(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = official(api(clock))
    await refreshed(registry(home, server, clock))
    clock.now += 3 * HOUR
    server.answer = lambda handler: hang(handler, server)
    asked = registry(home, server, clock, timeout=60.0)
    async with asyncio.timeout(5):
        assert {each.source for each in await asked.entries()} == {"bundled", "elizaos", "mcp"}
        assert [round(clock.now - state.as_of) // 3600 for state in asked.states()][1:] == [3, 3]
        await asked.close()


async def test_the_network_that_is_cut_is_no_notice_while_there_is_something_to_show(home: Path, clock: Clock) -> None:
    asked = Registry(home, clock=clock, official={"mcp": "http://127.0.0.1:9/v0.1/servers"})
    await asked.entries()
    await asked.refreshed()
    await asked.entries()
    assert asked.notices == []
    (_, state) = asked.states()
    assert (state.doing, state.problem) == (SourceActivity.FAILED, "it cannot be reached")
    assert clock.now < state.next_try <= clock.now + 60


async def test_nothing_is_asked_offline(home: Path, server: Server, clock: Clock) -> None:
    server.answer = official(api(clock))
    asked = registry(home, server, clock, offline=True)
    assert await refreshed(asked) == []
    assert [state.doing for state in await asked.refresh()][1:] == [SourceActivity.OFFLINE, SourceActivity.OFFLINE]
    assert not await asked.catch_up()
    assert server.asked == []
    await refreshed(registry(home, server, clock))
    before = len(server.asked)
    clock.now += 2 * HOUR
    later = registry(home, server, clock, offline=True)
    assert "a" in await refreshed(later)
    assert all("DYNAMIC_PLUGINS_OFFLINE" in notice and "2 hours old" in notice for notice in later.notices)
    assert (len(later.notices), len(server.asked)) == (2, before)


async def test_requests_say_nothing_of_the_person(home: Path, server: Server, clock: Clock) -> None:
    server.answer = official(api(clock))
    asked = registry(home, server, clock)
    catalogue = Catalogue(asked)
    await catalogue.search("tax returns of somebody", 5)
    with pytest.raises(UnknownPluginError):
        await catalogue.find("a-private-name")
    await asked.refreshed()
    clock.now += 2 * HOUR
    await refreshed(asked)
    headers = {name.lower() for _, sent in server.asked for name in sent}
    assert headers <= {"host", "accept", "accept-encoding", "connection", "user-agent", "if-none-match"}
    assert {sent["User-Agent"].split("/")[0] for _, sent in server.asked} == {"agent-dynamic-plugins"}
    assert {key for at in range(len(server.asked)) for key in server.query(at)} <= {
        "version",
        "limit",
        "cursor",
        "updated_since",
    }


# ---------------------------------------------------------------- a walk through many pages


async def test_a_walk_that_fails_goes_on_where_it_stopped(home: Path, server: Server, clock: Clock) -> None:
    pages = api(clock)
    server.answer = official(lambda each: fail(each, server) if "cursor=d" in each.path else pages(each))
    asked = registry(home, server, clock)
    assert await refreshed(asked) == ["@elizaos-plugins/plugin-far"], "half a registry is not shown"
    state = asked.states()[-1]
    assert (state.doing, state.page, state.problem) == (SourceActivity.FAILED, 2, "it answers 503")
    clock.now += 61
    server.answer = official(pages)
    server.asked.clear()
    pages.servers["c"] = ("deleted", at(clock.now))
    later = registry(home, server, clock)
    assert await refreshed(later) == ["@elizaos-plugins/plugin-far", *"abcdefg"]
    assert cursors(server) == ["d", "f"], "what was read is not read again"
    assert (later.states()[-1].doing, later.states()[-1].page) == (SourceActivity.NOTHING, 0)
    clock.now += HOUR + 1
    server.asked.clear()
    assert "c" not in await refreshed(registry(home, server, clock)), "what changed meanwhile is asked for next"
    (since,) = (server.query(n)["updated_since"] for n, (path, _) in enumerate(server.asked) if path.startswith(PAGES))
    assert since < at(clock.now - HOUR - 60), "of when the walk began"


async def test_a_walk_that_is_cut_off_goes_on_in_the_next_process(home: Path, server: Server, clock: Clock) -> None:
    pages, reached = api(clock), threading.Event()

    def stall(handler: Handler) -> None:
        if "cursor=d" in handler.path:
            handler.send_response(200)
            handler.send_header("Content-Length", "10000")
            handler.end_headers()
            reached.set()
            server.released.wait(20)
        else:
            pages(handler)

    server.answer = official(stall)
    first = registry(home, server, clock, timeout=60.0)
    await first.entries()
    assert await asyncio.to_thread(reached.wait, 20)
    other = registry(home, server, clock)
    assert (other.states()[-1].doing, other.states()[-1].page) == (SourceActivity.REFRESHING, 2)
    before = len(server.asked)
    await refreshed(other)
    assert len(server.asked) == before, "one process asks at a time"
    await first.close()
    assert (other.states()[-1].doing, other.states()[-1].page) == (SourceActivity.RESUMING, 2)
    server.answer = official(pages)
    server.asked.clear()
    assert await refreshed(other) == ["@elizaos-plugins/plugin-far", *"abcdefg"]
    assert cursors(server) == ["d", "f"]


async def test_a_page_that_was_half_written_is_read_again(home: Path, server: Server, clock: Clock) -> None:
    pages = api(clock)
    server.answer = official(lambda each: fail(each, server) if "cursor=d" in each.path else pages(each))
    await refreshed(registry(home, server, clock))
    (kept,) = (home / "registry").glob("*.pages")
    kept.write_bytes(kept.read_bytes()[:-5])
    clock.now += 61
    server.answer = official(pages)
    server.asked.clear()
    assert await refreshed(registry(home, server, clock)) == ["@elizaos-plugins/plugin-far", *"abcdefg"]
    assert cursors(server) == ["b", "d", "f"]


@pytest.mark.parametrize("change", ["refused", "old", "garbled", "a page is missing"])
async def test_a_walk_that_cannot_go_on_begins_anew(home: Path, server: Server, clock: Clock, change: str) -> None:
    pages = api(clock)
    server.answer = official(lambda each: fail(each, server) if "cursor=f" in each.path else pages(each))
    await refreshed(registry(home, server, clock))
    (kept,) = (home / "registry").glob("*.pages")
    lines = kept.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    clock.now += 61
    refuses = iter([change == "refused"])
    if change == "old":
        clock.now += 25 * HOUR
    elif change == "garbled":
        kept.write_bytes(lines[0] + b"{}\n" + lines[1])
    elif change == "a page is missing":
        kept.write_bytes(lines[0] + lines[1] + lines[3])
    server.answer = official(
        lambda each: send(each, {}, status=400) if "cursor=f" in each.path and next(refuses, False) else pages(each)
    )
    server.asked.clear()
    assert await refreshed(registry(home, server, clock)) == ["@elizaos-plugins/plugin-far", *"abcdefg"]
    assert cursors(server)[-4:] == [None, "b", "d", "f"]


async def test_what_the_person_waits_for_is_read_on_from_there_as_well(
    home: Path, server: Server, clock: Clock
) -> None:
    pages = api(clock)
    server.answer = official(lambda each: hang(each, server) if "cursor=d" in each.path else pages(each))
    states = await registry(home, server, clock, timeout=4.0).refresh("mcp")
    assert [(state.doing, state.page) for state in states] == [(SourceActivity.FAILED, 2)]
    server.answer = official(pages)
    (state,) = await registry(home, server, clock).refresh("mcp")
    assert (state.doing, state.entries) == (SourceActivity.NOTHING, 7)


# ---------------------------------------------------------------- left alone after a failure


def test_a_source_that_goes_on_failing_is_asked_ever_more_rarely_and_never_in_step() -> None:
    checked, waits = Checked(), []
    for _ in range(12):
        checked = after_failure(checked, 1000.0, "it answers 500", is_outage=True)
        waits.append(checked.next_try - 1000.0)
        assert not is_due(checked, None, checked.next_try - 1)
        assert is_due(checked, None, checked.next_try + 1)
    for number, wait in enumerate(waits):
        most = min(60 * 2**number, LONGEST)
        assert most / 2 <= wait <= most
    assert len({round(wait / LONGEST, 6) for wait in waits[7:]}) > 1
    assert after_success(2000.0) == Checked(checked_at=2000.0)


async def test_how_long_to_be_left_alone_is_the_sources_word_and_known_to_all_processes(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = lambda handler: send(handler, {}, status=429, Retry_After="1800")
    await refreshed(registry(home, server, clock))
    asked = len(server.asked)
    assert asked == 2
    clock.now += 1790
    other = registry(home, server, clock)
    await refreshed(other)
    assert len(server.asked) == asked
    assert {(state.doing, state.problem) for state in other.states()[1:]} == {(SourceActivity.FAILED, "it answers 429")}
    clock.now += 20
    server.answer = official(api(clock))
    assert "a" in await refreshed(other)
    assert [state.problem for state in other.states()] == ["", "", ""]


@pytest.mark.parametrize("said", ["soon", "-5", "99999999999", "Sun, 06 Nov 1994 08:49:37 GMT"])
async def test_nonsense_about_it_is_no_reason_to_stay_away(home: Path, server: Server, clock: Clock, said: str) -> None:
    server.answer = lambda handler: send(handler, {}, status=503, Retry_After=said)
    asked = registry(home, server, clock)
    await refreshed(asked)
    assert clock.now < asked.states()[-1].next_try <= clock.now + 24 * HOUR


async def test_a_registry_goes_down_serves_garbage_and_comes_back_beside_what_is_shown(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = official(api(clock))
    asked = registry(home, server, clock)
    good = await refreshed(asked)
    clock.now += HOUR
    for mess in (lambda h: fail(h, server), lambda h: send(h, b"<html>"), lambda h: h.connection.close()):
        clock.now += HOUR
        server.answer = mess
        assert await refreshed(asked) == good
        assert asked.states()[-1].doing is SourceActivity.FAILED
        assert len(asked.notices) == 2
    clock.now += HOUR
    back = api(clock)
    back.servers["x"] = ("active", at(clock.now))
    server.answer = official(back)
    assert await refreshed(asked) == [*good, "x"]
    assert asked.notices == []


# ---------------------------------------------------------------- names


SQUATTER = "io.github.squatter/mcp-server-time"


def servers(*given: tuple[str, str]) -> Callable[[Handler], None]:
    """Return what serves MCP servers, given by name and PyPI package, on one page."""
    listed = [
        {
            "server": {
                "name": name,
                "description": "Tells what time it is in a zone",
                "packages": [{"registryType": "pypi", "identifier": package, "transport": {"type": "stdio"}}],
            }
        }
        for name, package in given
    ]
    return lambda handler: send(handler, {"servers": listed, "metadata": {"count": len(listed)}})


async def test_no_name_of_the_network_takes_one_from_the_bundled_registry(
    home: Path, server: Server, clock: Clock
) -> None:
    alone = Catalogue(Registry(home / "alone", official={}))
    server.answer = official(
        servers(
            (SQUATTER, "another"),
            ("mcp-server-time", "evil"),
            ("io.github.one/time", "one"),
            ("io.github.two/time-mcp", "two"),
            ("io.github.three/far-thing", "far-thing"),
        )
    )
    asked = registry(home, server, clock)
    await refreshed(asked)
    catalogue = Catalogue(asked)
    for said in ("mcp-server-time", "time", "the time server", "Time MCP", "pypi:mcp-server-time"):
        assert await catalogue.resolve(said) == await alone.resolve(said), said
    found = await catalogue.find("mcp-server-time")
    assert (found.entry.source, found.entry.packages[0].name) == ("bundled", "mcp-server-time")
    assert (await catalogue.find("mcp-server-time (mcp)")).entry.packages[0].name == "evil"
    assert (await catalogue.find(SQUATTER)).entry.source == "mcp"
    assert "mcp-server-time" in str((await catalogue.find(SQUATTER)).warning)
    assert (await catalogue.find("far-thing")).entry.name == "io.github.three/far-thing"
    assert [m.names for m in _mentions("what time is it over there, one or two?", await catalogue.names())] == [
        m.names for m in _mentions("what time is it over there, one or two?", await alone.names())
    ]


def _mentions(text: str, names: Any) -> Any:
    from dynamic_plugins.resolver.mentions import mentions_in

    return mentions_in(text, names.spoken)


async def test_a_plugin_that_several_registries_list_is_shown_once_and_by_the_bundled_entry(
    home: Path, server: Server, clock: Clock
) -> None:
    server.answer = official(
        servers((SQUATTER, "mcp-server-time"), ("io.github.one/clock", "clock"), ("io.github.two/clock", "clock"))
    )
    asked = registry(home, server, clock)
    await refreshed(asked)
    found = [match.entry for match in await Catalogue(asked).search("what time is it in a time zone", 8)]
    assert [entry.source for entry in found if entry.packages[0].name == "mcp-server-time"] == ["bundled"]
    assert len([entry for entry in found if entry.packages[0].name == "clock"]) == 1


async def test_an_unknown_name_waits_for_what_is_being_read(home: Path, server: Server, clock: Clock) -> None:
    server.answer = official(servers(("io.github.three/far-thing", "far-thing")))
    asked = registry(home, server, clock, patience=60.0)
    assert (await Catalogue(asked).find("far-thing")).entry.source == "mcp"


async def test_an_unknown_name_does_not_wait_for_ever_nor_twice(home: Path, server: Server, clock: Clock) -> None:
    server.answer = lambda handler: hang(handler, server)
    asked = registry(home, server, clock, timeout=60.0)
    catalogue = Catalogue(asked)
    async with asyncio.timeout(20):
        began = time.monotonic()
        with pytest.raises(UnknownPluginError):
            await catalogue.find("far-thing")
        assert time.monotonic() - began >= 1.9
        assert not await asked.catch_up()
        assert time.monotonic() - began < 10
        await asked.close()


# ---------------------------------------------------------------- as commands do it


@pytest.fixture
def online(cli: Cli, server: Server) -> Iterator[Cli]:
    """The command line on a home whose one registry beside the bundled is *server*'s, and may be asked."""
    SourceList(cli.home, {}).add(server.address + PAGES, "pages")
    SourceList(cli.home, {}).trust("pages")
    cli.env["DYNAMIC_PLUGINS_OFFLINE"] = "0"
    yield cli
    assert psutil.wait_procs(refreshing(cli.home), timeout=20)[1] == []


def refreshing(home: Path) -> list[psutil.Process]:
    """Return the living processes that refresh the registries of *home*."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(home) in (words := process.info["cmdline"] or []) and any("registry_refresh" in word for word in words)
    ]


def test_a_command_does_not_wait_for_a_registry_that_hangs_and_the_next_one_has_what_came(
    online: Cli, server: Server, clock: Clock
) -> None:
    asked = threading.Event()

    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        asked.set()
        while not server.released.wait(0.2):
            handler.wfile.write(b" ")
            handler.wfile.flush()
        page = {"servers": [api(clock).wrapped(name) for name in "abcdefg"], "metadata": {}}
        handler.wfile.write(json.dumps(page).encode())

    server.answer = trickle
    told = online("list", "time").json
    assert [each["name"] for each in told["registries"]] == ["bundled", "pages"]
    assert asked.wait(30), "it is asked by a process that outlives the command"
    (state,) = [each for each in online("registry", "list").json["sources"] if each["name"] == "pages"]
    assert (state["on"], state["state"], state["entries"]) == (True, "refreshing", 0)
    server.released.set()
    assert psutil.wait_procs(refreshing(online.home), timeout=30)[1] == []
    told = {each["name"]: each for each in online("list", "time").json["registries"]}
    assert (told["pages"]["entries"], told["pages"]["state"]) == (7, "on")
    assert told["pages"]["age_seconds"] < 120


def test_a_name_that_only_the_network_knows_is_waited_for(online: Cli, server: Server) -> None:
    server.answer = servers(("io.github.three/far-thing", "far-thing"))
    told = online("info", "io.github.three/far-thing", code=None).json
    if told["ok"]:  # a busy machine may take longer to start a process than anybody waits
        assert told["registry"] == "pages"
    assert psutil.wait_procs(refreshing(online.home), timeout=30)[1] == []
    assert online("info", "io.github.three/far-thing").json["registry"] == "pages"


def test_offline_commands_ask_nothing_and_say_so(online: Cli, server: Server) -> None:
    online.env["DYNAMIC_PLUGINS_OFFLINE"] = "1"
    told = online("list", "time").json
    assert [each["state"] for each in told["registries"]] == ["on", "offline"]
    assert "DYNAMIC_PLUGINS_OFFLINE" in told["notices"][0]
    assert online("registry", "refresh", code=1).json["sources"][-1]["state"] == "offline"
    checks = {each["name"]: each for each in online("doctor", code=None).json["checks"]}
    assert "DYNAMIC_PLUGINS_OFFLINE" in checks["registry"]["found"]
    assert server.asked == []


def test_an_official_registry_is_switched_off_and_on_again(cli: Cli) -> None:
    def states() -> dict[str, str]:
        return {each["name"]: each["state"] for each in cli("registry", "list").json["sources"]}

    assert states() == {"bundled": "on", "elizaos": "offline", "mcp": "offline"}
    cli("registry", "remove", "elizaos")
    assert states() == {"bundled": "on", "mcp": "offline", "elizaos": "off"}
    cli("registry", "add", "elizaos", code=1)  # it is on, and could not be asked
    assert states() == {"bundled": "on", "mcp": "offline", "elizaos": "offline"}


async def test_leaving_an_application_ends_its_refresh(home: Path, server: Server) -> None:
    asked = threading.Event()

    def answer(handler: Handler) -> None:
        asked.set()
        server.released.wait(60)

    server.answer = answer
    SourceList(home, {}).add(server.address + PAGES, "pages")
    async with App(Settings(home=home)) as app:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DYNAMIC_PLUGINS_OFFLINE", "0")  # what it starts reads the environment
            await app.registry.entries()
        assert await asyncio.to_thread(asked.wait, 60)
        assert len(refreshing(home)) == 1
    assert refreshing(home) == []


def test_a_folder_in_which_a_command_is_typed_is_no_place_to_import_from(home: Path, tmp_path: Path) -> None:
    process = RefreshProcess(home, [], outlives=False)
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("asyncio.py", "argparse.py", "dynamic_plugins.py"):
        (trap / name).write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    before = os.getcwd()  # noqa: PTH109 - and PTH has no word for going there
    os.chdir(trap)
    try:
        process.start()
        assert process._process is not None
        process._process.wait(60)
    finally:
        os.chdir(before)
    assert not (tmp_path / "sprung").exists()


def test_one_home_starts_one_process_a_minute(home: Path) -> None:
    first, second = (RefreshProcess(home, [], outlives=False) for _ in range(2))
    first.start()
    second.start()
    assert first._process is not None
    assert second._process is None
    first._process.wait(60)
    mark = home / "registry" / "refresh-started"
    os.utime(mark, (time.time() - 61, time.time() - 61))
    second.start()
    assert second._process is not None
    second._process.wait(60)


def test_what_is_kept_of_a_walk_holds_no_address(home: Path, server: Server, clock: Clock) -> None:
    async def cut_short() -> None:
        pages = api(clock)
        server.answer = lambda each: fail(each, server) if "cursor=d" in each.path else pages(each)
        asked = Registry(home, [server.address.replace("//", "//me:sesame@") + PAGES], clock=clock)
        await asked.entries()

    asyncio.run(cut_short())
    kept = b"".join(path.read_bytes() + str(path).encode() for path in (home / "registry").iterdir())
    assert b"sesame" not in kept
    assert list((home / "registry").glob("*.pages"))


def test_a_copy_of_an_earlier_version_is_asked_about_and_shown_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "x.checked.json").write_text(json.dumps({"checked_at": 5.0, "failed_at": 0.0, "failure": ""}))
    cache = Cache(tmp_path)
    cache.check("somewhere", Checked(checked_at=5.0))
    (written,) = tmp_path.glob("somewhere-*.checked.json")
    written.write_text(json.dumps({"checked_at": 5.0, "failed_at": 0.0, "failure": ""}))
    assert cache.checked("somewhere") == Checked(checked_at=5.0)
