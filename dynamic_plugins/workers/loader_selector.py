"""Which loader a plugin gets: a worker, this process where the operator says so, or a server elsewhere."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from dynamic_plugins.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.backend import WorkerBackend
    from dynamic_plugins.workers.components import Connection, Host
    from dynamic_plugins.workers.in_process import InProcessLoader
    from dynamic_plugins.workers.remote.remote_loader import RemoteLoader


class LoaderSelector:
    """Loads the plugins named in *names* in this process, what runs elsewhere over HTTP, all others as workers.

    A model has no say in it. *make_in_process* and *make_remote* are called once, for the first of their kind.
    """

    def __init__(
        self,
        workers: WorkerBackend,
        make_in_process: Callable[[], InProcessLoader],
        names: Collection[str],
        make_remote: Callable[[], RemoteLoader] | None = None,
    ) -> None:
        self.workers, self._make_in_process, self._names = workers, make_in_process, frozenset(names)
        self._make_remote = make_remote

    @cached_property
    def _in_process(self) -> InProcessLoader:
        return self._make_in_process()

    @cached_property
    def _remote(self) -> RemoteLoader | None:
        return None if self._make_remote is None else self._make_remote()

    def runs_here(self, plugin: str) -> bool:
        """Return whether the plugin of this name is loaded in this process."""
        return plugin in self._names

    def checks_files(self, installation: Installation) -> bool:
        """Return whether the files of *installation* are compared where it is started, which need not be here."""
        is_worker = installation.remote is None and not self.runs_here(installation.plugin)
        return is_worker and self.workers.checks_files

    async def connect(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str], host: Host
    ) -> Connection:
        """Start *installation*; errors as for :meth:`Loader.connect`."""
        if installation.remote is not None:
            # Reading the client's code takes a second.
            if (remote := await asyncio.to_thread(lambda: self._remote)) is None:
                raise LoadError(installation.plugin, "nothing here speaks to what runs elsewhere")
            return await remote.connect(installation, environment, host)
        if self.runs_here(installation.plugin):
            return await self._in_process.connect(installation, environment, arguments, host)
        return await self.workers.connect(installation, environment, arguments, host)

    def folder(self, installation: Installation) -> Path:
        """Return where *installation* keeps its own files."""
        return self.workers.folder(installation)
