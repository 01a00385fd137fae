"""The two providers: what each turn is told about the registry and about the installed plugins."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.errors import PluginError, to_a_model
from dynamic_plugins.plugin import Provider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.lifecycle.service import PluginManagementService

TOPICS = 12


async def system_text(providers: Sequence[Provider]) -> str:
    """Return what a model is told before each turn: how to use plugins, and what each of *providers* says now."""
    parts = [prompt_files.text("system.md")]
    for provider in providers:
        said = provider.get()
        parts.append(f"<{provider.name}>\n{said if isinstance(said, str) else await said}\n</{provider.name}>")
    return "\n\n".join(parts)


def management_providers(service: PluginManagementService) -> list[Provider]:
    """Return ``available_plugins`` (counts and topics) and ``dynamic_plugins_status`` (in full: it is short)."""

    async def available() -> str:
        try:
            known = len(await service.catalogue.registry.entries())
        except PluginError as error:
            return error.for_model()
        # What only the official registries list is counted, and no more: going through it takes longer than a turn may.
        entries = service.catalogue.registry.near()
        kinds = Counter(entry.kind for entry in entries)
        topics = Counter(word.lower() for entry in entries for word in entry.keywords)
        common = sorted(topics.items(), key=lambda each: (-each[1], each[0]))[:TOPICS]
        return json.dumps({"known": known, **dict(sorted(kinds.items())), "topics": [word for word, _ in common]})

    def status() -> str:
        lines = []
        for info in service.status():
            line: dict[str, object] = {"name": info.name, "version": info.version, "status": str(info.status)}
            if missing := [each.name for each in info.required_env_vars if not each.is_set]:
                line["missing"] = missing
            if info.pinned:
                line["pinned"] = True
            if info.error_details:
                line["error"] = to_a_model(info.error_details[:200])
            if withheld := service.withheld(info.name):
                line["withheld"] = withheld
            lines.append(line)
        return json.dumps({"plugins": lines})

    return [
        Provider("available_plugins", "How many plugins the registry knows, and about what", available),
        Provider("dynamic_plugins_status", "The installed plugins and their status", status),
    ]
