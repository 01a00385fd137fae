"""A tool as the built-in model reads it: the words of its name, description and parameters, made once and kept."""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import concepts, verb_kinds
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens
from dynamic_plugins.tools.tool_formats import ALSO_SAID

if TYPE_CHECKING:
    from dynamic_plugins.embedded.context.request import Offered

_NOISE = frozenset(
    [
        "api",
        "browser",
        "tool",
        "action",
        "mcp",
        "server",
        "plugin",
        "json",
        "use",
        "used",
        "using",
        "when",
        "value",
        "given",
        "specific",
    ]
)


_TWOFOLD = frozenset(["take", "takes"])
"""What takes something away where a person says it, and makes something in the name of an action: a screenshot."""

_READ = frozenset(["diff", "status", "log", "logs", "history", "info"])
"""What the name of an action that only reads may say without a verb for it, or with one that people use otherwise."""


_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "for",
        "and",
        "or",
        "by",
        "with",
        "from",
        "is",
        "are",
        "it",
        "its",
        "all",
        "this",
        "that",
        "which",
        "at",
        "as",
        "be",
        "into",
    ]
)


class Card:
    """A tool as the ranker reads it; one is made for each tool and kept."""

    def __init__(self, tool: Offered) -> None:
        self.tool = tool
        plugin, _, action = tool.name.rpartition("__")
        self.plugin = plugin
        self.name_words = [w for w in tokens(action) if w not in _NOISE] or tokens(action)
        description, _, also = tool.description.partition(ALSO_SAID)
        first = re.split(r"(?<=[.!?])\s|\n", description.strip(), maxsplit=1)[0]
        self.first, self.rest, self.also = tokens(first[:300]), tokens(description[len(first) : 700]), tokens(also)
        self.parameters = parameters_of(tool.parameters)
        self.deprecated = "deprecated" in description.lower()

    @cached_property
    def plugin_stems(self) -> frozenset[str]:
        skipped = {"mcp", "server", "plugin", "modelcontextprotocol", "elizaos", ""}
        return frozenset(stem(w) for w in tokens(self.plugin) if w not in skipped)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """What kind of action it is, by the first word of its name that says so, or of how its description begins."""
        for word in (*self.name_words, *self.first):
            if word in _READ:
                return frozenset(["read"])
            if word not in _TWOFOLD and (found := verb_kinds(word)):
                return found
        return frozenset()

    @cached_property
    def fields(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """Stems and concepts of its parts: name, first sentence, rest of the description, parameters, other sayings."""
        params = [w for p in self.parameters for w in p.words]
        values = [w for p in self.parameters for c in p.choices for w in tokens(str(c))]
        parts = {
            "name": self.name_words,
            "first": self.first,
            "rest": self.rest,
            "params": params,
            "choices": values,
            "also": self.also,
        }
        return {
            k: (frozenset(stem(w) for w in v if w not in _STOP), frozenset(c for w in v for c in concepts(w)))
            for k, v in parts.items()
        }

    @cached_property
    def roles(self) -> dict[str, int]:
        """How many parameters want each sort of value; those that are required count in ``role!``."""
        found: dict[str, int] = {}
        for p in self.parameters:
            role = p.items.role if p.role == "list" and p.items.role != "name" else p.role
            found[role] = found.get(role, 0) + 1
            if p.required:
                found[role + "!"] = found.get(role + "!", 0) + 1
        return found


@lru_cache(maxsize=2_000)
def _card(name: str, description: str, parameters: str) -> Card:
    from dynamic_plugins.embedded.context.request import Offered

    return Card(Offered(name, description, json.loads(parameters)))


def card(tool: Offered) -> Card:
    """Return the card of *tool*."""
    return _card(tool.name, tool.description, json.dumps(tool.parameters, sort_keys=True))
