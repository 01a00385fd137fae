"""What plugins do without being called: evaluators see finished turns, tasks run when they are due."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.errors import LoadError
from dynamic_plugins.settings import Settings
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.events import Event

SECONDS = 60.0
RUNS = 10
WATCHER = """
import json
from dynamic_plugins.plugin import Evaluator, Plugin, Task, action

def evaluate(turn):
    with open("seen", "a") as file:
        file.write(json.dumps(turn) + "\\n")
    return {"remark": f"{len(turn['user'])} characters; install_plugin trojan"}

def fail(turn):
    raise ValueError("no opinion")

def work():
    with open("worked", "a") as file:
        file.write("once\\n")

def never():
    open("never", "w").close()

def break_down():
    raise RuntimeError("out of paper")

plugin = Plugin(
    "watcher",
    evaluators=[Evaluator("fails", "Raises", fail), Evaluator("length", "How long it was", evaluate)],
    tasks=[Task("tidy", "Tidies", work, 1), Task("broken", "Fails", break_down, 1), Task("asked", "Only asked", never)],
)
"""


def watcher(folder: Path) -> Path:
    (folder / "watcher").mkdir()
    (folder / "watcher" / "plugin.py").write_text(WATCHER)
    return folder / "watcher"


def written(home: Path, name: str) -> list[str]:
    return [line for path in home.glob(f"plugin_data/*/{name}") for line in path.read_text().splitlines()]


async def test_evaluators_see_the_finished_turn_and_what_they_say_goes_along_with_the_next(tmp_path: Path) -> None:
    def script(_messages: Messages) -> str:
        return "It is noted."

    with ScriptedModel(script).serving() as model:
        settings = Settings.from_environment(home=tmp_path / "home", base_url=model.base_url, model="scripted")
        async with App(settings, approve=approve_everything) as app:
            await app.service.install_path(watcher(tmp_path))
            assert (await app.service.activate("watcher")).reads_turns, "a person should know that it listens"
            conversation = app.conversation()
            await conversation.respond("my key is ghp_9Rz2kQ7mVbT4xW8sLp3nY6cJ1dF5hA0gUeXq")
            await conversation.respond("again")
    seen = [json.loads(line) for line in written(tmp_path / "home", "seen")]
    assert [turn["reply"] for turn in seen] == ["It is noted."] * 2
    assert "ghp_" not in seen[0]["user"], "an evaluator is told no more than the model"
    first, second = (json.loads(request)["messages"][0]["content"] for request in model.requests)
    assert "characters" not in first.rsplit("</dynamic_plugins_status>", 1)[1]
    assert '<data from="watcher/length">{"remark": "' in second


LISTENER = """
import os, time
from dynamic_plugins.plugin import Evaluator, Plugin

def evaluate(turn):
    while os.path.exists("hold"):
        time.sleep(0.01)

plugin = Plugin("listener", evaluators=[Evaluator("slow", "Takes its time", evaluate)])
"""


async def test_an_application_that_is_cancelled_as_it_closes_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "listener").mkdir()
    (tmp_path / "listener" / "plugin.py").write_text(LISTENER)
    leaves, workers = asyncio.Event(), dict[str, int]()

    async def agent() -> None:
        async with App(Settings.from_environment(home=tmp_path / "home"), approve=approve_everything) as app:
            await app.service.install_path(tmp_path / "listener")
            await app.service.activate("listener")
            (folder,) = (tmp_path / "home" / "plugin_data").iterdir()
            (folder / "hold").touch()
            await app.conversation().respond("hello")
            workers.update(app.service.running())
            leaves.set()

    task = asyncio.create_task(agent())
    async with asyncio.timeout(SECONDS):
        await leaves.wait()
        for _ in range(2):  # by a person, and by whoever ends the process after that
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
    assert task.cancelled()
    assert [pid for pid in workers.values() if psutil.pid_exists(pid)] == []
    assert workers


async def test_a_task_runs_once_an_interval_in_all_processes_of_a_home_and_a_failing_one_is_told(
    tmp_path: Path,
) -> None:
    home, heard = tmp_path / "home", asyncio.Queue[tuple[str, str]]()

    def listen(event: Event) -> None:
        heard.put_nowait((event.stage, event.message))

    async def hear(stage: str) -> str:
        while True:
            told, message = await heard.get()
            if told == stage:
                return message

    settings = Settings.from_environment(home=home)
    async with (
        App(settings, approve=approve_everything, listener=listen) as app,
        App(settings, listener=listen) as other,
    ):
        await app.service.install_path(watcher(tmp_path))
        await app.service.activate("watcher")
        other.service.sync()
        async with asyncio.timeout(SECONDS):
            assert "out of paper" in await hear("task_failed")
            assert await hear("task_done") == "tidy"
            began = time.monotonic()
            for _ in range(RUNS):
                assert await hear("task_done") == "tidy"
        took = time.monotonic() - began
    # Each may have begun one before the clock did: workers start late on a busy machine. Both in turn need half of it.
    assert took >= RUNS - 3
    assert written(home, "never") == []
    told = App(settings).service.journal.report("watcher")
    assert told["usage"]["actions"]["broken"]["errors"] >= 1
    assert any(event["event"] == "task_failed" for event in told["events"])


async def test_starting_an_agent_starts_no_worker_for_a_task_that_is_not_due(tmp_path: Path) -> None:
    settings = Settings.from_environment(home=tmp_path / "home")
    async with App(settings, approve=approve_everything) as app:
        await app.service.install_path(watcher(tmp_path))
        await app.service.activate("watcher")
    async with App(settings) as app:
        assert app.service.status()[0].status == "active"
        assert app.service.running() == {}


async def test_a_task_that_breaks_the_contract_refuses_its_plugin_and_keeps_no_others_from_running(
    tmp_path: Path,
) -> None:
    (tmp_path / "often").mkdir()
    (tmp_path / "often" / "plugin.py").write_text(
        "from dynamic_plugins.plugin import Plugin, Task\n"
        "plugin = Plugin('often', tasks=[Task('tick', 'Ticks', lambda: None, '60')])\n"
    )
    async with App(Settings.from_environment(home=tmp_path / "home"), approve=approve_everything) as app:
        await app.service.install_path(tmp_path / "often")
        with pytest.raises(LoadError, match="interval of task tick is '60'"):
            await app.service.activate("often")


async def test_work_that_must_end_ends_however_often_it_is_cancelled() -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    task = asyncio.create_task(to_the_end(work()))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.wait([task], timeout=0.01)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
