"""The address of a remote server and its headers: templates, checked before anything is kept and filled at each start.

``{NAME}`` stands for the value of a configuration variable: in the host, in the path or the query, in a header, or for
all of the address up to its path. No error here quotes a value: it may be secret.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from dynamic_plugins.core.permissions import Permissions, is_disguised, parse_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.registry.entry import Entry, Remote

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE = re.compile(rf"{_PLACE.pattern}(?P<rest>(?:[/?].*)?)", re.DOTALL)
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<rest>(?:[/?][^#\s]*)?)")
_HOST_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")
_PORTS = {"https": 443, "http": 80}
# What the protocol and the connection set themselves, and what would speak to somebody in between.
_NOT_OURS = re.compile(
    r"host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|accept|accept-encoding|cookie|origin"
    r"|referer|expect|forwarded|proxy-.*|x-forwarded-.*|mcp-.*|last-event-id",
    re.IGNORECASE,
)
# Names that no public name server knows.
_NEAR = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".home", ".corp", ".intranet")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
# Never of the public internet, though Python has some of them as such: translation within a network (RFC 8215), IPv4
# in the old form, examples (RFC 9637), segment routing (RFC 9602).
_NOT_PUBLIC = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "::/96", "3fff::/20", "5f00::/16")))
_LONGEST_HEADER = 16 * 1024


class RemoteAddressError(ValueError):
    """An address or a header cannot be used as it is told; the text says why.

    It is no PluginError: its callers make one of it, which names the plugin.
    """


def check(remote: Remote) -> None:
    """Raise RemoteAddressError for a template that could be filled with nothing, or with too much."""
    permissions_of(remote)
    if _WHOLE.fullmatch(remote.url) is None:
        found = _ADDRESS.fullmatch(remote.url)
        assert found is not None  # noqa: S101 # permissions_of has looked
        if not _PLACE.match(found["host"]):  # whose value may be this machine
            _check_scheme(found["scheme"], host_and_port(_PLACE.sub("1", remote.url))[0])
    for header in remote.headers:
        if _NOT_OURS.fullmatch(header.name):
            raise RemoteAddressError(f"the header {header.name} is set by the connection, not by an entry")


def permissions_of(remote: Remote) -> Permissions:
    """Return what our side may reach for *remote*: its host alone. Raises RemoteAddressError for an address that is
    none.
    """
    if (whole := _WHOLE.fullmatch(remote.url)) is not None:
        host = f"${whole[1]}"
    elif (found := _ADDRESS.fullmatch(remote.url)) is None:
        raise RemoteAddressError(f"{remote.url[:80]!r} is no http address")
    else:
        host = _host_word(found["host"], _PORTS[found["scheme"]])
    try:
        return Permissions((parse_host(host),), declared=True, elsewhere=True)
    except ValueError:
        raise RemoteAddressError(f"{remote.url[:80]!r} names no host that could be agreed to") from None


def _host_word(host: str, port: int) -> str:
    """Return *host* as a permission: the part behind a variable as ``*.example.org``, a lone variable as ``$NAME``."""
    if (lone := _PLACE.fullmatch(host)) is not None:
        return f"${lone[1]}"
    name, colon, said_port = host.rpartition(":")
    if not colon or said_port.endswith("]"):
        name, said_port = host, str(port)
    if _PLACE.search(name):
        name = "*" + name[name.rindex("}") + 1 :]
    return name if _PLACE.search(said_port) else f"{name}:{said_port}"


def variables_of(remote: Remote) -> set[str]:
    """Return the names of the variables that *remote* is filled with."""
    texts = (remote.url, *(header.template for header in remote.headers))
    return {found[1] for text in texts for found in _PLACE.finditer(text)}


def filled(remote: Remote, values: Mapping[str, str]) -> str:
    """Return the address to connect to. Raises RemoteAddressError where it would not be one, or not be safe."""
    if (whole := _WHOLE.fullmatch(remote.url)) is not None:
        address = _value(whole[1], values).strip().rstrip("/") + _PLACE.sub(
            lambda found: quote(_value(found[1], values), safe=""), whole["rest"]
        )
    else:
        parts = _ADDRESS.fullmatch(remote.url)
        if parts is None:
            raise RemoteAddressError(f"{remote.url[:80]!r} is no http address")
        host = _PLACE.sub(lambda found: _of_host(found[1], values), parts["host"])
        rest = _PLACE.sub(lambda found: quote(_value(found[1], values), safe=""), parts["rest"])
        address = f"{parts['scheme']}://{host}{rest}"
    found = _ADDRESS.fullmatch(address)
    if found is None or not address.isascii():
        raise RemoteAddressError("what it was told makes no http address")
    host, _ = host_and_port(address)
    _check_scheme(found["scheme"], host)
    return address


def headers_of(remote: Remote, values: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by name; one whose variable has no value is left out. Raises RemoteAddressError."""
    headers: dict[str, str] = {}
    for header in remote.headers:
        if header.variable and not values.get(header.variable):
            continue
        value = _PLACE.sub(lambda found: values.get(found[1], "").strip(), header.template)
        if len(value) > _LONGEST_HEADER or not value.isascii() or not value.isprintable():
            raise RemoteAddressError(f"the value of {header.variable or header.name} cannot stand in a header")
        headers[header.name] = value
    return headers


def host_and_port(address: str) -> tuple[str, int]:
    """Return whom an http address leads to. Raises RemoteAddressError."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise RemoteAddressError("what it was told makes no http address") from None
    if not host or not port:
        raise RemoteAddressError("what it was told makes no http address")
    return host.lower().removesuffix("."), port


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine, by its name or address alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Return whether *host*, with or without a port, says by itself that it is no host of the public internet."""
    alone = host.count(":") > 1 and not host.startswith("[")  # an address of version 6 without a port
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not alone else host
    try:
        return not is_public(name.strip("[]"))
    except ValueError:
        return not name.startswith("$") and ("." not in name or name.endswith(_NEAR) or is_disguised(name))


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet. Raises ValueError for what is no address."""
    found = ipaddress.ip_address(address)
    # An IPv4 address may stand in one of version 6: the connection goes to that.
    if any(found in network for network in _NOT_PUBLIC):
        return False
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if found in _TRANSLATED:
        inner = ipaddress.IPv4Address(found.packed[-4:])
    return all(each.is_global and not each.is_multicast for each in (found, inner) if each is not None)


def digest(remote: Remote) -> str:
    """Return what two remotes share exactly when they are reached in the same way."""
    return hashlib.sha256(json.dumps(asdict(remote), sort_keys=True).encode()).hexdigest()


def is_other_place(one: Remote | None, other: Remote | None) -> bool:
    """Return whether what was told to *one* would go to another host with *other*; None runs on this machine."""
    if one is None or other is None:
        return one is not other
    return permissions_of(one).network != permissions_of(other).network


def facts(remote: Remote, entry: Entry) -> tuple[tuple[str, str], ...]:
    """Return what a person is told of a remote server before they agree: the address, and what goes there."""
    speaks = {"streamable-http": "streamable HTTP", "sse": "HTTP with server-sent events (the older transport)"}
    told = [("address", remote.url), ("speaks", speaks[remote.transport])]
    told.append(("sends", "whatever its actions are called with, and what it is told; nothing is installed here"))
    signs_in = {
        "none": "with nothing, as far as its entry says; where it asks you to, you sign in at its own page (OAuth)",
        "headers": "with the headers below",
        "oauth": "at its own page (OAuth)",
    }
    told.append(("signs in", signs_in[remote.auth]))
    secret = {variable.name for variable in entry.variables if variable.is_secret}
    for header in remote.headers:
        kind = "the secret " if header.variable in secret else ""
        value = f"from {kind}{header.variable}" if header.variable else header.template
        told.append(("header", f"{header.name}: {value}"))
    return tuple(told)


def _check_scheme(scheme: str, host: str) -> None:
    if scheme != "https" and not is_loopback(host):
        raise RemoteAddressError("its address is not https, and only a server on this machine may be spoken to without")


def _value(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    if not value.strip() or not value.isprintable():
        raise RemoteAddressError(f"its address needs {name}, whose value cannot stand in one")
    return value.strip()


def _of_host(name: str, values: Mapping[str, str]) -> str:
    value = _value(name, values)
    if not _HOST_VALUE.fullmatch(value):
        raise RemoteAddressError(f"the value of {name} is no part of a host's name")
    return value
