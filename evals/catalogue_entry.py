"""An entry of the catalogue before and after it was looked at, and the file that holds them, one to a line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.text.secret_names import looks_secret
from evals.described import plain_description

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

BROKEN = "known not to work here: "
"""How the problem of an entry begins that did not install or start; such a one goes when it does again."""
_ORDER = (
    "name",
    "kind",
    "description",
    "repository",
    "aliases",
    "categories",
    "keywords",
    "popularity",
    "popularity_rank",
    "problem",
    "packages",
    "command",
    "remote",
    "config",
    "permissions",
    "actions",
    "verified",
)


@dataclass
class Seen:
    """What was seen of one entry when it was installed and started here."""

    name: str
    told: dict[str, str] = field(default_factory=dict)
    """What it is told in place of made-up values, by variable."""
    installs: bool = False
    starts: bool = False
    version: str = ""
    package: str = ""
    package_type: str = ""
    """The name and type of the package that was installed, where the entry has several: both indexes may have one of
    its name."""
    sha256: str = ""
    """Of the package file; empty where there is one for each system, or it was not asked for."""
    python: str = ""
    node: str = ""
    commands: list[str] = field(default_factory=list)
    command: str = ""
    actions: dict[str, str] = field(default_factory=dict)
    """Each action with what the server says of it, whole."""
    silenced: list[str] = field(default_factory=list)
    """Actions whose description gives orders and is not repeated."""
    declared: list[dict[str, Any]] = field(default_factory=list)
    """Variables that the package itself declares."""
    missing: list[str] = field(default_factory=list)
    """Variables that it named when it failed without them."""
    mentioned: list[str] = field(default_factory=list)
    """Environment variables that its source reads, for a person to choose from."""
    secrets: list[str] = field(default_factory=list)
    """The keys that it had to be told, made up."""
    proposed: dict[str, Any] | None = None
    """Permissions by what it reached for; None where that shows too little."""
    written: list[str] = field(default_factory=list)
    """Hosts in its source that it did not reach for."""
    tokens: int = 0
    size_bytes: int = 0
    """What the install took on disk."""
    keyless: bool = False
    answered: str = ""
    """The action that answered without a key."""
    seconds: float = 0.0
    problem: str = ""

    @property
    def needs_key(self) -> str:
        """What the table says: which key it asks for, or that it answered without one."""
        if self.secrets:
            return f"yes ({', '.join(self.secrets)})"
        return "no" if self.keyless else "not seen"


def entry_with(entry: Mapping[str, Any], seen: Seen, day: str) -> dict[str, Any]:
    """Return *entry* with what was *seen* of it on *day*; what a person has written there stays."""
    new = {key: value for key, value in entry.items() if key != "told"}
    new["packages"] = [_pinned(package, seen) for package in entry["packages"]]
    if len(seen.commands) > 1:
        new["command"] = seen.command
    if config := _config(entry.get("config", []), seen):
        new["config"] = config
    if "permissions" not in entry and seen.proposed is not None:
        new["permissions"] = seen.proposed
    told = {each["name"]: each.get("description", "") for each in entry.get("actions", ())}
    described = {name: told.get(name) or plain_description(text) for name, text in seen.actions.items()}
    seen.silenced = [name for name, text in seen.actions.items() if text and not described[name]]
    new["actions"] = [{"name": name, **({"description": text} if text else {})} for name, text in described.items()]
    new["verified"] = _verified(seen, day)
    if str(entry.get("problem", "")).startswith(BROKEN):
        del new["problem"]
    return ordered(new)


def broken(entry: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return *entry* as one that does not work here."""
    kept = {key: value for key, value in entry.items() if key not in ("verified", "told")}
    return ordered({**kept, "problem": (BROKEN + seen.problem)[:300]})


def ordered(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return *entry* without what is empty, its fields in the order of the file."""
    rest = [key for key in entry if key not in _ORDER]
    return {key: entry[key] for key in (*_ORDER, *rest) if entry.get(key) not in (None, "", [], {}, 0) or key == "name"}


def _pinned(package: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Return *package* with the version that was installed and the digest of its file."""
    if (package["type"], package["name"]) != (seen.package_type, seen.package) or package["type"] == "path":
        return dict(package)
    head = {key: package[key] for key in ("type", "name")} | {"version": seen.version}
    known = package.get("sha256") if package.get("version") == seen.version else None
    rest = {key: value for key, value in package.items() if key not in {*head, "sha256"}}
    return head | ({"sha256": seen.sha256 or known} if seen.sha256 or known else {}) | rest


def _config(config: Iterable[Mapping[str, Any]], seen: Seen) -> list[dict[str, Any]]:
    """Return the variables of an entry with those that were found, which a person has to describe."""
    found = {each["name"]: dict(each) for each in config}
    for each in seen.declared:
        found.setdefault(each["name"], each)
    for name in seen.missing:
        one = found.setdefault(name, {"name": name, **({"secret": True} if looks_secret(name) else {})})
        one["required"] = True
    return list(found.values())


def _verified(seen: Seen, day: str) -> dict[str, Any]:
    """Return the facts of what was seen, without those that are none."""
    facts = {
        "date": day,
        "version": seen.version,
        "actions": len(seen.actions),
        "tokens": seen.tokens,
        "keyless": seen.keyless,
        "python": seen.python,
        "node": seen.node,
        "size_bytes": seen.size_bytes,
    }
    return {key: value for key, value in facts.items() if value}


def read_candidates(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a registry file, or of one with an entry on each line; lines that begin with # are none."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return list(json.loads(text)["plugins"])
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [json.loads(line) for line in lines]


def write_entries(entries: Iterable[Mapping[str, Any]], day: str, path: Path = SNAPSHOT) -> None:
    """Put *entries* into the registry file *path*: in the place of those of their names, the others at the end."""
    registry = json.loads(path.read_text(encoding="utf-8"))
    known = {each["name"]: each for each in registry["plugins"]}
    known |= {each["name"]: dict(each) for each in entries}
    lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in known.values())
    head = f'{{\n "schema": {registry["schema"]},\n "updated": "{day}",\n "plugins": [\n'
    path.write_text(f"{head}{lines}\n ]\n}}\n", encoding="utf-8")
