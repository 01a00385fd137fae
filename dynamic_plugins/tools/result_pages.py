"""Results that are too long for a model to read at once: it gets the first page, and reads on page by page."""

from __future__ import annotations

import json
import secrets
from typing import Any

from dynamic_plugins.core.json_text import json_text
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.plugin import Action
from dynamic_plugins.tools.argument_repair import repair
from dynamic_plugins.tools.tool_formats import Tool

READ_PAGE = "read_result_page"
"""No plugin's tool is called so: theirs have ``__`` in their names."""
_MOST_KEPT = 8
_READ = Action(
    READ_PAGE,
    "Read on in a result that was too long to be given at once.",
    lambda **_: None,
    {
        "type": "object",
        "properties": {
            "result": {"type": "string", "description": "The result, as its first page calls it."},
            "page": {"type": "integer", "description": "The page to read, from 1."},
        },
        "required": ["result", "page"],
        "additionalProperties": False,
    },
)


class ResultPages:
    """Cuts results of more than *characters*, and keeps the last few of them whole; 0 cuts nothing."""

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._kept: dict[str, tuple[dict[str, Any], str]] = {}
        self.tool = Tool(READ_PAGE, _READ)

    def __bool__(self) -> bool:
        """Return whether there is anything to read on in."""
        return bool(self._kept)

    def first(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return what a tool gave, as it is or, where it is too long, with the first page in its place."""
        if not self._characters:
            return result
        if not result["ok"]:
            return self._with_short_message(result)
        value = result.get("result")
        if value is None or isinstance(value, int | float):
            return result
        text = value if isinstance(value, str) else json_text(value)
        if len(text) <= self._characters:
            return result
        key = secrets.token_hex(3)
        self._kept[key] = {name: each for name, each in result.items() if name != "result"}, text
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return self._page(key, 1)

    def read(self, arguments: Any) -> dict[str, Any]:
        """Return the page that is asked for. Raises BadArgumentsError for one that there is not."""
        asked = repair(READ_PAGE, arguments, dict(_READ.parameters))
        key, number = str(asked.get("result")), asked.get("page")
        if key not in self._kept:
            raise BadArgumentsError(
                READ_PAGE, f"no result {key!r} is kept; call the action again", dict(_READ.parameters)
            )
        pages = self._count(key)
        if not isinstance(number, int) or not 1 <= number <= pages:
            raise BadArgumentsError(READ_PAGE, f"'page' must be from 1 to {pages}", dict(_READ.parameters))
        return self._page(key, number)

    def _count(self, key: str) -> int:
        return -(-len(self._kept[key][1]) // self._characters)

    def _page(self, key: str, number: int) -> dict[str, Any]:
        about, text = self._kept[key]
        begin, pages = (number - 1) * self._characters, self._count(key)
        found = {**about, "result": text[begin : begin + self._characters], "page": number, "pages": pages}
        if number == pages:
            return found
        following = json.dumps({"result": key, "page": number + 1})
        return {**found, "next": f"Read on with {READ_PAGE} {following}; it is an action of call_plugin_action, too."}

    def _with_short_message(self, result: dict[str, Any]) -> dict[str, Any]:
        message = result["error"].get("message", "")
        if len(message) <= self._characters:
            return result
        short = f"{message[: self._characters]}… ({len(message):,} characters in all)"
        return {**result, "error": {**result["error"], "message": short}}
