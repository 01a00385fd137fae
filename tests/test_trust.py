"""Whom an operator lets do what: the policy, revocations, consent to calls, and the log of all that was agreed to."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.app import App
from dynamic_plugins.approval import Answer, approve_everything
from dynamic_plugins.core.permissions import FileAccess, Permissions
from dynamic_plugins.errors import NotAllowedError, RevokedError
from dynamic_plugins.integrations.mcp_elicitation import Person
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.audit import KEPT, MOST_BYTES, AuditLog
from dynamic_plugins.storage.operator_policy import Policy
from tests.conftest import EXAMPLES, Cli, KeptHome
from tests.loading import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

HELLO = EXAMPLES / "hello-plugin"
SOURCE = """
from dynamic_plugins.plugin import Plugin, action

@action
def read_note(name: str) -> str:
    "Reads a note."
    return f"the note {name}"

@action
def send_note(name: str) -> str:
    "Sends a note away."
    return f"{name} is sent"

@action
def ponder() -> str:
    "Ponders."
    return "pondered"

plugin = Plugin("notes", actions=[read_note, send_note, ponder])
"""


def notes(folder: Path, source: str = SOURCE) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "notes"\nversion = "1.0"\n[project.entry-points."dynamic_plugins.plugins"]\n'
        'notes = "notes:plugin"\n'
    )
    (folder / "notes.py").write_text(source)
    return folder


# ---------------------------------------------------------------------------------------------------- the audit log


def test_what_was_agreed_to_is_noted_with_who_when_where_and_how(cli: Cli) -> None:
    cli("install", "--path", str(HELLO), code=4)
    cli("install", "--path", str(HELLO), "--yes")
    cli("activate", "hello")
    cli("uninstall", "hello")
    lines = cli("audit").json["audit"]
    told = [(line["what"], line.get("answer"), line["door"]) for line in lines]
    assert told == [
        ("consent to install", "nobody could be asked", "terminal"),
        ("consent to install", "beforehand", "terminal"),
        ("install", None, "terminal"),
        ("consent to activate", "beforehand", "terminal"),
        ("activate", None, "terminal"),
        ("uninstall", None, "terminal"),
    ]
    assert all(line["plugin"] == "hello" and line["user"] and line["at"].endswith("+00:00") for line in lines)
    assert lines[2]["version"]
    assert len(lines[2]["digest"]) == 64
    assert cli("audit", "hello", "--limit", "1").json["audit"] == lines[-1:]
    assert cli("audit", "other").json["audit"] == []
    assert "consent to install" in cli("audit", json=False).out
    assert (cli.home / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_log_holds_no_login_and_no_key_of_an_address(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.note("install", "x", source="https://me:hunter2@registry.example/list?key=hunter2#hunter2 (x)")
    (line,) = log.read()
    assert line["source"] == "https://registry.example/list (x)"
    assert "hunter2" not in (tmp_path / "audit.jsonl").read_text()


def test_many_processes_write_whole_lines_and_a_full_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    code = (
        "import sys; from pathlib import Path; from dynamic_plugins.storage.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "for number in range(1500): log.note('call', sys.argv[2], detail=f'{number} ' + 'x' * 480)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(name)]) for name in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    lines = AuditLog(path).read()
    for name in range(4):
        numbers = [int(line["detail"].split()[0]) for line in lines if line["plugin"] == str(name)]
        assert numbers == list(range(1500))
    assert len(list(tmp_path.glob("audit.*.jsonl"))) >= 2
    assert all(each.stat().st_size < MOST_BYTES * 1.1 for each in tmp_path.glob("audit*.jsonl"))


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0c", "\ud800", "\r\n"])
def test_what_a_stranger_calls_a_thing_hides_no_line_of_the_log(tmp_path: Path, odd: str) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.note("consent to call", f"a{odd}b", answer="yes", detail=f"act{odd}ion")
    log.note("install", "next")
    assert [line["what"] for line in log.read()] == ["consent to call", "install"]


def test_old_files_go_and_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(KEPT + 3):
        log.note("install", f"p{number}")
        with path.open("a") as file:
            file.write(("x" * MOST_BYTES) + "\n")
        log.note("install", f"q{number}")
    assert len(list(tmp_path.glob("audit*.jsonl"))) == KEPT
    path.write_text('{"at": "2026-01-01T00:00:00+00:00", "plugin": "cut", "wh\n[1]\n')
    log.note("install", "whole")
    assert log.read(limit=1)[0]["plugin"] == "whole"
    assert all(line["plugin"] != "cut" for line in log.read())


def test_a_log_that_cannot_be_written_stops_nothing(cli: Cli) -> None:
    (cli.home / "audit.jsonl").mkdir(parents=True)
    assert cli("install", "--path", str(HELLO), "--yes").json["ok"]


# ---------------------------------------------------------------------------------------------------- the policy


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ('[plugins]\ndeny = ["hel*"]\n', "plugins.deny has 'hel*'"),
        ('[plugins]\nallow = ["other-*"]\n', "plugins.allow"),
        ('[doors]\nallow = ["mcp"]\n', "doors.allow"),
        ('[sources]\npackages = ["pypi", "npm"]\n', "sources.packages"),
    ],
)
def test_what_the_policy_does_not_allow_is_refused_by_its_rule_at_install_and_at_start(
    cli: Cli, policy: str, rule: str
) -> None:
    cli("install", "--path", str(HELLO), "--yes")
    cli("activate", "hello")
    (cli.home / "policy.toml").write_text(policy)
    for words in (("call", "hello", "greet", "--args", '{"name": "Ada"}'), ("reload", "hello")):
        error = cli(*words, code=1).json["error"]
        assert error["code"] == ("untrusted_source" if "sources" in rule else "permission_denied"), error
        assert rule in error["message"]
        assert str(cli.home / "policy.toml") in error["rule"]
    cli("uninstall", "hello")
    assert rule in cli("install", "--path", str(HELLO), "--yes", code=1).json["error"]["message"]
    refused = [line for line in cli("audit").json["audit"] if line["what"] == "refusal"]
    assert rule in refused[-1]["detail"]


def test_only_allowed_registries_are_installed_from(cli: Cli, tmp_path: Path) -> None:
    registry = tmp_path / "shop.json"
    package = {"type": "path", "name": str(HELLO)}
    registry.write_text(
        json.dumps({"schema": 1, "plugins": [{"name": "hello", "kind": "python", "packages": [package]}]})
    )
    cli.home.mkdir()
    (cli.home / "policy.toml").write_text('[sources]\nregistries = ["bundled", "https://registry.example/*"]\n')
    words = ("--registry", str(registry), "install", "hello", "--yes")
    assert cli(*words, code=1).json["error"]["code"] == "untrusted_source"
    (cli.home / "policy.toml").write_text(f'[sources]\nregistries = ["{tmp_path}/*"]\n')
    assert cli(*words).json["ok"]


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        ("[plugins\n", "not TOML"),
        ('[plugins]\ndenied = ["x"]\n', "plugins.denied"),
        ('[sources]\npackages = ["pipy"]\n', "sources.packages.0"),
        ("[doors]\nallow = true\n", "doors.allow"),
        ("\x00", "not TOML"),
    ],
)
def test_a_damaged_policy_refuses_and_says_where_it_is_damaged(cli: Cli, damage: str, place: str) -> None:
    cli("install", "--path", str(HELLO), "--yes")
    (cli.home / "policy.toml").write_text(damage)
    error = cli("activate", "hello", code=1).json["error"]
    assert (error["code"], place in error["message"]) == ("permission_denied", True)
    checks = {check["name"]: check for check in cli("doctor", code=1).json["checks"]}
    assert place in checks["policy"]["found"]
    assert cli("status").json["plugins"][0]["name"] == "hello"


def test_a_policy_that_was_named_must_be_there(cli: Cli, tmp_path: Path) -> None:
    cli.env["DYNAMIC_PLUGINS_POLICY"] = str(tmp_path / "nowhere.toml")
    error = cli("install", "--path", str(HELLO), "--yes", code=1).json["error"]
    assert (error["code"], "there is no such file" in error["message"]) == ("permission_denied", True)


def test_the_policy_has_ceilings_for_permissions(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'[permissions]\nnetwork = ["*.example.org:443"]\nfiles = ["{tmp_path}"]\nprograms = []\n')
    policy = Policy(path)
    fine = Permissions(network=("api.example.org:443",), files=(FileAccess(str(tmp_path / "in" / "it")),))
    assert policy.excess("x", fine) == []
    much = Permissions(network=None, files=(FileAccess(f"{tmp_path}/../etc"), FileAccess("$ANY")), programs=("git",))
    told = policy.excess("x", much)
    assert [name in line for name, line in zip(("'any'", "etc", "$ANY", "'git'"), told, strict=True)] == [True] * 4
    with pytest.raises(NotAllowedError, match=r"permissions\.network"):
        policy.check_permissions("x", much)
    path.unlink()
    assert policy.excess("x", much) == []


# ---------------------------------------------------------------------------------------------------- revocations


class Shop:
    """A registry on the loopback interface, which can be changed while it is served."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = {}

    def lists(self, folder: Path | None = None, **more: Any) -> None:
        # What is served may name no folder of this machine.
        package = {"type": "pypi", "name": "notes"} if folder is None else {"type": "path", "name": str(folder)}
        self.content = {"schema": 1, "plugins": [{"name": "notes", "kind": "python", "packages": [package]}], **more}

    @contextmanager
    def served(self) -> Iterator[str]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(shop.content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/registry.json"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


REVOKED = [{"name": "notes", "versions": ["1.0"], "reason": "it sends notes away", "since": "2026-11-01"}]


async def installed(app: App, folder: Path) -> None:
    await app.service.install_path(folder)
    await app.service.activate("notes")
    assert await app.service.call("notes", "ponder", {}) == "pondered"


@pytest.mark.parametrize("revoked", ["warn", "stop"])
async def test_a_revoked_plugin_is_warned_of_or_ended_and_never_activated_again(
    home: Path, tmp_path: Path, revoked: Any
) -> None:
    shop, folder = Shop(), notes(tmp_path / "notes")
    shop.lists()
    with shop.served() as address:
        settings = Settings(home=home, registries=(address,), revoked=revoked)
        async with asyncio.timeout(60), App(settings, approve=approve_everything) as app:
            await app.registry.entries()
            await installed(app, folder)
            shop.lists(revoked=REVOKED)
            await app.registry.refresh()
            if revoked == "stop":
                await until(lambda: not app.service.running())
                info = await app.service.info("notes")
                assert (str(info.status), "it sends notes away" in (info.error_details or "")) == ("error", True)
            else:
                await until(lambda: "revoked" in json.dumps(app.service.journal.report("notes")["events"]))
                assert await app.service.call("notes", "ponder", {}) == "pondered"
                with pytest.raises(RevokedError, match="it sends notes away"):  # it goes on, and nothing is agreed to
                    await app.service.activate("notes")
            found = app.service.revocation("notes")
            assert found is not None
            assert "since 2026-11-01: it sends notes away" in found.sentence
            await app.service.unload("notes")
            with pytest.raises(RevokedError, match="it sends notes away"):
                await app.service.activate("notes")
        # Another process, and no network: what was heard once is known.
    async with asyncio.timeout(60), App(settings, approve=approve_everything) as app:
        with pytest.raises(RevokedError):
            await app.service.activate("notes")
        (line,) = [each for each in app.audit.read() if each["what"] == "refusal"][-1:]
        assert "it sends notes away" in line["detail"]


def test_what_is_revoked_is_not_installed_and_status_warns_of_what_is(cli: Cli, tmp_path: Path) -> None:
    registry, folder = tmp_path / "shop.json", notes(tmp_path / "notes")
    shop = Shop()
    shop.lists(folder)
    registry.write_text(json.dumps(shop.content))
    use = ("--registry", str(registry))
    cli(*use, "install", "notes", "--yes")
    shop.lists(folder, revoked=[{"name": "notes", "reason": "gone bad"}])
    registry.write_text(json.dumps(shop.content))
    (plugin,) = cli(*use, "status").json["plugins"]
    assert (plugin["revoked"]["reason"], plugin["revoked"]["versions"]) == ("gone bad", [])
    assert "gone bad" in cli(*use, "status", json=False).out
    assert cli(*use, "activate", "notes", code=1).json["error"]["code"] == "permission_denied"
    cli("uninstall", "notes")
    error = cli(*use, "install", "notes", "--yes", code=1).json["error"]
    assert (error["code"], "gone bad" in error["message"]) == ("permission_denied", True)


async def test_a_version_that_is_revoked_is_found_out_once_it_is_known(home: Path, tmp_path: Path) -> None:
    registry, shop, folder = tmp_path / "shop.json", Shop(), notes(tmp_path / "notes")
    shop.lists(folder, revoked=REVOKED)
    registry.write_text(json.dumps(shop.content))
    settings = Settings(home=home, registries=(str(registry),))
    async with asyncio.timeout(60), App(settings, approve=approve_everything) as app:
        with pytest.raises(RevokedError):
            await app.service.install("notes")
        assert app.service.status() == []
        assert list((home / "runtime_plugins").glob("*")) == []


# ---------------------------------------------------------------------------------------------------- consent to calls


class Asked:
    """Answers every question about a call with *answer*, and remembers it."""

    def __init__(self, answer: bool | Answer) -> None:
        self.answer = answer
        self.calls: list[ApprovalRequest] = []

    async def __call__(self, request: ApprovalRequest) -> bool | Answer:
        if request.verb != "call":
            return True
        self.calls.append(request)
        return self.answer


@pytest.fixture(scope="module")
def home_with_notes(tmp_path_factory: pytest.TempPathFactory) -> KeptHome:
    folder = tmp_path_factory.mktemp("notes")
    cli = Cli(folder / "home")
    cli("install", "--path", str(notes(folder / "notes")), "--yes")
    cli("activate", "notes")
    return KeptHome.of(cli)


@pytest.fixture
def with_notes(home_with_notes: KeptHome) -> Iterator[Cli]:
    yield from home_with_notes.put_back()


NOTE = {"name": "diary"}


async def test_the_library_asks_before_what_changes_something_and_not_before_what_reads(with_notes: Cli) -> None:
    asked = Asked(True)
    async with asyncio.timeout(60), DynamicPlugins(with_notes.home, approve=asked) as plugins:
        assert (await plugins.call("notes__read_note", NOTE))["ok"]
        assert asked.calls == []
        for _ in range(2):
            assert (await plugins.call("notes__send_note", NOTE))["result"] == "diary is sent"
        assert [request.question for request in asked.calls] == ["Call send_note of notes?"] * 2
        assert '  with     {"name": "diary"}' in asked.calls[0].facts
        await plugins.call("notes__ponder", {})
        assert asked.calls[-1].action == "ponder"  # nothing tells what it does
        asked.answer = False
        assert (await plugins.call("notes__send_note", NOTE))["error"]["code"] == "declined"
    answers = [line["answer"] for line in with_notes("audit", "notes").json["audit"] if "call" in line["what"]]
    assert answers == ["once", "once", "once", "no"]


@pytest.mark.parametrize(("answer", "here", "later"), [("conversation", 1, 2), ("always", 1, 1), ("once", 2, 3)])
async def test_a_yes_holds_as_long_as_the_person_says(with_notes: Cli, answer: str, here: int, later: int) -> None:
    asked = Asked(Answer(answer))
    async with asyncio.timeout(60):
        async with DynamicPlugins(with_notes.home, approve=asked) as plugins:
            for _ in range(2):
                assert (await plugins.call("notes__send_note", NOTE))["ok"]
            assert len(asked.calls) == here
        async with DynamicPlugins(with_notes.home, approve=asked) as plugins:
            assert (await plugins.call("notes__send_note", NOTE))["ok"]
            assert len(asked.calls) == later


async def test_always_ends_when_the_action_becomes_another(with_notes: Cli) -> None:
    asked = Asked(Answer.ALWAYS)
    async with asyncio.timeout(120), DynamicPlugins(with_notes.home, approve=asked) as plugins:
        await plugins.call("notes__send_note", NOTE)
        folder = with_notes.home.with_name("notes")
        notes(folder, SOURCE.replace("Sends a note away.", "Sends a note to everybody."))
        await plugins.app.service.update("notes")
        notes(folder)
        assert (await plugins.call("notes__send_note", NOTE))["ok"]
        assert len(asked.calls) == 2


async def test_an_operator_who_has_agreed_and_a_person_who_types_are_not_asked(with_notes: Cli) -> None:
    assert with_notes("call", "notes", "send_note", "--args", json.dumps(NOTE)).json["result"] == "diary is sent"
    async with asyncio.timeout(60):
        async with DynamicPlugins(with_notes.home, approve=approve_everything) as plugins:
            assert (await plugins.call("notes__send_note", NOTE))["ok"]
        asked = Asked(False)
        async with DynamicPlugins(with_notes.home, approve=asked, confirm_calls="never") as plugins:
            assert (await plugins.call("notes__send_note", NOTE))["ok"]
        assert asked.calls == []


async def test_where_nobody_can_be_asked_calls_are_made_unless_the_operator_wants_consent(with_notes: Cli) -> None:
    async with asyncio.timeout(60):
        async with DynamicPlugins(with_notes.home) as plugins:
            assert (await plugins.call("notes__send_note", NOTE))["ok"]
        environment = {**os.environ, "DYNAMIC_PLUGINS_CONFIRM_CALLS": "changing"}
        settings = Settings.from_environment(environment, home=with_notes.home)
        async with DynamicPlugins(settings=settings) as plugins:
            assert (await plugins.call("notes__send_note", NOTE))["error"]["code"] == "needs_confirmation"
            assert (await plugins.call("notes__read_note", NOTE))["ok"]
        person = Person(allow_installs=True)
        async with App(settings, approve=person.approve, door="mcp") as app:
            app.service.sync()
            error = (await app.toolbox.call("notes__send_note", NOTE))["error"]
            assert (error["code"], "cannot ask" in error["message"]) == ("needs_confirmation", True)


def test_a_setting_that_is_no_choice_is_wrong_usage(cli: Cli) -> None:
    cli.env["DYNAMIC_PLUGINS_CONFIRM_CALLS"] = "sometimes"
    assert "always, changing or never" in cli("status", code=2).json["error"]["message"]
