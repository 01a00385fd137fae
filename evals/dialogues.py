"""Plays conversations that manage and use plugins, and writes what the agent did at each turn, for a scorer to read.

    python -m evals.dialogues FILE --out PREDICTIONS.jsonl [--tools TOOLS.json] [--model NAME --base-url URL]

Each line of FILE is ``{"id", "installed", "active", "turns": [{"say", "expect", "result"?, "told"}…]}``. Nothing is
installed and no worker runs: the six actions answer as if all had worked, and a plugin's own action answers with the
turn's ``result``. Each turn starts from the truth: the plugins stand as after the ``expect`` of the turns before, and
the conversation holds these calls, their results and what was ``told``. Where the reply asks, "yes" is said, and what
is called then is ``proposed``. What the plugins offer is read from ``tools.json`` beside FILE, else from ``--tools``.
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
from dynamic_plugins.errors import PluginError
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.plugin import Action, Plugin
from dynamic_plugins.redaction.session_vault import SessionVault
from dynamic_plugins.registry.entry import Entry, OfferedAction, Variable
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.settings import ModelSettings, Settings
from dynamic_plugins.tools.management import NAMES
from dynamic_plugins.tools.toolbox import Toolbox
from evals.pretended import VERSION, installed, management, no_context, providers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.core.model_protocol import Model

SHARED_TOOLS = Path(__file__).parent.parent.parent / "shared" / "data" / "dialogues" / "tools.json"

Calls = list[dict[str, Any]]
Offers = dict[str, list[dict[str, Any]]]


class Stage:
    """The plugins as they stand before a turn, and a conversation on them whose tools only pretend.

    Calls of actions return *results* one after another, the last one again and again.
    """

    def __init__(self, status: dict[str, str], offers: Offers, catalogue: Catalogue, results: Sequence[Any]) -> None:
        self._status, self._offers, self._catalogue = dict(status), offers, catalogue
        self._results = list(results)
        self._vault = SessionVault()
        self._configured: list[tuple[str, list[dict[str, Any]]]] = []
        self._registry = ComponentRegistry()
        for name, how in status.items():
            if how == "active":
                self._registry.mount(self._plugin(name))
        self._toolbox = Toolbox(management(catalogue, self._pretend), self._registry)

    def _plugin(self, name: str) -> Plugin:
        return Plugin(name, "", actions=[self._action(offer) for offer in self._offers.get(name, ())])

    def _action(self, offer: dict[str, Any]) -> Action:
        async def answer(**_: Any) -> Any:
            return self._next_result()

        hints = offer.get("annotations") or {}
        parameters = offer.get("parameters") or {"type": "object", "properties": {}}
        return Action(offer["name"], offer["description"], answer, parameters, read_only=hints.get("readOnlyHint"))

    def _next_result(self) -> Any:
        if not self._results:
            return None
        return self._results.pop(0) if len(self._results) > 1 else self._results[0]

    async def _pretend(self, action: str, plugin_name: str, given: dict[str, Any]) -> dict[str, Any]:
        plugin = (await self._catalogue.resolve(plugin_name)).name or plugin_name
        if action == "configure_plugin":
            self._configured.append((plugin, [self._revealed(plugin, **each) for each in given["configuration"] or ()]))
        if action == "activate_plugin" and plugin not in self._registry.plugins:
            self._registry.mount(self._plugin(plugin))
        return {"name": plugin, "version": VERSION, "changed": True}

    def _revealed(self, plugin: str, name: str, value: str) -> dict[str, str]:
        """Return a setting with the secret that its placeholder stands for, as the service would store it."""
        try:
            return {"name": name, "value": self._vault.reveal(value, plugin, Variable(name, secret=True))}
        except PluginError:
            return {"name": name, "value": value}

    def conversation(self, model: Model, before: Sequence[dict[str, Any]]) -> Conversation:
        """Return the conversation as it stands after the turns *before*."""
        conversation = Conversation(
            model, self._toolbox, providers(self._status, 160),
            reader=PluginReader(self._catalogue, dict, self._toolbox.plugin_tools),
            context=no_context, plugins=lambda: installed(self._status), vault=self._vault, max_steps=4,
            turn_seconds=120,
        )  # fmt: skip
        for turn in before:
            results = _results_of(turn)
            calls = [
                (self.name_of(call), _arguments(call), _as_told(call, result))
                for call, result in zip(turn["expect"], results, strict=True)
            ]
            conversation.recall(turn["say"], calls, turn.get("told", ""))
        return conversation

    def name_of(self, call: dict[str, Any]) -> str:
        """Return the name of the tool that a call of a dialogue is for."""
        if call["tool"] != "use":
            return str(call["tool"])
        mine = [
            t for t in self._toolbox.plugin_tools() if t.plugin == call["plugin"] and t.action.name == call["action"]
        ]
        return mine[0].name if mine else f"{call['plugin']}__{call['action']}"

    async def calls_of(self, turn: Turn) -> Calls:
        """Return the calls of *turn* as the scorer reads them."""
        own = {tool.name: tool for tool in self._toolbox.plugin_tools()}
        calls: Calls = []
        for call in turn.calls:
            given = call.arguments if isinstance(call.arguments, dict) else {}
            if call.tool in own:
                tool = own[call.tool]
                calls.append({"tool": "use", "plugin": tool.plugin, "action": tool.action.name, "args": given})
            elif call.tool in NAMES:
                named = given.get("plugin_name")
                rest = {k: v for k, v in given.items() if k != "plugin_name" and v is not None}
                plugin = (await self._resolve(named)) if isinstance(named, str) else None
                if call.tool == "configure_plugin" and plugin is not None:
                    rest["configuration"] = self._as_received(plugin, rest.get("configuration"))
                calls.append({"tool": call.tool, "plugin": plugin, "args": rest})
        return calls

    def _as_received(self, plugin: str, configuration: Any) -> Any:
        """Return the settings as the plugin gets them: with the secret that a placeholder stands for."""
        names = [each["name"] for each in configuration or ()]
        return next((c for p, c in self._configured if p == plugin and [e["name"] for e in c] == names), configuration)

    async def _resolve(self, name: str) -> str:
        return name if name in self._status else (await self._catalogue.resolve(name)).name or name


def _results_of(turn: dict[str, Any]) -> list[Any]:
    expect, result = turn["expect"], turn.get("result", "done")
    if isinstance(result, list) and len(result) == len(expect):
        return list(result)
    return [result] * len(expect)


def _as_told(call: dict[str, Any], result: Any) -> dict[str, Any]:
    """Return *result* as the toolbox hands it to a model."""
    if call["tool"] != "use":
        return result if isinstance(result, dict) else {"ok": True, "result": result}
    return {"ok": True, "plugin": call["plugin"], "action": call["action"], "result": result}


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    given = dict(call.get("args") or {})
    if call["tool"] == "use" or not call.get("plugin"):
        return given
    settings = given.get("configuration")
    if isinstance(settings, dict):
        given["configuration"] = [{"name": name, "value": value} for name, value in settings.items()]
    return {"plugin_name": call["plugin"], **given}


def after(status: dict[str, str], calls: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return how the plugins stand after *calls*."""
    status = dict(status)
    for call in calls:
        plugin = str(call.get("plugin"))
        match call["tool"]:
            case "install_plugin":
                status.setdefault(plugin, "installed")
            case "activate_plugin":
                status[plugin] = "active"
            case "deactivate_plugin" if plugin in status:
                status[plugin] = "inactive"
            case "unload_plugin" if (call.get("args") or {}).get("uninstall"):
                status.pop(plugin, None)
            case "unload_plugin" if plugin in status:
                status[plugin] = "installed"
    return status


async def play(
    dialogue: dict[str, Any], settings: Settings, offers: Offers, registry: Registry
) -> tuple[list[Any], list[float]]:
    """Return what was done at each turn of *dialogue*, and the processor seconds that each first answer took."""
    status = dict.fromkeys(dialogue["installed"], "inactive") | dict.fromkeys(dialogue["active"], "active")
    done, seconds = [], []
    for number, turn in enumerate(dialogue["turns"]):
        catalogue = Catalogue(
            registry,
            lambda now=dict(status): _entries(now, offers),  # type: ignore[misc] # bound now
            settings.home / "registry",
            meaning=settings.meaning,
        )
        model = open_model(settings, catalogue)
        stage = Stage(status, offers, catalogue, _results_of(turn) or [turn.get("result", "done")])
        conversation = stage.conversation(model, dialogue["turns"][:number])
        begin = time.process_time()
        answer = await conversation.respond(turn["say"])
        seconds.append(time.process_time() - begin)
        calls = await stage.calls_of(answer)
        proposed: Calls = []
        if "?" in answer.reply:
            proposed = await stage.calls_of(await conversation.respond("yes"))
        done.append({"calls": calls, "proposed": proposed, "reply": answer.reply})
        await model.close()
        status = after(status, turn["expect"])
    return done, seconds


def _entries(status: dict[str, str], offers: Offers) -> dict[str, Entry]:
    return {
        name: Entry(name, actions=tuple(OfferedAction(o["name"], o["description"]) for o in offers.get(name, ())))
        for name in status
    }


def read_offers(file: Path, given: Path | None) -> Offers:
    """Return what the plugins offer: the file *given*, the one beside *file*, or the shared one."""
    for path in filter(None, (given, file.with_name("tools.json"), SHARED_TOOLS)):
        if path.is_file():
            offers: Offers = json.loads(path.read_text(encoding="utf-8"))
            return offers
    raise SystemExit("Give --tools: there is no tools.json beside the file.")


async def run(dialogues: Sequence[dict[str, Any]], out: Path, offers: Offers, settings: Settings) -> list[float]:
    """Write the predictions for *dialogues* to *out*; return the processor seconds of each turn's first answer."""
    registry = Registry(settings.home, settings.registries, official={})
    times: list[float] = []
    with out.open("w", encoding="utf-8") as written:
        for dialogue in dialogues:
            turns, seconds = await play(dialogue, settings, offers, registry)
            times += seconds
            written.write(json.dumps({"id": dialogue["id"], "turns": turns}, ensure_ascii=False) + "\n")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--base-url")
    given = parser.parse_args()
    endpoint = ModelSettings(given.model, given.base_url, os.environ.get("OPENAI_API_KEY") if given.base_url else None)
    dialogues = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(Path(home), model=endpoint)
        times = sorted(asyncio.run(run(dialogues, given.out, read_offers(given.file, given.tools), settings)))
    at_95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    print(f"{len(times)} turns; processor time: median {statistics.median(times):.3f} s, p95 {at_95:.3f} s a turn")


if __name__ == "__main__":
    main()
