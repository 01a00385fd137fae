"""What runs on a node of the cluster: one actor for one plugin with one set of values, and the plugin's worker.

The actor has the product's own loader: on its node a plugin is launched, fenced, limited and scrubbed exactly as on
any machine. Its values reach it as arguments of a call, so that nothing of Ray's writes them down: not its name, not
what it is made with, not its environment. Every method returns plain data; no exception leaves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins import __version__
from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import ActionError, CallNotBegunError, LoadError, PluginError, WorkerDiedError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.settings import Limits, Settings
from dynamic_plugins.workers.components import Component, Host
from dynamic_plugins.workers.fleet.agent_sessions import AgentSessions
from dynamic_plugins.workers.fleet.answered_calls import AnsweredCalls, ForgottenCallError
from dynamic_plugins.workers.fleet.carried_errors import to_wire
from dynamic_plugins.workers.fleet.node_installs import OWN_FOLDER, TOLD, NodeInstalls
from dynamic_plugins.workers.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from dynamic_plugins.workers.components import Connection, Offers
    from dynamic_plugins.workers.fleet.agent_sessions import Event
    from dynamic_plugins.workers.fleet.answered_calls import Answer

NOT_BEGUN: Answer = {"not_begun": True}
"""The answer to a call that the plugin never saw."""
_FIRST_USE_SECONDS = 120.0
"""So long may an actor wait for whoever made it to open it."""

_LOOK_SECONDS = 0.2
"""So often is looked whether a call has ended that goes on for longer than an idle plugin runs."""
_LAST_SECONDS = 2.0
"""So long is waited for the answers of calls whose worker was ended."""
_SENT_SECONDS = 0.1
"""So long may the last answers take to leave."""
_NODE_SECONDS = 1.0
"""So long is a worker's death kept back: a node that goes ends first what its actors started, and then the actors."""


class PluginActor:
    """The plugin's end on its node. *facts* are the same for all plugins of one home, and nothing in them is secret."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self._settings = Settings.from_environment()
        self._sessions = AgentSessions()
        self._calls = AnsweredCalls()
        self._installs = NodeInstalls(self._settings, facts["owner"], facts["data_dir"])
        self._plugin = ""
        self._told = ""
        self._connection: Connection | None = None
        self._loader: Loader | None = None
        self._local: Installation | None = None
        self._generation = 0
        """Which worker it is: one more for each that was started."""
        self._serving: dict[str, set[str]] = {}
        """The sessions that want each service to run."""
        self._lock, self._first_use = asyncio.Lock(), asyncio.Event()
        self._last_used = time.monotonic()
        self._ending = False
        # It is its own caller: what another asked for would end with that one.
        _ray().get_runtime_context().current_actor.watch.remote()

    # ---------------------------------------------------------------- from its beginning to its end

    async def open(self, session: str, order: dict[str, Any]) -> Answer:
        """Have the plugin run for *session*, and return what it offers; ``needs`` where its files are not here."""
        async with self._lock:
            return await _answer(self._plugin, "", self._open(session, order))

    async def _open(self, session: str, order: dict[str, Any]) -> Answer:
        installation = Installation.from_dict(order["installation"])
        self._plugin = installation.plugin
        self._check_version(order["version"])
        if self._ending:
            return {"ending": True}
        self._check_values(order)
        self._last_used = time.monotonic()
        if self._connection is None or not self._connection.alive:
            local = await self._installs.find(installation)
            if local is None and "recipe" in order:
                local = await self._installs.make(installation, order["recipe"], self._facts["install"])
            if local is None:
                return {"needs": "recipe"}
            await self._start(installation, local, order)
        assert self._connection is not None  # noqa: S101 # just started
        assert self._loader is not None  # noqa: S101 # with it
        self._sessions.open(session, has_model=order["has_model"])
        return {
            "generation": self._generation,
            "offers": self._connection.offers.to_list(),
            "left_out": self._connection.offers.left_out,
            "tier": str(self._loader.fence.tier),
        }

    async def _start(self, agreed: Installation, local: Installation, order: dict[str, Any]) -> None:
        """Start the plugin from what lies here. What was told with the paths of the agent gets those of this node."""
        self._local, self._loader = local, self._make_loader(local)
        folder = str(self._loader.folder(local))

        def here(text: str) -> str:
            for other, own in ((agreed.path, local.path), (order["folder"], folder), (OWN_FOLDER, folder)):
                text = text.replace(other, own)
            return text

        host = Host(
            use_model=self._ask_model if order["has_model"] else None,
            roots=tuple(map(here, order["roots"])),
            permissions=Permissions.from_dict(order["permissions"]),
            own_network=order["own_network"],
            log=lambda _, line: self._sessions.tell("log", line),
            folder=Path(folder),
        )
        environment = {name: here(value) for name, value in order["environment"].items()}
        self._serving.clear()
        if self._connection is not None:
            await self._connection.close()
        self._connection = await self._loader.connect(local, environment, [*map(here, order["arguments"])], host)
        self._connection.on_offers_changed = self._offers_changed
        self._generation += 1

    def _make_loader(self, local: Installation) -> Loader:
        facts = self._facts
        own = self._settings.sandbox
        return Loader(
            limits=Limits(**facts["limits"]),
            start_timeout=facts["start"],
            call_timeout=facts["call"],
            log=lambda _, line: self._sessions.tell("log", line),
            environment=self._settings.environment,
            data_dir=self._installs.data_dir(local),
            own_home=self._settings.home,
            sandbox="require" if own == "require" else facts["sandbox"],
        )

    def _check_version(self, version: str) -> None:
        if version != __version__:
            reason = f"its node has version {__version__} of agent-dynamic-plugins, and this agent {version}"
            raise LoadError(self._plugin, f"{reason}. Install the same on both")

    def _check_values(self, order: dict[str, Any]) -> None:
        """Raise LoadError where *order* has other values than the actor has: its name should have told them apart."""
        told = json.dumps([order[key] for key in TOLD])
        if self._told and not hmac.compare_digest(self._told.encode(), told.encode()):
            raise LoadError(self._plugin, "it runs on the cluster with other values than these")
        self._told = told
        self._first_use.set()

    @property
    def _is_busy(self) -> bool:
        return self._calls.running > 0 or self._lock.locked()

    async def watch(self) -> None:
        """Wait until nobody uses it any more, and end it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._first_use.wait(), _FIRST_USE_SECONDS)
        idle = self._facts["idle"]
        # Nothing tells that nothing happens.
        while (left := idle - (time.monotonic() - self._last_used)) > 0 or self._is_busy:  # noqa: ASYNC110
            await asyncio.sleep(max(left, _LOOK_SECONDS))
        await self.end()

    async def end(self) -> None:
        """End the plugin's worker, and then the actor itself."""
        self._ending = True
        self._sessions.tell("ended", None)
        if self._connection is not None:
            await self._connection.close()
        await self._calls.settle(_LAST_SECONDS)
        await asyncio.sleep(_SENT_SECONDS)
        # Not exit_actor: that waits for whoever waits for events here.
        context = _ray().get_runtime_context()
        await asyncio.to_thread(_ray().kill, context.current_actor)

    # ---------------------------------------------------------------- calls

    async def call(
        self, session: str, generation: int, number: int, component: dict[str, Any], arguments: dict[str, Any]
    ) -> Answer:
        """Call a component, once for each *session* and *number*, however often it is asked for."""
        self._last_used = time.monotonic()
        found = Component(**component)
        try:
            return await self._calls.once(
                session, number, lambda: self._call(session, generation, number, found, arguments)
            )
        except ForgottenCallError:
            reason = "it was answered long ago, and its answer is not kept any more. It was not called again"
            return {"error": to_wire(ActionError(self._plugin, found.name, reason))}
        finally:
            self._last_used = time.monotonic()

    async def _call(
        self, session: str, generation: int, number: int, component: Component, arguments: dict[str, Any]
    ) -> Answer:
        connection, agent = self._connection, self._sessions.get(session)
        if not self._runs(generation) or agent is None or connection is None:
            return NOT_BEGUN
        agent.last_called = time.monotonic()

        def progress(fraction: float | None, message: str) -> None:
            agent.tell("progress", (number, fraction, message))

        async def call() -> Answer:
            try:
                if component.kind == "service":
                    return {"value": await self._serve(session, component, arguments, connection)}
                return {"value": await connection.call(component, arguments, progress)}
            except CallNotBegunError:
                raise
            except WorkerDiedError:
                # Where the node goes this is never told: the agent hears of the node, and not of a signal.
                await asyncio.sleep(_NODE_SECONDS)
                raise

        return await _answer(self._plugin, component.name, call())

    async def _serve(
        self, session: str, component: Component, arguments: dict[str, Any], connection: Connection
    ) -> Any:
        """Start a service for the first agent that wants it, and stop it for the last."""
        wanted = self._serving.setdefault(component.name, set())
        if arguments.get("do") == "stop":
            wanted.discard(session)
            return None if wanted else await connection.call(component, arguments)
        value = await connection.call(component, arguments)
        wanted.add(session)
        return value

    async def stop(self, session: str, number: int) -> None:
        """Give up a call: who asked for it does not wait any more."""
        self._calls.stop(session, number)

    # ---------------------------------------------------------------- what agents are told and asked

    async def events(self, session: str, generation: int, seen: int, seconds: float) -> tuple[bool, list[Event]]:
        """Return whether the worker *generation* runs for *session*, and what happened after the event *seen*."""
        agent = self._sessions.get(session)
        if agent is None:
            await asyncio.sleep(min(1.0, seconds))  # who asks may still wait for the answer to a call
            return False, []
        events = await agent.after(seen, seconds)
        return self._runs(generation), events

    def _runs(self, generation: int) -> bool:
        is_alive = self._connection is not None and self._connection.alive
        return is_alive and generation == self._generation and not self._ending

    async def answer(self, question: str, text: str | None) -> None:
        """Take what an agent's model says to what the plugin asked it."""
        self._sessions.answer(question, text)

    async def leave(self, session: str) -> None:
        """Forget an agent. Services that it alone wanted stop; the plugin runs on until it is idle for long."""
        self._sessions.close(session)
        connection = self._connection
        for name, wanted in self._serving.items():
            if session in wanted and connection is not None and connection.alive:
                service = next(each for each in connection.offers.of("service") if each.name == name)
                await _answer(self._plugin, name, self._serve(session, service, {"do": "stop"}, connection))

    async def about(self) -> dict[str, Any]:
        """Return where it runs and what it has done, for those who look after the cluster."""
        context = _ray().get_runtime_context()
        return {
            "plugin": self._plugin,
            "node": context.get_node_id(),
            "actor_pid": os.getpid(),
            "pid": None if self._connection is None else self._connection.pid,
            "path": None if self._local is None else self._local.path,
            "generation": self._generation,
            "agents": len(self._sessions),
            "calls": self._calls.made,
            "asked_again": self._calls.asked_again,
        }

    async def _ask_model(self, messages: Any) -> str | None:
        return await self._sessions.ask_model(messages, self._facts["call"])

    def _offers_changed(self, offers: Offers) -> None:
        self._sessions.tell("offers", (offers.to_list(), offers.left_out))


def _ray() -> Any:
    """Return Ray, which is here: this runs in a process of its own."""
    return importlib.import_module("ray")


async def _answer(plugin: str, action: str, work: Awaitable[Any]) -> Answer:
    """Return the answer that *work* comes to, or its error as plain data."""
    try:
        answer: Answer = await work
    except PluginError as error:
        return {"error": to_wire(error)}
    except Exception as error:  # of what nobody foresaw only its kind is told: its text may hold anything
        reason = f"its node had a {type(error).__name__} that nobody foresaw"
        return {"error": to_wire(ActionError(plugin, action, reason) if action else LoadError(plugin, reason))}
    return answer


def remove_files(owner: str, data_dir: str, plugin: str, folder: str) -> None:
    """Remove what one plugin of *owner* left on this node: run there as a task once it is installed no more."""
    NodeInstalls(Settings.from_environment(), owner, data_dir).forget(plugin, Path(folder).name)
