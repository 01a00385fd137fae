"""Installed plugins that a registry has revoked: told of, or ended where the operator wants that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        return self.revocations([name]).get(name)

    def revocations(self, names: Iterable[str]) -> dict[str, Revocation]:
        """Return who has revoked those of *names* that are installed and revoked, and why."""
        installed = self._store.read()
        if not (asked := [name for name in names if name in installed]):
            return {}
        known = self._admission.revocations()
        found = {name: known(installed[name].installation) for name in asked}
        return {name: revocation for name, revocation in found.items() if revocation is not None}

    async def end(self) -> None:
        """End the running plugins that are revoked, where the operator wants that; else warn of each of them once."""
        on = [name for name in self._store.read() if self._supervisor.is_on(name)]
        for name, found in self.revocations(on).items():
            if self._admission.stops_revoked:
                self._admission.audit.note("stop", name, of=self._store.get(name).installation, detail=found.sentence)
                await self._supervisor.end(name, found.sentence)
            elif (name, found) not in self._warned:
                self._warned.add((name, found))
                self._listener(Event(name, "revoked", found.sentence))
