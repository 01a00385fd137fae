"""The files of a repository at one commit, fetched with git; nothing of them is run."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.command import run, short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A link could lead out of the repository, to a file of this machine: with this it is a text. What the settings of a
# person's own repositories start, hooks and large-file filters, is theirs and not meant for a stranger's.
_SAFELY = ("-c", "core.symlinks=false", "-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
_FOLDER = "subdirectory="
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A package's name of the form ``git+https://host/repo@reference#subdirectory=folder``, in its parts."""

    address: str
    reference: str = ""
    """A commit, branch or tag; empty for the repository's main branch."""
    fragment: str = ""
    """What stands behind the ``#``: the only thing that is known there is where in the repository the package lies."""

    @classmethod
    def parse(cls, name: str) -> Self:
        whole, _, fragment = name.partition("#")
        address, _, reference = whole.removeprefix("git+").partition("@")
        return cls(address, reference, fragment)

    @property
    def folder(self) -> str:
        """Where the package lies in the repository; empty for its root, or where nobody has said it."""
        return self.fragment.removeprefix(_FOLDER) if self.fragment.startswith(_FOLDER) else ""

    @property
    def commit(self) -> str | None:
        """The reference where that is a commit, and can lead to nothing else; None for a branch, a tag or nothing."""
        return self.reference if _COMMIT.fullmatch(self.reference) else None


def commands(address: str, commit: str, folder: str) -> tuple[tuple[str, ...], ...]:
    """Return what :func:`checkout` runs, in *folder*."""
    git = ("git", *_SAFELY, "-C", folder)
    fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", address, commit)
    return (
        ("git", "init", "--quiet", "--template=", "--", folder),
        (*git, *fetch),
        (*git, "checkout", "--quiet", "--detach", commit),
    )


async def checkout(plugin: str, address: str, commit: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Put the files of *commit* into *folder*, which is not there yet, without their history. Raises InstallError."""
    for step in commands(address, commit, str(folder)):
        done = await run(plugin, step, cwd=folder.parent, environ=dict(environ) | _ENVIRONMENT)
        if done.code != 0:
            why = short(done.err) or f"git ended with exit code {done.code}"
            raise InstallError(plugin, f"the commit {commit[:10]} of its repository {address} cannot be had: {why}")
    await asyncio.to_thread(remove_folder, folder / ".git")
