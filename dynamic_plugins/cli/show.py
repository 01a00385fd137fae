"""How results look to a person."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from dynamic_plugins.events import Event, Listener, ignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.cli.doctor import Check
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.records import DynamicPluginInfo, Outcome


def matches(out: Output, result: dict[str, Any]) -> None:
    """Show a search's result as a table."""
    table = _table("plugin", "what it does", "")
    for each in result["plugins"]:
        state = each.get("status") or each.get("unavailable") or ""
        if not state and each.get("needs"):
            state = "needs " + ", ".join(each["needs"])
        table.add_row(each["name"], each["description"], state)
    out.console.print(table)
    out.say(f"{len(result['plugins'])} of {result['known']} known plugins.")
    for notice in result.get("notices", []):
        out.aside(notice)


def status(out: Output, infos: Sequence[DynamicPluginInfo]) -> None:
    """Show installed plugins as a table."""
    if not infos:
        out.say("No plugin is installed. Find one with: dynamic-plugins list WHAT IT SHOULD DO")
        return
    table = _table("plugin", "version", "kind", "status", "")
    for info in infos:
        missing = [each.name for each in info.required_env_vars if not each.is_set]
        note = "needs " + ", ".join(missing) if missing else ""
        table.add_row(info.name, info.version, info.kind, str(info.status), note)
    out.console.print(table)
    for info in infos:
        if info.error_details:  # too long for a column
            out.say(f"{info.name}: {info.error_details}")


def sources(out: Output, told: Sequence[dict[str, Any]]) -> None:
    """Show the registries as a table."""
    table = _table("registry", "where", "plugins", "fetched", "trusted", "")
    for each in told:
        note = each["problem"] or (f"{each['skipped']} entries skipped" if each["skipped"] else "")
        trusted = "yes" if each["trusted"] else "no"
        table.add_row(each["name"], each["location"], str(each["entries"]), each["fetched_at"] or "", trusted, note)
    out.console.print(table)


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
    return f"{info.name} {info.version}: {info.status}.{needs}"


def value(result: Any) -> str:
    """Return an action's value as text: a text as it is, anything else as JSON."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, indent=2)


def checks(out: Output, results: Sequence[Check]) -> None:
    """Show what the doctor found."""
    table = _table("", "what", "found", "remedy")
    for check in results:
        table.add_row("ok" if check.ok else "missing", check.name, check.found, check.remedy)
    out.console.print(table)


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        # The first column holds a name, which is there to be copied: it is never broken over lines.
        table.add_column(column, overflow="fold", no_wrap=column == columns[0] != "")
    return table


@contextlib.contextmanager
def progress(out: Output) -> Iterator[Listener]:
    """Show installs as bars on a terminal; elsewhere nothing is shown."""
    if out.as_json or not sys.stderr.isatty():
        yield ignore
        return
    bars = _Bars()
    try:
        yield bars.listen
    finally:
        bars.stop()


class _Bars:
    """One bar for each install that is under way; on the screen only while there is one, so that a prompt is not."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}

    def listen(self, event: Event) -> None:
        if event.fraction is None:
            return
        if self._progress is None:
            self._progress = self._start()
        if event.plugin not in self._tasks:
            self._tasks[event.plugin] = self._progress.add_task(event.plugin, total=1.0, stage=event.stage)
        self._progress.update(self._tasks[event.plugin], completed=event.fraction, stage=event.message or event.stage)
        if event.fraction >= 1.0:
            del self._tasks[event.plugin]
        if not self._tasks:
            self.stop()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress, self._tasks = None, {}

    @staticmethod
    def _start() -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}"))
        progress = Progress(*columns, console=Console(stderr=True), transient=True)
        progress.start()
        return progress
