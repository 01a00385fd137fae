"""Plugins that break, hang, shout and hoard, each as a real process: its failure has a reason, and nothing is left."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.errors import (
    ActionError,
    LoadError,
    PluginTimeoutError,
    WorkerDiedError,
)
from dynamic_plugins.workers.components import Host
from tests.loading import call, children, component, connected, loader, native, outside, raw, server, until

if TYPE_CHECKING:
    from dynamic_plugins.workers.components import Offers


@pytest.mark.parametrize(
    ("entry_point", "reason"),
    [
        ("raises_on_import:plugin", "KeyError: 'nowhere' (raises_on_import.py, line 4"),
        ("exits_on_import:plugin", "its process ended while it started (exit status 7): going away now"),
        ("leaves_on_import:plugin", "SystemExit: it ended itself with 'no licence'"),
        ("no_plugin:plugin", "TypeError: no_plugin has no 'plugin'"),
        ("not_there:plugin", "ModuleNotFoundError: No module named 'not_there'"),
        ("has_nothing:plugin", "offers nothing that can be called"),
    ],
)
async def test_a_plugin_that_does_not_load_says_its_own_reason(tmp_path: Path, entry_point: str, reason: str) -> None:
    with pytest.raises(LoadError) as error:
        await loader().connect(native(tmp_path, entry_point), {})
    assert error.value.code == "load_failed"
    assert reason in error.value.reason
    assert children() == []


async def test_an_import_that_never_ends_is_ended(tmp_path: Path) -> None:
    with pytest.raises(PluginTimeoutError) as error:
        await loader(start=0.5).connect(native(tmp_path, "hangs_on_import:plugin"), {})
    assert error.value.code == "timeout"
    assert children() == []


async def test_a_server_that_never_says_hello_is_ended(tmp_path: Path) -> None:
    with pytest.raises(PluginTimeoutError):
        await loader(start=0.5).connect(raw(tmp_path, "silent"), {})
    assert children() == []


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    starting = asyncio.create_task(loader().connect(native(tmp_path, "hangs_on_import:plugin"), {}))
    await until(lambda: bool(children()))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert children() == []


@pytest.mark.parametrize(
    ("entry_point", "reason"),
    [
        ("bad_names:plugin", "'go there now' is no usable name"),
        ("bad_names:long", "(300 characters)"),
        ("bad_names:nameless", "one action has no name"),
        ("bad_schema:text", "the parameters of action 'go' are str, not a JSON Schema"),
        ("bad_schema:wrong_type", "tools.0.inputSchema.type: Input should be 'object'"),
        ("bad_schema:wrong_inside", "unknown type at /properties/x: 'strnig'"),
        ("bad_schema:not_a_map", "tools.0.inputSchema.properties"),
        ("bad_schema:not_json", "cannot be written as JSON: TypeError: Object of type set"),
        ("bad_schema:not_a_number", "go: its schema is no JSON: Out of range float values"),
    ],
)
async def test_a_component_that_breaks_the_contract_refuses_its_plugin(
    tmp_path: Path, entry_point: str, reason: str
) -> None:
    with pytest.raises(LoadError) as error:
        await loader().connect(native(tmp_path, entry_point), {})
    assert error.value.code == "load_failed"
    assert reason in error.value.reason
    assert children() == []


@pytest.mark.parametrize(("mode", "kind"), [("bad-schema", LoadError), ("nonsense", LoadError)])
async def test_a_server_that_breaks_the_contract_is_refused(tmp_path: Path, mode: str, kind: type[LoadError]) -> None:
    with pytest.raises(kind) as error:
        await loader().connect(raw(tmp_path, mode), {})
    assert error.value.reason
    assert children() == []


async def test_a_server_cannot_make_itself_an_evaluator_that_is_shown_every_turn(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "listens")) as connection:
        assert {component.kind for component in connection.offers.components} == {"action"}


async def test_defaults_that_json_has_no_form_for_are_left_out(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "bad_schema:odd_defaults")) as connection:
        assert component(connection, "scale").parameters == {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "number"}, "z": {"default": []}, "of": {}},
            "required": [],
            "additionalProperties": False,
        }
        assert await call(connection, "scale") == "(nan, inf, (), True)"


async def test_a_servers_answers_are_not_held_to_its_regular_expressions(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "slow-pattern")) as connection, asyncio.timeout(10):
        assert await call(connection, "go") == {"text": "a" * 60 + "!"}


async def test_a_name_registered_twice_refuses_the_plugin(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="go"):
        await loader().connect(native(tmp_path, "same_name_twice:plugin"), {})


async def test_a_command_that_is_not_there_is_a_load_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="No such file"):
        await loader().connect(server(tmp_path, "/nowhere/at-all"), {})
    assert children() == []


async def test_garbage_on_standard_output_is_passed_over(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "garbage")) as connection:
        assert await call(connection, "go") == "went go"
        assert await call(connection, "go") == "went go"


async def test_a_plugin_that_prints_protocol_lines_confuses_nobody(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        assert await call(connection, "flood", megabytes=20) == "flooded"
        assert await call(connection, "ok") == "fine"


async def test_what_it_floods_standard_error_with_is_not_kept(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        await call(connection, "flood", megabytes=100)
        assert psutil.Process().memory_info().rss - before < 20 * 2**20


async def test_a_hundred_megabytes_from_a_plugin_are_an_error(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        with pytest.raises(ActionError, match="too long"):
            await call(connection, "big", megabytes=100)
        assert psutil.Process().memory_info().rss - before < 20 * 2**20
        assert await call(connection, "ok") == "fine"


async def test_a_hundred_megabytes_from_a_server_are_dropped_as_they_come(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    async with connected(raw(tmp_path, "huge")) as connection:
        with pytest.raises(ActionError, match=r"too long \(10\d,\d\d\d,\d\d\d bytes\)"):
            await call(connection, "go")
        assert psutil.Process().memory_info().rss - before < 20 * 2**20
        assert connection.alive


async def test_a_server_that_logs_without_end_waits_for_us_and_others_for_nobody(tmp_path: Path) -> None:
    heard = itertools.count()

    def log(_plugin: str, _line: str) -> None:
        next(heard)

    other = await loader().connect(native(tmp_path, "misbehaves:plugin"), {})
    try:
        connection: Any = await loader().connect(raw(tmp_path, "floods"), {}, host=Host(log=log))
        before = psutil.Process().memory_info().rss
        try:
            async with asyncio.timeout(60):
                while next(heard) < 5000:
                    assert await call(other, "ok") == "fine"
                    assert await call(connection, "go") == "went go"
            assert psutil.Process().memory_info().rss - before < 20 * 2**20
        finally:
            await connection.close()
    finally:
        await other.close()
    assert children() == []


@pytest.mark.parametrize("mode", ["torrent", "asks"])
async def test_a_server_that_says_or_asks_without_end_and_does_not_listen_is_ended(tmp_path: Path, mode: str) -> None:
    async with connected(raw(tmp_path, mode), loader(call=1)) as connection:
        before = psutil.Process().memory_info().rss
        with pytest.raises(PluginTimeoutError):
            await call(connection, "go")
        assert not connection.alive
        assert psutil.Process().memory_info().rss - before < 20 * 2**20


async def test_allocating_without_end_is_an_error_of_that_call(tmp_path: Path) -> None:
    limited = loader(memory_bytes=400 * 2**20)
    async with connected(native(tmp_path, "misbehaves:plugin"), limited) as connection:
        with pytest.raises(ActionError, match=r"MemoryError|process ended"):
            await call(connection, "allocate")


async def test_a_node_server_gets_its_share_of_memory_and_no_more(tmp_path: Path) -> None:
    hoard = "let a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1))"
    with pytest.raises(LoadError, match=r"(?s)process ended while it started"):
        await loader(memory_bytes=600 * 2**20).connect(server(tmp_path, "node", "-e", hoard), {})
    assert children() == []


async def test_processor_time_is_limited(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin"), loader(cpu_seconds=1)) as connection:
        with pytest.raises(WorkerDiedError, match="signal"):
            await call(connection, "spin")


async def test_open_files_are_limited(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin"), loader(open_files=64)) as connection:
        with pytest.raises(ActionError, match="Too many open files"):
            await call(connection, "open_files")


async def test_a_death_in_mid_call_is_that_calls_error_with_its_last_words(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        others = asyncio.create_task(call(connection, "hang"))
        with pytest.raises(WorkerDiedError, match=r"exit status 9\): RuntimeError: the disk is full"):
            await call(connection, "die")
        with pytest.raises(WorkerDiedError):
            await others
        assert not connection.alive
        with pytest.raises(WorkerDiedError):
            await call(connection, "ok")


async def test_a_server_killed_in_mid_call_is_seen_at_once(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "die")) as connection:
        begun = time.perf_counter()
        with pytest.raises(WorkerDiedError, match="signal 9"):
            await call(connection, "die")
        assert time.perf_counter() - begun < 5


async def test_a_call_that_hangs_times_out_and_the_worker_goes_on(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin"), loader(call=0.5)) as connection:
        with pytest.raises(PluginTimeoutError) as error:
            await call(connection, "hang")
        assert error.value.code == "timeout"
        assert await call(connection, "ok") == "fine"


async def test_a_worker_that_answers_nothing_any_more_is_ended(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin"), loader(call=0.5)) as connection:
        # On a full machine the time may be up before the worker has begun, which then gives the call up and goes on.
        for _ in range(8):
            with pytest.raises(PluginTimeoutError):
                await call(connection, "block")
            if not connection.alive:
                break
        assert not connection.alive
        assert children() == []


@pytest.mark.parametrize("mode", ["plain", "modern"])
async def test_a_server_that_has_stopped_is_ended_whichever_protocol_it_speaks(tmp_path: Path, mode: str) -> None:
    async with connected(raw(tmp_path, mode), loader(call=0.5)) as connection:
        assert connection.pid is not None
        os.kill(connection.pid, signal.SIGSTOP)
        with pytest.raises(PluginTimeoutError):
            await call(connection, "go")
        assert not connection.alive


@pytest.mark.parametrize("ways", ["fork", "scatter"])
async def test_children_that_it_forked_end_with_it(tmp_path: Path, ways: str) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        pids = [outside(pid) for pid in await call(connection, ways)]
        assert all(psutil.pid_exists(pid) for pid in pids)
    assert not any(_lives(pid) for pid in pids)


async def test_children_of_a_worker_that_is_stuck_end_with_it(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin"), loader(call=10)) as connection:
        pids = [outside(pid) for pid in await call(connection, "scatter")]
        assert all(_lives(pid) for pid in pids)
        assert connection.pid is not None
        os.kill(connection.pid, signal.SIGSTOP)
    assert not any(_lives(pid) for pid in pids)


async def test_children_of_a_worker_that_died_end_when_it_is_closed(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        pids = [outside(pid) for pid in await call(connection, "fork")]
        with pytest.raises(WorkerDiedError):
            await call(connection, "die")
    await until(lambda: not any(_lives(pid) for pid in pids))  # killed; the system buries them in its own time


async def test_a_plugin_deaf_to_every_hint_is_killed(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        await call(connection, "deaf")
        begun = time.perf_counter()
        await connection.close()
        assert time.perf_counter() - begun < 5


async def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "stubborn")) as connection:
        assert await call(connection, "go") == "went go"


async def test_a_tool_list_that_changes_in_mid_call_is_followed(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "plain")) as connection:
        changed: asyncio.Future[Offers] = asyncio.get_running_loop().create_future()
        connection.on_offers_changed = changed.set_result
        assert await call(connection, "swap") == "swapped"
        offers = await asyncio.wait_for(changed, 5)
        assert [each.name for each in offers.components] == ["other"] == [e.name for e in connection.offers.components]
        assert await call(connection, "other") == "went other"


async def test_values_that_json_does_not_know_arrive_as_text(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "misbehaves:plugin")) as connection:
        odd = await call(connection, "odd")
        assert odd[0] == "nan"
        assert odd[1] == [1, 2]
        assert odd[2] == {"type": "binary", "bytes": 1}
        assert odd[4] == "x"


async def test_names_of_files_that_no_text_may_hold_arrive_written_out(tmp_path: Path) -> None:
    async with connected(native(tmp_path, "unwritable:plugin")) as connection:
        assert await call(connection, "names") == ["caf\\udce9"]
        assert await call(connection, "half") == "a\\ud83d"
        assert await call(connection, "speak") == "naïve, 日本, 😀"


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("missing", r"FileNotFoundError: caf\\udce9$"),
        ("huge", r"the answer cannot be written as JSON: ValueError: Exceeds the limit \(4300 digits\)"),
        ("shy", r"the answer cannot be written as JSON: KeyError: 'mine'"),
        ("shy_later", r"the answer cannot be written as JSON: KeyError: 'mine'"),
        ("shy_error", r"_ShyError$"),
    ],
)
async def test_an_answer_that_cannot_be_written_is_an_error_of_that_call(
    tmp_path: Path, action: str, reason: str
) -> None:
    async with connected(native(tmp_path, "unwritable:plugin")) as connection:
        with pytest.raises(ActionError, match=reason):
            await call(connection, action)
        assert await call(connection, "speak") == "naïve, 日本, 😀"


async def test_a_servers_half_characters_are_replaced(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "half")) as connection:
        assert await call(connection, "go") == "cut ? here"


@pytest.mark.parametrize("mode", ["digits", "deep", "no-object"])
async def test_an_answer_that_cannot_be_read_is_an_error_of_that_call(tmp_path: Path, mode: str) -> None:
    async with connected(raw(tmp_path, mode)) as connection:
        with pytest.raises(ActionError, match="the answer cannot be read"):
            await call(connection, "go")
        assert connection.alive


async def test_what_looks_like_an_answer_and_belongs_to_no_protocol_is_passed_over(tmp_path: Path) -> None:
    async with connected(raw(tmp_path, "chatty")) as connection:
        assert await call(connection, "go") == "went go"


async def test_other_plugins_go_on_while_one_falls(tmp_path: Path) -> None:
    good = await loader().connect(native(tmp_path, "misbehaves:plugin"), {})
    try:
        bad = await loader().connect(native(tmp_path, "misbehaves:plugin"), {})
        with pytest.raises(WorkerDiedError):
            await call(bad, "die")
        await bad.close()
        assert await call(good, "ok") == "fine"
    finally:
        await good.close()
    assert children() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells children of a death only on Linux")
@pytest.mark.parametrize("action", ["ok", "block"])
def test_no_worker_outlives_a_host_that_was_killed(tmp_path: Path, action: str) -> None:
    script = f"""
import asyncio, os, pathlib, signal, sys
sys.path.insert(0, {str(Path.cwd())!r})
from tests.loading import call, loader, native
async def main():
    path = pathlib.Path({str(tmp_path)!r})
    connection = await loader().connect(native(path, "misbehaves:plugin"), {{}})
    print(connection.pid, flush=True)
    asyncio.create_task(call(connection, {action!r}))
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    assert not _outlived_by(script)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells children of a death only on Linux")
def test_no_worker_outlives_its_host_that_never_comes_to_the_end_of_its_import(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, pathlib, signal, sys
sys.path.insert(0, {str(Path.cwd())!r})
from tests.loading import loader, native, outside, until
async def main():
    path = pathlib.Path({str(tmp_path)!r})
    starting = asyncio.create_task(loader().connect(native(path, "holds_on_import:plugin"), {{}}))
    await until((path / "holding").exists)
    print(outside(int((path / "holding").read_text())), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    assert not _outlived_by(script)


def _outlived_by(script: str) -> bool:
    """Whether the worker whose process id *script* prints lives five seconds longer than its host, which runs that."""
    host = psutil.Popen([sys.executable, "-c", script], stdout=-1)
    out, _ = host.communicate(timeout=60)
    worker, deadline = int(out), time.monotonic() + 5
    while _lives(worker) and time.monotonic() < deadline:
        time.sleep(0.01)
    left = _lives(worker)
    if left:
        os.kill(worker, signal.SIGKILL)
    return left


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
