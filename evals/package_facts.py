"""What an installed package tells of itself, and what its index tells of its file."""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install.command import child_environment, run
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.registry.entry import to_dict
from dynamic_plugins.registry.formats.mcp import server_entry
from dynamic_plugins.registry.formats.native import BadEntryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.settings import Settings

_SOURCES = {".py", ".js", ".mjs", ".cjs"}
_READ = re.compile(
    r"process\.env\.([A-Z][A-Z0-9_]{2,60})\b|process\.env\[[\"']([A-Z][A-Z0-9_]{2,60})[\"']\]"
    r"|(?:environ(?:\.get)?|getenv)\s*[\[(]\s*[\"']([A-Z][A-Z0-9_]{2,60})[\"']"
)
_NAMED = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b")
# Every program and its libraries read these, or they are names of errors.
_NOT_ITS_OWN = re.compile(
    r"(ERR|NODE|NPM|UV|PYTHON|DYNAMIC_PLUGINS|XDG|GITHUB_ACTIONS|LC|JEST|VSCODE)_|(NO|FORCE)_COLOR$"
)


def commands_of(installation: Installation) -> tuple[list[str], str]:
    """Return the names of the package's commands, and of the one that is started."""
    if installation.python is None:
        folder = _npm_folder(installation)
        scripts = parse_json(read_file(folder / "package.json")).get("bin", {})
        scripts = {installation.package.rsplit("/", 1)[-1]: scripts} if isinstance(scripts, str) else scripts
        started = {name for name, path in scripts.items() if str(folder / path) in installation.command}
    else:
        environment = PythonEnvironment(Path(installation.path) / "env")
        scripts = environment.entry_points(installation.package, "console_scripts")
        started = {name for name, point in scripts.items() if point == installation.entry_point}
    base = installation.package.rsplit("/", 1)[-1]
    return sorted(scripts), min(started, key=lambda name: (name != base, len(name)), default="")


def _npm_folder(installation: Installation) -> Path:
    return Path(installation.path) / "node_modules" / installation.package


def declared_in(installation: Installation) -> list[dict[str, Any]]:
    """Return the variables that the ``server.json`` in a package declares, as our own format has them."""
    folder = _npm_folder(installation) if installation.python is None else Path(installation.path)
    for path in (folder / "server.json",):
        try:
            return list(to_dict(server_entry(parse_json(read_file(path)), "")).get("config", []))
        except (OSError, ValueError, BadEntryError):
            continue
    return []


def mentioned_in(installation: Installation) -> list[str]:
    """Return the environment variables that the package's own source reads."""
    found: set[str] = set()
    for path in _own_sources(installation):
        text = path.read_text(encoding="utf-8", errors="replace")
        found |= {name for groups in _READ.findall(text) for name in groups if name and not _NOT_ITS_OWN.match(name)}
    return sorted(found)


def _own_sources(installation: Installation) -> Iterator[Path]:
    """Return the source files of the package itself, without what it depends on."""
    folders = [Path(each) for each in installation.search_path]
    if installation.package_type == "npm":
        folders.append(_npm_folder(installation))
    elif module := (installation.entry_point or "").partition(":")[0].partition(".")[0]:
        folders += Path(installation.path).rglob(f"site-packages/{module}")
    for folder in folders:
        for file in folder.rglob("*"):
            if file.suffix in _SOURCES and file.is_file() and "node_modules" not in file.relative_to(folder).parts:
                yield file


def named_as_missing(error: str, mentioned: Iterable[str]) -> list[str]:
    """Return the variables that an error names, in its order; those that the source reads where it names any."""
    named = [name for name in dict.fromkeys(_NAMED.findall(error)) if not _NOT_ITS_OWN.match(name)]
    read = set(mentioned)
    return [name for name in named if name in read] or named


async def package_digest(installation: Installation, settings: Settings) -> str:
    """Return the SHA-256 of the package file that was installed, from its index.

    Nothing for what has a file for each system, and for what is not from an index: one digest would not fit.
    """
    environ = child_environment(settings.environment)
    try:
        if installation.package_type == "npm":
            return await _npm_digest(installation, environ)
        return await _wheel_digest(installation, environ) if installation.package_type == "pypi" else ""
    except (PluginError, ValueError, KeyError, LookupError):
        return ""  # what the index does not tell is left out of the entry


async def _npm_digest(installation: Installation, environ: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        place = ("--ignore-scripts", "--loglevel=error", "--pack-destination", folder)
        words = ("npm", "pack", *place, "--", f"{installation.package}@{installation.version}")
        await run(installation.plugin, words, cwd=Path(folder), environ=environ)
        return await asyncio.to_thread(_digest_of_the_one_in, Path(folder))


def _digest_of_the_one_in(folder: Path) -> str:
    (archive,) = folder.glob("*.tgz")
    return hashlib.sha256(archive.read_bytes()).hexdigest()


async def _wheel_digest(installation: Installation, environ: dict[str, str]) -> str:
    """Return the digest of the one wheel of a version, by uv's lock of it."""
    import uv

    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        await asyncio.to_thread(wanted.write_text, f"{installation.package}=={installation.version}\n")
        # By the plugin's own interpreter, which may be newer than this one and have to be.
        of_it = ("--python", installation.python) if installation.python else ()
        how = ("--no-deps", "--format", "pylock.toml", "--quiet", *of_it)
        words = (uv.find_uv_bin(), "pip", "compile", *how, str(wanted))
        done = await run(installation.plugin, words, cwd=Path(folder), environ=environ)
    wheels = tomllib.loads(done.out)["packages"][0].get("wheels", [])
    universal = [each for each in wheels if each["url"].endswith("-none-any.whl")]
    return str(universal[0]["hashes"]["sha256"]) if len(wheels) == len(universal) == 1 else ""
