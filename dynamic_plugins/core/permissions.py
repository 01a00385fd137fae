"""What a plugin may reach: hosts, files and programs, as it was declared and as the person granted it.

A registry entry says it under ``permissions``, a project under ``[tool.dynamic-plugins.permissions]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class FileAccess:
    """A file or folder outside the plugin's own ones; ``$NAME`` in *path* is a variable that the person sets."""

    path: str
    access: Access = "read"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a plugin may reach besides its own code (read-only) and its own data folder."""

    network: tuple[str, ...] | None = None
    """``None``: any host. Else the hosts, ``api.github.com:443``, ``*.example.org``, ``$BASE_URL``; empty: none."""
    files: tuple[FileAccess, ...] = ()
    programs: tuple[str, ...] = ()
    """Names of other programs that it may start."""
    declared: bool = False
    """Whether anybody declared them; what nobody declared is shown as a warning."""


UNDECLARED = Permissions()
"""What nobody declared: any host, no file, no program."""


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Which of one plugin's permissions are enforced on this machine, and which it is only trusted to keep to."""

    network: bool = False
    files: bool = False
    programs: bool = False
