"""One turn as a person sees it: what is called, what was found as a table, the reply as it comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.cli import render
from dynamic_plugins.core.error_phrases import in_conversation
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.core.model_protocol import ToolCall

SEARCH = "list_available_plugins"
MORE = "Say more exactly what it should do to see others."
_LONGEST = 60
_VERBS = {
    "list_available_plugins": "search",
    "install_plugin": "install",
    "configure_plugin": "configure",
    "activate_plugin": "activate",
    "deactivate_plugin": "deactivate",
    "unload_plugin": "unload",
}


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
                self._screen.note(f"  ! {in_words(call)}: {_reason(call, result)}", "yellow")
            return
        self.done.append(in_words(call))
        if call.name == SEARCH and result.get("plugins"):
            with self._screen.own_lines():
                render.matches(self._screen.out, result, MORE)
            self._in_tables |= _lines_of(result)

    def _not_in_tables(self, reply: str) -> str:
        if not self._made or not self._in_tables:
            return reply
        return "\n".join(line for line in reply.splitlines() if line not in self._in_tables)


def _reason(call: ToolCall, result: dict[str, Any]) -> str:
    error = result.get("error") or {}
    if error.get("code") == "declined":
        return "declined"  # the person knows
    return f"{in_conversation(error, subject(call))} ({error.get('code', 'failed')})"


def _lines_of(result: dict[str, Any]) -> set[str]:
    from dynamic_plugins.embedded.replies.answers import found_lines

    return set(found_lines(result))


def in_words(call: ToolCall) -> str:
    """Return ``install mcp-server-time`` or ``mcp-server-time get_current_time timezone: Asia/Tokyo``."""
    from dynamic_plugins.tools.management import ALIASES

    name = ALIASES.get(call.name, call.name)
    arguments = _arguments(call.arguments)
    if not isinstance(arguments, dict):
        return f"{_tool(name)} {_short(arguments)}".strip()
    if name in _VERBS and name != "list_available_plugins":
        return " ".join([_VERBS[name], *_subject(arguments)])
    told = {key: value for key, value in arguments.items() if value not in (None, "")}
    if name == "list_available_plugins":
        return f"search: {_short(told['query'])}" if "query" in told else "search"
    said = ", ".join(f"{one_line(key)}: {_short(value)}" for key, value in told.items())
    return f"{_tool(name)} {said}".strip()


def subject(call: ToolCall) -> str:
    """Return the plugin that *call*, one of the six, is about, as it was asked for; empty where it names none."""
    arguments = _arguments(call.arguments)
    return str(_plugin(arguments) or "") if isinstance(arguments, dict) else ""


def _plugin(arguments: dict[str, Any]) -> Any:
    return arguments.get("plugin_name") or arguments.get("pluginName")


def _subject(arguments: dict[str, Any]) -> list[str]:
    return [_short(each) for each in (_plugin(arguments), arguments.get("version")) if each]


def _tool(name: str) -> str:
    plugin, _, action = name.partition("__")
    return one_line(f"{plugin} {action}".strip() if action else name)


def _short(value: Any) -> str:
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _arguments(text: str) -> Any:
    try:
        return parse_json(text) if text.strip() else {}
    except ValueError:
        return text
