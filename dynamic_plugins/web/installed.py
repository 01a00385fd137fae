"""What is installed: the list, a screen at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from dynamic_plugins.core.status import Status, status_in_words
from dynamic_plugins.web.listing import SCREEN, page_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.app import App
    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.web.site import Site

_SHOWN: dict[str, Callable[[Status], bool]] = {
    "": lambda _: True,
    "on": lambda status: status is Status.ACTIVE,
    "off": lambda status: status in (Status.INSTALLED, Status.LOADED, Status.INACTIVE),
    "attention": lambda status: status in (Status.ERROR, Status.NEEDS_CONFIGURATION),
}
"""What the list can be narrowed to."""


@dataclass(frozen=True)
class Row:
    """An installed plugin in the list."""

    info: DynamicPluginInfo
    description: str
    status: str
    is_on: bool
    missing: tuple[str, ...]
    withheld: int
    """How many things that it offers wait for the person to agree."""
    revoked: str


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""

    async def installed(request: Request) -> Response:
        site.app.service.sync()
        show = request.query_params.get("show", "")
        show = show if show in _SHOWN else ""
        query = request.query_params.get("q", "").strip()[:200]
        statuses = site.app.service.statuses()
        names = [
            name for name, status in statuses.items() if _SHOWN[show](status) and query.casefold() in name.casefold()
        ]
        last = max(1, -(-len(names) // SCREEN))
        number = page_number(request.query_params.get("page", ""), last)
        names_shown = names[(number - 1) * SCREEN : number * SCREEN]
        revoked = site.app.service.revocations(names_shown)
        return site.page(
            request,
            "installed.html",
            here="installed",
            rows=[_row(site.app, name, revoked.get(name)) for name in names_shown],
            total=len(names),
            counts={key: sum(map(fits, statuses.values())) for key, fits in _SHOWN.items()},
            show=show,
            query=query,
            page=number,
            last=last,
        )

    return [Route("/installed", installed)]


def _row(app: App, name: str, revocation: Revocation | None) -> Row:
    service = app.service
    info = service.info_of(name)
    assert info is not None  # noqa: S101 - it is among those whose status was just asked
    plugin = app.store.get(name)
    return Row(
        info,
        plugin.installation.entry.description,
        status_in_words(str(info.status)),
        info.status is Status.ACTIVE,
        tuple(each.name for each in info.required_env_vars if not each.is_set),
        len(service.withheld(name)),
        revocation.sentence if revocation is not None else "",
    )
