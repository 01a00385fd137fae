"""Where workers run: the small interface that processes of this machine and a cluster have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.components import Connection, Host


class WorkerBackend(Protocol):
    """Starts plugins in workers: :class:`~dynamic_plugins.workers.loader.Loader` on this machine,
    :class:`~dynamic_plugins.workers.fleet.ray_loader.RayLoader` on a cluster.
    """

    @property
    def checks_files(self) -> bool:
        """Whether it compares an install's files itself before it starts it, where it starts it."""

    async def connect(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str], host: Host
    ) -> Connection:
        """Start *installation* with its own configuration, and wait until its components are known.

        Raises LoadError and PluginTimeoutError.
        """

    def folder(self, installation: Installation) -> Path:
        """Return where *installation* keeps its own files: one folder for all its versions."""

    def enforcement(self, permissions: Permissions) -> Enforcement:
        """Return which of *permissions* are known to be enforced in front of a worker that is started now."""

    def granted(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        permissions: Permissions,
    ) -> Permissions:
        """Return what *installation* reaches with *permissions* and these values; its own folders are not named."""

    async def remove_data(self, installation: Installation) -> None:
        """Remove what *installation*, which is installed no more, wrote in its own folder. Never raises."""
