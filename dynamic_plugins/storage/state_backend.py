"""Where the state of a home is kept: in its folder, or in a database that many machines share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from dynamic_plugins.storage.plugins_file import PluginsFile
from dynamic_plugins.storage.state import FILE, PROFILES, StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from dynamic_plugins.install.recipe import RecipeStore
    from dynamic_plugins.storage.plugins_file import PluginFacts
    from dynamic_plugins.storage.state import HomeState

CONFIGURATION, SIGN_INS = "configuration", "sign-ins"
"""Facts by plugin that a home has besides those of its profiles, which are called ``profiles/NAME``."""


class StateBackend(Protocol):
    """What keeps the state of one home: what is installed, and facts by plugin under names.

    Methods raise StateError or, for facts, SecretStoreError where it cannot be read or written.
    """

    vault_home: str
    """What the home is called in a vault that serves many homes."""
    identity: str
    """What tells the home from all others, the same on every machine that shares it: a cluster's workers go by it."""

    @abstractmethod
    def state(self) -> HomeState:
        """Return the state, for one thread."""

    @abstractmethod
    def facts(self, name: str, installed: Callable[[], Collection[str]] | None = None) -> PluginFacts:
        """Return the facts by plugin that are kept under *name*; see :class:`PluginFacts` for *installed*."""

    @abstractmethod
    def profiles(self) -> list[str]:
        """Return the names under which there are facts of profiles, without ``profiles/``."""

    def recipes(self) -> RecipeStore | None:
        """Return where it is kept what installs are made from; None where no other machine shares the state."""
        return None

    def close(self) -> None:
        """Let go of what it holds; nothing is read or written any more."""
        return


class StateFolder(StateBackend):
    """The state in files of the folder *home*, as one machine has it."""

    def __init__(self, home: Path) -> None:
        self._home, self.vault_home, self.identity = home, str(home), str(home)

    def state(self) -> HomeState:
        return StateStore(self._home / FILE)

    def facts(self, name: str, installed: Callable[[], Collection[str]] | None = None) -> PluginFacts:
        return PluginsFile(self._home / f"{name}.json", installed)

    def profiles(self) -> list[str]:
        return [path.stem for path in (self._home / PROFILES).glob("*.json")]
