"""What came of a verb on several plugins: done at once, printed in the order given, one exit code for all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE, exit_code
from dynamic_plugins.errors import PluginError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Iterable

    from dynamic_plugins.app import App
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.settings import Settings

Result = dict[str, Any]


def as_patient(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """Return *settings*, without the cooldown where the person lifts it."""
    return replace(settings, cooldown_days=0) if arguments.no_cooldown else settings


async def verbs(
    out: Output,
    app: App,
    names: Iterable[str],
    verb: Callable[[str], Awaitable[Outcome]],
    *,
    say: Callable[[Outcome], str] = render.outcome,
) -> int:
    """Do *verb* to every plugin named, at once, and print what came of each in the order given, as *say* puts it."""
    names = list(names)
    outcomes = await asyncio.gather(*(verb(name) for name in names), return_exceptions=True)
    results: list[Result] = []
    code = DONE
    for said, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, PluginError):
            code = noted(results, outcome, out, plugin=await facts(app, said))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            results.append(outcome_document(app, outcome))
            out.say(say(outcome))
    print_results(out, results)
    return code


def outcome_document(app: App, outcome: Outcome) -> Result:
    """Return what a verb did, as JSON."""
    result: Result = {"ok": True, **outcome.info.to_dict(), "changed": outcome.changed}
    if outcome.note:
        result["note"] = outcome.note
    if outcome.withheld:
        result["withheld"] = list(outcome.withheld)
    if outcome.left_out:
        result["left_out"] = list(outcome.left_out)
    if outcome.changes:
        result["changes"] = list(outcome.changes)
    if (plugin := app.components.plugins.get(outcome.info.name)) is not None:
        result["actions"] = [action.name for action in plugin.actions]
    return result


async def facts(app: App, said: str) -> Result | None:
    """Return what is known of the plugin that a verb failed on, when it is installed."""
    try:
        return (await app.service.info(said)).to_dict()
    except PluginError:
        return None


def noted(results: list[Result], error: PluginError, out: Output, plugin: Result | None = None) -> int:
    """Put *error* among *results*, tell it to a person, and return its exit code."""
    results.append({"ok": False, "error": error.to_dict()} | ({"plugin": plugin} if plugin else {}))
    if not out.as_json:
        out.failure(error)
    return exit_code(error.code)


def print_results(out: Output, results: list[Result]) -> None:
    """Print *results* as one document, where a program reads."""
    if not out.as_json:
        return
    if len(results) == 1:
        out.document(results[0])
    else:
        out.document({"ok": all(each["ok"] for each in results), "results": results})
