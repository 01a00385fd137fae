"""Signing in at the servers of remote plugins, at the terminal: with a browser here, or with one anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.cli.screen import Screen
from dynamic_plugins.errors import DeclinedError, NeedsSignInError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine
    from typing import Any

    from dynamic_plugins.approval import AskSignIn, SignInRequest
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings

_PASTE = "Paste the address that the browser ended at, or wait for it to come back (Ctrl-C ends this): "


async def login(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``login``: sign in at a remote plugin's server."""
    with Screen(out) as screen:
        ask = sign_in_asker(screen, settings, no_browser=arguments.no_browser)
        async with App(settings, listener=screen.listen, door="terminal") as app:
            name = (await app.service.resolve(arguments.name)).name
            if ask is None:
                nobody = "nobody can be asked here"
                raise NeedsSignInError(
                    name, f"{nobody}; at a terminal, or with --no-browser, one can be", for_model=nobody
                )
            signed_in = await app.service.sign_in(name, ask)
            where = app.configuration.sign_ins.facts(name)
    if out.as_json:
        out.document({"ok": True, "name": name, "signed_in": signed_in, "sign_ins": where})
    elif not signed_in:
        out.say(f"{name} needs no sign-in: its server answers without.")
    else:
        out.say(f"{name} is signed in at {', '.join(each['issuer'] for each in where)}.")
    return DONE


async def logout(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``logout``: forget a sign-in, here and at the server."""
    async with App(settings, door="terminal") as app:
        name = (await app.service.resolve(arguments.name)).name
        signed_out = await app.service.sign_out(name)
    if out.as_json:
        out.document({"ok": True, "name": name, "signed_out": signed_out})
    out.say(f"{name} is signed out." if signed_out else f"{name} was not signed in.")
    return DONE


def sign_in_asker(screen: Screen, settings: Settings, *, no_browser: bool = False) -> AskSignIn | None:
    """Return how a person signs in here: at a terminal, or, with *no_browser*, over any standard input; else None."""
    if not prompts.at_a_terminal() and not no_browser:
        return None
    opened: set[str] = set()

    async def ask(request: SignInRequest) -> str | None:
        async with screen.asking():
            if request.url not in opened:
                _show(screen, request)
                opened.add(request.url)
                if not no_browser and settings.has_browser:
                    await asyncio.to_thread(_open, request.url)
            if request.problem:
                screen.out.aside(f"That was not it: {request.problem}.")
            return await _pasted(request)

    return ask


def _show(screen: Screen, request: SignInRequest) -> None:
    for fact in request.facts:
        screen.out.aside(fact)
    screen.out.aside("Open this address in a browser; one on another machine is as good:")
    # As one line and nothing else, whatever the terminal's width, so that it can be copied whole.
    print(request.url, file=sys.stderr, flush=True)


def _open(url: str) -> None:
    """Open *url*, which was checked to hold nothing that a program might misread; no shell is involved."""
    try:
        webbrowser.open(url)
    except (OSError, webbrowser.Error):
        return  # it is shown as well


async def _pasted(request: SignInRequest) -> str | None:
    """Return the line that the person gives; waits for the browser where they give an empty one."""
    if not prompts.at_a_terminal():
        line = await _line_of_input()
        if not line:
            raise DeclinedError(request.plugin, "sign in for")
        return line.strip() or None
    return (await prompts.line(_PASTE)).strip() or None


async def _line_of_input() -> str:
    """Return a line of standard input, empty at its end. Cancelled, it leaves a thread behind that waits for one."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[str] = loop.create_future()

    def take(line: str) -> None:
        if not came.done():
            came.set_result(line)

    def read() -> None:
        line = sys.stdin.readline()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for it
            loop.call_soon_threadsafe(take, line)

    threading.Thread(target=read, daemon=True).start()
    return await came


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "login": login,
    "logout": logout,
}
