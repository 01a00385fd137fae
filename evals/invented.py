"""Values that fit what a plugin asks for, made up: for its configuration and for its actions' arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.registry.entry import Variable


def value_for(variable: Variable, home: Path) -> str:
    """Return a value for a variable that is asked for: a file or folder of its own, or a key that is none."""
    name = variable.name.upper()
    if variable.choices:
        return variable.choices[0]
    if variable.format in ("number", "boolean"):
        return {"number": "1", "boolean": "true"}[variable.format]
    said = f"{name} {variable.description.upper()}"
    if re.search(r"DIR|FOLDER|ROOT|WORKSPACE|REPO", said) and re.search(r"PATH|DIR|FOLDER|ROOT|REPO", name):
        (home / "data").mkdir(exist_ok=True)
        return str(home / "data")
    if variable.format == "filepath" or re.search(r"PATH|FILE", name):
        return str(home / "data.db")
    return "http://127.0.0.1:9" if re.search(r"URL|ENDPOINT|URI", name) else "not-a-real-key"


def arguments_for(schema: dict[str, Any], root: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return arguments that fit *schema*: what is required; of an elizaOS action, which requires nothing, all."""
    properties = schema.get("properties", {})
    wanted = schema.get("required") or (list(properties) if "text" in properties else [])
    return {name: example(properties.get(name, {}), root or schema) for name in wanted}


def example(schema: Any, root: dict[str, Any], depth: int = 0) -> Any:
    """Return a small value that fits a property's schema; *root* holds what it refers to."""
    if not isinstance(schema, dict) or depth > 8:
        return "test"
    if "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            found = found.get(step, {})
        return example(found, root, depth + 1)
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    for given in ("enum", "examples"):
        if isinstance(schema.get(given), list) and schema[given]:
            return schema[given][0]
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        return example(each, root, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return arguments_for(schema, root)
    if kind == "array":
        return [example(schema.get("items", {}), root, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
    return _text(schema) if kind not in ("boolean", "null") else kind == "boolean" or None


def _text(schema: dict[str, Any]) -> str:
    formats = {
        "uri": "http://127.0.0.1:9",
        "date": "2026-01-31",
        "date-time": "2026-01-31T12:00:00+00:00",
        "uuid": "6aee8177-4ba4-58e6-a842-e9fd1ee4bde3",
        "email": "nobody@example.org",
    }
    return str(formats.get(schema.get("format", ""), "test").ljust(schema.get("minLength", 0), "x"))
