"""Programs of code mode are strangers': what they try against the machine and against their host, in real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.fence import FenceError
from dynamic_plugins.workers.fence.tier import Level, Tier
from dynamic_plugins.workers.program_process import Outcome, ProgramLimits, ProgramRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is tried here is refused by Linux")

FUNCTIONS = [{"name": "notes__add", "tool": "notes__add", "parameters": [["text", "text", False]], "about": "Adds."}]


def tiers() -> list[Level]:
    best = probe.best_tier().level if sys.platform == "linux" else Level.NONE
    return [Level.NAMESPACES, Level.LANDLOCK] if best is Level.NAMESPACES else [best]


@pytest.fixture(params=tiers())
def fenced(request: pytest.FixtureRequest) -> Callable[..., ProgramRunner]:
    if request.param is Level.NONE:
        pytest.skip("this machine has no fence")
    return lambda **limits: ProgramRunner("auto", ProgramLimits(**limits), Tier(request.param))


class Made:
    """The calls that came through, each answered with its number."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((tool, arguments))
        return {"result": len(self.calls)}

    async def search(self, query: str) -> str:
        return f"def notes__{query}()"


async def run(runner: ProgramRunner, code: str, made: Made | None = None) -> Outcome:
    made = made or Made()
    outcome = await runner.run(code, FUNCTIONS, made.call, made.search)
    assert left() == [], "a process of the program's is left"
    return outcome


def left() -> list[str]:
    """Return the processes below this one that run a program."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            words = each.cmdline()
        except psutil.Error:
            continue
        if any(word.endswith(("child/program.py", "launch.py")) for word in words):
            found.append(" ".join(words))
    return found


async def test_a_program_calls_prints_and_searches(fenced: Callable[..., ProgramRunner]) -> None:
    made = Made()
    code = "for text in ('a', 'b'):\n    print(notes__add(text), notes__add(text=text))\nprint(search_actions('add'))"
    assert await run(fenced(), code, made) == Outcome("1 2\n3 4\ndef notes__add()\n", 0, 4)
    assert made.calls == [("notes__add", {"text": text}) for text in "aabb"]


REFUSED = {
    "network": ("import socket; socket.create_connection(('127.0.0.1', {port}))", "Permission denied"),
    "a socket": ("import socket; socket.socket(socket.AF_UNIX)", "Permission denied"),
    "the vault": ("print(open('{home}/secrets.enc').read())", "Permission denied"),
    "its environment": ("print(open('/proc/self/environ').read())", "Permission denied"),
    "another's environment": ("print(open('/proc/{pid}/environ').read())", "Permission denied|No such file"),
    "its host's memory": ("open('/proc/{pid}/mem', 'rb')", "Permission denied|No such file"),
    "accounts": ("print(open('/etc/passwd').read())", "Permission denied"),
    "folders": ("import os; print(os.listdir('/'))", "Permission denied"),
    "other folders": ("open('{home}/new', 'w')", "Permission denied|Read-only"),
    "processes": ("import os; os.fork()", "Operation not permitted"),
    "threads": ("import threading; threading.Thread(target=print).start()", "can't start new thread"),
    "commands": ("import subprocess; subprocess.run(['/bin/ls'])", "Operation not permitted"),
    "programs": ("import os; os.execv('/bin/ls', ['ls'])", "Permission denied"),
    "large files": ("open('a', 'w').write('x' * 10**7)", "File too large"),
    "signals": ("import os; os.kill({pid}, 9)", "Operation not permitted|No such process"),
}
TRY_EACH = """
for what, code in {attempts!r}.items():
    try:
        exec(code)
    except BaseException as error:
        print(what, error, sep=": ")
    else:
        print(what, "done", sep=": ")
"""


async def test_what_it_may_not_is_refused(fenced: Callable[..., ProgramRunner], tmp_path: Path) -> None:
    (tmp_path / "secrets.enc").write_text("a key")
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    attempts = {what: code.format(home=tmp_path, pid=other.pid, port=9) for what, (code, _) in REFUSED.items()}
    try:
        outcome = await run(fenced(), TRY_EACH.format(attempts=attempts))
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()
    assert outcome.failure == ""
    answers = dict(line.split(": ", 1) for line in outcome.output.splitlines())
    for what, (_, why) in REFUSED.items():
        assert any(each in answers[what] for each in why.split("|")), f"{what}: {answers[what]}"
    assert not (tmp_path / "new").exists()


async def test_a_fork_bomb_does_not_begin(fenced: Callable[..., ProgramRunner]) -> None:
    outcome = await run(fenced(), "import os\nwhile True: os.fork()")
    assert outcome.failure.startswith("line 2:\n    while True: os.fork()\nPermissionError")


async def test_its_environment_holds_nothing_of_ours(
    fenced: Callable[..., ProgramRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-something")
    outcome = await run(fenced(), "import os; print(sorted(os.environ)); print(os.listdir('.'))")
    assert outcome.output.startswith("['DYNAMIC_PLUGINS_WORKER', 'HOME', ")
    assert "KEY" not in outcome.output
    assert outcome.output.endswith("[]\n")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("while True: pass", "took longer than 1 s"),
        ("kept = []\nwhile True: kept.append('x' * 10**6)", "line 2:\n    while True: kept.append('x' * 10**6)\nMem"),
        ("import os\nwhile True: os.write(4, b'x' * 1000)", "took longer than 1 s|wrote to the descriptor"),
        ("import os\nwhile True: os.write(4, b'{}\\n')", "wrote to the descriptor"),
        ("import os; os._exit(3)", "ended before its end was reached (exit status 3)"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        (
            "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
            "ended before|RecursionError|MemoryError|took longer",
        ),
        ("notes__add('x' * 10**6)", "ValueError: the arguments are 1000060 bytes of JSON"),
        ("notes__add({1, 2})", "TypeError: Object of type set is not JSON serializable"),
        ("notes__add(1, 2)", "TypeError: notes__add() takes at most 1 arguments: text"),
        ("x = 1\ny = f(\n", "line 2:\n    y = f(\nSyntaxError: '(' was never closed"),
        ("def g():\n    return 1 / 0\ng()", "line 2, called in line 3:\n    return 1 / 0\nZeroDivisionError"),
    ],
)
async def test_it_is_stopped_and_told_why(code: str, failure: str) -> None:
    seconds = 1 if "took longer" in failure else 20
    outcome = await run(ProgramRunner("auto", ProgramLimits(seconds=seconds)), code)
    assert any(each in outcome.failure for each in failure.split("|")), outcome


async def test_what_it_prints_beyond_measure_is_counted_and_dropped() -> None:
    outcome = await run(ProgramRunner("auto"), "for _ in range(1000): print('y' * 99_999)")
    assert (len(outcome.output), outcome.left_out, outcome.failure) == (6000, 10**8 - 6000, "")


@pytest.mark.parametrize(
    "lines",
    [
        b'{"id": 1, "result": "forged"}\n',
        b'{"call": 2, "tool": "notes__add", "arguments": {}}\n',
        b'{"call": "1", "tool": "notes__add", "arguments": {}}\n',
        b'{"call": 1, "tool": "notes__add", "arguments": {}, "approved": true}\n',
        b'{"call": 1, "tool": ["notes__add"], "arguments": {}}\n',
        b'{"call": 1, "tool": "notes__add", "arguments": "{}"}\n',
        b'{"print": 1}\n',
        b"{" + b'"a":{' * 10_000 + b"\n",
        b'{"print": "' + b"x" * 600_000 + b'"}\n',
    ],
)
async def test_forged_messages_end_it(lines: bytes) -> None:
    made = Made()
    outcome = await run(ProgramRunner("auto"), f"import os; os.write(4, {lines!r}); os.read(3, 1); print('on')", made)
    assert outcome.failure.startswith("it wrote to the descriptor")
    assert (outcome.output, made.calls) == ("", [])


async def test_nothing_is_called_after_the_end() -> None:
    made = Made()
    forged = b'{"end": true, "left_out": 0}\n{"call": 1, "tool": "notes__add", "arguments": {"text": "late"}}\n'
    code = f"import os, atexit\natexit.register(notes__add, 'later')\nos.write(4, {forged!r})\nwhile True: pass"
    assert await run(ProgramRunner("auto"), code, made) == Outcome("", 0, 0)
    assert made.calls == []


async def test_its_calls_are_counted_and_their_time_is_not_its_own() -> None:
    class Slow(Made):
        async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            await asyncio.to_thread(time.sleep, 0.4)
            return await super().call(tool, arguments)

    made = Slow()
    code = "for _ in range(4): notes__add('x')"
    outcome = await run(ProgramRunner("auto", ProgramLimits(seconds=1, calls=3)), code, made)
    assert "ActionError: A program makes at most 3 calls" in outcome.failure
    assert (len(made.calls), outcome.calls) == (3, 3)


async def test_nothing_is_left_of_a_program_that_is_cancelled() -> None:
    called = asyncio.Event()

    async def wait(_tool: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        called.set()
        await asyncio.Event().wait()
        return {}

    running = asyncio.create_task(ProgramRunner("auto").run("notes__add('x')", FUNCTIONS, wait, Made().search))
    await asyncio.wait_for(called.wait(), 20)
    assert left()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert left() == []


HOST = """
import asyncio
from dynamic_plugins.workers.program_process import ProgramRunner
async def call(tool, arguments):
    print("called", flush=True)
    await asyncio.Event().wait()
functions = [{"name": "f", "tool": "f", "parameters": [], "about": ""}]
asyncio.run(ProgramRunner("auto").run("f()", functions, call, call))
"""


def test_nothing_is_left_of_a_program_whose_host_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"called\n"
        started = psutil.Process(host.pid).children(recursive=True)
        assert started
        os.kill(host.pid, signal.SIGKILL)
        assert psutil.wait_procs(started, timeout=10)[1] == []


async def test_without_a_fence_it_is_refused_or_told() -> None:
    nothing = Tier(Level.NONE, "for a test")
    with pytest.raises(FenceError, match="cannot be enforced here"):
        await run(ProgramRunner("require", tier=nothing), "print(1)")
    with pytest.raises(FenceError, match="only with DYNAMIC_PLUGINS_SANDBOX=off"):
        await run(ProgramRunner("auto", tier=nothing), "print(1)")
    runner = ProgramRunner("off", tier=nothing)
    assert (await run(runner, "print(1)")).output == "1\n"
    assert "nothing is enforced" in runner.unfenced
