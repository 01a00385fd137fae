"""``profile``: list, make and remove the profiles of a home."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.storage.backend_choice import open_backend
from dynamic_plugins.storage.profiles import Profiles

if TYPE_CHECKING:
    import argparse

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.storage.profiles import Profile


async def profile(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``profile``: what the verb says."""
    backend = open_backend(settings)
    profiles = Profiles(settings.home, backend)
    if arguments.verb == "list":
        if arguments.name is not None:
            return out.wrong_usage("profile list takes no name.")
        _list(out, profiles.all(), settings.profile)
        return DONE
    if arguments.name is None or (arguments.plugins and arguments.verb != "make"):
        return out.wrong_usage(f"profile {arguments.verb} goes with one NAME.")
    if arguments.verb == "make":
        # Its plugins are named as without a profile: the one that is set need not be there, nor have them.
        service = App(replace(settings, profile=None), door="terminal").service
        plugins = [(await service.resolve(said)).name for said in arguments.plugins]
        made = profiles.make(arguments.name, plugins)
        _done(out, made, f"The profile {made.name} is made{_with(made)}. Use it with: dynamic-plugins {_use(made)}")
        return DONE
    removed = profiles.remove(arguments.name)
    _done(out, removed, f"The profile {removed.name} is removed. Its plugins stay installed.")
    return DONE


def _with(made: Profile) -> str:
    return f", with {', '.join(made.plugins)}" if made.plugins else ", with no plugin in it yet"


def _use(made: Profile) -> str:
    return f"--profile {made.name} {'status' if made.plugins else 'install NAME'}"


def _done(out: Output, profile: Profile, sentence: str) -> None:
    if out.as_json:
        out.document({"ok": True, **profile.to_dict()})
    else:
        out.say(sentence)


def _list(out: Output, profiles: list[Profile], used: str | None) -> None:
    if out.as_json:
        out.document({"ok": True, "profiles": [each.to_dict() for each in profiles], "used": used})
    elif not profiles:
        out.say(
            "This home has no profiles, and every agent sees all of its plugins. Make one with: "
            "dynamic-plugins profile make NAME"
        )
    else:
        rows = [
            (each.name, ", ".join(each.plugins), ", ".join(each.active), "used now" if each.name == used else "")
            for each in profiles
        ]
        render.table(out, ("profile", "plugins", "of these on", ""), rows)
