"""A plugin's variables: which are required, which are set, and how they reach it: as environment and arguments."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.core.status import RequiredVariable
from dynamic_plugins.errors import BadArgumentsError, LoadError
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import decides_code, is_forbidden, is_the_persons_own
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.registry.entry import Argument

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Pasted(str):
    """A value that a person pasted into a conversation: it is kept as a secret, whatever its variable is."""

    __slots__ = ()


def variable_named(installation: Installation, query: str) -> Variable:
    """Return the variable that *query* names, as :func:`variable_among` does."""
    return variable_among(installation.plugin, installation.variables, query)


def variable_among(plugin: str, variables: Iterable[Variable], query: str) -> Variable:
    """Return the variable that *query* names, whatever its case and dashes; one that was not declared is made up.

    Raises :class:`BadArgumentsError` for a name that is no variable's, or that would decide what code runs.
    """
    name = query.strip().lstrip("-").replace("-", "_")
    for variable in variables:
        if variable.name.upper() == name.upper():
            name = variable.name
            break
    else:
        variable = Variable(name=name, secret=looks_secret(name))
    if not _NAME.fullmatch(name):
        raise BadArgumentsError(plugin, f"{query!r} is not a variable's name")
    if decides_code(name):
        raise BadArgumentsError(plugin, f"{name} cannot be set: it would change which code runs")
    if is_forbidden(name):
        raise BadArgumentsError(plugin, f"{name} cannot be set: it is dynamic-plugins' own, and no plugin's")
    return variable


def check_value(plugin: str, variable: Variable, value: str) -> str:
    """Return *value* as it is kept; raises :class:`BadArgumentsError`, which never quotes the value.

    What surrounds a value goes, but not of a secret: OpenSSH reads no key without its last line end.
    """
    if not variable.is_secret:
        value = value.strip()
    if not value.strip():
        raise BadArgumentsError(plugin, f"{variable.name} must not be empty")
    if "\0" in value:
        raise BadArgumentsError(plugin, f"{variable.name} must not hold a NUL character")
    if variable.choices and value not in variable.choices:
        raise BadArgumentsError(plugin, f"{variable.name} must be one of {', '.join(variable.choices)}")
    if variable.format == "number" and not _is_number(value):
        raise BadArgumentsError(plugin, f"{variable.name} must be a number")
    if variable.format == "boolean" and value.lower() not in _TRUE | _FALSE:
        raise BadArgumentsError(plugin, f"{variable.name} must be true or false")
    return value


def check_path(plugin: str, name: str, value: str) -> None:
    """Raise BadArgumentsError where *value* is a path on this machine and not even its folder is there."""
    path = Path(value.strip()).expanduser()
    if path.is_absolute() and not path.exists() and not path.parent.is_dir():
        raise BadArgumentsError(plugin, f"{name}: there is no folder {path.parent}. Make it, or name another path.")


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def required(installation: Installation, known: Collection[str]) -> tuple[RequiredVariable, ...]:
    """Return the variables the plugin cannot do without, and whether each is among the *known* names."""
    return tuple(
        RequiredVariable(v.name, v.description, v.is_secret, v.name in known)
        for v in installation.variables
        if v.required and (v.default is None or v.name in known)
    )


def missing(installation: Installation, known: Collection[str]) -> tuple[str, ...]:
    """Return the names of the required variables that are not *known*."""
    return tuple(variable.name for variable in required(installation, known) if not variable.is_set)


def environment(installation: Installation, values: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables the plugin's worker gets: its defaults, then *values*."""
    arguments = {argument.variable for argument in installation.arguments if argument.value is None}
    defaults = dict(defaults_of(installation.variables))
    return {
        name: value
        for name, value in (defaults | dict(values)).items()
        if not {name, name.upper()} & arguments and not is_forbidden(name)
    }


def defaults_of(variables: Iterable[Variable]) -> tuple[tuple[str, str], ...]:
    """Return the values that a plugin is given where the person sets none, by name, in order.

    There is none for what is the person's own to set, whatever a registry said when it was installed.
    """
    return tuple((v.name, v.default) for v in variables if v.default is not None and not is_the_persons_own(v.name))


def roots(installation: Installation, values: Mapping[str, str], own: Path) -> tuple[str, ...]:
    """Return the folders that an MCP server may ask us for to work on: those that the person named, else its *own*.

    A relative one lies in *own*, where the server runs and reads the same words, and never leads out of it.
    """
    named: list[str] = []
    for variable in installation.variables:
        value = values.get(variable.name)
        if value is not None and variable.format == "filepath":
            repeated = next((a for a in installation.arguments if a.variable == variable.name), None)
            named += several_values(repeated, value) if repeated is not None else [value]
    folders = (_root(path, os.path.abspath(own)) for path in named)  # noqa: PTH100
    return tuple(dict.fromkeys(folder for folder in folders if folder is not None)) or (str(own),)


def _root(path: str, own: str) -> str | None:
    """Return the folder that *path* names; None where there is none, or it is reached only by climbing too high."""
    path = os.path.expanduser(path.strip())  # noqa: PTH111
    whole = os.path.normpath(os.path.join(own, path))  # noqa: PTH118
    if not path or not os.path.isdir(whole):  # noqa: PTH112
        return None
    if not os.path.isabs(path):  # noqa: PTH117
        return whole if os.path.commonpath([own, whole]) == own else None
    return None if os.path.dirname(whole) == whole and ".." in path else whole  # noqa: PTH120


def command_line(installation: Installation, values: Mapping[str, str]) -> list[str]:
    """Return the arguments that an MCP server is started with: the fixed ones and those the person gave, in order.

    A repeated argument is given as a JSON list, or as paths with the system's separator between them. Raises LoadError
    for a secret one of a server that is no Python script, since everybody can read the command line of that.
    """
    words: list[str] = []
    for argument in installation.arguments:
        value = argument.value if argument.value is not None else values.get(argument.variable, argument.default)
        if value is None:
            continue
        if argument.secret and argument.value is None and not installation.entry_point:
            raise LoadError(
                installation.plugin,
                f"its argument {argument.variable} is a secret, and the command that starts this server can be read by "
                "every user of this machine",
            )
        if argument.type == "named" and (argument.format == "boolean" or value == ""):
            words += [] if value.lower() in _FALSE else [argument.name]
            continue
        for word in several_values(argument, value):
            words += [argument.name, word] if argument.type == "named" else [word]
    return words


def several_values(argument: Argument, value: str) -> list[str]:
    """Return the values that *value* stands for: several where *argument* may be repeated."""
    if not argument.repeated:
        return [value]
    if value.startswith("["):
        try:
            return [str(item) for item in parse_json(value)]
        except ValueError:
            pass  # a path may begin with a bracket
    return [item for item in value.split(os.pathsep) if item]
