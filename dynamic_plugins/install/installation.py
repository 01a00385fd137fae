"""The facts of one install: what lies where, how it is started, and what tells it from another of the same plugin."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.core.permissions import UNDECLARED, Permissions
from dynamic_plugins.install.git_checkout import GitAddress
from dynamic_plugins.install.python_environment import Distribution, PythonEnvironment
from dynamic_plugins.registry.entry import Argument, Entry, Header, Package, Remote, Variable

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Kind, PackageType


@dataclass(frozen=True, slots=True)
class Installation:
    """What was installed for one plugin. JSON-able through :meth:`to_dict`; all paths are absolute."""

    plugin: str
    kind: Kind
    version: str
    path: str
    """The folder that holds all of it; removing it removes the install."""
    package_type: PackageType
    package: str
    source: str
    """The registry the entry came from, or the folder it was installed from."""
    python: str | None = None
    """The interpreter of the plugin's environment; None for npm packages."""
    command: tuple[str, ...] = ()
    """How an MCP server is started, without its arguments; of an elizaOS plugin in TypeScript, Node.js; else empty."""
    entry_point: str | None = None
    """``module:attribute`` of a console script (mcp) or of the plugin object; ``module`` where that is all. Of an
    elizaOS plugin that was bundled from its repository, the name of the npm package that was made of it.
    """
    search_path: tuple[str, ...] = ()
    """Folders put before the environment's own packages (plugins from a folder)."""
    arguments: tuple[Argument, ...] = ()
    variables: tuple[Variable, ...] = ()
    requires: tuple[str, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    digest: str | None = None
    """Of the wheel, or of all that was copied of the folder, that it was made from; None where that is elsewhere."""
    files_digest: str | None = None
    """Of all files as they were installed (:mod:`dynamic_plugins.install.integrity`); None in older homes."""
    permissions: Permissions = UNDECLARED
    """What it declared when the person agreed to it; never read from the plugin again."""
    remote: Remote | None = None
    """How a server that runs elsewhere is reached, as the person agreed to it; None for what runs here."""
    own_arguments: bool = False
    """Whether the person gave its arguments, as with another client's file, and no registry did: updates keep them."""
    server_command: str = ""
    """Which of the package's commands is the server, where somebody said so."""
    mark: str = ""
    """What stands for all that was locked of it, where it was installed from a lock; empty otherwise."""

    @property
    def runs_in_node(self) -> bool:
        """Whether it is an elizaOS plugin in TypeScript, which our own program in Node.js runs."""
        return self.kind == "elizaos" and (self.package_type == "npm" or self._is_bundled)

    @property
    def npm_package(self) -> str:
        """The name by which Node.js imports a plugin that it runs."""
        return self.entry_point or self.package if self._is_bundled else self.package

    @property
    def _is_bundled(self) -> bool:
        """Whether its package was made here, of what lies in its repository: nothing of it is Python."""
        return self.package_type == "git" and self.python is None

    @property
    def entry(self) -> Entry:
        """What a registry would say of it: its name, its kind, and the package that it is of."""
        kept = self.arguments if self.own_arguments else ()
        is_package = self.package_type in ("pypi", "npm") or self.own_arguments
        packages = (Package(self.package_type, self.package, arguments=kept),) if is_package else ()
        # With what it asks for: of what no registry lists nothing else tells it at an update.
        remote = None if self.remote is None else replace(self.remote, config=self.variables)
        config = self.variables if self.own_arguments else ()
        return Entry(
            self.plugin,
            self.kind,
            packages=packages,
            config=config,
            source=self.source,
            remote=remote,
            command=self.server_command,
        )

    def to_dict(self) -> dict[str, Any]:
        saved = asdict(self) | {"permissions": self.permissions.to_dict()}
        if not self.mark:
            del saved["mark"]  # which versions before the first lock do not know
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Installation:
        """Read what :meth:`to_dict` wrote. Raises KeyError or TypeError on anything else."""
        return cls(
            **{
                **data,
                "command": tuple(data.get("command", ())),
                "search_path": tuple(data.get("search_path", ())),
                "requires": tuple(data.get("requires", ())),
                "arguments": tuple(
                    Argument(**{**each, "choices": tuple(each.get("choices", ()))})
                    for each in data.get("arguments", ())
                ),
                "variables": tuple(
                    Variable(**{**each, "choices": tuple(each.get("choices", ()))})
                    for each in data.get("variables", ())
                ),
                "permissions": Permissions.from_dict(data["permissions"]) if "permissions" in data else UNDECLARED,
                "distributions": tuple(Distribution(**each) for each in data.get("distributions", ())),
                "remote": _remote(data["remote"]) if data.get("remote") else None,
            }
        )


def _remote(data: dict[str, Any]) -> Remote:
    return Remote(**{**data, "headers": tuple(Header(**each) for each in data["headers"])})


def is_same(one: Installation, other: Installation) -> bool:
    """Return whether both are the same code, as far as it says so itself."""
    return _identity(one) == _identity(other)


def _identity(installation: Installation) -> tuple[str, str | None, bool, str | None]:
    return installation.version, commit(installation), is_editable(installation), installation.digest


def version_of(installation: Installation) -> str:
    """Return its version for a person; from git with the commit, which may change while the version does not."""
    built_from = commit(installation)
    return f"{installation.version} (commit {built_from[:10]})" if built_from else installation.version


def commit(installation: Installation) -> str | None:
    """Return the commit that an install from git was built from (PEP 610); None for any other."""
    if installation.package_type != "git":
        return None
    address = GitAddress.parse(installation.package)
    if installation.runs_in_node:
        return address.reference or None
    found: dict[str, str] = {}
    for info in PythonEnvironment(Path(installation.path) / "env").dist_infos():
        try:
            told = parse_json(read_file(info / "direct_url.json"))
            found[str(told["url"])] = str(told["vcs_info"]["commit_id"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not from git
    return found.get(address.address) or next(iter(found.values()), None)


def is_editable(installation: Installation) -> bool:
    """Return whether it is a folder that is used where it lies."""
    if installation.digest is not None:  # a copy, whatever links are in it
        return False
    inside, name = Path(installation.path), Path(installation.package).name
    places = [Path(each) for each in installation.search_path]
    return any(not each.is_relative_to(inside) or (each / name).is_symlink() for each in places)
