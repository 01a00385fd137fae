"""``init``, ``lock`` and ``sync``: a project's set of plugins, and the home that follows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE, FAILED, NEEDS_CONFIGURATION, exit_code
from dynamic_plugins.cli.verb_results import as_patient
from dynamic_plugins.core.status import status_in_words
from dynamic_plugins.errors import PluginError, ProjectFileError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine, Mapping

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.project.locked_set import LockedPlugin, LockedSet
    from dynamic_plugins.project.project_set import Standing, Synced
    from dynamic_plugins.settings import Settings

_DONE = {"install": "installed", "update": "updated", "change": "changed", "remove": "removed"}


async def init(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``init``: write a ``plugins.toml`` with the plugins of this home."""
    from dynamic_plugins.project.written_set import text_of

    file = _file(arguments)
    app = App(settings, door="terminal")
    home = app.store.read()
    text = text_of(home, app.configuration, file.parent)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise ProjectFileError(str(file), "it is there already, and what was written into it stays") from None
    if out.as_json:
        out.document({"ok": True, "file": str(file), "plugins": list(home)})
    out.say(f"{file} is written, with {_plugins(len(home))}. Lock them with: dynamic-plugins lock")
    return DONE


async def lock(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``lock``: write down exactly what the plugins of ``plugins.toml`` come to."""
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.project.locking import EVERYTHING

    upgrade = () if arguments.upgrade is None else arguments.upgrade or (EVERYTHING,)
    with Screen(out) as screen:
        async with App(as_patient(settings, arguments), listener=screen.listen, door="terminal") as app:
            sets = app.project_sets()
            before, after = await sets.lock(_file(arguments), upgrade)
    changed = before.plugins != after.plugins
    if out.as_json:
        told = [_locked(each, before.plugins.get(name)) for name, each in after.plugins.items()]
        gone = sorted(before.plugins.keys() - after.plugins.keys())
        document = {"ok": True, "file": str(after.file), "changed": changed, "plugins": told, "removed": gone}
        out.document(document | ({"notices": sets.notices} if sets.notices else {}))
    for line in _lock_lines(before, after):
        out.say(line)
    for notice in sets.notices:
        _aside(out, notice)
    out.say(f"{after.file}: {_plugins(len(after.plugins))}, {'written' if changed else 'nothing has changed'}.")
    return DONE


def _locked(plugin: LockedPlugin, old: LockedPlugin | None) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "before": old.version if old is not None else None,
        "changed": plugin != old,
        "packages": plugin.packages.count,
    }


def _lock_lines(before: LockedSet, after: LockedSet) -> list[str]:
    lines = []
    for name, plugin in after.plugins.items():
        old = before.plugins.get(name)
        if old is None:
            count = plugin.packages.count
            lines.append(
                f"{name} {plugin.version}" + (f", {count} package{'' if count == 1 else 's'}" if count else "")
            )
        elif old.version != plugin.version:
            lines.append(f"{name} {old.version} to {plugin.version}")
        elif old != plugin:
            lines.append(f"{name} {plugin.version}: something of it is another")
    return [*lines, *(f"{name}: no longer wanted" for name in sorted(before.plugins.keys() - after.plugins.keys()))]


async def sync(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``sync``: make this home as ``plugins.toml`` and its lock say."""
    if arguments.check and arguments.yes:
        return out.wrong_usage("--check changes nothing, so there is nothing to agree to with --yes.")
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        settings = as_patient(settings, arguments)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            app.sweep()
            sets = app.project_sets()
            how = {"frozen": arguments.frozen, "prune": arguments.prune, "look_only": arguments.check}
            standing = await sets.standing(_file(arguments), **how)
            for notice in sets.notices:
                screen.note(notice)
            if arguments.check:
                return _checked(standing, out)
            synced = await sets.sync(standing)
            screen.settle()
            code = _report(app, standing, synced, out)
            if synced.missing and not arguments.yes and not out.as_json and prompts.at_a_terminal():
                code = await _asked_for_the_rest(app, synced, out)
    return code


def _checked(standing: Standing, out: Output) -> int:
    """Tell what would change, and return whether that is nothing."""
    if out.as_json:
        changes = [
            {"name": each.name, "change": each.what, "lines": list(each.lines)} for each in standing.home.changes
        ]
        told: dict[str, Any] = {"ok": standing.is_in_step, "unlocked": list(standing.unlocked), "changes": changes}
        out.document({**told, "others": list(standing.home.others)})
    for problem in standing.unlocked:
        out.say(f"{standing.lock.file.name}: {problem}.")
    for line in standing.home.lines:
        out.say(line)
    if standing.is_in_step:
        out.say(f"This home is as {standing.wanted.file} says.")
    return DONE if standing.is_in_step else FAILED


def _report(app: App, standing: Standing, synced: Synced, out: Output) -> int:
    """Tell what was done and what is left to do; return how the command ends."""
    failed = synced.outcome.failed
    changed = [change.name for change in standing.home.changes]
    if out.as_json:
        out.document(
            {
                "ok": not failed and not synced.missing and not synced.unknown_actions,
                "file": str(standing.wanted.file),
                "locked": bool(standing.unlocked),
                "changes": [_change(app, each.name, each.what) for each in standing.home.changes],
                "missing": {name: list(names) for name, names in synced.missing.items()},
                "failed": {name: error.to_dict() for name, error in failed.items()},
                "unknown_actions": list(synced.unknown_actions),
                "others": [name for name in standing.home.others if name not in changed],
            }
        )
    for change in standing.home.changes:
        info = app.service.info_of(change.name)
        now = "" if info is None else f", {status_in_words(info.status).removeprefix('installed, ')}"
        out.say(f"{change.name}{'' if info is None else f' {info.version}'}: {_DONE[change.what]}{now}.")
    if not changed:
        out.say(f"This home is as {standing.wanted.file} says.")
    left = [name for name in standing.home.others if name not in changed]
    if left:
        out.say(f"Not in {standing.wanted.file.name}, and left as they are: {', '.join(left)}. --prune removes them.")
    return _left_to_do(synced, out)


def _change(app: App, name: str, what: str) -> dict[str, Any]:
    info = app.service.info_of(name)
    return {"name": name, "change": what, **({"version": info.version, "status": str(info.status)} if info else {})}


def _left_to_do(synced: Synced, out: Output) -> int:
    """Tell what a person has to do yet; return how the command ends."""
    code = DONE
    for told in synced.unknown_actions:
        code = FAILED
        _aside(out, told)
    for name, error in synced.outcome.failed.items():
        if name not in synced.missing:
            code = exit_code(error.code)
            _aside(out, f"{name} is not switched on: {error.for_person()}")
    for name, names in synced.missing.items():
        code = NEEDS_CONFIGURATION
        _aside(out, f"{name} needs {', '.join(names)}. Enter {_it(names)} with: dynamic-plugins configure {name}")
    return code


def _it(names: tuple[str, ...]) -> str:
    return "it" if len(names) == 1 else "them"


def _aside(out: Output, text: str) -> None:
    if not out.as_json:
        out.aside(text)


async def _asked_for_the_rest(app: App, synced: Synced, out: Output) -> int:
    """Ask for what plugins wait for, and switch on those that waited for it."""
    from dynamic_plugins.cli.configure_command import ask_settings

    for name in synced.missing:
        await ask_settings(app, name, out)
    code = DONE
    for name in _waiting(synced.outcome.failed, synced.missing):
        try:
            outcome = await app.service.activate(name)
            out.say(f"{name} {outcome.info.version}: {status_in_words(outcome.info.status)}.")
        except PluginError as error:
            code = out.failure(error)
    return code


def _waiting(failed: Mapping[str, PluginError], missing: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [name for name in failed if name in missing]


def _file(arguments: argparse.Namespace) -> Path:
    return Path(arguments.file).expanduser().absolute()


def _plugins(count: int) -> str:
    return f"{count} plugin{'' if count == 1 else 's'}"


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "init": init,
    "lock": lock,
    "sync": sync,
}
