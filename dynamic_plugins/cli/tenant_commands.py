"""``tenants``: who is served by a gateway, each with a token, a home and limits; and the gateway itself."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dynamic_plugins.cli import prompts, render
from dynamic_plugins.cli.exit_codes import DONE, FAILED
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError, TenantsFileError
from dynamic_plugins.gateway.tenant_home import environment, make_home, overlaps, problems
from dynamic_plugins.gateway.tenants_file import (
    FILE,
    Tenant,
    TenantLimits,
    TenantsFile,
    check_name,
    digest_of,
    new_token,
)

if TYPE_CHECKING:
    import argparse
    import asyncio
    import socket

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.settings import Settings


async def tenants(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``tenants``: what the verb says."""
    file = tenants_file(arguments.tenants, settings)
    if arguments.verb == "list":
        return _list(file, out)
    if arguments.name is None:
        return out.wrong_usage(f"tenants {arguments.verb} goes with one NAME.")
    if arguments.verb == "run":
        if not arguments.words:
            return out.wrong_usage("Name the command behind --, as in: dynamic-plugins tenants run NAME -- status")
        _become(file.get(arguments.name), arguments.words, settings)
    if arguments.words:
        return out.wrong_usage(f"tenants {arguments.verb} goes with one NAME, and what else it takes begins with --.")
    return await _VERBS[arguments.verb](file, arguments, settings, out)


def tenants_file(path: str | None, settings: Settings) -> TenantsFile:
    """Return the file that *path* names, or the one in the home."""
    return TenantsFile(_absolute(path) or settings.home / FILE)


def _absolute(path: str | None) -> Path | None:
    return Path(path).expanduser().absolute() if path else None


def _limits(arguments: argparse.Namespace) -> dict[str, int]:
    told = {each.name: getattr(arguments, each.name) for each in fields(TenantLimits)}
    return {name: value for name, value in told.items() if value is not None}


async def _add(file: TenantsFile, arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    name, token = check_name(arguments.name), new_token()
    home = _absolute(arguments.folder) or file.default_home(name)
    tenant = Tenant(name, home, digest_of(token), TenantLimits(**_limits(arguments)), _absolute(arguments.policy))
    others = [each for each in file.read().values() if each.name != name]
    # Before the folder is made, and when it is there.
    for look in (overlaps, problems):
        if problem := look([*others, tenant], settings.home).get(name):
            raise TenantsFileError(str(file.path), f"{name} was not added: {problem}")
        make_home(home, tenant.policy)
    file.add(tenant)
    _report(out, tenant, token, f"{name} is a tenant now, with the home {home}.")
    return DONE


async def _rotate(file: TenantsFile, arguments: argparse.Namespace, _settings: Settings, out: Output) -> int:
    token = new_token()
    tenant = file.change(arguments.name, token=digest_of(token))
    _report(out, tenant, token, f"{tenant.name} has a new token; the old one opens nothing any more.")
    return DONE


async def _set(file: TenantsFile, arguments: argparse.Namespace, _settings: Settings, out: Output) -> int:
    if not (limits := _limits(arguments)):
        return out.wrong_usage("tenants set changes limits: name one, such as --calls-per-minute 60.")
    tenant = file.change(arguments.name, **limits)
    _report(out, tenant, None, f"The limits of {tenant.name} are changed; what it has under way is ended.")
    return DONE


async def _remove(file: TenantsFile, arguments: argparse.Namespace, _settings: Settings, out: Output) -> int:
    tenant = file.get(arguments.name)
    question = f"Remove the tenant {tenant.name}? Its token opens nothing then, and what it has under way is ended."
    if not arguments.yes:
        if not prompts.at_a_terminal():
            raise NeedsConfirmationError(tenant.name, question)
        from dynamic_plugins.cli.screen import Screen

        with Screen(out) as screen:
            if not await prompts.agrees(question, screen):
                raise DeclinedError(tenant.name, "remove")
    file.remove(tenant.name)
    _report(out, tenant, None, f"{tenant.name} is no tenant any more. Its home stays: {tenant.home}")
    return DONE


_VERBS = {"add": _add, "rotate": _rotate, "set": _set, "remove": _remove}


def _report(out: Output, tenant: Tenant, token: str | None, sentence: str) -> None:
    if out.as_json:
        out.document({"ok": True, **tenant.to_dict(), **({"token": token} if token else {})})
        return
    out.say(sentence)
    if token:
        out.say("Its clients send the header below. It is shown this once and kept nowhere:")
        out.say(f"Authorization: Bearer {token}")


def _list(file: TenantsFile, out: Output) -> int:
    found = list(file.read().values())
    if out.as_json:
        out.document({"ok": True, "file": str(file.path), "tenants": [each.to_dict() for each in found]})
    elif not found:
        out.say("There are no tenants yet. Add one with: dynamic-plugins tenants add NAME")
    else:
        names = [each.name for each in fields(TenantLimits)]
        rows = [(each.name, *(str(asdict(each.limits)[name]) for name in names), str(each.home)) for each in found]
        render.table(out, ("tenant", *(name.replace("_", " ") for name in names), "home"), rows)
    return DONE


def _become(tenant: Tenant, words: list[str], settings: Settings) -> NoReturn:
    """Run a command on the home of *tenant*, as its process would be: this process becomes that command."""
    own = environment(tenant, settings.environment, settings.passphrase, settings.sandbox)
    terminal = {name: settings.environment[name] for name in ("TERM", "NO_COLOR") if name in settings.environment}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "dynamic_plugins", *words], own | terminal)  # noqa: S606


# ------------------------------------------------------------------------------------------------- the gateway


async def gateway(
    arguments: argparse.Namespace, listening: socket.socket, stop: asyncio.Event, settings: Settings, out: Output
) -> int:
    """Serve the tenants on *listening* until *stop* is set."""
    from dynamic_plugins.gateway.gateway_app import PATH
    from dynamic_plugins.gateway.serve_gateway import serve_gateway
    from dynamic_plugins.gateway.served_tenants import ServedTenants

    if (missing := _missing_fence(settings)) is not None:
        out.aside(missing)
        return FAILED

    def tell(name: str, said: str) -> None:
        out.aside(f"{name}: {said}")

    served = ServedTenants(
        tenants_file(arguments.tenants, settings),
        settings,
        tell,
        idle_seconds=arguments.tenant_idle,
        allow_installs=arguments.allow_installs,
        allow_unlisted=arguments.allow_unlisted,
    )
    count = served.open()
    if not settings.passphrase:
        out.aside(_NO_SECRETS)
    address = f"http://{listening.getsockname()[0]}:{listening.getsockname()[1]}{PATH}"
    await serve_gateway(
        served,
        listening,
        stop,
        public_hosts=arguments.public_host,
        tell=tell,
        announce=lambda: out.aside(f"MCP is served at {address} to {count} tenants (Ctrl-C ends it)."),
    )
    return DONE


def _missing_fence(settings: Settings) -> str | None:
    """Return why tenants cannot be kept apart on this machine; None where they can."""
    from dynamic_plugins.workers.fence.fence import Fence
    from dynamic_plugins.workers.fence.tier import Level

    tier = Fence(settings.sandbox, settings.limits).tier
    if os.name != "posix" or tier.level is Level.NONE:
        return f"Tenants are only served where a fence keeps their plugins from one another's homes: {tier}"
    return None


_NO_SECRETS = (
    "Tenants can keep no secrets: set DYNAMIC_PLUGINS_PASSPHRASE, from which the passphrase of each one is derived. A "
    "keyring is not used for them."
)


def wrong_options(arguments: argparse.Namespace) -> str | None:
    """Return what is wrong with how a gateway was asked for; None where nothing is."""
    if not arguments.http:
        return "--tenants goes with --http."
    if arguments.code_mode:
        return "--tenants goes without --code-mode: each tenant's client makes its own calls."
    if arguments.no_token:
        return "--tenants goes without --no-token: a token says whose request it is."
    return None
