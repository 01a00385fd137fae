"""The installs that a node of the cluster has: those of a home that it sees, and those that it has made itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import ChangedFilesError, InstallError, PluginTimeoutError
from dynamic_plugins.install.git_checkout import GitAddress
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.registry.entry import Package
from dynamic_plugins.settings import default_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.recipe import Recipe
    from dynamic_plugins.settings import Settings

OWN_FOLDER = "<its own folder>"
"""Stands for where a plugin keeps its own files, which each node has elsewhere."""
TOLD = ("environment", "arguments", "permissions", "own_network", "roots")
"""What tells one plugin's actors apart, of all that an agent orders."""
_UNUSED_SECONDS = 24 * 60 * 60.0
"""What was made of another version and was not opened for so long goes when a new one is made."""


class NodeInstalls:
    """What this node has of one *owner*'s plugins; *data_dir* is where those keep their files that see its home.

    What is made here lies under the node's own home folder (``DYNAMIC_PLUGINS_HOME``, as Ray was started with it), in
    an environment for each, filled from what is locked: the digests are compared, and uv's cache is that of the node.
    """

    def __init__(self, settings: Settings, owner: str, data_dir: str) -> None:
        self._settings = settings
        self._root = settings.home / "fleet" / owner
        self._shared_data = Path(data_dir)

    async def find(self, agreed: Installation) -> Installation | None:
        """Return *agreed* as it lies on this node; None where it does not. Raises ChangedFilesError.

        What was made here and has changed since is taken away: it is made again.
        """
        if await asyncio.to_thread(Path(agreed.path).is_dir):
            if paths := await asyncio.to_thread(_changed, agreed):
                raise ChangedFilesError(agreed.plugin, agreed.version, paths)
            return agreed
        local = await asyncio.to_thread(self._made_before, agreed)
        if local is None or not await asyncio.to_thread(_changed, local):
            return local
        await self.remove(local)
        return None

    async def make(self, agreed: Installation, recipe: Recipe, seconds: float) -> Installation:
        """Make *agreed* here from *recipe*, or take what another actor of this node has made meanwhile.

        Raises InstallError, and PluginTimeoutError after *seconds*.
        """
        installer = self._installer(seconds)
        try:
            async with installer.lock(agreed.plugin, seconds):
                if (found := await self.find(agreed)) is not None:
                    return found
                made = await self._made(installer, agreed, recipe)
        except TimeoutError:
            raise PluginTimeoutError(agreed.plugin, "installing on its node", seconds) from None
        local = _placed(agreed, made)
        await asyncio.to_thread(self._write_down, agreed, local)
        await asyncio.to_thread(self._remove_unused, agreed.plugin)
        return local

    async def _made(self, installer: Installer, agreed: Installation, recipe: Recipe) -> Installation:
        with tempfile.TemporaryDirectory(dir=self._made_folder()) as scratch:
            plan = await asyncio.to_thread(_plan, installer, agreed, recipe, Path(scratch))
            plan = installer.from_lock(plan, recipe.locked, agreed.mark, _commit(agreed))
            async with installer.ready(plan) as ready:
                made = await installer.install(ready)
        same = ("version", "kind", "entry_point")
        if differs := [each for each in same if getattr(made, each) != getattr(agreed, each)]:
            installer.remove(made)
            raise InstallError(agreed.plugin, f"what its node made of it has another {' and '.join(differs)}")
        return made

    def _installer(self, seconds: float) -> Installer:
        from dynamic_plugins.install.installer import Installer

        return Installer(
            self._root / "runtime_plugins",
            python=default_python(),
            allow_builds=self._settings.allow_builds,
            timeout_seconds=seconds,
            environ=self._settings.environment,
            offline=self._settings.offline,
        )

    # ---------------------------------------------------------------- what was made here

    def _made_folder(self) -> Path:
        folder = self._root / "installs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _facts(self, agreed: Installation) -> Path:
        text = json.dumps(agreed.to_dict(), sort_keys=True)
        return self._made_folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.json"

    def _made_before(self, agreed: Installation) -> Installation | None:
        facts = self._facts(agreed)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = Installation.from_dict(json.loads(facts.read_text(encoding="utf-8")))
            os.utime(facts)
            return found if Path(found.path).is_dir() else None
        return None

    def _write_down(self, agreed: Installation, local: Installation) -> None:
        write_atomically(self._facts(agreed), json.dumps(local.to_dict()))

    def _known(self) -> Iterator[tuple[Path, Installation]]:
        for facts in self._made_folder().glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                yield facts, Installation.from_dict(json.loads(facts.read_text(encoding="utf-8")))

    def _remove_unused(self, plugin: str) -> None:
        for facts, local in self._known():
            if local.plugin == plugin and time.time() - facts.stat().st_mtime > _UNUSED_SECONDS:
                self._remove(facts, local)

    def _remove(self, facts: Path, local: Installation) -> None:
        facts.unlink(missing_ok=True)
        remove_folder(Path(local.path))

    async def remove(self, local: Installation) -> None:
        """Remove *local*, where it was made here; nothing happens where it lies in a home that this node sees."""
        for facts, known in await asyncio.to_thread(lambda: list(self._known())):
            if known.path == local.path:
                await asyncio.to_thread(self._remove, facts, known)

    def data_dir(self, local: Installation) -> Path:
        """Return where *local* keeps what it writes: in the home that it lies in, or on this node."""
        is_own = Path(local.path).is_relative_to(self._root)
        return self._root / "plugin_data" if is_own else self._shared_data

    def forget(self, plugin: str, folder: str) -> None:
        """Remove all that is here of *plugin*, whose *folder* is called so."""
        for facts, local in self._known():
            if local.plugin == plugin:
                self._remove(facts, local)
        for place in (self._shared_data, self._root / "plugin_data"):
            remove_folder(place / folder)


def _changed(installation: Installation) -> list[str]:
    from dynamic_plugins.install.integrity import changed_files

    return changed_files(installation)


def _commit(agreed: Installation) -> str | None:
    """Return the commit that *agreed* was built from; None for what is of no repository. Raises InstallError."""
    if agreed.package_type != "git":
        return None
    if (commit := GitAddress.parse(agreed.package).commit) is None:
        raise InstallError(agreed.plugin, "which commit of its repository was agreed to is not known. Update it")
    return commit


def _plan(installer: Installer, agreed: Installation, recipe: Recipe, scratch: Path) -> InstallPlan:
    """Return the plan that *agreed* came from, with the code that *recipe* carries. Raises InstallError."""
    if agreed.package_type != "path":
        # Of a repository the commit is in its address; the version is what the code there says of itself.
        is_git = agreed.package_type == "git"
        version, is_typescript = None if is_git else agreed.version, is_git and agreed.runs_in_node
        exact = Package(agreed.package_type, agreed.package, version, agreed.arguments, typescript=is_typescript)
        return installer.plan(replace(agreed.entry, packages=(exact,), permissions=agreed.permissions))
    from dynamic_plugins.install.copied_source import digest
    from dynamic_plugins.install.recipe import unpack

    try:
        copy = unpack(recipe, scratch)
        is_same = digest(copy) == agreed.digest
    except (OSError, ValueError) as error:
        raise InstallError(agreed.plugin, f"its code did not arrive whole on its node: {error}") from None
    if not is_same:
        raise InstallError(agreed.plugin, "the code that arrived on its node is not what was agreed to")
    plan = installer.plan_path(copy)
    entry = replace(plan.entry, name=agreed.plugin, kind=agreed.kind, command=agreed.server_command)
    told = replace(plan, name=agreed.plugin, kind=agreed.kind, entry=entry)
    return replace(told, copy=str(copy), digest=agreed.digest)


def _placed(agreed: Installation, made: Installation) -> Installation:
    """Return what was *agreed* to as it lies where it was *made*: only where things lie is this node's."""

    def here(text: str | None) -> str | None:
        return text and text.replace(agreed.path, made.path)

    return replace(
        agreed,
        path=made.path,
        python=made.python,
        command=made.command,
        search_path=made.search_path,
        files_digest=made.files_digest,
        arguments=tuple(replace(each, value=here(each.value)) for each in agreed.arguments),
        variables=tuple(replace(each, default=here(each.default)) for each in agreed.variables),
    )
