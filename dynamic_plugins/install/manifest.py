"""What a plugin's folder, wheel or package says of itself, read without running any of it.

A folder's ``pyproject.toml`` gives its name, version, description and dependencies in ``[project]`` and the plugin
object in the entry point group ``dynamic_plugins.plugins``. What a registry entry would say stands in a table of ours::

    [tool.dynamic-plugins]
    requires = ["other-plugin"]                                   # plugins that must be active before this one
    config = [{name = "KEY", required = true, secret = true}]     # also description, default, choices, format

    [tool.dynamic-plugins.permissions]                            # what it may reach: dynamic_plugins.core.permissions
    network = ["api.github.com:443"]                              # also files, programs

The same keys may stand in a file ``dynamic-plugins.toml`` inside the package, which is where a wheel carries them;
what is required in the plugin's code as well, ``Plugin(…, requires=["other-plugin"])``.
A folder without a ``pyproject.toml`` is a plugin when one of its modules offers a ``plugin``: ``plugin.py``, one called
like the folder, the only one that assigns that name, or the folder itself where it is a package.
"""

from __future__ import annotations

import ast
import re
import tomllib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.core.outside_data import MOST_BYTES, TOO_DEEP, parse_python, parse_toml, read_file
from dynamic_plugins.core.permissions import UNDECLARED, Permissions
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.entry_points import ENTRY_POINT_GROUP
from dynamic_plugins.install.plugin_table import OWN_FILE, checked_name, own_file, own_table
from dynamic_plugins.install.python_environment import parse_entry_points
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dynamic_plugins.registry.entry import Variable

_TELLING = re.compile(r"[^/]+\.dist-info/(METADATA|entry_points\.txt)|([^/]+/)?dynamic-plugins\.toml")
_SHOWN = 300
_UNREADABLE = (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError, ValueError)


@dataclass(frozen=True)
class Manifest:
    """What a folder or wheel says of itself. *entry_point* is None for a wheel that names none."""

    name: str
    version: str
    description: str
    entry_point: str | None
    dependencies: tuple[str, ...] = ()
    config: tuple[Variable, ...] = ()
    requires: tuple[str, ...] = ()
    permissions: Permissions = UNDECLARED
    requires_python: str = ""
    notes: tuple[str, ...] = ()
    """What the person is told of it: what of it is left out."""
    root: str = "."
    """Where the modules lie in a folder: ``.``, ``src``, or ``..`` for a folder that is the package itself."""


# ---------------------------------------------------------------- folders


def read_folder(folder: Path) -> Manifest:
    """Return what *folder* says of itself. Raises InstallError where there is no plugin in it."""
    if not folder.is_dir():
        raise InstallError(folder.name, f"{folder} is not a folder")
    pyproject = folder / "pyproject.toml"
    try:
        data = parse_toml(read_file(pyproject)) if pyproject.exists() else {}
        project = data.get("project", {})
        group: Mapping[str, str] = project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
        name, entry_point = next(iter(group.items()), ("", ""))
        own = own_table(data.get("tool", {}).get("dynamic-plugins", {}))
        name = name or project.get("name") or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("_-.")
        entry_point, root = _placed(folder, entry_point) if entry_point else _found_in(folder, name)
        return Manifest(
            name=checked_name(name),
            version=str(project.get("version") or "0"),
            description=str(project.get("description") or ""),
            entry_point=entry_point,
            dependencies=tuple(checked_requirement(each) for each in project.get("dependencies", ())),
            config=own.config,
            requires=all_requires(own.requires, folder.parent if root == ".." else folder / root, entry_point),
            permissions=own.permissions,
            requires_python=str(project.get("requires-python") or ""),
            root=root,
        )
    except (OSError, *_UNREADABLE) as error:
        raise InstallError(folder.name[:_SHOWN], f"{pyproject} cannot be read: {_short(error)}") from error


def _roots(folder: Path) -> tuple[str, ...]:
    """Return where in *folder* modules may lie; a ``src`` that leads out of it would make its code of anything."""
    return (".", "src") if (folder / "src").resolve().is_relative_to(folder.resolve()) else (".",)


def _placed(folder: Path, entry_point: str) -> tuple[str, str]:
    """Return *entry_point* and where in *folder* its module is. Raises InstallError where it is nowhere."""
    module = entry_point.partition(":")[0].strip()
    for root in _roots(folder):
        if _module(folder / root, module.partition(".")[0]) is not None:
            return entry_point.strip(), root
    raise InstallError(folder.name, f"its entry point names the module {module}, which is not in {folder}")


def _found_in(folder: Path, name: str) -> tuple[str, str]:
    """Return the entry point of the one module that offers the plugin, where the folder does not say which."""
    words = [word.replace("-", "_") for word in (folder.name, name)]
    for candidate in ("plugin", *words, *(word.removesuffix("_plugin") for word in words)):
        for root in _roots(folder):
            if _module(folder / root, candidate) is not None:
                return f"{candidate}:plugin", root
    if (folder / "__init__.py").is_file() and folder.name.isidentifier():
        return f"{folder.name}:plugin", ".."
    offering = [(module, root) for root in _roots(folder) for module in _offering(folder / root)]
    if len(offering) == 1:
        module, root = offering[0]
        return f"{module}:plugin", root
    several = f": several of its modules do ({', '.join(module for module, _ in offering)})" if offering else ""
    raise InstallError(
        folder.name,
        f"{folder} does not say which plugin it offers{several}. It needs an entry point in the group "
        f"{ENTRY_POINT_GROUP!r}, or a module plugin.py or {words[0]}.py",
    )


def _module(folder: Path, name: str) -> Path | None:
    """Return the file of the top-level module *name* in *folder*; for a package its ``__init__.py``, or its folder."""
    package = folder / name
    for path in (folder / f"{name}.py", package / "__init__.py"):
        if path.is_file():
            return path
    return package if any(package.glob("*.py")) else None


def _offering(folder: Path) -> Iterator[str]:
    """Yield the modules in *folder* that assign the name ``plugin``; they are parsed, never run."""
    for path in sorted((*folder.glob("*.py"), *folder.glob("*/__init__.py"))):
        try:
            body = parse_python(read_file(path))
        except (OSError, ValueError):
            continue
        targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
        targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
        if any(isinstance(target, ast.Name) and target.id == "plugin" for target in targets):
            yield path.stem if path.parent == folder else path.parent.name


# ---------------------------------------------------------------- wheels


def read_wheel(path: Path) -> Manifest:
    """Return what a wheel says of itself. Raises InstallError for a file that is none."""
    from packaging.metadata import parse_email
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        if not path.is_file():  # to open a pipe is to wait for it
            raise ValueError("it is not a regular file")
        parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as wheel:
            files = {name: member_of(wheel, name) for name in wheel.namelist() if _TELLING.fullmatch(name)}
        (metadata,) = (parse_email(text)[0] for name, text in files.items() if name.endswith("/METADATA"))
        points = next((text for name, text in files.items() if name.endswith("/entry_points.txt")), b"")
        plugins = parse_entry_points(points.decode(), ENTRY_POINT_GROUP)
        own = own_file(next((text for name, text in files.items() if name.rsplit("/", 1)[-1] == OWN_FILE), b""))
        name, entry_point = next(iter(plugins.items()), (canonical(metadata["name"]), None))
        return Manifest(
            name=checked_name(name),
            version=metadata["version"],
            description=metadata.get("summary", ""),
            entry_point=entry_point,
            config=own.config,
            requires=own.requires,
            permissions=own.permissions,
        )
    except (OSError, zipfile.BadZipFile, InvalidWheelFilename, *_UNREADABLE) as error:
        raise InstallError(path.name, f"{path} is no wheel that can be read: {error}") from error


def member_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file of *archive*; raises ValueError for one that unpacks to more than a description takes."""
    with archive.open(name) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name[:_SHOWN]} in it is larger than {MOST_BYTES:,} bytes")
    return content


def _short(error: Exception) -> str:
    """Return what an error says; one that quotes a stranger's text may quote megabytes."""
    said = str(error)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


# ---------------------------------------------------------------- what it needs


def all_requires(said: tuple[str, ...], folder: Path, entry_point: str | None) -> tuple[str, ...]:
    """Return what a plugin needs: what is *said* in our keys, and what its code in *folder* says.

    Raises ValueError for what can be no plugin's name.
    """
    declared = declared_requires(folder, entry_point)
    return tuple(dict.fromkeys((*said, *(checked_name(each) for each in declared))))


def checked_requirement(text: str) -> str:
    """Return a dependency as it was written; raises ValueError unless it is one (PEP 508)."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"the dependency {text[:_SHOWN]!r} is none: {error}") from error
    except RecursionError:
        raise ValueError(f"the dependency {text[:_SHOWN]!r} is none: {TOO_DEEP}") from None
    return text


def declared_requires(folder: Path, entry_point: str | None) -> tuple[str, ...]:
    """Return the names that the plugin object of *entry_point*, whose module lies in *folder*, is made with.

    Only names that are written out are found: what code works out is known when it runs.
    """
    module, _, attribute = (entry_point or "").partition(":")
    for path in (folder / f"{module.replace('.', '/')}.py", folder / module.replace(".", "/") / "__init__.py"):
        try:
            body = parse_python(read_file(path))
        except (OSError, ValueError):
            continue
        return tuple(each for node in body for each in _written(node, attribute.strip() or "plugin"))
    return ()


def _written(node: ast.stmt, attribute: str) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    if not any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
        return []
    made = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    for keyword in made.keywords if isinstance(made, ast.Call) else ():
        if keyword.arg == "requires" and isinstance(keyword.value, ast.List | ast.Tuple):
            values = [each.value for each in keyword.value.elts if isinstance(each, ast.Constant)]
            return [value for value in values if isinstance(value, str)]
    return []
