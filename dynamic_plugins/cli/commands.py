"""The commands that manage and use plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts, render
from dynamic_plugins.cli.configure_command import configure
from dynamic_plugins.cli.disambiguation import settled
from dynamic_plugins.cli.exit_codes import DONE, FAILED
from dynamic_plugins.cli.permission_commands import permissions
from dynamic_plugins.cli.registry_commands import info, registry, resolve, search
from dynamic_plugins.cli.status_command import status
from dynamic_plugins.cli.tools_command import tools
from dynamic_plugins.cli.verb_results import as_patient, noted, print_results, verbs
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.lifecycle.approval_gate import switched_on_too
from dynamic_plugins.storage.open_page import page_address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.events import Event
    from dynamic_plugins.settings import Settings

Result = dict[str, Any]


async def install(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``install``: install plugins, several at once."""
    if bool(arguments.names) == bool(arguments.path):
        return out.wrong_usage("Give the NAME of a plugin, or --path with a folder or a wheel.")
    if arguments.editable and not arguments.path:
        return out.wrong_usage("--editable goes with --path.")
    if arguments.remote and arguments.path:
        return out.wrong_usage("--remote goes with a NAME.")
    settings = as_patient(settings, arguments)
    if arguments.plugin_version and len(arguments.names) != 1:
        return out.wrong_usage("--version goes with one NAME.")
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            app.sweep()
            switched_on_too.set(arguments.activate)

            async def install_one(said: str) -> Outcome:
                if arguments.path:
                    done = await app.service.install_path(Path(said), editable=arguments.editable)
                else:
                    done = await app.service.install(said, arguments.plugin_version, remote=arguments.remote)
                return await app.service.activate(done.info.name) if arguments.activate else done

            if arguments.path:
                return await verbs(out, app, [arguments.path], install_one)
            # What is agreed to unseen is not picked either.
            names = arguments.names if arguments.yes else await settled(app.catalogue, arguments.names, screen)
            return await verbs(out, app, names, install_one)


def _lifecycle(verb: str) -> Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]:
    async def command(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
        from dynamic_plugins.cli.screen import Screen

        with Screen(out) as screen:
            approve = prompts.as_typed(getattr(arguments, "yes", False), screen)
            listen = screen.listen_for_answers
            async with App(settings, approve=approve, listener=listen, door="terminal") as app:
                return await verbs(out, app, arguments.names, getattr(app.service, verb))

    command.__doc__ = f"``{verb}``."
    return command


async def uninstall(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``uninstall``: remove plugins."""
    code = DONE
    results: list[Result] = []
    stayed: dict[str, str] = {}

    def listen(event: Event) -> None:
        if event.stage == "secrets_stayed":
            stayed[event.plugin] = event.message

    async with App(settings, listener=listen, door="terminal") as app:
        for said in arguments.names:
            try:
                name = await app.service.uninstall(said, keep_configuration=arguments.keep_configuration)
                note = {"note": stayed[name]} if name in stayed else {}
                from_profile = {"profile": settings.profile} if settings.profile else {}
                results.append({"ok": True, "name": name, "uninstalled": True, **from_profile, **note})
                out.say(_uninstalled(name, settings.profile) + (f" But {note['note']}." if note else ""))
            except PluginError as error:
                code = noted(results, error, out)
    print_results(out, results)
    return code


def _uninstalled(name: str, profile: str | None) -> str:
    if not profile:
        return f"{name} is uninstalled."
    return (
        f"{name} is no longer in the profile {profile}; this home has it still. To remove it: uninstall it without one."
    )


async def call(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``call``: call one action of an active plugin."""
    try:
        values = parse_json(arguments.args)
        if not isinstance(values, dict):
            raise TypeError("not an object")  # noqa: TRY301 - the two ways of not being a JSON object end alike
    except (ValueError, TypeError) as error:
        return out.failure(BadArgumentsError("--args", f"must be one JSON object ({error})"))
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        approve, ask_values = prompts.approver(False, screen), prompts.value_asker(screen)
        async with App(
            settings, approve=approve, ask_values=ask_values, listener=screen.listen, door="terminal"
        ) as app:
            name = (await app.service.resolve(arguments.plugin)).name
            value = await _called(app, name, arguments.action, values)
    if out.as_json:
        out.document({"ok": True, "plugin": name, "action": arguments.action, "result": value})
    elif value in (None, ""):
        out.aside("It ran, and gave no result." if value is None else "It ran, and its result is an empty text.")
    else:
        out.say(render.value(value))
    return DONE


async def _called(app: App, name: str, action: str, values: dict[str, Any]) -> Any:
    """Return what an action gives; what it may not reach is asked about, at a terminal or on the home's page."""
    if app.service.approve is None and page_address(app.settings.home) is None:
        return await app.service.call(name, action, values)
    return await app.call_for_person(name, action, values)


async def audit(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``audit``: show who agreed to what."""
    lines = App(settings, door="terminal").audit.read(arguments.name, arguments.limit)
    if out.as_json:
        out.document({"ok": True, "audit": lines})
    else:
        render.audit(out, lines)
    return DONE


async def doctor(_arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``doctor``: show what is there and what is missing."""
    from dynamic_plugins.cli.doctor import examine

    checks = await examine(settings)
    if out.as_json:
        out.document({"ok": all(check.ok for check in checks), "checks": [check.to_dict() for check in checks]})
    else:
        render.checks(out, checks)
    return DONE if all(check.ok for check in checks) else FAILED


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "list": search,
    "resolve": resolve,
    "registry": registry,
    "info": info,
    "status": status,
    "install": install,
    "permissions": permissions,
    "configure": configure,
    "load": _lifecycle("load"),
    "activate": _lifecycle("activate"),
    "deactivate": _lifecycle("deactivate"),
    "reload": _lifecycle("reload"),
    "unload": _lifecycle("unload"),
    "uninstall": uninstall,
    "call": call,
    "audit": audit,
    "tools": tools,
    "doctor": doctor,
}
