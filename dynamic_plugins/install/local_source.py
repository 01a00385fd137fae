"""What lies on this machine and can be installed: a wheel, an MCP bundle, a plugin's folder, a folder of skills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.install.manifest import read_folder, read_wheel
from dynamic_plugins.install.mcpb import SUFFIXES, read_bundle
from dynamic_plugins.install.skills import has_skills, read_skills

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.manifest import Manifest


def read_local(path: Path) -> Manifest:
    """Return what the wheel or folder at *path* says of itself. Raises InstallError.

    A folder that is a plugin of Python is that, whatever else lies in it.
    """
    if path.suffix == ".whl" and path.is_file():
        return read_wheel(path)
    if path.suffix in SUFFIXES and path.is_file():
        return read_bundle(path)
    if has_skills(path) and not (path / "pyproject.toml").exists():
        return read_skills(path)
    return read_folder(path)
