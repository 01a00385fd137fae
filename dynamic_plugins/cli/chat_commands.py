"""The commands that talk: one turn, and a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.cli.model_at_start import model_at_start
from dynamic_plugins.cli.screen import Screen
from dynamic_plugins.cli.sign_in_commands import sign_in_asker
from dynamic_plugins.cli.turn_result import exit_code_of
from dynamic_plugins.cli.turn_view import ShownTurn, in_words
from dynamic_plugins.errors import ModelError

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Coroutine

    from dynamic_plugins.chat.conversation import Conversation
    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings


@contextlib.asynccontextmanager
async def _talking(
    arguments: argparse.Namespace,
    settings: Settings,
    out: Output,
    *,
    at_prompt: bool = False,
    one_turn: bool = False,
) -> AsyncIterator[tuple[App, Conversation, Screen]]:
    """Give an application that can ask the person, and a conversation on it. Raises ModelError.

    Where the person sits *at_prompt* they may be offered a model that is found on this machine.
    """
    with Screen(out) as screen:
        settings = await model_at_start(settings, screen, may_ask=at_prompt)
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        ask_values = prompts.value_asker(screen)
        async with App(
            settings,
            approve=approve,
            ask_values=ask_values,
            ask_sign_in=sign_in_asker(screen, settings),
            listener=screen.listen,
            door="chat",
            ends_soon=arguments.command == "ask",
        ) as app:
            conversation = app.conversation(one_turn=one_turn)
            if settings.code_mode:
                _tell_of_code_mode(app, out)
            yield app, conversation, screen


def _tell_of_code_mode(app: App, out: Output) -> None:
    """Say where code mode is not what was asked for."""
    if app.settings.model.embedded:
        out.aside("The built-in model writes no programs: it goes on with the plugins' own tools.")
    elif (programs := app.toolbox.programs) is not None and programs.unfenced:
        out.aside(f"What the model writes runs without a fence: {programs.unfenced}.")


async def ask(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``ask``: one turn."""
    try:
        async with _talking(arguments, settings, out, one_turn=True) as (app, conversation, screen):
            if arguments.plan:
                turn = await conversation.plan(arguments.text)
            elif out.as_json or not out.terminal:
                turn = await conversation.respond(arguments.text, _watch(out))
            else:
                shown = ShownTurn(screen, made=app.settings.model.embedded)
                turn = await conversation.respond(arguments.text, shown.watch)
                shown.end(turn)
                return exit_code_of(turn)
    except ModelError as error:
        return out.failure(error)
    _print_turn(out, turn)
    return exit_code_of(turn)


async def chat(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``chat``: a conversation at the terminal, or one turn for each line of other input."""
    at_prompt = prompts.at_a_terminal() and out.terminal and not out.as_json
    try:
        async with _talking(arguments, settings, out, at_prompt=at_prompt) as (app, conversation, screen):
            app.sweep()
            if at_prompt:
                from dynamic_plugins.cli.repl import converse

                return await converse(app, conversation, screen)
            return await _turn_a_line(conversation, out)
    except ModelError as error:
        return out.failure(error)


async def _turn_a_line(conversation: Conversation, out: Output) -> int:
    code = DONE
    while line := await asyncio.to_thread(sys.stdin.readline):
        if not line.strip():
            continue
        turn = await conversation.respond(line.strip(), _watch(out))
        if out.as_json:
            out.line(turn.to_dict())
        else:
            out.say(turn.reply)
        code = exit_code_of(turn)
    return code


def _watch(out: Output) -> Watch:
    """Return a watch that tells, on standard error, which tools are called."""
    if out.as_json:
        return Watch()
    return Watch(on_call=lambda call: out.aside(f"  · {in_words(call)}", "dim"), on_notice=out.aside)


def _print_turn(out: Output, turn: Turn) -> None:
    if out.as_json:
        out.document(turn.to_dict())
        return
    if turn.calls and turn.calls[0].result is None:  # a plan
        for notice in turn.notices:
            out.aside(notice)
        for call in turn.calls:
            out.say(f"{call.tool} {json.dumps(call.arguments, ensure_ascii=False)}")
    if turn.reply:
        out.say(turn.reply)


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "ask": ask,
    "chat": chat,
}
