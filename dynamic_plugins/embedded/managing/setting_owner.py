"""For which plugin the variables are that a message sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.managing.reading import PluginReading, Reading
    from dynamic_plugins.embedded.managing.setting_values import Value
    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.registry.entry import Entry

CONFIGURES = 0.3
"""From this probability on a plugin is to be configured."""


def told_by_names(values: Sequence[Value], reading: Reading, standing: Standing) -> PluginReading | None:
    """Return the one installed plugin that every variable's name begins with: ``SLACK_TEAM`` is Slack's."""
    names = [value.name for value in values if value.explicit]
    mine = [plugin for plugin in reading.plugins if len(plugin.link.names) == 1 and plugin.link.names[0] in standing]
    found = [plugin for plugin in mine if names and all(_tells(name, plugin.link.names[0]) for name in names)]
    return found[0] if len(found) == 1 else None


def plugin_of(
    values: Sequence[Value], reading: Reading, standing: Standing, entries: Mapping[str, Entry]
) -> PluginReading | None:
    """Return the plugin that *values* are for: one that is named, one that has them, or is called as they are."""
    within = [(value.start, value.end) for value in values]
    here = [plugin for plugin in reading.plugins if len(plugin.link.names) == 1 and not _stands_in(plugin, within)]
    mine = [plugin for plugin in here if plugin.link.names[0] in standing]
    wanted = {value.name for value in values if value.explicit}
    named = [plugin for plugin in here if plugin.link.named and plugin.link.kind not in ("described", "similar")]
    for group in (named, [plugin for plugin in mine if plugin.link.named and configured(plugin) >= CONFIGURES]):
        having = [plugin for plugin in group if wanted & variable_names(entries.get(plugin.link.names[0]))]
        if chosen := having or (group if values else []):
            return max(chosen, key=lambda plugin: (configured(plugin), plugin.state != "new"))
    having = [plugin for plugin in mine if wanted & variable_names(entries.get(plugin.link.names[0]))]
    by_word = [plugin for plugin in mine if any(_tells(name, plugin.link.names[0]) for name in wanted)]
    for group in (having, by_word):
        if len(group) == 1:
            return group[0]
    likely = [plugin for plugin in mine if configured(plugin) >= CONFIGURES and (plugin.link.named or len(mine) == 1)]
    return max(likely, key=configured) if likely else None


def _stands_in(plugin: PluginReading, places: Sequence[tuple[int, int]]) -> bool:
    """Whether a plugin is only called so within a value or its variable: "LOG_LEVEL" names no log."""
    return plugin.link.named and any(start <= plugin.link.start < end for start, end in places)


def are_surely_its(
    plugin: PluginReading,
    values: Sequence[Value],
    standing: Standing,
    entries: Mapping[str, Entry],
    focus: Sequence[str],
) -> bool:
    """Whether variables that are named in full are this plugin's, which is not named itself.

    The turn before changed it ("LOG_LEVEL to warn too"), or no other installed one has them, and it has them or was the
    last one spoken of ("DB_PATH=/tmp/dev.db for it").
    """
    if not all(value.explicit and "_" in value.name for value in values):
        return False
    if plugin.link.context.startswith("c"):
        return True
    own = plugin.link.names[0]
    others = {known for name in standing.plugins if name != own for known in variable_names(entries.get(name))}
    mine = variable_names(entries.get(own))
    is_spoken_of = bool(focus) and focus[0] == own
    return all(value.name not in others and (is_spoken_of or value.name in mine) for value in values)


def _tells(variable: str, plugin: str) -> bool:
    """Whether a variable is called after the plugin: ``TELEGRAM_CHAT`` of ``@elizaos/plugin-telegram``."""
    words = set(tokens(plugin.rpartition("/")[2]))
    return any(part.lower() in words for part in variable.split("_") if len(part) > 2)


def configured(plugin: PluginReading) -> float:
    """Return how likely a plugin is to be configured."""
    return sum(share for label, share in plugin.prediction.all.items() if "C" in label)


def variable_names(entry: Entry | None) -> set[str]:
    """Return the names of the variables that *entry* has."""
    return {variable.name for variable in entry.variables} if entry else set()
