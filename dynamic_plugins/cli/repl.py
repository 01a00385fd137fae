"""A conversation at a terminal: editing and history, streamed replies, a few commands of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.cli.model_at_start import what_answers
from dynamic_plugins.cli.screen import unechoed
from dynamic_plugins.cli.turn_view import ShownTurn
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_plugins.app import App
    from dynamic_plugins.chat.conversation import Conversation
    from dynamic_plugins.cli.prompt_history import Past
    from dynamic_plugins.cli.screen import Screen

PROMPT = "> "
HISTORY_FILE = "chat-history"
GREETING = "Plugins can be added while we talk. /help shows what else there is."
COMMANDS = {
    "/status": "installed plugins",
    "/tools": "what can be called now",
    "/help": "this text",
    "/quit": "leave (Ctrl-D too)",
}
BARE = {"quit": "/quit", "exit": "/quit", "help": "/help"}
"""What people type at a prompt who do not know its commands; alone in a line it can mean nothing else."""
HELP = """\
Say what you want the agent to be able to do, or ask it something. Keys: Ctrl-C stops a turn; Alt-Enter begins a new \
line; the up arrow and Ctrl-R bring back what you said, in earlier conversations too; Tab completes a command."""
ANOTHER_MODEL = "`dynamic-plugins model list` shows which others there are, `model use NAME` chooses one."


async def converse(app: App, conversation: Conversation, screen: Screen) -> int:
    """Hold a conversation until the person leaves."""
    from dynamic_plugins.cli.prompt_history import Past

    past = Past(app.settings.home / HISTORY_FILE)
    talk = _Talk(app, conversation, screen, past)
    session = _session(past)
    screen.note(what_answers(app.settings.model), "")
    screen.note(GREETING, "")
    # From the first prompt to the last, so that no Ctrl-C between two of them ends the program.
    with _on_ctrl_c(lambda: talk.stop()):
        while True:
            try:
                with screen.own_lines():
                    said = await session.prompt_async(handle_sigint=False, set_exception_handler=False)
                    screen.settle()  # what plugins told meanwhile is no part of what comes now
                text = said.strip()
            except EOFError:
                return DONE
            except KeyboardInterrupt:
                continue
            text = BARE.get(text.lower(), text)
            if text == "/quit":
                return DONE
            if text.startswith("/") and "\n" not in text:
                talk.command(text)
            elif text:
                with unechoed():
                    await talk.turn(text)


def _session(past: Past) -> Any:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.shortcuts import CompleteStyle
    from prompt_toolkit.utils import is_dumb_terminal

    return PromptSession(
        [("bold ansicyan", PROMPT)],
        history=past,
        auto_suggest=AutoSuggestFromHistory(),
        completer=WordCompleter(list(COMMANDS), sentence=True),
        complete_style=CompleteStyle.READLINE_LIKE,
        complete_while_typing=False,
        # A pasted text of several lines is one message: it is seen as it is, and only Enter sends it.
        multiline=True,
        key_bindings=_keys(),
        prompt_continuation="  ",
        # What was typed is taken off the screen and shown again without its secrets.
        erase_when_done=not is_dumb_terminal(),
    )


def _keys() -> Any:
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: Any) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _Talk:
    """What is done with a line that was typed."""

    def __init__(self, app: App, conversation: Conversation, screen: Screen, past: Past) -> None:
        self._app, self._conversation, self._screen, self._past = app, conversation, screen, past
        self.stop: Callable[[], object] = _nothing
        """Stops the turn that is under way."""

    def command(self, text: str) -> None:
        """Do one of the commands that begin with a slash."""
        out = self._screen.out
        if text not in COMMANDS:
            # It may be anything, a secret too, so it is neither shown again nor kept.
            meant = _meant(text)
            asked = f" Did you mean {meant}?" if meant else ""
            out.aside(f"There is no such command.{asked} There are {', '.join(COMMANDS)}.", "yellow")
            return
        self._taken(text)
        if text == "/status":
            render.status(out, self._app.service.status())
        elif text == "/tools":
            self._app.service.sync()
            toolbox = self._app.toolbox
            render.tools(out, toolbox.management() + toolbox.plugin_tools())
        else:
            self._screen.reply(HELP)
            self._screen.reply(f"{what_answers(self._app.settings.model)} {ANOTHER_MODEL}")
            render.commands(out, COMMANDS)

    async def turn(self, text: str) -> None:
        """Answer one message; Ctrl-C stops the turn, and the conversation goes on."""
        made = self._app.settings.model.embedded
        shown = ShownTurn(self._screen, made=made, on_taken=self._taken)
        task = asyncio.ensure_future(self._conversation.respond(text, shown.watch))
        self.stop = task.cancel
        try:
            turn = await task
        except asyncio.CancelledError:
            self._screen.settle()
            done = f" Done before that, and kept: {'; '.join(shown.done)}." if shown.done else ""
            self._screen.note(f"  ! Stopped. This turn is forgotten.{done}", "yellow")
            return
        finally:
            self.stop = _nothing
        shown.end(turn)

    def _taken(self, text: str) -> None:
        """Show and remember what was said, without its secrets."""
        self._past.remember(text)
        if not self._screen.out.dumb:
            first, *rest = text.splitlines() or [""]
            with self._screen.own_lines():
                _echo(PROMPT, first)
                for line in rest:
                    _echo("  ", line)


def _meant(text: str) -> str | None:
    """Return the command that *text* is a slip of."""
    from difflib import get_close_matches

    said = "/" + text.lower().strip("/ ").split(" ")[0]
    return next(iter(get_close_matches(BARE.get(said[1:], said), COMMANDS, 1, 0.7)), None)


def _echo(prompt: str, line: str) -> None:
    from prompt_toolkit import print_formatted_text
    from prompt_toolkit.formatted_text import FormattedText

    print_formatted_text(FormattedText([("bold ansicyan", prompt), ("bold", printable(line).expandtabs(4))]))


def _nothing() -> None:
    pass


@contextlib.contextmanager
def _on_ctrl_c(act: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
