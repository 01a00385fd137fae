"""What each tool gives, as JSON Schema: MCP clients that make types of it see no more of a result than it names."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_YES_OR_NO: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_OPEN: Schema = {"type": "object", "additionalProperties": True}


def _object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": True}


def _list_of(**properties: Schema) -> Schema:
    return {"type": "array", "items": _object(**properties)}


# An error's "schema" is not named: clients that make Pydantic models of this would shadow a method of theirs.
_ERROR = _object(("code", "message"), code=_TEXT, message=_TEXT, suggestions=_TEXTS, missing=_TEXTS, page=_TEXT)
_PLUGIN = {
    "name": _TEXT,
    "version": _TEXT,
    "status": _TEXT,
    "changed": _YES_OR_NO,
    "note": _TEXT,
    "reads_turns": _YES_OR_NO,
    "withheld": _object(what=_TEXTS, why=_TEXT),
}
_NEEDS = {"needs": _list_of(name=_TEXT, description=_TEXT, secret=_YES_OR_NO), "next": _TEXT}

_GIVES: dict[str, dict[str, Schema]] = {
    "list_available_plugins": {
        "plugins": _list_of(
            name=_TEXT, description=_TEXT, installed=_YES_OR_NO, status=_TEXT, needs=_TEXTS, unavailable=_TEXT
        ),
        "known": {"type": "integer"},
        "plugin": _OPEN,
        "notices": _TEXTS,
    },
    "install_plugin": _PLUGIN | _NEEDS,
    "configure_plugin": _PLUGIN | _NEEDS | {"set": _TEXTS, "missing": _TEXTS, "optional": _TEXTS},
    "activate_plugin": _PLUGIN | {"actions": _list_of(name=_TEXT, description=_TEXT), "instructions": _TEXT},
    "deactivate_plugin": _PLUGIN,
    "unload_plugin": _PLUGIN | {"uninstalled": _YES_OR_NO},
    "search_plugin_actions": {"actions": _list_of(action=_TEXT, description=_TEXT, parameters=_OPEN)},
    "call_plugin_action": {
        "plugin": _TEXT,
        "action": _TEXT,
        "result": {},
        "page": {"type": "integer"},
        "pages": {"type": "integer"},
        "next": _TEXT,
    },
    "run_program": {"output": _TEXT, "calls": {"type": "integer"}, "left_out": _TEXT, "note": _TEXT},
}


def output_schema(tool: str) -> Schema:
    """Return the schema of what *tool* gives, done or failed; what it does not name may be there as well."""
    return _object(("ok",), ok=_YES_OR_NO, **_GIVES[tool], error=_ERROR)
