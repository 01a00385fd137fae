"""What is said about results: sentences made from what the tools returned, and nothing that they did not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.error_phrases import in_conversation
from dynamic_plugins.core.status import status_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_plugins.embedded.request import Made

SHOWN_CHARACTERS = 4_000
SHOWN_ACTIONS = 8
NOTHING = "It ran, and gave no result."
EMPTY = "It ran, and its result is empty."


def reply_to(calls: Sequence[Made]) -> str:
    """Return what there is to say about *calls*, all of which have results."""
    return "\n".join(part for call in calls if (part := _about(call)))


def failed(call: Made) -> bool:
    """Whether *call* has a result that says it did not work."""
    return isinstance(call.result, dict) and call.result.get("ok") is False


def _about(call: Made) -> str:
    result = call.result
    if failed(call):
        return _error(result.get("error") or {}, str(call.arguments.get("plugin_name") or ""))
    teller = _TELLERS.get(call.name)
    if teller is not None and isinstance(result, dict) and "beginning" not in result:
        return teller(result)
    value = result.get("result") if isinstance(result, dict) and "result" in result else result
    return readable(value)[:SHOWN_CHARACTERS]


def _error(error: Any, plugin: str) -> str:
    if not isinstance(error, dict):
        return f"That did not work: {error}"
    message = str(error.get("message") or "it gave no reason").rstrip()
    phrase = in_conversation(error, plugin)
    if phrase != message:  # which tells a model how to take it
        return phrase
    said = f"That did not work: {message}" if not message.endswith((".", "!", "?")) else f"That did not work. {message}"
    near = [str(each) for each in error.get("suggestions") or ()]
    if near and not all(each in message for each in near):
        said += f" Did you mean {' or '.join(near[:4])}?"
    return said


def _listed(result: dict[str, Any]) -> str:
    plugins = result.get("plugins") or []
    if not plugins:
        return "I found no plugin for that in the registry."
    end = "Tell me which one to install." if any(not plugin.get("installed") for plugin in plugins) else ""
    return "\n".join([*found_lines(result), end]).rstrip()


def found_lines(result: dict[str, Any]) -> list[str]:
    """Return the lines that say what a search found: a caller who shows that as a table can leave them out."""
    return ["I found:", *(_line(plugin) for plugin in result.get("plugins") or () if isinstance(plugin, dict))]


def _line(plugin: dict[str, Any]) -> str:
    notes = [status_in_words(str(plugin["status"]))] if plugin.get("status") else []
    if plugin.get("needs"):
        notes.append(f"needs {', '.join(str(each) for each in plugin['needs'])}")
    if plugin.get("unavailable"):
        notes.append(f"not for this machine: {plugin['unavailable']}")
    described = f": {plugin['description']}" if plugin.get("description") else ""
    noted = f" ({'; '.join(notes)})" if notes else ""
    return f"- {plugin.get('name')}{described}{noted}"


def _installed(result: dict[str, Any]) -> str:
    named = f"{result.get('name')} {result.get('version') or ''}".rstrip()
    said = f"{named} is installed." if result.get("changed", True) else f"{named} was installed already."
    return " ".join([said, *_note(result), *_needs(result)])


def _needs(result: dict[str, Any]) -> list[str]:
    needs = result.get("needs") or []
    names = [str(each.get("name")) if isinstance(each, dict) else str(each) for each in needs]
    if not names:
        return []
    how = str(result.get("next") or "").removeprefix("The person runs: ")
    return [f"It needs {', '.join(names)}." + (f" Enter it with: {how}" if how else "")]


def _note(result: dict[str, Any]) -> list[str]:
    return [str(result["note"])] if result.get("note") else []


def _configured(result: dict[str, Any]) -> str:
    told = [str(each) for each in result.get("set") or ()]
    missing = [str(each) for each in result.get("missing") or ()]
    said = [
        f"{result.get('name')}: {', '.join(told)} set." if told else f"Nothing is set for {result.get('name')} yet."
    ]
    if missing and not result.get("needs"):
        said.append(f"Still missing: {', '.join(missing)}.")
    return " ".join([*said, *_note(result), *_needs(result)])


def _activated(result: dict[str, Any]) -> str:
    actions = [str(each.get("name")) for each in result.get("actions") or () if isinstance(each, dict)]
    said = f"{result.get('name')} is active."
    if actions:
        more = f" and {len(actions) - SHOWN_ACTIONS} more" if len(actions) > SHOWN_ACTIONS else ""
        said += f" It can: {', '.join(actions[:SHOWN_ACTIONS])}{more}."
    return " ".join([said, *_note(result)])


def _confirmed(what: str) -> Callable[[dict[str, Any]], str]:
    return lambda result: " ".join([f"{result.get('name')} {what}", *_note(result)])


_TELLERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "list_available_plugins": _listed,
    "install_plugin": _installed,
    "configure_plugin": _configured,
    "activate_plugin": _activated,
    "deactivate_plugin": _confirmed("is switched off; it stays installed."),
    "unload_plugin": _confirmed("is out of memory; it stays installed."),
}


def readable(value: Any, indent: str = "") -> str:
    """Return a JSON value as lines a person can read."""
    if value is None:
        return NOTHING
    if value in ("", [], {}):
        return EMPTY
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case dict() if all(not isinstance(each, (dict, list)) for each in value.values()):
            return "\n".join(f"{indent}{key}: {_short(each)}" for key, each in value.items() if each is not None)
        case list() if all(not isinstance(each, (dict, list)) for each in value):
            return "\n".join(f"{indent}- {_short(each)}" for each in value)
        case list() if all(isinstance(each, dict) for each in value):
            return "\n".join(f"{indent}- " + "; ".join(f"{k}: {_short(v)}" for k, v in each.items()) for each in value)
        case dict():
            return "\n".join(f"{indent}{key}: {_nested(each, indent)}" for key, each in value.items())
    return _short(value)


def _nested(value: Any, indent: str) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n" + readable(value, f"{indent}  ")
    return _short(value)


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
