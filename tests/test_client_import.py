"""Other MCP clients' files as they are documented: what they become here, and the way out and in again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.clients.client_files import CLIENTS, Machine, client_of
from dynamic_plugins.clients.config_documents import parse
from dynamic_plugins.clients.exporter import export
from dynamic_plugins.clients.file_change import read_document
from dynamic_plugins.clients.import_plan import ImportPlan, ServerList
from dynamic_plugins.clients.placeholders import Surroundings
from dynamic_plugins.settings import Settings
from tests.conftest import Cli
from tests.npm_registry import npm_registry
from tests.package_index import package_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.clients.candidate import Candidate

FILES = Path(__file__).parent / "client_files"
NAMES = sorted(CLIENTS)
NOTES_TOKEN = "notes-f3a9c1d07b2e4468"
LISTED: list[dict[str, Any]] = [
    {
        "name": "@acme/notes-mcp",
        "packages": [{"type": "npm", "name": "@acme/notes-mcp", "version": "1.0.0"}],
        "config": [
            {"name": "NOTES_TOKEN", "required": True, "secret": True},
            {"name": "NOTES_LANG", "choices": ["de", "en"]},
        ],
    },
    {
        "name": "mcp-server-ledger",
        "packages": [
            {
                "type": "pypi",
                "name": "mcp-server-ledger",
                "version": "2.0",
                "arguments": [
                    {"type": "named", "name": "--db-path", "required": True, "format": "filepath"},
                    {"type": "named", "name": "--read-only", "format": "boolean"},
                    {"type": "positional", "hint": "directory", "repeated": True, "format": "filepath"},
                ],
            }
        ],
    },
    {
        "name": "acme-search",
        "remote": {
            "url": "https://search.example.com/mcp",
            "auth": "headers",
            "headers": [{"name": "X-Api-Key", "variable": "SEARCH_KEY", "template": "{SEARCH_KEY}"}],
            "config": [{"name": "SEARCH_KEY", "required": True, "secret": True}],
        },
    },
]
AROUND = {"MY_TEA_KEY": "tea-5511f0e2a9b84c37", "CUPS": "3", "DOCS_TOKEN": "docs-90aa41c6d37f4b12"}


def settings_at(home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    home.mkdir(parents=True, exist_ok=True)
    registry = home / "registry.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": LISTED}))
    told = dict(os.environ) | {"DYNAMIC_PLUGINS_PASSPHRASE": "open sesame"} | dict(environ or {})
    return Settings.from_environment(told, home=home / "home", registries=(str(registry),))


def file_of(client: str) -> Path:
    (path,) = [each for each in (FILES / client).iterdir() if each.is_file()]
    return path


async def planned(
    app: App, path: Path, environ: Mapping[str, str] = AROUND, *, disabled: bool = False, own: bool = False
) -> dict[str, Candidate]:
    """Return what the servers in *path* would become, by their names."""
    document, client = read_document(path)
    project = path.parent
    servers = ServerList(client, path, tuple(client.read(document.data)), project, own)
    plan = ImportPlan(app.service, Surroundings(environ, Path("/home/ann"), project), disabled=disabled)
    return {each.server.name: each for each in await plan.candidates([servers])}


async def planned_text(
    tmp_path: Path,
    servers: dict[str, Any],
    environ: Mapping[str, str] = AROUND,
    name: str = "claude_desktop_config.json",
) -> dict[str, Candidate]:
    path = tmp_path / name
    path.write_text(json.dumps({"mcpServers": servers}))
    async with App(settings_at(tmp_path)) as app:
        return await planned(app, path, environ)


def words(candidate: Candidate) -> list[str]:
    """Return the arguments that are fixed, and the names of the others."""
    assert candidate.found is not None
    return [
        each.value if each.value is not None else each.variable for each in candidate.found.entry.packages[0].arguments
    ]


# ---------------------------------------------------------------- nine clients


@pytest.mark.parametrize("client", NAMES)
async def test_a_client_s_file_becomes_the_same_plugins_whatever_its_form(tmp_path: Path, client: str) -> None:
    async with App(settings_at(tmp_path)) as app:
        found = await planned(app, file_of(client))
    notes, tea, docs = found["notes"], found["tea"], found["docs"]
    assert (notes.state, notes.plugin, notes.is_listed) == ("new", "@acme/notes-mcp", True)
    assert (notes.told.plain, notes.told.secrets) == ({"NOTES_LANG": "de"}, {"NOTES_TOKEN": NOTES_TOKEN})
    assert (tea.state, tea.plugin, tea.is_listed, tea.origin) == ("new", "tea-mcp", False, "pypi:tea-mcp@1.0")
    assert words(tea) == ["--cups", "3"]
    taken = {"TEA_KEY": "MY_TEA_KEY"} if client in ("claude-code", "cursor", "gemini", "vscode", "windsurf") else {}
    assert tea.told.environment == taken, "what is taken from the person's environment is told"
    assert tea.told.secrets.keys() | tea.told.missing.keys() == {"TEA_KEY"}
    assert (docs.state, docs.origin, docs.is_listed) == ("new", "https://docs.example.com/mcp", False)
    assert docs.found is not None
    assert docs.found.entry.remote is not None
    (header,) = docs.found.entry.remote.headers
    assert (header.name, header.template) == ("Authorization", f"Bearer {{{header.variable}}}")
    assert header.variable in docs.told.secrets.keys() | docs.told.missing.keys()
    assert found["box"].state == "refused"
    assert "it runs in a container (ghcr.io/acme/box-mcp)" in found["box"].reason


@pytest.mark.parametrize("client", NAMES)
def test_a_file_is_known_for_its_client_s_by_what_is_in_it_and_where_it_lies(client: str) -> None:
    document, found = read_document(file_of(client))
    assert found.name == client
    assert client_of(file_of(client), document.data).name == client


@pytest.mark.parametrize("client", ["cursor", "windsurf", "gemini", "goose", "codex", "zed"])
async def test_what_is_switched_off_in_the_client_is_told_and_left_unless_asked_for(
    tmp_path: Path, client: str
) -> None:
    async with App(settings_at(tmp_path)) as app:
        assert (await planned(app, file_of(client)))["off"].state == "disabled"
        assert (await planned(app, file_of(client), disabled=True))["off"].state != "disabled"


@pytest.mark.parametrize("client", ["windsurf", "gemini", "codex"])
async def test_tools_that_the_client_keeps_back_are_kept_back_here(tmp_path: Path, client: str) -> None:
    async with App(settings_at(tmp_path)) as app:
        choice = (await planned(app, file_of(client)))["notes"].choice
    assert choice is not None
    assert not choice.offers("delete_note")
    assert choice.offers("add_note")


async def test_what_has_no_counterpart_here_is_told(tmp_path: Path) -> None:
    async with App(settings_at(tmp_path)) as app:
        gemini = await planned(app, file_of("gemini"))
        goose = await planned(app, file_of("goose"))
        zed = await planned(app, file_of("zed"))
        vscode = await planned(app, file_of("vscode"))
    assert gemini["notes"].notes == ("trust, timeout has no counterpart here",)
    assert gemini["docs"].told.notes == ["the header Content-Type is not taken: the connection sets it"]
    assert gemini["tea"].notes == ("it is started in a folder of its own, and not in ./tea",)
    assert goose["developer"].reason == "it is built into Goose"
    assert "an extension of Zed" in zed["mcp-server-context7"].reason
    assert vscode["tea"].notes == ("envFile has no counterpart here",)


async def test_a_registration_for_signing_in_comes_along(tmp_path: Path) -> None:
    around = AROUND | {"DOCS_CLIENT_SECRET": "s3cret-of-the-client"}
    async with App(settings_at(tmp_path)) as app:
        cursor = (await planned(app, file_of("cursor"), around))["docs"].told
        claude = (await planned(app, file_of("claude-code"), around))["docs"].told
    assert cursor.plain == {"OAUTH_CLIENT_ID": "acme-docs", "OAUTH_SCOPE": "read write"}
    assert cursor.secrets["OAUTH_CLIENT_SECRET"] == "s3cret-of-the-client"
    assert claude.plain == {"OAUTH_CLIENT_ID": "acme-docs", "OAUTH_REDIRECT_PORT": "8123"}


# ---------------------------------------------------------------- placeholders


async def test_what_a_placeholder_stands_for_and_is_not_set_is_missing_with_the_reason(tmp_path: Path) -> None:
    async with App(settings_at(tmp_path)) as app:
        cursor = await planned(app, file_of("cursor"), {})
        vscode = await planned(app, file_of("vscode"), {})
        goose = await planned(app, file_of("goose"), {})
        gemini = await planned(app, file_of("gemini"), {})
    assert cursor["tea"].told.missing == {"TEA_KEY": "MY_TEA_KEY is not set in your environment"}
    assert cursor["docs"].told.environment == {}
    assert vscode["docs"].told.missing == {"DOCS_TOKEN": "VS Code asks for it"}
    assert goose["tea"].told.missing == {"TEA_KEY": "Goose keeps it in its own keyring"}
    assert words(gemini["tea"]) == ["--cups", "CUPS"], "an argument that is not known is asked for"
    assert gemini["tea"].told.missing.keys() == {"CUPS", "TEA_KEY"}


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("claude_desktop_config.json", "${HOME_TOWN}", "${HOME_TOWN}"),
        (".mcp.json", "${HOME_TOWN}", "Hull"),
        (".mcp.json", "${NOWHERE:-Rye}", "Rye"),
        (".mcp.json", "$HOME_TOWN", "$HOME_TOWN"),
        (".mcp.json", "in ${HOME_TOWN}, GB", "in Hull, GB"),
        (".cursor/mcp.json", "${env:HOME_TOWN}", "Hull"),
        (".cursor/mcp.json", "${userHome}/notes", "/home/ann/notes"),
        (".cursor/mcp.json", "${HOME_TOWN}", None),
        (".gemini/settings.json", "$HOME_TOWN", "Hull"),
        (".gemini/settings.json", "${HOME_TOWN}", "Hull"),
    ],
)
async def test_placeholders_are_read_as_the_client_reads_them(
    tmp_path: Path, name: str, text: str, meant: str | None
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    servers = {"tea": {"command": "uvx", "args": ["tea-mcp"], "env": {"TOWN": text}}}
    told = (await planned_text(tmp_path, servers, {"HOME_TOWN": "Hull"}, name))["tea"].told
    assert told.plain.get("TOWN") == meant


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize(
    ("command", "args", "origin", "rest"),
    [
        ("npx", ["@acme/x-mcp"], "npm:@acme/x-mcp", []),
        ("npx.cmd", ["-y", "@acme/x-mcp@2.1.0", "--port", "80"], "npm:@acme/x-mcp@2.1.0", ["--port", "80"]),
        ("cmd", ["/c", "npx", "-y", "@acme/x-mcp"], "npm:@acme/x-mcp", []),
        ("C:\\Program Files\\nodejs\\npx.cmd", ["-y", "x-mcp"], "npm:x-mcp", []),
        ("npx", ["-y", "--package=@acme/x", "x-server"], "npm:@acme/x", []),
        ("npx", ["-p", "@acme/x@1.0.0", "x-server", "go"], "npm:@acme/x@1.0.0", ["go"]),
        ("bunx", ["x-mcp"], "npm:x-mcp", []),
        ("pnpm", ["dlx", "x-mcp"], "npm:x-mcp", []),
        ("uvx", ["x-mcp==1.2"], "pypi:x-mcp@1.2", []),
        ("uvx", ["--python", "3.12", "X_Mcp@latest"], "pypi:x-mcp", []),
        ("uv", ["tool", "run", "x-mcp"], "pypi:x-mcp", []),
        ("pipx", ["run", "--spec", "x==1.0", "x-mcp", "-v"], "pypi:x@1.0", ["-v"]),
    ],
)
async def test_a_runner_s_package_is_found_with_its_version_and_arguments(
    tmp_path: Path, command: str, args: list[str], origin: str, rest: list[str]
) -> None:
    found = (await planned_text(tmp_path, {"x": {"command": command, "args": args}}))["x"]
    assert (found.state, found.origin, found.reason) == ("new", origin, "")
    assert words(found) == rest


@pytest.mark.parametrize(
    ("command", "args", "why"),
    [
        ("bash", ["-c", "npx x"], "a command line for a shell"),
        ("env", ["NODE_OPTIONS=--require=/srv/x", "npx", "x"], "it is started through env"),
        ("npx", ["-c", "x && y"], "a command line for a shell"),
        ("npx", ["-y", "--registry=https://npm.example.org", "x"], "an index of its own"),
        ("npx", ["-y", "github:acme/x"], "no package of the npm registry"),
        ("npx", ["-y", "./x"], "no package of the npm registry"),
        ("npx", ["-y", "x@^1.0"], "is not an exact version"),
        ("npx", [], "names no package"),
        ("uvx", ["--from", "git+https://github.com/acme/x", "x"], "built from a repository"),
        ("uvx", ["--with", "pandas", "x"], "further packages"),
        ("uvx", ["x[web]"], "extras"),
        ("uvx", ["x>=1.0"], "in one exact version"),
        ("uvx", ["--index-url", "https://i.example.org", "x"], "an index of its own"),
        ("uv", ["--directory", "/srv/x", "run", "x"], "a project of this machine"),
        ("python3", ["/srv/x.py"], "it runs a file of this machine (/srv/x.py)"),
        ("python", ["-m", "nothing_listed"], "the registry lists no package called nothing-listed"),
        ("node", ["dist/index.js"], "it runs a file of this machine (dist/index.js)"),
        ("/opt/tools/serve", [], "the registry lists no package called serve"),
        ("docker", ["run", "-i", "mcp/x"], "it runs in a container"),
        ("dynamic-plugins", ["mcp"], "it is this program itself"),
        ("npx", ["x", "--api-key", "sk-abcdefghij1234567890abcdefghij"], "an argument of it is a secret"),
    ],
)
async def test_what_cannot_be_imported_is_said_with_the_reason(
    tmp_path: Path, command: str, args: list[str], why: str
) -> None:
    found = (await planned_text(tmp_path, {"x": {"command": command, "args": args}}))["x"]
    assert found.state == "refused"
    assert why in found.reason


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("python", ["-m", "mcp_server_ledger", "--db-path", "/srv/a.db"]),
        ("mcp-server-ledger", ["--db-path=/srv/a.db"]),
        ("uvx", ["mcp-server-ledger", "--db-path", "/srv/a.db"]),
    ],
)
async def test_a_listed_package_that_was_installed_by_hand_is_the_listed_plugin(
    tmp_path: Path, command: str, args: list[str]
) -> None:
    found = (await planned_text(tmp_path, {"ledger": {"command": command, "args": args}}))["ledger"]
    assert (found.state, found.plugin, found.is_listed) == ("new", "mcp-server-ledger", True)
    assert found.told.plain == {"DB_PATH": "/srv/a.db"}
    assert found.found is not None
    assert not found.found.own_arguments


async def test_arguments_that_the_registry_does_not_know_are_the_plugin_s_own(tmp_path: Path) -> None:
    args = ["mcp-server-ledger", "--db-path", str(tmp_path / "a.db"), "--mode=fast", f"--log={tmp_path}"]
    found = (await planned_text(tmp_path, {"ledger": {"command": "uvx", "args": args}}))["ledger"]
    assert words(found) == ["--db-path", "DB_PATH", "--mode=fast", "--log", "LOG"]
    assert found.told.plain == {"DB_PATH": str(tmp_path / "a.db"), "LOG": str(tmp_path)}
    assert found.found is not None
    assert found.found.own_arguments
    formats = {each.name: each.format for each in found.found.entry.variables}
    assert formats == {"DB_PATH": "filepath", "LOG": "filepath"}, "so that the fence lets it reach them"


async def test_several_directories_and_a_switch_fit_what_the_registry_declares(tmp_path: Path) -> None:
    args = ["mcp-server-ledger", "--read-only", "--db-path", "/srv/a.db", "/srv/one", "/srv/two"]
    found = (await planned_text(tmp_path, {"ledger": {"command": "uvx", "args": args}}))["ledger"]
    assert found.told.plain == {"DB_PATH": "/srv/a.db", "READ_ONLY": "true", "DIRECTORY": '["/srv/one", "/srv/two"]'}


async def test_what_would_change_which_code_runs_is_not_taken(tmp_path: Path) -> None:
    env = {"NODE_OPTIONS": "--require /tmp/x.js", "PATH": "/srv", "TEA_SORT": "green", "DYNAMIC_PLUGINS_HOME": "/x"}
    told = (await planned_text(tmp_path, {"tea": {"command": "uvx", "args": ["tea-mcp"], "env": env}}))["tea"].told
    assert told.plain == {"TEA_SORT": "green"}
    assert [note.partition(" ")[0] for note in told.notes] == ["NODE_OPTIONS", "PATH", "DYNAMIC_PLUGINS_HOME"]


@pytest.mark.parametrize("own", [True, False])
async def test_what_is_the_persons_own_is_taken_from_their_own_file_alone(tmp_path: Path, own: bool) -> None:
    path = tmp_path / "mcp.json"
    env = {"HTTPS_PROXY": "http://127.0.0.1:9", "TEA_SORT": "green"}
    path.write_text(json.dumps({"mcpServers": {"tea": {"command": "uvx", "args": ["tea-mcp"], "env": env}}}))
    async with App(settings_at(tmp_path)) as app:
        told = (await planned(app, path, own=own))["tea"].told
    assert told.plain == (env if own else {"TEA_SORT": "green"})
    assert [note.partition(":")[0] for note in told.notes] == ([] if own else ["HTTPS_PROXY is not taken"])


@pytest.mark.parametrize("text", ["<YOUR_API_KEY>", "your-api-key-here", "YOUR_KEY", "xxxxxxxx", "{API_KEY}"])
async def test_a_text_that_says_where_a_key_goes_is_no_key(tmp_path: Path, text: str) -> None:
    servers = {"tea": {"command": "uvx", "args": ["tea-mcp"], "env": {"TEA_API_KEY": text}}}
    told = (await planned_text(tmp_path, servers))["tea"].told
    assert told.secrets == {}
    assert told.missing == {"TEA_API_KEY": "the file only says where it goes"}


async def test_a_secret_is_known_by_its_looks_where_its_name_does_not_say_so(tmp_path: Path) -> None:
    env = {
        "TEA_LOGIN": "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
        "TEA_STORE": "postgresql://ann:hunter2pw@db.example.org/t",
    }
    told = (await planned_text(tmp_path, {"tea": {"command": "uvx", "args": ["tea-mcp"], "env": env}}))["tea"].told
    assert told.secrets.keys() == {"TEA_LOGIN", "TEA_STORE"}
    assert told.plain == {}


# ---------------------------------------------------------------- addresses, names


async def test_a_listed_address_is_the_listed_plugin_and_its_header_is_the_value(tmp_path: Path) -> None:
    url = "https://search.example.com/mcp"
    servers = {"s": {"type": "http", "url": url, "headers": {"x-api-key": "search-0123456789abcdef"}}}
    found = (await planned_text(tmp_path, servers))["s"]
    assert (found.plugin, found.is_listed) == ("acme-search", True)
    assert found.told.secrets == {"SEARCH_KEY": "search-0123456789abcdef"}


async def test_a_key_in_an_address_goes_to_the_vault(tmp_path: Path) -> None:
    servers = {"s": {"url": "https://s.example.com/mcp?api_key=k-0123456789abcdef&profile=me"}}
    found = (await planned_text(tmp_path, servers))["s"]
    assert found.origin == "https://s.example.com/mcp?api_key={API_KEY}&profile=me"
    assert found.told.secrets == {"API_KEY": "k-0123456789abcdef"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://mcp.example.com/mcp", "Only https"),
        ("https://me:pw@mcp.example.com/mcp", "a user or a password"),
        ("not an address", "not the address of a server"),
    ],
)
async def test_an_address_that_must_not_be_used_is_refused(tmp_path: Path, url: str, why: str) -> None:
    found = (await planned_text(tmp_path, {"s": {"url": url}}))["s"]
    assert found.state == "refused"
    assert why in found.reason


async def test_servers_of_one_package_are_one_plugin_each_where_they_are_told_other_things(tmp_path: Path) -> None:
    def ledger(path: str) -> dict[str, Any]:
        return {"command": "uvx", "args": ["mcp-server-ledger", "--db-path", path]}

    servers = {"home": ledger("/srv/a.db"), "again": ledger("/srv/a.db"), "work stuff": ledger("/srv/b.db")}
    found = await planned_text(tmp_path, servers)
    assert found["home"].plugin == "mcp-server-ledger"
    assert (found["again"].state, found["again"].reason) == ("same", "it is the same as home")
    assert found["work stuff"].plugin == "mcp-server-ledger-work-stuff"
    assert found["work stuff"].told.plain == {"DB_PATH": "/srv/b.db"}
    assert "called mcp-server-ledger-work-stuff" in found["work stuff"].notes[0]


@pytest.mark.parametrize(
    "said",
    ["a text", [], {}, {"command": 3, "args": "x"}, {"command": "npx", "args": [["x"]]}, {"url": {}}, {"env": 1}],
)
async def test_what_is_no_server_is_said_and_spoils_no_other(tmp_path: Path, said: Any) -> None:
    found = await planned_text(tmp_path, {"odd": said, "tea": {"command": "uvx", "args": ["tea-mcp"]}})
    assert found["odd"].state == "refused"
    assert found["tea"].state == "new"


# ---------------------------------------------------------------- where files lie

PLACES = {
    "claude-desktop": ("{config}/Claude/claude_desktop_config.json",) * 3,
    "claude-code": (".claude.json",) * 3,
    "vscode": ("{config}/Code/User/mcp.json",) * 3,
    "cursor": (".cursor/mcp.json",) * 3,
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "goose": (".config/goose/config.yaml", ".config/goose/config.yaml", "{config}/Block/goose/config/config.yaml"),
    "codex": (".codex/config.toml",) * 3,
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", "{config}/Zed/settings.json"),
}
SYSTEMS = {"linux": ".config", "darwin": "Library/Application Support", "win32": "AppData/Roaming"}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("client", NAMES)
def test_where_each_client_keeps_its_file_on_each_system(client: str, system: str) -> None:
    machine = Machine(system, {"HOME": "/home/ann", "USERPROFILE": "/home/ann"}, Path("/srv/project"))
    place = PLACES[client][list(SYSTEMS).index(system)].format(config=SYSTEMS[system])
    assert machine.own_file(CLIENTS[client]) == Path("/home/ann") / place


def test_what_the_environment_says_of_places_counts() -> None:
    told = {"HOME": "/home/ann", "XDG_CONFIG_HOME": "/cfg", "CODEX_HOME": "/codex", "CLAUDE_CONFIG_DIR": "/cc"}
    machine = Machine("linux", told, Path("/srv/project"))
    places = {name: str(machine.own_file(CLIENTS[name])) for name in ("zed", "codex", "claude-code", "vscode")}
    assert places == {
        "zed": "/cfg/zed/settings.json",
        "codex": "/codex/config.toml",
        "claude-code": "/cc/.claude.json",
        "vscode": "/cfg/Code/User/mcp.json",
    }
    assert machine.project_file(CLIENTS["cursor"]) == Path("/srv/project/.cursor/mcp.json")
    assert machine.project_file(CLIENTS["goose"]) is None


# ---------------------------------------------------------------- in, out, and in again


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("indexes")
    with package_index() as index, npm_registry() as npm:
        index.add_server("tea-mcp")
        index.add_server("mcp-server-ledger", "2.0")
        index.add_server("mcp-server-ledger", "2.1")
        npm.add("@acme/notes-mcp")
        told = index.environment(folder) | npm.environment(folder) | {"DYNAMIC_PLUGINS_OFFLINE": "0"}
        yield told | AROUND | {"HOME": str(folder), "DYNAMIC_PLUGINS_PASSPHRASE": "open sesame"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Path:
    """A folder with a home into which Cursor's file, with two more servers, has been imported."""
    folder = tmp_path_factory.mktemp("imported")
    settings_at(folder)
    data = json.loads(file_of("cursor").read_text())
    for name in ("one", "two"):
        (folder / f"{name}.db").touch()
        args = ["mcp-server-ledger", "--db-path", str(folder / f"{name}.db"), "--mode", "fast"]
        data["mcpServers"][name] = {"command": "uvx", "args": args}
    path = folder / "project" / ".cursor" / "mcp.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(data, indent=2))
    cli = Cli(folder / "home", environ)
    words = ("--registry", str(folder / "registry.json"), "import", str(path))
    done = cli(*words, "--yes", "--allow-unlisted", "--take-secrets").json
    assert done["ok"], done
    return folder


def told(candidates: Mapping[str, Candidate]) -> set[Any]:
    """Return the set of plugins that candidates become, with what they are told."""
    return {
        (
            each.plugin,
            each.origin.partition("@1")[0] if each.is_listed else each.origin,
            tuple(words(each)) if each.found and each.found.entry.packages else (),
            tuple(sorted(each.told.plain.items())),
            tuple(sorted({*each.told.secrets, *each.told.missing})),
        )
        for each in candidates.values()
        if each.state in ("new", "installed")
    }


def test_an_import_installs_configures_and_takes_the_secrets_out_of_the_file(
    imported: Path, environ: dict[str, str]
) -> None:
    cli = Cli(imported / "home", environ)
    registry = ("--registry", str(imported / "registry.json"))
    known = {each["name"]: each for each in cli(*registry, "status").json["plugins"]}
    names = {"@acme/notes-mcp", "tea-mcp", "docs.example.com", "mcp-server-ledger", "mcp-server-ledger-two"}
    assert known.keys() == names
    assert {each["status"] for each in known.values()} == {"installed"}
    path = imported / "project" / ".cursor" / "mcp.json"
    assert NOTES_TOKEN not in path.read_text()
    assert json.loads(path.read_text())["mcpServers"]["notes"]["env"]["NOTES_TOKEN"] == "${env:NOTES_TOKEN}"
    (backup,) = path.parent.glob("mcp.json.*.bak")
    assert NOTES_TOKEN in backup.read_text()
    assert backup.stat().st_mode & 0o077 == 0
    for file in (imported / "home").rglob("*"):
        if file.is_file() and "runtime_plugins" not in file.parts:
            assert NOTES_TOKEN.encode() not in file.read_bytes(), file
    cli(*registry, "activate", "@acme/notes-mcp", "tea-mcp")
    value = cli(*registry, "call", "@acme/notes-mcp", "tell", "--args", '{"name": "NOTES_LANG"}').json["result"]
    assert value == "de"


@pytest.mark.parametrize("client", NAMES)
async def test_what_was_imported_comes_out_in_each_client_s_form_and_in_again_as_the_same_set(
    imported: Path, tmp_path: Path, environ: dict[str, str], client: str
) -> None:
    settings = settings_at(imported, environ)
    async with App(settings) as app:
        document = parse("", CLIENTS[client].format)
        made = export(app.store.read(), app.configuration, CLIENTS[client], document)
        path = tmp_path / file_of(client).name
        path.write_text(document.text)
        for secret in (NOTES_TOKEN, *AROUND.values()):
            assert len(secret) < 5 or secret not in document.text
        original = await planned(app, imported / "project" / ".cursor" / "mcp.json")
        again = await planned(app, path, {})
    async with App(settings_at(tmp_path, environ)) as fresh:
        anew = await planned(fresh, path, {})
    left_out = {each.plugin: each.reason for each in made if each.server is None}
    assert left_out.keys() == ({"docs.example.com"} if client == "claude-desktop" else set())
    assert {name: each.reason for name, each in again.items() if each.state != "installed"} == {}
    assert {each.state for each in anew.values()} == {"new"}
    expected = {each.plugin for each in original.values() if each.state == "installed"} - left_out.keys()
    assert {each.plugin for each in again.values()} == {each.plugin for each in anew.values()} == expected
    assert told(anew) == told(again)
    ledger = next(each for each in anew.values() if each.plugin == "mcp-server-ledger-two")
    assert ledger.told.plain == {"DB_PATH": str(imported / "two.db")}
    assert words(ledger) == ["--db-path", "DB_PATH", "--mode", "fast"]


def test_an_update_keeps_the_arguments_that_came_with_the_file(imported: Path, environ: dict[str, str]) -> None:
    cli = Cli(imported / "home", environ)
    words = ("--registry", str(imported / "registry.json"), "update", "--version", "2.1", "--yes", "--allow-unlisted")
    for name in ("mcp-server-ledger", "mcp-server-ledger-two"):
        assert cli(*words, name).json["version"] == "2.1"
    servers = json.loads(cli("export", "cursor").json["text"])["mcpServers"]
    for name, file in (("mcp-server-ledger", "one.db"), ("mcp-server-ledger-two", "two.db")):
        args = ["mcp-server-ledger@2.1", "--db-path", str(imported / file), "--mode", "fast"]
        assert servers[name]["args"] == args
