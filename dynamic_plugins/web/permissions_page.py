"""What a plugin may reach: shown, granted and taken back, once the person has seen what exactly that changes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from dynamic_plugins.core.permission_text import granted_by_name, permission_lines, taken_back
from dynamic_plugins.core.permissions import ANY, asks_more, named_permissions
from dynamic_plugins.errors import BadArgumentsError, DeclinedError, PluginError
from dynamic_plugins.lifecycle.reach_limits import ReachLimits, host_warnings
from dynamic_plugins.text.printable import visible
from dynamic_plugins.web.browse import permission_rows
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import fields_of, link
from dynamic_plugins.web.verbs import SOON, see_end, see_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.core.permissions import FileAccess, Permissions
    from dynamic_plugins.lifecycle.permission_grants import PluginPermissions
    from dynamic_plugins.storage.usage_log import Refusal
    from dynamic_plugins.web.site import Site

KINDS = {
    "network": "Reach a host",
    "read": "Read a file or folder",
    "write": "Read and write a file or folder",
    "program": "Start a program",
}
"""What can be granted, as the inputs are called; one that runs elsewhere reaches hosts only."""
_COUNTS = "It counts from its next call: if it runs, it is started anew for that."

_ANY_CASE = "It may reach any host in any case. To hold it to those that you grant, take back any host."


@dataclass(frozen=True)
class PermissionChange:
    """A change that the person asked for, as they are shown it before it is made."""

    plugin: str
    version: str
    allow: Permissions
    deny: Permissions
    after: PluginPermissions
    """What it may reach once that is done."""
    warnings: tuple[str, ...] = ()
    verb: str = "permissions"
    changes: tuple[str, ...] = ()
    """Nothing: it is all among the facts."""

    @property
    def question(self) -> str:
        """One line: ``Let forecast reach mirror.example?``"""
        if self.deny.is_nothing:
            return visible(f"Grant {self.plugin} {granted_by_name(self.allow)}?")
        if self.allow.is_nothing:
            return visible(f"Take back from {self.plugin}: {taken_back(self.deny)}?")
        return visible(f"Change what {self.plugin} may reach?")

    @property
    def facts(self) -> list[str]:
        """What changes, and what holds then, a line each as at a terminal."""
        lines = [f"  plugin   {self.plugin} {self.version}"]
        lines += [] if self.allow.is_nothing else [f"  grants   {granted_by_name(self.allow)}"]
        lines += [] if self.deny.is_nothing else [f"  revokes  {taken_back(self.deny)}"]
        told = permission_lines(self.after.now, self.after.enforced)
        lines += [f"  {name:<8} {text}" for name, text in told.items()]
        notes = [_COUNTS] + ([_ANY_CASE] if self.allow.network and self.after.now.network is None else [])
        lines += [f"  note     {note}" for note in notes] + [f"  warning  {warning}" for warning in self.warnings]
        return [visible(line) for line in lines]


@dataclass(frozen=True)
class Row:
    """One thing that a plugin may reach, or may no more: *kind* and *what* are what the form sends to change it."""

    kind: str
    what: str
    words: str
    where_from: str = ""


@dataclass(frozen=True)
class Offer:
    """What a plugin was refused: *why* says why that is not granted by a click."""

    refusal: Refusal
    words: str
    what: str
    why: str = ""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Permissions(site)
    return [
        Route("/plugin/permissions", pages.show),
        Route("/plugin/permissions", pages.change, methods=["POST"]),
    ]


class _Permissions:
    def __init__(self, site: Site) -> None:
        self._site, self._service = site, site.app.service
        self._limits = ReachLimits(os.path.expanduser("~"), site.app.settings.home)  # noqa: PTH111

    async def show(self, request: Request) -> Response:
        """Show what holds, where it comes from, and what was refused."""
        self._service.sync()
        plugin = await self._service.resolve(request.query_params.get("name", ""))
        return await self._page(request, plugin.name, {})

    async def change(self, request: Request) -> Response:
        """Ask about what a form wants to be changed."""
        entered = await fields_of(request)
        self._service.sync()
        plugin = (await self._service.resolve(entered.get("name", ""))).name
        try:
            allow, deny = (_named(plugin, entered, verb) for verb in ("allow", "deny"))
            first = await self._changed(plugin, allow, deny)
        except PluginError as error:
            return await self._page(request, plugin, entered, error.for_person())
        if allow.is_nothing and deny.is_nothing:
            return await self._page(request, plugin, entered, "Nothing was entered.")
        path = link("/plugin/permissions", name=plugin)
        what = f"{granted_by_name(allow)}; {taken_back(deny)}"
        operation = self._site.operations.begin(
            Operation("permissions", plugin, path, action=what), lambda: self._agreed(first)
        )
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see_operation(operation)

    async def _changed(self, plugin: str, allow: Permissions, deny: Permissions) -> PermissionChange:
        after = await self._service.preview_permissions(plugin, allow=allow, deny=deny)
        info = await self._service.info(plugin)
        return PermissionChange(plugin, info.version, allow, deny, after, tuple(self._warnings(allow)))

    async def _agreed(self, asked: PermissionChange) -> PluginPermissions:
        """Make the change that was *asked* for, once the person agrees to exactly what it comes to."""
        while True:
            if not await self._site.operations.agree(asked):
                raise DeclinedError(asked.plugin, "change the permissions of")
            now = await self._changed(asked.plugin, asked.allow, asked.deny)
            if now.facts == asked.facts:
                return await self._service.change_permissions(asked.plugin, allow=asked.allow, deny=asked.deny)
            asked = now  # somebody has changed something meanwhile: that is not what they agreed to

    def _warnings(self, allow: Permissions) -> Iterator[str]:
        for file in allow.files:
            if why := self._limits.reason_against(file):
                yield f"{file.path}: {why}."
            yield from self._limits.warnings(file)
        for host in allow.network or ():
            yield from host_warnings(host)

    async def _page(self, request: Request, plugin: str, entered: Mapping[str, str], error: str = "") -> Response:
        found = await self._service.permissions(plugin)
        remote = self._service.installations()[plugin].remote is not None
        return self._site.page(
            request,
            "permissions.html",
            code=409 if error else 200,
            here="installed",
            info=await self._service.info(plugin),
            rows=permission_rows(found.now, found.enforced),
            held=list(_held(found)),
            taken=list(_rows(found.denied)),
            offers=self._offers(plugin),
            kinds={"network": KINDS["network"]} if remote else KINDS,
            remote=remote,
            entered=entered,
            error=error,
        )

    def _offers(self, plugin: str) -> list[Offer]:
        """Return what *plugin* was refused and still may not reach, the newest first."""
        offers = []
        for refusal, wanted in self._service.refused(plugin):
            (row,) = _rows(wanted)
            why = next(filter(None, map(self._limits.reason_against, wanted.files)), "")
            offers.append(Offer(refusal, row.words, row.what, why))
        return offers


def _named(plugin: str, entered: Mapping[str, str], verb: str) -> Permissions:
    """Return what the inputs of *verb* name. Raises BadArgumentsError for what is no host, path or program."""
    given = {kind: [text] for kind in KINDS if (text := entered.get(f"{verb}-{kind}", "").strip())}
    read, write = ([_path(each) for each in given.get(kind, ())] for kind in ("read", "write"))
    try:
        return named_permissions(given.get("network", ()), read, write, given.get("program", ()))
    except ValueError as error:
        raise BadArgumentsError(plugin, str(error)) from None


def _path(said: str) -> str:
    return os.path.normpath(os.path.expanduser(said)) if said.startswith(("~", "/")) else said  # noqa: PTH111


def _held(found: PluginPermissions) -> Iterator[Row]:
    """Yield what can be taken back, each with where it comes from."""
    for row in _rows(found.now):
        alone = named_permissions(**_argument(row))
        if row.what == ANY and not found.now.declared:
            where = "nobody declared which ones it needs"
        elif asks_more(found.allowed, alone).is_nothing:
            where = "you granted it"
        elif not asks_more(found.session_grants, alone).is_nothing:
            where = "declared"
        else:
            where = "while this page runs"
        yield Row(row.kind, row.what, row.words, where)


def _argument(row: Row) -> dict[str, Any]:
    return {"programs" if row.kind == "program" else row.kind: [row.what]}


def _rows(permissions: Permissions) -> Iterator[Row]:
    hosts = (ANY,) if permissions.network is None else permissions.network
    for host in hosts:
        yield Row("network", host, "reach any host" if host == ANY else f"reach {host}")
    for file in permissions.files:
        yield Row(file.access, file.path, _file_words(file))
    for program in permissions.programs:
        yield Row("program", program, f"start {program}")


def _file_words(file: FileAccess) -> str:
    return f"read and write {file.path}" if file.access == "write" else f"read {file.path}"
