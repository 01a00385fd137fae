"""What tells one install of a plugin from another: its version, its commit, and whether its folder is used in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.python_environment import PythonEnvironment

if TYPE_CHECKING:
    from dynamic_plugins.install.installation import Installation


def is_same(one: Installation, other: Installation) -> bool:
    """Return whether both are the same code, as far as it says so itself."""
    return _identity(one) == _identity(other)


def _identity(installation: Installation) -> tuple[str, str | None, bool, str | None]:
    return installation.version, commit(installation), is_editable(installation), installation.digest


def version_of(installation: Installation) -> str:
    """Return its version for a person; from git with the commit, which may change while the version does not."""
    built_from = commit(installation)
    return f"{installation.version} (commit {built_from[:10]})" if built_from else installation.version


def commit(installation: Installation) -> str | None:
    """Return the commit that an install from git was built from (PEP 610); None for any other."""
    if installation.package_type != "git":
        return None
    found: dict[str, str] = {}
    for info in PythonEnvironment(Path(installation.path) / "env").dist_infos():
        try:
            told = json.loads((info / "direct_url.json").read_text(encoding="utf-8"))
            found[str(told["url"])] = str(told["vcs_info"]["commit_id"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not from git
    address = installation.package.removeprefix("git+").partition("#")[0].partition("@")[0]
    return found.get(address) or next(iter(found.values()), None)


def is_editable(installation: Installation) -> bool:
    """Return whether it is a folder that is used where it lies."""
    inside, name = Path(installation.path), Path(installation.package).name
    places = [Path(each) for each in installation.search_path]
    return any(not each.is_relative_to(inside) or (each / name).is_symlink() for each in places)
