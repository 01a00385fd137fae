"""The facts of one install: what lies where, and how it is started."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.entry import Argument, Variable

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Kind, PackageType


@dataclass(frozen=True, slots=True)
class Distribution:
    """One package that lies in a plugin's environment, exactly. *digest* is ``sha256:…`` or npm's ``sha512-…``."""

    name: str
    version: str
    digest: str | None = None


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
    """How an MCP server is started, without its arguments; empty for the other kinds."""
    entry_point: str | None = None
    """``module:attribute`` of a console script (mcp) or of the plugin object; ``module`` where that is all."""
    search_path: tuple[str, ...] = ()
    """Folders put before the environment's own packages (plugins from a folder)."""
    arguments: tuple[Argument, ...] = ()
    variables: tuple[Variable, ...] = ()
    requires: tuple[str, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    digest: str | None = None
    """Of the wheel, or of all that was copied of the folder, that it was made from; None where that is elsewhere."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

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
                "distributions": tuple(Distribution(**each) for each in data.get("distributions", ())),
            }
        )
