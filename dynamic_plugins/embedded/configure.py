"""Values that somebody wants a plugin to be told: which variable of it is meant, and what it is to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.phrases import Text, cues, read, word_set
from dynamic_plugins.embedded.targets import core
from dynamic_plugins.redaction.detector import PLACEHOLDER, find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry, Variable

_KEY = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_PAIR = re.compile(rf"\b({_KEY})\s*(?:=|:(?!//))\s*(\"[^\"]*\"|'[^']*'|\[secret:[^\]]*\]|[^\s,;]+)")
_SET_TO = re.compile(
    rf"\b({_KEY})\s+(?:to|as|auf|à|a|en|op|на|=|is|be|should be)\s+(\"[^\"]*\"|'[^']*'|\[secret:[^\]]*\]|[^\s,;]+)"
)
_VALUE = re.compile(
    r"\[secret:[^\]]*\]|https?://[^\s,;]+|(?<![\w/])(?:~|\.)?/[\w./-]+|(?<!\w)\+?-?\d[\w.:-]*|"
    r"\b[\w.-]*\d[\w.:/-]*\b|\b[a-z]+(?:[-_.:/][\w]+)+\b|\b[a-z]+[A-Z]\w*\b"
)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]{2,})'|“([^”]+)”")
_FLAG = re.compile(r"\b(on|off|yes|no|true|false|enabled|disabled)\b", re.I)


@dataclass(frozen=True)
class Value:
    """One value: the variable's *name* (empty until it is known), what it is to be, and where it stood."""

    name: str
    value: str
    start: int
    end: int
    secret: bool = False
    explicit: bool = False
    """Whether the person wrote the variable's name."""


def values_in(said: str) -> list[Value]:
    """Return the values that *said* gives by name, and the secrets in it, in order."""
    found = [Value(m[1], m[2].strip("\"'"), m.start(), m.end(), explicit=True) for m in _PAIR.finditer(said)]
    found += [
        Value(m[1], m[2].strip("\"'").rstrip("."), m.start(), m.end(), explicit=True) for m in _SET_TO.finditer(said)
    ]
    secrets = [Value(m[2] or "", m.group(), m.start(), m.end(), secret=True) for m in PLACEHOLDER.finditer(said)]
    secrets += [Value(each.label, each.value, each.start, each.end, secret=True) for each in find_secrets(said)]
    for secret in secrets:
        held = next((pair for pair in found if pair.start <= secret.start and secret.end <= pair.end), None)
        if held is None:
            found.append(secret)
        else:
            found[found.index(held)] = replace(held, secret=True)
    return sorted(_apart(found), key=lambda value: value.start)


def _apart(found: Sequence[Value]) -> Iterator[Value]:
    taken: list[tuple[int, int]] = []
    for value in sorted(found, key=lambda each: (not each.explicit, each.start)):
        if not any(value.start < end and start < value.end for start, end in taken):
            taken.append((value.start, value.end))
            yield value


def without(said: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return *said* with *spans* blanked, so that all else stays in its place."""
    for start, end in spans:
        said = said[:start] + " " * (end - start) + said[end:]
    return said


def wants_setting(spoken: str) -> bool:
    """Whether *spoken* speaks of setting something."""
    return cues("settings", "verbs").match(read(spoken))


def loose_values(spoken: str, entry: Entry | None) -> list[Value]:
    """Return the values that a sentence gives without naming variables ("the voice should be en-GB-SoniaNeural").

    What is said right before a value tells the variable; where the plugin declares none like it, the name is made of
    those words. Empty when the sentence gives no value.
    """
    found: list[Value] = []
    for start, end, value in _candidates(spoken):
        about = _words_about(spoken, start, end)
        name = variable_for(about, entry, value)
        # "Yes" and "on" are values only where there is a variable for them.
        if not _FLAG.fullmatch(value) or (found and about) or any(name == each.name for each in _declared(entry)):
            found.append(Value(name, value, start, end))
    return _joined(found)


def is_flag(value: str) -> bool:
    """Whether a value only says yes or no."""
    return _FLAG.fullmatch(value) is not None


def offered_values(spoken: str, entry: Entry | None) -> list[Value]:
    """Return the values in *spoken* that a variable lists as its choices: the first of each variable."""
    found = []
    for variable in _declared(entry):
        for choice in sorted(variable.choices or (), key=lambda choice: spoken.lower().find(str(choice).lower())):
            place = re.search(rf"(?<!\w){re.escape(str(choice))}(?!\w)", spoken, re.I)
            if place and len(str(choice)) > 3:
                found.append(Value(variable.name, str(choice), place.start(), place.end()))
                break
    return found


SURELY = 2
"""So many words must a sentence and a yes-or-no variable have in common."""


def switches(text: Text, entry: Entry | None) -> list[Value]:
    """Return the yes-or-no variable that *text* is about, set as it says."""
    words = {_root(_meant(word)) for word in text.words}
    best, score = None, 0
    for variable in _declared(entry):
        if variable.format != "boolean":
            continue
        told = re.findall(r"[^\W_]+", f"{variable.name} {variable.description}".lower())
        fits = len({_root(each) for each in told} & words)
        if fits > score:
            best, score = variable, fits
    if best is None or score < SURELY:
        return []
    # "Take no notice of bots" turns on what ignores them.
    about = {_root(each.lower()) for each in best.name.split("_")}
    says_no = cues("settings", "negative").match(text) and not about & _NEGATIVE
    return [Value(best.name, "false" if says_no else "true", 0, 0)]


_NEGATIVE = frozenset({"ignor", "only", "disabl", "requir", "deny", "forbid"})


def _meant(word: str) -> str:
    return _same().get(word, word)


@cache
def _same() -> dict[str, str]:
    table = prompt_files.table("embedded/settings.toml")["same"]
    return {word: row[0] for row in table for word in row}


def _root(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _declared(entry: Entry | None) -> Sequence[Variable]:
    return entry.variables if entry else ()


def _candidates(spoken: str) -> list[tuple[int, int, str]]:
    found = [(m.start(), m.end(), next(each for each in m.groups() if each)) for m in _QUOTED.finditer(spoken)]
    for pattern in (_VALUE, _FLAG):
        for match in pattern.finditer(spoken):
            if not any(start <= match.start() < end for start, end, _ in found):
                found.append((match.start(), match.end(), match.group().rstrip(".:")))
    return sorted(found)


def _words_about(spoken: str, start: int, end: int) -> list[str]:
    """Return the words that tell what a value is for, nearest first: those before it, then the unit after it."""
    cut = max((spoken.rfind(mark, 0, start) for mark in (". ", "\n", ";")), default=-1)
    before = re.findall(r"[^\W_]+", spoken[cut + 1 : start].lower())[-8:]
    after = re.findall(r"[^\W_]+", spoken[end:].lower())[:1]
    stop = word_set("settings", "not_names")
    before, after = [_meant(word) for word in before], [_meant(word) for word in after]
    return [word for word in [*reversed(before), *after] if word not in stop]


def variable_for(about: Sequence[str], entry: Entry | None, value: str = "") -> str:
    """Return the name of the plugin's variable that *about* speaks of; one made of the words when it has none."""
    best, score = "", 0.0
    for variable in entry.variables if entry else ():
        fits = _fit(about, variable, value)
        if fits > score:
            best, score = variable.name, fits
    if best:
        return best
    prefix = core(entry.name).replace("-", "_").upper() if entry else ""
    words = [word for word in reversed(about[:2]) if word.upper() not in prefix.split("_")]
    return "_".join([part for part in (prefix, *(word.upper() for word in words)) if part]) or "VALUE"


def _fit(about: Sequence[str], variable: Variable, value: str) -> float:
    own = [part.lower() for part in variable.name.split("_")]
    told = set(re.findall(r"[^\W_]+", variable.description.lower()))
    fit = 0.0
    for place, word in enumerate(about[:6]):
        stem = word.rstrip("s")
        if any(part.rstrip("s") == stem for part in own):
            fit += 2.0 - place * 0.15
        elif stem in {each.rstrip("s") for each in told} and len(stem) > 3:
            fit += 0.5
    if fit and value.lower().startswith("http") and own[-1] in {"url", "endpoint", "uri", "homeserver"}:
        fit += 0.5
    return fit - 0.05 * len(own) if fit else 0.0


def secret_name(label: str, about: Sequence[str], entry: Entry | None, taken: Sequence[str]) -> str:
    """Return the plugin's variable that a pasted secret is for: the one that was named, or the likeliest."""
    variables = entry.variables if entry else ()
    if any(variable.name == label for variable in variables):
        return label
    secrets = [variable for variable in variables if variable.is_secret and variable.name not in taken]
    if not secrets:
        return label if re.fullmatch(_KEY, label) else variable_for([*about, "token"], None)
    return max(secrets, key=lambda variable: (_fit(about, variable, ""), variable.required)).name


def words_about(said: str, value: Value) -> list[str]:
    """Return the words around *value* that tell what it is for."""
    return _words_about(said, value.start, value.end)


def _joined(values: Sequence[Value]) -> list[Value]:
    """Join the values of one variable into a list, as such variables are written: with commas."""
    joined: dict[str, Value] = {}
    for value in values:
        if value.name in joined:
            earlier = joined[value.name]
            joined[value.name] = replace(earlier, value=f"{earlier.value},{value.value}", end=value.end)
        else:
            joined[value.name] = value
    return list(joined.values())
