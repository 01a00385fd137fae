"""What a registry says about a plugin: one frozen entry, in our own format.

The format is ``{"schema": 1, "plugins": [entry…]}``; adapters for other formats read into it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from dynamic_plugins.core.permissions import UNDECLARED, Permissions
from dynamic_plugins.text.secret_names import looks_secret

# As formats/fields.py writes them: a repository of GitHub, with a branch and a folder where these are told, or another.
_REPOSITORY = re.compile(
    r"(?:github:(?P<of_github>[\w.-]+/[\w.-]+)|(?P<address>https://[\w.-]+(?::\d+)?/[\w./~-]+))"
    r"(?:#(?P<reference>\w[\w./-]*)(?::(?P<folder>[\w./-]+))?)?",
    re.ASCII,
)
Kind = Literal["mcp", "elizaos", "python"]
PackageType = Literal["pypi", "npm", "git", "path", "remote"]
"""``remote`` is no package: what runs elsewhere is installed as that, under its address."""
Format = Literal["string", "number", "boolean", "filepath"]
Transport = Literal["streamable-http", "sse"]
RemoteAuth = Literal["none", "headers", "oauth"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A value the plugin is told: an environment variable, or an argument that the person gives."""

    name: str
    description: str = ""
    required: bool = False
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    format: Format = "string"
    found: bool = False
    """Nobody declared it: the plugin's source mentions it, which any source can do with any variable."""
    secret_declared: bool = field(default=False, compare=False)
    """Whether the plugin or its registry says if it is secret; where neither does, its name tells."""

    @property
    def is_secret(self) -> bool:
        """Whether its values are kept from models, results and logs: one that is declared to be none is none."""
        return self.secret or (not self.secret_declared and looks_secret(self.name))


@dataclass(frozen=True, slots=True)
class Argument:
    """One command-line argument of an MCP server's package, as ``server.json`` declares it.

    A fixed argument has a *value*; one without is asked for like configuration, under :attr:`variable`.
    """

    type: Literal["named", "positional"]
    name: str = ""
    """The flag of a named argument (``--db-path``); empty for a positional one."""
    value: str | None = None
    hint: str = ""
    """What a positional argument stands for (``directory``)."""
    description: str = ""
    required: bool = False
    secret: bool = False
    repeated: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    format: Format = "string"

    @property
    def variable(self) -> str:
        """The name this argument is configured under: ``--db-path`` is ``DB_PATH``, ``directory`` is ``DIRECTORY``."""
        words = (self.name.lstrip("-") or self.hint or "argument").replace("-", "_").replace(" ", "_")
        return words.upper()


@dataclass(frozen=True, slots=True)
class Package:
    """Where a plugin's code comes from. *name* is a package name, a git address or a folder."""

    type: PackageType
    name: str
    version: str | None = None
    arguments: tuple[Argument, ...] = ()
    sha256: str | None = None
    typescript: bool = False
    """Of git: whether it is an elizaOS plugin in TypeScript, which is bundled where it is installed."""


def canonical(name: str) -> str:
    """Return a PyPI package's name in the one spelling that all others stand for (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """An action as the registry describes it, before anything is installed."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was seen when this entry was last installed and started: by ``python -m evals.catalogue`` for ours."""

    date: str
    """The day, as ``2026-11-29``."""
    version: str = ""
    actions: int = 0
    """How many actions it offered."""
    tokens: int = 0
    """What its tools cost a model in each request while it is active; 0 is not measured."""
    keyless: bool = False
    """At least one of its actions answered although it was told no key."""
    python: str = ""
    node: str = ""
    """What it ran on: a version, empty where it needs none."""
    size_bytes: int = 0
    """What its install took on disk; 0 is not measured."""


@dataclass(frozen=True, slots=True)
class Header:
    """A request header that a remote server wants. *template* has one ``{NAME}`` for the value of *variable*."""

    name: str
    variable: str = ""
    """The configuration variable that fills it; empty where *template* is the whole value."""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that runs elsewhere and is spoken to over HTTP."""

    url: str
    """May hold ``{NAME}`` for the values of configuration variables."""
    transport: Transport = "streamable-http"
    auth: RemoteAuth = "none"
    headers: tuple[Header, ...] = ()
    config: tuple[Variable, ...] = ()
    """What it must be told where it runs, and not where its package is installed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A plugin as a registry describes it. *source* is the registry it was read from."""

    name: str
    kind: Kind = "mcp"
    description: str = ""
    repository: str = ""
    keywords: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    config: tuple[Variable, ...] = ()
    actions: tuple[OfferedAction, ...] = ()
    source: str = field(default="", compare=False)
    permissions: Permissions = UNDECLARED
    aliases: tuple[str, ...] = ()
    """Other names of the product, as people say them: ``gh``, ``google sheets``."""
    categories: tuple[str, ...] = ()
    popularity: int = 0
    """Downloads a month; 0 is not known."""
    command: str = ""
    """Which of the package's commands is the server, where it has several."""
    verified: Verified | None = None
    remote: Remote | None = None
    problem: str = ""
    """Why it is known not to work, or not to do what it says; empty where nothing is known."""
    popularity_rank: int = 0
    """Its place among the most downloaded packages of its index, where that tells no numbers; 0 is not known."""

    @property
    def runs_as(self) -> str:
        """The language that an elizaOS plugin runs in here: ``Python`` where there is a package in that, ``TypeScript``
        where npm has one or a repository its source; empty where there is nothing, and for what is no elizaOS plugin.
        """
        packages = self.packages or ((self.of_repository,) if self.of_repository is not None else ())
        if self.kind != "elizaos" or not packages:
            return ""
        return "TypeScript" if all(each.type == "npm" or each.typescript for each in packages) else "Python"

    @property
    def of_repository(self) -> Package | None:
        """The package that can be made of an elizaOS plugin's repository; None where that is no address git fetches."""
        found = _REPOSITORY.fullmatch(self.repository)
        if self.kind != "elizaos" or found is None:
            return None
        address = f"https://github.com/{found['of_github']}" if found["of_github"] else found["address"]
        reference = f"@{found['reference']}" if found["reference"] else ""
        folder = f"#subdirectory={found['folder'].strip('/')}" if found["folder"] else ""
        return Package("git", f"{address}{reference}{folder}", typescript=True)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Everything the plugin can be told: its configuration, then its packages' open arguments."""
        named = {variable.name: variable for variable in self.config}
        if self.remote is not None and not self.packages:
            named |= {variable.name: variable for variable in self.remote.config}
        for package in self.packages:
            for argument in package.arguments:
                if argument.value is None and argument.variable not in named:
                    named[argument.variable] = Variable(
                        name=argument.variable,
                        description=argument.description,
                        required=argument.required,
                        secret=argument.secret,
                        default=argument.default,
                        choices=argument.choices,
                        format=argument.format,
                        secret_declared=True,  # by the registry, or by its name when the registry was read
                    )
        return tuple(named.values())


def to_dict(entry: Entry) -> dict[str, Any]:
    """Return *entry* in the registry's JSON format, without what is empty."""
    plain = {key: value for key, value in _plain(entry).items() if key not in {"source", "permissions"}}
    permissions = entry.permissions.to_table()
    return plain | {"name": entry.name} | ({"permissions": permissions} if permissions else {})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(type(value), "__slots__") and hasattr(type(value), "__dataclass_fields__"):
        plain = {
            name: _plain(getattr(value, name))
            for name in type(value).__dataclass_fields__
            if name != "secret_declared" and getattr(value, name) not in (None, "", (), False)
        }
        return plain | ({"secret": False} if _declared_plain(value) else {})
    return value


def _declared_plain(value: Any) -> bool:
    """Return whether *value* is declared to be no secret, where its name alone would make it one."""
    if isinstance(value, Argument):
        return value.value is None and not value.secret and looks_secret(value.variable)
    return isinstance(value, Variable) and value.secret_declared and not value.secret and looks_secret(value.name)
