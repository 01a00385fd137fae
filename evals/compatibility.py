"""How plugins as they really are fare: each is installed, activated, looked at, called, and taken away again.

usage: python -m evals.compatibility NAME… [--file NAMES.txt] [--registry FILE] [--json OUT.jsonl] [--jobs N]

Each plugin gets a home of its own. What can be called without a key is called: actions that take no arguments, or whose
arguments can be made up from their schema. The verdict is one of

- ``offered``: it loaded, and what it offers was listed and called (an action's own failure is the action's answer);
- ``honest error``: it did not install or load, and the error says why in its own words, or it lacks a key;
- ``our fault``: anything else, such as a crash of ours, an error without a reason, or something left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import ActionError, BadArgumentsError, PluginError, PluginTimeoutError
from dynamic_plugins.settings import Settings, Timeouts

HONEST = {"install_failed", "load_failed", "unavailable_here", "needs_configuration", "unknown_plugin", "timeout"}
MAX_CALLS = 30


@dataclass
class Verdict:
    name: str
    verdict: str = "our fault"
    version: str = ""
    seconds: float = 0.0
    actions: list[str] = field(default_factory=list)
    providers: int = 0
    answered: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    detail: str = ""


async def examine(name: str, registries: tuple[str, ...]) -> Verdict:
    """Return how one plugin fares, in a home of its own that is gone afterwards."""
    verdict = Verdict(name)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment(home=folder, registries=registries)
        settings = Settings(**{**vars(settings), "timeouts": Timeouts(start=60, call=20), "passphrase": "evaluation"})
        try:
            async with App(settings, approve=approve_everything) as app:
                await live(app, name, verdict)
        except PluginError as error:
            verdict.verdict = "honest error" if error.code in HONEST and str(error) else "our fault"
            verdict.detail = f"{error.code}: {error}"
        except Exception as error:  # the point of this program is to find these
            verdict.detail = f"{type(error).__name__}: {error}"
        left = left_behind(Path(folder))
        if left:
            verdict.verdict, verdict.detail = "our fault", f"left behind: {left}"
    verdict.seconds = round(time.monotonic() - begun, 1)
    return verdict


async def live(app: App, name: str, verdict: Verdict) -> None:
    """Take one plugin through its whole life, calling what can be called."""
    service = app.service
    info = (await service.install(name)).info
    verdict.version = info.version
    values = {each.name: made_up(each.name, Path(app.settings.home)) for each in info.required_env_vars}
    if values:
        await service.configure(info.name, values)
    await service.activate(info.name)
    plugin = service.runtime.plugins[info.name]
    verdict.actions = [action.name for action in plugin.actions]
    verdict.providers = len(plugin.providers)
    verdict.verdict = "offered"
    for action in plugin.actions[:MAX_CALLS]:
        try:
            await service.call(info.name, action.name, arguments_for(dict(action.parameters)))
            verdict.answered += 1
        except (ActionError, BadArgumentsError, PluginTimeoutError) as error:
            verdict.failed[action.name] = str(error)[:300]
    await service.deactivate(info.name)
    await service.unload(info.name)
    if service.running():
        verdict.verdict, verdict.detail = "our fault", "its process outlived unload"
    await service.uninstall(info.name)
    if service.status():
        verdict.verdict, verdict.detail = "our fault", "it outlived uninstall"


def made_up(name: str, home: Path) -> str:
    """Return a value for a variable that is asked for: a file or folder of its own, or a key that is none."""
    if "DIR" in name:
        (home / "data").mkdir(exist_ok=True)
        return str(home / "data")
    return str(home / "data.db") if "PATH" in name or "FILE" in name else "not-a-real-key"


def arguments_for(schema: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that fit *schema*: what is required, and as little as possible."""
    properties = schema.get("properties", {})
    wanted = schema.get("required") or [name for name in ("text",) if name in properties]
    return {name: example(properties.get(name, {})) for name in wanted}


def example(schema: Any) -> Any:
    """Return a small value that fits a property's schema."""
    if not isinstance(schema, dict):
        return "test"
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    if schema.get("enum"):
        return schema["enum"][0]
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return example(each)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    simple: dict[Any, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "null": None}
    return arguments_for(schema) if kind == "object" else simple.get(kind, "test")


def left_behind(home: Path) -> list[str]:
    """Return what is still there of a plugin that was taken away: processes (its folder is gone with the home)."""
    plugins = str(home / "runtime_plugins")
    return [
        " ".join(each.info["cmdline"])
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["status"] != psutil.STATUS_ZOMBIE and any(plugins in word for word in each.info["cmdline"] or ())
    ]


def shown(verdicts: list[Verdict]) -> str:
    """Return the table."""
    rows = [("plugin", "version", "verdict", "actions", "answered", "s", "")]
    for each in verdicts:
        offered, answered = str(len(each.actions)), f"{each.answered}/{min(len(each.actions), MAX_CALLS)}"
        rows.append((each.name, each.version, each.verdict, offered, answered, str(each.seconds), each.detail[:160]))
    widths = [max(len(row[index]) for row in rows) for index in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row[:6], widths, strict=True)) + "  " + row[6]
        for row in rows
    )


async def examine_all(names: list[str], registries: tuple[str, ...], jobs: int) -> list[Verdict]:
    """Examine several at once, in the order given."""
    places = asyncio.Semaphore(jobs)

    async def one(name: str) -> Verdict:
        async with places:
            return await examine(name, registries)

    return await asyncio.gather(*(one(name) for name in names))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--registry", action="append", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = arguments.names + (arguments.file.read_text().split() if arguments.file else [])
    verdicts = asyncio.run(examine_all(names, tuple(arguments.registry), arguments.jobs))
    print(shown(verdicts))
    if arguments.json:
        arguments.json.write_text("".join(json.dumps(asdict(each)) + "\n" for each in verdicts))
    counts = {kind: sum(each.verdict == kind for each in verdicts) for kind in ("offered", "honest error", "our fault")}
    print(", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    return 1 if counts["our fault"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
