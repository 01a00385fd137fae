"""Where a plugin runs: in a worker of its own, unless the operator wants its live objects in this process."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.components import Connection
    from dynamic_plugins.workers.host_callbacks import Host
    from dynamic_plugins.workers.in_process import InProcessLoader
    from dynamic_plugins.workers.loader import Loader


class ChosenLoader:
    """Loads the plugins named in *names* in this process, all others as workers. A model has no say in it.

    *make_in_process* is called once, for the first of them.
    """

    def __init__(self, workers: Loader, make_in_process: Callable[[], InProcessLoader], names: Collection[str]) -> None:
        self.workers, self._make_in_process, self._names = workers, make_in_process, frozenset(names)

    @cached_property
    def _in_process(self) -> InProcessLoader:
        return self._make_in_process()

    def runs_here(self, plugin: str) -> bool:
        """Return whether the plugin of this name is loaded in this process."""
        return plugin in self._names

    async def connect(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str], host: Host
    ) -> Connection:
        """Start *installation*; errors as for :meth:`Loader.connect`."""
        if self.runs_here(installation.plugin):
            return await self._in_process.connect(installation, environment, arguments, host)
        return await self.workers.connect(installation, environment, arguments, host)

    def folder(self, installation: Installation) -> Path:
        """Return where *installation* keeps its own files."""
        return self.workers.folder(installation)
