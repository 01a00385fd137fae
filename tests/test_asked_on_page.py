"""What is asked at any door can be answered on the page of the home, once; without a page all is as it was.

Where no browser is needed, the page is only announced as its server announces it, and answered through the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.app import App
from dynamic_plugins.approval import Answer, ApprovalRequest, approve_everything, approve_listed
from dynamic_plugins.errors import AskedOnPageError, DeclinedError, NeedsConfirmationError
from dynamic_plugins.events import ANSWERED, WAITING, Event, ignore
from dynamic_plugins.integrations.framework_approval import ConsentingCalls, ConsentNeededError
from dynamic_plugins.integrations.mcp_elicitation import Person
from dynamic_plugins.lifecycle.shared_approval import SharedApproval
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.approval_queue import ApprovalQueue, Question
from dynamic_plugins.storage.audit import AuditLog
from dynamic_plugins.storage.open_page import announced, is_seen, note_seen
from tests.conftest import EXAMPLES, Cli
from tests.loading import PLUGINS
from tests.terminal import Terminal
from tests.test_mcp_server import Behind, Mode, both, call, connected, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import mcp_types as types
    from mcp import Client

ADDRESS = "http://127.0.0.1:8767"
SECONDS = 30.0
HELLO = EXAMPLES / "hello-plugin"
INSTALL = ApprovalRequest("install", "mcp-server-time", "1", "PyPI", ())
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.fixture
def page(cli: Cli) -> Iterator[ApprovalQueue]:
    """The queue of a home whose page is open."""
    with announced(cli.home, ADDRESS):
        yield ApprovalQueue(cli.home)


@pytest.fixture
async def hello(cli: Cli) -> Cli:
    """A home where ``hello`` is installed and was never started."""
    await install(cli, HELLO)
    return cli


async def asked(queue: ApprovalQueue) -> Question:
    """Wait for the one question that somebody asks."""
    async with asyncio.timeout(SECONDS):
        while not (found := queue.open()):  # noqa: ASYNC110 # another process asks: there is nothing to be told by
            await asyncio.sleep(0.02)
    (question,) = found
    return question


def asked_now(queue: ApprovalQueue) -> Question:
    end = time.monotonic() + SECONDS
    while not (found := queue.open()):
        assert time.monotonic() < end, "nothing is asked"
        time.sleep(0.02)
    (question,) = found
    return question


def left_in(home: Path) -> set[str]:
    folder = home / "approvals"
    return {path.name for path in folder.iterdir()} - {"changing.lock"} if folder.exists() else set()


# ---------------------------------------------------------------- one process


@contextlib.asynccontextmanager
async def asking(
    home: Path, approve: Any, events: list[Event] | None = None, **more: Any
) -> AsyncIterator[tuple[ApprovalQueue, asyncio.Task[Any]]]:
    listener = ignore if events is None else events.append
    shared = SharedApproval(home, "library", listener=listener, **more)
    task = asyncio.ensure_future(shared.ask(INSTALL, approve))
    try:
        yield ApprovalQueue(home), task
    finally:
        task.cancel()
        await asyncio.wait({task})
        shared.close()
        assert left_in(home) == set()


async def never(_request: ApprovalRequest) -> bool:
    await asyncio.Event().wait()
    return False


async def nobody(request: ApprovalRequest) -> bool:
    raise NeedsConfirmationError(request.name, request.question)


async def test_the_page_answers_for_somebody_who_is_asked_elsewhere_and_is_quick_about_it(tmp_path: Path) -> None:
    events: list[Event] = []
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, never, events) as (queue, task):
            question = await asked(queue)
            before = time.monotonic()
            assert queue.answer(question.id, "yes") == "counted"
            person = await task
            assert time.monotonic() - before < 1.0
    assert (person.answer, person.on_page) == (True, True)
    assert [event.stage for event in events] == [ANSWERED]


async def test_the_answer_from_here_ends_the_question_on_the_page(tmp_path: Path) -> None:
    said = asyncio.Event()

    async def here(_request: ApprovalRequest) -> bool:
        await said.wait()
        return True

    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, here) as (queue, task):
            question = await asked(queue)
            said.set()
            person = await task
            assert (person.answer, person.on_page) == (True, False)
            assert queue.answer(question.id, "no") == "gone"


async def test_an_answer_on_the_page_that_was_told_it_counts_counts_even_against_one_from_here(tmp_path: Path) -> None:
    said = asyncio.Event()

    async def here(_request: ApprovalRequest) -> bool:
        await said.wait()
        return True

    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, here) as (queue, task):
            question = await asked(queue)
            said.set()
            assert queue.answer(question.id, "no") == "counted"  # nothing has run since the other answer
            assert (await task).answer is False


async def test_a_host_that_answers_by_itself_puts_nothing_on_the_page(tmp_path: Path) -> None:
    async def here(_request: ApprovalRequest) -> Answer:
        return Answer.ONCE

    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, here) as (_, task):
            assert (await task).answer is Answer.ONCE
            assert not (tmp_path / "approvals").exists()


async def test_a_page_that_is_opened_while_somebody_thinks_shows_the_question(tmp_path: Path) -> None:
    async with asking(tmp_path, never) as (queue, task):
        await asyncio.wait({task}, timeout=0.6)
        assert not (tmp_path / "approvals").exists()
        with announced(tmp_path, ADDRESS):
            question = await asked(queue)
            assert queue.answer(question.id, "no") == "counted"
            assert (await task).answer is False


async def test_where_nobody_can_be_asked_the_page_is_waited_for(tmp_path: Path) -> None:
    events: list[Event] = []
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, nobody, events) as (queue, task):
            question = await asked(queue)
            queue.answer(question.id, "yes")
            assert (await task).answer is True
    assert [event.stage for event in events] == [WAITING, ANSWERED]
    assert f"{ADDRESS}/asked" in events[0].message


async def test_without_a_page_nobody_is_waited_for_and_nothing_is_written(tmp_path: Path) -> None:
    async with asking(tmp_path, nobody) as (_, task):
        with pytest.raises(NeedsConfirmationError):
            await task
    assert os.listdir(tmp_path) == []  # noqa: PTH208 # names


async def test_a_page_that_nobody_looks_at_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, nobody, seconds=0.3) as (_, task):
            with pytest.raises(NeedsConfirmationError):
                await task


async def test_a_page_is_waited_for_while_somebody_looks_at_it_and_for_a_minute_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynamic_plugins.lifecycle.shared_approval.UNSEEN", 0.5)
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, nobody) as (queue, task):
            question = await asked(queue)
            with pytest.raises(NeedsConfirmationError):
                await asyncio.wait_for(task, SECONDS)
            assert queue.answer(question.id, "yes") == "gone"
        note_seen(tmp_path)
        async with asking(tmp_path, nobody) as (queue, task):
            question = await asked(queue)
            assert await asyncio.wait({task}, timeout=1.5) == (set(), {task})
            assert queue.answer(question.id, "yes") == "counted"
            assert (await task).answer is True
    assert not is_seen(tmp_path)


async def test_whoever_wants_nothing_asked_on_the_page_is_refused_at_once(tmp_path: Path) -> None:
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, nobody, seconds=0.0) as (_, task):
            with pytest.raises(NeedsConfirmationError):
                await task
        shared = SharedApproval(tmp_path, "mcp", later=True, seconds=0.0)
        with pytest.raises(NeedsConfirmationError) as told:
            await shared.ask(INSTALL, nobody)
        assert not isinstance(told.value, AskedOnPageError)


async def test_a_page_that_goes_away_for_good_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynamic_plugins.lifecycle.shared_approval.WITHOUT_PAGE", 0.5)
    with contextlib.ExitStack() as open_page:
        open_page.enter_context(announced(tmp_path, ADDRESS))
        async with asking(tmp_path, nobody) as (queue, task):
            question = await asked(queue)
            open_page.close()
            with pytest.raises(NeedsConfirmationError):
                await task
            assert queue.answer(question.id, "yes") == "gone"


async def test_waiting_costs_no_processor_to_speak_of(tmp_path: Path) -> None:
    with announced(tmp_path, ADDRESS):
        async with asking(tmp_path, never) as (queue, task):
            await asked(queue)
            before = time.process_time()
            await asyncio.wait({task}, timeout=3.0)
            assert time.process_time() - before < 0.1


async def test_the_same_request_again_takes_the_answer_once(tmp_path: Path) -> None:
    shared = SharedApproval(tmp_path, "mcp", later=True)
    queue = ApprovalQueue(tmp_path)
    with announced(tmp_path, ADDRESS):
        for _ in range(2):  # and it is asked once, however often the model tries
            with pytest.raises(AskedOnPageError) as told:
                await shared.ask(INSTALL, nobody)
            assert told.value.page == f"{ADDRESS}/asked"
            assert told.value.code == "needs_confirmation"
        question = await asked(queue)
        assert queue.answer(question.id, "yes") == "counted"
        other = ApprovalRequest("install", "mcp-server-time", "2", "PyPI", ())
        with pytest.raises(AskedOnPageError):
            await shared.ask(other, nobody)
        assert (await shared.ask(INSTALL, nobody)).answer is True
        with pytest.raises(AskedOnPageError):
            await shared.ask(INSTALL, nobody)
    shared.close()
    assert left_in(tmp_path) == set()


async def test_an_answer_that_nobody_comes_back_for_is_worth_nothing_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynamic_plugins.lifecycle.shared_approval.KEPT_SECONDS", 0.0)
    shared = SharedApproval(tmp_path, "mcp", later=True)
    queue = ApprovalQueue(tmp_path)
    with announced(tmp_path, ADDRESS):
        with pytest.raises(AskedOnPageError):
            await shared.ask(INSTALL, nobody)
        first = await asked(queue)
        queue.answer(first.id, "yes")
        with pytest.raises(AskedOnPageError):
            await shared.ask(INSTALL, nobody)
        assert (await asked(queue)).id != first.id
    shared.close()


# ---------------------------------------------------------------- the library


async def test_the_library_without_anybody_to_ask_waits_for_the_page(cli: Cli, page: ApprovalQueue) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    await install(cli, HELLO)
    async with DynamicPlugins(settings=settings) as plugins:
        switching = asyncio.ensure_future(plugins.call("activate_plugin", {"plugin_name": "hello"}))
        question = await asked(page)
        assert (question.verb, question.name, question.door) == ("activate", "hello", "library")
        assert any("hello" in fact for fact in question.facts)
        page.answer(question.id, "yes")
        assert (await switching)["ok"] is True
    assert left_in(cli.home) == set()
    noted = [line for line in AuditLog(cli.home / "audit.jsonl").read("hello") if line["what"] == "consent to activate"]
    assert [(line["answer"], line["detail"], line["door"]) for line in noted] == [
        ("yes", "answered on the page", "library")
    ]


async def test_a_call_that_is_given_up_takes_its_question_along(hello: Cli, page: ApprovalQueue) -> None:
    settings = Settings.from_environment(hello.environment(), home=hello.home)
    async with DynamicPlugins(settings=settings) as plugins:
        switching = asyncio.ensure_future(plugins.call("activate_plugin", {"plugin_name": "hello"}))
        question = await asked(page)
        switching.cancel()
        await asyncio.wait({switching})
        assert page.answer(question.id, "yes") == "gone"
        assert left_in(hello.home) == set()


@pytest.mark.parametrize("approve", [approve_everything, approve_listed])
async def test_who_agreed_beforehand_is_not_asked_on_the_page(hello: Cli, page: ApprovalQueue, approve: Any) -> None:
    settings = Settings.from_environment(hello.environment(), home=hello.home)
    async with App(settings, approve=approve) as app:
        await app.service.activate("hello")
    assert page.open() == []
    assert not page.folder.exists()


async def test_a_secret_among_the_arguments_of_a_call_is_in_no_file(hello: Cli, page: ApprovalQueue) -> None:
    settings = Settings.from_environment(hello.environment(), home=hello.home)
    async with DynamicPlugins(settings=settings, confirm_calls="always") as plugins:
        plugins.app.service.approve = approve_everything
        await plugins.call("activate_plugin", {"plugin_name": "hello"})
        plugins.app.service.approve = None
        calling = asyncio.ensure_future(plugins.call("hello__remember", {"note": f"the token is {TOKEN}"}))
        question = await asked(page)
        assert (question.verb, question.answers) == ("call", ("once", "conversation", "always", "no"))
        assert any("***" in fact for fact in question.facts)
        kept = "".join(path.read_text() for path in page.folder.iterdir())
        assert TOKEN not in kept
        page.answer(question.id, "conversation")
        assert (await calling)["result"] == 1
        again = await plugins.call("hello__remember", {"note": "more"})
        assert again["result"] == 2  # not asked again, for this conversation


async def test_a_framework_that_has_nobody_to_ask_waits_for_the_page(hello: Cli, page: ApprovalQueue) -> None:
    settings = Settings.from_environment(hello.environment(), home=hello.home)
    async with DynamicPlugins(settings=settings) as plugins:
        calls = ConsentingCalls(plugins)
        switching = asyncio.ensure_future(calls.call("activate_plugin", {"plugin_name": "hello"}, None))
        page.answer((await asked(page)).id, "yes")
        assert (await switching)["ok"] is True


async def test_a_framework_that_ends_the_call_with_its_question_has_it_to_itself(
    hello: Cli, page: ApprovalQueue
) -> None:
    async def interrupt(request: ApprovalRequest) -> bool:
        raise ConsentNeededError(request)

    settings = Settings.from_environment(hello.environment(), home=hello.home)
    async with DynamicPlugins(settings=settings) as plugins:
        calls = ConsentingCalls(plugins)
        with pytest.raises(ConsentNeededError):
            await calls.call("activate_plugin", {"plugin_name": "hello"}, interrupt)
        assert not page.folder.exists()


# ---------------------------------------------------------------- commands and terminals


@contextlib.contextmanager
def running(cli: Cli, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        cli.command(*words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cli.environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def dumb(cli: Cli) -> dict[str, str]:
    return cli.environment() | {"TERM": "dumb"}


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 4)])
def test_a_command_without_a_terminal_waits_for_the_page(cli: Cli, page: ApprovalQueue, answer: str, code: int) -> None:
    with running(cli, "install", "--path", str(HELLO)) as command:
        question = asked_now(page)
        assert (question.verb, question.door, question.pid) == ("install", "terminal", command.pid)
        assert page.answer(question.id, answer) == "counted"
        _, errors = command.communicate(timeout=SECONDS)
    assert command.returncode == code
    assert f"{ADDRESS}/asked" in errors
    assert f"Answered on the page: {answer}." in errors
    assert left_in(cli.home) == set()


def test_without_a_page_a_command_is_refused_at_once(cli: Cli) -> None:
    ran = cli("install", "--path", str(HELLO), code=4)
    assert ran.json["error"]["code"] == "needs_confirmation"
    assert not (cli.home / "approvals").exists()


def test_a_command_that_is_killed_while_it_waits_leaves_nothing(cli: Cli, page: ApprovalQueue) -> None:
    with running(cli, "install", "--path", str(HELLO)) as command:
        question = asked_now(page)
        command.send_signal(signal.SIGKILL)
        command.wait(SECONDS)
        assert page.open() == []
        assert page.answer(question.id, "yes") == "gone"
        assert left_in(cli.home) == set()


def test_ctrl_c_takes_the_question_along(cli: Cli, page: ApprovalQueue) -> None:
    with running(cli, "install", "--path", str(HELLO)) as command:
        asked_now(page)
        command.send_signal(signal.SIGINT)
        assert command.wait(SECONDS) == 130
    assert left_in(cli.home) == set()


def test_at_a_terminal_the_page_may_be_quicker_and_the_terminal_says_so(
    cli: Cli, page: ApprovalQueue, tmp_path: Path
) -> None:
    with Terminal(cli.command("install", "--path", str(HELLO)), tmp_path, dumb(cli), 120) as terminal:
        assert "[y/N]" in (terminal.prompt(SECONDS) or "")
        question = asked_now(page)
        assert page.answer(question.id, "yes") == "counted"
        terminal.ends()
        assert "Answered on the page: yes." in terminal.seen
        assert "Traceback" not in terminal.seen
    assert terminal.code == 0
    assert cli("status", "hello").json["plugins"][0]["name"] == "hello"


def test_at_a_terminal_the_person_there_may_be_quicker(cli: Cli, page: ApprovalQueue, tmp_path: Path) -> None:
    with Terminal(cli.command("install", "--path", str(HELLO)), tmp_path, dumb(cli), 120) as terminal:
        terminal.prompt(SECONDS)
        question = asked_now(page)
        terminal.type("n")
        terminal.ends()
        assert page.answer(question.id, "yes") == "gone"
    assert terminal.code == 4


def test_in_a_conversation_the_page_answers_and_the_conversation_goes_on(
    cli: Cli, page: ApprovalQueue, tmp_path: Path
) -> None:
    cli("install", "--path", str(HELLO), "--yes")
    with Terminal(cli.command("chat"), tmp_path, dumb(cli), 120) as terminal:
        terminal.prompt(SECONDS)
        terminal.type("switch hello on")
        terminal.shows(r"\[y/N\]", SECONDS)
        question = asked_now(page)
        assert (question.verb, question.name, question.door) == ("activate", "hello", "chat")
        page.answer(question.id, "yes")
        terminal.shows("Answered on the page: yes", SECONDS)
        assert "> " in (terminal.prompt(SECONDS) or "")
        terminal.type("/quit")
        terminal.ends()
        assert "Traceback" not in terminal.seen
    assert cli("status", "hello").json["plugins"][0]["status"] == "active"


def test_what_a_plugin_offers_otherwise_is_asked_about_on_the_page_as_at_a_terminal(
    cli: Cli, page: ApprovalQueue
) -> None:
    cli("install", "--path", str(PLUGINS / "turncoat"), "--yes")
    cli("activate", "turncoat")
    cli("call", "turncoat", "add", "--args", '{"a": 2, "b": 3}')
    cli("call", "turncoat", "turn")
    cli("call", "turncoat", "tell")
    with running(cli, "activate", "turncoat") as command:
        question = asked_now(page)
        assert "other things than you agreed to" in question.question
        assert any("upload" in fact for fact in question.facts)
        page.answer(question.id, "yes")
        assert command.wait(SECONDS) == 0


# ---------------------------------------------------------------- MCP clients


async def said_in(client: Client) -> dict[str, Any]:
    return await call(client, "activate_plugin", plugin_name="hello")


@both
async def test_a_client_that_cannot_ask_is_told_the_address_and_the_same_call_goes_through_once(
    hello: Cli, page: ApprovalQueue, mode: Mode
) -> None:
    async with connected(hello, mode=mode) as client:
        told = await said_in(client)
        error = told["error"]
        assert (error["code"], error["page"]) == ("needs_confirmation", f"{ADDRESS}/asked")
        assert f"{ADDRESS}/asked" in error["message"]
        assert (await said_in(client))["error"]["code"] == "needs_confirmation"
        question = await asked(page)
        assert (question.verb, question.door) == ("activate", "mcp")
        # Nothing of what answers it is in what a model was told.
        assert question.id not in str(told)
        assert page.answer(question.id, "yes") == "counted"
        assert (await said_in(client))["ok"] is True
        assert page.open() == []
        # The yes was for that one call.
        removed = await call(client, "unload_plugin", plugin_name="hello", uninstall=True)
        assert removed["error"]["code"] == "needs_confirmation"
        assert (await asked(page)).verb == "uninstall"
    assert left_in(hello.home) == set()


@both
async def test_a_no_on_the_page_is_told_to_the_model_as_declined(hello: Cli, page: ApprovalQueue, mode: Mode) -> None:
    async with connected(hello, mode=mode) as client:
        await said_in(client)
        page.answer((await asked(page)).id, "no")
        assert (await said_in(client))["error"]["code"] == "declined"


async def test_without_a_page_a_client_that_cannot_ask_is_told_what_it_was_told_before(hello: Cli) -> None:
    async with connected(hello) as client:
        error = (await said_in(client))["error"]
    assert "page" not in error
    assert "terminal" in error["message"]
    assert not (hello.home / "approvals").exists()


async def test_a_client_that_is_asking_the_person_goes_on_once_the_page_has_the_answer(
    hello: Cli, page: ApprovalQueue
) -> None:
    class Thinking(Behind):
        async def __call__(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
            self.asked.append(params)
            await asyncio.Event().wait()
            return await super().__call__(context, params)

    person = Thinking()
    async with connected(hello, mode="legacy", person=person) as client:
        calling = asyncio.ensure_future(said_in(client))
        question = await asked(page)
        assert len(person.asked) == 1
        page.answer(question.id, "yes")
        assert (await calling)["ok"] is True


async def test_a_server_that_is_killed_leaves_no_question_and_no_yes(hello: Cli, page: ApprovalQueue) -> None:
    async with connected(hello) as client:
        await said_in(client)
        question = await asked(page)
        page.answer(question.id, "yes")
        os.kill(question.pid, signal.SIGKILL)
        with pytest.raises(Exception):  # noqa: B017,PT011 # whatever a client makes of a server that is gone
            await said_in(client)
    async with connected(hello) as client:
        assert (await said_in(client))["error"]["code"] == "needs_confirmation"
        assert (await asked(page)).id != question.id


@pytest.fixture
async def notes(cli: Cli, tmp_path: Path) -> Path:
    """A file that the installed plugin ``reader`` may not read."""
    folder, secret = tmp_path / "reader", tmp_path / "elsewhere" / "notes.txt"
    secret.parent.mkdir()
    secret.write_text("found")
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "reader"\nversion = "1"\n[tool.dynamic-plugins.permissions]\nnetwork = []\n'
    )
    (folder / "reader.py").write_text(
        "from pathlib import Path\nfrom dynamic_plugins.plugin import Plugin, action\n"
        '@action\ndef read_text(path: str) -> str:\n    "Reads a file."\n    return Path(path).read_text()\n'
        'plugin = Plugin("reader", actions=[read_text])\n'
    )
    await install(cli, folder)
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    if not App(settings).loader.workers.enforcement(_files(secret)).files:
        pytest.skip("this machine enforces no files")
    return secret


async def test_what_a_call_would_reach_is_asked_on_the_page_and_the_same_call_reaches_it(
    cli: Cli, page: ApprovalQueue, notes: Path
) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    person = Person()
    async with App(settings, approve=approve_everything, door="mcp", answers_later=True) as app:
        await app.service.activate("reader")
        app.service.approve = person.approve
        read = {"path": str(notes)}
        told = await app.toolbox.call("reader__read_text", read)
        assert told["error"].get("page") == f"{ADDRESS}/asked", told
        question = await asked(page)
        assert (question.verb, question.answers) == ("reach", ("conversation", "always", "no"))
        page.answer(question.id, "conversation")
        assert (await app.toolbox.call("reader__read_text", read))["result"] == "found"


async def test_what_a_command_s_call_would_reach_is_asked_on_the_page(
    cli: Cli, page: ApprovalQueue, notes: Path
) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    async with App(settings, approve=approve_everything) as app:
        await app.service.activate("reader")
    arguments = json.dumps({"path": str(notes)})
    with running(cli, "--json", "call", "reader", "read_text", "--args", arguments) as command:
        question = await asked(page)
        assert (question.verb, question.door) == ("reach", "terminal")
        page.answer(question.id, "conversation")
        out, _ = await asyncio.to_thread(command.communicate, timeout=SECONDS)
    assert json.loads(out)["result"] == "found"


def _files(path: Path) -> Any:
    from dynamic_plugins.core.permissions import FileAccess, Permissions

    return Permissions(network=(), files=(FileAccess(str(path)),), declared=True)


async def test_a_no_ends_what_was_asked(cli: Cli, page: ApprovalQueue) -> None:
    settings = Settings.from_environment(cli.environment(), home=cli.home)
    async with App(settings) as app:
        installing = asyncio.ensure_future(app.service.install_path(HELLO))
        page.answer((await asked(page)).id, "no")
        with pytest.raises(DeclinedError):
            await installing
        assert app.service.status() == []
