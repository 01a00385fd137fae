"""Settings that a message gives: for which plugin the values are, and for which variable one that names none."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.managing.decide import Call
from dynamic_plugins.embedded.managing.setting_owner import (
    CONFIGURES,
    are_surely_its,
    configured,
    plugin_of,
    told_by_names,
    variable_names,
)
from dynamic_plugins.embedded.managing.setting_values import (
    KEY,
    QUOTED,
    TIGHT,
    VALUE,
    Value,
    apart,
    values_in,
    without_marks,
)
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.managing.reading import PluginReading, Reading
    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.registry.entry import Entry, Variable

SURELY_CONFIGURES = 0.98
"""From this probability on that a plugin is to be configured, values without a variable's name are set without a
question; from :data:`~dynamic_plugins.embedded.managing.setting_owner.CONFIGURES` on they are looked for."""
ANSWER_WORDS = 9
"""A message of more words does not only say what was asked for."""

_SETS = re.compile(
    r"\b(?:set|change|switch|stelle?|setze?|[äa]ndere|pon|cambia\w*|mets|r[èe]gle|imposta|metti|muda|define|ustaw|zmie[ńn]|zet"
    r"|поставь|измени|установи)\b[^.!?;]{0,40}\Z",
    re.I,
)
"""What stands before a variable that is to be set, whose name is one word in capitals."""
_FLAG = re.compile(r"\b(on|off|true|false|enabled|disabled|(?:yes|no)(?=\s*(?:[.,;!?]|$)))\b", re.I)
_NO_NAMES = frozenset(
    {
        "the",
        "a",
        "an",
        "to",
        "is",
        "be",
        "set",
        "use",
        "make",
        "put",
        "change",
        "with",
        "for",
        "of",
        "on",
        "in",
        "at",
        "as",
    }
    | {
        "please",
        "and",
        "it",
        "its",
        "my",
        "our",
        "your",
        "that",
        "this",
        "should",
        "plugin",
        "server",
        "configure",
        "from",
    }
    | {"der", "die", "das", "auf", "von", "le", "la", "el", "de", "en", "un", "una", "then", "now", "not", "i", "want"}
)


@dataclass(frozen=True)
class Settings:
    """Values for one plugin; *certain* says that the person wrote for which plugin and which variables they are."""

    plugin: str
    values: tuple[Value, ...]
    certain: bool
    alone: bool = False
    """Whether the message is nothing but the answer to what was missing."""

    @property
    def call(self) -> Call:
        told = [{"name": value.name, "value": value.value} for value in self.values]
        return Call("configure_plugin", {"plugin_name": self.plugin, "configuration": told})


def given_settings(
    reading: Reading,
    standing: Standing,
    entries: Mapping[str, Entry],
    focus: Sequence[str] = (),
    wanted: Sequence[PluginReading] = (),
) -> Settings | None:
    """Return the settings that a message gives, and for which plugin; None where it gives none or nobody is meant.

    A value by name and no plugin is for the one that something else is *wanted* of, or for the one that was talked
    about last, the first in *focus*.
    """
    values = values_in(reading.text.written)
    named_one = any(plugin.link.named for plugin in wanted)
    if not values and not named_one and (answered := _answer_to_missing(reading, standing, entries, focus)) is not None:
        return answered
    plugin = told = told_by_names(values, reading, standing)
    plugin = plugin or plugin_of(values, reading, standing, entries)
    if told is None and values and (plugin is None or plugin not in wanted) and len(wanted) == 1:
        plugin = wanted[0]
    if values and focus and plugin is None:
        plugin = next((each for each in reading.plugins if each.link.names == (focus[0],)), None)
    if plugin is None:
        return None
    name = plugin.link.names[0]
    entry = entries.get(name)
    share = configured(plugin)
    values = _meant_as_settings(values, reading, plugin, entry)
    # Whoever writes one variable's name means no other by what stands beside it.
    if not values and share >= CONFIGURES and not re.search(rf"\b{KEY}\b", reading.text.spoken):
        values = _loose(reading, plugin, entry)
    if not values:
        return None
    named: list[Value] = []
    for value in values:
        variable = value.name if value.explicit else _variable_for(reading.text.spoken, value, entry, named)
        fits = value.explicit or _fits(variable, value.value)
        if fits and (value.explicit or not variable_names(entry) or variable in variable_names(entry)):
            named.append(replace(value, name=variable))
    if not named:
        return None
    known = share >= SURELY_CONFIGURES and all(value.name in variable_names(entry) for value in named)
    certain = (known or all(value.explicit for value in values)) and not any(value.doubtful for value in values)
    is_said = plugin.link.named or share >= 0.5 or told is not None
    surely_its = is_said or are_surely_its(plugin, named, standing, entries, focus)
    return Settings(name, tuple(_joined(named)), certain and surely_its)


_STATEMENT = re.compile(r"\b(?:update\s+\S+\s+set|insert\s+into|delete\s+from|select\b.{0,200}\bfrom)\b", re.I | re.S)


def _meant_as_settings(
    values: Sequence[Value], reading: Reading, plugin: PluginReading, entry: Entry | None
) -> list[Value]:
    """Return those of *values* that may be settings of *plugin*.

    One word in capitals may be anything, "add README to main": it is a variable's name where the plugin has one so.
    Beside the plugin's name "HEADLESS=true" and "set LANGUAGE to de" set what is not known of it too; where that keeps
    tables they are asked about, and in a statement of SQL they are columns.
    """
    written, found = reading.text.written, list[Value]()
    is_set_here = plugin.link.named and not _STATEMENT.search(written)
    for value in values:
        if not value.explicit or "_" in value.name or value.name in variable_names(entry):
            found.append(value)
        elif is_set_here and (TIGHT.match(written, value.start) or _SETS.search(written[: value.start])):
            found.append(replace(value, doubtful=_keeps_tables(entry)))
    return found


def _keeps_tables(entry: Entry | None) -> bool:
    """Whether a plugin is one for rows and cells, which have names in capitals too: "set QTY to 4 in sqlite"."""
    return entry is None or any(_OF_TABLES.search(action.name) for action in entry.actions)


_OF_TABLES = re.compile(r"quer(?:y|ies)|rows?(?:_|\b)|table|record|cell|sheet|sql|column", re.I)


_IS_PATH = re.compile(r"(?:^|_)(?:PATH|FILE|DIR|DIRECTORY|FOLDER|ROOT)S?$")
_IS_URL = re.compile(r"(?:^|_)(?:URL|URI|ENDPOINT|HOST|DOMAIN)S?$")


def _fits(variable: str, value: str) -> bool:
    """Whether a value that nobody named may be that of *variable*: a year is no path."""
    if _IS_PATH.search(variable):
        return bool(re.search(r"[/\\~]|\.\w", value))
    return not _IS_URL.search(variable) or bool(re.search(r"[.:/]|localhost", value))


# ---------------------------------------------------------------- values without a variable's name


def _answer_to_missing(
    reading: Reading, standing: Standing, entries: Mapping[str, Entry], focus: Sequence[str]
) -> Settings | None:
    """Return the value that a short message gives for the one thing that the plugin spoken of last still lacks."""
    name = focus[0] if focus else ""
    missing = standing.plugins[name].missing if name in standing else ()
    variables = {variable.name: variable for variable in entries[name].variables} if name in entries else {}
    if len(missing) != 1 or missing[0] not in variables or variables[missing[0]].is_secret:
        return None
    said = reading.text.said.strip()
    if len(said.split()) > ANSWER_WORDS or said.endswith("?"):
        return None
    found = [m for m in VALUE.finditer(said) if variables[missing[0]].format != "filepath" or m[0][:1] in "/~."]
    found = [m for m in found if _fits(missing[0], m[0])] or list(QUOTED.finditer(said))
    if len(found) != 1:
        return None
    value = without_marks(found[0].group())
    return Settings(name, (Value(missing[0], value, *found[0].span(), explicit=True),), certain=True, alone=True)


def _loose(reading: Reading, plugin: PluginReading, entry: Entry | None) -> list[Value]:
    """Return the values of a message that speaks of setting something ("the voice should be en-GB-SoniaNeural")."""
    spoken = reading.text.said
    for link in reading.links:
        if link.named and (link is plugin.link or link.kind in ("exact", "whole")):
            spoken = spoken[: link.start] + " " * (link.end - link.start) + spoken[link.end :]
    found = [Value("", next(each for each in m.groups() if each), m.start(), m.end()) for m in QUOTED.finditer(spoken)]
    for variable in entry.variables if entry else ():
        for choice in variable.choices:
            if place := re.search(rf"(?<!\w){re.escape(str(choice))}(?!\w)", spoken, re.I):
                found.append(Value(variable.name, str(choice), place.start(), place.end(), explicit=True))
                break
    found += [Value("", without_marks(match.group()), match.start(), match.end()) for match in VALUE.finditer(spoken)]
    values = sorted(apart(found), key=lambda value: value.start)
    if values:
        return values
    flags = [Value("", m.group().lower(), m.start(), m.end()) for m in _FLAG.finditer(spoken)]
    switches = [variable for variable in (entry.variables if entry else ()) if variable.format == "boolean"]
    return flags[-1:] if switches else []


def _variable_for(said: str, value: Value, entry: Entry | None, taken: Sequence[Value]) -> str:
    """Return the plugin's variable that *value* is for, by the words about it; one made of them where it has none."""
    variables = entry.variables if entry else ()
    if any(variable.name == value.name for variable in variables):
        return value.name
    about = _about(said, value)
    secret = value.value.startswith("[secret:") or bool(value.name) or bool(find_secrets(value.value))
    free = [v for v in variables if v.is_secret == secret and not any(v.name == other.name for other in taken)]
    if _FLAG.fullmatch(value.value):
        free = [v for v in free if v.format == "boolean"]
    best = max(free, key=lambda variable: (_fit(about, variable, value.value), variable.required), default=None)
    if best and (_fit(about, best, value.value) > 0 or (secret and not re.fullmatch(KEY, value.name))):
        return best.name
    if re.fullmatch(KEY, value.name):
        return value.name
    prefix = re.sub(r"\W+", "_", entry.name.rpartition("/")[2].removeprefix("plugin-")).upper() if entry else ""
    words = [word.upper() for word in reversed(about[:2]) if word.upper() not in prefix.split("_")]
    return "_".join(part for part in (prefix, *words, *(["TOKEN"] if secret and not words else [])) if part) or "VALUE"


def _about(said: str, value: Value) -> list[str]:
    """Return the words that tell what a value is for, nearest first: those before it, then the one after it."""
    cut = max((said.rfind(mark, 0, value.start) for mark in (". ", "\n", ";")), default=-1)
    before = tokens(said[cut + 1 : value.start])[-8:]
    after = tokens(said[value.end :])[:1]
    return [word for word in [*reversed(before), *after] if word not in _NO_NAMES]


def _fit(about: Sequence[str], variable: Variable, value: str) -> float:
    own = [part.lower() for part in variable.name.split("_")]
    told = {stem(word) for word in tokens(variable.description)}
    fit = 0.0
    for place, word in enumerate(about[:6]):
        root = stem(word)
        if any(stem(part) == root for part in own):
            fit += 2.0 - place * 0.15
        elif root in told and len(root) > 3:
            fit += 0.5
    if value.lower().startswith("http") and own[-1] in {"url", "endpoint", "uri", "homeserver"}:
        fit += 0.5
    if value[:1] in "/~" and variable.format == "filepath":
        fit += 0.5
    return fit - 0.05 * len(own) if fit else 0.0


def _joined(values: Sequence[Value]) -> list[Value]:
    """Join several values of one variable into a list, as such variables are written: with commas."""
    joined: dict[str, Value] = {}
    for value in values:
        earlier = joined.get(value.name)
        joined[value.name] = (
            value if earlier is None else replace(earlier, value=f"{earlier.value},{value.value}", end=value.end)
        )
    return list(joined.values())
