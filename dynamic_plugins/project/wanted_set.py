"""``plugins.toml``: the plugins that a project wants, as a person writes them down.

::

    version = 1

    [plugins]
    mcp-server-time = "2026.10.19"     # a name as `install` takes it, and a version; "*" is the newest of the day
    mcp-server-git = ">=2026.1,<2027"  # or a range: of PyPI as PEP 440 has them, of npm as npm does (^1.4)

    [plugins."npm:@scope/notes"]
    version = "1.4.0"
    permissions = { network = ["api.example.org:443"], files = [{ path = "$PROJECT/notes", access = "write" }] }
    actions = ["search", "read"]       # or { only = […], hide = […], rename = { search = "find" } }
    config = { FOLDER = "$PROJECT/notes" }
    secrets = ["NOTES_TOKEN"]          # by name: their values are in no file of the project
    active = true                      # whether it is switched on; true where nothing is said

``$PROJECT`` is the folder of the file. Other keys are ``path`` (a folder or wheel, from the file's folder) and
``remote`` (use it where it runs). A mistake is told with its line.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from dynamic_plugins.core.action_choice import ActionChoice
from dynamic_plugins.core.outside_data import parse_toml, read_file
from dynamic_plugins.core.permissions import parse_permissions
from dynamic_plugins.errors import ProjectFileError
from dynamic_plugins.install.plugin_table import Text, checked_variable, mistake_of, place_of
from dynamic_plugins.project.toml_text import line_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.project.toml_text import Place

FILE, FORMAT = "plugins.toml", 1
MOST_BYTES = 2**26
_MOST_FORMATS = 2**31
_RANGE = re.compile(r"[\^~<>=*,| ]|\b[xX]\b")
"""What is in a range of versions, and in no exact one. Which ranges there are depends on where the package is."""
_PROJECT = re.compile(r"\$PROJECT(?![A-Za-z0-9_])")
_MESSAGE_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class WantedPlugin:
    """One plugin of the file. *named* is its key there, as somebody would name it to install it."""

    named: str
    version: str | None = None
    """None is the newest; otherwise an exact one, or a range."""
    path: str | None = None
    """A folder or wheel, relative to the file's folder."""
    remote: bool = False
    active: bool = True
    permissions: Mapping[str, Any] | None = None
    """What it may reach, of ``network``, ``files`` and ``programs`` those that are said; else what it declares."""
    choice: ActionChoice | None = None
    config: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def range(self) -> str | None:
        """The range of versions that is asked for, where it is not exactly one."""
        return self.version if self.version is not None and _RANGE.search(self.version) else None

    @property
    def asked(self) -> dict[str, Any]:
        """What of it decides what is locked."""
        facts = {"version": self.version, "path": self.path, "remote": self.remote or None}
        return {"named": self.named} | {key: value for key, value in facts.items() if value is not None}


@dataclass(frozen=True)
class WantedSet:
    """What a project wants, in the order of the file. *text* is the file's, for the lines of what is wrong in it."""

    file: Path
    plugins: tuple[WantedPlugin, ...]
    text: str = ""

    def wrong(self, problem: str, *place: str) -> ProjectFileError:
        """Return the error for what is wrong at *place*, the keys that lead there."""
        return ProjectFileError(str(self.file), problem, line_of(self.text, place))

    def place(self, *keys: str) -> str:
        """Return the file's name and the line where the keys lead."""
        line = line_of(self.text, keys)
        return self.file.name if line is None else f"{self.file.name}:{line}"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Actions(_Table):
    only: list[str] = []
    hide: list[str] = []
    rename: dict[str, str] = {}


def _checked_permissions(table: Any) -> Any:
    parse_permissions(table)
    return table


class _Plugin(_Table):
    version: str | None = None
    path: str | None = None
    remote: bool = False
    active: bool = True
    permissions: Annotated[Any, AfterValidator(_checked_permissions)] = None
    actions: list[str] | _Actions | None = None
    config: dict[Annotated[str, AfterValidator(checked_variable)], Text] = {}
    secrets: list[Annotated[str, AfterValidator(checked_variable)]] = []


class _File(_Table):
    version: int = FORMAT
    plugins: dict[str, str | _Plugin] = {}


def read_wanted(file: Path) -> WantedSet:
    """Return what *file* wants. Raises ProjectFileError, with the line where there is one."""
    text, data = read_toml(file, "There is none. Begin one with: dynamic-plugins init, or name it with --file")
    check_format(file, text, data, FORMAT)
    folder = str(file.parent)
    try:
        told = _File.model_validate(_with_project(data, folder))
    except _LeadsOutError as error:
        raise ProjectFileError(str(file), str(error), line_of(text, error.place)) from None
    except ValidationError as error:
        raise wrong_shape(file, text, error) from None
    plugins = tuple(_wanted(named, each) for named, each in told.plugins.items())
    found = WantedSet(file, plugins, text)
    for each in plugins:
        _check(found, each)
    return found


def _with_project(found: Any, folder: str) -> Any:
    """Return *found* with the project's *folder* for ``$PROJECT`` in permissions and in plain values."""
    if not isinstance(found, dict) or not isinstance(found.get("plugins"), dict):
        return found
    plugins = {}
    for name, each in found["plugins"].items():
        if isinstance(each, dict):
            filled = {key: (each[key], ("plugins", name, key)) for key in ("permissions", "config") if key in each}
            told = {key: _filled(value, folder, place) for key, (value, place) in filled.items()}
            plugins[name] = each | told
        else:
            plugins[name] = each
    return found | {"plugins": plugins}


def _filled(found: Any, folder: str, place: Place) -> Any:
    if isinstance(found, str):
        filled = _PROJECT.sub(lambda _: folder, found)
        if filled != found:
            _check_stays(filled, folder, found, place)
        return filled
    if isinstance(found, list):
        return [_filled(each, folder, place) for each in found]
    if isinstance(found, dict):
        return {key: _filled(each, folder, (*place, key)) for key, each in found.items()}
    return found


class _LeadsOutError(Exception):
    """A link of the project leads out of it.

    It is no PluginError: :func:`read_wanted` adds the line.
    """

    def __init__(self, problem: str, place: Place) -> None:
        super().__init__(problem)
        self.place = place


def _check_stays(path: str, folder: str, said: str, place: Place) -> None:
    """Raise _LeadsOutError where *path* reads as one of the project's *folder* and a link in there leads elsewhere.

    A repository may hold such links, and who is asked about the path would not see where it leads.
    """
    if "\0" in path or not _is_in(os.path.normpath(path), folder):
        return
    if not _is_in(real := os.path.realpath(path), os.path.realpath(folder)):
        raise _LeadsOutError(f"{said} is a link to {real}, which is not of this project. Write that path itself", place)


def _is_in(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder if os.path.isabs(path) else False  # noqa: PTH117


def _wanted(named: str, told: str | _Plugin) -> WantedPlugin:
    if isinstance(told, str):
        return WantedPlugin(named, _version(told))
    return WantedPlugin(
        named,
        version=_version(told.version),
        path=told.path,
        remote=told.remote,
        active=told.active,
        permissions=told.permissions,
        choice=_choice(told.actions),
        config=tuple(told.config.items()),
        secrets=tuple(dict.fromkeys(told.secrets)),
    )


def _version(said: str | None) -> str | None:
    return None if said in {None, "", "*", "latest"} else said


def _choice(told: list[str] | _Actions | None) -> ActionChoice | None:
    if told is None:
        return None
    if isinstance(told, list):
        return ActionChoice(only=tuple(told))
    return ActionChoice(tuple(told.only), tuple(told.hide), told.rename)


def _check(found: WantedSet, plugin: WantedPlugin) -> None:
    place = ("plugins", plugin.named)
    if not plugin.named.strip():
        raise found.wrong("a plugin without a name", *place)
    if plugin.path is not None and (plugin.remote or plugin.version):
        raise found.wrong(f"{plugin.named}: path goes with neither remote nor version", *place)
    if both := {name.upper() for name, _ in plugin.config} & {name.upper() for name in plugin.secrets}:
        raise found.wrong(f"{plugin.named}: {sorted(both)[0]} is both in config and among the secrets", *place)


# ---------------------------------------------------------------- what both files have in common


def read_toml(file: Path, missing: str) -> tuple[str, dict[str, Any]]:
    """Return the text of *file* and its table. Raises ProjectFileError, which says *missing* where there is no file."""
    text = ""
    try:
        text = read_file(file, MOST_BYTES).decode("utf-8-sig")
        return text, parse_toml(text)
    except FileNotFoundError:
        raise ProjectFileError(str(file), missing) from None
    except OSError as error:
        raise ProjectFileError(str(file), error.strerror or str(error)) from None
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        at = _MESSAGE_LINE.search(told)
        line = int(at[1]) if at is not None and at[1] else len(text.splitlines())
        raise ProjectFileError(str(file), f"it is not TOML: {_MESSAGE_LINE.sub('', told)}", line) from None
    except ValueError as error:
        raise ProjectFileError(str(file), f"it cannot be read: {error}") from None


def check_format(file: Path, text: str, data: Mapping[str, Any], known: int) -> None:
    """Raise ProjectFileError where *data* is of a newer format than the *known* one."""
    version = data.get("version", known)
    if isinstance(version, int) and not isinstance(version, bool) and version > known:
        named = version if version < _MOST_FORMATS else "a number without sense"  # a long one is not even written out
        newer = f"it is of format {named}, and this version reads format {known}: upgrade dynamic-plugins"
        raise ProjectFileError(str(file), newer, line_of(text, ("version",)))


def wrong_shape(file: Path, text: str, error: ValidationError) -> ProjectFileError:
    """Return what is wrong in *file*, by the first of the mistakes that Pydantic found."""
    # A union reports the mistakes of each of its kinds; of these the table is what somebody meant who wrote one.
    found = max(error.errors(), key=lambda each: len(each["loc"]))
    place = tuple(each for each in found["loc"] if each not in _KINDS)
    return ProjectFileError(str(file), f"{place_of(place)}: {mistake_of(found)}", line_of(text, place))


_KINDS = {"str", "_Plugin", "list[str]", "_Actions", "constrained-str", "[key]"}
