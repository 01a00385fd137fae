"""What happened to plugins, and how their actions fared, is counted, kept between runs, and told."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.events import Event
from dynamic_plugins.journal import EVENTS_KEPT, Journal
from tests.conftest import EXAMPLES, Cli

if TYPE_CHECKING:
    from pathlib import Path


def test_status_tells_calls_errors_and_times_of_all_runs(cli: Cli) -> None:
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    cli("activate", "hello")
    for name in ("Ada", "Bob"):
        cli("call", "hello", "greet", "--args", f'{{"name": "{name}"}}')
    cli("call", "hello", "greet", "--args", "{}", code=1)
    (plugin,) = cli("status").json["plugins"]
    greet = plugin["usage"]["actions"]["greet"]
    assert (greet["calls"], greet["errors"]) == (3, 1)
    assert greet["longest_ms"] >= greet["mean_ms"] > 0
    assert [each["event"] for each in plugin["events"]] == ["installed", "activated"]
    cli("uninstall", "hello")
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    assert cli("status").json["plugins"][0]["usage"]["calls"] == 0, "what is uninstalled is forgotten"


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
    assert Journal(tmp_path / "j").told("p")["usage"]["calls"] == 60


@pytest.mark.parametrize("content", ["", "[]", '{"plugins": {"p": 3}}', '{"plugins": []}'])
def test_a_damaged_journal_begins_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "j"
    path.write_text(content)
    journal = Journal(path)
    with journal.timed("p", "a"):
        pass
    journal.flush()
    assert Journal(path).told("p")["usage"]["calls"] == 1


def test_only_the_newest_events_are_kept_and_progress_is_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for number in range(EVENTS_KEPT + 5):
        journal.note(Event("p", "failed", str(number)))
        journal.flush()
    journal.note(Event("p", "download", fraction=0.5))
    told = journal.told("p")["events"]
    assert [each["message"] for each in told] == [str(number) for number in range(5, EVENTS_KEPT + 5)]
