"""The actions of the active plugins as tools, under names that are unique and that every API takes."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.core.action_choice import ALL
from dynamic_plugins.tools.management import NAMES
from dynamic_plugins.tools.tool_formats import Tool, in_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.core.action_choice import ActionChoice
    from dynamic_plugins.lifecycle.component_registry import ComponentRegistry

MAX_LISTED = 30
MAX_LISTED_CHARACTERS = 5_000
"""Past this many actions of plugins, or this much text of theirs (some 1,200 tokens in each request of a turn), the
model gets a search and a call in place of the list."""
NAME_LENGTH = 64
SEARCH_ACTIONS, CALL_ACTION = "search_plugin_actions", "call_plugin_action"
"""What stands in the place of a list that is too long: no plugin's tool is called so."""
RUN_PROGRAM = "run_program"
"""What stands in its place in code mode; no plugin's tool is called so either: theirs have ``__`` in their names."""


class PluginTools:
    """The tools of the plugins that were mounted in *components* when this was made, and what is asked of them often.

    With hundreds of actions, making their names takes longer than all the rest of a call.
    """

    def __init__(self, components: ComponentRegistry, choices: Mapping[str, ActionChoice]) -> None:
        self.generation, self.choices = components.generation, choices
        self.tools = tools_of(components, choices)
        self.by_name = {tool.name: tool for tool in self.tools}

    @cached_property
    def too_many(self) -> bool:
        """Whether they are more, or longer, than a model should read in each turn."""
        if len(self.tools) > MAX_LISTED:
            return True
        return len(json.dumps(in_format(self.tools, "openai"))) > MAX_LISTED_CHARACTERS


def tools_of(components: ComponentRegistry, choices: Mapping[str, ActionChoice]) -> list[Tool]:
    """Return one tool for each action of the plugins that are mounted in *components*, under unique names.

    *choices* are what the person has chosen among their actions, by plugin.
    """
    offered = [
        (name, action, called, unique_name(name, called, set()))
        for name, plugin in components.plugins.items()
        for choice in (choices.get(name, ALL),)
        for action in plugin.actions
        if choice.offers(action.name)
        for called in (choice.name_of(action.name),)
    ]
    owners = _owners((name, called, plain) for name, _, called, plain in offered)
    taken: set[str] = {*NAMES, SEARCH_ACTIONS, CALL_ACTION}
    tools = []
    for name, action, called, plain in offered:
        is_free = plain not in taken and owners.get(plain, name) == name
        tool = Tool(plain if is_free else unique_name(name, called, {plain}), action, name)
        taken.add(tool.name)
        tools.append(tool)
    return tools


def _owners(offered: Iterable[tuple[str, str, str]]) -> dict[str, str | None]:
    """Return, of each tool's name that several plugins would have, the one whose own name it is; None for none.

    *offered* are plugins with the name of an action and of the tool. It does not depend on which was switched on first:
    what a person lets a client call by a name stays what it was, whoever else calls itself so.
    """
    claims: dict[str, dict[str, bool]] = {}
    for plugin, called, plain in offered:
        claims.setdefault(plain, {}).setdefault(plugin, plain == f"{plugin}__{called}")
    found: dict[str, str | None] = {}
    for plain, plugins in claims.items():
        if len(plugins) > 1:
            exact = [plugin for plugin, is_exact in plugins.items() if is_exact]
            found[plain] = exact[0] if len(exact) == 1 else None
    return found


def may_offer(plugin: str, tool: str) -> bool:
    """Return whether *tool* is named as those of *plugin* are."""
    return tool.startswith(unique_name(plugin, "x", set()).removesuffix("x"))


def unique_name(plugin: str, action: str, taken: set[str]) -> str:
    """Return ``<plugin>__<action>`` in at most 64 characters of ``[A-Za-z0-9_-]``, different from all *taken*."""
    short = plugin.rsplit("/", 1)[-1]
    name = "__".join(re.sub(r"[^A-Za-z0-9_-]+", "_", part).strip("_") or "x" for part in (short, action))
    if not name[0].isalpha():
        name = f"_{name}"  # Gemini wants a letter or an underscore first
    if len(name) <= NAME_LENGTH and name not in taken:
        return name
    digest = hashlib.sha256(f"{plugin}\0{action}".encode()).hexdigest()[:8]
    return f"{name[: NAME_LENGTH - 9]}_{digest}"
