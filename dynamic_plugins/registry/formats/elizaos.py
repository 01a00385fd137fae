"""The elizaOS registry in its two shapes: ``index.json`` (name to repository) and ``generated-registry.json``.

Both list TypeScript plugins. Where the same plugin exists as a Python package (the bundled snapshot knows which), its
entry takes package, configuration and keywords from there; every other one has its npm package. ``index.json`` names
none: there a plugin is called like its package, which is how the elizaOS command line reads it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.entry import Entry, Package
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.registry.formats.native import BadEntryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What every one of them says, so that it tells nothing.
_EVERYWHERE = frozenset({"elizaos", "elizaos-plugin", "elizaos-plugins", "eliza", "eliza-os", "plugin", "plugins"})


def index_entries(
    pairs: Mapping[str, Any], source: str, python: Mapping[str, Entry]
) -> tuple[dict[str, Entry], list[str]]:
    """Return the entries of ``index.json``, and why others were skipped. *python* are the entries that can run here.

    A key that is empty is a comment there; it is passed over without a word.
    """
    named = {key: value for key, value in pairs.items() if key.strip()}
    return _entries(named, source, python, _index_entry)


def generated_entries(
    pairs: Mapping[str, Any], source: str, python: Mapping[str, Entry]
) -> tuple[dict[str, Entry], list[str]]:
    """Return the entries of ``generated-registry.json``, and why others were skipped."""
    return _entries(pairs, source, python, _generated_entry)


def _entries(
    pairs: Mapping[str, Any],
    source: str,
    python: Mapping[str, Entry],
    read: Callable[[str, Any, str], Entry],
) -> tuple[dict[str, Entry], list[str]]:
    entries: dict[str, Entry] = {}
    skipped: list[str] = []
    for key, value in pairs.items():
        try:
            entry = _with_python(read(key, value, source), python)
        except BadEntryError as error:
            skipped.append(str(error))
            continue
        entries.setdefault(entry.name, entry)
    return entries, skipped


def _index_entry(key: str, value: Any, source: str) -> Entry:
    known = _name(key)
    where = fields.repository(value)
    if not where and isinstance(value, str) and value.count("/") == 1:
        where = fields.repository(f"github:{value.strip()}")
    if not where:
        raise BadEntryError(f"{known}: its value is not a repository")
    # Under a name without a scope anybody could have published something else.
    package = fields.package("npm", known, None, None) if known.startswith("@") else None
    packages = () if package is None else (package,)
    return Entry(name=known, kind="elizaos", repository=where, packages=packages, source=source)


def _generated_entry(key: str, value: Any, source: str) -> Entry:
    known = _name(key)
    if not isinstance(value, dict):
        raise BadEntryError(f"{known}: its entry is not an object")
    packages = _npm_package(value.get("npm"))
    return Entry(
        name=known,
        kind="elizaos",
        description=fields.text(value.get("description"), fields.DESCRIPTION_LENGTH),
        repository=_repository(value.get("git"), with_branch=not packages),
        keywords=fields.keywords(value.get("topics"), without=_EVERYWHERE),
        packages=packages,
        source=source,
    )


def _repository(git: Any, *, with_branch: bool) -> str:
    """Return where its source lies; *with_branch*, on the branch of the newest line that has one."""
    where = git.get("repo") if isinstance(git, dict) else None
    if not isinstance(where, str):
        return ""
    lines = [git[key] for key in ("v2", "alpha", "v1", "v0") if isinstance(git.get(key), dict)]
    branch = next((each["branch"] for each in lines if isinstance(each.get("branch"), str)), None)
    on_branch = f"github:{where}#{branch}" if with_branch and branch and "#" not in where else ""
    return fields.repository(on_branch) or fields.repository(f"github:{where}")


def _npm_package(npm: Any) -> tuple[Package, ...]:
    """Return the npm package with its newest version; nothing where none was ever published."""
    if not isinstance(npm, dict):
        return ()
    version = next((npm[key] for key in ("v2", "alpha", "v1", "v0") if isinstance(npm.get(key), str)), None)
    package = fields.package("npm", npm.get("repo"), version, None) if version else None
    return () if package is None else (package,)


def _name(key: str) -> str:
    known = fields.name(key)
    if known is None:
        raise BadEntryError("a name is empty, too long or not printable")
    return known


def _with_python(entry: Entry, python: Mapping[str, Entry]) -> Entry:
    ours = python.get(entry.name)
    if ours is None or ours.kind != "elizaos":
        return entry
    return replace(
        ours, description=entry.description or ours.description, repository=entry.repository, source=entry.source
    )
