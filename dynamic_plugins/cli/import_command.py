"""``import``: what a client's file would become is shown, agreed to once, and installed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.approval import Answer
from dynamic_plugins.cli import prompts
from dynamic_plugins.cli.exit_codes import DONE, exit_code
from dynamic_plugins.cli.screen import Screen
from dynamic_plugins.clients.agent_plugins import AgentPlugins
from dynamic_plugins.clients.client_files import CLIENTS, client_called, client_named, this_machine
from dynamic_plugins.clients.file_change import FileChange, read_document, read_text
from dynamic_plugins.clients.import_plan import ImportPlan, ServerList
from dynamic_plugins.clients.importer import Importer, OneConsent
from dynamic_plugins.clients.mcp_servers_clients import ClaudeCode
from dynamic_plugins.clients.placeholders import Surroundings
from dynamic_plugins.core.status import status_in_words
from dynamic_plugins.errors import BadArgumentsError, DeclinedError, NeedsConfirmationError
from dynamic_plugins.install.skills import bundle_manifest
from dynamic_plugins.text.printable import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dynamic_plugins.approval import ApprovalRequest, Approve
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.clients.candidate import Candidate
    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.importer import Imported, MayTell
    from dynamic_plugins.settings import Settings


async def run(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """Run the command."""
    if arguments.source is None:
        return _overview(settings, out)
    bundle = _folder(arguments.source)
    lists = _of_bundle(bundle) if bundle is not None else _lists(arguments, settings)
    with Screen(out) as screen:
        approve = prompts.approver(arguments.yes, screen, allow_unlisted=arguments.allow_unlisted)
        async with App(settings, approve=approve, listener=screen.listen, door="terminal") as app:
            if not arguments.dry_run:
                app.sweep()
            around = Surroundings(settings.environment, this_machine(settings.environment).home)
            plan = ImportPlan(app.service, around, disabled=arguments.disabled)
            candidates = await plan.candidates(lists)
            candidates += _skills(plan, bundle)
            if not out.as_json:
                show(out, candidates, arguments)
            wanted = [each for each in candidates if each.state in ("new", "installed")]
            if arguments.dry_run or not wanted:
                return _planned(out, candidates, arguments)
            if any(each.told.secrets for each in wanted):
                await asyncio.to_thread(lambda: app.configuration.vault)  # before anything is installed
            done = await _import(app, wanted, approve, arguments, screen)
            code = _ended(out, candidates, done, arguments)
            await _take_secrets(app, lists, done, arguments, screen, out)
            return code


def _overview(settings: Settings, out: Output) -> int:
    """Show which clients' files there are, and how many servers they have."""
    here = this_machine(settings.environment)
    found = []
    for client in CLIENTS.values():
        for path in here.files(client):
            document, _ = read_document(path, client)
            found.append({"client": client.name, "file": str(path), "servers": len(_servers(client, document.data))})
    if out.as_json:
        out.document({"ok": True, "files": found})
        return DONE
    for each in found:
        out.say(f"{each['client']}: {each['servers']} servers in {each['file']}")
    if not found:
        out.say("No client's file was found here. Name one: dynamic-plugins import FILE")
    else:
        out.say("To see what one would become: dynamic-plugins import CLIENT --dry-run")
    return DONE


def _servers(client: Client, data: dict[str, Any], project: Path | None = None) -> list[Any]:
    return client.read(data, project) if isinstance(client, ClaudeCode) else client.read(data)


def _lists(arguments: argparse.Namespace, settings: Settings) -> list[ServerList]:
    """Return the servers of what was named: a client's files, or one file. Raises BadArgumentsError."""
    here = this_machine(settings.environment)
    client = client_named(arguments.source) if not Path(arguments.source).exists() else None
    if client is None:
        path = Path(arguments.source).expanduser().absolute()
        if not path.exists() and arguments.form is None and path.suffix == "":
            client_called(arguments.source)  # which says what clients there are
        form = client_called(arguments.form) if arguments.form else None
        document, client = read_document(path, form)
        servers = tuple(_servers(client, document.data, here.folder))
        own = path in {here.own_file(each) for each in CLIENTS.values()}
        return [ServerList(client, path, servers, _project_of(path), own)]
    lists = []
    for path in here.files(client):
        document, _ = read_document(path, client)
        servers = tuple(_servers(client, document.data, here.folder))
        lists.append(ServerList(client, path, servers, here.folder, path == here.own_file(client)))
    if not lists:
        absent = f"there is no {here.own_file(client)}. Name the file: dynamic-plugins import FILE"
        raise BadArgumentsError(client.title, absent)
    return lists


def _folder(said: str) -> Path | None:
    """Return the folder that *said* names; None where it is another thing."""
    path = Path(said).expanduser().absolute()
    return path if path.is_dir() else None


def _skills(plan: ImportPlan, folder: Path | None) -> list[Candidate]:
    if folder is None or not ((folder / "SKILL.md").exists() or (folder / "skills").is_dir()):
        return []
    return [plan.skills(folder)]


def _of_bundle(folder: Path) -> list[ServerList]:
    """Return the servers of an Agent Plugins bundle; none of a folder that is a skill. Raises BadArgumentsError."""
    if (folder / "SKILL.md").exists() and not (folder / "plugin.json").exists():
        return []
    path = folder / "mcp.json"
    if not (folder / "plugin.json").exists():
        raise BadArgumentsError(str(folder), "there is neither a plugin.json nor a SKILL.md in it")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadArgumentsError(str(folder), "its mcp.json leads out of the folder")
    try:
        bundle_manifest(folder)
        if not path.exists():
            return []
        document, client = read_document(path, AgentPlugins())
        servers = tuple(client.read(document.data))
    except (OSError, ValueError) as error:
        raise BadArgumentsError(str(folder), f"it is no bundle that can be imported: {error}") from None
    return [ServerList(client, path, servers, folder)]


def _project_of(path: Path) -> Path:
    """Return the folder that placeholders call the workspace, for a file in it or in a folder such as ``.vscode``."""
    return path.parent.parent if path.parent.name.startswith(".") else path.parent


async def _import(
    app: App, wanted: Sequence[Candidate], approve: Approve | None, arguments: argparse.Namespace, screen: Screen
) -> list[Imported]:
    importer = Importer(
        app.service,
        _teller(arguments, screen),
        app.settings.home / "imports",
        activate=arguments.activate,
        listed_only=arguments.yes and not arguments.allow_unlisted,
    )
    if arguments.yes or approve is None:
        return await importer.run(wanted, None)
    consent = OneConsent(
        _asker(screen, activate=arguments.activate), _alone(approve, lambda: consent.asked), len(wanted)
    )
    app.service.approve = consent
    return await importer.run(wanted, consent)


def _asker(screen: Screen, *, activate: bool) -> Any:
    async def ask(requests: Sequence[ApprovalRequest]) -> bool | Answer:
        async with AsyncExitStack() as held:
            await held.enter_async_context(screen.asking())
            for request in requests:
                prompts.show_facts(request, screen)
        count = f"these {len(requests)} plugins" if len(requests) > 1 else f"{requests[0].name} {requests[0].version}"
        then = ", and switch them on" if activate else ""
        return await prompts.agrees(f"Install {count}{then}?", screen)

    return ask


def _teller(arguments: argparse.Namespace, screen: Screen) -> MayTell:
    async def may_tell(candidate: Candidate, values: Mapping[str, str]) -> None:
        said = ", ".join(name if name in candidate.told.secrets else f"{name}={values[name]}" for name in values)
        question = f"Tell {candidate.plugin}, which is installed already, what {candidate.file} has: {said}?"
        if arguments.yes:
            return
        if screen.out.as_json or not prompts.at_a_terminal():
            raise NeedsConfirmationError(candidate.plugin, question)
        if not await prompts.agrees(question, screen):
            raise DeclinedError(candidate.plugin, "configure")

    return may_tell


def _alone(approve: Approve, asked: Callable[[], Collection[str]]) -> Approve:
    async def ask(request: ApprovalRequest) -> bool | Answer:
        # The question was whether they are switched on, too; what has changed meanwhile is another one.
        if request.verb == "activate" and not request.changes and request.name in asked():
            return Answer.BEFOREHAND
        return await approve(request)

    return ask


def show(out: Output, candidates: Sequence[Candidate], arguments: argparse.Namespace) -> None:
    """Show what would become of each server, file by file."""
    for path in dict.fromkeys(each.file for each in candidates):
        mine = [each for each in candidates if each.file == path]
        out.say(f"{path} ({mine[0].client}): {len(mine)} {'server' if len(mine) == 1 else 'servers'}")
        for each in mine:
            for line in _lines(each, disabled=arguments.disabled):
                out.say(visible(f"  {line}"))  # it is what a person agrees to: a line each, and nothing unseen
    if not candidates:
        out.say("There are no servers in it.")


def _lines(each: Candidate, *, disabled: bool) -> list[str]:
    name = each.server.name
    if each.state == "refused":
        return [f"{name}: cannot be imported: {each.reason}."]
    if each.state == "disabled" and not disabled:
        return [f"{name}: switched off in {each.client}. It is imported with --disabled."]
    if each.state == "same":
        return [f"{name}: {each.reason}."]
    listed = "listed" if each.is_listed else "listed in no registry" if each.folder is None else "on this machine"
    here = "is installed already as" if each.state == "installed" else "becomes"
    lines = [f"{name}: {here} {each.plugin} ({each.origin}, {listed})"]
    told = each.told
    plain = ", ".join(f"{key}={value}" for key, value in sorted(told.plain.items()))
    lines += [f"    told     {plain}"] if plain else []
    lines += [f"    secret   {', '.join(sorted(told.secrets))}"] if told.secrets else []
    lines += [f"    from     your environment: {said} as {key}" for key, said in told.environment.items()]
    lines += [f"    missing  {key}: {why}" for key, why in told.missing.items()]
    return lines + [f"    note     {note}" for note in (*each.notes, *told.notes)]


def _planned(out: Output, candidates: Sequence[Candidate], arguments: argparse.Namespace) -> int:
    if out.as_json:
        told = [each.to_dict() for each in candidates]
        out.document({"ok": True, "dry_run": bool(arguments.dry_run), "servers": told})
    elif arguments.dry_run:
        out.say("Nothing was installed or changed.")
    return DONE


def _ended(
    out: Output, candidates: Sequence[Candidate], done: Sequence[Imported], arguments: argparse.Namespace
) -> int:
    failed = [each.error for each in done if each.error is not None]
    if out.as_json:
        tried = {id(each.candidate) for each in done}
        left = [each.to_dict() for each in candidates if id(each) not in tried]
        out.document({"ok": not failed, "servers": [*(each.to_dict() for each in done), *left]})
    else:
        for each in done:
            _say(out, each)
        ready = [each.candidate.plugin for each in done if each.outcome is not None]
        if ready and not arguments.activate:
            out.say(f"Switch on what you want to use: dynamic-plugins activate {' '.join(ready)}")
    return exit_code(failed[0].code) if failed else DONE


def _say(out: Output, each: Imported) -> None:
    if each.error is not None:
        out.failure(each.error)
    elif each.outcome is not None:
        info, missing = each.outcome.info, [v.name for v in each.outcome.info.required_env_vars if not v.is_set]
        said = "is installed" if each.outcome.changed else "was installed already"
        needs = f" It needs {', '.join(missing)}: dynamic-plugins configure {info.name}" if missing else ""
        out.say(f"{info.name} {info.version} {said}: {status_in_words(info.status)}.{needs}")


async def _take_secrets(
    app: App,
    lists: Sequence[ServerList],
    done: Sequence[Imported],
    arguments: argparse.Namespace,
    screen: Screen,
    out: Output,
) -> None:
    """Take the secrets that are in the vault now out of the files, where the person wants it."""
    for each in lists:
        if isinstance(each.client, AgentPlugins):
            continue  # it is its author's, and holds nobody's secrets
        imported = [one.candidate for one in done if one.error is None and one.candidate.file == each.file]
        mine = [candidate for candidate in imported if candidate.told.places]
        if not mine:
            continue
        document, _ = read_document(each.file, each.client)
        for candidate in mine:
            for where, name in candidate.told.places:
                each.client.take_out(document, candidate.server.path, where, name)
        secrets = [value for candidate in mine for value in candidate.told.secrets.values()]
        change = FileChange(each.file, read_text(each.file), document.text)
        if change.is_change and await _wants(change, secrets, each, arguments, screen, out):
            backup = change.write()
            app.audit.note("change a file", "dynamic-plugins", detail=str(each.file))
            out.aside(
                f"The secrets are out of {each.file}. A copy with them is in {backup}: delete it once "
                f"{each.client.title} works without them."
            )


async def _wants(
    change: FileChange,
    secrets: Sequence[str],
    of: ServerList,
    arguments: argparse.Namespace,
    screen: Screen,
    out: Output,
) -> bool:
    if arguments.take_secrets:
        return True
    if arguments.yes or not prompts.at_a_terminal():
        out.aside(f"The secrets stand in {of.file} still. With --take-secrets they are taken out of it, too.")
        return False
    for line in change.lines(secrets):
        out.aside(line)
    return await prompts.agrees(f"Take the secrets out of {of.file}? {of.client.title} will ask you for them.", screen)
