"""Where a session vault learns what to look for: the registry's variables, the installed plugins and their secrets."""

from __future__ import annotations

import logging
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.ownership import PluginSecrets
from dynamic_plugins.redaction.scrubber import SecretsFilter
from dynamic_plugins.redaction.session_vault import SessionVault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dynamic_plugins.redaction.ownership import Mention
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.resolver.resolver import Resolver
    from dynamic_plugins.storage.state import HomeState
    from dynamic_plugins.storage.values import ConfigurationStore

#: Loggers that may be told what was sent or received; a record passes the filters of the logger it is given to only.
_LOGGERS = ("dynamic_plugins", "openai", "httpx2", "httpcore2", "mcp")


def open_session_vault(catalogue: Catalogue, store: HomeState, configuration: ConfigurationStore) -> SessionVault:
    """Return a vault that knows the variables of *catalogue*'s plugins and which of the installed ones' are set."""
    known: dict[str, frozenset[str]] = {}

    async def names() -> Collection[str]:
        await catalogue.registry.entries()
        fingerprint = catalogue.registry.fingerprint
        if fingerprint not in known:
            known.clear()
            # Of the thousands that only official registries list, a secret is told by its looks until one is installed.
            entries = catalogue.registry.near()
            known[fingerprint] = frozenset(name for entry in entries for name in _secret(entry.variables))
        return known[fingerprint]

    def installed() -> dict[str, PluginSecrets]:
        found = {}
        for name, plugin in store.read().items():
            secrets = frozenset(_secret(plugin.installation.variables))
            found[name] = PluginSecrets(secrets, secrets - configuration.names(name) if secrets else frozenset())
        return found

    return SessionVault(names, installed, configuration.secrets, plugin_mentions)


def plugin_mentions(text: str, names: tuple[str, ...]) -> Sequence[Mention]:
    """Return where *text* names one of the plugins *names*."""
    from dynamic_plugins.resolver.mentions import mentions_in

    return mentions_in(text, _resolver(names))


@lru_cache(maxsize=8)
def _resolver(names: tuple[str, ...]) -> Resolver:
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

    return Resolver([Entry(name=name) for name in names])


def _secret(variables: Iterable[Variable]) -> list[str]:
    return [each.name.upper() for each in variables if each.is_secret]


class ScrubbedLogs:
    """Takes conversations' secrets out of what is logged: by us, by the libraries we talk through, and to the root.

    It has one filter for all conversations and holds none of their vaults: what a person pasted ends with the
    conversation.
    """

    def __init__(self) -> None:
        self._vaults: list[weakref.ref[SessionVault]] = []
        self._filter = SecretsFilter(self._scrub)
        self._guarded: weakref.WeakSet[logging.Filterer] = weakref.WeakSet()

    def add(self, vault: SessionVault) -> None:
        """Take out what *vault* knows as well, from now on; loggers and handlers that are new are watched too."""
        # A new list each time, since another thread may be going through the one before.
        self._vaults = [*(each for each in self._vaults if each() is not None), weakref.ref(vault)]
        for each in _loggers_and_handlers():
            each.addFilter(self._filter)  # one that is there already is not added again
            self._guarded.add(each)

    def stop(self) -> None:
        """Leave what is logged as it is."""
        for each in self._guarded:
            each.removeFilter(self._filter)

    def _scrub(self, text: str) -> str:
        for each in self._vaults:
            if (vault := each()) is not None:
                text = vault.scrub_text(text)
        return text


def _loggers_and_handlers() -> list[logging.Filterer]:
    known = list(logging.root.manager.loggerDict.items())
    ours = [
        logger
        for name, logger in known
        if isinstance(logger, logging.Logger) and name.split(".")[0] in _LOGGERS and name not in _LOGGERS
    ]
    return [*(logging.getLogger(name) for name in _LOGGERS), *ours, *logging.root.handlers]
