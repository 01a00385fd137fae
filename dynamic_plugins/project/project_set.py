"""A project's set of plugins on one home: locked, compared with what is installed, and brought in line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.errors import BadArgumentsError, NotLockedError, ProjectFileError
from dynamic_plugins.lifecycle.set_changes import SetOutcome, SetRequest
from dynamic_plugins.lifecycle.variables import missing
from dynamic_plugins.project.home_difference import HomeComparison
from dynamic_plugins.project.locked_set import lock_of, read_locked
from dynamic_plugins.project.locking import EVERYTHING, SetLocker, differences
from dynamic_plugins.project.wanted_set import read_wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from dynamic_plugins.events import Listener
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.project.home_difference import HomeDifference
    from dynamic_plugins.project.locked_set import LockedSet
    from dynamic_plugins.project.wanted_set import WantedSet
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.values import ConfigurationStore


@dataclass(frozen=True)
class Standing:
    """How a project's files and the home stand to each other."""

    wanted: WantedSet
    lock: LockedSet
    """What the home is compared with: the lock as it is, or as it has to be."""
    unlocked: tuple[str, ...]
    """What the lock that lies there has otherwise than the project's file asks for, a sentence each."""
    home: HomeDifference

    @property
    def is_in_step(self) -> bool:
        """Whether the lock fits the file, and the home both."""
        return not self.unlocked and not self.home.changes


@dataclass(frozen=True)
class Synced:
    """What a sync came to."""

    outcome: SetOutcome
    missing: Mapping[str, tuple[str, ...]]
    """The values that plugins wait for, by plugin: those that they require, and the secrets that the file names."""
    unknown_actions: tuple[str, ...] = ()
    """A sentence for each action that the file chooses and its plugin does not have."""


class ProjectSets:
    """Follows the files of projects on one home. All methods take the path of a ``plugins.toml``."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        installer: Installer,
        store: HomeState,
        configuration: ConfigurationStore,
        service: PluginManagementService,
        listener: Listener,
    ) -> None:
        self._store, self._configuration, self._service = store, configuration, service
        self._comparison = HomeComparison(catalogue, installer, configuration)
        self._locker = SetLocker(catalogue, installer, service.admission, store.read, listener)

    @property
    def notices(self) -> list[str]:
        """What a careful person is told of what was locked last, a sentence each."""
        return self._locker.notices

    async def lock(self, file: Path, upgrade: Collection[str] = ()) -> tuple[LockedSet, LockedSet]:
        """Lock what *file* wants, write that down, and return the lock before and the lock now.

        What was locked and is still wanted stays, but for the plugins to *upgrade*, which :data:`EVERYTHING` stands
        for. Raises ProjectFileError, and what naming and installing a plugin raise; then the lock stays as it was.
        """
        wanted, before = read_wanted(file), read_locked(lock_of(file))
        known = {each.named for each in wanted.plugins} | before.plugins.keys() | {EVERYTHING}
        if strange := sorted(set(upgrade) - known):
            raise ProjectFileError(str(file), f"{strange[0]} is not in it, so it cannot be upgraded")
        after = await self._locker.lock(wanted, before, upgrade)
        self._write(after)
        return before, after

    async def standing(
        self, file: Path, *, frozen: bool = False, prune: bool = False, look_only: bool = False
    ) -> Standing:
        """Return what has to change so that the home follows *file*. Nothing is changed by this.

        What is not locked yet, or as something else, is locked for that; *frozen* refuses it with NotLockedError, and
        who wants to *look only* is told it. With *prune* the home's other plugins go. Raises ProjectFileError, and what
        naming and installing a plugin raise, and BadArgumentsError in a profile: a set is of a home.
        """
        if self._store.profile:
            reason = (
                "it makes a whole home, and not one profile of it. Leave --profile and DYNAMIC_PLUGINS_PROFILE away"
            )
            raise BadArgumentsError("sync", reason)
        wanted, lock = read_wanted(file), read_locked(lock_of(file))
        unlocked = tuple(differences(wanted, lock))
        if unlocked and frozen:
            raise NotLockedError(str(lock.file), unlocked)
        if unlocked and not look_only:
            lock = await self._locker.lock(wanted, lock)
        home = await self._comparison.compare(wanted, lock, self._store.everything(), prune=prune)
        return Standing(wanted, lock, unlocked, home)

    async def sync(self, standing: Standing) -> Synced:
        """Bring the home in line, once the person agrees: all of it, or nothing of it.

        Raises what :meth:`SetChanges.apply` raises.
        """
        home = standing.home
        outcome = SetOutcome()
        if home.changes:
            request = SetRequest(
                str(standing.wanted.file),
                tuple(change.target for change in home.changes if change.target is not None),
                tuple(change.name for change in home.changes if change.target is None),
                home.of,
                home.summary,
                home.lines,
            )
            outcome = await self._service.set_changes().apply(request)
        if standing.unlocked:
            self._write(standing.lock)
        return Synced(outcome, self._missing(standing), tuple(self._unknown_actions(standing)))

    def _write(self, lock: LockedSet) -> None:
        text = lock.to_text()
        if lock.file.exists() and lock.file.read_text(encoding="utf-8") == text:
            return
        mode = lock.file.stat().st_mode & 0o777 if lock.file.exists() else 0o644
        write_atomically(lock.file, text)
        lock.file.chmod(mode)  # a project's file, for everybody who has the project

    def _missing(self, standing: Standing) -> dict[str, tuple[str, ...]]:
        found = {}
        for plugin in standing.wanted.plugins:
            locked = standing.lock.of(plugin.named)
            stored = self._store.everything().get(locked.name) if locked is not None else None
            if stored is None:
                continue
            known = self._configuration.names(stored.name)
            upper = {name.upper() for name in known}
            secrets = [name for name in plugin.secrets if name.upper() not in upper]
            required = missing(stored.installation, known) if plugin.active else ()
            names = dict.fromkeys((*required, *secrets))
            if names:
                found[stored.name] = tuple(names)
        return found

    def _unknown_actions(self, standing: Standing) -> list[str]:
        found = []
        for plugin in standing.wanted.plugins:
            locked = standing.lock.of(plugin.named)
            known = [each["name"] for each in self._service.offered(locked.name)] if locked is not None else []
            strange = sorted(plugin.choice.names - set(known)) if plugin.choice is not None and known else []
            for name in strange:
                told = f"{plugin.named} has no action {name}; there are: {', '.join(known)}"
                found.append(f"{standing.wanted.place('plugins', plugin.named, 'actions')}: {told}")
        return found
