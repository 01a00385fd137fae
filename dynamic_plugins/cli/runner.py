"""Running one command: settings, the application, and what is printed when something goes wrong."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

from dynamic_plugins.cli.output import FAILED, USAGE, Output
from dynamic_plugins.errors import PluginError
from dynamic_plugins.settings import Settings
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine
    from typing import Any

    Command = Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]

INTERRUPTED = 130


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    out = Output(as_json=arguments.json)
    logging.basicConfig(level=logging.INFO if arguments.verbose else logging.ERROR, handlers=[_log()])
    try:
        settings = Settings.from_environment(
            home=arguments.home,
            registries=tuple(arguments.registry),
            model=getattr(arguments, "model", None),
            base_url=getattr(arguments, "base_url", None),
        )
    except ValueError as error:
        out.aside(str(error))
        return USAGE
    try:
        return _dispatch(arguments, settings, out)
    except PluginError as error:
        return out.failure(error)
    except KeyboardInterrupt:
        out.aside("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED  # the reader went away; there is nobody left to tell
    except OSError as error:
        if arguments.verbose:
            raise
        out.aside(f"{settings.home}: {error.strerror or error} ({error.filename or 'no file'})")
        return FAILED


def _log() -> logging.Handler:
    """Return what writes the log to standard error; a plugin's lines are in it, so they are made harmless."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Harmless(logging.BASIC_FORMAT))
    return handler


class _Harmless(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _dispatch(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    # What is loaded stays: it is not looked through for garbage while it is loaded, nor ever after.
    gc.disable()
    try:
        import asyncio

        command = _command(arguments.command)
    finally:
        gc.freeze()
        gc.enable()
    return asyncio.run(command(arguments, settings, out))


def _command(name: str) -> Command:
    if name in {"ask", "chat"}:
        from dynamic_plugins.cli import chat_commands

        return chat_commands.COMMANDS[name]
    if name in {"mcp", "serve-model"}:
        from dynamic_plugins.cli import serve_commands

        return serve_commands.COMMANDS[name]
    from dynamic_plugins.cli import commands

    return commands.COMMANDS[name]
