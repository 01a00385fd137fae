"""What registries have revoked: plugins, or versions of them, that are not to be installed or activated any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.formats import fields

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 10_000
REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Revocation:
    """One plugin that a registry has revoked, in all its *versions* where those are empty."""

    name: str
    versions: tuple[str, ...] = ()
    reason: str = ""
    since: str = ""
    """When, as the registry says it (ISO 8601)."""
    source: str = ""
    """The registry that says so."""

    def covers(self, name: str, version: str | None) -> bool:
        """Return whether it is of this plugin; a *version* that is not known yet counts only where all are revoked."""
        return self.name == name and (not self.versions or version in self.versions)

    @property
    def sentence(self) -> str:
        """What a person is told: ``revoked by example since 2026-11-01: it sends files away``."""
        since = f" since {self.since}" if self.since else ""
        return f"revoked by {self.source}{since}: {self.reason or 'no reason is given'}"

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "versions": list(self.versions), "reason": self.reason, "since": self.since}


def revocations(value: Any, source: str = "") -> tuple[tuple[Revocation, ...], list[str]]:
    """Return what a list in a registry revokes, and why each of its other items was skipped.

    An item with versions that make no sense revokes them all: it was meant to stop something.
    """
    if value is None:
        return (), []
    if not isinstance(value, list):
        return (), ['"revoked" is no list']
    found = [_revocation(each, source) for each in value[:MOST]]
    skipped = ["a revocation has no name"] * found.count(None)
    return tuple(each for each in found if each is not None), skipped


def covering(found: Iterable[Revocation], name: str, version: str | None) -> Revocation | None:
    """Return the first of *found* that is of this plugin in this version."""
    return next((each for each in found if each.covers(name, version)), None)


def _revocation(value: Any, source: str) -> Revocation | None:
    name = fields.name(value.get("name")) if isinstance(value, dict) else None
    if name is None:
        return None
    listed = value.get("versions")
    versions = tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    return Revocation(
        name,
        versions if isinstance(listed, list) and len(versions) == len(listed) else (),
        fields.text(value.get("reason"), REASON_LENGTH),
        fields.text(value.get("since"), 40),
        source,
    )
