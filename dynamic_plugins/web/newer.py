"""Which installed plugins have a newer version: looked for when the person asks, and shown a screen at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from dynamic_plugins.web.listing import SCREEN, page_number
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import link
from dynamic_plugins.web.verbs import SOON, see_end, see_operation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site

VERB = "outdated"


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""

    async def look(_request: Request) -> Response:
        """Ask registries and indexes; nothing is changed."""
        operation = Operation(VERB, "", link("/newer"))
        operation = site.operations.begin(operation, lambda: site.app.service.versions.outdated())
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see_operation(operation)

    async def show(request: Request) -> Response:
        """Show what was found the last time that is asked for; those with a newer version, then those without word."""
        done = site.operations.get(request.query_params.get("done", ""))
        reports = done.value or [] if done is not None and done.verb == VERB else []
        told = [each for each in reports if each.is_newer] + [
            each for each in reports if each.problem and not each.is_newer
        ]
        last = max(1, -(-len(told) // SCREEN))
        page = page_number(request.query_params.get("page", ""), last)
        installed = site.app.service.installations()
        return site.page(
            request,
            "newer.html",
            here="installed",
            looked=done if done is not None and done.verb == VERB else None,
            reports=[each for each in told[(page - 1) * SCREEN : page * SCREEN] if each.name in installed],
            now={name: each.version for name, each in installed.items()},
            same=len(reports) - len(told),
            page=page,
            last=last,
        )

    return [Route("/newer", show), Route("/newer", look, methods=["POST"])]
