"""How a registry stands, as commands tell it: as JSON, and in words."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.sources import SourceActivity, SourceState, age

if TYPE_CHECKING:
    from collections.abc import Iterator


def standing(state: SourceState) -> dict[str, Any]:
    """Return how a source stands: whether it is on, how old what is shown of it is, and what is done to know more."""
    told: dict[str, Any] = {"on": state.doing is not SourceActivity.OFF, "state": str(state.doing)}
    if state.as_of:
        told["age_seconds"] = max(0, int(time.time() - state.as_of))
    if state.page:
        told["pages_read"] = state.page
    if state.doing is SourceActivity.FAILED and state.next_try:
        told["next_try"] = datetime.fromtimestamp(state.next_try, UTC).isoformat(timespec="seconds")
    return told


def registry_in_words(source: dict[str, Any]) -> str:
    """Return, in a few words, how old what is known of a registry is, or why nothing is."""
    if "age_seconds" in source:
        return f"{source['name']}, {age(source['age_seconds'])} old"
    match source["state"]:
        case "offline":
            return f"{source['name']}, not read since DYNAMIC_PLUGINS_OFFLINE is set"
        case "failed":
            return f"{source['name']}, could not be read"
        case _:
            return f"{source['name']}, not read yet"


def age_in_words(source: dict[str, Any]) -> str:
    """Return how long ago what is known of a registry was read; nothing where it never was."""
    return f"{age(source['age_seconds'])} ago" if "age_seconds" in source else ""


def standing_in_words(source: dict[str, Any]) -> Iterator[str]:
    """Give what there is to say of a registry beside its age."""
    page = f" at page {source['pages_read'] + 1}" if "pages_read" in source else ""
    match source["state"]:
        case "off":
            yield f"off: dynamic-plugins registry add {source['name']}"
        case "offline":
            yield "not asked: DYNAMIC_PLUGINS_OFFLINE is set"
        case "refreshing":
            yield f"being read{page}"
        case "resuming":
            yield f"to be read on{page}"
        case "failed":
            again = f", next try at {source['next_try']}" if "next_try" in source else ""
            yield f"{source['problem']}{again}{page and f', then on{page}'}"
        case _ if not source["entries"]:
            yield "not read yet"
    if source["skipped"]:
        yield f"{source['skipped']} entries skipped"
