"""A tool, and the form in which each API takes it: name, description, parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.tools.model_schemas import for_models, renames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dynamic_plugins.plugin import Action

ToolFormat = Literal["openai", "openai-responses", "anthropic", "gemini", "mcp"]

DESCRIPTION_LENGTH = 1024
"""What OpenAI's APIs take of a description."""
LONGEST_DESCRIPTION = 4_000
"""What any model is shown of a description; a stranger's may be of any length."""
SIMILES, SIMILE_LENGTH = 6, 60
"""How many of an action's similes a model is shown, and how long one may be: they come from strangers."""
ALSO_SAID = "People also say: "


@dataclass(frozen=True)
class Tool:
    """One thing the model may call. *plugin* is None for the six management actions."""

    name: str
    action: Action
    plugin: str | None = None

    @property
    def strict(self) -> bool:
        """Whether the schema is known to be valid in OpenAI's strict mode: ours are, strangers' may not be."""
        return self.plugin is None

    @cached_property
    def is_renamed(self) -> bool:
        """Whether a model is shown any argument under a name that is not the action's own."""
        return renames(self.action.parameters)


def in_format(tools: Sequence[Tool], form: ToolFormat) -> list[dict[str, Any]]:
    """Return *tools* in the form that an API takes: OpenAI's Chat Completions or Responses, Anthropic, Gemini, MCP."""
    return [_FORMS[form](tool) for tool in tools]


def _openai(tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": _function(tool)}


def described(action: Action, limit: int | None = None) -> str:
    """Return what a model reads of *action*: what it is for, and other ways in which people say it."""
    also = ", ".join(one for one in action.similes[:SIMILES] if isinstance(one, str) and len(one) <= SIMILE_LENGTH)
    also = f" {ALSO_SAID}{also}." if also else ""
    return action.description[: (limit or LONGEST_DESCRIPTION) - len(also)] + also


def _function(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": described(tool.action, DESCRIPTION_LENGTH),
        "parameters": for_models(tool.action.parameters),
        "strict": tool.strict,
    }


_FORMS: dict[str, Callable[[Tool], dict[str, Any]]] = {
    "openai": _openai,
    "openai-responses": lambda tool: {"type": "function", **_function(tool)},
    "anthropic": lambda tool: {
        "name": tool.name,
        "description": described(tool.action),
        "input_schema": for_models(tool.action.parameters),
    },
    "gemini": lambda tool: {
        "name": tool.name,
        "description": described(tool.action),
        "parametersJsonSchema": for_models(tool.action.parameters),
    },
    "mcp": lambda tool: {
        "name": tool.name,
        "description": described(tool.action),
        "inputSchema": for_models(tool.action.parameters),
    },
}
