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


def arguments_for(schema: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that fit *schema*: what is required, and as little as possible."""
    properties = schema.get("properties", {})
    wanted = schema.get("required") or [name for name in ("text",) if name in properties]
    return {name: example(properties.get(name, {})) for name in wanted}


def example(schema: Any) -> Any:
    """Return a small value that fits a property's schema."""
    if not isinstance(schema, dict):
        return "test"
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    if schema.get("enum"):
        return schema["enum"][0]
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return example(each)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    simple: dict[Any, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "null": None}
    return arguments_for(schema) if kind == "object" else simple.get(kind, "test")
