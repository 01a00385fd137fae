"""``configure``: values as they were typed, from the environment, or asked for one after the other."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.core.permissions import FileAccess
from dynamic_plugins.core.status import status_in_words
from dynamic_plugins.errors import BadArgumentsError, NeedsConfigurationError
from dynamic_plugins.lifecycle.variables import check_path, variable_among
from dynamic_plugins.settings import is_forbidden, is_the_persons_own
from dynamic_plugins.workers.fence.configured_values import expanded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.settings import Settings


async def configure(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``configure``: set values; what is missing is asked for at a terminal, secrets without echo."""
    # Names may stand before --from-env or after it: `configure --from-env NAME`, `configure NAME --from-env KEY`.
    from_env, words = arguments.from_env is not None, [*arguments.values, *(arguments.from_env or ())]
    plugin = arguments.name or (words.pop(0) if words else "")
    if not plugin:
        return out.wrong_usage("Give the NAME of a plugin.")
    async with App(settings, door="terminal") as app:
        values: dict[str, str] = {}
        named: list[str] = []
        for pair in words:
            name, equals, value = pair.partition("=")
            if equals:
                values[name] = value
            elif from_env:
                named.append(name)
            else:
                return out.wrong_usage(f"{name!r} is not KEY=VALUE.")
        known = [variable for variable, _ in await app.service.variables(plugin)]
        for name, value in values.items():
            check_typed(plugin, known, name, value, undeclared=arguments.undeclared)
        taken: dict[str, str] = {}
        if from_env:
            taken, left, absent = _from_environment(plugin, known, named, settings.environment)
            if absent:
                return out.wrong_usage(f"{', '.join(absent)}: not set in the environment.")
            taken = {name: value for name, value in taken.items() if name not in values}
            if left := [name for name in left if name not in values]:
                out.aside(f"Only its source mentions {', '.join(left)}: not taken. Name what it may have.")
            values = taken | values
        if not values and prompts.at_a_terminal():
            await ask_settings(app, plugin, out)
        outcome = await app.service.configure(plugin, values)
        for warning in _unusual_paths(plugin, known, values, settings):
            out.aside(warning, "yellow")
        return await _report(app, plugin, outcome, out, taken if from_env else None)


def _unusual_paths(
    plugin: str, known: Sequence[Variable], values: Mapping[str, str], settings: Settings
) -> Iterator[str]:
    """Yield what somebody should know who has just named a path to *plugin*, which may reach it from now on."""
    from dynamic_plugins.lifecycle.reach_limits import ReachLimits  # most settings are no paths

    home = os.path.expanduser("~")  # noqa: PTH111
    limits = ReachLimits(home, settings.home)
    for name, value in values.items():
        variable, path = variable_among(plugin, known, name), expanded(value, home)
        if variable.format != "filepath" or variable.is_secret or not os.path.isabs(path):  # noqa: PTH117
            continue
        if reason := limits.reason_against(FileAccess(path)):
            yield f"What you named as {variable.name} may be within its reach now, and {reason}."


async def _report(app: App, plugin: str, outcome: Outcome, out: Output, taken: Mapping[str, str] | None) -> int:
    more: dict[str, Any] = {}
    if taken is not None:
        more = {"from_env": sorted(taken)}
        out.say(f"From the environment: {', '.join(sorted(taken)) or 'nothing'}.")
    missing = [each.name for each in outcome.info.required_env_vars if not each.is_set]
    if missing:
        error = NeedsConfigurationError(outcome.info.name, missing)
        return out.failure(error, plugin=outcome.info.to_dict(), **more)
    if out.as_json:
        names = [variable.name for variable, is_set in await app.service.variables(plugin) if is_set]
        out.document({"ok": True, **outcome.info.to_dict(), "set": names, **more})
    out.say(f"{outcome.info.name} is configured: {status_in_words(outcome.info.status)}.")
    return DONE


def check_typed(plugin: str, known: Sequence[Variable], name: str, value: str, *, undeclared: bool = False) -> None:
    """Raise BadArgumentsError for a name that *plugin* does not declare, and for a path that leads nowhere.

    A slip in a name would be kept and never read. A plugin that declares nothing may read anything.
    """
    variable = variable_among(plugin, known, name)
    declared = [each.name for each in known]
    if known and variable.name not in declared and not undeclared and not is_the_persons_own(variable.name):
        from difflib import get_close_matches

        by_upper = {each.upper(): each for each in declared}
        near = get_close_matches(variable.name.upper(), by_upper, 1)
        hint = f"Did you mean {by_upper[near[0]]}?" if near else f"There are: {', '.join(declared)}."
        lacks = f"it declares no {variable.name}. {hint}"
        raise BadArgumentsError(plugin, f"{lacks} To set it all the same, add --undeclared.", for_model=lacks)
    if variable.format == "filepath" and not variable.is_secret:
        check_path(plugin, variable.name, value)


async def ask_settings(app: App, plugin: str, out: Output) -> None:
    """Ask the person for what is missing and, if they want to, for the rest; each answer is kept at once.

    Raises SecretStoreError before the first question where a secret is required and there is no place to keep it.
    """
    unset = [variable for variable, is_set in await app.service.variables(plugin) if not is_set]
    required = [variable for variable in unset if variable.required and variable.default is None]
    optional = [variable for variable in unset if variable not in required]
    if any(variable.is_secret for variable in required):
        await asyncio.to_thread(lambda: app.configuration.vault)
    for variable in required:
        await _ask_for(app, plugin, variable, out)
    if not optional:
        return
    names = ", ".join(variable.name for variable in optional)
    if not await prompts.wants(f"{len(optional)} more can be set: {names}. Set them now?"):
        return
    if any(variable.is_secret for variable in optional):
        await asyncio.to_thread(lambda: app.configuration.vault)
    for variable in optional:
        await _ask_for(app, plugin, variable, out)


async def _ask_for(app: App, plugin: str, variable: Variable, out: Output) -> None:
    while values := await prompts.values_for([variable]):
        try:
            check_typed(plugin, [variable], variable.name, values[variable.name])
            await app.service.configure(plugin, values)
        except BadArgumentsError as error:
            out.aside(error.for_person(), "red")
        else:
            return


def _from_environment(
    plugin: str, known: Sequence[Variable], named: Sequence[str], environment: Mapping[str, str]
) -> tuple[dict[str, str], list[str], list[str]]:
    """Return what is taken from *environment*, what only its source mentions, and which of *named* are not there.

    What the plugin declares is taken unasked. What its source merely mentions may be anybody's key, so that is taken
    only where the person *named* it. Raises :class:`BadArgumentsError` for a name that no plugin may have.
    """
    wanted = [variable_among(plugin, known, said).name for said in named]
    there = [v for v in known if environment.get(v.name) and not is_forbidden(v.name)]
    names = [*(v.name for v in there if not v.found), *(name for name in wanted if environment.get(name))]
    left = [v.name for v in there if v.found and v.name not in wanted]
    return {name: environment[name] for name in names}, left, [name for name in wanted if not environment.get(name)]
