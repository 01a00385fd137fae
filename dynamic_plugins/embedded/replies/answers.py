"""What is said of results: each call in a sentence, a list or a table, and what can be said or typed next.

The six management actions have sentences of their own; what a plugin's action returned is told by its shape
(:mod:`dynamic_plugins.embedded.replies.result_text`). Nothing is added that a result does not hold.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.error_phrases import to_the_person
from dynamic_plugins.embedded.context.result_unwrapping import Failed, unwrapped
from dynamic_plugins.embedded.replies import result_text
from dynamic_plugins.embedded.replies.plugin_account import account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Made

SHOWN_ACTIONS = 8
SEARCH = "search_plugin_actions"
CALL = "call_plugin_action"
# What comes back from these is what was asked for, so nothing coming back is the answer.
_READING_VERBS = frozenset(
    {
        "check",
        "describe",
        "fetch",
        "find",
        "get",
        "list",
        "look",
        "open",
        "query",
        "read",
        "retrieve",
        "search",
        "show",
        "view",
    }
)


def answer_to(calls: Sequence[Made]) -> str:
    """Return what there is to say of *calls*, all of which have results; a search that led to a call is not told."""
    told = [call for call in _as_it_stands(calls) if call.name != SEARCH] or list(calls)
    parts: dict[str, str] = {}
    for call in told:
        if part := told_of(call):
            parts.setdefault(part, action_of(call))
    if len(parts) < 2 or not any("\n" in part for part in parts):
        return "\n".join(parts)
    # Long results side by side need a heading to be told apart.
    return "\n\n".join(f"**{name}**\n\n{part}" if "\n" in part else part for part, name in parts.items())


def _as_it_stands(calls: Sequence[Made]) -> list[Made]:
    """Return *calls*, an installation with the plugin on where a later one of them switched it on."""
    told: list[Made] = []
    on: set[str] = set()
    for call in reversed(calls):
        if call.name == "activate_plugin" and error_of(call) is None:
            on.add(plugin_of(call))
        if call.name == "install_plugin" and plugin_of(call) in on and isinstance(call.result, dict):
            call = replace(call, result=call.result if error_of(call) else {**call.result, "status": "active"})
        told.insert(0, call)
    return told


def told_of(call: Made) -> str:
    """Return what there is to say of one call."""
    error = error_of(call)
    if error is not None:
        return error_text(error, plugin_of(call))
    teller = _TELLERS.get(call.name)
    if teller is not None:
        result = call.result if isinstance(call.result, dict) else {}
        return teller(result, call)
    if call.name == SEARCH:
        return _found_actions(call.result)
    value = unwrapped(call.result)
    if result_text.is_empty(value):
        return empty_text(action_of(call), value)
    return "Done." if result_text.is_done(value) else result_text.shaped(value)


def action_of(call: Made) -> str:
    """Return the name of the action that *call* made, without its plugin's."""
    name = str(call.arguments.get("action") or "") if call.name == CALL else call.name
    return name.rpartition("__")[2] or call.name


def plugin_of(call: Made) -> str:
    """Return the plugin that *call* was about, or nothing."""
    if isinstance(call.result, dict) and isinstance(named := call.result.get("name"), str) and call.name in _TELLERS:
        return named
    named = call.arguments.get("plugin_name") or call.arguments.get("pluginName")
    if isinstance(named, str):
        return named
    name = str(call.arguments.get("action") or "") if call.name == CALL else call.name
    return name.rpartition("__")[0]


def _found_actions(result: Any) -> str:
    held = result.get("actions", result.get("result")) if isinstance(result, dict) else result
    names = [str(each.get("action")) for each in held or () if isinstance(each, dict) and each.get("action")]
    if not names:
        return "No action of an active plugin fits that."
    return f"These could fit: {result_text.listed([name.rpartition('__')[2] for name in names[:SHOWN_ACTIONS]])}."


def empty_text(action: str, value: Any = None) -> str:
    """Return the sentence for a result that holds nothing: what came back empty, or that it is done."""
    if part := result_text.empty_part(value):
        return f"No {part}: {action} came back empty."
    words = result_text.spoken(action).split()
    verb = next((word for word in words if word in _READING_VERBS), None)
    if verb is None:
        return f"Done; {action} gave nothing back."
    rest = " ".join(words[words.index(verb) + 1 :])
    return f"Nothing came back: {action} found no {rest}." if rest else f"Nothing came back: {action} found nothing."


# ---------------------------------------------------------------- errors


def error_of(call: Made) -> Mapping[str, Any] | None:
    """Return why *call* failed, as ``{"code"?, "message"}``; None where it did not."""
    result = call.result
    if isinstance(result, dict) and result.get("ok") is False:
        error = result.get("error")
        return error if isinstance(error, dict) else {"message": str(error or "")}
    value = unwrapped(result)
    if isinstance(value, Failed):
        return {"message": value.text}
    if isinstance(value, dict) and value.keys() <= {"error", "message", "success", "code"} and value.get("error"):
        error = value["error"]
        return error if isinstance(error, dict) else {"message": str(error)}
    if isinstance(value, str) and (begins := re.match(r"(?i)\A\s*error:\s*(.+)", value, re.S)):
        return {"message": begins[1]}
    return None


def error_text(error: Mapping[str, Any], plugin: str = "") -> str:
    """Return a failure as one sentence, and what would help."""
    code = str(error.get("code") or "")
    if code == "declined":
        return "You declined, so nothing was changed."
    message = _reason(str(error.get("message") or ""), code)
    near = [str(each) for each in error.get("suggestions") or ()]
    named = str(error.get("plugin") or plugin or "")
    help_ = _remedy(code, message, named, near)
    return f"That did not work: {message}{f' {help_}' if help_ else ''}"


def _reason(message: str, code: str) -> str:
    """Return *message* on one line, without a schema that somebody else was to read, and with its full stop."""
    line = " ".join(re.split(r"\s*(?:[Ss]chema:?\s*)?\{\s*\"", message, maxsplit=1)[0].split()) or "it gave no reason"
    line = re.sub(r"(?i)\Aerror:\s*", "", line)
    line = to_the_person(line, code)  # it is written for a model
    if len(line) > 400:
        line = line[:399].rsplit(" ", 1)[0] + "…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def _remedy(code: str, message: str, plugin: str, near: Sequence[str]) -> str:
    if near and not all(each in message for each in near):
        return f"Did you mean {result_text.listed(near[:4], 'or')}?"
    if "dynamic-plugins " in message:
        return ""
    name = plugin or "NAME"
    remedies = {
        "needs_configuration": f"Type: dynamic-plugins configure {name}",
        "not_installed": f'Say: "install {name}".',
        "not_active": f'Say: "switch {name} on".',
        "needs_confirmation": 'Say "yes" to go ahead.',
        "unknown_plugin": "Say what it should be able to do, and I search the registry.",
        "ambiguous_name": "Say the whole name of the one you mean.",
        "timeout": "Ask for less at once, or try it again.",
        "registry_unavailable": "Once the network is back, say it again.",
        "install_failed": "Type: dynamic-plugins doctor",
        "load_failed": f'Say: "switch {name} off and on", or type: dynamic-plugins doctor',
        "unavailable_here": "Say what it should be able to do, and I look for another one.",
    }
    return remedies.get(code, "")


# ---------------------------------------------------------------- the six actions


def _listed(result: dict[str, Any], call: Made) -> str:
    plugins = [each for each in result.get("plugins") or () if isinstance(each, dict)]
    query = str(call.arguments.get("query") or "")
    if isinstance(told := result.get("plugin"), dict):
        return account(told)
    if not plugins:
        what = f' for "{query}"' if query else ""
        return f"I found no plugin{what} in the registry. Say it in other words, or name what it should work with."
    new = [plugin for plugin in plugins if not plugin.get("installed")]
    off = [plugin for plugin in plugins if plugin.get("installed") and plugin.get("status") != "active"]
    end = f'Say: "install {new[0].get("name")}".' if len(new) == 1 else "Which one shall I install?" if new else ""
    if not end and off:
        end = f'Say: "switch {off[0].get("name")} on".'
    lines = [_line(plugin) for plugin in plugins]
    if len(lines) == 1:
        return f"I found {lines[0]}. {end}".rstrip()
    return "\n".join(["I found:", *(f"- {line}" for line in lines), *([end] if end else [])])


def found_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the lines that say what a search found: a caller who shows that as a table can leave them out."""
    plugins = [each for each in result.get("plugins") or () if isinstance(each, dict)]
    return ["I found:", *(f"- {_line(plugin)}" for plugin in plugins)]


def _line(plugin: Mapping[str, Any]) -> str:
    notes = [result_text.spoken(str(plugin["status"]))] if plugin.get("status") else []
    if plugin.get("needs"):
        notes.append(f"needs {', '.join(str(each) for each in plugin['needs'])}")
    if plugin.get("unavailable"):
        notes.append(f"not for this machine: {plugin['unavailable']}")
    described = f": {str(plugin['description']).rstrip('.')}" if plugin.get("description") else ""
    noted = f" ({'; '.join(notes)})" if notes else ""
    return f"{plugin.get('name')}{described}{noted}"


def _installed(result: dict[str, Any], call: Made) -> str:
    named = f"{plugin_of(call)} {result.get('version') or call.arguments.get('version') or ''}".rstrip()
    already = result.get("changed") is False
    status = str(result.get("status") or "installed")
    if needs := _needs(result, plugin_of(call)):
        said = f"{named} was installed already." if already else f"{named} is installed."
        return _joined(said, needs, result)
    if status == "active":
        return _joined(f"{named} is installed and on.", "", result)
    said = f"{named} was installed already, and is off." if already else f"{named} is installed, and still off."
    return _joined(said, 'Say "switch it on" to use it.', result)


def _needs(result: Mapping[str, Any], plugin: str) -> str:
    needs = [each if isinstance(each, dict) else {"name": str(each)} for each in result.get("needs") or ()]
    if not needs:
        return ""
    told = [f"{each.get('name')}{_hint(each)}" for each in needs]
    return f"It needs {result_text.listed(told)}. Type: dynamic-plugins configure {plugin}"


def _hint(variable: Mapping[str, Any]) -> str:
    described = str(variable.get("description") or "").strip().rstrip(".")
    return f" ({described})" if described else ""


def _configured(result: dict[str, Any], call: Made) -> str:
    plugin = plugin_of(call)
    names = [str(each) for each in result.get("set") or _names_given(call)]
    missing = [str(each) for each in result.get("missing") or ()]
    said = (
        f"{result_text.listed(names)} of {plugin} {_are(names)} set." if names else f"Nothing of {plugin} is set yet."
    )
    if needs := _needs(result, plugin):
        return _joined(said, needs.replace("It needs", "Still missing:", 1), result)
    if missing:
        return _joined(said, f"Still missing: {result_text.listed(missing)}. {_command(plugin)}", result)
    off = str(result.get("status") or "active") != "active"
    return _joined(said, 'Say "switch it on" to use it.' if off else "", result)


def _command(plugin: str) -> str:
    return f"Type: dynamic-plugins configure {plugin}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _names_given(call: Made) -> list[str]:
    given = call.arguments.get("configuration")
    if isinstance(given, dict):
        return [str(name) for name in given]
    return [str(each["name"]) for each in given or () if isinstance(each, dict) and each.get("name")]


def _activated(result: dict[str, Any], call: Made) -> str:
    names = [str(each.get("name")) for each in result.get("actions") or () if isinstance(each, dict)]
    said = f"{plugin_of(call)} {'was on already' if result.get('changed') is False else 'is on'}."
    if not names:
        return _joined(said, "", result)
    shown = names[:SHOWN_ACTIONS]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    told = ", ".join(shown) + more if more else result_text.listed(shown)
    return _joined(said, f"It can: {told}.", result)


def _deactivated(result: dict[str, Any], call: Made) -> str:
    if result.get("changed") is False:
        return _joined(f"{plugin_of(call)} was off already.", "", result)
    return _joined(f"{plugin_of(call)} is off; it stays installed, with its settings.", "", result)


def _unloaded(result: dict[str, Any], call: Made) -> str:
    plugin = plugin_of(call)
    gone = call.arguments.get("uninstall") is True or result.get("uninstalled") is True
    if gone or result.get("status") in ("uninstalled", "removed"):
        return _joined(f"{plugin} is uninstalled: it is no longer on this machine.", "", result)
    return _joined(
        f"{plugin} is unloaded: its process has ended, and it stays installed.",
        f"To remove it from this machine, type: dynamic-plugins uninstall {plugin}",
        result,
    )


def _joined(said: str, then: str, result: Mapping[str, Any]) -> str:
    note = to_the_person(str(result.get("note") or ""))
    return " ".join(part for part in (said, note, then) if part)


_TELLERS: dict[str, Callable[[dict[str, Any], Made], str]] = {
    "list_available_plugins": _listed,
    "install_plugin": _installed,
    "configure_plugin": _configured,
    "activate_plugin": _activated,
    "deactivate_plugin": _deactivated,
    "unload_plugin": _unloaded,
}
