"""A client's arguments for a server: as values of those that a registry declares, or as the plugin's own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.clients.client import variable_name
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.registry.entry import Argument
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dynamic_plugins.clients.placeholders import Filled
    from dynamic_plugins.registry.entry import Format

_FLAG = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*)(?:=(?P<value>.*))?", re.DOTALL)
_NO_KEY = re.compile(
    r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|.*\byour[-_ ].*|x{4,}|\*{3,}|\.{3,}|change-?me|replace.*|todo", re.IGNORECASE
)


def is_path(text: str) -> bool:
    """Return whether *text* is a path of this machine: from its root or from the home, and leading somewhere."""
    if not text.startswith(("/", "~", "\\")) and not re.match(r"[A-Za-z]:[\\/]", text):
        return False
    try:
        path = Path(text).expanduser()
        return path.is_absolute() and (path.exists() or path.parent.is_dir())
    except (OSError, RuntimeError, ValueError):
        return False


def is_no_key(text: str) -> bool:
    """Return whether *text* only says where a key goes: ``<YOUR_API_KEY>``."""
    return _NO_KEY.fullmatch(text.strip()) is not None


def is_secret(name: str, text: str) -> bool:
    """Return whether the value *text* of a variable *name* is a secret, by its name or by its looks."""
    return looks_secret(name) or bool(find_secrets(f"{name}={text}"))


def fitted(declared: Sequence[Argument], words: Sequence[Filled]) -> dict[str, Filled] | None:
    """Return the values of a registry's *declared* arguments in *words*; None where they do not fit those.

    A repeated argument has one value, as a JSON list. What is fixed may be there or not.
    """
    named = {each.name: each for each in declared if each.type == "named"}
    positional = [each for each in declared if each.type == "positional" and each.value is None]
    fixed = {each.value for each in declared if each.type == "positional" and each.value is not None}
    values: dict[str, list[Filled]] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        flag = _FLAG.fullmatch(word.text)
        if flag and (argument := named.get(flag["name"])) is not None:
            given = _given(argument, word, flag["value"], left)
            if given is None:
                return None
            if argument.value is None:
                values.setdefault(argument.variable, []).append(given)
            elif argument.value != given.text:
                return None
        elif word.text in fixed:
            continue
        elif flag or not positional:
            return None
        else:
            values.setdefault(positional[0].variable, []).append(word)
            if not positional[0].repeated:
                positional.pop(0)
    return _joined(declared, values)


def _given(argument: Argument, word: Filled, inline: str | None, left: list[Filled]) -> Filled | None:
    """Return the value of a named argument: behind its ``=``, or the next of the words that are *left*."""
    if inline is not None:
        return replace(word, text=inline)
    if argument.format == "boolean":
        return replace(word, text="true")
    return left.pop(0) if left else None


def _joined(declared: Sequence[Argument], values: dict[str, list[Filled]]) -> dict[str, Filled] | None:
    repeated = {each.variable for each in declared if each.repeated}
    made: dict[str, Filled] = {}
    for name, given in values.items():
        if name not in repeated and len(given) > 1:
            return None
        missing = tuple(each for one in given for each in one.missing)
        text = given[0].text if len(given) == 1 else json.dumps([each.text for each in given])
        made[name] = replace(given[0], text=text, missing=missing, secret=any(each.secret for each in given))
    return made


def own_arguments(words: Sequence[Filled], taken: Collection[str]) -> tuple[tuple[Argument, ...], dict[str, Filled]]:
    """Return *words* as the arguments of a plugin of which nothing else is known, and the values of those among them
    that are no fixed words: secrets, paths and what is not known yet. Their names are none of those *taken*.
    """
    made: list[Argument] = []
    values: dict[str, Filled] = {}
    used = {*taken}
    before = ""
    for word in words:
        flag = _FLAG.fullmatch(word.text)
        flag_name = flag["name"] if flag else ""
        inline = flag["value"] if flag else None
        text = word.text if inline is None else inline
        label = (flag_name if inline is not None else before).lstrip("-")
        secret = word.secret or (not (flag and inline is None) and is_secret(variable_name(label or "argument"), text))
        if not (secret or word.missing or is_path(text)):
            made.append(Argument("positional", value=word.text))
            before = flag_name if inline is None else ""
            continue
        name = _unused(variable_name(label or _label(word, text)), used)
        used.add(name)
        values[name] = replace(word, text=text)
        form: Format = "filepath" if not secret and is_path(text) else "string"
        # A flag with its value behind it in the same word becomes two words, which servers read alike.
        made += [Argument("positional", value=flag_name)] if inline is not None else []
        made.append(Argument("positional", hint=name, required=True, secret=secret, format=form))
        before = ""
    return tuple(made), values


def _label(word: Filled, text: str) -> str:
    if word.missing:
        return word.missing[0].name
    return "path" if is_path(text) else "argument"


def _unused(name: str, used: Collection[str]) -> str:
    if is_forbidden(name):
        name = f"{name}_ARGUMENT"  # it is no variable of its environment, and PATH is told to no plugin
    return next(each for each in (name, *(f"{name}_{n}" for n in range(2, 1000))) if each not in used)
