"""One tenant's process: the MCP server of its home, on a socket that the gateway holds the other end of.

usage: python -m dynamic_plugins.gateway.tenant_server ORDER

ORDER is a ``TenantOrder`` as JSON; settings come from the environment. It writes a line to standard output once it
serves, and ends when its standard input does: with the gateway, however that ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from dynamic_plugins.core.host_process import keep_memory_private
from dynamic_plugins.gateway.tenant_order import HOST, READY, TenantOrder
from dynamic_plugins.integrations.mcp_server import opened, serve_http
from dynamic_plugins.settings import Settings


def main(word: str) -> int:
    """Serve as *word*, an order, says, until standard input ends."""
    keep_memory_private()
    order = TenantOrder.from_json(word)
    settings = Settings.from_environment(registries=order.registries, take_passphrase=True)
    asyncio.run(_serve(order, settings))
    return 0


async def _serve(order: TenantOrder, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), _at_end, stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    # The tenant is told the operator's command: it has no terminal on this machine.
    command = ["dynamic-plugins", "tenants", "run", order.tenant, "--"]
    agreed = {"allow_installs": order.allow_installs, "allow_unlisted": order.allow_unlisted}
    with socket.socket(fileno=order.descriptor) as listening:
        async with opened(settings, command=command, **agreed) as (_, server):
            os.write(1, READY)
            os.dup2(2, 1)
            await serve_http(server, listening, stop, settings.mcp_token, [HOST])


def _at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 64):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
