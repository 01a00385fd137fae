"""``import``, ``export`` and ``connect``: other MCP clients' files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.clients.client import UnwritableError
from dynamic_plugins.clients.client_files import client_called, this_machine
from dynamic_plugins.clients.exporter import export as put_into
from dynamic_plugins.clients.exporter import own_server
from dynamic_plugins.clients.file_change import FileChange, read_document, read_text
from dynamic_plugins.errors import BadArgumentsError, DeclinedError, NeedsConfirmationError, UnavailableHereError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine, Sequence

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.exporter import Exported
    from dynamic_plugins.settings import Settings

OWN = ""
"""What ``--file`` without a name stands for: the client's own file."""


async def export(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``export``: print the installed MCP plugins in a client's form, or put them into its file."""
    client = client_called(arguments.client)
    path = None if arguments.file is None else _target(arguments.file, client, settings)
    document, _ = read_document(path, client) if path is not None else read_document(Path("-"), client)
    app = App(settings, door="terminal")
    made = put_into(app.store.read(), app.configuration, client, document)
    written = [each for each in made if each.server is not None]
    left = [each for each in made if each.server is None]
    if path is None:
        if out.as_json:
            out.document({"ok": True, "client": client.name, "text": document.text, "plugins": _export_document(made)})
        else:
            out.script(document.text.rstrip("\n"))
            _about_export(out, client, written, left)
        return DONE
    change = FileChange(path, read_text(path), document.text)
    backup = await _written(change, f"Write {len(written)} plugins into {path}?", arguments, app, out)
    more = {"plugins": _export_document(made)}
    if not out.as_json:
        _about_export(out, client, written, left)
    return _done(change, backup, client, out, more)


def _export_document(made: Sequence[Exported]) -> list[dict[str, Any]]:
    return [
        {"plugin": each.plugin, "server": each.server.name, "secrets": each.secrets}
        if each.server is not None
        else {"plugin": each.plugin, "reason": each.reason}
        for each in made
    ]


def _about_export(out: Output, client: Client, written: Sequence[Exported], left: Sequence[Exported]) -> None:
    for each in left:
        out.aside(f"{each.plugin} is left out: {each.reason}.")
    secrets = sorted({name for each in written for name in each.secrets})
    if secrets:
        out.aside(f"Placeholders stand for {', '.join(secrets)}: {client.title} has to be told these itself.")


async def connect(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``connect``: put this program's own entry into a client's file, or take it out again."""
    client = client_called(arguments.client)
    path = _connected_file(arguments, client, settings)
    document, _ = read_document(path, client)
    before = read_text(path)
    server = own_server(_own_command(), _own_home(arguments, settings))
    try:
        if arguments.remove:
            document.remove((*client.key, server.name))
        else:
            client.write(document, server, patient=True)
    except UnwritableError as error:
        raise UnavailableHereError(client.title, str(error)) from None
    except ValueError as error:
        raise BadArgumentsError(str(path), f"{error}. Nothing was changed") from None
    change = FileChange(path, before, document.text if document.data or before else before)
    verb = "Take dynamic-plugins out of" if arguments.remove else "Put dynamic-plugins into"
    backup = await _written(change, f"{verb} {path}?", arguments, App(settings, door="terminal"), out)
    return _done(change, backup, client, out, {"removed": arguments.remove})


def _connected_file(arguments: argparse.Namespace, client: Client, settings: Settings) -> Path:
    if not arguments.project:
        return _target(arguments.file or OWN, client, settings)
    return this_machine(settings.environment).writable_project_file(client)


def _target(said: str, client: Client, settings: Settings) -> Path:
    return this_machine(settings.environment).own_file(client) if said == OWN else Path(said).expanduser().absolute()


def _own_command() -> list[str]:
    """Return how this program is started: by its full path, since programs with a window have another ``PATH``."""
    here = Path(sys.argv[0])
    if here.stem == "dynamic-plugins" and here.is_file():
        return [str(here.absolute())]
    found = shutil.which("dynamic-plugins", path=str(Path(sys.executable).parent)) or shutil.which("dynamic-plugins")
    return [found] if found else [sys.executable, "-m", "dynamic_plugins"]


def _own_home(arguments: argparse.Namespace, settings: Settings) -> Path | None:
    """Return the home that the client is to use: the one of this command, where it was named."""
    return settings.home if arguments.home or settings.environment.get("DYNAMIC_PLUGINS_HOME") else None


async def _written(
    change: FileChange, question: str, arguments: argparse.Namespace, app: App, out: Output
) -> Path | None:
    """Show the change, ask, and write it; return where the copy of the old file lies.

    Raises DeclinedError, and NeedsConfirmationError where nobody can be asked.
    """
    if not change.is_change:
        return None
    for line in change.lines():
        out.aside(line)
    if arguments.dry_run:
        return None
    if not arguments.yes:
        if not prompts.at_a_terminal():
            raise NeedsConfirmationError(change.path.name, question)
        from dynamic_plugins.cli.screen import Screen

        with Screen(out) as screen:
            if not await prompts.agrees(question, screen):
                raise DeclinedError(str(change.path), "change")
    backup = change.write()
    app.audit.note("change a file", "dynamic-plugins", detail=str(change.path))
    return backup


def _done(change: FileChange, backup: Path | None, client: Client, out: Output, more: dict[str, Any]) -> int:
    written = change.is_change and read_text(change.path) == change.after
    if out.as_json:
        told = {"ok": True, "client": client.name, "file": str(change.path), "changed": written}
        out.document(told | ({"backup": str(backup)} if backup else {}) | more)
    elif not change.is_change:
        out.say(f"{change.path} is as it should be; nothing was changed.")
    elif written:
        out.say(f"{change.path} is written." + (f" What was there before is in {backup}." if backup else ""))
        out.say(f"{client.title} reads it when it starts again.")
    return DONE


async def import_servers(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``import``: make plugins of the servers in a client's file."""
    from dynamic_plugins.cli import import_command

    return await import_command.run(arguments, settings, out)


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {
    "import": import_servers,
    "export": export,
    "connect": connect,
}
