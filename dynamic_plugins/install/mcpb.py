"""MCP bundles (``.mcpb``, earlier ``.dxt``): a server with all that it needs in one ZIP archive.

https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md. What a person has to tell it (``user_config``)
becomes its variables: those of its environment, and arguments.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.manifest import Manifest, checked_requirement, member_of
from dynamic_plugins.install.plugin_table import checked_name
from dynamic_plugins.registry.entry import Argument, Format, Variable
from dynamic_plugins.registry.formats.fields import scalar
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUFFIXES = (".mcpb", ".dxt")
HERE = "<its folder>"
"""Stands for the folder that the bundle is unpacked in, until that is known."""
MOST_UNPACKED, MOST_FILES = 2**30, 50_000
_VERSION = 100
_PLACE = re.compile(r"\$\{([^{}]*)\}")
_ASKED = re.compile(r"\$\{user_config\.([A-Za-z0-9_-]+)\}")
_FLAG = re.compile(r"(--?[A-Za-z][\w.-]*)=(.*)", re.DOTALL)
_FORMATS = {"number": "number", "boolean": "boolean", "directory": "filepath", "file": "filepath"}
_TYPES = ("node", "python", "binary")
_UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""What reading an archive raises; a RuntimeError is one that is encrypted, or packed in a way that is not known."""
_PACKED, DEEPEST = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), 50
NODE_OPTION = re.compile(
    r"--(no-warnings|no-deprecation|enable-source-maps|experimental-vm-modules|max-old-space-size=\d{1,6})"
)
"""Options of Node.js that bring no code from elsewhere."""
_OF_CODE = ("PYTHONPATH", "NODE_PATH")
"""Where modules lie is told to the interpreter here, and not by the environment."""
_RUN = (
    "import os,runpy,sys; lib,script=sys.argv[1:3]; sys.argv=[script,*sys.argv[3:]]; "
    "sys.path[:0]=[os.path.dirname(script),*lib.split(os.pathsep)]; runpy.run_path(script,run_name='__main__')"
)


@dataclass(frozen=True)
class ServerManifest(Manifest):
    """What a bundle says of itself: the *program* that starts it, ``node``, ``python`` or a file of its own, the
    *words* after that, and the *arguments* that follow. :data:`HERE` stands for its folder in them.
    """

    program: str = ""
    words: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()


def read_bundle(path: Path) -> ServerManifest:
    """Return what a bundle says of itself. Raises InstallError, and UnavailableHereError for another system's."""
    try:
        with zipfile.ZipFile(path) as bundle:
            told = parse_json(member_of(bundle, "manifest.json"))
            names = set(bundle.namelist())
        return _manifest(_table(told, "the whole"), names)
    except (*_UNREADABLE, KeyError) as error:
        raise InstallError(path.name, f"{path} is no MCP bundle that can be read: {error}") from None


def _manifest(told: dict[str, Any], names: set[str]) -> ServerManifest:
    name, version = told.get("name"), told.get("version")
    if not isinstance(name, str) or not isinstance(version, str) or not 0 < len(version) <= _VERSION:
        raise ValueError("its manifest.json has no name, or no version")
    if not version.isprintable():
        raise ValueError("the version in its manifest.json is none")
    _check_system(checked_name(name), told.get("compatibility"))
    server = _table(told.get("server"), "server")
    kind = server.get("type")
    if kind not in _TYPES:
        raise ValueError(f"its server is of the type {kind!r}, and only {', '.join(_TYPES)} are started here")
    started = _config(server)
    asked = {key: _table(each, key) for key, each in _table(told.get("user_config", {}), "user_config").items()}
    program, words = _start(kind, started, names, server.get("entry_point"))
    needs = _needs(told) if kind == "python" else ()
    arguments, variables = _arguments(words, asked), _variables(started.get("env", {}), asked)
    return ServerManifest(
        name=name,
        version=version,
        description=one_line(str(told.get("description") or "")),
        entry_point=None,
        config=tuple(variables),
        dependencies=needs,
        program=program[0],
        words=program[1:],
        arguments=tuple(arguments),
    )


def _needs(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the packages of PyPI that one needs which does not bring them: those that were made here say so."""
    own = _table(_table(told.get("_meta", {}), "_meta").get("dynamic-plugins", {}), "_meta.dynamic-plugins")
    said = own.get("dependencies", [])
    if not isinstance(said, list):
        raise ValueError("its dependencies are no list")  # noqa: TRY004 - as all other faults in it
    return tuple(checked_requirement(str(each)) for each in said)


def _check_system(name: str, said: Any) -> None:
    platforms = said.get("platforms") if isinstance(said, dict) else None
    if isinstance(platforms, list) and platforms and sys.platform not in platforms:
        raise UnavailableHereError(name, f"it is for {', '.join(map(str, platforms))}, and this is {sys.platform}.")


def _config(server: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``mcp_config``, with what it says of this system in the place of the rest."""
    config = _table(server.get("mcp_config"), "mcp_config")
    overrides = config.get("platform_overrides")
    mine = overrides.get(sys.platform) if isinstance(overrides, dict) else None
    env = {**_table(config.get("env", {}), "env"), **(mine.get("env", {}) if isinstance(mine, dict) else {})}
    return {**config, **(mine if isinstance(mine, dict) else {}), "env": env}


def _start(
    kind: str, config: Mapping[str, Any], names: set[str], entry_point: Any
) -> tuple[tuple[str, ...], list[str]]:
    """Return the program with the words that belong to it, and the words after those."""
    command, words = config.get("command"), config.get("args", [])
    if not isinstance(command, str) or not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise ValueError("its mcp_config has no command, or arguments that are no texts")
    if kind == "binary":
        file = _placed(command)
        if not file.startswith(HERE) or file.removeprefix(f"{HERE}/") not in names:
            raise ValueError(f"its program {command} is not in it")
        return (file,), words
    script = next((index for index, each in enumerate(words) if "${__dirname}" in each), None)
    if script is None or _placed(words[script]).removeprefix(f"{HERE}/") not in names:
        raise ValueError(f"its mcp_config starts nothing that is in it (its entry point: {entry_point})")
    if re.search(r"[^/\\]*$", command)[0].removesuffix(".exe").rstrip("0123456789.") != kind:  # type: ignore[index]
        raise ValueError(f"its server is of the type {kind}, and is started by {command}")
    if script and any(_ASKED.search(each) for each in words[:script]):
        raise ValueError("what it is told stands before its program")
    if kind == "node":
        if strange := [each for each in words[:script] if not NODE_OPTION.fullmatch(each)]:
            raise ValueError(f"its Node.js is started with {strange[0]}, which is not done here")
        return ("node", *map(_placed, words[: script + 1])), words[script + 1 :]
    if script and words[:script] != ["-u"]:
        raise ValueError(f"its Python is started with {' '.join(words[:script])}, which is not done here")
    library = config["env"].get("PYTHONPATH", "${__dirname}/server/lib")
    if not isinstance(library, str) or not all(map(_is_inside, _placed(library).split(os.pathsep))):
        raise ValueError(f"its PYTHONPATH {library} leads out of it")
    return ("python", "-c", _RUN, _placed(library), _placed(words[script])), words[script + 1 :]


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return parts[:1] == (HERE,) and ".." not in parts


def _placed(text: str) -> str:
    """Return *text* with what stands for folders filled in. Raises ValueError for what is not known."""
    home = Path.home()
    known = {
        "__dirname": HERE,
        "HOME": str(home),
        "DESKTOP": str(home / "Desktop"),
        "DOCUMENTS": str(home / "Documents"),
        "DOWNLOADS": str(home / "Downloads"),
        "pathSeparator": os.sep,
        "/": os.sep,
    }
    if unknown := [each for each in _PLACE.findall(text) if each not in known]:
        raise ValueError(f"nothing here stands for ${{{unknown[0]}}}")
    return _PLACE.sub(lambda found: known[found[1]], text)


def _arguments(words: list[str], asked: Mapping[str, dict[str, Any]]) -> Iterator[Argument]:
    for word in words:
        flag = _FLAG.fullmatch(word)
        value = flag[2] if flag and _ASKED.search(flag[2]) else word
        found = _ASKED.fullmatch(value)
        if found is None and _ASKED.search(word):
            raise ValueError(f"what it is told is only a part of its argument {word}")
        if found is None:
            yield Argument("positional", value=_placed(word))
            continue
        if flag:
            yield Argument("positional", value=flag[1])
        one = _variable(found[1], found[1], asked)
        yield Argument(
            "positional",
            hint=one.name,
            description=one.description,
            required=one.required,
            secret=one.secret,
            repeated=asked[found[1]].get("multiple") is True,
            default=one.default,
            format=one.format,
        )


def _variables(env: Mapping[str, Any], asked: Mapping[str, dict[str, Any]]) -> Iterator[Variable]:
    for name, text in env.items():
        if name in _OF_CODE:
            continue
        if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z_]\w*", name) or is_forbidden(name):
            raise ValueError(f"its variable {name} is none that a plugin may be told")
        if found := _ASKED.fullmatch(text):
            yield _variable(name, found[1], asked)
        elif _ASKED.search(text):
            raise ValueError(f"what it is told is only a part of its variable {name}")
        else:
            yield Variable(name, default=_placed(text), secret_declared=True)


def _variable(name: str, key: str, asked: Mapping[str, dict[str, Any]]) -> Variable:
    """Return the variable *name* for what ``user_config`` asks for under *key*."""
    if key not in asked:
        raise ValueError(f"its user_config has no {key}")
    said = asked[key]
    default = said.get("default")
    text = scalar(default)
    return Variable(
        re.sub(r"\W", "_", name).upper() if name == key else name,
        str(said.get("description") or said.get("title") or ""),
        required=said.get("required") is True,
        secret=said.get("sensitive") is True,
        default=_placed(text) if text else None,
        format=cast("Format", _FORMATS.get(str(said.get("type")), "string")),
        secret_declared="sensitive" in said,
    )


def _table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} in its manifest.json is no object")  # noqa: TRY004 - as all other faults in it
    return value


def unpack(path: Path, target: Path) -> None:
    """Unpack a bundle into the folder *target*; its programs stay such. Raises InstallError for what leads elsewhere,
    links, and more than a gigabyte.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            _unpack(bundle, path, target)
    except _UNREADABLE as error:
        raise InstallError(path.name, f"it cannot be unpacked: {error}") from None


def _unpack(bundle: zipfile.ZipFile, path: Path, target: Path) -> None:
    left = MOST_UNPACKED
    members = bundle.infolist()
    if len(members) > MOST_FILES:
        raise InstallError(path.name, f"it has more than {MOST_FILES:,} files")
    if len({member.filename for member in members}) < len(members):
        raise InstallError(path.name, "it has two files of one name")
    for member in members:
        _check_member(path, member)
        place, mode = (target / member.filename), member.external_attr >> 16
        inside = place.resolve().is_relative_to(target.resolve())
        if not inside or stat.S_ISLNK(mode) or "\\" in member.filename:
            raise InstallError(path.name, f"{member.filename!r} in it leads elsewhere")
        if member.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        left = _copied(bundle, member, place, left, path)
        place.chmod(0o755 if mode & 0o111 else 0o644)


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    """Raise InstallError for a file with a name that is none to have, or packed in a way that is not in use."""
    name = member.filename
    if not name.isprintable() or len(PurePosixPath(name).parts) > DEEPEST:
        raise InstallError(path.name, f"{name[:80]!r} in it is no name for a file")
    if member.compress_type not in _PACKED or member.flag_bits & 1:
        raise InstallError(path.name, f"{name!r} in it is encrypted, or packed in a way that is not known here")


def _copied(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path, left: int, path: Path) -> int:
    """Write one file, and return how many bytes more may be written: what an archive says of its size may be wrong."""
    with bundle.open(member) as source, place.open("wb") as file:
        while chunk := source.read(2**16):
            left -= len(chunk)
            if left < 0:
                raise InstallError(path.name, f"it unpacks to more than {MOST_UNPACKED:,} bytes")
            file.write(chunk)
    return left
