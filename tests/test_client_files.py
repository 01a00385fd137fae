"""Changing other clients' files: little is changed, it is shown and asked about before, and a copy stays."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.clients.client_files import CLIENTS, Machine
from dynamic_plugins.clients.config_documents import parse
from dynamic_plugins.clients.exporter import own_server
from dynamic_plugins.clients.file_change import FileChange, read_document, read_text
from dynamic_plugins.clients.importer import OneConsent
from dynamic_plugins.clients.jsonc import JsoncDocument, JsoncError
from dynamic_plugins.errors import BadArgumentsError, PluginError
from tests.conftest import Cli
from tests.terminal import Terminal
from tests.test_client_import import NAMES, file_of

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMENTED = """\
// what I use
{
  "theme": "dark", // at night
  /* servers */ "mcpServers": {
    "time": {"command": "uvx", "args": ["mcp-server-time",],}, // the zones
    // "old": {"command": "old"},
    "git": {
      "command": "uvx",
    },
  },
}
"""
NAME = "dynamic-plugins"


# ---------------------------------------------------------------- the page


SHOWN = re.compile(r"^\*\*(.+?)\*\* \(`.+?`\).*?:\n\n```(json|yaml|toml)\n(.*?)```", re.MULTILINE | re.DOTALL)
PAGE = (Path(__file__).parent.parent / "docs" / "mcp.md").read_text()


def test_what_the_page_shows_for_an_address_is_what_each_client_reads() -> None:
    section = PAGE.partition("## Over HTTP")[2].partition("\n## ")[0]
    read = {}
    for names, format_, text in SHOWN.findall(section):
        for said in re.findall(r"Claude Code|Cursor|VS Code|Gemini CLI|Windsurf|Zed|Goose|Codex", names):
            client = CLIENTS[said.lower().replace("vs code", "vscode").replace(" cli", "").replace(" ", "-")]
            (server,) = client.read(parse(text, format_).data)
            assert server.url is not None
            read[client.name] = (server.name, server.url.spelling, server.transport, *server.headers)
    entry = (NAME, "http://127.0.0.1:8766/mcp", "streamable-http", "Authorization")
    assert read == dict.fromkeys(CLIENTS.keys() - {"claude-desktop"}, entry)


# ---------------------------------------------------------------- JSON with comments


def test_what_is_added_goes_behind_the_last_and_everything_else_stays_as_it_is() -> None:
    document = JsoncDocument(COMMENTED)
    document.set(("mcpServers", "new"), {"command": "x", "args": ["y"]})
    assert document.data["mcpServers"]["new"] == {"command": "x", "args": ["y"]}
    lines = document.text.splitlines()
    assert [line for line in lines if line not in COMMENTED.splitlines()] == [
        '    "new": {',
        '      "command": "x",',
        '      "args": [',
        '        "y"',
        "      ]",
    ]
    document.remove(("mcpServers", "new"))
    assert document.text == COMMENTED


def test_a_value_is_replaced_in_its_place_and_a_member_goes_with_its_line() -> None:
    document = JsoncDocument(COMMENTED)
    document.set(("mcpServers", "time", "args"), ["other"])
    document.remove(("mcpServers", "git"))
    document.remove(("theme",))
    assert document.data == {"mcpServers": {"time": {"command": "uvx", "args": ["other"]}}}
    assert '// "old": {"command": "old"},' in document.text
    assert "// the zones" in document.text
    assert document.text.startswith("// what I use\n{\n  /* servers */ ")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", '{\n  "m": {\n    "x": 1\n  }\n}\n'),
        ("{}", '{\n  "m": {\n    "x": 1\n  }\n}'),
        ('{"m": {}}', '{"m": {\n  "x": 1\n}}'),
        ('{\n\t"m": {\n\t\t"a": 1\n\t}\n}', '{\n\t"m": {\n\t\t"a": 1,\n\t\t"x": 1\n\t}\n}'),
        ('{\r\n  "m": {\r\n    "a": 1 // a\r\n  }\r\n}', '{\r\n  "m": {\r\n    "a": 1, // a\r\n    "x": 1\r\n  }\r\n}'),
        ('\ufeff{"m": {"a": 1}}', '\ufeff{"m": {"a": 1,\n  "x": 1\n}}'),
    ],
)
def test_line_ends_indentation_and_a_byte_order_mark_are_kept(text: str, after: str) -> None:
    document = JsoncDocument(text)
    document.set(("m", "x"), 1)
    assert document.text == after


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"a" 1}', '{"a": tru}', '{"a": 1 "b": 2}', "{,}", '{"a": 1}}', "[" * 200]
)
def test_what_is_no_json_is_an_error_and_nothing_else(text: str) -> None:
    with pytest.raises(JsoncError):
        JsoncDocument(text)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), _values, max_size=4), st.text(), _values)
def test_any_document_takes_any_member_and_gives_it_back(data: dict[str, Any], key: str, value: Any) -> None:
    document = JsoncDocument(json.dumps(data, indent=2))
    document.set((key,), value)
    assert document.data == json.loads(document.text) == data | {key: value}
    document.remove((key,))
    assert document.data == {name: each for name, each in data.items() if name != key}


# ---------------------------------------------------------------- all formats


@pytest.mark.parametrize("client", NAMES)
def test_our_entry_comes_into_a_client_s_file_once_and_out_of_it_again(client: str) -> None:
    known = CLIENTS[client]
    text = file_of(client).read_text()
    document = parse(text, known.format)
    server = own_server(["/opt/bin/dynamic-plugins"], Path("/srv/home"))
    known.write(document, server, patient=True)
    (mine,) = [each for each in known.read(document.data) if each.name == NAME]
    assert mine.command is not None
    assert [mine.command.spelling, *(each.spelling for each in mine.args)] == [
        "/opt/bin/dynamic-plugins",
        "--home",
        "/srv/home",
        "mcp",
    ]
    once = document.text
    known.write(document, server, patient=True)
    assert document.text == once, "a second time changes nothing"
    assert comments(text) == comments(once), "comments stay"
    document.remove((*known.key, NAME))
    assert parse(document.text, known.format).data == parse(text, known.format).data
    if known.format != "yaml":  # whose library writes a list in one line or in several as it likes
        assert document.text == text


def comments(text: str) -> list[str]:
    return [line.partition(mark)[2] for line in text.splitlines() for mark in (" // ", " # ") if mark in line]


def test_the_forms_are_read_by_the_standard_readers_of_their_formats() -> None:
    for client, read in (("codex", tomllib.loads), ("goose", yaml.safe_load)):
        document = parse(file_of(client).read_text(), CLIENTS[client].format)
        CLIENTS[client].write(document, own_server(["dynamic-plugins"], None), patient=True)
        assert read(document.text) == document.data


def test_fields_that_the_person_added_to_our_entry_stay() -> None:
    text = '{"mcpServers": {"dynamic-plugins": {"command": "old", "args": [], "timeout": 9}}}'
    document = parse(text, "json")
    CLIENTS["cursor"].write(document, own_server(["new"], None))
    assert document.data["mcpServers"][NAME] == {"command": "new", "args": ["mcp"], "timeout": 9}


@pytest.mark.parametrize(
    ("text", "why"), [("a: &a [*a]\nb: *b", "no YAML"), ("- 1", "no table"), ("a: [", "line 1 is no YAML")]
)
def test_yaml_that_is_none_is_told(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(BadArgumentsError, match=why):
        read_document(tmp_path / "config.yaml", CLIENTS["goose"])


def test_few_lines_that_stand_for_many_values_are_refused(tmp_path: Path) -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]" for n in range(8)]
    (tmp_path / "config.yaml").write_text("\n".join(lines))
    with pytest.raises(BadArgumentsError, match="nested too deeply"):
        read_document(tmp_path / "config.yaml", CLIENTS["goose"])


# ---------------------------------------------------------------- writing


def test_the_file_keeps_its_mode_and_its_link_and_the_copy_is_the_person_s_alone(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o644)
    (tmp_path / ".leftover.tmp").write_text("somebody's")
    (real.parent / ".leftover.tmp").write_text("somebody's")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    backup = FileChange(link, "{}", '{"a": 1}').write()
    assert link.is_symlink()
    assert real.read_text() == '{"a": 1}'
    assert real.stat().st_mode & 0o777 == 0o644
    assert backup is not None
    assert (backup.parent, backup.read_text()) == (real.parent, "{}")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert (real.parent / ".leftover.tmp").exists(), "nobody else's files are swept away"


def test_a_file_that_somebody_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"b": 2}')
    with pytest.raises(PluginError, match="another program"):
        FileChange(path, "{}", '{"a": 1}').write()
    assert path.read_text() == '{"b": 2}'
    assert list(tmp_path.iterdir()) == [path]


def test_the_difference_that_is_shown_holds_no_secret() -> None:
    key = "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
    before = f'{{\n  "env": {{"GITHUB_TOKEN": "{key}"}},\n  "x": "plain-but-known"\n}}'
    change = FileChange(Path("x"), before, before.replace('"x"', '"y"'))
    shown = "\n".join(change.lines(["plain-but-known"]))
    assert '+  "y"' in shown
    assert key not in shown
    assert "plain-but-known" not in shown


@pytest.mark.parametrize("client", ["vscode", "cursor", "gemini", "goose", "codex", "zed", "claude-code", "windsurf"])
def test_a_secret_is_taken_out_of_the_file_and_a_placeholder_stays(client: str) -> None:
    known = CLIENTS[client]
    document = parse(file_of(client).read_text(), known.format)
    known.take_out(document, (*known.key, "notes"), "env", "NOTES_TOKEN")
    assert "notes-f3a9c1d07b2e4468" not in document.text
    (notes,) = [each for each in known.read(document.data) if each.name == "notes"]
    token = notes.env["NOTES_TOKEN"]
    assert token.references or token.spelling == "<NOTES_TOKEN>"
    assert notes.env["NOTES_LANG"].spelling in ("de", "${NOTES_LANGUAGE:-de}")
    if client == "vscode":
        assert [each["id"] for each in document.data["inputs"]] == ["docs-token", "cups", "notes-token"]


# ---------------------------------------------------------------- one consent


def request(name: str, verb: Any = "install") -> ApprovalRequest:
    return ApprovalRequest(verb, name, "1.0", "PyPI", ())


async def test_several_installs_are_asked_about_once_when_all_have_come_so_far() -> None:
    import asyncio

    asked: list[list[str]] = []
    alone: list[str] = []

    async def ask_all(requests: Sequence[ApprovalRequest]) -> bool:
        asked.append([each.name for each in requests])
        return True

    async def ask(one: ApprovalRequest) -> bool:
        alone.append(one.verb)
        return False

    consent = OneConsent(ask_all, ask, 3)
    first = asyncio.create_task(consent(request("a")))
    second = asyncio.create_task(consent(request("b")))
    await asyncio.sleep(0)
    assert asked == []
    consent.ended("c")  # it was installed already
    assert list(await asyncio.gather(first, second)) == [True, True]
    assert asked == [["a", "b"]]
    assert await consent(request("a", "activate")) is False
    assert alone == ["activate"]
    await consent.close()


async def test_a_no_is_a_no_to_all_of_them_and_a_fault_while_asking_reaches_everybody() -> None:
    import asyncio

    async def declines(_: Sequence[ApprovalRequest]) -> bool:
        return False

    async def fails(_: Sequence[ApprovalRequest]) -> bool:
        raise OSError("the terminal went away")

    consent = OneConsent(declines, lambda one: declines([one]), 2)
    assert list(await asyncio.gather(consent(request("a")), consent(request("b")))) == [False, False]
    consent = OneConsent(fails, lambda one: declines([one]), 2)
    results = await asyncio.gather(consent(request("a")), consent(request("b")), return_exceptions=True)
    assert [str(each) for each in results] == ["the terminal went away"] * 2


# ---------------------------------------------------------------- the commands


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "person").mkdir()
    return {"HOME": str(tmp_path / "person"), "XDG_CONFIG_HOME": "", "DYNAMIC_PLUGINS_PASSPHRASE": "open sesame"}


def test_connect_asks_writes_once_and_takes_its_entry_out_again(tmp_path: Path, person: dict[str, str]) -> None:
    cli = Cli(tmp_path / "home", person)
    path = tmp_path / "person" / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(COMMENTED)
    refused = cli("connect", "cursor", code=4).json
    assert refused["error"]["code"] == "needs_confirmation"
    assert path.read_text() == COMMENTED
    done = cli("connect", "cursor", "--yes").json
    assert (done["changed"], done["file"]) == (True, str(path))
    assert Path(done["backup"]).read_text() == COMMENTED
    entry = JsoncDocument(path.read_text()).data["mcpServers"][NAME]
    assert entry["args"][-3:] == ["--home", str(tmp_path / "home"), "mcp"]
    assert os.access(entry["command"], os.X_OK)
    assert cli("connect", "cursor", "--yes").json["changed"] is False
    assert cli("connect", "cursor", "--remove", "--yes").json["changed"] is True
    assert path.read_text() == COMMENTED
    assert "change a file" in cli("audit").out


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path, person: dict[str, str]) -> None:
    cli = Cli(tmp_path / "home", person)
    path = tmp_path / "person" / ".gemini" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": ')
    error = cli("connect", "gemini", "--yes", code=1).json["error"]
    assert error["code"] == "bad_arguments"
    assert "line 1 is no JSON" in error["message"]
    assert path.read_text() == '{"mcpServers": '
    error = cli("connect", "emacs", "--yes", code=1).json["error"]
    assert "claude-desktop" in error["message"]


def test_import_shows_which_files_there_are_and_a_dry_run_changes_nothing(
    tmp_path: Path, person: dict[str, str]
) -> None:
    cli = Cli(tmp_path / "home", person)
    assert cli("import").json == {"ok": True, "files": []}
    path = tmp_path / "person" / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(file_of("codex").read_text())
    assert cli("import").json["files"] == [{"client": "codex", "file": str(path), "servers": 5}]
    told = cli("import", "codex", "--dry-run").json
    states = {each["server"]: each["state"] for each in told["servers"]}
    assert states == {"notes": "new", "tea": "new", "docs": "new", "box": "refused", "off": "disabled"}
    assert "notes-f3a9c1d07b2e4468" not in cli("import", "codex", "--dry-run", json=False).out
    assert cli("status").json["plugins"] == []
    assert read_text(path) == file_of("codex").read_text()
    assert "there is no" in cli("import", "zed", code=1).json["error"]["message"]


def test_at_a_terminal_everything_is_shown_and_agreed_to_once(tmp_path: Path, person: dict[str, str]) -> None:
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": []}))
    servers = {
        name: {"url": f"http://127.0.0.1:9/{name}", "headers": {"Authorization": f"Bearer {name}-0123456789abcdef"}}
        for name in ("one", "two")
    }
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    cli = Cli(tmp_path / "home", person)
    command = cli.command("--registry", str(registry), "import", str(path))
    with Terminal(command, tmp_path, cli.environment() | {"TERM": "dumb"}, 160) as terminal:
        assert terminal.prompt(60) == "Install these 2 plugins? [y/N] "
        assert "http://127.0.0.1:9/one" in terminal.seen
        assert "ONE_TOKEN" in terminal.seen
        terminal.type("y")
        asked = terminal.prompt(60)
        assert asked is not None
        assert asked.startswith(f"Take the secrets out of {path}?")
        assert "-0123456789abcdef" not in terminal.seen, "neither the list nor the difference shows a secret"
        terminal.type("y")
        assert terminal.prompt(60) is None
    assert terminal.code == 0, terminal.seen
    data = json.loads(path.read_text())["mcpServers"]
    assert data["one"]["headers"] == {"Authorization": "Bearer ${env:ONE_TOKEN}"}
    names = {each["name"] for each in cli("status").json["plugins"]}
    assert names == {"127.0.0.1-9-one", "127.0.0.1-9-two"}


@pytest.mark.parametrize(
    ("client", "field", "value"),
    [
        ("claude-code", "oauth", {"clientId": "acme-docs", "callbackPort": 8123}),
        (
            "cursor",
            "auth",
            {"CLIENT_ID": "acme-docs", "CLIENT_SECRET": "${env:DOCS_CLIENT_SECRET}", "scopes": ["read", "write"]},
        ),
    ],
)
def test_a_registration_is_written_as_it_was_read(client: str, field: str, value: dict[str, Any]) -> None:
    known = CLIENTS[client]
    (docs,) = [each for each in known.read(parse(file_of(client).read_text(), "json").data) if each.name == "docs"]
    assert known.entry(docs)[field] == value


def test_a_link_in_a_project_that_leads_out_of_it_is_not_written_through(tmp_path: Path) -> None:
    here, client = Machine("linux", {}, tmp_path / "project"), CLIENTS["cursor"]
    (here.folder / ".cursor").mkdir(parents=True)
    path = here.folder / ".cursor" / "mcp.json"
    assert here.writable_project_file(client) == path
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BadArgumentsError, match=r"a link to .*elsewhere\.json"):
        here.writable_project_file(client)
