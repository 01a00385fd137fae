"""What a plugin may not reach is asked about in the conversation in which it is wanted, and nowhere else granted."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import Answer, ApprovalRequest, approve_everything
from dynamic_plugins.core.permissions import FileAccess, Permissions
from dynamic_plugins.integrations.framework_approval import ConsentingCalls, described
from dynamic_plugins.lifecycle import reach
from dynamic_plugins.lifecycle.reach_limits import ReachLimits, host_warnings
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.audit import AuditLog
from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.tier import Level
from tests.conftest import Cli
from tests.loopback import serving
from tests.scripted_model import Messages, ScriptedModel
from tests.terminal import Terminal
from tests.test_mcp_server import Behind, beside, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


SOURCE = """
import urllib.request
from pathlib import Path
from dynamic_plugins.plugin import Action, Plugin

CALLS = Path.home() / "calls"

def note(name):
    with CALLS.open("a") as file:
        file.write(name + " ")

def look(path: str) -> str:
    note("look")
    return Path(path, "note.txt").read_text()

def find(words: str) -> str:
    note("find")
    return Path(words).read_text()

def keep(path: str, text: str) -> str:
    note("keep")
    Path(path, "kept.txt").write_text(text)
    return "kept"

def store(words: str) -> str:
    note("store")
    return Path(words).read_text()

def fetch(url: str) -> str:
    note("fetch")
    try:
        return urllib.request.urlopen(url, timeout=20).read().decode()
    except OSError as error:
        raise RuntimeError(f"could not connect: {error}") from None

def calls() -> str:
    return CALLS.read_text() if CALLS.exists() else ""

TEXT = {"type": "string"}
def action(handler, read_only, **parameters):
    shape = {"type": "object", "properties": parameters, "required": list(parameters)}
    return Action(handler.__name__, handler.__name__, handler, shape, read_only=read_only)

plugin = Plugin("looker", actions=[
    action(look, True, path=TEXT), action(find, True, words=TEXT), action(keep, False, path=TEXT, text=TEXT),
    action(store, False, words=TEXT), action(fetch, True, url=TEXT), action(calls, True),
])
"""

STATE = "plugin-management-state.json"

pytestmark = pytest.mark.skipif(probe.best_tier().level is Level.NONE, reason=f"no fence here: {probe.best_tier()}")


def write(folder: Path) -> Path:
    """Write the plugin's folder; it may reach no host and no files."""
    folder.mkdir()
    (folder / "looker_plugin.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "looker"\nversion = "1"\n'
        '[project.entry-points."dynamic_plugins.plugins"]\nlooker = "looker_plugin:plugin"\n'
        "[tool.dynamic-plugins.permissions]\nnetwork = []\n"
    )
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A home in which the plugin is active, and its state as it was then: installing it is slow."""
    folder = tmp_path_factory.mktemp("reach")
    cli = Cli(folder / "home")
    cli("install", "--path", str(write(folder / "looker")), "--yes")
    cli("activate", "looker", "--yes")
    return cli.home, (cli.home / STATE).read_bytes()


@pytest.fixture
def home(installed: tuple[Path, bytes]) -> Path:
    """The home as it was when the plugin had just been activated."""
    home, state = installed
    (home / STATE).write_bytes(state)
    for left in (*home.rglob("calls"), *home.glob("audit*.jsonl")):
        left.unlink()
    return home


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder of the person's, with something in it."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "note.txt").write_text("a note")
    return folder


class Asked:
    """A person who answers *answers* to what they are asked about reach, and yes to everything else."""

    def __init__(self, *answers: bool | Answer) -> None:
        self.answers, self.requests = list(answers), list[ApprovalRequest]()

    async def __call__(self, request: ApprovalRequest) -> bool | Answer:
        if request.verb != "reach":
            return True
        self.requests.append(request)
        return self.answers.pop(0)

    @property
    def questions(self) -> list[str]:
        return [request.question for request in self.requests]


@asynccontextmanager
async def opened(home: Path, approve: Any, *, said: str = "") -> AsyncIterator[DynamicPlugins]:
    """Have the plugin of *home* ready to be called; *said* is what the person says first."""
    settings = Settings.from_environment(dict(os.environ), home=home)
    async with DynamicPlugins(home, settings=settings, approve=approve) as plugins:
        if said:
            plugins.begin_turn(said)
        yield plugins


async def calls(plugins: DynamicPlugins) -> list[str]:
    """Return which actions have been called, as the plugin counts them."""
    return str((await plugins.call("looker__calls"))["result"]).split()


def granted(home: Path) -> Any:
    return json.loads((home / STATE).read_text())["plugins"]["looker"]["allowed"]["files"]


# ---------------------------------------------------------------- asked before the call


async def test_a_path_that_the_person_named_is_asked_about_before_the_call(
    home: Path, tmp_path: Path, there: Path
) -> None:
    asked = Asked(True)
    async with opened(home, asked, said=f"What is noted in {there}?") as plugins:
        for _ in range(2):
            assert (await plugins.call("looker__look", {"path": str(there)}))["result"] == "a note"
        assert await calls(plugins) == ["look", "look"], "a call was refused before somebody was asked"
    assert asked.questions == [f"May looker read {there}?"]
    (request,) = asked.requests
    assert any(f"also reads {there} (enforced)" in fact for fact in request.facts)
    assert f'  with     {{"path": "{there}"}}' in request.facts
    assert request.warnings == ()
    assert granted(home) == [], "what was granted for a conversation was kept"
    lines = AuditLog(home / "audit.jsonl").read("looker")
    assert ("consent to reach", "conversation") in [(line["what"], line.get("answer")) for line in lines]


async def test_a_program_waits_for_the_answer(home: Path, there: Path) -> None:
    asked = Asked(True)
    settings = Settings.from_environment(dict(os.environ), home=home)
    async with DynamicPlugins(settings=settings, approve=asked, code_mode=True) as plugins:
        code = f"print(looker__look({str(there)!r}))"
        for _ in range(2):
            assert (await plugins.call("run_program", {"code": code}))["output"] == "a note\n"
    assert asked.questions == [f"May looker read {there}?"]


async def test_a_grant_for_a_conversation_ends_with_it_and_one_for_always_does_not(
    home: Path, tmp_path: Path, there: Path
) -> None:
    look = {"path": str(there)}
    for answers in ([True], [Answer.ALWAYS], []):
        asked = Asked(*answers)
        async with opened(home, asked) as plugins:
            assert (await plugins.call("looker__look", look))["ok"]
        assert len(asked.requests) == len(answers)
    assert granted(home) == [{"path": str(there), "access": "read"}]


async def test_a_yes_to_one_call_holds_for_that_call(home: Path, tmp_path: Path, there: Path) -> None:
    asked = Asked(Answer.ONCE, Answer.ONCE)
    async with opened(home, asked) as plugins:
        for _ in range(2):
            assert (await plugins.call("looker__look", {"path": str(there)}))["ok"]
    assert len(asked.requests) == 2


async def test_what_changes_something_asks_to_write(home: Path, tmp_path: Path, there: Path) -> None:
    asked = Asked(True)
    async with opened(home, asked, said=f"keep this in {there}/") as plugins:
        assert (await plugins.call("looker__keep", {"path": str(there), "text": "kept"}))["ok"]
    assert asked.questions == [f"May looker read and write {there}?"]
    assert (there / "kept.txt").read_text() == "kept"


async def test_what_was_declined_is_not_done_and_not_asked_again(home: Path, tmp_path: Path, there: Path) -> None:
    asked = Asked(False)
    async with opened(home, asked) as plugins:
        for _ in range(2):
            error = (await plugins.call("looker__look", {"path": str(there)}))["error"]
            assert error["code"] == "declined"
            assert f"declined to let looker read {there}" in error["message"]
        assert await calls(plugins) == []
    assert len(asked.requests) == 1


@pytest.mark.parametrize("approve", [None, approve_everything], ids=["nobody", "beforehand"])
async def test_where_nobody_is_asked_the_error_stays_what_it_was(
    home: Path, tmp_path: Path, there: Path, approve: Any
) -> None:
    async with opened(home, approve) as plugins:
        error = (await plugins.call("looker__look", {"path": str(there)}))["error"]
    assert error["code"] == "permission_denied"
    assert error["command"].startswith("dynamic-plugins permissions looker --allow-read ")
    assert granted(home) == []


# ---------------------------------------------------------------- asked once it was refused


async def test_what_only_reads_is_called_again_once_it_was_let(home: Path, tmp_path: Path, there: Path) -> None:
    asked, note = Asked(True), there / "note.txt"
    async with opened(home, asked) as plugins:
        assert (await plugins.call("looker__find", {"words": str(note)}))["result"] == "a note"
        assert await calls(plugins) == ["find", "find"]
    assert asked.questions == [f"May looker read {note}?"]


async def test_what_changes_something_is_not_called_again_by_itself(home: Path, tmp_path: Path, there: Path) -> None:
    asked, note = Asked(True), there / "note.txt"
    async with opened(home, asked) as plugins:
        error = (await plugins.call("looker__store", {"words": str(note)}))["error"]
        assert error["code"] == "permission_denied"
        assert "which it may do from now on. It was not called again" in error["message"]
        assert await calls(plugins) == ["store"]
        assert (await plugins.call("looker__store", {"words": str(note)}))["ok"]


async def test_what_the_person_did_not_name_is_shown_with_a_warning(home: Path, tmp_path: Path, there: Path) -> None:
    asked = Asked(False)
    other = there / "other"
    other.mkdir()
    (other / "note.txt").write_text("another note")
    async with opened(home, asked, said="What is noted?") as plugins:
        assert (await plugins.call("looker__look", {"path": str(there)}))["error"]["code"] == "declined"
        assert (await plugins.call("looker__look", {"path": str(other)}))["error"]["code"] == "permission_denied"
    (request,) = asked.requests
    assert any("You have not named this yourself" in warning for warning in request.warnings)


async def test_a_host_is_asked_about(home: Path, tmp_path: Path) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a page")

        def log_message(self, *_: Any) -> None:
            pass

    server, asked = ThreadingHTTPServer(("127.0.0.1", 0), Page), Asked(True)
    host = f"127.0.0.1:{server.server_address[1]}"
    with serving(server):
        async with opened(home, asked, said=f"read http://{host}/") as plugins:
            await plugins.permissions("looker", allow={"network": ["127.0.0.1:9"]})
            for _ in range(2):
                assert (await plugins.call("looker__fetch", {"url": f"http://{host}/"}))["result"] == "a page"
    assert asked.questions == [f"May looker reach {host}?"]
    assert asked.requests[0].warnings == ("127.0.0.1 is this machine, or one in your own network.",)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("printer:631", "printer"),
        ("wiki.corp:443", "wiki.corp"),
        ("nas.local", "nas.local"),
        ("[::1]:80", "[::1]"),
        ("[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]"),
        ("169.254.169.254:80", "169.254.169.254"),
        ("api.example.org:443", None),
        ("8.8.8.8:53", None),
    ],
)
def test_a_host_nearby_is_warned_of(host: str, name: str | None) -> None:
    expected = [] if name is None else [f"{name} is this machine, or one in your own network."]
    assert list(host_warnings(host)) == expected


# ---------------------------------------------------------------- what is not asked about


@pytest.mark.parametrize("place", [".ssh", ".config/gh"])
async def test_where_keys_lie_nobody_is_asked(
    home: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    persons = tmp_path / "person"
    for name in (".ssh", ".config/gh"):
        (persons / name).mkdir(parents=True)
    (persons / place / "note.txt").write_text("a note")
    monkeypatch.setenv("HOME", str(persons))
    asked, path = Asked(), persons / place
    async with opened(home, asked, said=f"look at {path}") as plugins:
        error = (await plugins.call("looker__look", {"path": str(path)}))["error"]
    assert error["code"] == "permission_denied"
    assert "keys" in error["message"]
    assert "--allow-read" in error["command"]
    assert asked.requests == []


@pytest.mark.parametrize(
    ("path", "access", "asked"),
    [
        ("~/project", "write", True),
        ("~/.config", "read", False),  # ~/.config/gh lies in it
        ("~/.config/editor", "read", True),
        ("~/.ssh/known_hosts", "read", False),
        ("~/.bashrc", "write", False),
        ("~/.bashrc", "read", True),
        ("~", "read", False),
        ("/", "read", False),
        ("/etc", "read", False),
        ("/etc/hosts", "read", True),
        ("/etc/hosts", "write", False),
        ("/usr/local", "write", False),
        ("/proc/1", "read", False),
        ("~/data", "read", False),
        ("~/data/registry", "read", False),
        ("~/link", "read", False),  # leads to ~/.ssh
    ],
)
def test_the_limits_of_what_is_asked_about(tmp_path: Path, path: str, access: Any, asked: bool) -> None:
    home = tmp_path / "person"
    for name in ("project", ".config/gh", ".config/editor", ".ssh", "data/registry"):
        (home / name).mkdir(parents=True)
    (home / ".bashrc").touch()
    (home / "link").symlink_to(home / ".ssh")
    limits = ReachLimits(str(home), home / "data")
    reason = limits.reason_against(FileAccess(path.replace("~", str(home)), access))
    assert (reason == "") is asked, reason


async def test_what_the_policy_is_against_is_not_asked_about(
    home: Path, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f"[permissions]\nfiles = [{json.dumps(str(tmp_path / 'looker'))}]\n")
    monkeypatch.setenv("DYNAMIC_PLUGINS_POLICY", str(policy))
    asked = Asked()
    async with opened(home, asked) as plugins:
        error = (await plugins.call("looker__look", {"path": str(there)}))["error"]
    assert error["code"] == "permission_denied"
    assert "permissions.files" in error["message"]


@pytest.mark.parametrize(
    ("said", "path", "named"),
    [
        ("what changed in /srv/project?", "/srv/project", True),
        ("what changed in /srv/project/, please", "/srv/project", True),
        ("'/srv/project'", "/srv/project", True),
        ("file:///srv/project", "/srv/project", False),
        ("what changed in /srv/project-old?", "/srv/project", False),
        ("what changed in /srv/project/src?", "/srv/project", False),
        ("what changed in /mnt/srv/project?", "/srv/project", False),
        ("read /srv/project.txt", "/srv/project", False),
        ("read it. /srv/project.", "/srv/project", True),
    ],
)
def test_whether_a_path_was_named(said: str, path: str, named: bool) -> None:
    assert reach.names_path([said], path) is named


def test_an_argument_is_a_path_by_what_it_is_for(there: Path) -> None:
    properties = {
        "repoPath": {"type": "string"},
        "target": {"type": "string", "description": "The folder to look into"},
        "message": {"type": "string", "description": "What to say"},
        "files": {"type": "array"},
    }
    path = str(there)
    for name in ("repoPath", "target"):
        assert reach.paths_in({name: path}, {"properties": properties}) == [path]
    assert reach.paths_in({"files": [path, "/not/there"]}, {"properties": properties}) == [path]
    assert reach.paths_in({"message": path, "repoPath": "there"}, {"properties": properties}) == []


async def test_what_another_process_takes_back_ends_a_grant_for_a_conversation(
    cli: Cli, tmp_path: Path, there: Path
) -> None:
    asked = Asked(True, False)
    async with opened(cli.home, asked) as plugins:
        assert (await plugins.call("looker__look", {"path": str(there)}))["ok"]
        cli("permissions", "looker", "--deny-read", str(there))
        assert (await plugins.call("looker__look", {"path": str(there)}))["error"]["code"] == "declined"


def test_a_question_names_all_that_is_wanted() -> None:
    wanted = Permissions(("api.example.org:443",), (FileAccess("/srv/a"), FileAccess("/srv/b", "write")), ("git",))
    request = ApprovalRequest("reach", "looker", "1", "here", (), permissions=wanted)
    assert request.question == (
        "May looker read /srv/a, and read and write /srv/b, and reach api.example.org:443, and start git?"
    )


# ---------------------------------------------------------------- at each door


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_asks_the_person_by_elicitation(cli: Cli, tmp_path: Path, there: Path, mode: Any) -> None:
    person = Behind()
    async with beside(cli, mode=mode, person=person) as client:
        for words in (("looker__look", {"path": str(there)}), ("looker__find", {"words": str(there / "note.txt")})):
            told = await call(client, "call_plugin_action", action=words[0], arguments=json.dumps(words[1]))
            assert told["result"] == "a note"
    assert [each.message.splitlines()[0] for each in person.asked] == [f"May looker read {there}?"]


@pytest.mark.parametrize("confirms", [True, False], ids=["asks", "does not ask"])
async def test_a_framework_asks_where_calls_may_be_asked_about(home: Path, there: Path, confirms: bool) -> None:
    look = ("looker__look", {"path": str(there)})

    async def yes(request: ApprovalRequest) -> bool:
        return request.verb == "reach"

    async with DynamicPlugins(home, confirm_calls="changing" if confirms else "never") as plugins:
        consenting = ConsentingCalls(plugins)
        request = await consenting.request(*look)
        result = await consenting.call(*look, yes)
    assert result["ok"] is confirms
    if confirms:
        assert request is not None
        assert described(request)["question"] == f"May looker read {there}?"
    else:
        assert request is None
        assert result["error"]["code"] == "permission_denied"


def scripted(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
    """Call what the last message says, and tell the result."""
    last = messages[-1]
    if last["role"] == "tool":
        return f"It says: {last['content']}"
    if last["content"].startswith("look at "):
        return [("looker__look", {"path": last["content"].removeprefix("look at ")})]
    return "As you like."


def talk(cli: Cli, model: ScriptedModel, *lines: str) -> list[Any]:
    words = ("chat", "--base-url", model.base_url, "--model", "scripted")
    return cli(*words, stdin="\n".join(lines) + "\n", code=None).lines  # it ends as its last turn does


@pytest.mark.parametrize(("answer", "kept"), [("yes", False), ("yes, always", True), ("always", True)])
def test_a_conversation_without_a_prompt_asks_in_its_reply(
    cli: Cli, tmp_path: Path, there: Path, answer: str, kept: bool
) -> None:
    with ScriptedModel(scripted).serving() as model:
        first, second, third = talk(cli, model, f"look at {there}", answer, f"look at {there}")
    assert first["reply"].startswith(f"May looker read {there}? Its action look is about that")
    assert first["calls"][0]["result"]["error"]["code"] == "needs_confirmation"
    for turn in (second, third):
        assert [each["result"]["result"] for each in turn["calls"]] == ["a note"]
        assert turn["reply"].startswith("It says:")
    assert bool(granted(cli.home)) is kept


def test_what_a_program_needs_is_asked_in_the_reply_and_called_after_a_yes(cli: Cli, there: Path) -> None:
    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] == "tool":
            return f"It says: {messages[-1]['content']}"
        return [("run_program", {"code": f"print(looker__look({str(there)!r}))"})]

    cli.env["DYNAMIC_PLUGINS_CODE_MODE"] = "1"
    with ScriptedModel(script).serving() as model:
        first, second = talk(cli, model, f"look at {there}", "yes")
    assert first["reply"].startswith(f"May looker read {there}?")
    assert "ActionError" in first["calls"][0]["result"]["error"]["message"]
    assert [each["result"]["result"] for each in second["calls"]] == ["a note"]


def test_a_no_in_the_conversation_is_a_no_and_another_message_is_none(cli: Cli, tmp_path: Path, there: Path) -> None:
    with ScriptedModel(scripted).serving() as model:
        lines = (f"look at {there}", "tell me a story", f"look at {there}", "no thanks", f"look at {there}")
        asked, other, again, declined, after = talk(cli, model, *lines)
    assert asked["reply"] == again["reply"]
    assert other == {"reply": "As you like.", "calls": []}
    assert declined["calls"][0]["result"]["error"]["code"] == "declined"
    assert declined["reply"] == "All right, I leave it."
    assert after["calls"][0]["result"]["error"]["code"] == "declined"
    assert granted(cli.home) == []


def test_one_turn_by_itself_asks_nothing(cli: Cli, tmp_path: Path, there: Path) -> None:
    with ScriptedModel(scripted).serving() as model:
        told = cli("ask", f"look at {there}", "--base-url", model.base_url, "--model", "scripted", code=None).json
    assert told["calls"][0]["result"]["error"]["code"] == "permission_denied"


def test_somebody_at_a_terminal_is_asked_when_a_call_needs_it(cli: Cli, tmp_path: Path, there: Path) -> None:
    command = cli.command("call", "looker", "look", "--args", json.dumps({"path": str(there)}))
    with Terminal(command, tmp_path, cli.environment()) as terminal:
        terminal.shows(r"\[N\]o")
        terminal.type("a")
        terminal.ends()
    assert terminal.code == 0, terminal.seen
    assert "a note" in terminal.seen
    assert granted(cli.home) == [{"path": str(there), "access": "read"}]


@pytest.mark.index
def test_what_changed_in_a_repository_that_was_named_in_the_chat(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home")
    repository = tmp_path / "repo"

    def words(*line: str) -> None:
        subprocess.run(["git", "-C", repository, *line], check=True)  # noqa: S607

    repository.mkdir()
    words("init", "-q")
    (repository / "plan.txt").write_text("one\n")
    words("add", ".")
    words("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "A plan")
    (repository / "plan.txt").write_text("one\ntwo\n")
    cli("install", "mcp-server-git", "--yes")
    cli("activate", "mcp-server-git", "--yes")
    said = f"show me the git status of {repository}\nyes\nshow me the git log of {repository}\n"
    asked, status, log = cli("chat", "--yes", stdin=said).lines
    assert asked["reply"].startswith(f"May mcp-server-git read {repository}?")
    assert "plan.txt" in status["reply"]
    assert "A plan" in log["reply"]
    assert [each["result"]["ok"] for each in (*status["calls"], *log["calls"])] == [True, True]
