"""Servers that are files of this machine: ``python server.py``, ``node build/index.js``, as people write them.

Such a server becomes an MCP bundle (:mod:`dynamic_plugins.install.mcpb`), made of the folder of its project: a copy, so
that what was agreed to is what runs. It is read here; nothing of it is run, and nothing is written before it is packed.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.clients.launch_command import AS_BUNDLE, CannotImportError
from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.deep_folders import walk
from dynamic_plugins.core.outside_data import parse_json, parse_python, parse_toml, read_file
from dynamic_plugins.install.layout import slug
from dynamic_plugins.install.manifest import checked_requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dynamic_plugins.registry.entry import Argument, Variable

Program = Literal["python", "node"]
MOST_PACKED, MOST_FILES = 200 * 2**20, 20_000
_OF_PROJECT: dict[Program, tuple[str, ...]] = {
    "python": ("pyproject.toml", "requirements.txt", "setup.py", "plugin.json"),
    "node": ("package.json", "plugin.json"),
}
"""What lies in the folder of a whole project, or of an Agent Plugins bundle."""
_HIGHEST = 4
"""So many folders above the file is looked for that."""
_LEFT_OUT = {"__pycache__", "venv", "env", "dist-info"}
_SCRIPT_TABLE = re.compile(r"(?m)^# /// script\s*$\n(?P<table>(?:^#(?:| .*)$\n)+)^# ///$")
# The same content is to have the same digest, whenever it is packed.
_WHEN = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class LocalServer:
    """A server that *program* starts from *script*, a file in the folder *root*; *files* of it are what it consists of.

    *needs* are packages of PyPI. Paths of files are relative to *root*.
    """

    program: Program
    root: Path
    script: str
    files: tuple[str, ...]
    version: str = "0"
    needs: tuple[str, ...] = ()

    def pack(self, name: str, folder: Path, arguments: Sequence[Argument], variables: Sequence[Variable]) -> Path:
        """Write the bundle of the plugin *name* into *folder* and return it. Raises OSError."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
            told = json.dumps(self._manifest(name, arguments, variables), indent=1, ensure_ascii=False)
            bundle.writestr(zipfile.ZipInfo("manifest.json", _WHEN), told)
            for each in self.files:
                member = zipfile.ZipInfo(each, _WHEN)
                member.compress_type = zipfile.ZIP_DEFLATED
                bundle.writestr(member, (self.root / each).read_bytes())
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"{slug(name)}.mcpb"
        if not target.exists() or target.read_bytes() != packed.getvalue():
            write_atomically(target, packed.getvalue())
        return target

    def _manifest(self, name: str, arguments: Sequence[Argument], variables: Sequence[Variable]) -> dict[str, Any]:
        """Return its ``manifest.json``: what it is told is asked for in ``user_config``, and no value stands in it."""
        words = [each.value if each.value is not None else f"${{user_config.{each.variable}}}" for each in arguments]
        asked: dict[str, dict[str, Any]] = {
            each.variable: _asked(each.variable, each.format, secret=each.secret, required=each.required)
            for each in arguments
            if each.value is None
        }
        env = {}
        for each in variables:
            key = f"env_{each.name}"  # under its own name it would be asked for in capitals
            asked[key] = _asked(each.name, each.format, secret=each.is_secret, required=each.required)
            env[each.name] = f"${{user_config.{key}}}"
        return {
            "manifest_version": "0.3",
            "name": name,
            "version": self.version,
            "description": f"The server {self.script} of {self.root.name}",
            "server": {
                "type": self.program,
                "entry_point": self.script,
                "mcp_config": {"command": self.program, "args": [f"${{__dirname}}/{self.script}", *words], "env": env},
            },
            "user_config": asked,
            "_meta": {"dynamic-plugins": {"dependencies": list(self.needs)}},
        }


def _asked(title: str, form: str, *, secret: bool, required: bool) -> dict[str, Any]:
    kind = "file" if form == "filepath" else "string"
    return {"type": kind, "title": title, "description": title, "sensitive": secret, "required": required}


def read_server(program: Program, script: Path, said: str = "") -> LocalServer:
    """Return the server that *program* starts from the file *script*, which is *said* so in the client's file.

    Raises CannotImportError, with what to do.
    """
    named = f"it runs a file of this machine ({said or script})"
    try:
        script = script.resolve(strict=True)
        if not script.is_file():
            raise CannotImportError(f"it runs {script}, which is no file")
        root, is_project = _root(program, script)
        if program == "node":
            return _of_node(root, script, is_project=is_project)
        return _of_python(root, script, is_project=is_project)
    except FileNotFoundError:
        raise CannotImportError(f"{named}, which is not there") from None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, CannotImportError):
            raise
        raise CannotImportError(f"{named}, which cannot be read: {error}") from None


def _root(program: Program, script: Path) -> tuple[Path, bool]:
    """Return the folder of the project that *script* is of; without one, its own folder, and false."""
    above = [folder for folder in script.parents if folder not in (Path.home(), *Path.home().parents)][:_HIGHEST]
    found = next((each for each in above if any((each / name).is_file() for name in _OF_PROJECT[program])), None)
    return (script.parent, False) if found is None else (found, True)


# ---------------------------------------------------------------- what it consists of


def _files(root: Path, *, with_modules: bool) -> tuple[str, ...]:
    """Return the files of a project: none that is hidden, since keys lie in those, and no links. Raises ValueError."""
    found, size = [], 0
    for place, folders, names in walk(root):
        left = {each for each in folders if each.startswith(".") or each in _LEFT_OUT}
        left |= set() if with_modules else {"node_modules"}
        here = Path(place)
        if links := [each for each in folders if each not in left and (here / each).is_symlink()]:
            linked = (here / links[0]).relative_to(root)
            raise CannotImportError(f"its folder {root} has a link to another folder ({linked}). {AS_BUNDLE}")
        folders[:] = sorted(set(folders) - left)
        for path in (here / name for name in sorted(names) if not name.startswith(".")):
            if path.is_symlink() or not path.is_file():
                continue
            size += path.stat().st_size
            found.append(path.relative_to(root).as_posix())
            if size > MOST_PACKED or len(found) > MOST_FILES:
                most = f"{MOST_PACKED // 2**20} MB or {MOST_FILES:,} files"
                raise CannotImportError(f"its folder {root} has more than {most}. {AS_BUNDLE}")
    return tuple(found)


def _of_node(root: Path, script: Path, *, is_project: bool) -> LocalServer:
    manifest = parse_json(read_file(root / "package.json")) if (root / "package.json").is_file() else {}
    if not isinstance(manifest, dict):
        raise CannotImportError(f"its {root / 'package.json'} is no object")
    if manifest.get("dependencies") and not (root / "node_modules").is_dir():
        raise CannotImportError(f"the packages that it needs are not there: run npm install in {root} first")
    files = _files(root, with_modules=True) if is_project else (script.name,)
    version = manifest.get("version")
    return LocalServer("node", root, script.relative_to(root).as_posix(), files, _version(version))


def _of_python(root: Path, script: Path, *, is_project: bool) -> LocalServer:
    project = _project(root)
    files = _files(root, with_modules=False) if is_project else tuple(_modules_beside(script))
    needs = _needs(root, script, project)
    if needs is None:
        _check_imports(root, script, files)
    version = project.get("version")
    return LocalServer(
        "python", root, script.relative_to(root).as_posix(), files, _version(version), tuple(needs or ())
    )


def _version(said: Any) -> str:
    return said if isinstance(said, str) and re.fullmatch(r"[0-9A-Za-z.+-]{1,60}", said) else "0"


def _project(root: Path) -> Mapping[str, Any]:
    path = root / "pyproject.toml"
    try:
        found = parse_toml(read_file(path)).get("project", {}) if path.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise CannotImportError(f"{path} is not TOML: {error}") from None
    return found if isinstance(found, dict) else {}


def _modules_beside(script: Path) -> Iterator[str]:
    """Yield a script that is of no project, and the modules and packages that lie beside it."""
    for path in sorted(script.parent.glob("*.py")):
        if path.is_file() and not path.is_symlink():
            yield path.name
    for package in sorted(script.parent.glob("*/__init__.py")):
        if not package.parent.is_symlink() and not package.parent.name.startswith("."):
            yield from (f"{package.parent.name}/{each}" for each in _files(package.parent, with_modules=False))


# ---------------------------------------------------------------- what it needs


def _needs(root: Path, script: Path, project: Mapping[str, Any]) -> list[str] | None:
    """Return the packages that it needs, by its own word: that in the script (PEP 723), that of its project, or a
    ``requirements.txt``. None where nothing says so.
    """
    table = _SCRIPT_TABLE.search(read_file(script).decode(errors="replace"))
    if table is not None:
        text = "\n".join(line[2:] for line in table["table"].splitlines())
        return [checked_requirement(str(each)) for each in parse_toml(text).get("dependencies", [])]
    if "dependencies" in project:
        return [checked_requirement(str(each)) for each in project["dependencies"]]
    path = root / "requirements.txt"
    if not path.is_file():
        return None
    lines = [line.partition(" #")[0].strip() for line in read_file(path).decode().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if odd := [line for line in lines if line.startswith(("-", ".", "/")) or "://" in line or "--hash" in line]:
        raise CannotImportError(f"{path} has {odd[0][:80]!r}, and only names of packages are taken of it. {AS_BUNDLE}")
    return [checked_requirement(line) for line in lines]


def _check_imports(root: Path, script: Path, files: Sequence[str]) -> None:
    """Raise CannotImportError where a server, which names no packages, imports what is neither Python's nor its own."""
    if strange := sorted(_imports(root, files) - sys.stdlib_module_names - _own_names(root, script, files)):
        raise CannotImportError(
            f"it imports {', '.join(strange[:3])}, and nothing beside it says of which packages that is. Write them "
            f"into {root / 'requirements.txt'}, a line each, and import it again"
        )


def _own_names(root: Path, script: Path, files: Sequence[str]) -> set[str]:
    """Return the names of the modules and packages that are among *files*, for who starts beside *script*."""
    places = [(root / each) for each in files]
    beside = {path.relative_to(script.parent).parts[0] for path in places if path.is_relative_to(script.parent)}
    return {name.removesuffix(".py") for name in (*beside, *(Path(each).parts[0] for each in files))}


def _imports(root: Path, files: Sequence[str]) -> set[str]:
    """Return the first names of what the modules among *files* import in any case: not within a ``try``."""
    found: set[str] = set()
    for each in (name for name in files if name.endswith(".py")):
        for node in parse_python(read_file(root / each)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found
