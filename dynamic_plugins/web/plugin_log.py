"""What became of a plugin: its last error with what to do, the steps of its life, and what its worker printed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from dynamic_plugins.core.status import status_in_words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site

AGREED = 20
"""So many of the last lines of the audit log are shown."""


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""

    async def show(request: Request) -> Response:
        service = site.app.service
        service.sync()
        plugin = await service.resolve(request.query_params.get("name", ""))
        info = await service.info(plugin)
        report = service.journal.report(plugin.name)
        return site.page(
            request,
            "log.html",
            here="installed",
            info=info,
            status=status_in_words(str(info.status)),
            usage=report["usage"],
            events=_newest_first(report["events"]),
            agreed=_newest_first(site.app.audit.read(plugin.name, AGREED)),
            lines=site.lines.of(plugin.name),
            is_running=plugin.name in service.running(),
        )

    return [Route("/plugin/log", show)]


def _newest_first(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *lines* from the last to the first, empty where they do not say something."""
    return [defaultdict(str, line) for line in reversed(lines)]
