"""The commands that serve: this home's plugins for any MCP client, the embedded model as an endpoint, and the page."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.cli.exit_codes import DONE, FAILED
from dynamic_plugins.core.light_import import models_made_when_used, postpone, without_collection
from dynamic_plugins.errors import PluginError, UsageError
from dynamic_plugins.settings import LOOPBACK

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from typing import Any

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.integrations.mcp_server import PluginServer
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.web.site import Site


async def mcp(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``mcp``: serve MCP clients, over standard input and output or over HTTP on 127.0.0.1."""
    if arguments.tenants is not None:
        return await _gateway(arguments, settings, out)
    postpone("mcp", "mcp.client", "mcp.server")
    with without_collection(), models_made_when_used():
        from dynamic_plugins.integrations.mcp_server import opened
    gc.freeze()  # what is loaded stays: no collection looks through it while calls wait

    command = ["dynamic-plugins", *(["--home", str(settings.home)] if arguments.home else [])]
    agreed = {"allow_installs": arguments.allow_installs, "allow_unlisted": arguments.allow_unlisted}
    try:
        async with opened(settings, command=command, **agreed) as (app, server):
            if (programs := app.toolbox.programs) is not None and programs.unfenced:
                out.aside(f"What models write runs without a fence: {programs.unfenced}.")
            if arguments.http:
                return await _http(server, arguments.port, _token(arguments, settings), settings, out)
            return await _stdio(server, app)
    except PluginError as error:
        # Even with --json: standard output is the protocol's.
        out.aside(f"{error.code}: {error.for_person()}")
        return FAILED


async def _gateway(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    from dynamic_plugins.cli.tenant_commands import gateway, wrong_options

    if (wrong := wrong_options(arguments)) is not None:
        return out.wrong_usage(wrong)
    if (listening := _listening(LOOPBACK, arguments.port, out)) is None:
        return FAILED
    stop = asyncio.Event()
    with listening, _on_signal(stop.set):
        return await gateway(arguments, listening, stop, settings, out)


def _token(arguments: argparse.Namespace, settings: Settings) -> str | None:
    """Return the token that clients bring: the configured one, or a new one; None where none is wanted."""
    return None if arguments.no_token else settings.mcp_token or secrets.token_urlsafe(32)


async def _http(server: PluginServer, port: int, token: str | None, settings: Settings, out: Output) -> int:
    from dynamic_plugins.integrations.mcp_server import PATH, serve_http

    if (listening := _listening(LOOPBACK, port, out)) is None:
        return FAILED
    stop = asyncio.Event()
    with listening, _on_signal(stop.set):
        guarded = " to those who bring the token" if token else ""
        out.aside(f"MCP is served at http://{LOOPBACK}:{listening.getsockname()[1]}{PATH}{guarded} (Ctrl-C ends it).")
        if token and token != settings.mcp_token:
            out.aside(f"Clients send the header  Authorization: Bearer {token}")
        await serve_http(server, listening, stop, token)
    return DONE


async def serve_model(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``serve-model``: the embedded model as an OpenAI-compatible endpoint on 127.0.0.1."""
    from dynamic_plugins.embedded.serving.http_endpoint import serve

    app = App(settings)
    if (listening := _listening(LOOPBACK, arguments.port, out)) is None:
        return FAILED
    stop = asyncio.Event()
    with listening, _on_signal(stop.set):
        # Told once it listens: who reads this connects at once.
        address = f"http://{LOOPBACK}:{listening.getsockname()[1]}/v1"
        out.aside(f"The embedded model answers at {address} (Ctrl-C ends it).")
        await serve(app.catalogue, listening, stop)
    return DONE


async def web(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``web``: the page for people."""
    if find_spec("jinja2") is None:
        out.aside("This command needs the extra web: pip install 'agent-dynamic-plugins[web]'")
        return FAILED
    token = _operators_token(arguments.token_file)
    if (wrong := _wrong_address(arguments.host, token)) is not None:
        return out.wrong_usage(wrong)
    if (listening := _listening(arguments.host, arguments.port, out)) is None:
        return FAILED
    stop = asyncio.Event()
    with listening, _on_signal(stop.set):
        await _serve_web(listening, token, stop, settings, out)
    return DONE


async def _serve_web(
    listening: socket.socket, token: str | None, stop: asyncio.Event, settings: Settings, out: Output
) -> None:
    from dynamic_plugins.web.access import AccessKey
    from dynamic_plugins.web.web_server import serve_web

    host, port = listening.getsockname()[:2]
    key = AccessKey(f"{host}:{port}", token) if token else AccessKey(f"{host}:{port}")

    def announce() -> None:
        if token:
            out.aside(f"Open {key.address} and enter your token (Ctrl-C ends the page).")
        else:
            out.aside(f"Open {key.first_address} (Ctrl-C ends the page).")
        if host != LOOPBACK:
            out.aside(_NOT_LOOPBACK)

    async with site_of(settings) as site:
        site.app.sweep()
        await serve_web(site, key, listening, stop, announce)


@contextlib.asynccontextmanager
async def site_of(settings: Settings) -> AsyncIterator[Site]:
    """Open the application of a home for its page: what the application asks, the page shows and answers."""
    from dynamic_plugins.web.operations import Operations
    from dynamic_plugins.web.site import Site
    from dynamic_plugins.web.worker_lines import WorkerLines

    operations, lines = Operations(), WorkerLines()
    async with App(
        settings,
        approve=operations.approve,
        ask_sign_in=operations.ask_sign_in,
        listener=operations.listen,
        door="web",
        log_line=lines.add,
    ) as app:
        yield Site(app, operations, lines)


_NOT_LOOPBACK = (
    "Others can reach this address: whoever has the token manages your plugins and enters "
    "your secrets, and as it is plain HTTP, whoever is on the way reads along. Put it behind something that encrypts."
)
SHORTEST_TOKEN = 16


def _operators_token(path: str | None) -> str | None:
    """Return the token in the file at *path*.

    Raises UsageError for one that cannot be read, or is too short to keep anybody out.
    """
    if path is None:
        return None
    try:
        token = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"The token in {path} cannot be read ({why}).") from None
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(f"The token in {path} must have at least {SHORTEST_TOKEN} characters.")
    return token


def _wrong_address(host: str, token: str | None) -> str | None:
    """Return why the page cannot be served at *host*; None where it can."""
    if host == LOOPBACK:
        return None
    if token is None:
        return f"--host {host} can be reached from elsewhere: give --token-file with a token of your own."
    try:
        address = ip_address(host)
    except ValueError:
        return f"--host takes an IPv4 address, not {host}."
    if address.version != 4 or address.is_unspecified:
        return "--host takes one IPv4 address of this machine, since a page is only shown under the address it has."
    return None


def _listening(host: str, port: int, out: Output) -> socket.socket | None:
    """Return a socket that listens; None, and *out* has said why, where it cannot."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        out.aside(f"Port {port} cannot be used ({error.strerror}). Name another one with --port, or 0 for any.")
        return None


async def _stdio(server: PluginServer, app: App) -> int:
    from dynamic_plugins.integrations.mcp_server import serve_stdio

    ending: list[asyncio.Task[None]] = []

    async def end() -> None:
        await server.stop()
        await app.service.close()
        # A thread is blocked reading standard input, and nothing but its closing would end it.
        os._exit(DONE)

    with _on_signal(lambda: ending.append(asyncio.create_task(end()))):
        await serve_stdio(server)
    return DONE


@contextlib.contextmanager
def _on_signal(act: Callable[[], object]) -> Iterator[None]:
    """Call *act* in place of dying at once, so that the plugins' workers are ended in good order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "mcp": mcp,
    "serve-model": serve_model,
    "web": web,
}
