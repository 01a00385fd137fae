"""What all tests share: a home of their own, the command line as a real process, and the package index."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uv

from tests import slow
from tests.ready_interpreter import FORKS, ReadyInterpreter, alike, share_bytecode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    import psutil

EXAMPLES = Path(__file__).parent.parent / "examples"
COMMAND_SECONDS = 180

# For a pytest that a test starts: other people's plugins, which are here with what they come with, take three quarters
# of its start.
NOT_OURS = "-p no:hypothesispytest -p no:langsmith_plugin"

# What holds for every test and for every process that one starts. No test may leave anything in a person's own keyring;
# and a stand-in that one module defines registers itself with keyring as it is imported, which would make it
# everybody's. No model that may run on this machine is looked for, and no registry on the network is asked: a test of
# that serves its own on loopback, and says "DYNAMIC_PLUGINS_OFFLINE": "0". The embedding has tests of its own; the
# others must not start a process for each registry they make up.
ALONE = {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    "DYNAMIC_PLUGINS_MODEL_SERVERS": "none",
    "DYNAMIC_PLUGINS_OFFLINE": "1",
    "DYNAMIC_PLUGINS_SEARCH": "words",
}
os.environ["PYTHON_KEYRING_BACKEND"] = ALONE["PYTHON_KEYRING_BACKEND"]
os.environ["DYNAMIC_PLUGINS_OFFLINE"] = ALONE["DYNAMIC_PLUGINS_OFFLINE"]
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell has it where the tests run in its background ("pytest &"); what a test starts would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What is imported and collected stays until the end: to look through it for garbage takes a quarter of the time of the
# collection, and each time after it as long as all that a test leaves.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share two cores well: many of the slow tests wait for an index, a server or a time."""
    return 3 if "not slow" in config.option.markexpr else 4


def pytest_configure() -> None:
    # They are this pytest's; one that a test starts has its own.
    os.environ.pop("PYTEST_ADDOPTS", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that were measured to be slow; ``pytest -m "not slow"`` leaves them out."""
    known = slow.slow_functions()
    for item in items:
        if (seconds := known.get(slow.function_of(item.nodeid))) is not None:
            item.add_marker("slow")
            if seconds >= slow.SLOWER:
                item.add_marker("slower")


@pytest.fixture(autouse=True)
def words_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search by words alone, as without the extra ``search``, but in tests marked with ``meaning``."""
    if request.node.get_closest_marker("meaning") is None:
        monkeypatch.setattr("dynamic_plugins.resolver.embedder.installed", lambda: False)
        # and for the processes that it starts:
        monkeypatch.setenv("DYNAMIC_PLUGINS_SEARCH", ALONE["DYNAMIC_PLUGINS_SEARCH"])


@dataclass
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON documents it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Cli:
    """Runs ``dynamic-plugins`` on one home, as a person's shell would."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "DYNAMIC_PLUGINS_", "OTEL_"))}
        keep.pop("PYTHONDONTWRITEBYTECODE", None)
        return keep | ALONE | self.env

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "dynamic_plugins", "--home", str(self.home), *words]

    def __call__(self, *words: str, stdin: str = "", code: int | None = 0, json: bool = True) -> Ran:
        """Run a command; its exit code must be *code* (None: any)."""
        done = _run(self.command(*(["--json"] if json else []), *words), stdin, self.environment())
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert code is None or ran.code == code, f"{words}: exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran


def _run(argv: list[str], stdin: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    if (ready := ready_for(env)) is not None:
        words = argv[argv.index("dynamic_plugins") + 1 :]
        return ready.run(words, said=stdin, env=env, seconds=COMMAND_SECONDS)
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=COMMAND_SECONDS, env=env)


_started: list[ReadyInterpreter] = []
_shared: list[Path] = []


def ready_for(env: Mapping[str, str]) -> ReadyInterpreter | None:
    """Return the interpreter of this process that is ready, started at its first command; None where *env* asks for
    another.
    """
    if FORKS and not _started:
        _started.append(ReadyInterpreter(Cli(Path()).environment(), _shared[0] if _shared else None))
    return next((each for each in _started if alike(env, each.environ)), None)


def pytest_unconfigure() -> None:
    while _started:
        _started.pop().close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path) -> Iterator[Cli]:
    yield Cli(home)
    assert_ended(home)


@pytest.fixture(scope="module")
def module_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line on one home for a whole module, whose tests find in it what those before them left."""
    cli = Cli(tmp_path_factory.mktemp("module") / "home")
    yield cli
    assert_ended(cli.home)


@dataclass
class KeptHome:
    """A home that took long to make: each test that wants it gets it in its place, as it was when it was kept."""

    cli: Cli
    copy: Path

    @classmethod
    def of(cls, cli: Cli) -> KeptHome:
        copy = cli.home.with_name("kept")
        shutil.copytree(cli.home, copy, symlinks=True)
        return cls(cli, copy)

    def put_back(self) -> Iterator[Cli]:
        """Put it back, and look afterwards that nothing runs there any more: the body of a fixture."""
        shutil.rmtree(self.cli.home)
        shutil.copytree(self.copy, self.cli.home, symlinks=True)
        yield Cli(self.cli.home, dict(self.cli.env))
        assert_ended(self.cli.home)


def assert_ended(home: Path) -> None:
    import psutil

    # A supervisor ends a moment after the worker that it waits for.
    _, alive = psutil.wait_procs(_workers(home), timeout=5)
    assert [process.cmdline() for process in alive] == [], "a plugin's process outlived its command"


def workers_of(home: Path) -> list[str]:
    """Return the command lines of living processes that run something under *home*'s plugins.

    Those that wait for another of them, as supervisors do, are left out.
    """
    return [" ".join(process.info["cmdline"]) for process in _workers(home)]


def _workers(home: Path) -> list[psutil.Process]:
    import psutil

    marker = str(home / "runtime_plugins")
    found: dict[int, psutil.Process] = {}
    parents: set[int] = set()
    for process in psutil.process_iter(["cmdline", "status", "ppid"]):
        words = process.info["cmdline"] or []
        if any(marker in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found[process.pid] = process
            parents.add(process.info["ppid"])
    return [process for pid, process in found.items() if pid not in parents]


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the installs of all processes share what they compile."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "bytecode"
    folder.mkdir(exist_ok=True)
    _shared.append(folder)
    share_bytecode(str(folder))


@cache
def index_is_reachable() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        command = [uv.find_uv_bin(), "pip", "install", "--dry-run", "--no-deps", "--target", folder, "mcp-server-time"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def index_may_be_asked() -> bool:
    return os.environ.get("CI") == "true" or index_is_reachable()


@pytest.fixture(autouse=True)
def _package_index(request: pytest.FixtureRequest) -> None:
    """Skip tests marked ``index`` where the package index cannot be reached; under CI=true they run and fail."""
    if request.node.get_closest_marker("index") and not index_may_be_asked():
        pytest.skip("the package index cannot be reached")


@pytest.fixture(scope="session", autouse=True)
def official() -> Iterator[dict[str, str]]:
    """Have no official registry in this process, and give the addresses of the real ones.

    A test that wants some puts those that it serves itself into ``sources.OFFICIAL``.
    """
    from dynamic_plugins.registry.sources import OFFICIAL

    real = dict(OFFICIAL)
    OFFICIAL.clear()
    yield real
    OFFICIAL.update(real)


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Have all HTTP clients of this process share what they trust: each reads it anew, for a fiftieth of a second."""
    import httpcore2

    read = httpcore2.default_ssl_context

    @cache
    def trusting(_: tuple[str | None, ...], trust_env: bool) -> ssl.SSLContext:
        return read(_trust_env=trust_env)

    def shared(*, _trust_env: bool = True) -> ssl.SSLContext:
        return trusting(tuple(map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR"))), _trust_env)

    patch = pytest.MonkeyPatch()
    patch.setattr(httpcore2, "default_ssl_context", shared)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _every_chat_request_is_one() -> Iterator[None]:
    """Hold every chat request that any test makes in this process to OpenAI's own schema."""
    import httpx2

    from tests import openai_schema

    def check(request: httpx2.Request) -> None:
        if "x-malformed" in request.headers:
            return  # a test of what is refused
        if request.method == "POST" and request.url.path.endswith("/chat/completions"):
            with contextlib.suppress(ValueError):  # a test of bodies that are not JSON
                openai_schema.check("CreateChatCompletionRequest", json.loads(request.content))

    send, send_async = httpx2.Client.send, httpx2.AsyncClient.send

    def checked(self: Any, request: httpx2.Request, **options: Any) -> Any:
        check(request)
        return send(self, request, **options)

    async def checked_async(self: Any, request: httpx2.Request, **options: Any) -> Any:
        check(request)
        return await send_async(self, request, **options)

    patch = pytest.MonkeyPatch()
    patch.setattr(httpx2.Client, "send", checked)
    patch.setattr(httpx2.AsyncClient, "send", checked_async)
    yield
    patch.undo()
