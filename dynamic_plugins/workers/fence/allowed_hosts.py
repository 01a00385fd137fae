"""The hosts that a plugin may reach, as rules: which names and ports fit, and what they may lead to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins.core.own_addresses import is_own_machine
from dynamic_plugins.core.permissions import is_disguised

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_PORTS = (443, 80)
_SCHEMES = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# Names that no public name server knows: whoever allows one wants something near.
_NEAR = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".home", ".corp", ".intranet")


ANY_PUBLIC = "*"
"""The host that stands for every name of the public internet."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """One allowed host: ``api.github.com``, ``*.example.org``, an address or :data:`ANY_PUBLIC`, and its ports."""

    name: str
    ports: tuple[int, ...] = _PORTS
    near: bool = False
    """Whether it may stand for an address of this machine or of the local network."""

    def fits(self, host: str) -> bool:
        """Return whether *host* is meant, in lower case and without a dot at its end."""
        if self.name == ANY_PUBLIC:
            return True
        return host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name


class AllowedHosts:
    """All rules of one plugin."""

    def __init__(self, said: Iterable[str], from_person: Collection[str] = (), *, own_network: bool = True) -> None:
        """*said* are hosts, with or without a port, or whole addresses. Raises ValueError for what is neither.

        Those that are also in *from_person* were typed by the person: they may lie in the local network. Of the others
        only those may that say so by their name: else whoever owns a name could have it lead to this machine. Without
        *own_network* none may.
        """
        self.rules = tuple(_rule(each, each in from_person, own_network) for each in said)

    @property
    def ports(self) -> list[int]:
        """All ports of all rules."""
        return sorted({port for rule in self.rules for port in rule.ports})

    @property
    def addresses(self) -> dict[str, str]:
        """The IPv4 addresses that are allowed by themselves, and so by no name."""
        found = {rule.name: rule.name for rule in self.rules if _address(rule.name) is not None}
        if any(rule.name == "localhost" for rule in self.rules):
            found.setdefault("127.0.0.1", "localhost")
        return {address: name for address, name in found.items() if ":" not in address}

    def rule(self, host: str, port: int | None = None) -> HostRule | None:
        """Return the rule that allows *host*, and *port* on it; None where nothing does."""
        host = host.lower().removesuffix(".")
        return next((r for r in self.rules if r.fits(host) and (port is None or port in r.ports)), None)


def may_lead_to(rule: HostRule, address: str) -> bool:
    """Return whether a connection that *rule* allows may go to *address*."""
    found = _address(address)
    if found is None or rule.near:
        return found is not None
    return found.is_global and not found.is_multicast and not is_own_machine(address)


def _rule(said: str, from_person: bool, own_network: bool) -> HostRule:
    parts = urlsplit(said if "://" in said else f"//{said}")
    if not parts.hostname:
        raise ValueError(f"{said[:80]!r} is no host")
    name = parts.hostname.lower().removesuffix(".")
    port = parts.port or _SCHEMES.get(parts.scheme)
    near = from_person or _address(name) is not None or "." not in name or name.endswith(_NEAR)
    near = near and (from_person or not is_disguised(name))
    near = near and own_network and name != ANY_PUBLIC
    return HostRule(name, (port,) if port else _PORTS, near)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
