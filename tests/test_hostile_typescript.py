"""elizaOS plugins in TypeScript that do harm, each in a real worker: it costs their call or themselves, and is told."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from dynamic_plugins.errors import ActionError, LoadError, PluginError, PluginTimeoutError, WorkerDiedError
from tests.loading import call, children, component, connected, loader, outside, until
from tests.node_plugins import installed, needs_node, with_action

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.connection import WorkerConnection
    from dynamic_plugins.workers.loader import Loader

pytestmark = needs_node
MISBEHAVES = Path(__file__).parent / "plugins" / "hostile_typescript" / "misbehaves.mjs"
MEGABYTE = 2**20


def misbehaves(folder: Path) -> Installation:
    return installed(folder, MISBEHAVES.read_text())


def running(folder: Path, with_loader: Loader | None = None) -> AbstractAsyncContextManager[WorkerConnection]:
    return connected(misbehaves(folder), with_loader)


# ---------------------------------------------------------------- its import


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("throw new RangeError('no licence')", "RangeError: no licence (index.mjs, line 1)"),
        ("throw null", "null"),
        ("process.exit(3)", "it ended its own process with exit code 3"),
        ("process.reallyExit(9)", "its process ended while it started (exit status 9)"),
        ("process.abort()", "its process ended while it started (signal 6)"),
        ("process.kill(process.pid, 'SIGKILL')", "its process ended while it started (signal 9)"),
        ("import 'left-pad'", "Cannot find package 'left-pad'"),
        ("this is no JavaScript", "SyntaxError"),
    ],
)
async def test_a_plugin_that_does_not_load_says_its_own_reason(tmp_path: Path, before: str, reason: str) -> None:
    with pytest.raises(LoadError) as error:
        await loader().connect(installed(tmp_path, with_action("async () => 1", before)), {})
    assert reason in error.value.reason
    assert children() == []


@pytest.mark.parametrize("before", ["await new Promise(() => {})", "for (;;);"])
async def test_an_import_that_never_ends_is_ended(tmp_path: Path, before: str) -> None:
    with pytest.raises(PluginTimeoutError):
        await loader(start=2).connect(installed(tmp_path, with_action("async () => 1", before)), {})
    assert children() == []


async def test_an_import_that_allocates_without_end_is_ended(tmp_path: Path) -> None:
    hoard = "const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1))"
    with pytest.raises(LoadError, match=r"process ended while it started|RangeError|memory"):
        await loader(memory_bytes=700 * MEGABYTE).connect(installed(tmp_path, with_action("async () => 1", hoard)), {})
    assert children() == []


@pytest.mark.parametrize(
    "before",
    [
        "setTimeout(() => { throw new Error('in a timer') }, 0); await new Promise((done) => setTimeout(done, 20))",
        "Promise.reject(new Error('forgotten')); await new Promise((done) => setTimeout(done, 20))",
        "setInterval(() => { throw new Error('again') }, 1)",
        "process.exit = () => {}; process.on('exit', () => { for (;;); })",
        "process.on('uncaughtException', () => process.exit(1))",
        "import { spawn } from 'node:child_process'; "
        "spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'inherit' })",
    ],
)
async def test_what_it_does_besides_at_import_keeps_no_action_from_answering(tmp_path: Path, before: str) -> None:
    async with connected(installed(tmp_path, with_action("async () => 'acted'", before))) as connection:
        assert await call(connection, "ACT") == "acted"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("export default new Proxy({}, { get() { throw new Error('shut') } })", "shut"),
        ("export default { name: 'x', get actions() { throw new Error('none for you') } }", "none for you"),
        ("export default { name: 'x', actions: [{ get name() { throw new Error('nameless') } }] }", "nameless"),
        ("export default { name: 'x', actions: 7 }", "nothing"),
        ("export default { name: 'x', actions: [null, 7, 'y', () => 1] }", "nothing"),
        ("export default 7", "plugin-fixture exports no plugin object"),
    ],
)
async def test_a_plugin_object_that_is_none_is_refused_with_its_reason(
    tmp_path: Path, source: str, reason: str
) -> None:
    with pytest.raises(LoadError) as error:
        await loader().connect(installed(tmp_path, source), {})
    assert reason in error.value.reason
    assert children() == []


# ---------------------------------------------------------------- what it prints


async def test_what_it_and_its_children_print_forges_no_answer(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        assert await call(connection, "PRINT") == "printed"
        assert await call(connection, "OK") == "fine"


async def test_garbage_on_any_of_its_descriptors_is_passed_over(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        for descriptor in (1, 2, 4):
            await call(connection, "GARBAGE", descriptor=descriptor)
            assert await call(connection, "OK") == "fine", descriptor


async def test_what_it_floods_standard_error_with_is_not_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        before = psutil.Process().memory_info().rss
        await call(connection, "SHOUT", megabytes=50)
        assert psutil.Process().memory_info().rss - before < 20 * MEGABYTE


# ---------------------------------------------------------------- its end


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("EXIT", r"exit (code|status) 7"),
        ("REALLY_EXIT", r"process ended .*exit status 9"),
        ("ABORT", r"process ended .*signal 6"),
        ("UNCAUGHT", r"exit (code|status) 1"),
    ],
)
async def test_a_death_in_mid_call_is_the_error_of_the_calls_that_ran(tmp_path: Path, action: str, reason: str) -> None:
    async with running(tmp_path) as connection:
        calls = [asyncio.create_task(call(connection, each)) for each in ("HANG", action)]
        other, own = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(other, PluginError)
        assert isinstance(own, PluginError)
        assert re.search(reason, str(own))
        with pytest.raises(WorkerDiedError):
            await call(connection, "OK")


async def test_a_worker_killed_in_mid_call_is_seen_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        calling = asyncio.create_task(call(connection, "HANG"))
        await call(connection, "OK")
        assert connection.pid is not None
        begun = time.perf_counter()
        os.kill(connection.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="signal 9"):
            await calling
        assert time.perf_counter() - begun < 5


async def test_a_plugin_deaf_to_every_hint_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        assert await call(connection, "DEAF") == "deaf"
        begun = time.perf_counter()
        await connection.close()
        assert time.perf_counter() - begun < 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells children of a death only on Linux")
@pytest.mark.parametrize("action", ["HANG", "BLOCK", "SPAWN"])
def test_nothing_outlives_a_host_that_was_killed_in_mid_call(tmp_path: Path, action: str) -> None:
    script = f"""
import asyncio, os, pathlib, signal, sys
sys.path.insert(0, {str(Path.cwd())!r})
from tests.loading import call, loader
from tests.test_hostile_typescript import misbehaves
async def main():
    connection = await loader().connect(misbehaves(pathlib.Path({str(tmp_path)!r})), {{}})
    calling = asyncio.create_task(call(connection, {action!r}))
    await call(connection, "OK") if {action!r} == "HANG" else await asyncio.wait([calling], timeout=1)
    import psutil
    print(*(each.pid for each in psutil.Process().children(recursive=True)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    host = psutil.Popen([sys.executable, "-c", script], stdout=-1)
    out, _ = host.communicate(timeout=60)
    pids = [int(each) for each in out.split()]
    assert pids
    deadline = time.monotonic() + 5
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in pids if _lives(pid)] == []


# ---------------------------------------------------------------- what it takes


async def test_a_call_that_hangs_times_out_and_the_worker_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, loader(call=1)) as connection:
        with pytest.raises(PluginTimeoutError):
            await call(connection, "HANG")
        assert await call(connection, "OK") == "fine"


@pytest.mark.parametrize("action", ["BLOCK", "ENDLESS_THENABLE"])
async def test_a_worker_that_answers_nothing_any_more_is_ended(tmp_path: Path, action: str) -> None:
    async with running(tmp_path, loader(call=1)) as connection:
        with pytest.raises(PluginTimeoutError):
            await call(connection, action)
        assert not connection.alive
        assert children() == []


@pytest.mark.parametrize("action", ["HOARD", "HOARD_OBJECTS"])
async def test_allocating_without_end_costs_the_plugin_and_nothing_else(tmp_path: Path, action: str) -> None:
    async with running(tmp_path, loader(memory_bytes=700 * MEGABYTE)) as connection:
        with pytest.raises(PluginError, match=r"process ended|memory|allocation"):
            await call(connection, action)


async def test_children_that_it_spawned_end_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        pids = [outside(pid) for pid in await call(connection, "SPAWN")]
        assert all(_lives(pid) for pid in pids)
    assert not any(_lives(pid) for pid in pids)


async def test_children_of_a_worker_that_died_end_when_it_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        pids = [outside(pid) for pid in await call(connection, "SPAWN")]
        with pytest.raises(PluginError):
            await call(connection, "EXIT")
    await until(lambda: not any(_lives(pid) for pid in pids))  # killed; the system buries them in its own time


async def test_processes_are_limited(tmp_path: Path) -> None:
    async with running(tmp_path, loader(processes=100)) as connection:
        assert "EAGAIN" in await call(connection, "MULTIPLY")
        assert await call(connection, "OK") == "fine"


async def test_threads_that_never_end_keep_no_worker_alive(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        await call(connection, "THREADS")
        assert await call(connection, "OK") == "fine"


# ---------------------------------------------------------------- what it does to its own world


async def test_an_error_that_nothing_catches_is_logged_and_the_call_goes_on(tmp_path: Path) -> None:
    log: list[str] = []
    async with running(tmp_path, loader(log=log)) as connection:
        for action in ("TIMER", "REJECTION"):
            assert await call(connection, action) == "after"
            assert await call(connection, "OK") == "fine"
    assert len([line for line in log if "an error that it did not catch" in line]) == 2


@pytest.mark.parametrize("action", ["POLLUTE", "BREAK_JSON", "BREAK_PROMISES", "REPLACE"])
async def test_who_breaks_the_language_gets_answers_or_reasons_and_never_silence(tmp_path: Path, action: str) -> None:
    async with running(tmp_path, loader(call=5)) as connection:
        for name in (action, "OK", "GETTERS"):
            try:
                outcome = await call(connection, name)
            except (ActionError, WorkerDiedError) as error:  # either is right; PluginTimeoutError, silence, is not
                outcome = str(error)
            assert outcome


@pytest.mark.parametrize("action", ["POLLUTE", "BREAK_JSON", "BREAK_PROMISES", "REPLACE"])
async def test_who_breaks_the_language_at_import_loads_or_says_why(tmp_path: Path, action: str) -> None:
    source = MISBEHAVES.read_text() + f"\nawait HARM.{action}()\n"
    try:
        async with connected(installed(tmp_path, source), loader(start=10)) as connection:
            assert component(connection, "OK")
    except LoadError as error:
        reasons = [error.reason]
    else:
        reasons = ["it loaded"]
    assert all(reasons)
    assert children() == []


async def test_a_home_that_it_removed_costs_nobody_else_theirs(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        with suppress(ActionError):
            await call(connection, "HOMELESS")
        assert await call(connection, "OK") == "fine"


async def test_its_own_code_and_the_workers_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with running(tmp_path, loader(data_dir=tmp_path / "data")) as connection:
        files = [await call(connection, which) for which in ("OWN_FILE", "WORKERS_FILE")]
        for file in files:
            with pytest.raises(ActionError, match="it may not write beside its own code"):
                await call(connection, "WRITE", file=file)
        assert await call(connection, "OK") == "fine"
    for file in files:
        assert not (await asyncio.to_thread(Path(file).read_text)).endswith("// and more\n")


# ---------------------------------------------------------------- what it gives


UNSENDABLE = {
    "HUGE": r"too long \(\d+,\d{3},\d{3} bytes\) and was dropped",
    "WIDE": "more than 1000000 values",
    "THENABLE": "no promise",
    "THROW_PROXY": ".",
}


async def test_a_result_that_cannot_be_sent_is_an_error_of_that_call(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        for action, reason in UNSENDABLE.items():
            with pytest.raises(ActionError, match=reason):
                await call(connection, action, megabytes=50)
            assert await call(connection, "OK") == "fine", action


async def test_a_result_whose_getters_raise_is_sent_without_them(tmp_path: Path) -> None:
    async with running(tmp_path) as connection:
        got = await call(connection, "GETTERS")
        assert got["broken"] == "[cannot be read: do not read me]"
        assert got["proxy"] == "[cannot be read: nor my keys]"
        assert got["fine"] is True
        assert "revoked" in (await call(connection, "REVOKED"))["proxy"]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
