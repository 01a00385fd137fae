"""Where a safe learns what to look for: the registry's variables, the installed plugins, the secrets they have."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.ownership import Wanting
from dynamic_plugins.redaction.scrubber import SecretsFilter
from dynamic_plugins.redaction.session_vault import Safe
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.storage.secrets import ConfigurationStore
    from dynamic_plugins.storage.state import StateStore

#: Loggers that may be told what was sent or received; a record passes the filters of the logger it is given to only.
_LOGGERS = ("dynamic_plugins", "openai", "httpx2", "httpcore2", "mcp")


def open_safe(catalogue: Catalogue, store: StateStore, configuration: ConfigurationStore) -> Safe:
    """Return a safe that knows the variables of *catalogue*'s plugins and what the installed ones were told."""
    known: dict[str, frozenset[str]] = {}

    async def names() -> Collection[str]:
        entries = await catalogue.registry.entries()
        fingerprint = catalogue.registry.fingerprint
        if fingerprint not in known:
            known.clear()
            known[fingerprint] = frozenset(name for entry in entries for name in _secret(entry.variables))
        return known[fingerprint]

    def installed() -> dict[str, Wanting]:
        wanting = {}
        for name, plugin in store.read().items():
            secrets = frozenset(_secret(plugin.installation.variables))
            wanting[name] = Wanting(secrets, secrets - configuration.names(name) if secrets else frozenset())
        return wanting

    return Safe(names, installed, configuration.secrets)


def _secret(variables: Iterable[Variable]) -> list[str]:
    return [each.name.upper() for each in variables if each.secret or looks_secret(each.name)]


def watch_logs(scrub: Callable[[str], str]) -> Callable[[], None]:
    """Take secrets out of what is logged from now on: by us, by the libraries we talk through, and to the root.

    Call the result to stop.
    """
    ours = SecretsFilter(scrub)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    loggers += [
        logger
        for name, logger in list(logging.root.manager.loggerDict.items())
        if isinstance(logger, logging.Logger) and name.split(".")[0] in _LOGGERS
    ]
    guarded: list[logging.Filterer] = [*loggers, *logging.root.handlers]
    for each in guarded:
        each.addFilter(ours)

    def stop() -> None:
        for each in guarded:
            each.removeFilter(ours)

    return stop
