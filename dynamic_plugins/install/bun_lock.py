"""What Bun wrote down of the packages that it installed: its ``bun.lock``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.npm_lock import ELSEWHERE
from dynamic_plugins.install.python_environment import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = "bun.lock"
_MOST_LOCK = 2**26
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]++|\\.)*"|,(?=\s*[}\]])')
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*)?")
_SAME = ("dependencies", "optionalDependencies", "peerDependencies", "bin")
"""What Bun writes down of a package as npm does."""
_SCRIPTS = ("preinstall", "install", "postinstall")


def distributions(plugin: str, folder: Path) -> tuple[Distribution, ...]:
    """Return every package that was installed in *folder*; the digest is the ``integrity`` of its archive.

    Raises InstallError.
    """
    return tuple(
        Distribution(name, version, facts[3] if len(facts) > 3 and isinstance(facts[3], str) else None)
        for place, name, version, facts in _locked(plugin, folder)
        if (folder / place / "package.json").is_file()  # those for other systems are in the list too
    )


def as_npm(plugin: str, folder: Path) -> dict[str, Any]:
    """Return what was installed in *folder* as npm would write it down, by its place: what npm needs to take the same.

    Which of it is optional is not said there, and not here. Raises InstallError.
    """
    found: dict[str, Any] = {}
    for where, name, version, facts in _locked(plugin, folder):
        told = facts[2] if len(facts) > 2 and isinstance(facts[2], dict) else {}
        kept: dict[str, Any] = {key: told[key] for key in _SAME if key in told}
        kept |= {key: [told[key]] if isinstance(told[key], str) else told[key] for key in ("os", "cpu") if key in told}
        if told.get("optionalPeers"):
            kept["peerDependenciesMeta"] = {each: {"optional": True} for each in told["optionalPeers"]}
        integrity = facts[3] if len(facts) > 3 else None
        found[where] = {"name": name, "version": version, "integrity": integrity, **kept}
    return found


def check_sources(plugin: str, folder: Path) -> None:
    """Raise InstallError where a package in *folder* comes from elsewhere than npm's registry: git, an address, a path.

    Nothing of them has been run.
    """
    for _, name, version, facts in _locked(plugin, folder):
        if not _VERSION.fullmatch(version) or len(facts) < 2 or not isinstance(facts[1], str):
            raise InstallError(plugin, ELSEWHERE.format(by="It, or what it needs,", wanted=f"{name}@{version}"))


def scripts_not_run(folder: Path) -> list[str]:
    """Return the packages in *folder* that have install scripts; none where that cannot be read."""
    try:
        places = {place: name for place, name, _, _ in _locked("", folder)}
    except InstallError:
        return []
    return list(dict.fromkeys(name for place, name in places.items() if _has_scripts(folder / place)))


def _has_scripts(folder: Path) -> bool:
    try:
        scripts = parse_json(read_file(folder / "package.json")).get("scripts")
    except (OSError, ValueError, AttributeError):
        return False
    return isinstance(scripts, dict) and any(scripts.get(each) for each in _SCRIPTS)


def _locked(plugin: str, folder: Path) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Yield of each package its place, its name, its version or where it is from, and all that is said of it."""
    try:
        text = read_file(folder / LOCK, _MOST_LOCK).decode()
        # JSON but for commas behind the last of a list.
        packages = parse_json(_STRING_OR_COMMA.sub(lambda found: "" if found[0] == "," else found[0], text))["packages"]
        listed = [(place(key), list(facts), str(facts[0])) for key, facts in packages.items()]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InstallError(plugin, f"Bun left no list of what it installed: {error}") from error
    for where, facts, named in listed:
        name, _, version = named[1:].partition("@")
        yield where, named[:1] + name, version, facts


def place(key: str) -> str:
    """Return where the package of this *key* in the lock lies: ``a/@b/c`` is ``node_modules/a/node_modules/@b/c``."""
    return "/".join(f"node_modules/{name}" for name in re.findall(r"@[^/]+/[^/]+|[^/]+", key))
