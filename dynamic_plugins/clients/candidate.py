"""What one server of a client's file would become here, and what it would be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.clients.argument_fit import is_no_key, is_path, is_secret
from dynamic_plugins.clients.placeholders import why_missing
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.settings import decides_code, is_forbidden, is_the_persons_own
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.clients.client_server import ClientServer
    from dynamic_plugins.clients.local_server import LocalServer
    from dynamic_plugins.clients.placeholders import Filled
    from dynamic_plugins.core.action_choice import ActionChoice
    from dynamic_plugins.resolver.catalog import Found

State = Literal["new", "installed", "same", "disabled", "refused"]
"""``new`` is installed; ``installed`` is there already; ``same`` is another server of this import; ``disabled`` is
switched off in the client; ``refused`` cannot be imported."""


@dataclass
class FoundValues:
    """The values for one plugin, and the variables that they are of, as they are found in a client's file."""

    plain: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """The variables that stand in the file without a value that is known here, and why."""
    environment: dict[str, str] = field(default_factory=dict)
    """Whose value is taken from the person's environment, and from which variable there."""
    places: list[tuple[str, str]] = field(default_factory=list)
    """Where secrets stand in the file as plain text: ``env`` or ``headers``, and the name there."""
    notes: list[str] = field(default_factory=list)
    own: bool = True
    """Whether the file is the person's own."""

    def take(
        self, name: str, value: Filled, client: str, *, secret: bool = False, place: tuple[str, str] | None = None
    ) -> None:
        """Note the value of one variable. *place* is where it stands, for taking it out of there."""
        if is_forbidden(name):
            why = "it would change which code runs" if decides_code(name) else "it is no plugin's"
            self.notes.append(f"{name} is not taken: {why}")
            return
        if not self.own and is_the_persons_own(name):
            self.notes.append(f"{name} is not taken: it is yours alone to set, and this file may be anybody's")
            return
        secret = secret or value.secret or is_secret(name, value.text)
        if value.missing:
            self.missing[name] = why_missing(value.missing, client)
        elif is_no_key(value.text) and (secret or value.text.startswith("<")):
            self.missing[name] = "the file only says where it goes"
        elif value.text.strip():
            (self.secrets if secret else self.plain)[name] = value.text
            if said := [each.name for each in value.value.references if each.kind == "env"]:
                self.environment[name] = ", ".join(dict.fromkeys(said))
            if secret and place is not None and not value.value.references:
                self.places.append(place)

    def variables(self) -> tuple[Variable, ...]:
        """Return what is told as the variables of a plugin that declares none."""
        made = [Variable(name, format="filepath" if is_path(text) else "string") for name, text in self.plain.items()]
        made += [Variable(name, secret=True) for name in self.secrets]
        made += [Variable(name, required=True, secret=looks_secret(name)) for name in self.missing]
        return tuple(made)


@dataclass(frozen=True)
class Candidate:
    """A server of *file*, a file of the client *client*, and what it would become; *reason* says why it would not."""

    server: ClientServer
    client: str
    file: Path
    state: State = "new"
    reason: str = ""
    found: Found | None = None
    version: str | None = None
    remote: bool = False
    told: FoundValues = field(default_factory=FoundValues)
    folder: Path | None = None
    """Of skills: the folder that they lie in, which is installed. Of a local server: that of its project."""
    local: LocalServer | None = None
    """Of a local server: the files that it consists of, which are packed."""
    choice: ActionChoice | None = None
    """Which of its actions the client offers its model."""
    notes: tuple[str, ...] = ()

    @property
    def plugin(self) -> str:
        """The name of the plugin; empty where it becomes none."""
        return self.found.entry.name if self.found is not None else ""

    @property
    def is_listed(self) -> bool:
        return self.folder is None and self.found is not None and self.found.entry.source != UNLISTED

    @property
    def origin(self) -> str:
        """Where it comes from, for a person: ``npm:@playwright/mcp``, or an address."""
        if self.found is None:
            return ""
        entry = self.found.entry
        if self.local is not None:
            return str(self.local.root / self.local.script)
        if self.folder is not None:
            return str(self.folder)
        if entry.remote is not None and (self.remote or not entry.packages):
            return entry.remote.url
        package = entry.packages[0]
        version = self.version or self.found.version or package.version
        return f"{package.type}:{package.name}" + (f"@{version}" if version else "")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: names of values, and no value."""
        told: dict[str, Any] = {"server": self.server.name, "state": self.state, "file": str(self.file)}
        told |= {"plugin": self.plugin, "source": self.origin, "listed": self.is_listed} if self.found else {}
        told |= {"values": sorted(self.told.plain), "secrets": sorted(self.told.secrets)} if self.found else {}
        more: Mapping[str, Any] = {
            "missing": dict(self.told.missing),
            "from_environment": dict(self.told.environment),
            "notes": [*self.notes, *self.told.notes],
            "reason": self.reason,
        }
        return told | {name: value for name, value in more.items() if value}
