"""How many calls of one tenant are under way in its process, also those whose client has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.shared.exceptions import MCPError

from dynamic_plugins.gateway.rate_limits import REFUSED, OverRateError, TenantGate

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

    from dynamic_plugins.gateway.tenants_file import TenantLimits


class CallsAtOnce:
    """Middleware of an MCP server: it refuses a call where as many as *limits* allow are under way.

    The gateway sees requests. Whoever leaves in the middle of one ends it, and by the protocol the call goes on: it is
    counted here until it has ended.
    """

    def __init__(self, limits: TenantLimits) -> None:
        self._gate = TenantGate(limits)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        try:
            with self._gate.running(1):
                return await call_next(ctx)
        except OverRateError as error:
            raise MCPError(REFUSED, str(error), error.facts()) from None
