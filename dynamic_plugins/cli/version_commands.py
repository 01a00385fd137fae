"""The commands about versions: what is outdated, one update or all, the way back, and pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts, render
from dynamic_plugins.cli.exit_codes import DONE, FAILED
from dynamic_plugins.cli.verb_results import Result, as_patient, facts, noted, outcome_document, verbs
from dynamic_plugins.errors import DeclinedError, PluginError
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.lifecycle.outdated import VersionReport
    from dynamic_plugins.settings import Settings

_OFFLINE = "Offline: no package index was asked, and of the registries only the kept copies were read."
_ALL_OF_THEM = "Each is tried beside the one that runs; what asks for more than it may now is asked about by itself."


# ---------------------------------------------------------------- outdated


async def outdated(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``outdated``: show which plugins have a newer version."""
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        async with App(as_patient(settings, arguments), door="terminal") as app:
            reports = await _looked_up(app, arguments.names, screen)
    if settings.offline and reports:
        out.aside(_OFFLINE)
    if out.as_json:
        plugins = [each.to_dict() for each in reports]
        out.document({"ok": not any(each.problem for each in reports), "plugins": plugins})
    else:
        _show(out, reports, whole=bool(arguments.names))
    return FAILED if any(each.is_due or each.problem for each in reports) else DONE


async def _looked_up(app: App, names: Sequence[str], screen: Screen) -> list[VersionReport]:
    screen.busy("looking for newer versions")
    try:
        return await app.service.versions.outdated(names)
    finally:
        screen.busy("")


def _show(out: Output, reports: Sequence[VersionReport], *, whole: bool) -> None:
    shown = [each for each in reports if whole or each.is_newer or each.problem or each.revoked]
    if shown:
        rows = [(each.name, each.installed, each.newest or "", "; ".join(_notes(each))) for each in shown]
        render.table(out, ("plugin", "installed", "newest", ""), rows)
    due = sum(each.is_due for each in reports)
    if not reports:
        out.say("No plugin is installed.")
    elif due:
        out.say(f"{due} of {_plugins(len(reports))} can be updated, with: dynamic-plugins update --all")
    elif not any(each.problem for each in reports):
        held = " but for what is held back" if any(each.is_newer for each in reports) else ""
        out.say(f"{'It is' if len(reports) == 1 else f'All {len(reports)} are'} up to date{held}.")


def _notes(report: VersionReport) -> list[str]:
    notes = ["pinned"] if report.pinned else []
    notes += ["you went back from it"] if report.left else []
    notes += [f"revoked: {report.revoked}"] if report.revoked else []
    notes += [f"not told: {report.problem}" if report.newest is None else report.problem] if report.problem else []
    if report.newest is None and not report.problem:
        notes.append("runs elsewhere")
    elif not report.is_newer and not report.problem:
        notes.append("up to date")
    return [*notes, *report.changes]


def _plugins(count: int) -> str:
    return "1 plugin" if count == 1 else f"{count} plugins"


# ---------------------------------------------------------------- update


async def update(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``update``: install another version and swap it in; with ``--all``, of each plugin that has a newer one."""
    if bool(arguments.names) == arguments.all:
        return out.wrong_usage("Give the NAME of a plugin, or --all.")
    if arguments.all and arguments.plugin_version:
        return out.wrong_usage("--version goes with a NAME.")
    settings = as_patient(settings, arguments)
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            if arguments.all:
                app.sweep()
                return await _update_all(app, screen, ask=not arguments.yes)

            async def to_version(said: str) -> Outcome:
                version = arguments.plugin_version or (await app.catalogue.resolve(said)).version
                return await app.service.update(said, version)

            return await verbs(out, app, arguments.names, to_version, say=_updated)


async def _update_all(app: App, screen: Screen, *, ask: bool) -> int:
    out = screen.out
    reports = await _looked_up(app, (), screen)
    due = [each for each in reports if each.is_due]
    agreed = False
    if due and ask and prompts.at_a_terminal():
        for each in due:
            out.aside(f"  {_line(each)}")
        out.aside(_ALL_OF_THEM)
        agreed = await prompts.agrees(f"Update {_these(due)}?", screen)
        if not agreed:
            return out.failure(DeclinedError(_these(due), "update"))
    done = await app.service.versions.update_all(due, agreed=agreed)
    return await _tell_all(app, out, reports, done)


def _these(due: Sequence[VersionReport]) -> str:
    return due[0].name if len(due) == 1 else f"these {len(due)} plugins"


def _line(report: VersionReport) -> str:
    more = f": {'; '.join(report.changes)}" if report.changes else ""
    return one_line(f"{report.name} {report.installed} to {report.newest}, from {report.source}{more}")


async def _tell_all(
    app: App, out: Output, reports: Sequence[VersionReport], done: Mapping[str, Outcome | PluginError]
) -> int:
    code, results = DONE, list[Result]()
    for name, outcome in done.items():
        if isinstance(outcome, PluginError):
            code = noted(results, outcome, out, plugin=await facts(app, name))
        else:
            results.append(outcome_document(app, outcome))
            out.say(_updated(outcome))
    left = [each for each in reports if each.name not in done and (each.is_newer or each.problem)]
    for each in left:
        code = FAILED if each.problem else code
        out.say(_why_left(each))
    counts = _counts(reports, done)
    if out.as_json:
        document = {"results": results, "left_out": [each.to_dict() for each in left], "counts": counts}
        out.document({"ok": code == DONE, **document})
    elif not reports:
        out.say("No plugin is installed.")
    else:
        out.say(f"{', '.join(f'{count} {what}' for what, count in counts.items() if count)}.")
    return code


def _why_left(report: VersionReport) -> str:
    name, newest = report.name, report.newest
    if report.problem:
        return f"{name} stays at {report.installed}: {report.problem}"
    if report.pinned:
        return f"{name} is pinned at {report.installed} and left there; {newest} is out."
    return f"{name} stays at {report.installed}: you went back from {newest}. To have that again: " + (
        f"dynamic-plugins update {name}"
    )


def _counts(reports: Sequence[VersionReport], done: Mapping[str, Outcome | PluginError]) -> dict[str, int]:
    failed = sum(isinstance(each, PluginError) for each in done.values())
    updated = sum(not isinstance(each, PluginError) and each.changed for each in done.values())
    others = [each for each in reports if each.name not in done]
    unknown = sum(bool(each.problem) for each in others)
    held = sum(each.is_newer and not each.problem for each in others)
    return {
        "updated": updated,
        "failed": failed,
        "held back": held,
        "not looked up": unknown,
        "up to date": len(reports) - updated - failed - held - unknown,
    }


def _updated(outcome: Outcome) -> str:
    before = outcome.info.version_before
    way_back = f" To go back to {before}: dynamic-plugins rollback {outcome.info.name}" if before else ""
    text = render.outcome(outcome)
    first, line_end, rest = text.partition("\n")
    return f"{first}{way_back if outcome.changed else ''}{line_end}{rest}"


# ---------------------------------------------------------------- rollback, pin, unpin


async def rollback(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``rollback``: go back to the version before; without a NAME, show where there is one."""
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            if arguments.names:
                return await verbs(out, app, arguments.names, app.service.versions.rollback, say=_rolled_back)
            infos = [each for each in app.service.status() if each.version_before]
    if out.as_json:
        out.document({"ok": True, "plugins": [each.to_dict() for each in infos]})
    elif infos:
        rows = [(each.name, each.version, each.version_before) for each in infos]
        render.table(out, ("plugin", "version", "to go back to"), rows)
    else:
        out.say("There is no version to go back to: nothing was updated since it was installed.")
    return DONE


def _rolled_back(outcome: Outcome) -> str:
    info = outcome.info
    first, line_end, rest = render.outcome(outcome).partition("\n")
    kept = f"{info.version_before} is kept; to have it again: dynamic-plugins rollback {info.name}"
    return f"{first} {kept}{line_end}{rest}"


async def pin(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``pin``: keep a plugin at its version, or at one that it is brought to."""
    settings = as_patient(settings, arguments)
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            return await verbs(
                out,
                app,
                [arguments.name],
                lambda said: app.service.versions.pin(said, arguments.plugin_version),
                say=_pinned,
            )


def _pinned(outcome: Outcome) -> str:
    name, version = outcome.info.name, outcome.info.version
    lifts = f"To let it change again: dynamic-plugins unpin {name}"
    return outcome.note or f"{name} is pinned at {version}: nothing updates it. {lifts}"


async def unpin(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``unpin``: let plugins be updated again."""
    async with App(settings, door="terminal") as app:
        versions = app.service.versions
        return await verbs(out, app, arguments.names, versions.unpin, say=_unpinned)


def _unpinned(outcome: Outcome) -> str:
    return outcome.note or f"{outcome.info.name} {outcome.info.version} is no longer pinned."


COMMANDS = {"outdated": outdated, "update": update, "rollback": rollback, "pin": pin, "unpin": unpin}
