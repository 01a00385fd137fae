"""Which installed plugins the words of an order may name: the one of a kind, or several that are called alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dynamic_plugins.embedded.managing.features import State
    from dynamic_plugins.embedded.managing.meant_plugins import Wanted
    from dynamic_plugins.embedded.managing.reading import PluginReading, Reading
    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.registry.entry import Entry

_SAME = frozenset({"whole", "exact", "alias"})


def called_alike(wanted: Wanted, reading: Reading) -> list[str]:
    """Return the other installed plugins that the same words may name and that stand just so: of two for Slack that are
    both off, nobody knows which "switch slack on" means.
    """
    mine = wanted.plugin
    if mine.link.kind == "exact" or mine.link.context or not mine.link.named or mine.state == "new":
        return []
    alike = (other for other in _others(wanted, reading) if len(other.link.names) == 1)
    return [o.link.names[0] for o in alike if o.state == mine.state and o.intents == mine.intents]


def shares_its_name(wanted: Wanted, reading: Reading) -> bool:
    """Whether an installed plugin is called by the very words that *wanted* is: "Kubernetes" where there are two."""
    link = wanted.plugin.link
    called = reading.text.spoken[link.start : link.end].lower() if link.named else ""
    if not called or any(called in (name.lower(), name.lower().rpartition("/")[2]) for name in link.names):
        return False
    return any(other.link.kind in _SAME for other in _others(wanted, reading))


def _others(wanted: Wanted, reading: Reading) -> Iterator[PluginReading]:
    """Give the other installed plugins that words of the message name among those that name *wanted*."""
    mine = wanted.plugin.link
    for other in reading.plugins:
        link = other.link
        if other.state != "new" and link.names != mine.names and link.start < mine.end and mine.start < link.end:
            yield other


def of_the_installed(wanted: Wanted, reading: Reading, standing: Standing, entries: Mapping[str, Entry]) -> Wanted:
    """Return *wanted*, or the same of the one installed plugin of that kind: what is not there cannot be switched off.

    "Turn the browser off" names a plugin called so that is in the registry, and means the one that is here.
    """
    plugin, link = wanted.plugin, wanted.plugin.link
    if plugin.state != "new" or not set(wanted.letters) <= set("DUX"):
        return wanted
    said = {word for word in tokens(reading.text.spoken[link.start : link.end]) if word not in _OF_ANY}
    alike = [name for name in standing.plugins if name in entries and said & _kinds(entries[name])]
    alike = [name for name in alike if standing.is_active(name)] or alike
    if len(alike) != 1:
        return wanted
    state: State = "on" if standing.is_active(alike[0]) else "off"
    meant = replace(plugin, link=replace(link, names=(alike[0],), kind="described"), state=state, otherwise={})
    return replace(wanted, plugin=meant)


_OF_ANY = frozenset({"plugin", "mcp", "server", "the", "thing", "one", "elizaos"})


def _kinds(entry: Entry) -> set[str]:
    return {word.lower() for word in (*entry.aliases, *entry.categories, *entry.keywords)}
