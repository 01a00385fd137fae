"""The packages of npm that lie in a plugin's folder, by the lock of whichever program has installed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.install import bun_lock, npm_lock

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.python_environment import Distribution


def distributions(plugin: str, folder: Path) -> tuple[Distribution, ...]:
    """Return every package that was installed in *folder*, with the digest of its archive. Raises InstallError."""
    if _is_of_bun(folder):
        return bun_lock.distributions(plugin, folder)
    return npm_lock.distributions(plugin, folder)


def scripts_not_run(folder: Path) -> list[str]:
    """Return the packages in *folder* that have install scripts; none where that cannot be read."""
    return bun_lock.scripts_not_run(folder) if _is_of_bun(folder) else npm_lock.scripts_not_run(folder)


def _is_of_bun(folder: Path) -> bool:
    return (folder / bun_lock.LOCK).is_file()
