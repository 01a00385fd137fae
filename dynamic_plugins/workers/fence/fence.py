"""The fence in front of every worker: what a command may reach, turned into what the launcher is told.

``launcher/`` holds what runs before the command; this module and its neighbours run in the host.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.workers.fence import probe, seatbelt, system_paths
from dynamic_plugins.workers.fence.allowed_hosts import ANY_PUBLIC, AllowedHosts
from dynamic_plugins.workers.fence.git_identity import copy_identity
from dynamic_plugins.workers.fence.granted_paths import without_links
from dynamic_plugins.workers.fence.tier import Level, Tier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.settings import Limits, SandboxMode

_PROGRAMS = ".programs"
"""The folder in a plugin's own that links to the programs which it may start."""
_LARGEST_FILE = 4 * 2**20
"""So many bytes a bare program may write into one file."""
_LOADED_FROM = ("/etc/ld.so.cache", "/nix/store")
TEMPORARY = Path("/tmp")  # noqa: S108
"""Where some plugins write whatever their environment says."""
_OURS = str(Path(__file__).parent)
_OFF = "the fence is switched off (DYNAMIC_PLUGINS_SANDBOX=off)"


class FenceError(Exception):
    """What was asked for cannot be enforced on this machine; its text says what and why.

    It is no PluginError: the loader makes a LoadError of it, which names the plugin.
    """


@dataclass(frozen=True, slots=True)
class Code:
    """A plugin's own code: what it may read and run, and not change."""

    folders: tuple[str, ...]
    """The folders of its install, each with all below it."""
    commands: tuple[str, ...] = ()
    """Folders of :attr:`folders` whose programs it finds by name."""


@dataclass(frozen=True, slots=True)
class FencedCommand:
    """How a worker is started: by the launcher, told *order*."""

    command: tuple[str, ...]
    """The worker's own command; its first word is absolute."""
    environment: Mapping[str, str] = field(repr=False)
    order: Mapping[str, Any]
    hosts: AllowedHosts | None = None
    """Whom it may connect to, where that has to be decided for each connection."""
    host_path: str = ""
    """Where programs of this machine are looked for, of which it finds only those that it may start."""

    @property
    def supervisors(self) -> int:
        """How many processes of ours stand between the host and the worker."""
        if not os.path.isdir("/proc/self"):  # noqa: PTH112
            return 0
        return 2 if self.order["tier"] == Level.NAMESPACES else 1


class Fence:
    """Puts the fence in front of commands, as *mode* says and as this machine can, or as if *tier* were all it can."""

    def __init__(self, mode: SandboxMode, limits: Limits, tier: Tier | None = None) -> None:
        self.mode = mode
        self._limits = limits
        self._tier = tier

    @property
    def tier(self) -> Tier:
        """What is enforced here. The first time in a process it is tried out, which takes some 30 ms."""
        return Tier(Level.NONE, _OFF) if self.mode == "off" else self._tier or probe.best_tier()

    def enforcement(self, permissions: Permissions) -> Enforcement:
        """Return which of *permissions* are enforced in front of a worker that is started now."""
        return self.tier.enforcement(permissions)

    def command(
        self,
        command: Sequence[str],
        permissions: Permissions,
        *,
        code: Code,
        folder: Path,
        environment: Mapping[str, str],
        from_person: Collection[str] = (),
        own_network: bool = True,
        private_descriptors: bool = False,
        own_temporary: bool = False,
        bare: bool = False,
        kept: Path | None = None,
    ) -> FencedCommand:
        """Return how *command* is started with no more than *permissions*, which hold no variables any more.

        It may read and run *code*, and write in *folder*, its home. *environment* is what it gets; programs are looked
        for on its ``PATH``. *from_person* are those of the allowed hosts that the person typed: see
        :class:`~dynamic_plugins.workers.fence.allowed_hosts.AllowedHosts`. Without *own_network* any host means any of
        the public internet, on the ports of the web, and no host may lie nearby. With *private_descriptors* it is
        spoken to over descriptors 3 and 4, not over its standard input and output. With *own_temporary* what it writes
        to ``/tmp`` lands in *folder*, as far as the tier can have that. One that is *bare* reads nothing of
        the machine but the libraries that *command* itself needs, writes no large file, and starts neither processes
        nor threads. *kept* is a folder that it does not change even where it may write above that, as far as the tier
        can hold it. Raises FenceError where the mode is ``require`` and not all of it can be enforced; ValueError for a
        host that is none.
        """
        tier = self.tier
        if not own_network and permissions.network is None:
            permissions = replace(permissions, network=(ANY_PUBLIC,))
        self._check(tier, permissions)
        # As whoever looks a program up by its name does; what is not there is told by the launcher.
        first = shutil.which(command[0], path=environment.get("PATH")) or command[0]
        argv = (os.path.abspath(first), *command[1:])  # noqa: PTH100 # links stay: an environment's python is one
        order = self._order(tier, permissions, code, folder, argv[0], environment)
        order["private_descriptors"] = private_descriptors
        order["own_temporary"] = own_temporary and tier.level is Level.NAMESPACES and not _uses_temporary(order)
        order["kept"] = "" if kept is None or not kept.is_dir() else os.path.realpath(kept)
        if bare:
            order |= _bare(order, argv[0], code)
        hosts = AllowedHosts(permissions.network, from_person, own_network=own_network) if permissions.network else None
        if hosts:
            order |= {"ports": hosts.ports, "addresses": hosts.addresses}
        host_path = environment.get("PATH", os.defpath)
        if self.mode != "off":
            environment = _at_home(environment, code, folder, order["named"])
        if tier.level is Level.SEATBELT:
            argv = tuple(seatbelt.wrapped(order, list(argv)))
        return FencedCommand(argv, environment, order, hosts if tier.level is Level.NAMESPACES else None, host_path)

    def _check(self, tier: Tier, permissions: Permissions) -> None:
        """Raise FenceError where the mode is ``require`` and *tier* cannot enforce all of *permissions*."""
        if self.mode == "require" and (lacking := _lacking(tier.enforcement(permissions))):
            raise FenceError(
                f"its permissions ({', '.join(lacking)}) cannot be enforced here, and DYNAMIC_PLUGINS_SANDBOX=require "
                f"starts nothing without: {tier}"
            )

    def _order(
        self,
        tier: Tier,
        permissions: Permissions,
        code: Code,
        folder: Path,
        program: str,
        environment: Mapping[str, str],
    ) -> dict[str, Any]:
        named = system_paths.found_on(environment.get("PATH", os.defpath), permissions.programs)
        parts = [system_paths.parts_of(each) for each in (program, *named.values())]
        given, written = [file.path for file in permissions.files], [str(folder)]
        if tier.level is not Level.NONE:
            given, written = without_links(permissions.files, str(folder))
        certificates = [path for paths in system_paths.certificates_in(environment).values() for path in paths]
        limits = asdict(self._limits)
        return {
            "tier": "none" if tier.level is Level.SEATBELT else tier.level.value,
            "host": os.getpid(),
            "folder": str(folder),
            "limits": {name: limits[name] for name in ("memory_bytes", "cpu_seconds", "open_files", "processes")},
            "read": _unique(
                *system_paths.readable(),
                *certificates,
                *(each for _, read in parts for each in read),
            ),
            "given": _unique(*given),
            "execute": _unique(*code.folders, str(folder), *(each for run, _ in parts for each in run)),
            "write": _unique(*written),
            "network": "any" if permissions.network is None else "hosts" if permissions.network else "none",
            "watch": bool(permissions.files),
            "alone": False,
            "unix_sockets": any(Path(each).is_socket() for each in given),
            "named": named,
        }


def _bare(order: Mapping[str, Any], program: str, code: Code) -> dict[str, Any]:
    """Return what changes in an *order* whose *program* is to see nothing of the machine."""
    _, libraries = system_paths.parts_of(program)
    return {
        "read": _unique(*system_paths.LIBRARIES, *_LOADED_FROM, *libraries, *code.folders),
        "limits": {**order["limits"], "file_bytes": _LARGEST_FILE},
        "alone": True,
    }


def _uses_temporary(order: Mapping[str, Any]) -> bool:
    """Return whether something that *order* lets be used, or that starts it, would be hidden by what stands there."""
    used = [_OURS, sys.base_prefix, order["folder"]]
    used += (path for use in ("read", "given", "execute", "write") for path in order[use])
    real = {os.path.realpath(each) for each in used}
    return any(Path(each).is_relative_to(TEMPORARY) or TEMPORARY.is_relative_to(each) for each in real)


def _lacking(enforced: Enforcement) -> list[str]:
    return [name for name, holds in asdict(enforced).items() if not holds]


def _at_home(environment: Mapping[str, str], code: Code, folder: Path, named: Mapping[str, str]) -> Mapping[str, str]:
    """Return *environment* with *folder* as home, where the person's name for commits is copied to, as git wants it."""
    if (git := named.get("git")) is not None:
        copy_identity(git, environment.get("HOME", ""), folder)
    return dict(environment) | {"HOME": str(folder), "TMPDIR": str(folder), "PATH": _path(code, folder, named)}


def _path(code: Code, folder: Path, named: Mapping[str, str]) -> str:
    """Return the PATH that finds the plugin's own programs and those that it may start, and no others.

    One that finds a program which may not be started would make a difference: many look for one first, and do without.
    """
    links = folder / _PROGRAMS
    if links.is_dir() and not links.is_symlink():
        remove_folder(links)
    else:  # the plugin can put anything there
        links.unlink(missing_ok=True)
    if named:
        links.mkdir(parents=True)
    for name, where in named.items():
        (links / name).symlink_to(where)
    return os.pathsep.join([*code.commands, str(links)])


def _unique(*paths: str) -> list[str]:
    return list(dict.fromkeys(paths))
