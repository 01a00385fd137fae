"""How a tool's call looks in a line: words for the six actions, and the arguments as a person would write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from dynamic_plugins.core.model_protocol import ToolCall

_LONGEST = 60
_VERBS = {
    "list_available_plugins": "search",
    "install_plugin": "install",
    "configure_plugin": "configure",
    "activate_plugin": "activate",
    "deactivate_plugin": "deactivate",
    "unload_plugin": "unload",
}


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


def _subject(arguments: dict[str, Any]) -> list[str]:
    plugin = arguments.get("plugin_name") or arguments.get("pluginName")
    version = arguments.get("version")
    return [_short(each) for each in (plugin, version) if each]


def _tool(name: str) -> str:
    plugin, _, action = name.partition("__")
    return one_line(f"{plugin} {action}".strip() if action else name)


def _short(value: Any) -> str:
    text = one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _arguments(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text
