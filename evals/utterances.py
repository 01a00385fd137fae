"""Runs a file of things people type through the agent's turn and writes what it would do, for a scorer to read.

    python -m evals.utterances FILE --out PREDICTIONS.jsonl [--model NAME --base-url URL] [--bare]

Each line of FILE is ``{"id", "installed", "active", "text", …}``; its turn starts with those plugins and none is
really installed: the tools answer as if all had worked. Where the answer is a question and nothing was called, "yes"
is said, and what is called then is ``proposed``. ``--bare`` asks Needle alone, with the six tools.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.conversation import Conversation
from dynamic_plugins.chat.model_factory import open_model
from dynamic_plugins.chat.plugin_reader import PluginReader
from dynamic_plugins.core import prompt_files
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.settings import ModelSettings, Settings
from dynamic_plugins.tools.management import NAMES, schema
from dynamic_plugins.tools.toolbox import Toolbox
from evals.needle import engine
from evals.pretended import VERSION, installed, management, no_context, providers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.core.model_protocol import Model

STEPS = 4

Line = dict[str, Any]
Calls = list[dict[str, Any]]


class Stage:
    """The agent's turn on a line's plugins, with tools that only pretend."""

    def __init__(self, line: Line, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.status = dict.fromkeys(line["installed"], "installed") | dict.fromkeys(line["active"], "active")

    def conversation(self, model: Model) -> Conversation:
        """Return a conversation that begins with the line's plugins."""
        known = len(self._catalogue.registry.cached_entries())
        toolbox = Toolbox(management(self._catalogue, _pretend), ComponentRegistry())
        return Conversation(
            model,
            toolbox,
            providers(self.status, known),
            reader=PluginReader(self._catalogue, dict, toolbox.plugin_tools),
            context=no_context,
            plugins=lambda: installed(self.status),
            max_steps=STEPS,
            turn_seconds=120,
        )


async def _pretend(_action: str, plugin_name: str, _given: dict[str, Any]) -> dict[str, Any]:
    return {"name": plugin_name, "version": VERSION, "changed": True}


async def answer(line: Line, model: Model, catalogue: Catalogue) -> tuple[Calls, Calls, str, float]:
    """Return a line's calls, what it proposed, its reply, and the seconds that the first turn took."""
    conversation = Stage(line, catalogue).conversation(model)
    begin = time.perf_counter()
    turn = await conversation.respond(line["text"])
    seconds = time.perf_counter() - begin
    proposed: Calls = []
    if not turn.calls and "?" in turn.reply:
        proposed = await _recorded(await conversation.respond("yes"), catalogue)
    return await _recorded(turn, catalogue), proposed, turn.reply, seconds


async def _recorded(turn: Turn, catalogue: Catalogue) -> Calls:
    return [await _call(call.tool, call.arguments, catalogue) for call in turn.calls]


async def _call(tool: str, arguments: Any, catalogue: Catalogue) -> dict[str, Any]:
    """Return a call as the scorer reads it, with the plugin's canonical name where the resolver has one."""
    given = arguments if isinstance(arguments, dict) else {}
    said = given.get("plugin_name") or given.get("pluginName")
    plugin = None
    if isinstance(said, str):
        plugin = (await catalogue.resolve(said)).name or said
    rest = {k: v for k, v in given.items() if k not in ("plugin_name", "pluginName") and v is not None}
    return {"tool": tool, "plugin": plugin, "args": rest}


async def bare(line: Line, catalogue: Catalogue) -> tuple[Calls, Calls, str, float]:
    """Return what Needle alone calls, with the six tools as they are."""
    told = prompt_files.table("actions.toml")
    tools = [
        {"name": name, "description": told[name]["description"], "parameters": _plain(schema(name))} for name in NAMES
    ]
    begin = time.perf_counter()
    guesses = await asyncio.to_thread(engine().guesses, line["text"], tools)
    seconds = time.perf_counter() - begin
    return [await _call(guess.tool, guess.arguments, catalogue) for guess in guesses], [], "", seconds


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without the nullable types that only OpenAI's strict mode needs."""
    properties = {
        name: {**told, "type": next(each for each in told["type"] if each != "null")}
        if isinstance(told["type"], list)
        else told
        for name, told in parameters["properties"].items()
    }
    required = [name for name in parameters["required"] if not isinstance(parameters["properties"][name]["type"], list)]
    return {"type": "object", "properties": properties, "required": required}


async def run(lines: Sequence[Line], out: Path, settings: Settings, *, alone: bool) -> list[float]:
    """Write the predictions for *lines* to *out* and return the seconds that each took."""
    # The bundled snapshot and nothing else: the same names for everybody who measures.
    registry = Registry(settings.home, settings.registries, official={})
    catalogue = Catalogue(registry)
    await catalogue.names()
    model = None if alone else open_model(settings, catalogue)
    times = []
    with out.open("w", encoding="utf-8") as file:
        for line in lines:
            given = bare(line, catalogue) if model is None else answer(line, model, catalogue)
            calls, proposed, reply, seconds = await given
            times.append(seconds)
            row = {"id": line["id"], "calls": calls, "proposed": proposed, "reply": reply}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    if model is not None:
        await model.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--base-url")
    parser.add_argument("--bare", action="store_true", help="Needle alone, with the six tools")
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    endpoint = ModelSettings(given.model, given.base_url, os.environ.get("OPENAI_API_KEY") if given.base_url else None)
    with tempfile.TemporaryDirectory() as home:
        times = asyncio.run(run(lines, given.out, Settings(Path(home), model=endpoint), alone=given.bare))
    times.sort()
    at_95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    print(f"{len(times)} lines; median {statistics.median(times):.3f} s, p95 {at_95:.3f} s a line")


if __name__ == "__main__":
    main()
