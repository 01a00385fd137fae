"""Plugins that are named without a registry: a package of npm or PyPI, or the address of a server.

Nobody has looked at such a thing, and nobody vouches for its name. It is called *unlisted* wherever it is shown, and
the person agrees to it by itself.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.registry.entry import Entry, Kind, Package, Remote, canonical
from dynamic_plugins.registry.sources import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Collection

DirectKind = Literal["npm", "pypi", "address", "bare"]

LONGEST = 300
_NPM = re.compile(r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*", re.IGNORECASE)
_PYPI = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"(npm|pypi):\s*", re.IGNORECASE)
_RUNNER = re.compile(r"(?:(npx)(?:\s+-y|\s+--yes)?|(uvx))\s+", re.IGNORECASE)
_VERSION = re.compile(r"(.*[^\s@=])(?:@|==)([^@=/\s]+)")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?://|(?=[/~.\\]))", re.IGNORECASE)
_REPOSITORY = re.compile(r"(?:www\.)?(?:github|gitlab|bitbucket|codeberg)\.(?:com|org)", re.IGNORECASE)
_USER = re.compile(r"([^/]*//)[^/?#]*@")
_ENDS = re.compile(r"/(?:mcp|sse)?/?$")
_PLAIN_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f]*:[0-9a-f:.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Direct:
    """What a name without a registry stands for: a package of one index, a *bare* name of either, or an address."""

    kind: DirectKind
    name: str
    """The package's name, or the whole address."""
    version: str | None = None
    in_full: bool = True
    """Whether it was written so that nothing else can be meant: with its index, or as an address."""

    @property
    def shown(self) -> str:
        """It as a person writes it so that nothing else is meant: ``npm:@playwright/mcp``."""
        return f"{self.kind}:{self.name}" if self.kind in ("npm", "pypi") else self.name


def parse_direct(said: str) -> Direct | None:
    """Return the package or address that *said* may name; None where it can be neither.

    Raises BadArgumentsError for what is plainly meant as one and must not be used: an address with a password in it, or
    without https beyond this machine, a file's, or no package's name behind ``npm:``.
    """
    text = said.strip().strip("\"'`\u201c\u201d\u2018\u2019<> \t\n")
    if not text or len(text) > LONGEST:
        return None
    if (prefix := _PREFIX.match(text)) or (prefix := _RUNNER.match(text)):
        index: DirectKind = "npm" if "np" in prefix[0].lower() else "pypi"
        return _package(text, index, text[prefix.end() :])
    if scheme := _SCHEME.match(text):
        return _address(text, scheme[1].lower())
    if re.search(r"\s", text) or text.startswith(("-", ".", "/", "~")):
        return None
    name, version = _split(text)
    if not (_NPM.fullmatch(name) or _PYPI.fullmatch(name)):
        return None
    # Only npm's names have a scope.
    return Direct("npm" if name.startswith("@") else "bare", name, version, in_full=False)


def _split(text: str) -> tuple[str, str | None]:
    found = _VERSION.fullmatch(text)
    return (found[1].strip(), found[2]) if found else (text, None)


def _package(said: str, index: DirectKind, text: str) -> Direct:
    name, version = _split(text.strip())
    if not (_NPM if index == "npm" else _PYPI).fullmatch(name):
        raise BadArgumentsError(
            said, f"{name!r} cannot be the name of a package on {'npm' if index == 'npm' else 'PyPI'}"
        )
    return Direct(index, canonical(name) if index == "pypi" else name, version)


def _address(said: str, scheme: str) -> Direct | None:
    if scheme == "file":
        raise BadArgumentsError(said, "a file is no server's address. A folder or wheel is installed with --path")
    if scheme not in ("http", "https"):
        return None  # git+https, git+ssh: what the registry's own rules make of it
    if user := _USER.match(said):
        raise BadArgumentsError(
            f"{user[1]}{said[user.end() :]}",
            "the address holds a user or a password, which would be kept in plain text. Leave them out",
        )
    host = _host(said)
    if not host:
        raise BadArgumentsError(said, "that is not the address of a server")
    if scheme == "http" and not is_loopback(host):
        raise BadArgumentsError(
            said, "http is read and changed by whoever is on the way. Only https is used beyond this machine"
        )
    return None if _REPOSITORY.fullmatch(host) else Direct("address", said)


def _host(address: str) -> str:
    """Return the host of a web address that is nothing but plain; empty for any other."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    plain = address.isprintable() and not re.search(r"\s", address) and not parts.fragment and port != 0
    return host if plain and _PLAIN_HOST.fullmatch(host) else ""


def is_loopback(host: str) -> bool:
    """Return whether *host*, of an address, is this machine by its form: nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def unlisted_entry(direct: Direct, taken: Collection[str] = ()) -> Entry:
    """Return the entry of what is named directly, a package of one index or an address.

    It is called like its package, or its server; where a plugin of that name is something else (*taken*), with the
    index before it. Of which kind a package is shows once it lies here.
    """
    if direct.kind == "address":
        return Entry(_server_name(direct.name), "mcp", remote=remote_at(direct.name), source=UNLISTED)
    index: Literal["npm", "pypi"] = "npm" if direct.kind == "npm" else "pypi"
    name = direct.name if direct.name not in taken else f"{index}:{direct.name}"
    return Entry(name, _likely_kind(direct.name), packages=(Package(index, direct.name),), source=UNLISTED)


def remote_at(address: str) -> Remote:
    """Return the server at *address*, of which nothing else is known."""
    return Remote(address, "sse" if urlsplit(address).path.rstrip("/").endswith("/sse") else "streamable-http")


def _server_name(address: str) -> str:
    """Return what the server at *address* is called: its host, with whatever tells it from others there."""
    parts = urlsplit(address)
    path = _ENDS.sub("", parts.path).strip("/")
    words = (parts.hostname or "", str(parts.port or ""), *path.split("/"), parts.query)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(filter(None, words))).strip("-._")[:100]


def _likely_kind(package: str) -> Kind:
    """Return what a package is by its name; elizaOS' plugins need what they do not declare, so it is known before."""
    return "elizaos" if re.match(r"@?elizaos[-_./](?:plugin|client|adapter)\b", package, re.IGNORECASE) else "mcp"
