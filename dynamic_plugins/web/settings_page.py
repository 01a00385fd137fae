"""A plugin's settings: what it can be told. Secrets are written here and shown nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from dynamic_plugins.core.status import Status
from dynamic_plugins.errors import PluginError
from dynamic_plugins.lifecycle.variables import check_path
from dynamic_plugins.web.operations import Operation
from dynamic_plugins.web.site import fields_of, link, see
from dynamic_plugins.web.verbs import SOON, see_end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.web.site import Site

PREFIX, LINES = "var.", "lines."
"""What the names of the inputs begin with: of one line, and of several, such as a key of OpenSSH's has."""


@dataclass(frozen=True)
class Setting:
    """One variable, as the form shows it. *value* is what it is told now; of a secret it is always empty."""

    variable: Variable
    is_set: bool
    value: str
    is_required: bool

    @property
    def input(self) -> str:
        return PREFIX + self.variable.name

    @property
    def lines(self) -> str:
        return LINES + self.variable.name


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Settings(site)
    return [Route("/plugin/settings", pages.show), Route("/plugin/settings", pages.save, methods=["POST"])]


class _Settings:
    def __init__(self, site: Site) -> None:
        self._site, self._service = site, site.app.service

    async def show(self, request: Request) -> Response:
        """Show the form."""
        self._service.sync()
        plugin = await self._service.resolve(request.query_params.get("name", ""))
        return await self._page(request, plugin.name, {})

    async def save(self, request: Request) -> Response:
        """Keep what was entered; what was left blank stays as it is."""
        entered = await fields_of(request)
        self._service.sync()
        plugin = await self._service.resolve(entered.get("name", ""))
        values = {key.removeprefix(PREFIX): text for key, text in entered.items() if key.startswith(PREFIX)}
        several = {key.removeprefix(LINES): text for key, text in entered.items() if key.startswith(LINES)}
        values |= {name: text for name, text in several.items() if text.strip()}
        try:
            await self._keep(plugin.name, values)
        except PluginError as error:
            return await self._page(request, plugin.name, values, error)
        if entered.get("then") != "activate":
            return see("/plugin", name=plugin.name, saved=1)
        activate = Operation("activate", plugin.name, link("/plugin", name=plugin.name))
        operation = self._site.operations.begin(activate, lambda: self._service.activate(plugin))
        await operation.decided(SOON)
        return see_end(operation) if operation.is_over else see("/doing", id=operation.id)

    async def _keep(self, plugin: str, values: Mapping[str, str]) -> None:
        known = {each.name: each for each, _ in await self._service.variables(plugin)}
        now = self._site.app.configuration.plain(plugin)
        changed = {
            name: _as_entered(known[name], text)
            for name, text in values.items()
            if name in known and text.strip() and text != now.get(name)
        }
        for name, text in changed.items():
            if known[name].format == "filepath" and not known[name].is_secret:
                check_path(plugin, name, text)
        if changed:
            await self._service.configure(plugin, changed)

    async def _page(
        self, request: Request, plugin: str, entered: Mapping[str, str], error: PluginError | None = None
    ) -> Response:
        plain = self._site.app.configuration.plain(plugin)
        settings = [
            Setting(
                variable,
                is_set,
                "" if variable.is_secret else entered.get(variable.name) or plain.get(variable.name, ""),
                variable.required and variable.default is None,
            )
            for variable, is_set in await self._service.variables(plugin)
        ]
        settings.sort(key=lambda each: (not each.is_required, each.variable.found))
        return self._site.page(
            request,
            "settings.html",
            code=200 if error is None else 409,
            here="installed",
            info=await self._service.info(plugin),
            settings=settings,
            error=error,
            is_on=self._service.status_of(plugin) is Status.ACTIVE,
        )


def _as_entered(variable: Variable, text: str) -> str:
    """Return *text* with the line ends that a person typed: forms send others."""
    return text.replace("\r\n", "\n") if variable.is_secret else text
