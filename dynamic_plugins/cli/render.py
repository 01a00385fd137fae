"""How results look to a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.cli.doctor import Check
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.core.status import DynamicPluginInfo, Outcome
    from dynamic_plugins.tools.toolbox import Tool


def matches(out: Output, result: dict[str, Any]) -> None:
    """Show a search's result as a table."""
    if result["plugins"]:
        table(out, ("plugin", "what it does", ""), [_match(each) for each in result["plugins"]])
    out.say(f"{len(result['plugins'])} of {result['known']} known plugins.")
    for notice in result.get("notices", []):
        out.aside(notice)


def _match(plugin: dict[str, Any]) -> tuple[str, str, str]:
    state = plugin.get("status") or plugin.get("unavailable") or ""
    if not state and plugin.get("needs"):
        state = "needs " + ", ".join(plugin["needs"])
    return plugin["name"], plugin["description"], state


def tools(out: Output, offered: Sequence[Tool]) -> None:
    """Show what can be called now as a table."""
    from dynamic_plugins.tools.management import one_line

    # A description goes on to tell the model when to use the tool; a person wants its first sentence.
    rows = [(tool.name, one_line(tool.action.description).split(". ")[0].removesuffix(".")) for tool in offered]
    table(out, ("tool", "what it does"), rows)


def commands(out: Output, told: Mapping[str, str]) -> None:
    """Show what else can be typed in a conversation."""
    table(out, ("command", "shows"), list(told.items()))


def status(out: Output, infos: Sequence[DynamicPluginInfo]) -> None:
    """Show installed plugins as a table."""
    if not infos:
        out.say("No plugin is installed. Find one with: dynamic-plugins list WHAT IT SHOULD DO")
        return
    rows = []
    for info in infos:
        missing = [each.name for each in info.required_env_vars if not each.is_set]
        note = "needs " + ", ".join(missing) if missing else ""
        rows.append((info.name, info.version, info.kind, str(info.status), note))
    table(out, ("plugin", "version", "kind", "status", ""), rows)
    for info in infos:
        if info.error_details:  # too long for a column
            out.say(f"{info.name}: {info.error_details}")


def sources(out: Output, told: Sequence[dict[str, Any]]) -> None:
    """Show the registries as a table."""
    rows = []
    for each in told:
        note = each["problem"] or (f"{each['skipped']} entries skipped" if each["skipped"] else "")
        trusted = "yes" if each["trusted"] else "no"
        rows.append((each["name"], each["location"], str(each["entries"]), each["fetched_at"] or "", trusted, note))
    table(out, ("registry", "where", "plugins", "fetched", "trusted", ""), rows)


def resolution(answer: dict[str, Any]) -> str:
    """Return what a name means, in a sentence."""
    names = ", ".join(each["name"] for each in answer["candidates"])
    match answer["kind"]:
        case "exact":
            said = f"{answer['query']} is {answer['name']}"
            return said + (f"\n  {answer['warning']}" if answer.get("warning") else "")
        case "ambiguous":
            return f"{answer['query']} could be {names}"
        case "suggestions":
            return f"{answer['query']} is not known; similar: {names}"
        case _:
            return f"{answer['query']} is not known"


def outcome(done: Outcome) -> str:
    """Return what a verb did, in a sentence."""
    info = done.info
    if done.note:
        return done.note
    missing = [each.name for each in info.required_env_vars if not each.is_set]
    needs = f" It needs {', '.join(missing)}: dynamic-plugins configure {info.name}" if missing else ""
    reads = " It is shown each finished turn of a conversation." if done.reads_turns else ""
    return f"{info.name} {info.version}: {info.status}.{needs}{reads}"


def value(result: Any) -> str:
    """Return an action's value as text: a text as it is, anything else as JSON."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, indent=2)


def checks(out: Output, results: Sequence[Check]) -> None:
    """Show what the doctor found."""
    rows = [("ok" if check.ok else "missing", check.name, check.found, check.remedy) for check in results]
    table(out, ("", "what", "found", "remedy"), rows, name=1)
