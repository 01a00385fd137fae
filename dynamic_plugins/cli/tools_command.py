"""``tools``: the tools' JSON schemas, and which of a plugin's actions are among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.core.action_choice import ALL, ActionChoice

if TYPE_CHECKING:
    import argparse

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,47}")


async def tools(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``tools``: print the tools' JSON schemas; with a NAME, what of that plugin is offered."""
    chosen = bool(arguments.only or arguments.hide or arguments.rename or arguments.reset)
    if arguments.name is None and chosen:
        return out.wrong_usage("--only, --hide, --rename and --reset go with the NAME of a plugin.")
    app = App(settings, door="terminal")
    if arguments.name is not None:
        return await _choose(app, arguments, out, chosen)
    from dynamic_plugins.tools.tool_formats import in_format

    app.service.sync()
    offered = app.toolbox.management() + (app.toolbox.plugin_tools() if arguments.all else [])
    out.document(in_format(offered, arguments.format))
    return DONE


async def _choose(app: App, arguments: argparse.Namespace, out: Output, chosen: bool) -> int:
    """Change what of a plugin is offered, where something is *chosen*, and show it."""
    if arguments.reset and (arguments.only or arguments.hide or arguments.rename):
        return out.wrong_usage("--reset goes alone.")
    if arguments.only and arguments.hide:
        return out.wrong_usage("Give --only or --hide, not both.")
    renamed = dict(pair.partition("=")[::2] for pair in arguments.rename)
    if wrong := [pair for pair in arguments.rename if not _NAME.fullmatch(pair.partition("=")[2])]:
        return out.wrong_usage(f"{wrong[0]!r} is not ACTION=NAME, with a name of letters, digits, _ and -.")
    info = await app.service.info(arguments.name)
    choice = app.service.action_choices().get(info.name, ALL)
    if chosen:
        choice = ALL if arguments.reset else _changed(choice, arguments, renamed)
        await app.service.choose_actions(info.name, choice)
    offered = _offered_actions(app, info.name, choice)
    if out.as_json:
        out.document({"ok": True, "plugin": info.name, "offered": offered, **choice.to_dict()})
        return DONE
    for each in offered:
        renamed_to = "" if each["name"] == each["action"] else f", as {each['name']}"
        out.say(f"{each['action']}: {'offered' + renamed_to if each['offered'] else 'not offered'}")
    if not offered:
        out.say(f"What {info.name} offers is known once it has been activated; what was chosen holds then.")
    return DONE


def _changed(choice: ActionChoice, arguments: argparse.Namespace, renamed: dict[str, str]) -> ActionChoice:
    """Return *choice* with what was typed in its place; what was not typed stays."""
    only, hidden = (tuple(arguments.only), ()) if arguments.only else (choice.only, choice.hidden)
    if arguments.hide:
        only, hidden = (), tuple(arguments.hide)
    return ActionChoice(only, hidden, {**choice.renamed, **renamed})


def _offered_actions(app: App, name: str, choice: ActionChoice) -> list[dict[str, Any]]:
    offers = app.store.get(name).offers
    return [
        {"action": each.name, "offered": choice.offers(each.name), "name": choice.name_of(each.name)}
        for each in (offers.of("action") if offers is not None else ())
    ]
