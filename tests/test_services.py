"""Services of an active plugin all run, whatever was cancelled and whoever came at the same time; others' never do."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import LoadError, PluginError
from dynamic_plugins.settings import Settings
from tests.conftest import workers_of
from tests.loading import until
from tests.probe import write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dynamic_plugins.workers.components import Connection
    from tests.conftest import Cli

BOUND = 60.0

# Each service waits while a file of that name lies in the plugin's folder, and marks that it is at it.
SOURCE = """
import asyncio, os
from dynamic_plugins.plugin import Plugin, Service, action

running = []

@action
def tell() -> dict[str, object]:
    "Tells what it is."
    return {"version": "VERSION", "running": sorted(running), "word": os.environ.get("PROBE_WORD")}

def service(name):
    async def pause(what):
        if os.path.exists(f"hold-{what}-{name}"):
            open(f"at-{what}-{name}", "w").close()
            while os.path.exists(f"hold-{what}-{name}"):
                await asyncio.sleep(0.01)

    async def start():
        await pause("start")
        if os.path.exists(f"fail-start-{name}"):
            raise OSError("no engine")
        running.append(name)
        open(f"runs-{name}", "w").close()

    async def stop():
        await pause("stop")
        running.remove(name)
        os.remove(f"runs-{name}")

    return Service(name, start, stop)

plugin = Plugin("probe", "Tells what it is", [tell], services=[service("first"), service("second")])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "probe", "1.0", SOURCE)


@pytest.fixture
async def app(home: Path, folder: Path) -> AsyncIterator[App]:
    """An application with the plugin active; when it ends, no process may be left."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings = Settings(home=home, environment=environment)
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        yield app
    assert workers_of(home) == []


def data(app: App) -> Path:
    """Return the folder that the plugin runs in."""
    (folder,) = (app.settings.home / "plugin_data").iterdir()
    return folder


@contextlib.asynccontextmanager
async def held(app: App, what: str) -> AsyncIterator[None]:
    """Hold a start or stop (``stop-first``) until the block has ended."""
    (data(app) / f"hold-{what}").touch()
    try:
        yield
    finally:
        (data(app) / f"hold-{what}").unlink()


async def reached(app: App, what: str) -> None:
    """Wait until the plugin is at what is held."""
    await until((data(app) / f"at-{what}").exists, BOUND)


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def tell(app: App) -> Any:
    return await app.service.call("probe", "tell", {})


def status(app: App) -> Status:
    (info,) = app.service.status()
    return info.status


@pytest.mark.parametrize("service", ["first", "second"])
async def test_an_update_that_is_cancelled_while_services_rest_for_its_trial_leaves_them_running(
    app: App, folder: Path, service: str
) -> None:
    write(folder, "2.0", SOURCE)
    async with held(app, f"stop-{service}"):
        update = asyncio.create_task(app.service.update("probe"))
        await reached(app, f"stop-{service}")
        await cancel(update)
    assert status(app) is Status.ACTIVE
    assert await tell(app) == {"version": "1.0", "running": ["first", "second"], "word": None}


async def test_services_that_do_not_start_again_after_a_trial_are_started_by_the_next_call(
    app: App, folder: Path
) -> None:
    write(folder, "2.0", SOURCE)
    (data(app) / "fail-start-second").touch()  # the new version's, and then the present one's
    with pytest.raises(LoadError, match="no engine"):
        await app.service.update("probe")
    (data(app) / "fail-start-second").unlink()
    assert status(app) is Status.ACTIVE
    assert await tell(app) == {"version": "1.0", "running": ["first", "second"], "word": None}


async def test_a_call_during_the_trial_of_a_new_version_meets_the_present_one_with_its_services(
    app: App, folder: Path
) -> None:
    write(folder, "2.0", SOURCE)
    async with held(app, "start-second"):
        update = asyncio.create_task(app.service.update("probe"))
        await reached(app, "start-second")
        call = asyncio.create_task(tell(app))
    assert (await call)["running"] == ["first", "second"]
    await update
    assert await tell(app) == {"version": "2.0", "running": ["first", "second"], "word": None}


async def test_an_application_that_ends_during_a_trial_does_not_wait_for_it(home: Path, folder: Path) -> None:
    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        write(folder, "2.0", SOURCE)
        (data(app) / "hold-start-second").touch()
        update = asyncio.create_task(app.service.update("probe"))
        await reached(app, "start-second")
        async with asyncio.timeout(BOUND):
            await app.service.close()
        assert not update.done()
        assert app.service.running() == {}
        await cancel(update)
    assert workers_of(home) == []


@pytest.mark.parametrize("verb", ["deactivate", "unload"])
async def test_a_plugin_that_is_switched_off_while_a_call_starts_it_runs_no_service(app: App, verb: str) -> None:
    await app.service.close_idle(0)
    async with held(app, "start-first"):
        call = asyncio.create_task(tell(app))
        await reached(app, "start-first")
        off = asyncio.create_task(getattr(app.service, verb)("probe"))
        await asyncio.sleep(0)  # it has begun
    await off
    with contextlib.suppress(PluginError):
        await call
    assert status(app) is (Status.INACTIVE if verb == "deactivate" else Status.INSTALLED)
    assert sorted(data(app).glob("runs-*")) == []
    await app.service.activate("probe")
    assert (await tell(app))["running"] == ["first", "second"]


async def test_a_worker_that_starts_while_another_process_configures_it_is_started_anew(
    cli: Cli, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.service.close_idle(0)
    connect = app.loader.connect

    async def connect_early(*arguments: Any) -> Connection:
        connection = await connect(*arguments)
        monkeypatch.undo()
        await asyncio.to_thread(cli, "configure", "probe", "PROBE_WORD=new")
        app.service.sync()
        return connection

    monkeypatch.setattr(app.loader, "connect", connect_early)
    for _ in range(2):
        assert await tell(app) == {"version": "1.0", "running": ["first", "second"], "word": "new"}


@pytest.mark.parametrize("service", ["first", "second"])
async def test_an_activation_that_is_cancelled_while_services_start_can_be_made_again(app: App, service: str) -> None:
    await app.service.deactivate("probe")
    async with held(app, f"start-{service}"):
        activation = asyncio.create_task(app.service.activate("probe"))
        await reached(app, f"start-{service}")
        await cancel(activation)
    assert status(app) is Status.INACTIVE
    assert (await app.service.activate("probe")).changed
    assert (await tell(app))["running"] == ["first", "second"]


@pytest.mark.parametrize("service", ["first", "second"])
async def test_a_deactivation_that_is_cancelled_while_services_stop_leaves_them_all_running(
    app: App, service: str
) -> None:
    async with held(app, f"stop-{service}"):
        off = asyncio.create_task(app.service.deactivate("probe"))
        await reached(app, f"stop-{service}")
        await cancel(off)
    assert status(app) is Status.ACTIVE
    assert (await tell(app))["running"] == ["first", "second"]


@pytest.mark.parametrize("service", ["first", "second"])
async def test_a_call_that_is_cancelled_while_it_starts_services_leaves_them_to_the_next(
    app: App, service: str
) -> None:
    await app.service.close_idle(0)
    async with held(app, f"start-{service}"):
        call = asyncio.create_task(tell(app))
        await reached(app, f"start-{service}")
        await cancel(call)
    assert (await tell(app))["running"] == ["first", "second"]


STUCK = """
import time
open("at-import", "w").close()
while True:
    time.sleep(0.01)
"""


async def test_a_start_that_is_cancelled_again_and_again_leaves_no_process(home: Path, tmp_path: Path) -> None:
    (tmp_path / "stuck").mkdir()
    (tmp_path / "stuck" / "plugin.py").write_text(STUCK)
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(tmp_path / "stuck")
        with anyio.CancelScope() as scope:  # once cancelled, it cancels whatever is awaited in it

            async def cancel_at_import() -> None:
                await until(lambda: any(home.glob("plugin_data/*/at-import")), BOUND)
                scope.cancel()

            cancelling = asyncio.create_task(cancel_at_import())
            await app.service.activate("stuck")
        assert cancelling.done()
        assert workers_of(home) == []
