"""A ``plugins.toml`` made from what a home holds: a beginning, for the person to edit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.action_choice import ALL
from dynamic_plugins.core.permissions import NOTHING
from dynamic_plugins.install.installation import commit
from dynamic_plugins.lifecycle.permission_values import granted
from dynamic_plugins.project.declared_settings import holds_secret
from dynamic_plugins.project.toml_text import key, table
from dynamic_plugins.project.wanted_set import FORMAT
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.settings import is_the_persons_own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.storage.stored_plugin import StoredPlugin
    from dynamic_plugins.storage.values import ConfigurationStore

_HEAD = """\
# The plugins of this project. `dynamic-plugins lock` writes down exactly what they come to, and `dynamic-plugins sync`
# makes a home as it says.
# Secrets stand here by name only; each machine is told their values with `dynamic-plugins configure`.
"""


def text_of(home: Mapping[str, StoredPlugin], configuration: ConfigurationStore, folder: Path) -> str:
    """Return a ``plugins.toml`` in *folder* that wants what *home* holds. No secret's value is in it."""
    tables = [
        table(f"[plugins.{key(_named(plugin.installation))}]", _facts(plugin, configuration, folder))
        for _, plugin in sorted(home.items())
    ]
    return "\n".join((f"{_HEAD}version = {FORMAT}\n", *tables))


def _named(installation: Installation) -> str:
    """Return how an installed plugin is named so that the same one is installed."""
    if installation.source != UNLISTED:
        return installation.plugin
    if installation.remote is not None:
        return installation.remote.url
    return f"{installation.package_type}:{installation.package}"


def _facts(plugin: StoredPlugin, configuration: ConfigurationStore, folder: Path) -> dict[str, Any]:
    installation, choice = plugin.installation, plugin.choice
    facts: dict[str, Any] = {}
    if installation.package_type == "path" and not installation.source:
        facts["path"] = _relative(Path(installation.package), folder)
    elif installation.remote is not None:
        facts |= {"remote": True} if installation.source != UNLISTED else {}
    else:
        facts["version"] = commit(installation) or plugin.within or installation.version
    if plugin.allowed != NOTHING or plugin.denied != NOTHING:
        said = replace(granted(plugin), declared=True).to_table()
        facts["permissions"] = {"files": [], "programs": []} | said  # each key, so that none is left to its own word
    if choice != ALL:
        said = {"only": list(choice.only), "hide": list(choice.hidden), "rename": dict(choice.renamed)}
        facts["actions"] = {name: value for name, value in said.items() if value}
    plain = {name: value for name, value in configuration.plain(plugin.name).items() if not is_the_persons_own(name)}
    pasted = {name for name, value in plain.items() if holds_secret(value)}
    if kept := {name: plain[name] for name in sorted(plain.keys() - pasted)}:
        facts["config"] = kept
    if secrets := [*configuration.secret_names(plugin.name), *sorted(pasted)]:
        facts["secrets"] = secrets
    if not plugin.enabled:
        facts["active"] = False
    return facts


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
