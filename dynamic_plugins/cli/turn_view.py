"""One turn as a person sees it: what is called, what was found as a table, the reply as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.conversation import Watch
from dynamic_plugins.cli import render
from dynamic_plugins.cli.call_text import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.chat.conversation import Turn
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.core.model_protocol import ToolCall

SEARCH = "list_available_plugins"


class ShownTurn:
    """Shows a turn on *screen* while it runs; *on_taken* is told the message without its secrets.

    A model's own words are shown as they come, whole. The embedded model has none: it makes its reply from the
    results, all at once. So with *made* the reply is shown at the end, without the lines that a table has shown.
    """

    def __init__(self, screen: Screen, *, made: bool, on_taken: Callable[[str], None] | None = None) -> None:
        self._screen, self._made = screen, made
        self._streamed = ""
        self._running = 0
        self._in_tables: set[str] = set()
        self.done: list[str] = []
        """The calls that ended well, in words."""
        self.watch = Watch(
            on_taken=on_taken,
            on_text=None if made else self._on_text,
            on_call=self._on_call,
            on_result=self._on_result,
            on_notice=lambda notice: screen.note(f"  ! {notice}", "bold yellow"),
        )
        screen.busy("thinking")

    def end(self, turn: Turn) -> None:
        """Show what of *turn* has not been seen yet."""
        self._screen.settle()
        if turn.failed:
            self._screen.note(f"  ! {turn.reply}", "red")
        # What streamed in since the last call is the reply, unless a limit has put another one in its place.
        elif turn.reply.strip() != self._streamed.strip():
            self._screen.reply(self._not_in_tables(turn.reply))

    def _on_text(self, piece: str) -> None:
        self._streamed += piece
        self._screen.piece(piece)

    def _on_call(self, call: ToolCall) -> None:
        self._streamed = ""
        self._running += 1
        self._screen.note(f"  · {in_words(call)}")
        self._screen.busy("working")

    def _on_result(self, call: ToolCall, result: dict[str, Any]) -> None:
        self._running -= 1
        if not self._running:
            self._screen.settle()
            self._screen.busy("thinking")
        if not result.get("ok"):
            if not self._made:  # whose reply tells it anyway
                self._screen.note(f"  ! {in_words(call)}: {_reason(result)}", "yellow")
            return
        self.done.append(in_words(call))
        if call.name == SEARCH and result.get("plugins"):
            with self._screen.own_lines():
                render.matches(self._screen.out, result)
            self._in_tables |= _lines_of(result)

    def _not_in_tables(self, reply: str) -> str:
        if not self._made or not self._in_tables:
            return reply
        return "\n".join(line for line in reply.splitlines() if line not in self._in_tables)


def _reason(result: dict[str, Any]) -> str:
    error = result.get("error") or {}
    if error.get("code") == "declined":
        return "declined"  # the message tells the model how to take it; the person knows
    return f"{error.get('message', 'it gave no reason')} ({error.get('code', 'failed')})"


def _lines_of(result: dict[str, Any]) -> set[str]:
    from dynamic_plugins.embedded.replies import found_lines

    return set(found_lines(result))
