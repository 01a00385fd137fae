"""The command ``registry``: which registries there are, how they stand, and which the person trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.output import DONE, FAILED, USAGE, Output

if TYPE_CHECKING:
    import argparse

    from dynamic_plugins.registry.registry import Registry
    from dynamic_plugins.registry.source_status import SourceState
    from dynamic_plugins.settings import Settings

_TAKES = {"list": (0, 0), "add": (1, 2), "remove": (1, 1), "refresh": (0, 1), "trust": (1, 1)}


async def registry(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``registry list|add|remove|refresh|trust``."""
    fewest, most = _TAKES[arguments.verb]
    if not fewest <= len(arguments.values) <= most:
        out.aside("registry list | add ADDRESS [NAME] | remove NAME | refresh [NAME] | trust NAME")
        return USAGE
    known = App(settings).registry
    states = await _do(known, arguments.verb, arguments.values)
    told = [_told(state) for state in states]
    failed = arguments.verb in {"add", "refresh"} and any(state.problem for state in states)
    if out.as_json:
        out.document({"ok": not failed, "sources": told})
    else:
        render.sources(out, told)
    return FAILED if failed else DONE


async def _do(known: Registry, verb: str, values: list[str]) -> tuple[SourceState, ...]:
    match verb:
        case "add":
            source = known.sources.add(values[0], values[1] if len(values) > 1 else None)
            return await known.refresh(source.name)
        case "remove":
            known.forget(known.sources.remove(values[0]))
        case "trust":
            known.sources.trust(values[0])
        case "refresh":
            return await known.refresh(values[0] if values else None)
    return known.states()


def _told(state: SourceState) -> dict[str, Any]:
    fetched = datetime.fromtimestamp(state.fetched_at, UTC).isoformat(timespec="seconds") if state.fetched_at else None
    return {
        "name": state.source.name,
        "location": state.source.shown,
        "trusted": state.source.trusted,
        "entries": state.entries,
        "skipped": state.skipped,
        "why_skipped": list(state.why_skipped),
        "fetched_at": fetched,
        "problem": state.problem or None,
    }
