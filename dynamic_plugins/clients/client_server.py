"""One MCP server as a client's file describes it, whatever the client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.clients.placeholders import Value
    from dynamic_plugins.registry.entry import Transport


def server_key(plugin: str) -> str:
    """Return the name of a plugin as one that every client takes: letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plugin.rpartition("/")[2]).strip("-") or "server"


@dataclass(frozen=True)
class ClientServer:
    """A server of a client's file: a command that is started here, or an address.

    *sign_in* has the client's registration for OAuth under the names of our variables (``OAUTH_CLIENT_ID`` …). *only*
    and *hide* are the names of the tools that the client offers, or keeps back. *left_out* names the fields that have
    no counterpart here, and *problem* says why it is no server that could be used elsewhere.
    """

    name: str
    path: tuple[str, ...] = ()
    """Where it stands in the file, its name last."""
    command: Value | None = None
    args: tuple[Value, ...] = ()
    env: Mapping[str, Value] = field(default_factory=dict)
    cwd: Value | None = None
    url: Value | None = None
    transport: Transport = "streamable-http"
    headers: Mapping[str, Value] = field(default_factory=dict)
    sign_in: Mapping[str, Value] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    disabled: bool = False
    left_out: tuple[str, ...] = ()
    problem: str = ""
