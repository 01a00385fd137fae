"""What the application is made of, each part from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.refresh_process import RefreshProcess
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.settings import default_python
from dynamic_plugins.storage.operator_policy import Policy
from dynamic_plugins.storage.values import ConfigurationStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dynamic_plugins.install.disk_budget import DiskBudget
    from dynamic_plugins.install.recipe import RecipeStore
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.state_backend import StateBackend


def budget(settings: Settings) -> DiskBudget | None:
    """Return what this home may take of the disk, where its operator limits that."""
    if settings.disk_bytes is None:
        return None
    from dynamic_plugins.install.disk_budget import DiskBudget

    return DiskBudget(settings.home, settings.disk_bytes, settings.plugins_dir)


def installer(
    settings: Settings,
    present: Callable[[str], str | None],
    recipes: RecipeStore | None,
    budget: DiskBudget | None,
) -> Installer:
    return Installer(
        settings.plugins_dir,
        python=default_python(),
        allow_builds=settings.allow_builds,
        timeout_seconds=settings.timeouts.install,
        exclude_newer=settings.exclude_newer,
        cooldown_days=settings.cooldown_days,
        environ=settings.environment,
        present=present,
        offline=settings.offline,
        may_link=lambda: _is_fenced(settings),
        recipes=recipes,
        budget=budget,
    )


def _is_fenced(settings: Settings) -> bool:
    """Return whether plugins cannot write to their own code here."""
    from dynamic_plugins.workers.fence.fence import Fence
    from dynamic_plugins.workers.fence.tier import Level

    return Fence(settings.sandbox, settings.limits).tier.level is not Level.NONE


def policy(settings: Settings) -> Policy:
    """Return the operator's policy: the file that the settings name has to be there, the home's may be."""
    return Policy(settings.policy or settings.home / "policy.toml", required=settings.policy is not None)


def saved_state(settings: Settings, backend: StateBackend) -> HomeState:
    """Return the saved state, as the profile that is used sees it. Raises UnknownProfileError."""
    if settings.profile is None:
        return backend.state()
    from dynamic_plugins.storage.profiles import Profiles

    return Profiles(settings.home, backend).store(settings.profile)


def configuration(
    settings: Settings, backend: StateBackend, installed: Callable[[], Collection[str]]
) -> ConfigurationStore:
    """Return the values and secrets of plugins, kept where the home's state and vault are."""
    return ConfigurationStore(settings.home, settings.passphrase, installed, backend=backend, vault=settings.vault)


def registry(settings: Settings, *, ends_soon: bool) -> Registry:
    """Return the registry; where this process *ends_soon*, a refresh that it begins goes on without it."""
    return Registry(
        settings.home,
        settings.registries,
        timeout=settings.timeouts.registry,
        offline=settings.offline,
        beside=RefreshProcess(settings.home, settings.registries, outlives=ends_soon),
    )
