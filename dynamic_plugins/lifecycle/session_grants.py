"""What a person granted in a conversation, for as long as this process runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import NOTHING, Permissions, both, without

if TYPE_CHECKING:
    from dynamic_plugins.storage.stored_plugin import StoredPlugin


class SessionGrants:
    """What the person granted for one conversation: it is kept in this process, and ends with it."""

    def __init__(self) -> None:
        self._grants: dict[str, tuple[Permissions, Permissions]] = {}

    def of(self, plugin: StoredPlugin) -> Permissions:
        """Return what *plugin* may reach for now; what was taken back since, by whichever process, is not in it."""
        granted, denied_then = self._grants.get(plugin.name, (NOTHING, NOTHING))
        return granted if plugin.denied == denied_then else without(granted, plugin.denied)

    def add(self, plugin: StoredPlugin, allow: Permissions) -> None:
        """Let *plugin* reach *allow* as well."""
        self._grants[plugin.name] = both(self.of(plugin), allow), plugin.denied

    def take_back(self, plugin: StoredPlugin, deny: Permissions) -> None:
        """Take *deny* back from *plugin*."""
        self._grants[plugin.name] = left_of(self.of(plugin), deny), plugin.denied


def left_of(allowed: Permissions, deny: Permissions) -> Permissions:
    """Return what stays granted once *deny* was taken back: of any host, those that were granted by name."""
    if deny.network is None:
        deny = replace(deny, network=() if allowed.network is not None else None)
    return without(allowed, deny)
