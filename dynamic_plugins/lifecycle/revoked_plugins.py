"""Installed plugins that a registry has revoked: told of, or ended where the operator wants that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.events import Event

if TYPE_CHECKING:
    from dynamic_plugins.events import Listener
    from dynamic_plugins.lifecycle.admission import Admission
    from dynamic_plugins.lifecycle.supervisor import Supervisor
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.storage.state import HomeState


class RevokedPlugins:
    """Knows which of the installed plugins are revoked, and ends those that run or tells *listener* of them."""

    def __init__(self, store: HomeState, supervisor: Supervisor, admission: Admission, listener: Listener) -> None:
        self._store, self._supervisor, self._admission, self._listener = store, supervisor, admission, listener
        self._warned: set[tuple[str, Revocation]] = set()

    def revocation(self, name: str) -> Revocation | None:
        """Return who has revoked an installed plugin, and why; None where nobody has, or it is not installed."""
        plugin = self._store.read().get(name)
        return None if plugin is None else self._admission.revocation(plugin.installation)

    async def end(self) -> None:
        """End the running plugins that are revoked, where the operator wants that; else warn of each of them once."""
        for name in self._store.read():
            if not self._supervisor.is_on(name) or (found := self.revocation(name)) is None:
                continue
            if self._admission.stops_revoked:
                self._admission.audit.note("stop", name, of=self._store.get(name).installation, detail=found.sentence)
                await self._supervisor.end(name, found.sentence)
            elif (name, found) not in self._warned:
                self._warned.add((name, found))
                self._listener(Event(name, "revoked", found.sentence))
