"""Starts plugins on a Ray cluster: one actor for each plugin and set of values, shared by all agents that want it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins import __version__
from dynamic_plugins.core.permissions import ENFORCED, NOT_ENFORCED
from dynamic_plugins.errors import InstallError, LoadError, PluginTimeoutError, UnreachableError
from dynamic_plugins.workers.components import Host, Offers
from dynamic_plugins.workers.fence.configured_values import ConfiguredValues
from dynamic_plugins.workers.fleet.carried_errors import from_wire
from dynamic_plugins.workers.fleet.cluster import ActorGoneError, ActorSilentError, Needs, cluster_at
from dynamic_plugins.workers.fleet.node_installs import OWN_FOLDER, TOLD
from dynamic_plugins.workers.fleet.ray_connection import OpenedActor, RayConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.recipe import Recipe
    from dynamic_plugins.settings import Limits, SandboxMode, Timeouts

NODE = "nodejs"
"""The resource that nodes declare which have a Node.js: where any does, plugins of npm are placed there."""
_LONGEST_VALUES = 64 * 1024
"""Values of together so many bytes travel in the message itself; from some 100 KB on Ray would store them."""
_AT_ONCE = 8
"""So many plugins are started at a time by one agent."""
_ATTEMPTS = 20
_NEXT_SECONDS = 0.1
_GUESSES = {"n": 2**13, "r": 8, "p": 1}
"""What one guess at the values costs that a name stands for: some 10 ms and 8 MB (RFC 7914)."""


class RayLoader:
    """Starts plugins on the cluster at *address*; has the same ``connect`` as the loader of local workers.

    *owner* tells one home's actors from another's. *data_dir* is where plugins keep their own files on nodes that see
    this home; others have folders of their own. *make_recipe* gives what a node without the plugin's files builds them
    from. *person_home* is what ``~`` means in a value. *log* gets a plugin's name and one line, without its values.
    """

    checks_files = True

    def __init__(
        self,
        address: str,
        *,
        owner: str,
        limits: Limits,
        timeouts: Timeouts,
        log: Callable[[str, str], None],
        data_dir: Path,
        needs: Needs,
        make_recipe: Callable[[Installation], Awaitable[Recipe]],
        sandbox: SandboxMode = "auto",
        person_home: str = "",
    ) -> None:
        self._home = person_home
        self._cluster = cluster_at(address)
        self._owner = hashlib.sha256(owner.encode()).hexdigest()[:16]
        self._timeouts, self._log, self._data_dir = timeouts, log, data_dir
        self._needs, self._make_recipe, self._sandbox = needs, make_recipe, sandbox
        self._facts = {
            "owner": self._owner,
            "data_dir": str(data_dir),
            "limits": asdict(limits),
            "start": timeouts.start,
            "call": timeouts.call,
            "install": timeouts.install,
            "idle": timeouts.idle,
            "sandbox": sandbox,
        }
        self._marks, self._opening = _ValueMarks(), asyncio.Semaphore(_AT_ONCE)

    def folder(self, installation: Installation) -> Path:
        """Return where *installation*'s worker keeps its files on a node that sees this home."""
        return self._data_dir / Path(installation.path).parent.name

    def enforcement(self, permissions: Permissions) -> Enforcement:  # noqa: ARG002 # for the same shape as the other's
        """Return what is known to be enforced, whatever node it will be: all, or nothing.

        What a node can enforce is known there alone; with ``require`` one that cannot enforce all starts nothing.
        """
        return ENFORCED if self._sandbox == "require" else NOT_ENFORCED

    def granted(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        permissions: Permissions,
    ) -> Permissions:
        """Return what *installation* reaches with *permissions* and these values, on whatever node it runs: what a path
        among the values opens is found out here, and a node opens no more.
        """
        values = ConfiguredValues(installation, environment, arguments, self._home)
        return replace(values.granted(permissions), declared=True)

    async def connect(
        self,
        installation: Installation,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),
        host: Host | None = None,
    ) -> RayConnection:
        """Have *installation* run on the cluster and wait until its components are known.

        Raises UnreachableError where the cluster cannot be reached, LoadError where it has no place for it or its files
        cannot be made on its node, what starting it there raises, and PluginTimeoutError.
        """
        host = host or Host()
        if host.log is None:
            host = replace(host, log=self._log)
        plugin = installation.plugin
        order = self._order(installation, environment, arguments, host)
        await self._cluster.connect(plugin, self._timeouts.start)
        name = self._prefix(installation) + await asyncio.to_thread(self._marks.of, order)
        try:
            needs = await self._needs_of(installation)
            try:
                # Where a node dies all of its plugins are wanted at once, on machines that have work already.
                async with self._opening, asyncio.timeout(2 * self._timeouts.start) as clock:
                    return await self._opened(name, needs, installation, order, host, clock)
            except TimeoutError:
                raise await self._late(plugin, needs, 2 * self._timeouts.start) from None
        except ActorSilentError as error:
            raise UnreachableError(plugin, f"the cluster was lost on the way: {error}") from None
        except InstallError as error:
            raise LoadError(plugin, f"its files could not be made on its node: {error.reason}") from None

    def _order(
        self, installation: Installation, environment: Mapping[str, str], arguments: Sequence[str], host: Host
    ) -> dict[str, Any]:
        own = str(self.folder(installation))
        order = {
            "version": __version__,
            "installation": installation.to_dict(),
            "environment": dict(environment),
            "arguments": list(arguments),
            "permissions": self.granted(installation, environment, arguments, host.permissions).to_dict(),
            "own_network": host.own_network,
            # Each machine has the plugin's own folder elsewhere; to the plugin it is the same.
            "roots": [root.replace(own, OWN_FOLDER, 1) for root in host.roots],
            "folder": own,
            "has_model": host.use_model is not None,
        }
        size = len(json.dumps([order["environment"], order["arguments"]]))
        if size > _LONGEST_VALUES:
            reason = f"its values have {size} bytes together, and on a cluster they may have {_LONGEST_VALUES}"
            raise LoadError(installation.plugin, reason)
        return order

    def _prefix(self, installation: Installation) -> str:
        """Return how the names of all actors begin that run *installation*: nothing in them is secret."""
        facts = json.dumps([self._owner, installation.to_dict()], sort_keys=True)
        return f"{Path(installation.path).parent.name[:40]}.{hashlib.sha256(facts.encode()).hexdigest()[:24]}."

    async def _needs_of(self, installation: Installation) -> Needs:
        if installation.package_type == "npm" and NODE in await self._cluster.resources():
            return replace(self._needs, resources={**self._needs.resources, NODE: 0.001})
        return self._needs

    async def _opened(
        self,
        name: str,
        needs: Needs,
        installation: Installation,
        order: dict[str, Any],
        host: Host,
        clock: asyncio.Timeout,
    ) -> RayConnection:
        """Open the actor of this *name*; where it is just ending, the one after it. Raises ActorSilentError."""
        session, why = secrets.token_hex(8), ""
        for _ in range(_ATTEMPTS):
            try:
                actor = await self._cluster.actor(name, self._facts, needs)
                answer = await self._cluster.ask(actor, "open", session, order)
            except ActorGoneError as error:
                why, answer = str(error), {"ending": True}
            if "error" in answer:
                raise from_wire(answer["error"])
            if "needs" in answer:
                clock.reschedule(asyncio.get_running_loop().time() + self._timeouts.install)
                order = {**order, "recipe": await self._make_recipe(installation)}
            elif "ending" in answer:
                self._cluster.forget(name)
                await asyncio.sleep(_NEXT_SECONDS)
            else:
                opened = OpenedActor(self._cluster, name, actor, session, answer["generation"])
                offers = replace(Offers.from_list(answer["offers"]), left_out=tuple(answer["left_out"]))
                return RayConnection(installation.plugin, opened, offers, host)
        raise LoadError(installation.plugin, f"its actor on the cluster ends before it has started: {why}")

    async def _late(self, plugin: str, needs: Needs, seconds: float) -> LoadError | PluginTimeoutError:
        _, large = await self._cluster.nodes(needs)
        if not large:
            return LoadError(plugin, f"no node of the cluster is large enough for it: it asks for {needs}")
        waited = f"no node of the cluster may have room for it now, which asks for {needs}"
        return PluginTimeoutError(plugin, "starting on the cluster", seconds, waited)

    async def remove_data(self, installation: Installation) -> None:
        """End what runs of *installation* on the cluster, for all agents, and remove what it left on each node."""
        from dynamic_plugins.workers.fleet.ray_actor import remove_files

        seconds = self._timeouts.start
        try:
            await self._cluster.connect(installation.plugin, seconds)
            for name, actor in await self._cluster.named(self._prefix(installation)):
                self._cluster.forget(name)
                self._cluster.tell(actor, "end")
                await self._until_gone(actor, seconds)
            where = (self._owner, str(self._data_dir), installation.plugin, self.folder(installation).name)
            await self._cluster.on_every_node(remove_files, *where, seconds=seconds)
        except (LoadError, ActorSilentError) as error:
            self._log(installation.plugin, f"what it left on the cluster could not be removed: {error}")

    async def _until_gone(self, actor: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                await self._cluster.ask(actor, "about")
            except ActorGoneError:
                return
            except ActorSilentError:
                pass  # it is ending
            await asyncio.sleep(_NEXT_SECONDS)


class _ValueMarks:
    """What stands for a set of values in a name that everybody on the cluster reads.

    It is made so slowly (scrypt) that values cannot be found out by trying, and kept for who asks again, by a digest
    with a key of this process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}

    def of(self, order: Mapping[str, Any]) -> str:
        """Return the mark of the values in *order*, and of what it may reach with them."""
        facts = [order[key] for key in (*TOLD, "has_model")]
        text = json.dumps(facts, sort_keys=True).encode()
        # Of each plugin its own: equal values of two plugins are not to be seen as such.
        salt = json.dumps([order["installation"]["plugin"], order["installation"]["path"]]).encode()
        known = hashlib.blake2b(salt + text, key=self._key).digest()
        if known not in self._known:
            self._known[known] = hashlib.scrypt(text, salt=salt, dklen=16, **_GUESSES).hex()
        return self._known[known]
