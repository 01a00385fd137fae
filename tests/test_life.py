"""A plugin's life when things go wrong: verbs repeated, cancelled, mixed, from several processes; crashes and kills."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import ActionError, LoadError, PluginError, PluginTimeoutError, WorkerDiedError
from dynamic_plugins.lifecycle import plugin_handle
from dynamic_plugins.lifecycle.plugin_handle import MAX_CRASHES
from dynamic_plugins.settings import Settings, Timeouts
from evals import cycles, kills
from tests.conftest import Cli, workers_of
from tests.loading import until
from tests.probe import write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

BOUND = 60.0
INTERLEAVINGS = 20

SOURCE = """
import asyncio
import os
import signal
import threading
from dynamic_plugins.plugin import Plugin, Service, action

started = []
stuck = []

@action
def tell() -> dict[str, object]:
    "Tells what it is."
    return {"version": "VERSION", "process": os.getpid(), "word": os.environ.get("PROBE_WORD"), "started": len(started)}

@action
def die() -> None:
    "Ends its process."
    os._exit(3)

@action
def freeze() -> None:
    "Stops its process, which answers nothing any more."
    os.kill(os.getpid(), signal.SIGSTOP)

@action
def never_stop() -> None:
    "Makes the service one that does not stop."
    stuck.append(1)

@action
async def wait() -> None:
    "Never answers."
    await asyncio.Event().wait()

def start() -> None:
    open("written", "a").close()
    started.append(1)

def stop() -> None:
    if stuck:
        threading.Event().wait()
    started.clear()

plugin = Plugin(
    "probe",
    "Tells what it is",
    [tell, die, freeze, never_stop, wait],
    services=[Service("first", lambda: None, lambda: None), Service("engine", start, stop)],
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "probe", "1.0", SOURCE)


@pytest.fixture
def open_app(home: Path) -> Callable[..., App]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def opened(**timeouts: float) -> App:
        settings = Settings(home=home, environment=environment, timeouts=Timeouts(**timeouts))
        return App(settings, approve=approve_everything)

    return opened


@pytest.fixture
async def app(open_app: Callable[..., App], home: Path, folder: Path) -> AsyncIterator[App]:
    """An application with the plugin installed; when it ends, no process may be left."""
    async with open_app() as app:
        await app.service.install_path(folder)
        yield app
    assert workers_of(home) == []


async def tell(app: App) -> dict[str, Any]:
    told = await app.service.call("probe", "tell", {})
    assert isinstance(told, dict)
    process = app.service.running().get("probe")
    return told | {"process": process if process is not None else told["process"]}


async def gone(process: int) -> None:
    """Wait until a process has ended."""
    await until(lambda: not psutil.pid_exists(process), BOUND)


def status(app: App) -> Status:
    (info,) = app.service.status()
    return info.status


def modules(installed: Path) -> list[Path]:
    """Return where the plugin's code lies in an install."""
    return list(installed.rglob("probe_plugin.py"))


def scraps(app: App) -> list[Path]:
    """What lies among the plugins and belongs to none."""
    known = {plugin.installation.path for plugin in app.store.read().values()}
    known |= {plugin.kept.installation.path for plugin in app.store.read().values() if plugin.kept}
    return [path for path in app.settings.plugins_dir.glob("*/*") if str(path) not in known]


async def assert_in_order(app: App, open_app: Callable[..., App]) -> None:
    """The status is one that the saved state gives, what is not active has no registration, and all verbs work."""
    app.service.sync()
    assert app.service.status() == open_app().service.status()
    assert scraps(app) == []
    assert ("probe" in app.components.plugins) == (status(app) is Status.ACTIVE)
    if status(app) not in {Status.ACTIVE, Status.LOADED, Status.INACTIVE}:
        assert app.service.running() == {}
    if status(app) is Status.ACTIVE:
        assert (await tell(app))["started"] == 1
    else:
        with pytest.raises(ActionError):
            await tell(app)


# ---------------------------------------------------------------- repeat


async def test_every_verb_may_be_said_twice(app: App, folder: Path) -> None:
    service = app.service
    assert (await service.install_path(folder)).changed is False
    for verb, after in (
        (service.load, Status.LOADED),
        (service.activate, Status.ACTIVE),
        (service.deactivate, Status.INACTIVE),
        (service.unload, Status.INSTALLED),
    ):
        for changed in (True, False):
            outcome = await verb("probe")
            assert (outcome.changed, outcome.info.status, status(app)) == (changed, after, after)
    for _ in range(2):
        assert (await service.configure("probe", {"PROBE_WORD": "hi"})).info.status is Status.INSTALLED
    assert (await service.update("probe")).changed is False
    await service.uninstall("probe")
    with pytest.raises(PluginError) as refused:
        await service.uninstall("probe")
    assert refused.value.code in {"not_installed", "unknown_plugin"}


# ---------------------------------------------------------------- cancel


async def cancelled_at(moments: list[float], verb: Callable[[], Awaitable[object]]) -> int:
    """Do *verb* and cancel it after each number of seconds; return how often it had not ended before."""
    cut = 0
    for seconds in moments:
        try:
            async with asyncio.timeout(seconds):
                await verb()
        except TimeoutError:
            cut += 1
        except PluginError:
            pass
    return cut


async def spread(verb: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Return moments over the time that *verb* takes."""
    begun = time.perf_counter()
    await verb()
    took = time.perf_counter() - begun
    return [took * (number + 0.5) / count for number in range(count)]


@pytest.mark.parametrize("verb", ["load", "activate", "deactivate", "unload", "configure"])
async def test_a_verb_that_is_cancelled_leaves_nothing_half_done(
    app: App, open_app: Callable[..., App], verb: str
) -> None:
    service = app.service
    before = service.activate if verb in {"deactivate", "unload", "configure"} else service.unload
    does: Callable[[], Awaitable[object]] = partial(getattr(service, verb), "probe")
    if verb == "configure":
        does = partial(service.configure, "probe", {"PROBE_WORD": "hi"})
    await before("probe")
    for moment in await spread(does, 5):
        await before("probe")
        await cancelled_at([moment], does)
        await assert_in_order(app, open_app)
    await does()
    await service.activate("probe")
    assert (await tell(app))["started"] == 1


async def test_an_install_that_is_cancelled_leaves_the_whole_plugin_or_none(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    async def fresh() -> None:
        with contextlib.suppress(PluginError):
            await app.service.uninstall("probe")

    await fresh()
    cut = 0
    for moment in await spread(lambda: app.service.install_path(folder), 6):
        await fresh()
        cut += await cancelled_at([moment], lambda: app.service.install_path(folder))
        assert scraps(app) == []
        if app.store.read():
            await assert_in_order(app, open_app)
    assert cut > 0
    await app.service.install_path(folder)
    await app.service.activate("probe")
    assert (await tell(app))["version"] == "1.0"


async def test_an_update_that_is_cancelled_leaves_the_old_version_or_the_new_and_keeps_it_active(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    await app.service.activate("probe")
    versions = iter(range(2, 100))

    async def update() -> None:
        write(folder, f"{next(versions)}.0", SOURCE)
        await app.service.update("probe")

    cut = 0
    for moment in await spread(update, 6):
        cut += await cancelled_at([moment], update)
        await assert_in_order(app, open_app)
        (info,) = app.service.status()
        assert (info.status, info.version) == (Status.ACTIVE, (await tell(app))["version"])
    assert cut > 0


async def test_an_uninstall_that_is_cancelled_is_done_or_was_not_begun(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    async def again() -> None:
        await app.service.install_path(folder)
        await app.service.activate("probe")

    await again()
    for moment in await spread(lambda: app.service.uninstall("probe"), 5):
        await again()
        await cancelled_at([moment], lambda: app.service.uninstall("probe"))
        assert scraps(app) == []
        if app.store.read():
            await assert_in_order(app, open_app)
        else:
            assert app.components.plugins == {}
            assert list((app.settings.home / "plugin_data").glob("*")) == []


# ---------------------------------------------------------------- at the same time


@pytest.mark.parametrize("seed", range(INTERLEAVINGS))
async def test_verbs_at_the_same_time_end_in_a_state_that_one_after_another_could_give(
    app: App, open_app: Callable[..., App], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 # nobody's secret
    service = app.service
    verbs: list[Callable[[], Awaitable[object]]] = [
        *[partial(service.activate, "probe")] * 2,
        *[partial(service.call, "probe", "tell", {})] * 3,
        partial(service.unload, "probe"),
        partial(service.deactivate, "probe"),
        partial(service.load, "probe"),
        partial(service.configure, "probe", {"PROBE_WORD": "hi"}),
        partial(service.close_idle, 0),
    ]
    chance.shuffle(verbs)
    moments = [chance.random() * 0.3 for _ in verbs]

    async def begin(moment: float, verb: Callable[[], Awaitable[object]]) -> object:
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(moment, begun.set_result, None)
        await begun
        return await verb()

    async with asyncio.timeout(BOUND):
        came = await asyncio.gather(*map(begin, moments, verbs), return_exceptions=True)
    assert [each for each in came if isinstance(each, BaseException) and not isinstance(each, PluginError)] == []
    assert status(app) is not Status.ERROR
    await assert_in_order(app, open_app)


async def test_verbs_of_several_processes_at_the_same_time_end_in_one_state_for_all(
    app: App, open_app: Callable[..., App], cli: Cli
) -> None:
    verbs = ("activate", "unload", "deactivate", "activate")
    others = [
        await asyncio.create_subprocess_exec(
            *cli.command("--json", verb, "probe"),
            env=cli.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for verb in verbs
    ]
    ends = asyncio.gather(*(other.communicate() for other in others))
    async with asyncio.timeout(BOUND):
        while not ends.done():
            for verb in (app.service.activate, app.service.unload):
                await verb("probe")
    for other, (out, errors) in zip(others, await ends, strict=True):
        assert other.returncode == 0, errors
        assert json.loads(out)["ok"] is True
    await assert_in_order(app, open_app)


# ---------------------------------------------------------------- idle, crashed, not started yet


async def test_an_idle_worker_ends_and_comes_back_with_its_services_on_the_next_call(
    open_app: Callable[..., App], folder: Path
) -> None:
    async with open_app(idle=0.5) as app, asyncio.timeout(BOUND):
        await app.service.install_path(folder)
        await app.service.activate("probe")
        first = await tell(app)
        await gone(first["process"])
        assert status(app) is Status.ACTIVE
        second = await tell(app)
        assert (second["process"] != first["process"], second["started"]) == (True, 1)


async def test_a_worker_that_is_in_use_is_not_idle(app: App) -> None:
    await app.service.activate("probe")
    process = (await tell(app))["process"]
    waiting = asyncio.create_task(app.service.call("probe", "wait", {}))
    await tell(app)
    await app.service.close_idle(0)
    assert app.service.running() == {"probe": process}
    waiting.cancel()
    await asyncio.wait([waiting])
    await app.service.close_idle(0)
    assert app.service.running() == {}


async def test_a_crashed_worker_is_started_for_the_next_call_until_it_has_crashed_too_often(
    app: App, open_app: Callable[..., App]
) -> None:
    await app.service.activate("probe")
    for _ in range(MAX_CRASHES - 1):
        with pytest.raises(WorkerDiedError):
            await app.service.call("probe", "die", {})
    assert (await tell(app))["started"] == 1  # and an answer clears the count
    for _ in range(MAX_CRASHES):
        assert status(app) is Status.ACTIVE
        with pytest.raises(WorkerDiedError):
            await app.service.call("probe", "die", {})
    (info,) = app.service.status()
    assert info.status is Status.ERROR
    assert "exit status 3" in str(info.error_details)
    await assert_in_order(app, open_app)

    await app.service.activate("probe")  # a person may try again, and it counts anew
    with pytest.raises(WorkerDiedError):
        await app.service.call("probe", "die", {})
    assert (await tell(app))["started"] == 1


async def test_a_worker_that_gets_stuck_again_and_again_is_not_started_for_ever(
    open_app: Callable[..., App], folder: Path, home: Path
) -> None:
    async with open_app(call=1) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        with pytest.raises(PluginTimeoutError):
            await app.service.call("probe", "wait", {})  # but one that only takes long is not stuck
        for _ in range(MAX_CRASHES):
            assert status(app) is Status.ACTIVE
            with pytest.raises(PluginTimeoutError):
                await app.service.call("probe", "freeze", {})
        (info,) = app.service.status()
        assert info.status is Status.ERROR
        assert "freeze took longer than 1 s" in str(info.error_details)
        await assert_in_order(app, open_app)
    assert workers_of(home) == []


async def test_a_worker_that_never_starts_is_not_tried_for_ever(open_app: Callable[..., App], folder: Path) -> None:
    async with open_app() as app:
        # As it lies there: of a copy, a changed file would not even be started.
        await app.service.install_path(folder, editable=True)
        await app.service.activate("probe")
    (module,) = modules(folder)
    module.write_text("import threading\nthreading.Event().wait()\n")
    async with open_app(start=1) as app:
        for _ in range(MAX_CRASHES):
            assert status(app) is Status.ACTIVE
            with pytest.raises(PluginTimeoutError):
                await tell(app)
        assert status(app) is Status.ERROR


async def test_a_service_that_does_not_stop_ends_with_its_worker(
    app: App, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_handle, "STOP_SECONDS", 0.5)
    await app.service.activate("probe")
    await app.service.call("probe", "never_stop", {})
    async with asyncio.timeout(20):  # the time-out of calls is two minutes
        outcome = await app.service.deactivate("probe")
    assert outcome.info.status is Status.INACTIVE
    assert workers_of(home) == []
    await app.service.activate("probe")
    assert (await tell(app))["started"] == 1


async def test_calls_that_one_crash_takes_along_are_one_crash(app: App) -> None:
    await app.service.activate("probe")
    waiting = [asyncio.create_task(app.service.call("probe", "wait", {})) for _ in range(MAX_CRASHES * 2)]
    await tell(app)
    with pytest.raises(WorkerDiedError):
        await app.service.call("probe", "die", {})
    came = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), BOUND)
    assert {type(each) for each in came} == {WorkerDiedError}
    assert status(app) is Status.ACTIVE
    assert (await tell(app))["started"] == 1


async def test_calls_that_unloading_cuts_short_are_no_crash(app: App) -> None:
    await app.service.activate("probe")
    waiting = [asyncio.create_task(app.service.call("probe", "wait", {})) for _ in range(MAX_CRASHES * 2)]
    await tell(app)
    await app.service.unload("probe")
    came = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), BOUND)
    assert all(isinstance(each, ActionError) for each in came)
    assert status(app) is Status.INSTALLED
    assert app.service.running() == {}


async def test_what_was_enabled_is_enabled_after_a_restart_and_costs_no_process_until_its_first_call(
    open_app: Callable[..., App], folder: Path, home: Path
) -> None:
    async with open_app() as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
    async with open_app() as app:
        assert (status(app), app.service.running(), workers_of(home)) == (Status.ACTIVE, {}, [])
        assert [action.name for action in app.components.plugins["probe"].actions] == [
            "tell",
            "die",
            "freeze",
            "never_stop",
            "wait",
        ]
        assert (await tell(app))["started"] == 1
        assert app.service.running().keys() == {"probe"}
        await app.service.deactivate("probe")
    async with open_app() as app:
        assert status(app) is Status.INACTIVE
        with pytest.raises(ActionError):
            await tell(app)
    assert workers_of(home) == []


async def test_an_application_that_ends_in_the_middle_of_a_verb_leaves_no_process(
    open_app: Callable[..., App], folder: Path, home: Path
) -> None:
    async with open_app() as app:
        await app.service.install_path(folder)
        verb = asyncio.create_task(app.service.activate("probe"))
        await asyncio.wait([verb], timeout=0.05)
    await asyncio.wait([verb], timeout=BOUND)
    assert verb.done()
    assert workers_of(home) == []
    assert open_app().service.status()[0].status in {Status.INSTALLED, Status.ACTIVE}


# ---------------------------------------------------------------- another process


async def test_what_another_process_switches_off_and_removes_ends_here(app: App, cli: Cli) -> None:
    await app.service.activate("probe")
    process = (await tell(app))["process"]
    await asyncio.to_thread(cli, "deactivate", "probe")
    with pytest.raises(ActionError, match="not active"):
        await tell(app)
    await gone(process)
    assert status(app) is Status.INACTIVE

    await app.service.activate("probe")
    process = (await tell(app))["process"]
    await asyncio.to_thread(cli, "uninstall", "probe")
    with pytest.raises(PluginError) as refused:
        await tell(app)
    assert refused.value.code in {"not_installed", "unknown_plugin"}
    await gone(process)
    assert (app.service.status(), dict(app.components.plugins)) == ([], {})


async def test_what_another_process_configures_and_updates_is_what_the_next_call_gets(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    await app.service.activate("probe")
    first = await tell(app)
    async with open_app() as other:
        await other.service.configure("probe", {"PROBE_WORD": "hi"})
        second = await tell(app)
        assert (first["word"], second["word"]) == (None, "hi")
        write(folder, "2.0", SOURCE.replace("[tell, die, freeze, never_stop, wait]", "[tell]"))
        await other.service.update("probe")
    third = await tell(app)
    assert (third["version"], third["word"], third["started"]) == ("2.0", "hi", 1)
    assert [action.name for action in app.components.plugins["probe"].actions] == ["tell"]
    await gone(first["process"])
    await gone(second["process"])


async def test_an_idle_application_lets_go_of_what_another_process_unloaded(
    app: App, open_app: Callable[..., App]
) -> None:
    await app.service.activate("probe")
    process = (await tell(app))["process"]
    async with open_app() as other:
        await other.service.unload("probe")
    await app.service.close_idle(BOUND)
    await gone(process)
    assert status(app) is Status.INSTALLED


# ---------------------------------------------------------------- update and uninstall


async def test_an_update_keeps_the_old_version_running_where_the_new_one_does_not_load(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    await app.service.activate("probe")
    before = await tell(app)
    write(folder, "2.0", "raise OSError('the new one is broken')")
    with pytest.raises(LoadError, match=r"2\.0 does not load: .*the new one is broken.* 1\.0 stays"):
        await app.service.update("probe")
    assert await tell(app) == before
    assert app.service.status()[0].version == "1.0"
    await assert_in_order(app, open_app)


async def test_an_update_swaps_an_active_plugin_and_keeps_what_it_was_told_and_wrote(
    app: App, open_app: Callable[..., App], folder: Path
) -> None:
    await app.service.configure("probe", {"PROBE_WORD": "hi"})
    old = (await app.service.activate("probe")).info
    process = (await tell(app))["process"]
    write(folder, "2.0", SOURCE)
    updated = await app.service.update("probe")
    assert (updated.info.version, updated.info.status) == ("2.0", Status.ACTIVE)
    told = await tell(app)
    assert (told["version"], told["word"], told["started"]) == ("2.0", "hi", 1)
    await gone(process)
    assert Path(old.path).exists()  # noqa: ASYNC240 # one look: it is kept to go back to
    assert list((app.settings.home / "plugin_data").glob("*/written"))
    await assert_in_order(app, open_app)


@pytest.mark.parametrize("keep", [False, True])
async def test_uninstall_leaves_nothing_but_what_was_asked_to_keep(app: App, folder: Path, keep: bool) -> None:
    home = app.settings.home
    await app.service.configure("probe", {"PROBE_WORD": "hi"})
    await app.service.activate("probe")
    await tell(app)
    await app.service.uninstall("probe", keep_configuration=keep)
    await app.service.close_idle(0)  # what was counted is written
    left = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]
    told = {str(path.relative_to(home)): path.read_text() for path in left}
    told.pop("audit.jsonl")  # who agreed to what is not forgotten with the plugin
    kept = {name for name, text in told.items() if "probe" in f"{name} {text}"}
    assert {name.split("/")[0] for name in kept} == ({"configuration.json", "plugin_data"} if keep else set())

    await app.service.install_path(folder)
    await app.service.activate("probe")
    assert (await tell(app))["word"] == ("hi" if keep else None)


async def test_a_removal_that_was_cut_short_is_finished_by_the_next_install(app: App, folder: Path) -> None:
    await app.service.configure("probe", {"PROBE_WORD": "hi"})
    await app.service.activate("probe")
    await tell(app)
    app.store.change("probe", leaving=True)  # as far as an uninstall that is killed has come
    with pytest.raises(PluginError):
        await tell(app)
    assert (app.service.status(), dict(app.components.plugins)) == ([], {})
    await app.service.install_path(folder)
    await app.service.activate("probe")
    assert ((await tell(app))["word"], scraps(app)) == (None, [])

    app.store.change("probe", leaving=True)
    with pytest.raises(PluginError):
        await app.service.uninstall("probe")
    assert (scraps(app), list((app.settings.home / "plugin_data").glob("*"))) == ([], [])


async def test_verbs_that_waited_while_a_plugin_was_removed_say_that_it_is_gone(app: App) -> None:
    await app.service.activate("probe")
    service = app.service
    verbs: list[Callable[[str], Awaitable[object]]] = [service.uninstall, service.deactivate, service.activate]
    verbs += [service.unload, service.load]
    came = await asyncio.gather(*(verb("probe") for verb in verbs), return_exceptions=True)
    assert came[0] == "probe"
    assert {each.code for each in came if isinstance(each, PluginError)} <= {"not_installed", "unknown_plugin"}
    assert not [each for each in came if isinstance(each, BaseException) and not isinstance(each, PluginError)]
    assert (app.service.status(), app.service.running(), dict(app.components.plugins)) == ([], {}, {})


# ---------------------------------------------------------------- kills and cycles, the short of it


def test_hosts_that_are_killed_in_the_middle_of_a_verb_leave_plugins_whole_or_absent() -> None:
    total = kills.kill_all(times=10, seed=3, jobs=1, ways=(False,), runs=1)
    assert [each for tally in total.values() for each in tally.violations] == []
    assert sum(tally.hit for tally in total.values()) > 0
    assert sum(tally.kills for tally in total.values()) == 10


async def test_plugins_that_come_and_go_leave_nothing_in_the_host() -> None:
    gc.freeze()  # what other tests have loaded is not looked through at every measurement
    try:
        report = await cycles.run(12, tuple(each for each in cycles.CANDIDATES if each.folder), steps=2)
    finally:
        gc.unfreeze()
    assert report.violations == []
    assert sum(report.cycles.values()) == 12
