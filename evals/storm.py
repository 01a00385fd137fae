"""Many calls at once on plugins that die, are updated and switched off meanwhile: each is answered, or told why not.

usage: python -m evals.storm [--calls 500] [--plugins 10]

Ten native plugins, from folders of this machine, get 500 calls of four kinds at once: a quick one, one that takes a
while, one with an answer of 100 kB, and one that fails. While they run the process of the first plugin is killed, the
second is updated to another version, and the third is switched off and on again. It prints how the calls ended and
what is left afterwards: processes of the plugins, and folders that no plugin needs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from evals.aftermath import processes_of

_LONGEST = 120.0
"""Seconds that all calls together may take: one that hangs is found so."""
_MODULE = """
import asyncio
from dynamic_plugins.plugin import Plugin, action

@action
def quick(number: int) -> dict:
    "Gives back its number."
    return {{"number": number, "version": {version!r}}}

@action
async def slow(number: int) -> dict:
    "Gives back its number after a moment."
    await asyncio.sleep(0.2)
    return {{"number": number, "version": {version!r}}}

@action
def long(number: int) -> dict:
    "Gives back its number with much text."
    return {{"number": number, "text": "x" * 100_000}}

@action
def fails(number: int) -> None:
    "Fails."
    raise ValueError(f"number {{number}} is not wanted")

plugin = Plugin({name!r}, actions=[quick, slow, long, fails])
"""
_ACTIONS = ("quick", "quick", "slow", "long", "fails")


@dataclass
class Found:
    """How it went: how the calls ended, and what was left."""

    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """What no call may end as."""
    seconds: float = 0.0
    processes: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether each call was answered or failed with a reason, and nothing was left."""
        return not (self.wrong or self.processes or self.folders)


def write_plugin(folder: Path, name: str, version: str) -> Path:
    """Write a plugin into a folder of its own and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "{version}"\n')
    (folder / f"{name}.py").write_text(_MODULE.format(name=name, version=version))
    return folder


async def storm(folder: Path, calls: int, plugins: int) -> Found:
    """Make the calls in a home below *folder*, and return how it went."""
    home, found = folder / "home", Found()
    async with DynamicPlugins(home, approve=approve_everything, confirm_calls="never") as library:
        service = library.app.service
        names = [f"storm{number}" for number in range(plugins)]
        for name in names:
            await service.install_path(write_plugin(folder / name, name, "1.0"))
            await service.activate(name)
        begun = time.perf_counter()
        work = [_called(library, random.choice(names), number, found) for number in range(calls)]  # noqa: S311 # no secret
        async with asyncio.timeout(_LONGEST):
            await asyncio.gather(
                *work, _kill(library, names[0]), _update(library, folder, names[1]), _switch(library, names[2])
            )
        found.seconds = time.perf_counter() - begun
        for name in names:  # each works afterwards, whatever happened to it
            await service.activate(name)
            await service.call(name, "quick", {"number": 1})
    found.processes = processes_of(home)
    found.folders = [str(path) for path in home.rglob(".staging-*")]
    return found


async def _called(library: DynamicPlugins, name: str, number: int, found: Found) -> None:
    await asyncio.sleep(number / 1000)  # spread over the time in which things happen to the plugins
    action = _ACTIONS[number % len(_ACTIONS)]
    result = await library.call(f"{name}__{action}", {"number": number})
    if result["ok"]:
        found.ended["answered"] += 1
        if result["result"]["number"] != number or action == "fails":
            found.wrong.append(f"{name}__{action} {number}: {json.dumps(result)[:200]}")
        return
    error = result["error"]
    wanted = action == "fails" and f"number {number} is not wanted" in error["message"]
    found.ended["failed as it should" if wanted else f"{error['code']}: {_kind(error['message'])}"] += 1
    if not error["message"].strip() or error["code"] == "internal_error":
        found.wrong.append(f"{name}__{action} {number}: {json.dumps(error)[:200]}")


def _kind(message: str) -> str:
    """Return a reason without what differs from call to call."""
    return " ".join(word for word in message.split() if not any(each.isdigit() for each in word))[:100]


async def _kill(library: DynamicPlugins, name: str) -> None:
    """Kill the process of a plugin, twice."""
    for _ in range(2):
        await asyncio.sleep(0.1)
        connection = library.app.service._supervisor.get(name).connection
        if connection is not None and connection.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # the one before has not been taken notice of yet
                os.kill(connection.pid, signal.SIGKILL)


async def _update(library: DynamicPlugins, folder: Path, name: str) -> None:
    await asyncio.sleep(0.05)
    await library.app.service.install_path(await asyncio.to_thread(write_plugin, folder / name, name, "2.0"))


async def _switch(library: DynamicPlugins, name: str) -> None:
    for _ in range(3):
        await asyncio.sleep(0.05)
        await library.app.service.deactivate(name)
        await asyncio.sleep(0.02)
        await library.app.service.activate(name)


def told(found: Found) -> dict[str, Any]:
    """Return what was found, for printing."""
    left = {"processes": found.processes, "folders": found.folders, "wrong": found.wrong[:5]}
    return {"seconds": round(found.seconds, 2), "calls": dict(found.ended.most_common()), "left": left}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--plugins", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(storm(Path(folder), options.calls, options.plugins))
    print(json.dumps(told(found), indent=1))
    raise SystemExit(0 if found.is_clean else 1)


if __name__ == "__main__":
    main()
