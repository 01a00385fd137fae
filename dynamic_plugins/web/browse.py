"""Finding plugins: search and filters, and the page of one plugin."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse
from starlette.routing import Route

from dynamic_plugins.core.permission_text import NOBODY_DECLARED, permission_lines
from dynamic_plugins.core.status import status_in_words
from dynamic_plugins.errors import BadArgumentsError, PluginError, UnavailableHereError, UnknownPluginError
from dynamic_plugins.install.plan import SOURCES
from dynamic_plugins.registry.unlisted import parse_direct
from dynamic_plugins.text.printable import one_line, printable
from dynamic_plugins.tools.plugin_details import details, publisher, use_in_words, verified_in_words
from dynamic_plugins.web.action_form import parameters
from dynamic_plugins.web.listing import BrowseQuery, required_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.app import App
    from dynamic_plugins.core.permissions import Enforcement, Permissions
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Found
    from dynamic_plugins.web.site import Site

_GITHUB = re.compile(r"github:([\w.-]+/[\w.-]+)", re.ASCII)
KIND_WORDS = {"mcp": "MCP server", "elizaos": "elizaOS", "python": "Python"}


@dataclass(frozen=True)
class Card:
    """A plugin in a list."""

    entry: Entry
    publisher: str
    needs: tuple[str, ...]
    """What it must be told before it can start."""
    status: str
    """Of what is installed, in words; else empty."""
    unavailable: str
    """Why this machine cannot run it; empty where it can."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Browse(site)
    return [
        Route("/", pages.begin),
        Route("/browse", pages.browse),
        Route("/plugin", pages.plugin),
    ]


class _Browse:
    def __init__(self, site: Site) -> None:
        self._site, self._app, self._listing = site, site.app, site.listing

    async def begin(self, _request: Request) -> Response:
        return RedirectResponse("/browse", 303)

    async def browse(self, request: Request) -> Response:
        """Show one screen of what is looked for."""
        wanted = BrowseQuery.from_query(request.query_params)
        found = await self._listing.find(wanted)
        self._app.service.sync()
        return self._site.page(
            request,
            "browse.html",
            here="browse",
            wanted=wanted,
            found=found,
            cards=[card(self._app, entry) for entry in found.entries],
            categories=await self._listing.categories(),
            unlisted=_unlisted(wanted.query),
            notices=self._app.registry.notices,
            kinds=KIND_WORDS,
        )

    async def plugin(self, request: Request) -> Response:
        """Show all about one plugin, installed or not."""
        self._app.service.sync()
        asked = request.query_params.get("name", "").strip()
        found = await find(self._app, asked)
        name, service = found.entry.name, self._app.service
        info = service.info_of(name)
        told = await details(service, found.entry, measured=False)
        may = (info.permissions, info.enforced) if info is not None else service.declared_permissions(found.entry)
        return self._site.page(
            request,
            "plugin.html",
            here="browse" if info is None else "installed",
            told=_with_gaps(told),
            found=found,
            # Of two that are called so, the one that was chosen.
            install_as=f"{name} ({found.entry.source})" if asked.endswith(f" ({found.entry.source})") else name,
            info=info,
            status=status_in_words(str(info.status)) if info is not None else "",
            kind=KIND_WORDS[told["kind"]],
            repository=_web_address(found.entry.repository),
            origin=_origin(self._app, name) if info is not None and not told.get("packages") else "",
            verified=verified_in_words(told["verified"]) if "verified" in told else "",
            used=use_in_words(told),
            permissions=permission_rows(*may),
            refused=_refused(len(service.refused(name))) if info is not None else "",
            actions=_actions(self._app, told),
            withheld=service.withheld(name),
            saved=bool(request.query_params.get("saved")),
            revocation=service.revocation(name),
            unavailable=_unavailable(self._app, found.entry) if info is None else "",
            missing=[each.name for each in info.required_env_vars if not each.is_set] if info is not None else [],
        )


async def find(app: App, named: str) -> Found:
    """Return the plugin that is named, by its own name first. Raises what naming a plugin raises."""
    if not named.strip():
        raise UnknownPluginError(named)
    return await app.catalogue.find_any(named)


def card(app: App, entry: Entry) -> Card:
    """Return what a list shows of *entry*."""
    installed = entry.name in app.store.read()
    status = status_in_words(str(app.service.status_of(entry.name))) if installed else ""
    needs = tuple(variable.name for variable in required_of(entry))
    return Card(entry, publisher(entry), needs, status, "" if installed else _unavailable(app, entry))


def _web_address(repository: str) -> str:
    """Return the address of a repository's page; empty for what is no address that a browser should be sent to."""
    if found := _GITHUB.fullmatch(repository):
        return f"https://github.com/{found[1]}"
    return repository if repository.startswith("https://") and printable(repository) == repository else ""


def _origin(app: App, name: str) -> str:
    """Return where an installed plugin was taken from that has no package of an index; empty for a server elsewhere."""
    installation = app.store.get(name).installation
    if installation.remote is not None:
        return ""
    return f"{SOURCES[installation.package_type]} ({installation.package})"


def _with_gaps(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is *told* of a plugin, empty where nobody knows: a template asks for what there might be."""
    config = [defaultdict(str, each) for each in told.get("config", ())]
    return defaultdict(str, {**told, "config": config})


def _unavailable(app: App, entry: Entry) -> str:
    try:
        app.installer.plan(entry)
    except UnavailableHereError as error:
        return error.reason
    except PluginError as error:
        return error.for_person()
    return ""


def _unlisted(query: str) -> str:
    """Return the package or address that *query* names in full and that no registry need list; empty for others."""
    try:
        direct = parse_direct(query) if query and " " not in query else None
    except BadArgumentsError:
        return ""
    return direct.shown if direct is not None and direct.in_full else ""


def permission_rows(permissions: Permissions, enforced: Enforcement) -> list[dict[str, Any]]:
    """Return what a plugin may reach: a row for network, files and programs, each with whether it is enforced."""
    rows = []
    for name, text in permission_lines(permissions, enforced).items():
        words, _, mark = text.rpartition(" (")
        risky = NOBODY_DECLARED in text or mark.startswith("not")
        rows.append({"name": name, "text": words, "mark": mark.rstrip(")"), "risky": risky})
    return rows


def _refused(times: int) -> str:
    """Return how much it was refused, in words; empty where that is nothing."""
    return "" if not times else "one thing" if times == 1 else f"{times} things"


def _actions(app: App, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a plugin's actions; those of an installed one with their parameters."""
    offered = {each["name"]: each["parameters"] for each in app.service.offered(told["name"])}
    return [
        {
            "name": each["name"],
            "description": one_line(each.get("description", "")),
            "parameters": parameters(offered.get(each["name"], {})),
            "known": each["name"] in offered,
        }
        for each in told.get("actions", ())
    ]
