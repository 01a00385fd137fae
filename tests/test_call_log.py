"""What is kept of calls: facts and no contents, few bytes, no write for each, and nothing once it was erased."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import LoadError
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage import call_log
from dynamic_plugins.storage.call_log import KEPT, CallLog, CallRecord, tokens_of
from tests.conftest import EXAMPLES, Cli

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 30.0


@pytest.fixture
def calls(tmp_path: Path) -> CallLog:
    return CallLog(tmp_path / "calls.jsonl", "mcp")


def test_a_call_is_noted_with_its_time_its_door_and_what_it_costs_a_model(calls: CallLog) -> None:
    before = time.time()
    with calls.timed("hello", "greet") as meter:
        meter.gives("Hello, Ada!")
    (record,) = calls.read()
    assert (record.plugin, record.action, record.door, record.error, record.tokens) == ("hello", "greet", "mcp", "", 3)
    assert before - 1 < record.at < time.time() + 1
    assert 0 <= record.ms < 1000


def test_a_call_that_fails_is_noted_with_its_code_and_without_its_text(calls: CallLog, tmp_path: Path) -> None:
    errors = [LoadError("hello", "SECRET"), ValueError("SECRET"), asyncio.CancelledError("SECRET")]
    for error in errors:
        with contextlib.suppress(type(error)), calls.timed("hello", "greet"):
            raise error
    calls.flush()
    assert [record.error for record in calls.read()] == ["load_failed", "internal_error", "cancelled"]
    assert "SECRET" not in (tmp_path / "calls.jsonl").read_text()


def test_the_file_is_the_owners_alone_and_a_call_costs_no_write_of_its_own(calls: CallLog, tmp_path: Path) -> None:
    for _ in range(100):
        with calls.timed("hello", "greet"):
            pass
    assert list(tmp_path.iterdir()) == []
    calls.flush()
    assert stat.S_IMODE((tmp_path / "calls.jsonl").stat().st_mode) == 0o600
    assert len(CallLog(tmp_path / "calls.jsonl").read()) == 100


async def test_what_was_called_is_in_the_file_soon_after(
    calls: CallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "FLUSH_SECONDS", 0.05)
    other = CallLog(tmp_path / "calls.jsonl")
    with calls.timed("hello", "greet"):
        pass
    async with asyncio.timeout(SECONDS):
        while not other.read():  # noqa: ASYNC110 # it is written by a thread
            await asyncio.sleep(0.02)
    calls.close()
    assert len(other.read()) == 1


def test_it_stays_small_and_keeps_the_newest(calls: CallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_log, "MOST_BYTES", 2_000)
    for number in range(60):
        for _ in range(10):
            with calls.timed("hello", f"action-{number}"):
                pass
        calls.flush()
    files = list(tmp_path.glob("calls*.jsonl"))
    assert len(files) <= KEPT + 1
    assert calls.size < 2_000 * (KEPT + 2)
    assert calls.read()[-1].action == "action-59"
    assert calls.read()[0].action != "action-0"


def test_what_was_erased_is_gone_and_nothing_that_was_called_before_comes_back(
    calls: CallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "MOST_BYTES", 500)
    other = CallLog(tmp_path / "calls.jsonl", "chat")
    for _ in range(30):
        with calls.timed("hello", "greet"):
            pass
        calls.flush()
    with other.timed("other", "act"):
        pass  # another process, which has not written it yet
    calls.erase()
    other.flush()
    assert calls.read() == []
    assert "hello" not in "".join(path.read_text() for path in tmp_path.glob("calls*.jsonl"))
    assert "other" not in (tmp_path / "calls.jsonl").read_text()
    with other.timed("other", "again"):
        pass
    other.flush()
    assert [record.action for record in calls.read()] == ["again"]


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "\x1c", "\ud800", "\n"])
def test_whatever_a_plugin_calls_its_action_the_call_is_noted(calls: CallLog, odd: str) -> None:
    with calls.timed("hello", f"a{odd}b"):
        pass
    calls.flush()
    (record,) = calls.read()
    assert record.action == f"a{odd}b".encode(errors="replace").decode()


def test_lines_that_are_none_are_left_out(calls: CallLog, tmp_path: Path) -> None:
    good = '{"at": 5, "plugin": "a", "action": "b", "door": "c", "ms": 1}'
    never = [good.replace("5", at, 1) for at in ("NaN", "1e999", "1e15", "-1")]
    never += [good.replace('"ms": 1', f'"ms": {ms}') for ms in ("NaN", "1e999", "-1", "1e300")]
    never.append(good.replace('"ms": 1', f'"ms": 1, "tokens": {10**400}'))
    (tmp_path / "calls.jsonl").write_text("\n".join(["", "[1]", "{", '{"at": "x"}', *never, good, good[:30]]))
    assert calls.read() == [CallRecord(5.0, "a", "b", "c", 1.0)]
    assert calls.read(since=6.0) == []


def test_several_processes_write_at_once_and_every_line_is_whole(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom dynamic_plugins.storage.call_log import CallLog\n"
        "log = CallLog(Path(sys.argv[1]), sys.argv[2])\n"
        "for _ in range(50):\n    with log.timed('hello', 'greet'):\n        pass\n    log.flush()\n"
    )
    path = tmp_path / "calls.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path), f"door-{each}"]) for each in range(3)]
    assert [process.wait(SECONDS) for process in processes] == [0, 0, 0]
    assert len(CallLog(path).read()) == 150


@pytest.mark.parametrize(("value", "tokens"), [(None, 0), ("", 0), ("abcd", 1), ("abcde", 2), ({"a": 1}, 2)])
def test_tokens_are_estimated_from_the_text_that_a_model_reads(value: object, tokens: int) -> None:
    assert tokens_of(value) == tokens


def test_a_result_that_holds_itself_has_no_tokens_and_fails_nothing() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert tokens_of(endless) == 0


async def test_every_call_of_a_plugin_is_there_and_none_of_what_it_said(cli: Cli) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    async with DynamicPlugins(settings=settings, approve=approve_everything) as plugins:
        await plugins.app.service.install_path(EXAMPLES / "hello-plugin")
        await plugins.call("activate_plugin", {"plugin_name": "hello"})
        await plugins.call("hello__greet", {"name": "PRIVATE"})
        await plugins.call("hello__greet", {"nobody": "PRIVATE"})
    cli("call", "hello", "recall")
    records = CallLog(cli.home / "calls.jsonl").read()
    assert [(record.door, record.action, record.error) for record in records] == [
        ("library", "greet", ""),
        ("library", "greet", "bad_arguments"),
        ("terminal", "recall", ""),
    ]
    assert records[0].tokens == 4
    assert "PRIVATE" not in (cli.home / "calls.jsonl").read_text()
