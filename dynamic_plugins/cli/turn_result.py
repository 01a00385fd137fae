"""How a turn ended, as an exit code: what was asked for is done, was refused, or could not be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.cli.exit_codes import DONE, FAILED, exit_code
from dynamic_plugins.tools.management import ALIASES

if TYPE_CHECKING:
    from dynamic_plugins.chat.turn import Call, Turn

SEARCHES = frozenset({"list_available_plugins", "search_plugin_actions"})


def exit_code_of(turn: Turn) -> int:
    """Return 0 where no call of *turn* was left failed, else the exit code of the last one that was.

    A model tries again: a failure no longer counts once the same tool has succeeded for the same plugin, or for one
    that the error suggested, and wrong arguments no longer count once any call but a search has succeeded.
    """
    if turn.failed:
        return FAILED
    left: list[Call] = []
    for call in turn.calls:
        if call.result is None:  # planned, not made
            continue
        if call.result.get("ok"):
            left = [failure for failure in left if not _mended(failure, call)]
        else:
            left.append(call)
    return exit_code(_error(left[-1])["code"]) if left else DONE


def _mended(failure: Call, success: Call) -> bool:
    error = _error(failure)
    if error["code"] == "bad_arguments":
        return success.tool not in SEARCHES
    if _tool(failure) != _tool(success):
        return False
    meant = {_subject(failure), *(error.get("suggestions") or ())}
    return bool(meant & {_subject(success), (success.result or {}).get("name")})


def _tool(call: Call) -> str:
    return ALIASES.get(call.tool, call.tool)


def _subject(call: Call) -> str:
    """Return what *call* is about: a plugin, or an action that is called by its name."""
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    return str(arguments.get("plugin_name") or arguments.get("pluginName") or arguments.get("action") or "")


def _error(call: Call) -> dict[str, Any]:
    return {"code": "", **((call.result or {}).get("error") or {})}
