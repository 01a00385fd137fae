"""A conversation at a terminal: editing and history, streamed replies, a few commands of its own."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from dynamic_plugins.actions import one_line
from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.cli import show
from dynamic_plugins.cli.output import DONE, Output

if TYPE_CHECKING:
    from dynamic_plugins.app import App
    from dynamic_plugins.chat.turn import Conversation

HELP = """\
Say what you want the agent to be able to do, or ask it something.
  /status  installed plugins      /tools  what can be called now
  /help    this text              /quit   leave (Ctrl-D too; Ctrl-C stops a turn)"""


async def converse(app: App, conversation: Conversation, out: Output) -> int:
    """Hold a conversation until the person leaves."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory

    session: PromptSession[str] = PromptSession(history=InMemoryHistory())
    out.say("Plugins can be added while we talk. /help shows what else there is.")
    while True:
        try:
            text = (await session.prompt_async("> ")).strip()
        except EOFError:
            return DONE
        except KeyboardInterrupt:
            continue
        if text == "/quit":
            return DONE
        if text.startswith("/"):
            _command(app, out, text)
        elif text:
            await _turn(conversation, out, text)


def _command(app: App, out: Output, text: str) -> None:
    if text == "/status":
        show.status(out, app.service.status())
    elif text == "/tools":
        app.service.sync()
        for tool in app.toolbox.offered():
            out.say(f"  {tool.name}  {one_line(tool.action.description, 80)}")
    else:
        out.say(HELP)


async def _turn(conversation: Conversation, out: Output, text: str) -> None:
    """Answer one message; Ctrl-C stops the turn, and the conversation goes on."""
    streamed: list[str] = []

    def on_text(piece: str) -> None:
        streamed.append(piece)
        sys.stdout.write(piece)
        sys.stdout.flush()

    watch = Watch(
        on_text=on_text,
        on_call=lambda call: out.aside(f"  · {call.name} {call.arguments}"),
        on_notice=lambda notice: out.aside(f"  ! {notice}"),
    )
    task = asyncio.ensure_future(conversation.respond(text, watch))
    loop = asyncio.get_running_loop()
    import signal

    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        turn = await task
    except asyncio.CancelledError:
        out.say("\nStopped. Nothing of this turn is kept.")
        return
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    out.say("" if streamed else turn.reply)
