"""Turns of dialogues and single labelled messages as the using of active plugins sees them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from dynamic_plugins.tools.plugin_tools import unique_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Call = dict[str, Any]


@dataclass
class Turn:
    """One message with the conversation before it, the tools that are offered, and the good answers."""

    id: str
    said: str
    exchanges: list[Exchange]
    tools: list[Offered]
    expect: list[Call]
    accept: list[list[Call]] = field(default_factory=list)
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Plugin and action of each tool's name."""

    @property
    def kind(self) -> str:
        if not self.expect:
            return "talk"
        return "use" if any(call["tool"] == "use" for call in self.expect) else "manage"

    @property
    def answers(self) -> list[list[Call]]:
        return [self.expect, *self.accept]


def lines(path: Path) -> list[Any]:
    """Return the JSON objects of a file, one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


class Offers:
    """Tools by plugin, under the names that a toolbox gives them."""

    def __init__(self, tools: dict[str, list[dict[str, Any]]]) -> None:
        self._tools, self._made = tools, dict[str, list[tuple[Offered, str]]]()

    def of(self, plugin: str) -> list[tuple[Offered, str]]:
        """Return the tools of one plugin with their actions' names."""
        if plugin not in self._made:
            taken: set[str] = set()
            self._made[plugin] = [(_offered(plugin, tool, taken), tool["name"]) for tool in self._tools.get(plugin, [])]
        return self._made[plugin]


def _offered(plugin: str, tool: dict[str, Any], taken: set[str]) -> Offered:
    name = unique_name(plugin, tool["name"], taken)
    taken.add(name)
    schema = tool.get("parameters") or tool.get("inputSchema") or {"type": "object", "properties": {}}
    return Offered(name, str(tool.get("description") or "")[:1024], schema)


def dialogue_turns(dialogues: Iterable[dict[str, Any]], offers: Offers) -> Iterator[Turn]:
    """Give the turns of *dialogues*; before each the conversation is as it should have gone."""
    for dialogue in dialogues:
        active, exchanges = list(dialogue["active"]), list[Exchange]()
        for number, turn in enumerate(dialogue["turns"]):
            named = {tool.name: (plugin, action) for plugin in active for tool, action in offers.of(plugin)}
            tools = [tool for plugin in active for tool, _ in offers.of(plugin)]
            yield Turn(
                f"{dialogue['id']}.{number}",
                turn["say"],
                list(exchanges),
                tools,
                turn["expect"],
                turn.get("accept", []),
                named,
            )
            exchanges.append(_exchange(turn, offers))
            for call in turn["expect"]:
                _switch(active, call)


def _switch(active: list[str], call: Call) -> None:
    plugin = call.get("plugin")
    if call["tool"] == "activate_plugin" and plugin and plugin not in active:
        active.append(plugin)
    if call["tool"] in ("deactivate_plugin", "unload_plugin") and plugin in active:
        active.remove(plugin)


def _exchange(turn: dict[str, Any], offers: Offers) -> Exchange:
    results = turn.get("result")
    several = isinstance(results, list) and len(turn["expect"]) == len(results)
    made = []
    for index, call in enumerate(turn["expect"]):
        result = results[index] if several and isinstance(results, list) and index < len(results) else results
        if call["tool"] != "use":
            made.append(Made(call["tool"], {"plugin_name": call.get("plugin"), **(call.get("args") or {})}, result))
            continue
        name = next(
            (tool.name for tool, action in offers.of(call["plugin"]) if action == call["action"]), call["action"]
        )
        made.append(
            Made(
                name,
                dict(call.get("args") or {}),
                {"ok": True, "plugin": call["plugin"], "action": call["action"], "result": result},
            )
        )
    return Exchange(turn["say"], made, turn.get("told"))


_PLUGIN, _ACTION = re.compile(r"^## (.+?): ", re.M), re.compile(r"^- ([\w-]+): (['\"])(.*)\2 params: ", re.M)


def described_offers(folder: Path, labelled: Iterable[dict[str, Any]]) -> Offers:
    """Return the plugins of ``offers-*.md``, whose parameters are those that *labelled* calls were given."""
    seen: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    given: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in labelled:
        for call in line["expect"]:
            if call["tool"] == "use" and call.get("action"):
                key = (call["plugin"], call["action"])
                counts[key] += 1
                for name, value in (call.get("args") or {}).items():
                    given[*key, name] += 1
                    seen[key].setdefault(name, _schema_of(value))
    tools: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("offers-*.md")):
        text = path.read_text(encoding="utf-8")
        marks = [*_PLUGIN.finditer(text)]
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        for mark, end in zip(marks, ends, strict=False):
            part = text[mark.end() : end]
            found = []
            for m in _ACTION.finditer(part):
                key = (mark[1], m[1])
                required = [name for name in seen[key] if given[*key, name] >= 0.9 * counts[key]]
                schema = {"type": "object", "properties": seen[key], "required": required}
                found.append({"name": m[1], "description": m[3].replace("\\n", "\n"), "parameters": schema})
            tools.setdefault(mark[1], found)
    return Offers(tools)


def _schema_of(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, (int, float)):
        return {"type": "number"}
    if isinstance(value, list):
        return {"type": "array", "items": _schema_of(value[0]) if value else {"type": "string"}}
    if isinstance(value, dict):
        return {"type": "object", "properties": {name: _schema_of(one) for name, one in value.items()}}
    return {"type": "string"}


def single_turns(labelled: Iterable[dict[str, Any]], offers: Offers) -> Iterator[Turn]:
    """Give the messages of *labelled* that were written with one of *offers*' plugins active."""
    for number, line in enumerate(labelled):
        active = [plugin for plugin in line.get("active", []) if offers.of(plugin)]
        uses = [call for call in line["expect"] if call["tool"] == "use"]
        active += [call["plugin"] for call in uses if call["plugin"] not in active and offers.of(call["plugin"])]
        if active:
            named = {tool.name: (plugin, action) for plugin in active for tool, action in offers.of(plugin)}
            tools = [tool for plugin in active for tool, _ in offers.of(plugin)]
            yield Turn(f"h{number}", line["text"], [], tools, line["expect"], line.get("accept", []), named)
