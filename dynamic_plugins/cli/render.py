"""How results look to a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli.registry_status import age_in_words, registry_in_words, standing_in_words
from dynamic_plugins.core.permission_text import permission_lines
from dynamic_plugins.core.permissions import permissions_from_json
from dynamic_plugins.core.status import status_in_words
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.text.printable import one_line
from dynamic_plugins.tools.management import DEFAULT_LIMIT
from dynamic_plugins.tools.plugin_details import size_in_words, use_in_words, verified_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.cli.doctor import Check
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.core.status import DynamicPluginInfo, Outcome
    from dynamic_plugins.tools.tool_formats import Tool

_READABLE = 20
"""A column of prose narrower than this is no longer read with ease."""
_GAP = 3
_MOST_LEFT_OUT = 8


def matches(out: Output, result: dict[str, Any], more: str, limit: int = DEFAULT_LIMIT) -> None:
    """Show a search's result as a table; where it was cut at *limit*, *more* says how to see the rest.

    All about the plugin that was named exactly goes before it.
    """
    if "plugin" in result:
        details(out, result["plugin"])
    if "plugin" in result and [each["name"] for each in result["plugins"]] == [result["plugin"]["name"]]:
        return _asides(out, result)
    if "plugin" in result:
        out.say("")
    if result["plugins"]:
        table(out, ("plugin", "what it does", ""), [_match(each) for each in result["plugins"]])
    count, known = len(result["plugins"]), f"of {result['known']} known plugins"
    if not count:
        out.say(f"None {known} fits.")
    elif count < limit:
        out.say(f"{count} {known}; no other fits.")
    else:
        out.say(f"The first {count} {known}.")
        out.aside(more)
    return _asides(out, result)


def _asides(out: Output, result: dict[str, Any]) -> None:
    for notice in result.get("notices", []):
        out.aside(notice)
    if shown := result.get("registries"):
        out.aside(f"Registries: {'; '.join(registry_in_words(each) for each in shown)}.")


def _match(plugin: dict[str, Any]) -> tuple[str, str, str]:
    state = status_in_words(plugin["status"]) if plugin.get("status") else plugin.get("unavailable") or ""
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


def status(out: Output, infos: Sequence[DynamicPluginInfo], *, whole: bool = False) -> None:
    """Show installed plugins as a table; of a single one, *whole*, also what it may reach."""
    if not infos:
        out.say("No plugin is installed. Find one with: dynamic-plugins list WHAT IT SHOULD DO")
        return
    rows = []
    for info in infos:
        missing = [each.name for each in info.required_env_vars if not each.is_set]
        unlisted = UNLISTED if info.source == UNLISTED else ""
        pinned = "pinned" if info.pinned else ""
        note = "; ".join(filter(None, (unlisted, pinned, "needs " + ", ".join(missing) if missing else "")))
        rows.append((info.name, info.version, info.kind, status_in_words(info.status), note))
    table(out, ("plugin", "version", "kind", "status", ""), rows)
    for info in infos:
        if info.address:
            out.say(f"{info.name}: runs at {info.address}{_reached(info)}")
        if info.error_details:  # too long for a column
            out.say(f"{info.name}: {info.error_details}")
    if whole:
        permissions(out, infos[0].permissions, infos[0].enforced)
        if before := infos[0].version_before:
            out.say(f"  before   {before}; to go back to it: dynamic-plugins rollback {infos[0].name}")


def _reached(info: DynamicPluginInfo) -> str:
    """Return since when the server of what runs elsewhere is known to be there, or not to be."""
    server = info.reachable
    if server is None:
        return ""
    return f", reached since {server.since}" if not server.problem else f"; since {server.since} {server.problem}"


def permissions(out: Output, granted: Permissions, enforced: Enforcement) -> None:
    """Show what a plugin may reach, three lines: network, files, programs."""
    for name, text in permission_lines(granted, enforced).items():
        out.say(f"  {name:<8} {text}")


def details(out: Output, told: Mapping[str, Any]) -> None:
    """Show all about one plugin."""
    out.say(": ".join(filter(None, (told["name"], told.get("description")))))
    if told.get("problem"):
        out.say(f"  problem  known not to work here: {told['problem']}")
    if "status" in told:
        out.say(f"  status   {status_in_words(told['status'])}, version {told['installed_version']}")
    for package in told.get("packages", ()):
        out.say(f"  package  {package['type']} {package['name']} {package['version'] or '(latest)'}")
    if (remote := told.get("remote")) is not None:
        out.say(f"  remote   {remote['url']} ({remote['transport']}, sign-in: {remote['auth']})")
    for label, key in (("listed", "registry"), ("source", "repository")):
        if told.get(key):
            out.say(f"  {label:<8} {told[key]}")
    for label, text in _more_of(told):
        out.say(f"  {label:<8} {text}")
    permissions(out, *permissions_from_json(told["permissions"]))
    for each in told.get("config", ()):
        need = "required" if each["required"] else "optional"
        need += "" if "set" not in each else ", set" if each["set"] else ", not set"
        out.say(f"  setting  {each['name']} ({need}){': ' if each['description'] else ''}{each['description']}")
    for each in told.get("actions", ()):
        out.say(f"  action   {': '.join(filter(None, (each['name'], each['description'])))}")


def _more_of(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what else is known of one plugin, each with what it is about."""
    if told.get("runs_as"):
        yield "runs as", str(told["runs_as"])
    if told.get("publisher"):
        yield "by", str(told["publisher"])
    if told.get("aliases"):
        yield "called", ", ".join(told["aliases"])
    if told.get("categories"):
        yield "for", ", ".join(told["categories"])
    if used := use_in_words(told):
        yield "used", used
    if told.get("verified"):
        yield "seen", verified_in_words(told["verified"])
    if told.get("size_bytes"):
        yield "size", f"{size_in_words(told['size_bytes'])} on this disk"
    if told.get("instructions"):
        yield "says", one_line(told["instructions"])
    if told.get("tokens"):
        yield "costs", f"about {told['tokens']:,} tokens of each request to a model while it is active"


def sources(out: Output, told: Sequence[dict[str, Any]]) -> None:
    """Show the registries as a table."""
    rows = []
    for each in told:
        trusted = "yes" if each["trusted"] else "no"
        rows.append(
            (
                each["name"],
                each["location"],
                str(each["entries"]),
                age_in_words(each),
                trusted,
                "; ".join(standing_in_words(each)),
            )
        )
    table(out, ("registry", "where", "plugins", "as of", "trusted", ""), rows)


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
    waits = f"\n{withheld(info.name, done.withheld)}" if done.withheld else ""
    new = "".join(f"\n  {line}" for line in (*_shortened(done.left_out), *done.changes))
    return f"{info.name} {info.version}: {status_in_words(info.status)}.{needs}{reads}{waits}{new}"


def _shortened(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - _MOST_LEFT_OUT
    return [*sentences[:_MOST_LEFT_OUT], *([f"and {more} more"] if more > 0 else [])]


def withheld(name: str, waiting: Sequence[str]) -> str:
    """Return, in a sentence, what a plugin offers otherwise than was agreed to."""
    return (
        f"{name}: not used, since it is new or has changed since you agreed: {', '.join(waiting)}. "
        f"To see the difference and decide: dynamic-plugins activate {name}"
    )


def revoked(name: str, sentence: str) -> str:
    """Return, in a sentence, that a plugin is revoked."""
    return f"{name}: {sentence}. To remove it: dynamic-plugins uninstall {name}"


def audit(out: Output, lines: Sequence[dict[str, Any]]) -> None:
    """Show what was noted of consents, installs and refusals as a table, the oldest first."""
    if not lines:
        out.say("Nothing is noted.")
        return
    keys = ("at", "user", "door", "what", "plugin", "version", "answer", "detail")
    rows = [[str(line.get(key, "")) for key in keys] for line in lines]
    table(out, ("when", "who", "door", "what", "plugin", "version", "answer", ""), rows, name=4)


def value(result: Any) -> str:
    """Return an action's value as text: a text as it is, anything else as JSON."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, indent=2)


def checks(out: Output, results: Sequence[Check]) -> None:
    """Show what the doctor found."""
    rows = [("ok" if check.ok else "missing", check.name, check.found, check.remedy) for check in results]
    table(out, ("", "what", "found", "remedy"), rows, name=1)


def table(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int = 0) -> None:
    """Show *rows* under *columns*; the one at *name* is there to be copied, so it is never broken over lines.

    A last column without a heading holds notes; where there is little room they stand behind what they are about.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    shown = [index for index, column in enumerate(columns) if column or any(row[index] for row in cells)]
    columns, cells = [columns[index] for index in shown], [[row[index] for index in shown] for row in cells]
    name = shown.index(name)
    if not out.terminal:
        _plain(out, [list(columns), *cells])
        return
    if not columns[-1] and len(columns) > 2 and _least_width(columns, cells, name) > out.width:
        columns = columns[:-1]
        cells = [[*row[:-2], f"{row[-2]} ({row[-1]})" if row[-1] else row[-2]] for row in cells]
    if _least_width(columns, cells, name) > out.width:
        _listed(out, columns, cells, name)
    else:
        _ruled(out, columns, cells, name)


def _plain(out: Output, rows: Sequence[Sequence[str]]) -> None:
    """A row is a line, however long, so that grep and cut can work on it."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        out.say(
            "   ".join(cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        )


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> int:
    from rich.cells import cell_len

    least = 0
    for index, heading in enumerate(columns):
        widest = max(map(cell_len, (heading, *(row[index] for row in rows))))
        least += _GAP + (widest if index == name else min(widest, _READABLE))
    return least


def _listed(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> None:
    """Each row as a paragraph: its name, and below it what else is known, each with its heading."""
    from rich.padding import Padding
    from rich.text import Text

    for row in rows:
        out.console.print(Text(row[name], "bold", overflow="fold"), soft_wrap=False)
        for index, cell in enumerate(row):
            if cell and index != name:
                heading = f"{columns[index]}: " if columns[index] else ""
                out.console.print(Padding(Text(heading, "dim").append(cell, "not dim"), (0, 0, 0, 2)), soft_wrap=False)


def _ruled(out: Output, columns: Sequence[str], rows: Sequence[Sequence[str]], name: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    ruled = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        style = "bold" if index == name else ""
        ruled.add_column(Text(column), overflow="fold", no_wrap=index == name, style=style)
    for row in rows:
        # As Text: in a string, what stands in square brackets would be read as a style.
        ruled.add_row(*(Text(cell) for cell in row))
    out.console.print(ruled)
