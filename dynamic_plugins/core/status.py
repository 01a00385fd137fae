"""Statuses, the one table of steps between them, and the facts that are shown of a plugin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from dynamic_plugins.core.permissions import NOT_ENFORCED, UNDECLARED, Enforcement, Permissions, permissions_json
from dynamic_plugins.errors import StepError


class Status(StrEnum):
    """Where a plugin stands now. ``loaded``, ``active`` and ``inactive`` plugins have known components."""

    INSTALLED = "installed"
    NEEDS_CONFIGURATION = "needs_configuration"
    LOADED = "loaded"
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"


def status_in_words(status: str) -> str:
    """Return a status as a person reads it: what is not active says that it is off, and needs no table of statuses."""
    words = status.replace("_", " ")
    return f"{words}, off" if status in {Status.INSTALLED, Status.LOADED, Status.INACTIVE} else words


_STEPS: dict[Status, frozenset[Status]] = {
    Status.INSTALLED: frozenset({Status.NEEDS_CONFIGURATION, Status.LOADED, Status.ERROR}),
    Status.NEEDS_CONFIGURATION: frozenset({Status.INSTALLED, Status.ERROR}),
    Status.LOADED: frozenset({Status.ACTIVE, Status.INSTALLED, Status.NEEDS_CONFIGURATION, Status.ERROR}),
    Status.ACTIVE: frozenset({Status.INACTIVE, Status.INSTALLED, Status.NEEDS_CONFIGURATION, Status.ERROR}),
    Status.INACTIVE: frozenset({Status.ACTIVE, Status.INSTALLED, Status.NEEDS_CONFIGURATION, Status.ERROR}),
    Status.ERROR: frozenset({Status.INSTALLED, Status.NEEDS_CONFIGURATION, Status.LOADED}),
}


@dataclass(frozen=True)
class PluginState:
    """A plugin's name, its status, and why (the error's text when the status is ``error``)."""

    name: str
    status: Status
    reason: str | None = None

    def to(self, status: Status, reason: str | None = None) -> Self:
        """Return this state moved to *status*; the same status is no step. Raises :class:`StepError`."""
        if status != self.status and status not in _STEPS[self.status]:
            raise StepError(self.name, self.status, status)
        return replace(self, status=status, reason=reason)


@dataclass(frozen=True)
class Reachable:
    """Whether a server that runs elsewhere could be reached when it was last spoken to, and since when that is so."""

    since: str
    """UTC, ISO 8601."""
    problem: str = ""
    """Why it cannot be reached; empty where it can."""

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict."""
        return {"reachable": not self.problem, "since": self.since, "problem": self.problem or None}


@dataclass(frozen=True)
class RequiredVariable:
    """A variable that the plugin cannot do without, and whether it is set."""

    name: str
    description: str
    sensitive: bool
    is_set: bool


@dataclass(frozen=True)
class DynamicPluginInfo:
    """The facts of an installed plugin; times are UTC, ISO 8601."""

    name: str
    version: str
    kind: str
    status: Status
    path: str
    required_env_vars: tuple[RequiredVariable, ...]
    error_details: str | None
    installed_at: str
    last_activated: str | None
    permissions: Permissions = UNDECLARED
    """What it may reach, with variables in place of the values that the person set."""
    enforced: Enforcement = NOT_ENFORCED
    address: str = ""
    """Where it runs, if that is elsewhere: with variables in place of the values that the person set."""
    reachable: Reachable | None = None
    """Of what runs elsewhere, once it was spoken to."""
    source: str = ""
    """The registry that lists it, or the folder it is from; ``unlisted`` where a person named its package itself."""
    pinned: bool = False
    """Whether the person wants it to stay at this version."""
    version_before: str = ""
    """The version that one can go back to; empty where there is none."""

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict with the same keys."""
        return {
            **{name: getattr(self, name) for name in ("name", "version", "kind", "source")},
            "status": str(self.status),
            "path": self.path,
            "required_env_vars": [
                {"name": v.name, "description": v.description, "sensitive": v.sensitive, "is_set": v.is_set}
                for v in self.required_env_vars
            ],
            "error_details": self.error_details,
            "installed_at": self.installed_at,
            "last_activated": self.last_activated,
            "permissions": permissions_json(self.permissions, self.enforced),
            **({"address": self.address} if self.address else {}),
            **({"server": self.reachable.to_dict()} if self.reachable is not None else {}),
            **({"pinned": True} if self.pinned else {}),
            **({"version_before": self.version_before} if self.version_before else {}),
        }


@dataclass(frozen=True)
class Outcome:
    """What a verb did: the plugin as it is now, and whether anything had to change."""

    info: DynamicPluginInfo
    changed: bool = True
    note: str = ""
    reads_turns: bool = False
    """Whether the plugin is active and is shown each finished turn of a conversation: a person should know."""
    withheld: tuple[str, ...] = ()
    """What it offers, as ``action add``, and may not be used before the person agrees: it is new or has changed."""
    left_out: tuple[str, ...] = ()
    """A sentence for each thing that it offers and that cannot be used, by name; known while its process runs."""
    changes: tuple[str, ...] = ()
    """Of an update: what the new version has that the one before had not, as lines of a difference."""


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
