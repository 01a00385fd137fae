"""Plugins for an elizaOS agent; everything that is meant for others is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.integrations.elizaos.runtime_plugin import PluginManagementService, dynamic_plugins_plugin

if TYPE_CHECKING:
    from elizaos.types import Plugin

    plugin: Plugin

__all__ = ["PluginManagementService", "dynamic_plugins_plugin", "plugin"]


def __getattr__(name: str) -> Any:
    """Give ``plugin``, which elizaOS looks for in a module it loads by name: with the environment's settings, and
    nobody to ask."""
    if name == "plugin":
        return dynamic_plugins_plugin()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
