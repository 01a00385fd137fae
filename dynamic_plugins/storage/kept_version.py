"""The version that was there before an update: its files stay on the disk, so that one can go back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dynamic_plugins.install.installation import Installation
from dynamic_plugins.workers.components import Offers


@dataclass(frozen=True)
class KeptVersion:
    """A version that is installed beside the one in use, and not started. JSON-able through :meth:`to_dict`."""

    installation: Installation
    agreed: Offers | None = None
    """What the person had agreed to that it offers; None where it was never started."""
    left: bool = False
    """Whether the person went back from it: it is the newer one, and ``update --all`` does not bring it again."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "installation": self.installation.to_dict(),
            "agreed": None if self.agreed is None else self.agreed.to_list(),
            "left": self.left,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> KeptVersion:
        """Read what :meth:`to_dict` wrote. Raises KeyError or TypeError on anything else."""
        agreed = data.get("agreed")
        return cls(
            Installation.from_dict(data["installation"]),
            None if agreed is None else Offers.from_list(agreed),
            bool(data.get("left", False)),
        )
