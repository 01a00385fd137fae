"""esbuild makes one JavaScript module of a plugin's TypeScript. It reads that, and runs nothing of it.

It is a single program, which npm's registry has for each system as a package of its own. It is a tool of the install,
in one exact version, kept beside the plugins for the next one.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.command import run, short
from dynamic_plugins.registry.entry import Package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.install.npm import Npm

VERSION = "0.28.2"
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_MOST_FACTS = 2**25
# What a plugin has of npm stays outside, the core above all: it is installed, in versions that are recorded.
_HOW = (
    *("--bundle", "--packages=external", "--platform=node", "--format=esm", "--target=node20", "--jsx=automatic"),
    *("--loader:.md=text", "--loader:.html=text", "--loader:.sql=text"),
    *("--charset=utf8", "--log-level=error", "--color=false"),
)


def package_name(plugin: str) -> str:
    """Return the npm package with the program for this machine. Raises UnavailableHereError where there is none."""
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise UnavailableHereError(plugin, f"esbuild, which bundles it, is not made for {platform.machine()} machines.")
    return f"@esbuild/{system}-{machine}"


async def program(plugin: str, npm: Npm, tools: Path) -> Path:
    """Return the program, kept in *tools* once it was downloaded.

    Raises InstallError, and UnavailableHereError for a machine that there is none for.
    """
    name = package_name(plugin)
    kept = tools / f"esbuild-{VERSION}-{name.rpartition('/')[2]}"
    if await asyncio.to_thread(kept.is_file):
        return kept
    await asyncio.to_thread(tools.mkdir, parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=tools) as folder:
        try:
            archive = await npm.pack(plugin, Path(folder), Package("npm", name), VERSION)
        except InstallError as error:
            raise InstallError(plugin, f"esbuild, which bundles it, cannot be had: {error.reason}") from None
        await asyncio.to_thread(_unpack, plugin, archive, kept)
    return kept


def _unpack(plugin: str, archive: Path, kept: Path) -> None:
    part = archive.with_name("program")
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = (
                tar.extractfile(each) for each in tar if each.name in ("package/bin/esbuild", "package/esbuild.exe")
            )
            content = next(filter(None, members), None)
            if content is None:
                raise InstallError(plugin, f"the package of esbuild {VERSION} has no program in it")
            with part.open("wb") as file:
                shutil.copyfileobj(content, file)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise InstallError(plugin, f"the package of esbuild {VERSION} cannot be read: {error}") from error
    part.chmod(0o700)
    part.replace(kept)


def command(entry: str, out: str, facts: str, program: str = "esbuild") -> tuple[str, ...]:
    """Return what :func:`bundle` runs; the *facts* are what esbuild says of what it has read."""
    return (program, entry, *_HOW, f"--outfile={out}", f"--metafile={facts}")


async def bundle(
    plugin: str, program: Path, root: Path, folder: Path, entry: str, out: str, environ: Mapping[str, str]
) -> None:
    """Make the module *out* of *entry* and all that it imports of its own; both are paths in *folder*, within *root*.

    Raises InstallError where a part is missing or wrong, or lies outside of *root*.
    """
    facts = root.with_suffix(".json")
    done = await run(plugin, command(entry, out, str(facts), str(program)), cwd=folder, environ=environ)
    if done.code != 0:
        raise InstallError(plugin, f"its TypeScript cannot be bundled: {_reason(done.err)}")
    outside = await asyncio.to_thread(_outside, folder, root, facts)
    if outside is None:
        raise InstallError(plugin, "esbuild does not tell what it has bundled")
    if outside:
        raise InstallError(plugin, f"it takes {outside[0]} into its code, which is not in its repository")


def _reason(said: str) -> str:
    """Return esbuild's own reason without the lines of code that it quotes, which may be of any file."""
    lines = (line for line in said.splitlines() if "\u2502" not in line and "\u2575" not in line)
    return short(" ".join(lines).replace("\u2718 [ERROR]", "")) or "esbuild gives no reason"


def _outside(folder: Path, root: Path, facts: Path) -> list[str] | None:
    """Return the files that were read and do not lie in *root*; None where the *facts* do not tell."""
    try:
        read = parse_json(read_file(facts, _MOST_FACTS))["inputs"]
        places = [Path(os.path.realpath(folder / name)) for name in read]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    inside = Path(os.path.realpath(root))
    return [str(each) for each in places if not each.is_relative_to(inside)]
