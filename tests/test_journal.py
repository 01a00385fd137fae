"""What happened to plugins, and how their actions fared, is counted, kept between runs, and told."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError, PluginError
from dynamic_plugins.events import Event
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.usage_log import EVENTS_KEPT, Journal
from tests.conftest import EXAMPLES, Cli

if TYPE_CHECKING:
    from pathlib import Path

BOUND = 60.0


def opened(home: Path) -> App:
    return App(Settings(home=home), approve=approve_everything)


async def test_status_tells_calls_errors_and_times_of_all_runs(home: Path, cli: Cli) -> None:
    async with asyncio.timeout(BOUND), opened(home) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        await app.service.call("hello", "greet", {"name": "Ada"})
    cli("call", "hello", "greet", "--args", '{"name": "Bob"}')
    async with asyncio.timeout(BOUND), opened(home) as app:
        with pytest.raises(PluginError):
            await app.service.call("hello", "greet", {})
    (plugin,) = cli("status").json["plugins"]
    greet = plugin["usage"]["actions"]["greet"]
    assert (greet["calls"], greet["errors"]) == (3, 1)
    assert greet["longest_ms"] >= greet["mean_ms"] > 0
    assert [each["event"] for each in plugin["events"]] == ["installed", "activated"]
    cli("uninstall", "hello")
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    assert cli("status").json["plugins"][0]["usage"]["calls"] == 0, "what is uninstalled is forgotten"


async def test_what_is_uninstalled_is_forgotten_by_a_process_that_has_used_it_too(home: Path, cli: Cli) -> None:
    async with asyncio.timeout(BOUND), opened(home) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        await app.service.call("hello", "greet", {"name": "Ada"})
        await asyncio.to_thread(cli, "uninstall", "hello")
    assert json.loads((home / "journal.json").read_text())["plugins"] == {}

    async with asyncio.timeout(BOUND), opened(home) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        await app.service.activate("hello")
        await app.service.call("hello", "greet", {"name": "Ada"})
        await asyncio.to_thread(cli, "uninstall", "hello")
        app.service.sync()
        await asyncio.to_thread(cli, "install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    assert cli("status").json["plugins"][0]["usage"]["calls"] == 0


async def test_a_call_of_what_there_is_not_is_no_use_of_it(home: Path, cli: Cli) -> None:
    async with asyncio.timeout(BOUND), opened(home) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        with pytest.raises(ActionError, match="not active"):
            await app.service.call("hello", "greet", {"name": "Ada"})
        await app.service.activate("hello")
        with pytest.raises(ActionError, match="no_such_action"):
            await app.service.call("hello", "no_such_action", {})
        await app.service.call("hello", "greet", {"name": "Ada"})
    usage = cli("status").json["plugins"][0]["usage"]
    assert (list(usage["actions"]), usage["calls"], usage["errors"]) == (["greet"], 1, 0)


def _count(path: Path) -> None:
    journal = Journal(path)
    for _ in range(20):
        with journal.timed("p", "a"):
            pass
        journal.flush()


def test_processes_that_count_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(tmp_path / "j",)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert Journal(tmp_path / "j").report("p")["usage"]["calls"] == 60


def test_a_call_that_is_under_way_while_the_others_are_written_is_counted_when_it_ends(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with journal.timed("p", "a"):
        journal.flush()
    journal.flush()
    assert Journal(tmp_path / "j").report("p")["usage"]["calls"] == 1


@pytest.mark.parametrize("content", ["", "[]", '{"plugins": {"p": 3}}', '{"plugins": []}'])
def test_a_damaged_journal_begins_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "j"
    path.write_text(content)
    journal = Journal(path)
    with journal.timed("p", "a"):
        pass
    journal.flush()
    assert Journal(path).report("p")["usage"]["calls"] == 1


def test_only_the_newest_events_are_kept_and_progress_is_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for number in range(EVENTS_KEPT + 5):
        journal.note(Event("p", "failed", str(number)))
        journal.flush()
    journal.note(Event("p", "download", fraction=0.5))
    told = journal.report("p")["events"]
    assert [each["message"] for each in told] == [str(number) for number in range(5, EVENTS_KEPT + 5)]
