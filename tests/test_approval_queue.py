"""Approvals across the processes of one home: who asks, who answers, and what is left of either that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.approval import Answer, ApprovalRequest
from dynamic_plugins.core.held_lock import HeldLock, is_held
from dynamic_plugins.storage.approval_queue import MOST_CHARACTERS, ApprovalQueue, key_of
from dynamic_plugins.storage.open_page import announced, page_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 20.0
INSTALL = ApprovalRequest("install", "mcp-server-time", "2026.1.1", "PyPI", (("uv", "pip", "install"),))
CALL = ApprovalRequest("call", "mailer", "1", "PyPI", (), action="send", arguments='{"to": "a"}')

ASKS = """
import sys, time
from pathlib import Path
from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.storage.approval_queue import ApprovalQueue

queue = ApprovalQueue(Path(sys.argv[1]), "chat")
question = queue.put(ApprovalRequest("install", "mcp-server-time", "1", "PyPI", ()), 60)
print(question.question.id, flush=True)
while (given := question.given()) is None:
    time.sleep(0.05)
question.close()
print(given.answer, flush=True)
"""
ANSWERS = """
import sys
from pathlib import Path
from dynamic_plugins.storage.approval_queue import ApprovalQueue

print("ready", flush=True)
for line in sys.stdin:
    identifier, answer = line.split()
    print(ApprovalQueue(Path(sys.argv[1])).answer(identifier, answer), flush=True)
"""
DIES_IN_THE_MIDDLE = """
import os, signal, sys
from pathlib import Path
from dynamic_plugins.storage import approval_queue

approval_queue.write_atomically = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
approval_queue.ApprovalQueue(Path(sys.argv[1])).answer(sys.argv[2], "yes")
"""


class Process:
    """A process of its own that asks or answers, a line at a time."""

    def __init__(self, code: str, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(SECONDS)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=SECONDS)


@contextlib.contextmanager
def process(code: str, home: Path) -> Iterator[Process]:
    running = Process(code, home)
    try:
        yield running
    finally:
        running.kill()
        running.end()


def left_in(home: Path) -> set[str]:
    return {path.name for path in (home / "approvals").iterdir()} - {"changing.lock"}


def test_what_one_process_asks_another_answers(tmp_path: Path) -> None:
    with process(ASKS, tmp_path) as asker:
        identifier = asker.line()
        (question,) = ApprovalQueue(tmp_path).open()
        assert (question.id, question.door, question.verb, question.answers) == (
            identifier,
            "chat",
            "install",
            ("yes", "no"),
        )
        assert question.question == "Install mcp-server-time 1 from PyPI?"
        assert ApprovalQueue(tmp_path).answer(identifier, "yes") == "counted"
        assert asker.line() == "yes"
        asker.end()
        assert left_in(tmp_path) == set()


def test_nobody_else_can_read_or_list_what_is_asked(tmp_path: Path) -> None:
    question = ApprovalQueue(tmp_path).put(INSTALL, 60)
    folder = tmp_path / "approvals"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    question.close()


def test_a_question_whose_asker_was_killed_is_gone_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    with process(ASKS, tmp_path) as asker:
        identifier = asker.line()
        assert [each.id for each in queue.open()] == [identifier]
        asker.kill()
        assert queue.answer(identifier, "yes") == "gone"
        assert queue.open() == []
        assert left_in(tmp_path) == set()


def test_an_asker_that_is_killed_after_the_answer_leaves_nothing_either(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    with process(ASKS, tmp_path) as asker:
        identifier = asker.line()
        os.kill(asker._process.pid, signal.SIGSTOP)
        assert queue.answer(identifier, "yes") == "counted"
        assert queue.open() == []
        asker.kill()
    queue.put(INSTALL, 60).close()
    assert left_in(tmp_path) == set()


def test_an_answerer_that_is_killed_in_the_middle_has_not_answered(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    question = queue.put(INSTALL, 60)
    died = subprocess.run(
        [sys.executable, "-c", DIES_IN_THE_MIDDLE, str(tmp_path), question.question.id], timeout=SECONDS, check=False
    )
    assert died.returncode == -signal.SIGKILL
    assert question.given() is None
    assert queue.answer(question.question.id, "no") == "counted"
    given = question.close()
    assert given is not None
    assert given.as_answer is False
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_answers_at_once_one_counts_and_the_other_is_told(tmp_path: Path, attempt: int) -> None:
    question = ApprovalQueue(tmp_path).put(INSTALL, 60)
    with process(ANSWERS, tmp_path) as first, process(ANSWERS, tmp_path) as second:
        assert (first.line(), second.line()) == ("ready", "ready")
        said = {first: "yes", second: "no"}
        for each in (first, second) if attempt % 2 else (second, first):
            each.say(f"{question.question.id} {said[each]}")
        endings = {each: each.line() for each in (first, second)}
    assert sorted(endings.values()) == ["counted", "too late"]
    given = question.close()
    assert given is not None
    assert endings[next(each for each, answer in said.items() if answer == given.answer)] == "counted"


def test_of_many_answers_while_the_asker_takes_the_first_exactly_one_counts(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    for _ in range(20):
        question = queue.put(INSTALL, 60)
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(queue.answer, question.question.id, "yes") for _ in range(8)]
            end = time.monotonic() + SECONDS
            while question.given() is None and time.monotonic() < end:
                pass
            question.close()
        endings = [each.result() for each in answers]
        assert endings.count("counted") == 1
        assert set(endings) <= {"counted", "too late", "gone"}


def test_a_question_that_was_taken_away_cannot_be_answered(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    question = queue.put(INSTALL, 60)
    assert question.close() is None
    assert question.close() is None
    assert queue.answer(question.question.id, "yes") == "gone"
    assert queue.get(question.question.id) is None


def test_a_question_that_is_too_old_is_not_asked_any_more(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    question = queue.put(INSTALL, 0.0)
    assert queue.open() == []
    assert queue.answer(question.question.id, "yes") == "gone"
    question.close()


def test_only_what_the_question_offers_is_an_answer(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    install, call = queue.put(INSTALL, 60), queue.put(CALL, 60)
    for question, answer in ((install, "always"), (install, "beforehand"), (call, "yes"), (call, "beforehand")):
        with pytest.raises(ValueError, match="no answer"):
            queue.answer(question.question.id, answer)
    # Not even one that lies there: consent beforehand is the operator's, and nobody gives it by a file.
    lies = tmp_path / "approvals" / f"{call.question.id}.answer"
    for answer in ('"beforehand", "by": "x", "at": 1', '["once"], "by": "x", "at": 1', '"once", "by": "x", "at": "x"'):
        lies.write_text(f'{{"answer": {answer}}}')
        assert call.given() is None
    call.close()
    call = queue.put(CALL, 60)
    assert queue.answer(call.question.id, "always") == "counted"
    given = call.close()
    assert given is not None
    assert given.as_answer is Answer.ALWAYS
    install.close()


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "", ".", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_a_name_that_is_none_of_ours_leads_nowhere(tmp_path: Path, identifier: str) -> None:
    queue = ApprovalQueue(tmp_path)
    question = queue.put(INSTALL, 60)
    assert queue.get(identifier) is None
    assert queue.answer(identifier, "yes") == "gone"
    question.close()


def test_what_lies_in_the_folder_and_is_no_question_is_passed_over(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path)
    question = queue.put(INSTALL, 60)
    folder = tmp_path / "approvals"
    bad = "b" * 32
    lock = HeldLock(folder / f"{bad}.lock")
    like = json.loads((folder / f"{question.question.id}.json").read_text()) | {"id": bad}
    # The last of them are what no page could show.
    changes: list[dict[str, object]] = [{"until": "x"}, {"until": 1e999}, {"since": 1e30}, {"since": "x"}]
    changes += [{"facts": [1]}, {"answers": ["maybe"]}, {"question": 5}, {"door": ["x"]}, {"pid": {}}, {"more": 1}]
    contents = ["", "[]", '{"schema": 1}', '{"schema": 1, "id": "x"}', "[" * 10_000]
    for content in (*contents, *(json.dumps(like | change) for change in changes)):
        (folder / f"{bad}.json").write_text(content)
        assert [each.id for each in queue.open()] == [question.question.id]
    (folder / f"{bad}.json").unlink()
    os.mkfifo(folder / f"{bad}.json")
    assert [each.id for each in queue.open()] == [question.question.id]
    lock.release()
    question.close()


def test_what_is_longer_than_anybody_reads_is_not_put_there(tmp_path: Path) -> None:
    long = ApprovalRequest("call", "x", "1", "PyPI", (), action="a", arguments="y" * MOST_CHARACTERS)
    with pytest.raises(ValueError, match="longer"):
        ApprovalQueue(tmp_path).put(long, 60)


def test_two_requests_are_the_same_only_where_all_that_is_shown_is() -> None:
    same = ApprovalRequest("install", "mcp-server-time", "2026.1.1", "PyPI", (("uv", "pip", "install"),))
    assert key_of(INSTALL) == key_of(same)
    for other in (
        ApprovalRequest("update", "mcp-server-time", "2026.1.1", "PyPI", (("uv", "pip", "install"),)),
        ApprovalRequest("install", "mcp-server-time", "2026.1.2", "PyPI", (("uv", "pip", "install"),)),
        ApprovalRequest("install", "mcp-server-time", "2026.1.1", "PyPI", (("uv", "pip", "install"),), digest="0"),
        ApprovalRequest("install", "mcp-server-time", "2026.1.1", "PyPI", (), suggested_by="other"),
    ):
        assert key_of(INSTALL) != key_of(other)


def test_a_lock_is_held_for_as_long_as_its_process_lives_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    held = HeldLock(path)
    assert is_held(path)
    with pytest.raises(BlockingIOError):
        HeldLock(path)
    held.release()
    held.release()
    assert not is_held(path)


def test_the_page_is_open_for_as_long_as_its_process_lives(tmp_path: Path) -> None:
    assert page_address(tmp_path) is None
    with announced(tmp_path, "http://127.0.0.1:1"):
        assert page_address(tmp_path) == "http://127.0.0.1:1"
        with announced(tmp_path, "http://127.0.0.1:2"):
            assert page_address(tmp_path) == "http://127.0.0.1:1"
        assert page_address(tmp_path) == "http://127.0.0.1:1"
    assert page_address(tmp_path) is None
    # One that was killed has left its file; its process id may be anybody's by now.
    (tmp_path / "web.json").write_text(json.dumps({"address": "http://127.0.0.1:3", "pid": os.getpid()}))
    assert page_address(tmp_path) is None
