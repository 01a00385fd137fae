"""What is saved of one installed plugin: the facts of its install, and what the person wishes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.core.action_choice import ALL, ActionChoice
from dynamic_plugins.core.permissions import NOTHING, Permissions
from dynamic_plugins.core.status import Reachable
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.storage.kept_version import KeptVersion
from dynamic_plugins.workers.components import Offers

if TYPE_CHECKING:
    from collections.abc import Mapping

Rest = Literal["installed", "loaded", "inactive"]
Source = tuple[str, str]
"""What a worker is started from: the folder of the install, and the mark of its configuration."""


@dataclass(frozen=True)
class StoredPlugin:
    """The facts of an install and the person's wish; the passing status is found out from them at each start."""

    installation: Installation
    installed_at: str
    enabled: bool = False
    """Whether it is wished active; it is not while it has failed."""
    rests_as: Rest = "installed"
    """What it is while not enabled."""
    last_activated: str | None = None
    approved: bool = False
    """Whether a person has agreed to this version being started."""
    offers: Offers | None = None
    """What it offered when it was last loaded, and may be used."""
    agreed: Offers | None = None
    """What the person has agreed to that it offers; None before its first start."""
    withheld: Offers | None = None
    """What is new or has changed since, and waits for the person."""
    allowed_calls: Mapping[str, str] = field(default_factory=dict)
    """The digests of the actions that the person has said may always be called, by name."""
    error_details: str | None = None
    """Why it last failed to load; None after it loaded, or was configured or installed anew."""
    told: str = ""
    """A mark that is another after each configuration, so that every process starts its worker anew."""
    leaving: bool = False
    """Whether its removal has begun: it counts as gone, though something of it may be left to remove."""
    allowed: Permissions = NOTHING
    """What the person granted it besides what it declares."""
    denied: Permissions = NOTHING
    """What the person took back; it outlasts an update."""
    choice: ActionChoice = ALL
    """Which of its actions models are offered, and under which names."""
    reachable: Reachable | None = None
    """Of what runs elsewhere: whether it could be reached when it was last spoken to."""
    kept: KeptVersion | None = None
    """The version before an update, which one can go back to."""
    pinned: bool = False
    """Whether the person wants it to stay at this version."""
    within: str = ""
    """The range that a project's file holds its versions to; empty for none."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that hold its versions: of the one in use, and of the one that is kept."""
        kept = () if self.kept is None else (self.kept.installation.path,)
        return (self.installation.path, *kept)

    @property
    def name(self) -> str:
        return self.installation.plugin

    @property
    def source(self) -> Source:
        """What its worker is started from, to be compared with what a running one was."""
        return self.installation.path, self.told

    def to_dict(self) -> dict[str, Any]:
        return {
            "installation": self.installation.to_dict(),
            "installed_at": self.installed_at,
            "enabled": self.enabled,
            "rests_as": self.rests_as,
            "last_activated": self.last_activated,
            "approved": self.approved,
            "offers": _listed(self.offers),
            # Most often they are the same: then they are not written twice.
            "agreed": True if self.agreed is not None and self.agreed == self.offers else _listed(self.agreed),
            "withheld": _listed(self.withheld),
            "allowed_calls": dict(self.allowed_calls),
            "error_details": self.error_details,
            "told": self.told,
            "leaving": self.leaving,
            "allowed": self.allowed.to_dict(),
            "denied": self.denied.to_dict(),
            **({"choice": self.choice.to_dict()} if self.choice != ALL else {}),
            **({"reachable": asdict(self.reachable)} if self.reachable is not None else {}),
            **({"kept": self.kept.to_dict()} if self.kept is not None else {}),
            **({"pinned": True} if self.pinned else {}),
            **({"within": self.within} if self.within else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StoredPlugin:
        granted: dict[str, Any] = {k: Permissions.from_dict(data[k]) for k in ("allowed", "denied") if k in data}
        offers = _offers(data.get("offers"))
        # A file of a version that knew no pins: what was approved and in use has been agreed to.
        agreed = data.get("agreed", data.get("approved", False) or None)
        return cls(
            **{
                **data,
                "installation": Installation.from_dict(data["installation"]),
                "offers": offers,
                "agreed": offers if agreed is True else _offers(agreed),
                "withheld": _offers(data.get("withheld")),
                "choice": ActionChoice.from_dict(data["choice"]) if data.get("choice") else ALL,
                "reachable": Reachable(**data["reachable"]) if data.get("reachable") else None,
                "kept": KeptVersion.from_dict(data["kept"]) if data.get("kept") else None,
                **granted,
            }
        )


def _listed(offers: Offers | None) -> list[dict[str, Any]] | None:
    return None if offers is None else offers.to_list()


def _offers(listed: list[dict[str, Any]] | None) -> Offers | None:
    return None if listed is None else Offers.from_list(listed)
