"""An npm package made here of a repository: its source bundled, its ``package.json`` leading to that.

For elizaOS plugins that nobody has published. Nothing of them is run, neither their own build nor a script of theirs.
"""

from __future__ import annotations

import asyncio
import json
import os
import posixpath
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.core.deep_folders import remove_folder, walk
from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install import esbuild
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.install.git_checkout import GitAddress, checkout, commands
from dynamic_plugins.install.javascript_names import JavaScript
from dynamic_plugins.install.npm_lock import ELSEWHERE, is_elsewhere
from dynamic_plugins.install.plan import is_package_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.npm_project import Pins
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs

_OUT = "dist/index.js"
_MOST_MANIFEST = 2**20
_MOST_BYTES = 2**26
_NAMELESS = "plugin"
"""What a package is called that has no name, or none that npm would take."""
# Where a plugin for all languages that elizaOS speaks has its TypeScript.
_FOLDERS = ("", "typescript", "packages/typescript")
_ENTRIES = ("src/index.ts", "src/index.tsx", "index.ts", "src/plugin.ts", "src/index.js", "src/index.mjs")
# What leads to another file than the bundle, or would be run by whoever installs a package.
_DROPPED = ("scripts", "bin", "types", "typings", "module", "browser", "files", "workspaces", "packageManager")
_ASKED = ("devDependencies", "peerDependencies", "dependencies")
# What comes with the core takes the zod that lies beside it, and wants a newer one than many a plugin names exactly.
_SHARED = "zod"
# Under these names an import leads to Node's own module, whatever of npm lies there: some ask for an empty placeholder.
_OF_NODE = """
    assert async_hooks buffer child_process cluster console constants crypto dgram dns domain events fs http http2 https
    inspector module net os path perf_hooks process punycode querystring readline repl stream string_decoder sys timers
    tls tty url util v8 vm worker_threads zlib
""".split()  # noqa: SIM905 - a table of words reads better than forty quoted strings
_EXACT = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class BundledPackage:
    """A package that lies in *folder* and is installed by being put into a ``node_modules``."""

    folder: Path
    name: str
    version: str
    wanted: tuple[tuple[str, str], ...]
    """What it asks for of npm: names of packages, each with a version or range."""

    @classmethod
    def made(cls, folder: Path) -> Self:
        """Return the package in *folder*, which :func:`bundled_package` has made there."""
        manifest = _manifest(folder) or {}
        wanted = {name: told for key in _ASKED for name, told in _table(manifest, key).items()}
        return cls(folder, manifest["name"], manifest["version"], tuple(wanted.items()))

    def needs(self, plugin: str, pinned: Collection[str]) -> Pins:
        """Return what is installed with it, without those *pinned*. Raises InstallError for what is not from npm."""
        needed = tuple((name, wanted) for name, wanted in self.wanted if name not in pinned)
        for name, wanted in needed:
            if is_elsewhere(wanted) or not is_package_name("npm", name):
                raise InstallError(plugin, ELSEWHERE.format(by="its package.json", wanted=f"{name}@{wanted}"))
        return needed

    def place(self, plugin: str, root: Path) -> None:
        """Put it into *root*'s ``node_modules``. Raises InstallError where something of that name is there."""
        target = root / "node_modules" / self.name
        if target.exists():
            raise InstallError(plugin, f"it calls itself {self.name}, as a package that it needs is called")
        shutil.copytree(self.folder, target)


async def bundled_package(plan: InstallPlan, folder: Path, programs: Programs, npm: Npm) -> BundledPackage:
    """Return the package of the commit that *plan* names, made in *folder*, which is there and empty.

    Raises InstallError, and UnavailableHereError for a machine that cannot bundle.
    """
    where, root = GitAddress.parse(plan.package.name), folder / "repository"
    await checkout(plan.name, where.address, where.reference, root, programs.environment)
    program = await esbuild.program(plan.name, npm, programs.tools)
    place, manifest = await asyncio.to_thread(_found, plan.name, root, where.folder)
    entry = await asyncio.to_thread(_entry, plan.name, place, manifest)
    await asyncio.to_thread(_remove_modules, plan.name, place)
    await esbuild.bundle(plan.name, program, root, place, entry, _OUT, programs.environment)
    return await asyncio.to_thread(_packaged, plan.name, place, manifest)


def shown_commands(plan: InstallPlan, folder: str) -> tuple[tuple[str, ...], ...]:
    """Return what :func:`bundled_package` runs, for a person."""
    where, place = GitAddress.parse(plan.package.name), f"{folder}/repository"
    reference = where.reference or plan.version or "HEAD"
    bundling = esbuild.command(
        "<where its source begins>", _OUT, f"{folder}/repository.json", f"esbuild@{esbuild.VERSION}"
    )
    return (*commands(where.address, reference, place), bundling)


def _found(plugin: str, root: Path, folder: str) -> tuple[Path, dict[str, Any]]:
    """Return where in the repository the package lies, and its ``package.json``."""
    for each in (folder,) if folder else _FOLDERS:
        place = Path(os.path.normpath(root / each))
        if not place.is_relative_to(root):
            break
        manifest = _manifest(place)
        if manifest is not None and _begins(place, manifest) is not None:
            return place, manifest
    if folder or _manifest(root) is None:
        raise InstallError(plugin, f"its repository has no package.json{f' in {folder}' if folder else ''}")
    return root, _manifest(root) or {}


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        data = parse_json(read_file(folder / "package.json", _MOST_MANIFEST))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _begins(folder: Path, manifest: dict[str, Any]) -> str | None:
    told = [manifest.get("source"), *_ENTRIES, manifest.get("module"), manifest.get("main")]
    paths = (posixpath.normpath(each) for each in told if isinstance(each, str))
    return next((each for each in paths if not each.startswith(("/", "..")) and (folder / each).is_file()), None)


def _entry(plugin: str, folder: Path, manifest: dict[str, Any]) -> str:
    entry = _begins(folder, manifest)
    if entry is None:
        raise InstallError(plugin, f"its repository has no source that could be bundled: none of {', '.join(_ENTRIES)}")
    return f"./{entry}"


def _remove_modules(plugin: str, folder: Path) -> None:
    """Remove packages that were committed along: all that is not its own comes from npm, where it is compared."""
    for place, folders, _ in walk(folder):
        if "node_modules" in folders:
            modules = Path(place, "node_modules")
            remove_folder(modules)
            if os.path.lexists(modules):  # a link that leads nowhere is there too
                raise InstallError(plugin, "packages that were committed along cannot be taken away")
            folders.remove("node_modules")


def _packaged(plugin: str, folder: Path, manifest: dict[str, Any]) -> BundledPackage:
    """Make a package of *folder*, where the bundle lies by now."""
    size = sum(Path(place, name).stat().st_size for place, _, names in walk(folder) for name in names)
    if size > _MOST_BYTES:
        reason = f"its repository has {size // 2**20} MB, and at most {_MOST_BYTES // 2**20} MB are taken"
        raise InstallError(plugin, reason)
    name = manifest.get("name")
    name = name if isinstance(name, str) and is_package_name("npm", name) else _NAMELESS
    version = manifest.get("version")
    version = version if isinstance(version, str) and version.isprintable() and 0 < len(version) <= 64 else "0.0.0"
    kept = {key: value for key, value in manifest.items() if key not in _DROPPED} | _used(folder, manifest)
    own = {"name": name, "version": version, "type": "module", "main": _OUT, "exports": {".": f"./{_OUT}"}}
    (folder / "package.json").write_text(json.dumps(kept | own, indent=1) + "\n", encoding="utf-8")
    return BundledPackage.made(folder)


def _used(folder: Path, manifest: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what *manifest* asks for that the bundle imports or names, and the core: the rest is for its own build,
    its tests and its types. What it asks for to be developed with counts where it is imported: its own build would have
    put that into its code.
    """
    code = (folder / _OUT).read_text(encoding="utf-8", errors="replace")
    names = JavaScript(code).imports()
    imported = {"/".join(name.split("/")[: 2 if name.startswith("@") else 1]) for name in names}

    def is_used(key: str, name: str) -> bool:
        if name in _OF_NODE:
            return f"{name}/" in names  # which is how the package of npm is meant
        return name == CORE or name in imported or (key != "devDependencies" and _is_named(name, code))

    tables = ((key, _table(manifest, key)) for key in _ASKED)
    return {
        key: {name: _range(name, told) for name, told in table.items() if is_used(key, name)} for key, table in tables
    }


def _range(name: str, told: Any) -> str:
    return f"^{told}" if name == _SHARED and _EXACT.fullmatch(str(told)) else str(told)


def _is_named(package: str, code: str) -> bool:
    """Return whether a text in *code* begins with the name of *package*: a module may be looked for by its name."""
    return re.search(rf"""["'`]{re.escape(package)}["'`/]""", code) is not None


def _table(manifest: dict[str, Any], key: str) -> dict[str, Any]:
    found = manifest.get(key)
    return found if isinstance(found, dict) else {}
