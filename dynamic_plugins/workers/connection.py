"""A plugin that runs in a worker, as its host sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from dynamic_plugins.errors import ActionError, LoadError, OtherVersionError, PluginTimeoutError, WorkerDiedError
from dynamic_plugins.workers.handshake_client import PipeSession
from dynamic_plugins.workers.mcp_connection import McpConnection
from dynamic_plugins.workers.process import error_in
from dynamic_plugins.workers.transport import ProcessTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.core.spans import Attributes
    from dynamic_plugins.errors import PluginError
    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.workers.components import Component, Host
    from dynamic_plugins.workers.process import WorkerProcess
    from dynamic_plugins.workers.refusals import Refusals


class WorkerConnection(McpConnection):
    """A connection to a worker process, which ends with it."""

    _session_type = PipeSession

    def __init__(
        self,
        name: str,
        process: WorkerProcess,
        host: Host,
        scrubber: Scrubber,
        refusals: Refusals,
        *,
        call_timeout: float,
        grace: float,
        modern: bool,
        ours: bool,
        version: str | None = None,
        hint: Callable[[str], str] = lambda _: "",
    ) -> None:
        """*hint* gives what else a person should know of a call that failed for a reason."""
        self._process, self._refusals, self._grace, self._hint = process, refusals, grace, hint
        left_out: list[str] = []
        transport = ProcessTransport(process, None if ours else left_out.append, version)
        super().__init__(
            name, transport, host, scrubber, call_timeout=call_timeout, modern=modern, ours=ours, left_out=left_out
        )

    @property
    def peer(self) -> Attributes:
        return {"network.transport": "pipe"}

    @property
    def alive(self) -> bool:
        return self._process.alive and not self._closing.is_set()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def _not_alive(self, component: Component) -> PluginError:
        return WorkerDiedError(self.name, component.name, "its process is not running")

    def _late(self, seconds: float) -> PluginError:
        # A server that waits for something else, such as calls over HTTP, says so.
        reason = self._scrubber.text(error_in(self._process.stderr))
        return PluginTimeoutError(self.name, "starting", seconds, reason)

    async def _call_failure(
        self, component: Component, error: MCPError, arguments: dict[str, Any], begun: float
    ) -> Exception:
        if error.code == types.CONNECTION_CLOSED or not self.alive:
            reason = await self._exit_reason("its process ended")
            return WorkerDiedError(self.name, component.name, self._with_hint(reason))
        return self._failure(component, self._answers.reason(error), arguments, begun)

    def _failure(self, component: Component, reason: str, arguments: dict[str, Any], begun: float) -> ActionError:
        """Return why a call that *begun* then failed: what it was refused, or the plugin's own *reason*."""
        hosts = self._process.refused_since(begun)
        refused = self._refusals.error(component.name, reason, arguments, hosts, reads=bool(component.read_only))
        return refused or ActionError(self.name, component.name, self._with_hint(reason))

    def _with_hint(self, reason: str) -> str:
        hint = self._hint(reason)
        return f"{reason.rstrip('.')}. {hint}" if hint else reason

    def last_words(self) -> str:
        """Return the last error, or the last lines, that it wrote outside the protocol; empty where it wrote none."""
        return self._scrubber.text(error_in(self._process.stderr))

    async def _end_peer(self, *, at_once: bool) -> None:
        await self._process.end(0 if at_once else self._grace)

    async def _load_failure(self, error: Exception) -> PluginError:
        if isinstance(error, MCPError) and error.code != types.CONNECTION_CLOSED:
            kind = OtherVersionError if not self._greeted and _is_of_version(error) else LoadError
            return kind(self.name, self._scrubber.text(error.message))
        if isinstance(error, MCPError | ConnectionError):
            return LoadError(self.name, await self._exit_reason("its process ended while it started"))
        return LoadError(self.name, self._problem(error))

    async def _exit_reason(self, event: str) -> str:
        await self._process.gone(1.0)
        status = self._process.returncode
        how = "" if status is None else f" (signal {-status})" if status < 0 else f" (exit status {status})"
        error = error_in(self._process.stderr)
        return self._scrubber.text(f"{event}{how}" + (f": {error}" if error else ""))


def _is_of_version(error: MCPError) -> bool:
    return error.code == types.INVALID_PARAMS or re.search(r"version|protocol", error.message, re.I) is not None
