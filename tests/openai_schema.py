"""OpenAI's own schema of a Chat Completions request, where it lies beside the project."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parent.parent.parent / "shared" / "data" / "openai-chat-completions.schema.json"


@cache
def _validator(name: str) -> Any:
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


def check(name: str, body: Any) -> None:
    """Fail where *body* is not what the schema calls *name*; where the schema is not there, nothing is checked."""
    if SCHEMA.is_file():
        problems = [
            f"{list(error.absolute_path)}: {error.message[:200]}" for error in _validator(name).iter_errors(body)
        ]
        assert problems == []
