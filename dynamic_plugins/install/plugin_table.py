"""The table ``[tool.dynamic-plugins]`` of a plugin, and the file ``dynamic-plugins.toml`` with the same keys.

They are written by hand and have a fixed shape, so Pydantic reads them: strictly, since a mistake must not pass for
nothing to configure. This module is imported where a plugin is installed, and by nothing that starts a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from dynamic_plugins.core.outside_data import parse_toml
from dynamic_plugins.core.permissions import UNDECLARED, Permissions, check_variables, parse_permissions
from dynamic_plugins.registry.entry import Format, Variable
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_FILE = "dynamic-plugins.toml"
_NAME = re.compile(r"(@[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MISTAKES = {
    "extra_forbidden": "there is no such key",
    "missing": "is missing",
    "list_type": "must be a list",
    "model_type": "must be a table",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "string_pattern_mismatch": "has not the form that it must have",
    "too_short": "must not be empty",
}
"""What Pydantic's errors are called here, by their type."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Own:
    """What only we read: the plugin's configuration, the plugins that it needs, and what it may reach."""

    config: tuple[Variable, ...] = ()
    requires: tuple[str, ...] = ()
    permissions: Permissions = UNDECLARED


def checked_name(name: str) -> str:
    """Return *name*, which is a plugin's; raises ValueError for one that could be mistaken for something else."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a plugin's name")
    return name


def checked_variable(name: str) -> str:
    """Return *name*, which is a variable's; raises ValueError for one that no plugin may be told."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is not a variable's name")
    if is_forbidden(name):
        raise ValueError(f"{name} is no plugin's to ask for")
    return name


def as_text(value: Any) -> Any:
    """Return a number or a truth value as it is set: in the environment everything is text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(as_text)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Variable(_Table):
    name: Annotated[str, AfterValidator(checked_variable)]
    description: str = ""
    required: bool = False
    secret: bool | None = None
    default: Text | None = None
    choices: list[Text] = []
    format: Format = "string"


class _Own(_Table):
    requires: list[Annotated[str, AfterValidator(checked_name)]] = []
    config: list[_Variable] = []
    permissions: Annotated[Any, AfterValidator(parse_permissions)] = UNDECLARED


def own_file(content: bytes) -> Own:
    """Return what a ``dynamic-plugins.toml`` says. Raises ValueError for what is none."""
    return own_table(parse_toml(content))


def own_table(table: Mapping[str, Any]) -> Own:
    """Return what our table says. Raises ValueError, which names every place with a mistake and what is wrong there."""
    try:
        own = _Own.model_validate(table)
    except ValidationError as error:
        raise ValueError(
            "; ".join(f"{place_of(found['loc'])}: {mistake_of(found)}" for found in error.errors())
        ) from None
    try:
        check_variables(own.permissions, {variable.name for variable in own.config})
    except ValueError as error:
        raise ValueError(f"permissions: {error}") from None
    return Own(tuple(map(_of_entry, own.config)), tuple(own.requires), own.permissions)


def _of_entry(declared: _Variable) -> Variable:
    """Return a variable as the registry's entries have it; where nobody says if it is secret, its name tells."""
    secret = looks_secret(declared.name) if declared.secret is None else declared.secret
    plain = declared.model_dump() | {"choices": tuple(declared.choices), "secret": secret}
    return Variable(**plain, secret_declared=declared.secret is not None)


def place_of(keys: tuple[int | str, ...]) -> str:
    """Return where a mistake is: ``config[1].name``, counted from 0."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".") or "the table"


def mistake_of(found: Any) -> str:
    """Return what is wrong, of one of the errors of a ValidationError, as a person reads it."""
    if found["type"] == "literal_error":
        return f"must be {found['ctx']['expected']}"
    text: str = _MISTAKES.get(found["type"], found["msg"])
    return text.removeprefix("Value error, ")
