"""A plugin that speaks MCP, as its host sees it: the same for a process of ours and for a server elsewhere."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from dynamic_plugins.core import telemetry
from dynamic_plugins.core.cancellation import to_the_end
from dynamic_plugins.errors import ActionError, PluginError, PluginTimeoutError
from dynamic_plugins.workers.client_features import ClientFeatures
from dynamic_plugins.workers.components import PROMPT, READ, READ_BY_ADDRESS, TOOL, Offers, request_for
from dynamic_plugins.workers.discovery import offers_of
from dynamic_plugins.workers.handshake_client import HandshakeClient
from dynamic_plugins.workers.message_repair import problem_in
from dynamic_plugins.workers.results import (
    prompt_value,
    resource_text,
    text_of,
    value_of,
    wrapped_value_of,
)
from dynamic_plugins.workers.tool_answers import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context

    from mcp.client._transport import Transport

    from dynamic_plugins.core.spans import Attributes, Span
    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.workers.components import Component, Host
    from dynamic_plugins.workers.discovery import AnyClient

_PING_SECONDS = 2.0
_MOST_EXTENDED = 10
"""So many times the limit of a call may one take that goes on telling of its progress."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 60.0
"""Seconds between two looks at what it offers, while it goes on saying that this has changed."""
_LIST_CHANGED = (
    types.ToolListChangedNotification,
    types.ResourceListChangedNotification,
    types.PromptListChangedNotification,
)


class McpConnection(ABC):
    """A :class:`~dynamic_plugins.workers.components.Connection` over MCP; how its messages travel is a subclass's.

    The MCP client lives in a task of its own, because it has to be left by the task that entered it.
    """

    _session_type: type[ClientSession] = ClientSession

    def __init__(
        self,
        name: str,
        transport: Transport,
        host: Host,
        scrubber: Scrubber,
        *,
        call_timeout: float,
        modern: bool,
        ours: bool,
        left_out: list[str],
    ) -> None:
        """*left_out* is what *transport* adds to: a sentence for each thing in a list that could not be used."""
        self.name = name
        self._ours = ours
        self.on_offers_changed: Callable[[Offers], None] | None = None
        """Called with the new offers when the plugin changes what it offers."""
        self._host, self._scrubber, self._call_timeout = host, scrubber, call_timeout
        self._answers = Answers(name, host, scrubber)
        self._offers = Offers()
        self._left_out = left_out
        self._greeted = False
        """Whether the handshake is done."""
        self._version: str | None = None
        """Of the protocol, once it is agreed."""
        self._ended_by: Exception | None = None
        """What the client gave up for."""
        self._clocks: dict[asyncio.Timeout, Context] = {}
        """Of the calls under way, with the context that each was made in."""
        self._closing = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refresh: asyncio.Task[None] | None = None
        self._changed = False
        """Whether it has said that its offers changed, since it was asked last."""
        self._ending: asyncio.Task[None] | None = None
        features = ClientFeatures(name, host, scrubber, self._waiting_for_person, self._only_caller)
        callbacks: dict[str, Any] = {
            "sampling_callback": features.sampling,
            "list_roots_callback": features.roots,
            "elicitation_callback": features.elicitation,
            "logging_callback": features.log,
            "message_handler": self._noticed,
            "client_info": types.Implementation(name="dynamic-plugins", version="1"),
        }
        self._client = self._made_client(transport, callbacks, modern=modern)
        # It outlives whatever operation it is made in.
        self._task = asyncio.create_task(
            self._live(), name=f"connection to {name}", context=telemetry.detached_context()
        )

    def _made_client(self, transport: Transport, callbacks: dict[str, Any], *, modern: bool) -> AnyClient:
        if not modern:
            return HandshakeClient(transport, self._session_type, **callbacks)
        # It first asks an older server something that it does not know; nearly all are older.
        from mcp.client.client import Client

        return Client(transport, mode="auto", cache=None, **callbacks)

    # ---------------------------------------------------------------- what a subclass knows

    @property
    @abstractmethod
    def peer(self) -> Attributes:
        """How it is reached, as attributes of a span."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether a call can reach it now."""

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """Its process, where it has one here."""

    @abstractmethod
    def _not_alive(self, component: Component) -> PluginError:
        """Return why nothing can be called."""

    @abstractmethod
    def _late(self, seconds: float) -> PluginError:
        """Return why it has not started in time."""

    @abstractmethod
    async def _load_failure(self, error: Exception) -> PluginError:
        """Return why it has not started."""

    @abstractmethod
    async def _call_failure(
        self, component: Component, error: MCPError, arguments: dict[str, Any], begun: float
    ) -> Exception:
        """Return why a call that *begun* then failed."""

    @abstractmethod
    def _failure(self, component: Component, reason: str, arguments: dict[str, Any], begun: float) -> ActionError:
        """Return the error for a call that *begun* then and that the plugin says it failed, for its own *reason*."""

    @abstractmethod
    async def _end_peer(self, *, at_once: bool) -> None:
        """End what is at the other end, as far as that is ours to do."""

    # ---------------------------------------------------------------- what all have in common

    @property
    def offers(self) -> Offers:
        return self._offers

    async def open(self, seconds: float) -> None:
        """Wait until its components are known.

        Raises LoadError, PluginTimeoutError, and MCPError where it speaks only a newer protocol.
        """
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._ready)
        except TimeoutError:
            await self._end(at_once=True)
            raise self._late(seconds) from None
        except asyncio.CancelledError:
            await self._end(at_once=True)
            raise
        except PluginError:
            await self._end()
            raise
        except Exception as error:  # whatever the client makes of what a stranger sent: it did not start
            if isinstance(error, MCPError) and error.code == types.UNSUPPORTED_PROTOCOL_VERSION:
                await self._end()
                raise
            failure = await self._load_failure(error)
            await self._end()
            raise failure from None

    async def call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None = None,
    ) -> Any:
        """Call one component; see :meth:`dynamic_plugins.workers.components.Connection.call`."""
        if not self.alive:
            raise self._not_alive(component)
        method, target = request_for(component)
        with telemetry.plugin_call(self.name, method, target, self.peer, self._version) as span:
            return await self._call(component, arguments, progress, span)

    async def _call(
        self,
        component: Component,
        arguments: dict[str, Any],
        progress: Callable[[float | None, str], None] | None,
        span: Span,
    ) -> Any:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._call_timeout) as clock:
                self._clocks[clock] = copy_context()
                told = self._progress_callback(progress or self._host.progress, clock)
                value = await self._ask(component, arguments, told, span)
        except TimeoutError:
            await self._end_if_stuck()
            raise PluginTimeoutError(self.name, component.name, self._call_timeout) from None
        except MCPError as error:
            span.fail(str(error.code))
            span.set("rpc.response.status_code", str(error.code))
            raise await self._call_failure(component, error, arguments, begun) from None
        except ValidationError as error:
            reason = self._scrubber.text(f"its answer does not fit the protocol: {problem_in(error)}")
            raise ActionError(self.name, component.name, reason) from None
        except (RuntimeError, ValueError) as error:
            # What the client finds wrong with an answer: it does not fit the protocol or the tool's own schema.
            raise ActionError(self.name, component.name, self._scrubber.text(str(error))) from None
        finally:
            self._clocks.pop(clock, None)
        return self._scrubber.result(value)

    async def close(self) -> None:
        """End it: services stopped, process gone, memory given back. Safe to repeat; never raises."""
        await self._end()

    async def _live(self) -> None:
        try:
            async with self._client as client:
                self._greeted, self._version = True, client.protocol_version
                self._offers = await self._ask_offers(client)
                self._ready.set_result(None)
                self._begin_to_keep_up()
                await self._closing.wait()
        except Exception as error:  # open() waits for it, and tells it
            failure: Exception = error
            while isinstance(failure, ExceptionGroup):
                failure = failure.exceptions[0]
            self._ended_by = failure
            if not self._ready.done():
                self._ready.set_exception(failure)
        finally:
            if not self._ready.done():
                self._ready.set_exception(ConnectionError("closed"))

    async def _ask(self, component: Component, arguments: dict[str, Any], told: Any, span: Span) -> Any:
        begun = time.monotonic()
        address = component.address or component.name
        if component.address == READ:
            return await self._read(self._resource(component, arguments))
        if component.address == READ_BY_ADDRESS:
            return await self._read(str(arguments.get("uri")))
        if component.kind == "provider":
            return resource_text(await self._client.read_resource(address))
        if address.startswith(PROMPT):
            texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
            prompt = await self._client.get_prompt(address.removeprefix(PROMPT), texts)
            return await self._answers.value(prompt, prompt_value)
        result = await self._client.call_tool(address.removeprefix(TOOL), arguments, progress_callback=told)
        if result.is_error:
            span.fail("tool_error")
            reason = self._scrubber.text(text_of(result, self._scrubber.result))
            raise self._failure(component, reason, arguments, begun)
        if self._ours:
            return wrapped_value_of(result)
        if (schema := self._offers.result_schemas.get(component.name)) is not None:
            await self._answers.compare(component.name, result, schema)
        return await self._answers.value(result, value_of)

    async def _read(self, address: str) -> Any:
        return await self._answers.value(await self._client.read_resource(address), resource_text)

    def _progress_callback(self, progress: Callable[[float | None, str], None] | None, clock: asyncio.Timeout) -> Any:
        """Return what hears of a call's progress: who tells of it is not stuck, and gets more time, up to a limit."""
        loop = asyncio.get_running_loop()
        last = loop.time() + _MOST_EXTENDED * self._call_timeout

        async def report(done: float, total: float | None, message: str | None) -> None:
            if clock.when() is not None and not clock.expired():  # no time is counted while a person is asked
                clock.reschedule(min(loop.time() + self._call_timeout, last))
            if progress is not None:
                progress(done / total if total else None, self._scrubber.text(message or ""))

        return report

    def _resource(self, component: Component, arguments: dict[str, Any]) -> str:
        """Return the address of the resource that is asked for. Raises ActionError that names what there is."""
        known = {each.name: each.address for each in self._offers.of("provider")}
        if (address := known.get(str(arguments.get("resource")))) is None:
            raise ActionError(self.name, component.name, f"there is no such resource; there are: {', '.join(known)}")
        return address

    async def _end(self, *, at_once: bool = False) -> None:
        """Leave the client, then end the process; both, however often this is cancelled meanwhile.

        It is waited for in any case: of one that did not come to be used nobody else knows.
        """
        if not self._closing.is_set():
            self._closing.set()
            self._ending = asyncio.create_task(self._finish(at_once), name=f"end of {self.name}")
        if self._ending is not None:
            await to_the_end(self._ending)

    async def _finish(self, at_once: bool) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
        if not self._ready.done():
            self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):  # whatever stands in the way: the client is left all the same
            await self._end_peer(at_once=at_once)
        _, late = await asyncio.wait([self._task], timeout=_PING_SECONDS)
        for task in late:
            task.cancel()
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()  # looked at, so that nobody is warned of an error that open() has raised

    async def _end_if_stuck(self) -> None:
        """End a worker that does not even answer a ping; one that does goes on, the call itself was cancelled."""
        session = self._client.session
        try:
            async with asyncio.timeout(_PING_SECONDS):
                if session.initialize_result is not None:
                    await session.send_request(types.PingRequest(), types.EmptyResult)
                else:  # the newest protocol has no ping
                    await self._client.list_tools()
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                await self._end(at_once=True)
        except TimeoutError:
            await self._end(at_once=True)
        except (RuntimeError, ValueError):
            return  # an answer, if a bad one

    def _problem(self, error: Exception) -> str:
        """Return what is wrong with what it sent while it started."""
        if isinstance(error, RuntimeError) and not self._greeted:  # the version that it answers with
            return self._scrubber.text(f"{error} (known: {', '.join(HANDSHAKE_PROTOCOL_VERSIONS)})")
        problem = problem_in(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        return self._scrubber.text(f"it does not keep to the protocol: {problem}")

    def _only_caller(self) -> Context | None:
        """Return the context of the one call under way; None where there are several, or none."""
        return next(iter(self._clocks.values())) if len(self._clocks) == 1 else None

    @contextmanager
    def _waiting_for_person(self) -> Iterator[None]:
        """Keep the time that a person takes off the calls under way."""
        for clock in self._clocks:
            clock.reschedule(None)
        try:
            yield
        finally:
            ends = asyncio.get_running_loop().time() + self._call_timeout
            for clock in self._clocks:
                clock.reschedule(ends)

    async def _noticed(self, message: object) -> None:
        if isinstance(message, _LIST_CHANGED):
            self._changed = True
            if self._ready.done() and self.alive:
                self._begin_to_keep_up()

    def _begin_to_keep_up(self) -> None:
        if self._changed and (self._refresh is None or self._refresh.done()):
            self._refresh = asyncio.create_task(self._keep_up(), name=f"offers of {self.name}")

    async def _ask_offers(self, client: AnyClient) -> Offers:
        self._changed = False
        self._left_out.clear()
        offers = await offers_of(self.name, client, ours=self._ours, left_out=self._left_out.append)
        offers = replace(offers, left_out=tuple(self._left_out)).scrubbed(self._scrubber)
        if self._host.log is not None:
            for sentence in offers.left_out:
                self._host.log(self.name, sentence)
        return offers

    async def _keep_up(self) -> None:
        """Ask for what it offers until nothing more has changed, less and less often: some never stop saying so."""
        pause = _FIRST_PAUSE
        while self._changed:
            await self._ask_again()
            await asyncio.sleep(pause)  # it may say so only after it has answered: that counts as the same change
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _ask_again(self) -> None:
        try:
            async with asyncio.timeout(self._call_timeout):
                offers = await self._ask_offers(self._client)
        except (PluginError, MCPError, TimeoutError, RuntimeError, ValueError) as error:
            if self._host.log is not None:
                self._host.log(self.name, self._scrubber.text(f"its changed offers cannot be used: {error}"))
            return
        if offers != self._offers:
            self._offers = offers
            if self.on_offers_changed is not None:
                self.on_offers_changed(offers)
