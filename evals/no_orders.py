"""Counts what a model does that nobody ordered: conversations that sound like orders and are none, and plain orders.

    python -m evals.no_orders --tools tools.json [FILE]

Each line of FILE (``evals/data/no-orders.jsonl`` by default) is ``{"said": [message, …], "active", "installed",
"order"}``: a conversation of which the last message counts, and whether that orders something. Nothing is installed and
no worker is started. Printed are the calls that change something where nothing was ordered, questions whether to change
something, and how many of the orders were done at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.model_factory import open_model
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.settings import ModelSettings, Settings
from evals.dialogues import Stage, _entries, read_offers

if TYPE_CHECKING:
    from evals.dialogues import Calls, Offers

DATA = Path(__file__).parent / "data" / "no-orders.jsonl"
READS = "list_available_plugins"


def changes(call: dict[str, Any], offers: Offers) -> bool:
    """Whether *call* changes plugins, or calls an action that does not say of itself that it only reads."""
    if call["tool"] != "use":
        return bool(call["tool"] != READS)
    mine = (offer for offer in offers.get(call["plugin"], ()) if offer["name"] == call["action"])
    return not any((offer.get("annotations") or {}).get("readOnlyHint") for offer in mine)


async def play(line: dict[str, Any], settings: Settings, offers: Offers, registry: Registry) -> tuple[Calls, str]:
    """Return what is called for the last message of a conversation, and the reply to it."""
    status = dict.fromkeys(line["installed"], "inactive") | dict.fromkeys(line["active"], "active")
    catalogue = Catalogue(
        registry, lambda: _entries(status, offers), settings.home / "registry", meaning=settings.meaning
    )
    model = open_model(settings, catalogue)
    stage = Stage(status, offers, catalogue, ["done"])
    conversation = stage.conversation(model, [])
    turn = None
    for said in line["said"]:
        turn = await conversation.respond(said)
    await model.close()
    return (await stage.calls_of(turn), turn.reply) if turn is not None else ([], "")


async def run(lines: list[dict[str, Any]], offers: Offers, settings: Settings) -> None:
    registry = Registry(settings.home, settings.registries, official={})
    counted: Counter[str] = Counter()
    for line in lines:
        calls, reply = await play(line, settings, offers, registry)
        if line["order"]:
            counted["orders"] += 1
            counted["done at once"] += bool(calls)
            continue
        counted["no orders"] += 1
        if changing := [call for call in calls if changes(call, offers)]:
            counted["changed something"] += 1
            told = ", ".join(f"{call.get('action') or call['tool']} {call.get('plugin') or ''}" for call in changing)
            print(f"{' | '.join(line['said'])} -> {told}")
        counted["asked whether to"] += bool(not calls and reply.rstrip().endswith("?"))
    print(dict(counted))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--tools", type=Path)
    given = parser.parse_args()
    lines = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    offers = read_offers(given.file, given.tools)
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(run(lines, offers, Settings(Path(home), model=ModelSettings(None, None, None))))


if __name__ == "__main__":
    main()
