"""The settings in a message: for which plugin, and whether that is certain."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded import configure
from dynamic_plugins.embedded.decide import Call
from dynamic_plugins.embedded.phrases import cues, read
from dynamic_plugins.embedded.targets import core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.configure import Value
    from dynamic_plugins.embedded.targets import Knowledge, Mention


@dataclass(frozen=True)
class Setting:
    """Values for one plugin. *plugin* is None when it is not known whose they are; *at* is where the first stood."""

    plugin: str | None
    values: tuple[Value, ...]
    certain: bool
    at: int

    @property
    def call(self) -> Call:
        told = [{"name": value.name, "value": value.value} for value in self.values]
        return Call("configure_plugin", {"plugin_name": self.plugin, "configuration": told})


def mistaken(said: str) -> bool:
    """Whether what was pasted was pasted by mistake."""
    text = read(said)
    told = {i for hit in cues("settings", "told_mistakes").find(text) for i in range(hit.start, hit.end)}
    hits = cues("settings", "mistakes").find(text)
    return any(not set(range(hit.start, hit.end)) & told for hit in hits)


def given(
    said: str, values: Sequence[Value], mentions: Sequence[Mention], known: Knowledge, focus: Sequence[str]
) -> Setting:
    """Return what the named values and the secrets in *said* are for."""
    plugin, named = _plugin_of(values, mentions, known, focus)
    entry = known.entries.get(plugin) if plugin else None
    told: list[Value] = []
    for value in values:
        name = value.name
        if not value.explicit:
            about = configure.words_about(said, value)
            name = configure.secret_name(value.name, about, entry, [each.name for each in told])
        told.append(replace(value, name=name))
    certain = (
        named
        and not _only_asked(said, values[0].start)
        and (all(value.explicit for value in values) or configure.wants_setting(said))
    )
    return Setting(plugin, tuple(told), certain, values[0].start)


def _only_asked(said: str, at: int) -> bool:
    """Whether the sentence around *at* asks about a value, tells of it, or refuses it rather than giving it."""
    before = read(said[_begin(said, at) : at])
    doubts = ("wonders", "not_first", "told", "conditions")
    return _in_question(said, at) or any(cues("cues", name).match(before) for name in doubts)


def _in_question(said: str, at: int) -> bool:
    """Whether the sentence around *at* is a question that requests nothing before it."""
    begin = _begin(said, at)
    ends = [end for mark in (". ", "! ", "?", "\n") if (end := said.find(mark, at)) >= 0]
    sentence = read(said[begin : min(ends, default=len(said)) + 1])
    return "?" in sentence.words and not cues("questions", "requests").match(read(said[begin:at]))


def _begin(said: str, at: int) -> int:
    return max(said.rfind(mark, 0, at) for mark in (". ", "! ", "? ", "\n")) + 1


def _plugin_of(
    values: Sequence[Value], mentions: Sequence[Mention], known: Knowledge, focus: Sequence[str]
) -> tuple[str | None, bool]:
    """Return the plugin, and whether it was named by a rule."""
    wanted = {value.name for value in values if value.name}
    strong = [m for m in mentions if m.target.name and not m.weak] or [m for m in mentions if m.target.name]
    having = [m for m in strong if wanted & _variables(known, m.target.name or "")]
    for group in (having, strong):
        if group:
            nearest = min(group, key=lambda m: min(abs(value.start - m.end) for value in values))
            return nearest.target.name, nearest.target.sure
    # Nobody named a plugin: one that is installed and has the variable, or the service whose format a secret has.
    mine = list(known.standing.plugins)
    by_name = [name for name in mine if wanted & _variables(known, name)]
    by_label = [
        name for name in mine for label in wanted if core(name).replace("-", "") in label.lower().replace("_", "")
    ]
    for fitting in (by_name, by_label):
        if len(set(fitting)) == 1:
            return fitting[0], bool(by_name)
    return (focus[0], False) if focus and focus[0] in known.standing else (None, False)


def _variables(known: Knowledge, name: str) -> set[str]:
    entry = known.entries.get(name)
    return {variable.name for variable in entry.variables} if entry else set()


def supposed(spoken: str, mentions: Sequence[Mention], known: Knowledge) -> Setting | None:
    """Return what *spoken* may want a plugin to be told: how it is to behave, with or without a value.

    For the one plugin that is installed and named: a value it offers, a value beside words that speak of settings, or
    a switch of its own that the words are about ("ignore other bots").
    """
    here = {m.target.name: m for m in mentions if m.target.name and m.target.name in known.standing}
    if len(here) != 1:
        return None
    (plugin, mention), *_ = here.items()
    entry = known.entries.get(plugin or "")
    spoken = configure.without(spoken, [(m.start, m.end) for m in mentions])
    text = read(spoken)
    values = configure.offered_values(spoken, entry)
    if not values and cues("settings", "manners").match(text):
        loose = configure.loose_values(spoken, entry)
        # "Take no notice": a yes or a no says less than what the sentence is about.
        told = [value for value in loose if not configure.is_flag(value.value)]
        values = told or configure.switches(text, entry) or loose
    return Setting(plugin, tuple(values), certain=False, at=mention.start) if values else None


def implied(spoken: str, mentions: Sequence[Mention], known: Knowledge) -> Setting | None:
    """Return the settings that are told without variables' names ("make the rss one check every 15 minutes").

    Only for a plugin that is installed and named, in a message that speaks of setting something.
    """
    here = [m for m in mentions if m.target.name and m.target.name in known.standing]
    mine = [m for m in here if not m.weak] or here
    if len({m.target.name for m in mine}) != 1 or not (
        cues("settings", "strong").match(read(spoken)) or re.search(r"\w:\s", spoken)
    ):
        return None
    plugin = mine[0].target.name or ""
    # The name itself may look like a value ("s3", "n8n").
    told = configure.without(spoken, [(m.start, m.end) for m in mentions])
    values = configure.loose_values(told, known.entries.get(plugin))
    if values and all(configure.is_flag(value.value) for value in values):
        values = configure.switches(read(told), known.entries.get(plugin)) or values
    if values and _in_question(spoken, values[0].start):
        return None  # "if it is 9 am in London, what time is it in Sydney?"
    return Setting(plugin, tuple(values), certain=False, at=values[0].start) if values else None
