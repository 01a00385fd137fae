"""Native plugins in git repositories that need nothing from an index: they bring what builds them along."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BACKEND = """
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, version = pathlib.Path("said").read_text().split()
    info = f"{name}-{version}.dist-info"
    files = {each: pathlib.Path(each).read_text() for each in (f"{name}/__init__.py", f"{name}/dynamic-plugins.toml")}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[f"{info}/entry_points.txt"] = f"[dynamic_plugins.plugins]\\n{name} = {name}:plugin\\n"
    files[f"{info}/RECORD"] = "".join(f"{each},,\\n" for each in (*files, f"{info}/RECORD"))
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, wheel), "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return wheel
"""
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@dataclass
class Repositories:
    """Repositories under *root*, which git finds where a registry says that they are on the network."""

    root: Path

    def address(self, name: str) -> str:
        return f"https://example.invalid/x/{name}"

    def redirection(self) -> dict[str, str]:
        """Return what leads git here where it keeps the home that it has."""
        folder = self.root / "own" / "git"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config").write_text(self._config)
        return {"XDG_CONFIG_HOME": str(folder.parent)}

    @property
    def _config(self) -> str:
        return f'[url "file://{self.root}/"]\ninsteadOf = https://example.invalid/x/\n'

    def environment(self) -> dict[str, str]:
        """Return this process's environment, with git's own redirection in the place of a server."""
        home = self.root / "own"
        home.mkdir(parents=True, exist_ok=True)
        (home / ".gitconfig").write_text(self._config)
        return dict(os.environ) | {"HOME": str(home), "UV_CACHE_DIR": str(self.root / "cache")}

    def commit(self, name: str, version: str, *requires: str, said: str = "", tag: str | None = None) -> None:
        """Commit a plugin whose one action ``tell`` says *said*, or its version."""
        code = (
            "from dynamic_plugins.plugin import Plugin, action\n"
            f"@action\ndef tell() -> str:\n    'Tells.'\n    return {said or version!r}\n"
            f"plugin = Plugin({name!r}, actions=[tell])\n"
        )
        files = {"pyproject.toml": _PYPROJECT, "backend.py": _BACKEND, "said": f"{name} {version}"}
        files[f"{name}/dynamic-plugins.toml"] = f"requires = {json.dumps(requires)}\n"
        self.commit_files(name, files | {f"{name}/__init__.py": code}, tag=tag)

    def commit_files(self, name: str, files: dict[str, str], *, tag: str | None = None) -> str:
        """Commit *files* besides what is there, and return the commit."""
        folder = self.root / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        me = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], *([["tag", tag]] if tag else [])):
            _git(folder, *me, *words)
        return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout
