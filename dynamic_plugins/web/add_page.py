"""Adding what no registry lists: a server by its address, a package by its index, a folder or wheel of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.registry.unlisted import parse_direct
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import fields_of, link, see
from dynamic_plugins.web.verbs import SOON, see_end, see_operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Add(site)
    return [Route("/add", pages.show), Route("/add", pages.add, methods=["POST"])]


class _Add:
    def __init__(self, site: Site) -> None:
        self._site, self._service = site, site.app.service

    async def show(self, request: Request) -> Response:
        """Show the form."""
        return self._page(request)

    async def add(self, request: Request) -> Response:
        """Begin the install of what was entered; it asks as a terminal does. What is only a word is searched for."""
        said = (await fields_of(request)).get("what", "").strip()
        if not said:
            return self._page(request, error="Nothing was entered.")
        try:
            install = self._install_of(said)
        except PluginError as error:
            # An address may hold a password: it is not shown again.
            return self._page(request, entered="" if "://" in said else said, error=error.for_person())
        if install is None:
            return see("/browse", q=said)
        operation = self._site.operations.begin(Operation("install", said, link("/installed")), install)
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see_operation(operation)

    def _install_of(self, said: str) -> Callable[[], Awaitable[Any]] | None:
        """Return what installs *said*; None for what is no path, address or package of a named index."""
        if said.startswith(("/", "~")):
            path = Path(said).expanduser()
            if not path.exists():
                raise BadArgumentsError(said, "there is no such folder or wheel on this machine")
            return lambda: self._service.install_path(path)
        direct = parse_direct(said)
        return (lambda: self._service.install(said)) if direct is not None and direct.in_full else None

    def _page(self, request: Request, *, entered: str = "", error: str = "") -> Response:
        return self._site.page(
            request, "add.html", code=409 if error else 200, here="browse", entered=entered, error=error
        )
