"""What importing a client's files would do: for each server the plugin that it becomes, or why it becomes none.

A package that the registry lists is the listed plugin; any other is installed as one that no registry lists. Nothing is
installed, started or written here.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.clients.argument_fit import fitted, own_arguments
from dynamic_plugins.clients.candidate import Candidate, FoundValues
from dynamic_plugins.clients.client_server import ClientServer, server_key
from dynamic_plugins.clients.launch_command import CannotImportError, Launch, parse_launch
from dynamic_plugins.clients.placeholders import BRACES, Filled, Surroundings
from dynamic_plugins.clients.remote_servers import listed_header_values, remote_entry
from dynamic_plugins.core.action_choice import ActionChoice
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.local_source import read_local
from dynamic_plugins.install.skills import SkillsManifest
from dynamic_plugins.registry.entry import Entry, Package, canonical
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.resolver.catalog import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.local_server import Program
    from dynamic_plugins.clients.placeholders import Value
    from dynamic_plugins.lifecycle.service import PluginManagementService


@dataclass(frozen=True)
class ServerList:
    """The servers of one file of a client; *project* is the folder of the project that the file is of.

    *own* says that it is the person's own file: only in that stand values that are the person's alone to set.
    """

    client: Client
    file: Path
    servers: tuple[ClientServer, ...]
    project: Path | None = None
    own: bool = False


class ImportPlan:
    """Makes candidates for what *service* could install, with placeholders filled from *surroundings*."""

    def __init__(self, service: PluginManagementService, surroundings: Surroundings, *, disabled: bool = False) -> None:
        """*disabled* takes the servers as well that are switched off in the client."""
        self._service, self._surroundings, self._disabled = service, surroundings, disabled

    async def candidates(self, lists: Sequence[ServerList]) -> list[Candidate]:
        """Return a candidate for each server; of two files with one name of a server, the first has it."""
        found: list[Candidate] = []
        for each in lists:
            known = {candidate.server.name for candidate in found}
            servers = [server for server in each.servers if server.name not in known]
            found += await asyncio.gather(*(self._candidate(server, each) for server in servers))
        return await self._with_own_names(found)

    def skills(self, folder: Path) -> Candidate:
        """Return the candidate of the skills that lie in *folder*. Raises InstallError where there are none."""
        told = read_local(folder)
        entry = Entry(told.name, "python", told.description, packages=(Package("path", str(folder), told.version),))
        names = ", ".join(each.name for each in told.skills) if isinstance(told, SkillsManifest) else ""
        notes = (*([f"skills: {names}"] if names else []), *(each for each in told.notes if "import" not in each))
        installed = told.name in self._service.installations()
        return Candidate(
            ClientServer(f"skills of {told.name}"),
            "Agent Skills",
            folder,
            "installed" if installed else "new",
            found=Found(entry),
            folder=folder,
            notes=notes,
        )

    async def _candidate(self, server: ClientServer, of: ServerList) -> Candidate:
        made = Candidate(server, of.client.title, of.file)
        if server.problem:
            return replace(made, state="refused", reason=server.problem)
        one = _OneServer(self._service, replace(self._surroundings, project=of.project), server, of.client, own=of.own)
        try:
            made = replace(await one.found(), file=of.file)
            if made.found is not None and made.local is None:
                self._service.plan(made.found, made.version, remote=made.remote)
        except (CannotImportError, PluginError) as error:
            if server.disabled and not self._disabled:
                return replace(made, state="disabled")
            reason = _in_short(error)
            if isinstance(error, CannotImportError) and server.command is not None:
                reason += await self._instead(server.name)
            return replace(made, state="refused", reason=reason)
        if server.disabled and not self._disabled:
            return replace(made, state="disabled")
        installed = made.plugin in self._service.installations()
        return replace(made, state="installed" if installed else "new")

    async def _instead(self, name: str) -> str:
        """Return, as the end of a sentence, the listed plugin that a server is called like, if any."""
        known = (await self._service.catalogue.resolve(name)).name
        return f". A plugin of that name is listed: dynamic-plugins install {known}" if known else ""

    async def _with_own_names(self, candidates: list[Candidate]) -> list[Candidate]:
        """Return *candidates*, with a name of its own for each that is a plugin once more with other values."""
        by_name: dict[str, Candidate] = {}
        made: list[Candidate] = []
        for each in candidates:
            if each.state in ("new", "installed"):
                first = by_name.get(each.plugin)
                if first is not None and _same(first, each):
                    each = replace(each, state="same", reason=f"it is the same as {first.server.name}")
                elif first is not None:
                    each = await self._renamed(each)
                if each.state != "same":
                    by_name[each.plugin] = each
            made.append(each)
        return made

    async def _renamed(self, candidate: Candidate) -> Candidate:
        """Return *candidate* as a plugin of another name: that of the plugin and that of the server."""
        assert candidate.found is not None  # noqa: S101 # it becomes a plugin
        base, entry = candidate.plugin, candidate.found.entry
        suffix = re.sub(r"[^A-Za-z0-9._-]+", "-", candidate.server.name).strip("-._") or "other"
        suffix = suffix.removeprefix(f"{server_key(base)}-")  # as an export has called it
        name, number = f"{base}-{suffix}", 1
        while await self._is_anothers(name, entry):
            number += 1
            name = f"{base}-{suffix}-{number}"
        warning = f"It is {base} once more, under another name and with other values."
        found = Found(replace(entry, name=name, source=UNLISTED), candidate.found.version, warning, own_arguments=True)
        installed = name in self._service.installations()
        notes = (*candidate.notes, f"called {name}, since {base} is another server of this import")
        return replace(candidate, found=found, notes=notes, state="installed" if installed else "new")

    async def _is_anothers(self, name: str, entry: Entry) -> bool:
        called = await self._service.catalogue.called(name)
        mine = [(each.type, each.name) for each in entry.packages]
        return any(
            each.source != UNLISTED or [(one.type, one.name) for one in each.packages] not in ([], mine)
            for each in called
        )


_NOWHERE = Path()


class _OneServer:
    """One server of a file: what it starts or speaks to, and what it is told."""

    def __init__(
        self,
        service: PluginManagementService,
        surroundings: Surroundings,
        server: ClientServer,
        client: Client,
        *,
        own: bool,
    ) -> None:
        self._service, self._surroundings = service, surroundings
        self._server, self._client = server, client
        self._told = FoundValues(own=own)

    async def found(self) -> Candidate:
        """Return what the server becomes. Raises CannotImportError and PluginError."""
        server = self._server
        made = Candidate(server, self._client.title, file=_NOWHERE, told=self._told, notes=self._notes())
        if server.only or server.hide:
            made = replace(made, choice=ActionChoice(server.only, server.hide))
        if server.url is not None:
            headers = {name: self._fill(value) for name, value in server.headers.items()}
            return await self._remote(
                made, Launch("remote", url=self._fill(server.url), transport=server.transport), headers
            )
        if server.command is None:
            raise CannotImportError("it has neither a command nor an address")
        launch = parse_launch(self._fill(server.command), [self._fill(each) for each in server.args])
        self._told.notes += launch.notes
        if launch.kind == "ours":
            raise PluginError("it is this program itself")
        if launch.kind == "remote":
            return await self._remote(made, launch, self._bridged(launch))
        if launch.kind == "local":
            return await self._local(made, launch)
        return await self._package(made, launch)

    def _fill(self, value: Value) -> Filled:
        return self._surroundings.fill(value)

    def _notes(self) -> tuple[str, ...]:
        said = [f"{', '.join(self._server.left_out)} has no counterpart here"] if self._server.left_out else []
        folder = self._server.cwd
        said += [f"it is started in a folder of its own, and not in {folder.spelling}"] if folder else []
        return tuple(said)

    def _bridged(self, launch: Launch) -> dict[str, Filled]:
        """Return the headers given to mcp-remote, which fills ``${VAR}`` in them from the server's ``env``."""
        env = {name: self._fill(value) for name, value in self._server.env.items()}
        known = {name: each.text for name, each in env.items() if not each.missing}
        around = replace(self._surroundings, environment={**self._surroundings.environment, **known})
        return {name: around.fill(BRACES.parse(value.text)) for name, value in launch.headers}

    # ---------------------------------------------------------------- a file of this machine

    async def _local(self, made: Candidate, launch: Launch) -> Candidate:
        from dynamic_plugins.clients.local_server import read_server

        assert launch.script is not None  # noqa: S101 # it is local
        program: Program = "node" if launch.package == "node" else "python"
        server = await in_thread(read_server, program, self._script(launch), launch.script.text)
        arguments, values = own_arguments(launch.rest, {*self._server.env})
        if odd := [each.value for each in arguments if each.value is not None and "${" in each.value]:
            raise CannotImportError(f"nothing here knows what {odd[0]} among its arguments stands for")
        if any(each.secret for each in arguments):
            raise CannotImportError(
                "an argument of it is a secret, and whoever uses this machine can read how a server was started. Let "
                "it read that from a variable of its environment"
            )
        self._take_env(set())
        told = tuple(each for each in self._told.variables() if each.name in self._server.env)
        for name, value in values.items():
            self._told.take(name, value, self._client.title)
        package = Package("path", str(server.root), server.version, arguments)
        entry = Entry(await self._own_name(), "mcp", packages=(package,), config=told)
        copied = f"a copy of {'its project' if len(server.files) > 1 else 'it'} is installed: import it again after a "
        notes = (*made.notes, f"{copied}change")
        return replace(made, found=Found(entry), folder=server.root, local=server, notes=notes)

    def _script(self, launch: Launch) -> Path:
        """Return the file that is started. Raises CannotImportError where it is not known which that is."""
        assert launch.script is not None  # noqa: S101 # it is local
        if launch.script.missing:
            raise CannotImportError(f"its program is not known here: {launch.script.text}")
        script = Path(launch.script.text).expanduser()
        if script.is_absolute():
            return script
        cwd = self._fill(self._server.cwd) if self._server.cwd else None
        said = (launch.folder, cwd.text if cwd is not None and not cwd.missing else "")
        folders = [Path(each).expanduser() for each in said if each]
        around = self._surroundings.project
        base = next((each for each in folders if each.is_absolute()), None)
        if base is None and around is not None:
            base = around.joinpath(*folders[:1])
        if base is None:
            where = "and the client's file does not say in which folder. Write its whole path there"
            raise CannotImportError(f"it runs a file of this machine ({launch.script.text}), {where}")
        return base / script

    async def _own_name(self) -> str:
        """Return the server's own name, or one beside it where a registry lists another plugin under that."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self._server.name).strip("-._") or "server"
        listed = [each for each in await self._service.catalogue.called(name) if each.source]
        return f"{name}-local" if listed else name

    # ---------------------------------------------------------------- a package

    async def _package(self, made: Candidate, launch: Launch) -> Candidate:
        found = await self._of_registry(launch)
        package = _package_of(found.entry, launch)
        entry = found.entry if found.entry.kind != "mcp" else replace(found.entry, packages=(package,))
        if entry.source == UNLISTED:  # of one that is installed already, what it was given then
            package = replace(package, arguments=())
            entry = replace(entry, packages=(package,), config=())
        if launch.server_command:
            entry = replace(entry, command=launch.server_command)
        listed = {variable.name: variable for variable in entry.variables}
        values = fitted(package.arguments, launch.rest)
        is_own = values is None or (entry.source == UNLISTED and bool(launch.rest or self._server.env))
        if values is None:
            arguments, values = own_arguments(launch.rest, {*(each.name for each in entry.config), *self._server.env})
            entry = replace(entry, packages=(replace(package, arguments=arguments),))
            self._check_secrets(entry)
        for name, value in values.items():
            self._told.take(name, value, self._client.title, secret=name in listed and listed[name].is_secret)
        self._take_env({name for name, variable in listed.items() if variable.is_secret})
        if entry.source == UNLISTED:
            open_names = {each.variable for each in entry.packages[0].arguments}
            own = tuple(each for each in self._told.variables() if each.name not in open_names)
            entry = replace(entry, config=own)
        self._note_unset(entry)
        found = replace(found, entry=entry, own_arguments=is_own)
        return replace(made, found=found, version=launch.version)

    async def _of_registry(self, launch: Launch) -> Found:
        """Return the plugin of the package, listed or not; what only may be a package has to be listed."""
        if launch.certain:
            return await self._service.find(f"{launch.kind}:{launch.package}")
        for index in dict.fromkeys((launch.kind, "npm")):
            try:
                found = await self._service.catalogue.find(f"{index}:{launch.package}")
            except PluginError:
                continue
            self._told.notes.append(f"taken for {index}:{launch.package}, which the registry lists")
            return found
        what = self._server.command.spelling if self._server.command else launch.package
        raise CannotImportError(
            f"it runs {what} of this machine, and the registry lists no package called {launch.package}"
        )

    def _take_env(self, secret: set[str]) -> None:
        for name, value in self._server.env.items():
            place = ("env", name)
            self._told.take(name, self._fill(value), self._client.title, secret=name in secret, place=place)

    def _check_secrets(self, entry: Entry) -> None:
        package = entry.packages[0]
        secret = [each.variable for each in package.arguments if each.value is None and each.secret]
        if secret and package.type == "npm":
            raise CannotImportError(
                "an argument of it is a secret, and whoever uses this machine can read how a Node.js server was started"
            )

    def _note_unset(self, entry: Entry) -> None:
        known = self._told.plain.keys() | self._told.secrets.keys() | self._told.missing.keys()
        for each in entry.variables:
            if each.required and each.default is None and each.name not in known:
                self._told.missing[each.name] = "the file does not have it"

    # ---------------------------------------------------------------- an address

    async def _remote(self, made: Candidate, launch: Launch, headers: dict[str, Filled]) -> Candidate:
        assert launch.url is not None  # noqa: S101 # it is remote
        self._sign_in()
        listed = await self._listed_at(launch.url.text)
        if listed is not None and listed.entry.remote is not None:
            values = listed_header_values(listed.entry.remote, headers)
            if values is not None:
                for name, (value, place) in values.items():
                    self._told.take(name, value, self._client.title, secret=True, place=place)
                return replace(made, found=listed, remote=True)
        entry = remote_entry(
            self._server.name, launch.url, launch.transport, headers.items(), self._told, self._client.title
        )
        here = self._service.installations().get(entry.name)
        if (
            here is not None
            and here.remote is not None
            and entry.remote is not None
            and here.remote.url != entry.remote.url
        ):
            raise CannotImportError(f"another server is installed as {entry.name}")
        return replace(made, found=Found(entry), remote=True)

    def _sign_in(self) -> None:
        for name, value in self._server.sign_in.items():
            self._told.take(name, self._fill(value), self._client.title, secret=name == "OAUTH_CLIENT_SECRET")

    async def _listed_at(self, address: str) -> Found | None:
        """Return the listed plugin that runs at *address*."""
        await self._service.catalogue.registry.entries()
        for entry in self._service.catalogue.registry.near():
            if entry.remote is not None and entry.remote.url == address:
                return Found(entry, trusted=self._service.catalogue.registry.is_trusted(entry.source))
        return None


def _package_of(entry: Entry, launch: Launch) -> Package:
    """Return the package of *entry* that the launch names. Raises CannotImportError."""
    for each in entry.packages:
        if each.type == "pypi" and canonical(each.name) == canonical(launch.package):
            return each
        if each.type == "npm" and each.name == launch.package:
            return each
    raise CannotImportError(f"the registry lists {entry.name} with another package than {launch.package}")


def _same(one: Candidate, other: Candidate) -> bool:
    return (
        one.found is not None
        and other.found is not None
        and (
            (one.told.plain, one.told.secrets, one.found.entry, one.version)
            == (other.told.plain, other.told.secrets, other.found.entry, other.version)
        )
    )


def _in_short(error: Exception) -> str:
    """Return the text of *error* without the name of the plugin that it begins with."""
    text = error.for_person() if isinstance(error, PluginError) else str(error)
    return text.rstrip(".")
