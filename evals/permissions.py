"""What plugins reach for, found by running them, and the permissions that this suggests.

usage: python -m evals.permissions NAME… [--path FOLDER]… [--file NAMES.txt] [--calls N] [--json OUT.jsonl] [--jobs N]

Each plugin is installed in a home of its own, told made-up values, activated, and its actions are called with made-up
arguments. Code that is loaded before its first line notes the hosts, files and programs that it reaches for, refused or
not; other processes of its tree are looked at from outside. ``proposed`` is a table for its registry entry. ``written``
are the hosts that stand in its source and that it did not reach for: what made-up arguments did not make it do. Neither
is the last word: a person reads both, and decides.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import dynamic_plugins
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.permissions import parse_host
from dynamic_plugins.errors import ActionError, BadArgumentsError, PluginError, PluginTimeoutError
from dynamic_plugins.install.integrity import record
from dynamic_plugins.settings import Settings, Timeouts
from evals.compatibility import names_in, whole
from evals.invented import Inventor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.install.installation import Installation

HOOKS = Path(__file__).parent / "learning"
OURS = Path(dynamic_plugins.__file__).parent
LOOKED_AT_EVERY = 0.05
MAX_CALLS = 30
SOURCES = {".py", ".js", ".mjs", ".cjs", ".ts"}
ADDRESS = re.compile(r"(?:https?|wss?)://([a-z0-9*][a-z0-9.-]+\.[a-z]{2,}(?::\d+)?)", re.IGNORECASE)
# Named in comments, in schemas and as examples; no plugin is about them.
ELSEWHERE = re.compile(
    r"(^|\.)(example\.(com|org|net)|w3\.org|json-schema\.org|github\.com|githubusercontent\.com|modelcontextprotocol\.io"
    r"|python\.org|npmjs\.com|readthedocs\.io|stackoverflow\.com|mozilla\.org|pypi\.org|opensource\.org|wikipedia\.org"
    r"|schema\.org|apache\.org|ietf\.org|nodejs\.org|creativecommons\.org)(:\d+)?$"
)
# What every program reads to run at all.
SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/proc",
    "/sys",
    "/dev",
    "/etc",
    "/var/lib/dpkg",
    "/run",
    "/var/db",
    "/var/run",
)


@dataclass
class Learned:
    """What one plugin reached for, and what that suggests."""

    name: str
    proposed: dict[str, Any] = field(default_factory=dict)
    network: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    write: list[str] = field(default_factory=list)
    home: list[str] = field(default_factory=list)
    """In the person's home, in place of which it has its own data folder."""
    programs: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    detail: str = ""


async def learn(
    name: str, path: Path | None = None, calls: int = MAX_CALLS, registries: tuple[str, ...] = ()
) -> Learned:
    """Return what the plugin of that name, or the one in the folder *path*, reaches for."""
    learned = Learned(name)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment(home=Path(folder, "home"), registries=registries)
        # Without the fence: it is to be seen what it reaches for, not what it is refused.
        changed = {"timeouts": Timeouts(start=60, call=10), "passphrase": "evaluation", "sandbox": "off"}
        environment = {**settings.environment, "HOME": str(Path(folder, "person"))}
        settings = Settings(**{**vars(settings), **changed, "environment": environment})
        try:
            async with App(settings, approve=approve_everything) as app:
                info = (await (app.service.install_path(path) if path else app.service.install(name))).info
                await _run(app, info.name, learned, Path(folder), calls)
        except PluginError as error:
            learned.detail = f"{error.code}: {error}"[:300]
    return learned


async def _run(app: App, name: str, learned: Learned, folder: Path, calls: int) -> None:
    log = folder / "reached.jsonl"
    installation = _with_hook(app.store.get(name).installation, folder, log)
    app.store.change(name, installation=installation)
    learned.written = sorted(_written(installation))
    inventor = Inventor(folder / "made-up")
    variables = [variable for variable, _ in await app.service.variables(name)]
    values = {each.name: inventor.value_for(each) for each in variables if each.required and each.default is None}
    values |= {each.name: inventor.value_for(each) for each in variables if each.format == "filepath"}
    if values:
        await app.service.configure(name, values)
    watching = asyncio.create_task(_watch(app, learned))
    try:
        await app.service.activate(name)
        await _call(app, name, learned, inventor, calls)
    finally:
        watching.cancel()
        own = app.loader.folder(installation)
        mine = (own, Path(installation.path), folder / "hook.cjs", log, *_interpreter(installation))
        _conclude(learned, _noted(log), values, folder / "person", mine)


def _interpreter(installation: Installation) -> list[Path]:
    """Return where the Python lies that runs the plugin, which may be another than this one."""
    return [Path(installation.python).resolve().parents[1]] if installation.python is not None else []


async def _call(app: App, name: str, learned: Learned, inventor: Inventor, calls: int) -> None:
    for action in app.components.plugins[name].actions[:calls]:
        try:
            await app.service.call(name, action.name, inventor.arguments_for(dict(action.parameters)))
            learned.answered += 1
        except (ActionError, BadArgumentsError, PluginTimeoutError):
            learned.failed += 1


def _with_hook(installation: Installation, folder: Path, log: Path) -> Installation:
    """Return *installation* as it is started with what notes what it reaches for."""
    if installation.python is None:
        hook = folder / "hook.cjs"
        hook.write_text(f"{(HOOKS / 'hook.cjs').read_text()}\nstart({json.dumps(str(log))});\n")
        node, *rest = installation.command
        return replace(installation, command=(node, "--require", str(hook), *rest))
    (packages,) = Path(installation.python).parent.parent.glob("lib/python*/site-packages")
    (packages / "_reached.py").write_text((HOOKS / "hook.py").read_text())
    (packages / "_reached.pth").write_text(f"import _reached; _reached.start({str(log)!r})\n")
    return replace(installation, files_digest=record(Path(installation.path)))


async def _watch(app: App, learned: Learned) -> None:
    """Note, from outside, what the worker's descendants are and where they are connected to."""
    while True:
        for pid in app.service.running().values():
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(pid).children(recursive=True):
                    learned.programs.append(child.name())
                    learned.network += [
                        f"{c.raddr.ip}:{c.raddr.port}" for c in child.net_connections("inet") if c.raddr
                    ]
        await asyncio.sleep(LOOKED_AT_EVERY)


def _noted(log: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in log.read_text().splitlines() if log.is_file() else ():
        one = json.loads(line)
        found.setdefault(one["kind"], set()).add(one["what"])
    return found


def _conclude(
    learned: Learned, noted: Mapping[str, set[str]], values: Mapping[str, str], home: Path, own: Iterable[Path]
) -> None:
    """Put what was *noted* in order and propose the table; *values* are what it was told, *own* its own folders."""
    learned.network = sorted(_hosts([*noted.get("network", ()), *learned.network]))
    started = {Path(each).name for each in [*noted.get("program", ()), *learned.programs]}
    learned.programs = sorted(started - {"node", "python", "python3", Path(sys.executable).name})
    learned.home = sorted({path for kind in ("read", "write") for path in noted.get(kind, ()) if _is_in(path, home)})
    places = (*own, home, OURS, Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve())
    write = sorted(path for path in noted.get("write", ()) if _is_outside(path, places))
    read = sorted(path for path in noted.get("read", ()) if _is_outside(path, places) and path not in write)
    learned.read, learned.write = read, write
    learned.written = [host for host in learned.written if not any(host in each for each in learned.network)]
    files = {_named(path, values): "read" for path in read} | {_named(path, values): "write" for path in write}
    files = {path: access for path, access in files.items() if files.get(f"{path}/..") != "write"}
    learned.proposed = {
        "network": sorted({_named_host(host, values) for host in learned.network}),
        "files": [{"path": path, "access": access} for path, access in sorted(files.items())],
        "programs": learned.programs,
    }


def _hosts(said: Iterable[str]) -> set[str]:
    """Return the hosts, each with its port where one was noted; without the plugin's own and this machine's names."""
    found = set()
    for each in said:
        with contextlib.suppress(ValueError):
            found.add(parse_host(each))
    ported = {host.rpartition(":")[0] for host in found}
    return {host for host in found if host not in ported}


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).is_relative_to(folder)


def _is_outside(path: str, own: Iterable[Path]) -> bool:
    """Return whether *path* is neither the system's, which every program reads, nor in one of its *own* folders."""
    if path == "/" or any(_is_in(path, Path(each)) for each in SYSTEM) or any(_is_in(path, each) for each in own):
        return False
    made_up = _is_in(path, Path(tempfile.gettempdir()))
    return not made_up or any(_is_in(path, folder.parent) for folder in own if folder.name == "person")


def _named(path: str, values: Mapping[str, str]) -> str:
    """Return *path* by the variable that led to it: ``$DB_PATH``, or ``$DB_PATH/..`` for what lies beside it."""
    for name, value in values.items():
        if value.startswith(f"{path}/"):
            return f"${name}/.."
        if path == value or path.startswith(f"{value}/"):
            return f"${name}"
        if path.startswith(value):  # a journal, a lock
            return f"${name}/.."
    return path


def _named_host(host: str, values: Mapping[str, str]) -> str:
    return next((f"${name}" for name, value in values.items() if "://" in value and host in value), host)


def _written(installation: Installation) -> set[str]:
    """Return the hosts in the plugin's own source, without those of what it depends on."""
    module = (installation.entry_point or "").partition(":")[0].partition(".")[0]
    folders = [*Path(installation.path).rglob(f"site-packages/{module}")] if module else []
    if installation.package_type == "npm":
        folders.append(Path(installation.path) / "node_modules" / installation.package)
    files = (
        (folder, file) for folder in (*folders, *map(Path, installation.search_path)) for file in folder.rglob("*")
    )
    found: set[str] = set()
    for folder, file in files:
        if file.is_file() and file.suffix in SOURCES and "node_modules" not in file.relative_to(folder).parts:
            found |= {host.lower() for host in ADDRESS.findall(file.read_text(encoding="utf-8", errors="replace"))}
    return {host for host in found if not ELSEWHERE.search(host)}


async def learn_all(names: list[str], paths: list[Path], calls: int, jobs: int) -> list[Learned]:
    """Learn of several at once, in the order given."""
    places = asyncio.Semaphore(jobs)

    async def one(name: str, path: Path | None = None) -> Learned:
        async with places:
            learned = await learn(name, path, calls)
        print(f"{name}: {learned.detail or json.dumps(learned.proposed)}", file=sys.stderr)
        return learned

    known = [one(name) for name in await whole(names, ())] if names else []
    return await asyncio.gather(*known, *(one(path.name, path) for path in paths))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--path", type=Path, action="append", default=[])
    parser.add_argument("--file", type=Path)
    parser.add_argument("--calls", type=int, default=MAX_CALLS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = arguments.names + (names_in(arguments.file.read_text()) if arguments.file else [])
    learned = asyncio.run(learn_all(names, arguments.path, arguments.calls, arguments.jobs))
    if arguments.json:
        arguments.json.write_text("".join(json.dumps(asdict(each)) + "\n" for each in learned))
    print(json.dumps([asdict(each) for each in learned], indent=1))
    return 1 if any(each.detail for each in learned) else 0


if __name__ == "__main__":
    raise SystemExit(main())
