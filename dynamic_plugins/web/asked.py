"""The page of what is waiting for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""

    async def asked(request: Request) -> Response:
        return site.page(request, "asked.html", here="asked")

    return [Route("/asked", asked)]
