"""What an operator's policy can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Revoked = Literal["warn", "stop"]
Unlisted = Literal["allow", "ask", "refuse"]
OwnNetwork = Literal["allow", "refuse"]


@dataclass(frozen=True)
class Rules:
    """What a policy says; None where it says nothing of that. Names and hosts are patterns with ``*``."""

    registries: tuple[str, ...] | None = None
    """Registries whose entries may be installed, by name or address."""
    unlisted: Unlisted | None = None
    """What becomes of plugins that no registry lists: consent given beforehand is for them too, a person agrees to
    each by itself, or none is installed. None is ``ask``, and ``refuse`` where only some registries are allowed."""
    packages: tuple[str, ...] | None = None
    """Where code may come from: ``pypi``, ``npm``, ``git``, ``path``; ``remote`` is what runs elsewhere."""
    remotes: tuple[str, ...] | None = None
    """Addresses of servers elsewhere that may be used; one that names its host in full may lie in the own network."""
    allow: tuple[str, ...] | None = None
    """Names of the only plugins that may be installed and started."""
    deny: tuple[str, ...] = ()
    """Names of plugins that may not, whatever else is allowed."""
    network: tuple[str, ...] | None = None
    """The only hosts that a plugin may be granted."""
    own_network: OwnNetwork | None = None
    """Whether a plugin may reach this machine and its own network, where somebody names a host there or it may reach
    any; ``refuse`` leaves hosts of the public internet, and those that :attr:`remotes` names in full."""
    files: tuple[str, ...] | None = None
    """The only folders outside its own that a plugin may be granted."""
    programs: tuple[str, ...] | None = None
    """The only other programs that a plugin may be granted."""
    doors: tuple[str, ...] | None = None
    """The only doors through which plugins are installed and started."""
    revoked: Revoked | None = None
    """What becomes of a running plugin that is revoked."""
