"""What a gateway tells a tenant's process, and what that says back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

HOST = "tenant"
"""How the gateway names this process in its requests: a name that no browser could be led to it by."""
READY = b"ready\n"


@dataclass(frozen=True)
class TenantOrder:
    """What a tenant's process is told: whose it is, and the descriptor of its listening socket."""

    tenant: str
    descriptor: int
    registries: tuple[str, ...] = ()
    allow_installs: bool = False
    allow_unlisted: bool = False

    def to_json(self) -> str:
        """Return this as the word of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, word: str) -> Self:
        """Return what :meth:`to_json` was made of."""
        told = json.loads(word)
        return cls(**{**told, "registries": tuple(told["registries"])})
