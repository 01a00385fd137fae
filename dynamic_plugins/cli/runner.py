"""Running one command: settings, the application, and what is printed when something goes wrong."""

from __future__ import annotations

import gc
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.cli.exit_codes import FAILED, INTERRUPTED
from dynamic_plugins.cli.output import NO_TERMINAL, Output, has_terminal
from dynamic_plugins.errors import PluginError, StateError
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.saved_model import with_saved_model
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine
    from typing import Any

    Command = Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]

HOLD_SECRETS = {"chat", "mcp", "serve-model", "web"}
"""Commands that run for long with secrets in memory."""
FOR_PROGRAMS = {"completion", "export", "mcp", "serve-model", "tools", "web"}
"""Commands that serve or print for programs, with --json or without: they need no terminal."""


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    out = Output(as_json=arguments.json)
    if not (arguments.json or arguments.command in FOR_PROGRAMS or has_terminal()):
        out.aside(NO_TERMINAL)  # before anything is done, not in the middle of it
        return FAILED
    logging.basicConfig(level=logging.INFO if arguments.verbose else logging.ERROR, handlers=[_log()])
    try:
        settings = Settings.from_environment(
            home=arguments.home,
            profile=arguments.profile,
            registries=tuple(arguments.registry),
            model=getattr(arguments, "model", None),
            base_url=getattr(arguments, "base_url", None),
            take_passphrase=True,
        )
    except ValueError as error:
        return out.wrong_usage(str(error))
    if getattr(arguments, "code_mode", False):
        settings = replace(settings, code_mode=True)
    if arguments.command in HOLD_SECRETS:
        from dynamic_plugins.core.host_process import keep_memory_private

        keep_memory_private()
    try:
        return _dispatch(arguments, with_saved_model(settings), out)
    except PluginError as error:
        return out.failure(error)
    except KeyboardInterrupt:
        out.aside("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        if arguments.verbose:
            raise
        return out.failure(_of_system(error, settings.home))


def _of_system(error: OSError, home: Path) -> PluginError:
    """Return what the system refused: most often the home folder is not ours to write to, or its disk is full."""
    text = f"{home}: {error.strerror or error} ({error.filename or 'no file'})"
    at_home = Path(os.fsdecode(error.filename)).is_relative_to(home) if error.filename else False
    return StateError(text) if at_home else PluginError(text)


def _log() -> logging.Handler:
    """Return what writes the log to standard error; a plugin's lines are in it, so they are made harmless."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Harmless(logging.BASIC_FORMAT))
    return handler


class _Harmless(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _dispatch(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    from dynamic_plugins.core.light_import import take_process

    take_process()
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
    if name in {"import", "export", "connect"}:
        from dynamic_plugins.cli import client_commands

        return client_commands.COMMANDS[name]
    if name == "completion":
        from dynamic_plugins.cli.completion_command import completion

        return completion
    if name == "model":
        from dynamic_plugins.cli import model_commands

        return model_commands.COMMANDS[name]
    if name == "profile":
        from dynamic_plugins.cli.profile_commands import profile

        return profile
    if name in {"outdated", "update", "rollback", "pin", "unpin"}:
        from dynamic_plugins.cli import version_commands

        return version_commands.COMMANDS[name]
    if name in {"login", "logout"}:
        from dynamic_plugins.cli import sign_in_commands

        return sign_in_commands.COMMANDS[name]
    if name in {"init", "lock", "sync"}:
        from dynamic_plugins.cli import project_commands

        return project_commands.COMMANDS[name]
    if name == "tenants":
        from dynamic_plugins.cli.tenant_commands import tenants

        return tenants
    if name in {"mcp", "serve-model", "web"}:
        from dynamic_plugins.cli import serve_commands

        return serve_commands.COMMANDS[name]
    from dynamic_plugins.cli import commands

    return commands.COMMANDS[name]
