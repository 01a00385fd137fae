"""What a plugin may reach: hosts, files and programs, as it was declared and as the person granted it.

A registry entry says it under ``permissions``, a project under ``[tool.dynamic-plugins.permissions]``::

    network  = ["api.github.com:443", "*.example.org", "$BASE_URL"]   # [] none, "any"
    files    = [{ path = "$DIRECTORY", access = "write" }]            # access: "read" or "write", which reads too
    programs = ["git"]

``$NAME`` is a variable that the person sets: its host, its path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Access = Literal["read", "write"]

ANY = "any"
LIMIT = 100
"""How many hosts, files or programs one plugin may name."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\*\.{_LABEL}(?:\.{_LABEL})+|\[[0-9a-f:.]{{2,45}}\])(?::(\d{{1,5}}))?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}")
_PATH = re.compile(rf"(?:{_VARIABLE.pattern}|~|[A-Za-z]:(?=[/\\]))?(?P<rest>(?:[/\\].*)?)", re.DOTALL)
PATH_LENGTH = 1000


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
    """Whether anybody declared which hosts it needs; what nobody declared is shown as a warning."""
    elsewhere: bool = False
    """Whether it runs on another machine: *network* is where we reach it, and it reaches nothing of this one."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing that it may reach."""
        return self.network == () and not self.files and not self.programs

    @property
    def variables(self) -> set[str]:
        """The names of the variables that it depends on."""
        words = (*(self.network or ()), *(file.path for file in self.files))
        return {found[1] for word in words if (found := _VARIABLE.match(word))}

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as it is saved, JSON-able."""
        saved = asdict(self)
        if not self.elsewhere:
            del saved["elsewhere"]
        return saved

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Permissions:
        """Read what :meth:`to_dict` wrote. Raises KeyError or TypeError on anything else."""
        network = None if data["network"] is None else tuple(data["network"])
        files = tuple(FileAccess(**each) for each in data["files"])
        return cls(network, files, tuple(data["programs"]), data["declared"], data.get("elsewhere", False))

    def to_table(self) -> dict[str, Any]:
        """Return it as it is declared: what :func:`parse_permissions` reads; empty where nothing is declared."""
        table: dict[str, Any] = {}
        if self.declared:
            table["network"] = ANY if self.network is None else list(self.network)
        if self.files:
            table["files"] = [{"path": file.path, "access": file.access} for file in self.files]
        if self.programs:
            table["programs"] = list(self.programs)
        return table


NOTHING = Permissions(network=())
"""Nothing besides its own folders."""
UNDECLARED = Permissions()
"""What nobody declared: any host, no file, no program."""


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Which of one plugin's permissions are enforced on this machine, and which it is only trusted to keep to."""

    network: bool = False
    files: bool = False
    programs: bool = False


NOT_ENFORCED = Enforcement()
ENFORCED = Enforcement(network=True, files=True, programs=True)


Enforced = Callable[[str, Permissions], Enforcement]
"""Tells of a plugin, by its name, which of its permissions are enforced here."""


def not_enforced(_plugin: str, _permissions: Permissions) -> Enforcement:
    """Return that nothing is enforced: for a machine, or a plugin, without a fence."""
    return NOT_ENFORCED


def permissions_json(permissions: Permissions, enforced: Enforcement) -> dict[str, Any]:
    """Return *permissions* as programs read them: hosts or ``"any"``, files, programs, and what of it is enforced."""
    return {
        "network": "any" if permissions.network is None else list(permissions.network),
        "files": [{"path": file.path, "access": file.access} for file in permissions.files],
        "programs": list(permissions.programs),
        "declared": permissions.declared,
        "enforced": {name: getattr(enforced, name) for name in ("network", "files", "programs")},
        **({"elsewhere": True} if permissions.elsewhere else {}),
    }


def permissions_from_json(told: Mapping[str, Any]) -> tuple[Permissions, Enforcement]:
    """Return what :func:`permissions_json` was made of."""
    network = None if told["network"] == ANY else told["network"]
    facts = {key: told[key] for key in ("files", "programs", "declared", "elsewhere") if key in told}
    found = Permissions.from_dict({**facts, "network": network})
    return found, Enforcement(**told["enforced"])


# ---------------------------------------------------------------- as it is declared


def parse_permissions(table: Any) -> Permissions:
    """Return what a ``permissions`` table declares.

    Raises ValueError, which says what is wrong and where: ``network[1]: 'https://x.org' is no host: …``.
    """
    if not isinstance(table, Mapping):
        raise ValueError("must be a table of network, files and programs")  # noqa: TRY004 - one error for all mistakes
    if unknown := sorted(map(str, table.keys() - {"network", "files", "programs"})):
        raise ValueError(f"there is no {', '.join(unknown)[:60]!r}: the keys are network, files and programs")
    return Permissions(
        network=_network(table.get("network", ANY)),
        files=_list_of("files", table.get("files", []), _file),
        programs=_list_of("programs", table.get("programs", []), _program),
        declared="network" in table,
    )


def parse_host(said: str) -> str:
    """Return a host as it is compared, in lower case. Raises ValueError for what is none."""
    host = said.strip()
    if _VARIABLE.fullmatch(host):
        return host
    found = _HOST.fullmatch(host.lower())
    if found is None or not 0 < int(found[1] or 1) < 65_536 or is_disguised(host.partition(":")[0]):
        raise ValueError(f"{said[:80]!r} is no host: write api.github.com, api.github.com:443, *.example.org or $NAME")
    return host.lower()


def is_disguised(name: str) -> bool:
    """Return whether a host's *name* is an address in a spelling that nobody reads: ``2130706433``, ``0x7f.1``.

    What ends in a number is no name, and whoever connects to it is led to an address, such as 127.0.0.1.
    """
    if not _NUMBER.fullmatch(name.lower().removesuffix(".").rpartition(".")[2]):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False


def parse_program(said: str) -> str:
    """Return a program's name. Raises ValueError for what is none: a path, an option, a command line."""
    if not _PROGRAM.fullmatch(said):
        raise ValueError(f"{said[:80]!r} is no program's name, such as git")
    return said


def parse_path(said: str) -> str:
    """Return a path that a plugin may be granted: absolute, under ``~`` or under ``$NAME``. Raises ValueError.

    ``$NAME/..`` is the folder that ``$NAME`` lies in; nothing else climbs.
    """
    found = _PATH.fullmatch(said) if 0 < len(said) <= PATH_LENGTH and said.isprintable() else None
    if found is None or (".." in re.split(r"[/\\]", found["rest"]) and not (found[1] and found["rest"] == "/..")):
        raise ValueError(f"{said[:80]!r} is no path: write an absolute one, ~/folder, $NAME or $NAME/folder")
    return said


def named_permissions(
    network: Iterable[str] = (), read: Iterable[str] = (), write: Iterable[str] = (), programs: Iterable[str] = ()
) -> Permissions:
    """Return what a person names to be granted or taken back; ``any`` among the hosts is all of them.

    Raises ValueError for what is no host, path or program.
    """
    hosts = list(network)
    allowed = None if ANY in hosts else tuple(map(parse_host, hosts))
    files = [FileAccess(parse_path(path), "write") for path in write]
    files += [FileAccess(parse_path(path), "read") for path in read]
    return Permissions(allowed, tuple(files), tuple(map(parse_program, programs)), declared=allowed is None)


def _network(value: Any) -> tuple[str, ...] | None:
    return None if value == ANY else _list_of("network", value, _host)


def _list_of(key: str, value: Any, make: Callable[[Any], Any]) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > LIMIT:
        what = '[] for none, or the hosts, or "any"' if key == "network" else f"a list of at most {LIMIT}"
        raise ValueError(f"{key}: must be {what}")
    made = []
    for index, each in enumerate(value):
        try:
            made.append(make(each))
        except ValueError as error:
            raise ValueError(f"{key}[{index}]: {error}") from None
    return tuple(dict.fromkeys(made))


def _host(value: Any) -> str:
    if value == ANY:
        raise ValueError('to reach any host write network = "any", not a list with it')
    return parse_host(_text(value))


def _program(value: Any) -> str:
    return parse_program(_text(value))


def _file(value: Any) -> FileAccess:
    if not isinstance(value, Mapping) or not {"path"} <= value.keys() <= {"path", "access"}:
        raise ValueError('must be {path = "…", access = "read" or "write"}')
    if (access := value.get("access", "read")) not in ("read", "write"):
        raise ValueError(f"access is {str(access)[:40]!r}; it must be 'read' or 'write'")
    return FileAccess(parse_path(_text(value["path"])), access)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - one error for all mistakes
    return value


def check_variables(permissions: Permissions, known: set[str]) -> None:
    """Raise ValueError where *permissions* name a variable that is not *known*: it could never be set."""
    if missing := sorted(permissions.variables - known):
        raise ValueError(f"${missing[0]} is none of its variables")


# ---------------------------------------------------------------- compared and changed


def asks_more(held: Permissions, wanted: Permissions) -> Permissions:
    """Return what of *wanted* is not in *held*; see :attr:`Permissions.is_nothing`."""
    if held.network is None or wanted.network == ():
        network: tuple[str, ...] | None = ()
    elif wanted.network is None:
        network = None
    else:
        has = held.network
        network = tuple(host for host in wanted.network if not any(_host_covers(each, host) for each in has))
    files = tuple(file for file in wanted.files if not any(_file_covers(each, file) for each in held.files))
    programs = tuple(program for program in wanted.programs if program not in held.programs)
    return Permissions(network, files, programs, wanted.declared)


def within(held: Permissions, named: Permissions) -> Permissions:
    """Return what of *named*, hosts and files, *held* takes in."""
    network = tuple(host for host in named.network or () if asks_more(held, Permissions((host,))).is_nothing)
    files = tuple(file for file in named.files if asks_more(held, Permissions((), (file,))).is_nothing)
    return Permissions(network, files)


def both(one: Permissions, other: Permissions) -> Permissions:
    """Return what either of them allows."""
    more = asks_more(one, other)
    network = None if one.network is None or more.network is None else (*one.network, *more.network)
    kept = tuple(file for file in one.files if not any(_file_covers(each, file) for each in more.files))
    return Permissions(
        network,
        (*kept, *more.files),
        (*one.programs, *more.programs),
        one.declared or other.declared,
        one.elsewhere or other.elsewhere,
    )


def without(held: Permissions, denied: Permissions) -> Permissions:
    """Return *held* without what is *denied*, and what lies below that.

    With any host denied, none is left. A file whose ``write`` is denied stays readable; without ``read`` it is gone.
    """
    network = held.network
    if denied.network is None:
        network = ()
    elif network is not None:
        network = tuple(host for host in network if not any(_host_covers(each, host) for each in denied.network))
    files = tuple(left for file in held.files if (left := _file_left(file, denied.files)) is not None)
    programs = tuple(program for program in held.programs if program not in denied.programs)
    return Permissions(network, files, programs, held.declared or denied.network is None, held.elsewhere)


def _file_left(file: FileAccess, denied: tuple[FileAccess, ...]) -> FileAccess | None:
    hit = {each.access for each in denied if _is_under(file.path, each.path)}
    if "read" in hit or ("write" in hit and file.access == "read"):
        return None if "read" in hit else file
    return FileAccess(file.path, "read") if hit else file


def _host_covers(wide: str, narrow: str) -> bool:
    """Return whether *wide*, a host or ``*.domain`` with or without a port, takes in all of *narrow*."""
    if wide.startswith("$") or narrow.startswith("$"):
        return wide == narrow
    (domain, port), (host, wanted) = _split(wide), _split(narrow)
    if port and port != wanted:
        return False
    return domain == host or (domain.startswith("*.") and host.removeprefix("*").endswith(domain[1:]))


def _split(host: str) -> tuple[str, str]:
    """Return a host and its port; an empty text where any port is meant."""
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and not port.endswith("]") else (host, "")


def _file_covers(wide: FileAccess, narrow: FileAccess) -> bool:
    return _is_under(narrow.path, wide.path) and (wide.access == "write" or narrow.access == "read")


def _is_under(path: str, folder: str) -> bool:
    """Return whether *path* is *folder* or lies in it."""
    return path == folder or (path.startswith(folder.rstrip("/\\") + "/") and not path.endswith("/.."))
