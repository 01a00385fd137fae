"""A look at everything that a killed host has left: processes, the state, the plugins, the disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

import psutil

from evals.lanes import COMMAND_SECONDS, OLD, OTHER, SERVER, Lane, Verb, Violation, environment

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.app import App

ORPHAN_SECONDS = 10.0


def wait_for_orphans(home: Path) -> None:
    """Wait until no process belongs to *home*; raise Violation when some do not end."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while left := processes_of(home):
        if time.monotonic() > deadline:
            raise Violation(f"lives on: {left}")
        time.sleep(0.05)


def processes_of(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                words = process.cmdline()
                if process.cwd().startswith(str(home)) or any(str(home) in word for word in words):
                    found.append(" ".join(words))
    return found


async def look(lane: Lane, verb: Verb) -> str:
    """Return what a new process finds of the plugin; raise Violation where it is neither whole nor absent."""
    async with lane.app() as app:
        stored = app.store.read()
        told = await app.service.call(OTHER, "tell", {})
        if not told["runs"]:
            raise Violation(f"{OTHER} answers without its service")
        if verb.plugin not in stored:
            if None not in verb.versions:
                raise Violation("it is gone")
            return "absent"
        version = await _whole(app, verb)
    return f"whole, {version}" if verb.name == "update" else "whole"


async def _whole(app: App, verb: Verb) -> str:
    service = app.service
    info = await service.info(verb.plugin)
    if "configure" in verb.before and not all(each.is_set for each in info.required_env_vars) and not verb.may_forget:
        raise Violation("it has forgotten what it was told")
    if info.required_env_vars and not all(each.is_set for each in info.required_env_vars):
        await service.configure(verb.plugin, OLD)
    if "activate" in verb.before and info.status != "active" and not verb.may_forget:
        raise Violation(f"it is {info.status}, not active")
    await service.activate(verb.plugin)
    if verb.plugin == SERVER:
        await service.call(SERVER, "get_current_time", {"timezone": "UTC"})
        return info.version
    told = await service.call(verb.plugin, "tell", {})
    if told["version"] != info.version or info.version not in verb.versions:
        raise Violation(f"{told['version']} answers for {info.version}")
    if not told["runs"]:
        raise Violation("it answers without its service")
    words = {"old", "new"} if verb.name == "configure" else {"old"}
    if told["word"] not in words or told["key"] not in words:
        raise Violation(f"it was told {told['word']} and {told['key']}")
    return info.version


def next_command(lane: Lane, verb: Verb, *, by_command: bool) -> bool:
    """Do what the next command does, and hold the disk to what the state says; say whether something was swept."""
    before = scraps(lane)
    if by_command:
        command = lane.command("install", verb.plugin, "--yes")
        limit = COMMAND_SECONDS
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment(), check=False)
        if done.returncode != 0:
            raise Violation(f"the next command fails: {done.stdout[-300:]} {done.stderr[-300:]}")
    else:
        asyncio.run(_install(lane, verb))
    if left := scraps(lane):
        raise Violation(f"not swept: {left}")
    return bool(before)


async def _install(lane: Lane, verb: Verb) -> None:
    async with lane.app() as app:
        app.sweep()
        await app.service.install(verb.plugin)


def scraps(lane: Lane) -> list[str]:
    """Return what lies in the home and belongs to no plugin of the state."""
    stored = lane.app().store.everything().values()
    known = {plugin.installation.path for plugin in stored}
    known |= {plugin.kept.installation.path for plugin in stored if plugin.kept}
    versions = [each for each in lane.settings.plugins_dir.glob("*/*") if str(each) not in known]
    empty = [each for each in lane.settings.plugins_dir.glob("*") if each.is_dir() and not any(each.iterdir())]
    return [str(each.relative_to(lane.home)) for each in (*versions, *empty, *lane.home.rglob("*.tmp"))]


async def leave(lane: Lane, verb: Verb) -> None:
    """Uninstall the plugin; raise Violation when something of it stays."""
    async with lane.app() as app:
        await app.service.uninstall(verb.plugin)
        left = [str(each) for each in lane.home.rglob(f"*{verb.plugin}-*") if each.suffix != ".lock"]
        told = app.configuration
        if told.names(verb.plugin) or told.secrets() or told.vault.get(f"{verb.plugin}/PROBE_KEY"):
            left.append("what it was told")
        if left:
            raise Violation(f"outlives uninstall: {left}")
    if not lane.app().store.read().keys() <= {OTHER}:
        raise Violation("it outlives uninstall in the state")
