"""Every snippet in the README and in docs/ is executed, each kind in its own way; a kind that nobody knows fails.

- ``python`` runs in a fresh interpreter; with tests in it, under pytest. A page below ``docs/integrations`` may be
  about a package that is not installed here: its snippets are compiled, and :mod:`evals.frameworks` runs them.
- ``console`` is what a person types after ``$`` (and, in a conversation, after ``>``) and what they then see; ``…``
  stands for anything. ``# exit code 4`` after a command says that it ends so.
- ``json``, ``toml`` and ``yaml`` must be what they look like: a client's configuration starts a server that answers, a
  registry is read without a complaint.
- ``text`` after ``python`` is what that prints; elsewhere it is a drawing.

``title="some/file"`` after the language puts the block into that file first. The blocks of one page follow one another
in one folder, on one home: those above it that have not been executed yet are executed before a block.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from mcp import Client, StdioServerParameters, stdio_client

from dynamic_plugins.cli.parser import parse
from tests.conftest import ALONE, EXAMPLES, NOT_OURS, index_may_be_asked, ready_for
from tests.model_servers import ollama
from tests.ready_interpreter import words_of
from tests.terminal import Terminal
from tests.test_library import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.model_servers import LocalServer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SECONDS = 120
NEEDS_INDEX = re.compile(r"mcp-server-|@elizaos/|@modelcontextprotocol/|\bnpx ")
INSTALLS_US = re.compile(
    r"^python3 -m venv \.venv && \. \.venv/bin/activate && pip install [^&]*'\.\[(\w+)\]'(?: && |$)"
)
SHELL = re.compile(r"[|&;<>$*?~`#]|^\w+=")
"""What a shell makes something of."""
ANTHROPIC_STEPS = ["install_plugin", "activate_plugin"]


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    title: str | None
    text: str
    prints: str | None = None
    """What a ``text`` block right after it says that it prints."""
    printed_above: bool = False

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}:{self.language or 'text'}"


def blocks_of(page: Path) -> list[Block]:
    found: list[Block] = []
    text = page.read_text(encoding="utf-8")
    end = 0
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, _, more = match.group(1).strip().partition(" ")
        title = re.search(r'title="([^"]+)"', more)
        line = text.count("\n", 0, match.start()) + 1
        follows = bool(found) and found[-1].language == "python" and not text[end : match.start()].strip()
        if follows and language == "text":
            before = found.pop()
            found.append(Block(before.page, before.line, before.language, before.title, before.text, match.group(2)))
        found.append(
            Block(page, line, language, title and title.group(1), match.group(2), None, follows and language == "text")
        )
        end = match.end()
    return found


def needs_index(block: Block) -> bool:
    return NEEDS_INDEX.search(block.text) is not None


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


class Workspace:
    """A folder, a home and an environment for one page."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        (folder / "examples").symlink_to(EXAMPLES)
        (folder / "person").mkdir()
        (folder / "temporary").mkdir()
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "ANTHROPIC_", "DYNAMIC_PLUGINS_"))}
        keep.pop("PYTHONDONTWRITEBYTECODE", None)
        self.env = keep | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "person"),
            "DYNAMIC_PLUGINS_HOME": str(self.home),
            "DYNAMIC_PLUGINS_PASSPHRASE": "correct horse battery staple",
            **ALONE,
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "160",
            # At its exit a pytest removes what others left in the folder that they share: minutes of work, at times.
            "PYTEST_DEBUG_TEMPROOT": str(folder / "temporary"),
            "PYTEST_ADDOPTS": NOT_OURS,
            # What npm keeps may be used again, whoever's home it is.
            "NPM_CONFIG_CACHE": str(Path("~/.npm").expanduser()),
            "NPM_CONFIG_USERCONFIG": str(Path("~/.npmrc").expanduser()),
        }

    def run(
        self, *command: str, stdin: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* here, with no terminal, and return how it ended; standard error is in its output."""
        env = self.env | (env or {})
        if (words := words_of(command)) is not None and (ready := ready_for(env)) is not None:
            return ready.run(words, said=stdin, env=env, seconds=SECONDS, folder=self.folder, merged=True)
        return subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            cwd=self.folder,
            env=env,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Workspace]]:
    with ExitStack() as stack:

        def make(page: Path) -> Workspace:
            made = Workspace(tmp_path_factory.mktemp(page.stem))
            if page.stem == "models":
                made.env["DYNAMIC_PLUGINS_MODEL_SERVERS"] = f"ollama:{stack.enter_context(an_ollama()).port}"
            return made

        yield cache(make)


@contextmanager
def an_ollama() -> Iterator[LocalServer]:
    """What the page on models tells of: Ollama with a model, which it gets at once."""
    server = ollama("qwen3:8b")
    server.pull = lambda send: send({"status": "success"})
    with server.serving():
        yield server


@pytest.fixture(scope="module")
def embedded_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Start the embedded model as an endpoint when it is first asked for; its address."""
    started: list[subprocess.Popen[str]] = []

    @cache
    def start() -> str:
        home = tmp_path_factory.mktemp("model")
        process = subprocess.Popen(
            [sys.executable, "-m", "dynamic_plugins", "--home", str(home), "serve-model", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return address_from(process)

    yield start
    for process in started:
        stop(process)


def address_from(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = ""
    while line := process.stderr.readline():
        said += line
        if match := re.search(r"http://127\.0\.0\.1:\d+/\w+", line):
            return match.group()
    raise AssertionError(f"it ended without an address: {said}")


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_snippet_of_a_page_works(
    page: Path, workspaces: Callable[[Path], Workspace], embedded_model: Callable[[], str]
) -> None:
    """A page is one session: what a block leaves, those below it build on."""
    left_out = []
    for block in blocks_of(page):
        if needs_index(block) and not index_may_be_asked():
            left_out.append(block.name)
            continue
        with telling(block.name):
            assert_works(block, workspaces(page), embedded_model)
    if left_out:
        pytest.skip(f"the package index cannot be reached, and these need it: {', '.join(left_out)}")


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Have what fails in the block say which snippet it was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the snippet {name}")
        raise


def assert_works(block: Block, here: Workspace, embedded_model: Callable[[], str]) -> None:
    if block.title:
        path = here.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    match block.language:
        case "python":
            check_python(block, here, embedded_model)
        case "console":
            for command in commands_of(block.text):
                check_command(command, here)
        case "json":
            check_data(json.loads(block.text), block, here)
        case "toml":
            check_data(tomllib.loads(block.text), block, here)
        case "yaml":
            check_data(yaml.safe_load(block.text), block, here)
        case "text" | "":
            assert block.printed_above or not re.search(r"^(\$ |import |from \w+ import)", block.text, re.MULTILINE), (
                "this looks like something to run: say what it is"
            )
        case other:
            pytest.fail(f"nobody knows how to check a block of {other!r}")


# ---------------------------------------------------------------- python


def check_python(block: Block, here: Workspace, embedded_model: Callable[[], str]) -> None:
    if "def test_" in block.text:
        check_test(block, here)
        return
    if block.page.parent.name == "integrations" and packages_not_here(block.text):
        compile(block.text, block.name, "exec")
        return
    path = here.folder / (block.title or f"line_{block.line}.py")
    path.write_text(block.text)
    paths = os.pathsep.join(str(each) for each in (here.folder, *here.folder.iterdir()) if each.is_dir())
    env = {"PYTHONPATH": paths}
    if "openai import" in block.text:
        env |= {"OPENAI_BASE_URL": embedded_model(), "OPENAI_API_KEY": "none"}
    if "anthropic import" in block.text:
        with anthropic(block.text).serving() as endpoint:
            env |= {"ANTHROPIC_BASE_URL": endpoint.url, "ANTHROPIC_API_KEY": "none"}
            ran = here.run(sys.executable, str(path), stdin="y\n" * 9, env=env)
        assert len(endpoint.requests) == len(ANTHROPIC_STEPS) + 1
    else:
        ran = here.run(sys.executable, str(path), stdin="y\n" * 9, env=env)
    assert ran.returncode == 0, ran.stdout
    assert '"ok": false' not in ran.stdout
    saw(ran.stdout, (block.prints or "").splitlines())


def packages_not_here(program: str) -> set[str]:
    """Return what *program* imports and this environment does not have."""
    imported = {
        name
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    return {name for name in imported if not _is_here(name)}


def _is_here(module: str) -> bool:
    try:  # of a package that several projects share, such as google, the part counts
        return find_spec(".".join(module.split(".")[:2])) is not None
    except ModuleNotFoundError:
        return False


def check_test(block: Block, here: Workspace) -> None:
    """A test passes; one on a recorded model is recorded first. A titled one is run by a command further down."""
    if block.title:
        later = [each.text for each in BLOCKS if each.page == block.page and each.line > block.line]
        assert any(re.search(rf"^\$ pytest .*{re.escape(block.title)}", text, re.MULTILINE) for text in later), (
            "nobody runs it"
        )
        return
    path = here.folder / f"test_line_{block.line}.py"
    path.write_text(block.text)
    for options in [["--record-conversations"], []] if "(recorded_" in block.text else [[]]:
        ran = here.run(sys.executable, "-m", "pytest", "-o", "asyncio_mode=auto", *options, str(path))
        assert ran.returncode == 0, ran.stdout


def anthropic(text: str) -> Endpoint:
    """A stand-in for Anthropic's API, scripted: what the person in the snippet asks for is done step by step."""
    (plugin,) = set(re.findall(r"install ([\w-]+) and", text))

    def message(block: dict[str, Any]) -> dict[str, Any]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        more = {"model": "m", "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
        return {"id": "m", "type": "message", "role": "assistant", "content": [block], **more}

    uses = [
        {"type": "tool_use", "id": each, "name": each, "input": {"plugin_name": plugin}} for each in ANTHROPIC_STEPS
    ]
    return Endpoint([*map(message, uses), message({"type": "text", "text": "Done."})])


# ---------------------------------------------------------------- console


@dataclass
class Typed:
    """A command as it is typed, what is said to it after that, and what must be seen."""

    line: str
    said: list[str]
    seen: list[str]
    code: int = 0


def commands_of(text: str) -> list[Typed]:
    commands: list[Typed] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            typed, _, comment = line.removeprefix("$ ").partition("  # ")
            code = re.fullmatch(r"exit code (\d+)", comment)
            commands.append(Typed(typed.strip(), [], [], int(code.group(1)) if code else 0))
        elif line.startswith("> "):
            commands[-1].said.append(line.removeprefix("> "))
        elif line.strip():
            commands[-1].seen.append(line)
    assert commands, "there is no command in it"
    return commands


def check_command(command: Typed, here: Workspace) -> None:
    line = command.line
    if (setup := INSTALLS_US.match(line)) is not None:
        # The environment is there already; .ci/run makes a fresh one with these very words.
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert setup.group(1) in extras
        if line.endswith("pytest"):
            assert line in (ROOT / ".ci" / "run").read_text()
            return
        line = line[setup.end() :]
    words = shlex.split(line)
    if words[0] == "claude":  # a client's own command: what it would start must answer
        assert_serves(tuple(words[words.index("--") + 1 :]))
    elif words[:2] in (["dynamic-plugins", each] for each in ("mcp", "serve-model", "web")):
        check_server(command, words, here)
    elif command.said or any("********" in seen for seen in command.seen):
        check_at_a_terminal(command, words, here)
    else:
        # A client is told how this was started, by which it can start it: that must be the program.
        plain = words[0] == "dynamic-plugins" and words[1] != "connect" and not SHELL.search(line)
        ran = here.run(*words) if plain else here.run("bash", "-c", line)
        assert ran.returncode == command.code, f"{line}: exit code {ran.returncode}\n{ran.stdout}"
        saw(ran.stdout, command.seen)


def check_server(command: Typed, words: list[str], here: Workspace) -> None:
    parse(words[1:])
    process = subprocess.Popen(
        [*words, "--port", "0"], stderr=subprocess.PIPE, text=True, cwd=here.folder, env=here.env
    )
    try:
        address = address_from(process)
        # The line has been read: what it was is known by the address in it.
        assert any("http://127.0.0.1:" in seen for seen in command.seen) or not command.seen
        assert address.endswith(("/mcp", "/v1", "/enter"))
    finally:
        stop(process)


def check_at_a_terminal(command: Typed, words: list[str], here: Workspace) -> None:
    """Type what the snippet types, agree where somebody asks, and give a fake value where the snippet has stars."""
    if words[1] == "configure":
        ran = here.run("dynamic-plugins", "install", words[2], "--yes")
        assert ran.returncode == 0, ran.stdout
    with Terminal(words, here.folder, here.env) as terminal:
        said = [*command.said, *(["/quit"] if command.said else [])]
        while (asked := terminal.prompt(SECONDS)) is not None:
            if asked.endswith("[y/N] "):
                terminal.type("y")
            elif asked.endswith("> ") and said:
                terminal.type(said.pop(0))
            elif asked.rstrip().endswith("):") and not command.said:
                terminal.type("a-fake-value" if "required" in asked else "")
            else:
                pytest.fail(f"nobody knows what to answer to {asked!r}")
    assert said == []
    assert terminal.code == command.code, terminal.seen
    saw(terminal.seen, [seen.partition("********")[0] for seen in command.seen])
    assert "a-fake-value" not in terminal.seen, "it was shown"


def saw(output: str, lines: list[str]) -> None:
    """The *lines* are in *output*, in this order; ``…`` is anything, and white space is white space."""
    rest = " ".join(output.split())
    for line in lines:
        parts = [r"\s+".join(map(re.escape, part.split())) for part in line.split("…")]
        pattern = r"\s*.*?\s*".join(parts)
        match = re.search(pattern, rest)
        assert match is not None, f"{line!r} was not seen, or not in this order, in:\n{output}"
        rest = rest[match.end() :]


# ---------------------------------------------------------------- data


def check_data(data: Any, block: Block, here: Workspace) -> None:
    servers = servers_in(data)
    for server in servers:
        if url := next((server[key] for key in ("url", "httpUrl", "serverUrl", "uri") if key in server), None):
            assert url == f"http://127.0.0.1:{parse(['mcp']).port}/mcp"
        else:
            assert_serves((server.get("command") or server["cmd"], *server.get("args", [])))
    if isinstance(data, dict) and isinstance(data.get("plugins"), list):
        path = here.folder / "checked.json"
        path.write_text(block.text)
        ran = here.run("dynamic-plugins", "--json", "--registry", str(path), "list", "--limit", "50")
        told = json.loads(ran.stdout)
        assert told["ok"]
        assert "notices" not in told, told
        assert {each["name"] for each in told["plugins"]} == {each["name"] for each in data["plugins"]}
    assert servers or block.title, "nothing is done with this: give it a title, or say what it configures"


def servers_in(data: Any) -> list[dict[str, Any]]:
    """Return the MCP servers that a client's configuration starts."""
    if not isinstance(data, dict):
        return []
    for key in ("mcpServers", "servers", "context_servers", "extensions", "mcp_servers"):
        if isinstance(data.get(key), dict):
            return list(data[key].values())
    return []


@cache
def assert_serves(command: tuple[str, ...]) -> None:
    """A client that starts *command*, with the little environment that clients give, finds the tools."""

    async def ask() -> int:
        program = Path(sys.executable).parent / command[0]
        server = StdioServerParameters(command=str(program), args=list(command[1:]))
        async with asyncio.timeout(SECONDS), Client(stdio_client(server)) as client:
            return len((await client.list_tools()).tools)

    assert asyncio.run(ask()) == 8


# ---------------------------------------------------------------- what the pages say in words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    settings = (ROOT / "dynamic_plugins" / "settings" / "__init__.py").read_text()
    unknown = {name for name in re.findall(r"DYNAMIC_PLUGINS_[A-Z_]+", text) if f'"{name}"' not in settings}
    assert unknown == set(), "no setting is called so"
    for command in re.findall(r"`dynamic-plugins ([a-z][a-z -]*[a-z])`", text):
        with pytest.raises(SystemExit) as ended:
            parse([*command.split(), "--help"])
        assert ended.value.code == 0, f"there is no command {command!r}"


def test_what_holds_each_promise_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text().partition("## What holds each promise")[2]
    rows = [row.split("|")[1:4] for row in text.splitlines() if row.startswith("| ")][2:]
    assert len(rows) > 30
    for promise, mechanisms, tests in rows:
        files, names = (re.findall(r"`([^`]+)`", cell) for cell in (mechanisms, tests))
        assert files, promise
        assert names, promise
        assert [file for file in files if not (ROOT / "dynamic_plugins" / file).is_file()] == [], promise
        for name in names:
            file, _, function = name.partition("::")
            assert f"def {function}(" in (ROOT / "tests" / file).read_text(), name
