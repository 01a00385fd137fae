"""The profile that macOS enforces in front of a worker (``sandbox-exec``, "Seatbelt").

The language is Apple's own (TinyScheme with ``allow`` and ``deny``); later rules win over earlier ones. What is not
allowed here is denied: reading a person's files, writing, other programs, the network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SANDBOX_EXEC = "/usr/bin/sandbox-exec"

# What the loader, the C library, Python and Node ask of the system before they run anything of their own.
_ALWAYS = """\
(version 1)
(deny default)
(import "system.sb")
(allow process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow ipc-posix-shm* (ipc-posix-name-prefix "/psm_") (ipc-posix-name-prefix "/mp-"))
(allow file-read-metadata)
(allow file-ioctl (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null") (literal "/dev/zero"))
"""
_READABLE = (
    "/System/Library",
    "/Library/Apple",
    "/Library/Frameworks",
    "/Library/Developer/CommandLineTools/Library",
    "/usr/lib",
    "/usr/share",
    "/usr/local/lib",
    "/opt/homebrew/lib",
    "/opt/homebrew/opt",
    "/opt/homebrew/Cellar",
    "/private/etc/ssl/cert.pem",
    "/private/etc/ssl/certs",
    "/private/etc/ssl/openssl.cnf",
    "/private/etc/hosts",
    "/private/etc/resolv.conf",
    "/private/etc/localtime",
    "/private/etc/services",
    "/private/etc/protocols",
    "/private/var/db/timezone",
    "/private/var/run/resolv.conf",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/fd",
)
# Names are looked up by mDNSResponder, over a socket; certificates are judged by trustd.
_NETWORK = """\
(allow network-outbound (remote ip))
(allow network-inbound (local ip))
(allow network-bind (local ip))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow system-socket)
(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd") (global-name "com.apple.trustd.agent")
  (global-name "com.apple.trustd") (global-name "com.apple.dnssd.service"))
"""


def profile(order: Mapping[str, Any]) -> str:
    """Return the profile for *order*, as ``launcher/confinement.py`` describes one.

    A list of hosts is let through as the whole network: whoever asks is told that it is not enforced here.
    """
    readable = [*_READABLE, *order["read"], *order["given"], *order["execute"], *order["write"]]
    rules = [
        _ALWAYS,
        _rule("file-read*", readable),
        _rule("process-exec*", order["execute"]),
        _rule("file-map-executable", readable),
        _rule("file-write*", order["write"]),
        _kept(order.get("kept", ""), order["write"]),
        # After the rules that allow: a worker must not make a program of another's with its own rights.
        "(deny file-write-setugid)\n",
    ]
    if order["network"] != "none":
        rules.append(_NETWORK)
    if order.get("alone"):
        rules.append("(deny process-fork)\n")
    return "".join(rules)


def wrapped(order: Mapping[str, Any], command: list[str]) -> list[str]:
    """Return *command* as it is started within its profile."""
    return [SANDBOX_EXEC, "-p", profile(order), *command]


def _rule(operation: str, paths: Iterable[str]) -> str:
    """Return a rule that allows *operation* on *paths* and below, without links: Seatbelt sees where they lead."""
    real = dict.fromkeys(os.path.realpath(path) for path in paths)
    return "".join(f"(allow {operation} (subpath {_quoted(path)}))\n" for path in real)


def _kept(folder: str, writable: Iterable[str]) -> str:
    """Return the rules that keep *folder* where it lies in what is *writable*; what is writable in it stays so."""
    if not folder:
        return ""
    above = "".join(f" (literal {_quoted(str(each))})" for each in Path(folder).parents)
    inside = [path for path in map(os.path.realpath, writable) if Path(folder) in Path(path).parents]
    denied = f"(deny file-write* (subpath {_quoted(folder)}))\n(deny file-write-unlink{above})\n"
    return denied + _rule("file-write*", inside)


def _quoted(path: str) -> str:
    if not path.isprintable():
        raise ValueError(f"a path with control characters cannot be fenced: {path!r}")
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
