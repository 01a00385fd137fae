"""What is in the catalogue works: each entry is installed and started here, and what was seen is written into it.

usage: python -m evals.catalogue NAME… [--candidates FILE.jsonl] [--write] [--keep-broken] [--json OUT.jsonl] [--jobs N]

NAME is an entry of the bundled catalogue, ``--all`` means all of them. FILE has entries that are not in it yet, one a
line, as docs/registry.md describes them; with a FILE and no NAME all of its entries are looked at. Each is installed
in a home of its own, told made-up values for what it must be told (or what its ``told`` says, which is not kept), and
activated behind the fence; a few of its actions that only read are called. Where the entry says no permissions, it is
run without the fence first, to propose some. ``--write`` puts the entries into the catalogue: what a person has written
in them stays.

What does not install or start is left as it is, or with ``--keep-broken`` written with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import re
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.embedded.replies.action_nature import Ability, nature
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install.command import run
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.settings import Settings, Timeouts
from dynamic_plugins.text.secret_names import looks_secret
from dynamic_plugins.tools.plugin_details import size_of
from dynamic_plugins.tools.tool_formats import in_format
from evals.catalogue_entry import Seen, broken, entry_with, read_candidates, write_entries
from evals.compatibility import left_behind
from evals.invented import Inventor
from evals.package_facts import commands_of, declared_in, mentioned_in, named_as_missing, package_digest
from evals.permissions import learn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dynamic_plugins.plugin import Action

CALLS = 6
"""How many actions are tried at most, until one answers without a key."""
LEARNING_CALLS = 8
START, CALL = 120, 10
"""Seconds that a plugin may take to start, and to answer."""
_TRIES = 3
"""How often it is started: each time it may name another variable that it wants."""
_NOT_AN_ANSWER = re.compile(
    r"error|fail|unauthori|denied|invalid|not found|missing|unable|cannot|can't|could not|no results|timed? ?out"
    r"|not (available|connected|configured|set)|unavailable|api key|log ?in|sign in|authenticat",
    re.IGNORECASE,
)


async def look(entry: Mapping[str, Any], *, propose: bool = True) -> Seen:
    """Return what is seen of *entry* when it is installed and started here."""
    seen = Seen(entry["name"], told=dict(entry.get("told", {})))
    entry = {key: value for key, value in entry.items() if key != "told"}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if propose and "permissions" not in entry:
            await _propose(entry, seen, Path(folder))
        tried = {**entry, **({} if seen.proposed is None else {"permissions": seen.proposed})}
        home = Path(folder, "home")
        try:
            async with App(_settings(home, _registry(tried, Path(folder))), approve=approve_everything) as app:
                await _live(app, seen)
        except PluginError as error:
            seen.problem = f"{error.code}: {error}"
        except Exception as error:
            seen.problem = f"{type(error).__name__}: {error}"
        if left := left_behind(home):
            seen.problem = seen.problem or f"left behind: {left}"
    seen.seconds = round(time.monotonic() - begun, 1)
    return seen


def _registry(entry: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Return a registry that holds *entry* alone."""
    path = folder / "registry.json"
    path.write_text(json.dumps({"schema": 1, "plugins": [entry]}), encoding="utf-8")
    return (str(path),)


def _settings(home: Path, registries: tuple[str, ...]) -> Settings:
    settings = Settings.from_environment(home=home, registries=registries)
    return Settings(**{**vars(settings), "timeouts": Timeouts(start=START, call=CALL), "passphrase": "evaluation"})


async def _propose(entry: Mapping[str, Any], seen: Seen, folder: Path) -> None:
    """Run the plugin without the fence, told every key, to see what it reaches for.

    Nothing is proposed where that shows too little: its source names hosts, and none of them was reached for.
    """
    config = [
        {**each, "required": each.get("secret") or each.get("required", False)} for each in entry.get("config", ())
    ]
    for _ in range(_TRIES):
        registries = _registry({**entry, "config": config}, folder)
        learned = await learn(entry["name"], calls=LEARNING_CALLS, registries=registries)
        missing = {*named_as_missing(learned.detail, ())} - {each["name"] for each in config}
        if not missing:
            break
        config += [{"name": name, "required": True, "secret": looks_secret(name)} for name in sorted(missing)]
    seen.written = learned.written
    if not learned.detail and (learned.network or not learned.written):
        seen.proposed = learned.proposed


async def _live(app: App, seen: Seen) -> None:
    """Install, configure, start and call one plugin, and note down what is seen."""
    service, name = app.service, seen.name
    await service.install(name)
    seen.installs = True
    installation = app.store.get(name).installation
    seen.version, seen.package = installation.version, installation.package
    seen.package_type = installation.package_type
    seen.commands, seen.command = commands_of(installation)
    seen.declared, seen.mentioned = declared_in(installation), mentioned_in(installation)
    if installation.python is None:
        seen.node = (
            await run(name, ("node", "--version"), cwd=app.settings.home, environ=app.settings.environment)
        ).out
        seen.node = seen.node.strip().removeprefix("v")
    else:
        seen.python = platform.python_version()
    seen.sha256 = await package_digest(installation, app.settings)
    seen.size_bytes = size_of(installation.path)
    await _start(app, seen, Inventor(app.settings.home / "made-up"))
    seen.starts = True
    plugin = app.components.plugins[name]
    # Some servers tell in a description which folder they were given.
    made_up = str(app.settings.home / "made-up")
    seen.actions = {action.name: action.description.replace(made_up, "…") for action in plugin.actions}
    seen.tokens = _tokens(app)
    if not seen.secrets and not seen.told:
        await _call(app, seen, [*plugin.actions])
    await service.uninstall(name)


async def _start(app: App, seen: Seen, inventor: Inventor) -> None:
    """Activate the plugin, telling it what it must be told, and what it says that it lacks."""
    service = app.service
    for attempt in range(_TRIES):
        variables = [variable for variable, _ in await service.variables(seen.name)]
        needed = [each for each in variables if each.required and each.default is None]
        seen.secrets = [each.name for each in needed if each.is_secret]
        if values := {each.name: inventor.value_for(each) for each in needed} | seen.told:
            await service.configure(seen.name, values)
        try:
            await service.activate(seen.name)
        except PluginError as error:
            missing = [name for name in named_as_missing(str(error), seen.mentioned) if name not in values]
            if not missing or attempt == _TRIES - 1:
                raise
            seen.missing += missing
            _add_variables(app, seen.name, missing)
        else:
            return


def _add_variables(app: App, name: str, missing: list[str]) -> None:
    installation = app.store.get(name).installation
    kept = [each for each in installation.variables if each.name not in missing]
    added = [Variable(each, required=True, secret=looks_secret(each)) for each in missing]
    app.store.change(name, installation=replace(installation, variables=(*kept, *added)))


def _tokens(app: App) -> int:
    """Return what the plugin's tools cost in each request of a model's, counted as :mod:`benchmarks.tokens` does."""
    from benchmarks.tokens import tokens

    return sum(tokens(json.dumps(each["function"])) for each in in_format(app.toolbox.plugin_tools(), "openai"))


async def _call(app: App, seen: Seen, actions: list[Action]) -> None:
    """Call actions that only read until one answers; those that need the fewest arguments first."""
    reading = [each for each in actions if each.read_only or _reads(seen.name, each)]
    reading = [each for each in reading if not each.name.startswith("prompt_")]  # a prompt is a text, and no answer
    reading.sort(key=lambda each: len(each.parameters.get("required", ())))
    inventor = Inventor(app.settings.home / "made-up")
    for action in reading[:CALLS]:
        try:
            value = await app.service.call(seen.name, action.name, inventor.arguments_for(dict(action.parameters)))
        except PluginError:
            continue
        if not _NOT_AN_ANSWER.search(str(value)[:300]):
            seen.keyless, seen.answered = True, action.name
            return


def _reads(plugin: str, action: Action) -> bool:
    return action.read_only is None and nature(Ability(plugin, action.name, action.description)) == "reads"


async def look_at_all(
    entries: list[dict[str, Any]],
    jobs: int,
    *,
    propose: bool = True,
    done: Callable[[dict[str, Any], Seen], None] = lambda *_: None,
) -> list[Seen]:
    """Look at several at once, and return what is seen in the order given; *done* is told of each when it is."""
    places = asyncio.Semaphore(jobs)

    async def one(entry: dict[str, Any]) -> Seen:
        async with places:
            seen = await look(entry, propose=propose)
        done(entry, seen)
        told = seen.problem[:200] or f"{len(seen.actions)} actions, key: {seen.needs_key}"
        print(f"{seen.name}: {told}", file=sys.stderr)
        return seen

    return await asyncio.gather(*map(one, entries))


def shown(all_seen: list[Seen]) -> str:
    """Return the table, and a line that sums it up."""
    rows = [("plugin", "version", "installs", "starts", "actions", "tokens", "needs key", "s", "")]
    for each in all_seen:
        flags = ("yes" if each.installs else "no", "yes" if each.starts else "no")
        counts = (str(len(each.actions)), str(each.tokens))
        key = each.needs_key if each.starts else ""
        rows.append((each.name, each.version, *flags, *counts, key, str(each.seconds), each.problem[:160]))
    widths = [max(len(row[index]) for row in rows) for index in range(8)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row[:8], widths, strict=True)) for row in rows]
    table = [f"{line}  {row[8]}".rstrip() for line, row in zip(lines, rows, strict=True)]
    installed, started = (sum(getattr(each, what) for each in all_seen) for what in ("installs", "starts"))
    keyless = sum(each.keyless for each in all_seen)
    keyed = sum(bool(each.secrets) for each in all_seen if each.starts)
    table.append(
        f"tried: {len(all_seen)}, installed: {installed}, started behind the fence: {started}, "
        f"answered without a key: {keyless}, need a key: {keyed}"
    )
    return "\n".join(table)


def chosen(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the entries to look at. Raises SystemExit for a name that is none."""
    bundled = read_candidates(SNAPSHOT)
    given = read_candidates(arguments.candidates) if arguments.candidates else []
    known = {each["name"]: each for each in (*bundled, *given)}
    names = arguments.names or [each["name"] for each in (bundled if arguments.all else given)]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no entry is called {', '.join(unknown)}")
    return [known[name] for name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true", help="every entry of the bundled catalogue")
    parser.add_argument("--candidates", type=Path, help="entries that are not in it yet, one a line")
    parser.add_argument("--write", action="store_true", help="put what was seen into the catalogue")
    parser.add_argument("--keep-broken", action="store_true", help="with --write, what does not work as well")
    parser.add_argument("--no-proposals", action="store_true", help="propose no permissions where an entry has none")
    parser.add_argument("--into", type=Path, default=SNAPSHOT, help="another file than the bundled catalogue")
    parser.add_argument("--json", type=Path, help="all that was seen, one plugin a line")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    if arguments.json:
        arguments.json.write_text("")

    def done(entry: dict[str, Any], seen: Seen) -> None:
        # At once: what is interrupted keeps what it has.
        if arguments.write and (seen.starts or arguments.keep_broken):
            new = entry_with(entry, seen, day) if seen.starts else broken(entry, seen)
            write_entries([new], day, arguments.into)
        if arguments.json:
            with arguments.json.open("a") as file:
                file.write(json.dumps(asdict(seen)) + "\n")

    looked = look_at_all(chosen(arguments), arguments.jobs, propose=not arguments.no_proposals, done=done)
    all_seen = asyncio.run(looked)
    print(shown(all_seen))
    return 1 if any(not each.starts for each in all_seen) else 0


if __name__ == "__main__":
    raise SystemExit(main())
