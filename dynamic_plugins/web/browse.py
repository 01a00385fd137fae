"""Finding plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""

    async def browse(request: Request) -> Response:
        return site.page(request, "browse.html", here="browse")

    async def begin(_request: Request) -> Response:
        return RedirectResponse("/browse", 303)

    return [Route("/", begin), Route("/browse", browse)]
