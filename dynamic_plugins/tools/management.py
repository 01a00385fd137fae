"""The six management actions: what a person or a model can ask for, and the small result that each gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core import prompt_files
from dynamic_plugins.core.action_choice import ALL
from dynamic_plugins.errors import (
    BadArgumentsError,
    NeedsConfigurationError,
    PluginError,
    UnavailableHereError,
    to_a_model,
)
from dynamic_plugins.lifecycle import variables
from dynamic_plugins.plugin import Action
from dynamic_plugins.tools.plugin_details import details_of_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.core.status import Outcome
    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.resolver.search import Match

DEFAULT_LIMIT, MAX_LIMIT = 8, 50

#: The seed's names for the actions and their parameters; models and old recordings use them.
ALIASES = {
    "listAvailablePlugins": "list_available_plugins",
    "installPlugin": "install_plugin",
    "configurePlugin": "configure_plugin",
    "activatePlugin": "activate_plugin",
    "deactivatePlugin": "deactivate_plugin",
    "unloadPlugin": "unload_plugin",
}

_STRING = {"type": "string"}
_OPTIONAL_STRING = {"type": ["string", "null"]}
_SHAPES: dict[str, dict[str, Any]] = {
    "list_available_plugins": {
        "query": _OPTIONAL_STRING,
        "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_LIMIT},
    },
    "install_plugin": {"plugin_name": _STRING, "version": _OPTIONAL_STRING},
    "configure_plugin": {
        "plugin_name": _STRING,
        "configuration": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {"name": _STRING, "value": _STRING},
                "required": ["name", "value"],
                "additionalProperties": False,
            },
        },
    },
    "activate_plugin": {"plugin_name": _STRING},
    "deactivate_plugin": {"plugin_name": _STRING},
    "unload_plugin": {"plugin_name": _STRING, "uninstall": {"type": ["boolean", "null"]}},
}

NAMES = tuple(_SHAPES)
CHANGING = frozenset(NAMES) - {"list_available_plugins"}


def schema(name: str) -> dict[str, Any]:
    """Return one action's parameters: a closed JSON Schema, valid in OpenAI's strict mode.

    Strict mode wants every property required; those that may be left out are nullable instead.
    """
    texts = prompt_files.table("actions.toml")[name]["parameters"]
    properties = {key: _described(shape, key, texts) for key, shape in _SHAPES[name].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _described(shape: dict[str, Any], key: str, texts: Mapping[str, str]) -> dict[str, Any]:
    described = {**shape, "description": texts[key]}
    if (items := shape.get("items")) is not None:
        inner = {name: _described(shape, f"{key}.{name}", texts) for name, shape in items["properties"].items()}
        described["items"] = {**items, "properties": inner}
    return described


class PastedSecrets(Protocol):
    """The secrets that a person pasted into a conversation; the model has only placeholders for them."""

    def holds(self, value: str) -> bool:
        """Return whether there is a placeholder in *value*."""
        ...

    def reveal(self, value: str, plugin: str, variable: Variable) -> str:
        """Return *value* with its placeholders turned back; raises BadArgumentsError where they are not meant so."""
        ...


def management_actions(
    service: PluginManagementService, installer: Installer, pasted: PastedSecrets | None = None
) -> list[Action]:
    """Return the six actions over *service*, with their descriptions and similes from ``prompts/actions.toml``.

    *pasted* is what was pasted into the conversation that they belong to, if there is one.
    """
    handlers = ManagementHandlers(service, installer, pasted)
    texts = prompt_files.table("actions.toml")
    return [
        Action(name, texts[name]["description"], getattr(handlers, name), schema(name), tuple(texts[name]["similes"]))
        for name in NAMES
    ]


_NO_WORD = re.compile(r"[-_/@.]")
"""What stands in names and in no word of a wish."""


class ManagementHandlers:
    """What the six actions do; each returns a small JSON object and raises :class:`PluginError`."""

    def __init__(
        self, service: PluginManagementService, installer: Installer, pasted: PastedSecrets | None = None
    ) -> None:
        self._service, self._installer, self._pasted = service, installer, pasted

    async def list_available_plugins(self, query: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """Give the best matches, and how many plugins there are in all; of a name all about the plugin that has it."""
        catalogue = self._service.catalogue
        matches = await catalogue.search(query or "", limit or DEFAULT_LIMIT)
        named = await details_of_named(self._service, query) if query else None
        if named is not None and query is not None and _NO_WORD.search(query.strip()):
            # "mcp-server-time" is no wish: what else has one of its words has nothing to do with it.
            matches = [match for match in matches if match.entry.name == named["name"]] or matches[:1]
        found: dict[str, Any] = {"plugins": self._lines(matches), "known": len(await catalogue.registry.entries())}
        if named is not None:
            found["plugin"] = named
        notices = list(catalogue.registry.notices)
        return found | ({"notices": notices} if notices else {})

    def _lines(self, matches: Sequence[Match]) -> list[dict[str, Any]]:
        status = {info.name: str(info.status) for info in self._service.status()}
        return [self._line(match, status.get(match.entry.name)) for match in matches]

    def _line(self, match: Match, status: str | None) -> dict[str, Any]:
        entry = match.entry
        line: dict[str, Any] = {"name": entry.name, "description": one_line(entry.description)}
        line |= {"installed": status is not None} | ({"status": status} if status else {})
        needs = [variable.name for variable in entry.variables if variable.required and variable.default is None]
        if needs:
            line["needs"] = needs
        try:
            self._installer.plan(entry)
        except UnavailableHereError as error:
            line["unavailable"] = one_line(error.reason, 80)
        except PluginError:
            line["unavailable"] = "its registry entry is not valid"
        return line

    async def install_plugin(self, plugin_name: str, version: str | None = None) -> dict[str, Any]:
        """Give the name and version installed, and what must be configured."""
        outcome = await self._service.install(plugin_name, version)
        return _result(outcome) | self._next_step(outcome)

    async def configure_plugin(
        self, plugin_name: str, configuration: list[dict[str, str]] | None = None
    ) -> dict[str, Any]:
        """Give what is set and what is missing; without values the person is asked, where there is one.

        Values for secrets are refused, since a model has seen them; it may give the placeholder for a pasted one.
        """
        plugin = await self._service.resolve(plugin_name)
        declared = [variable for variable, _ in await self._service.variables(plugin)]
        values = {item["name"]: self._value(plugin.name, declared, **item) for item in configuration or []}
        if not values:
            await self._service.ask_for_missing(plugin)
        outcome = await self._service.configure(plugin, values)
        known = await self._service.variables(plugin)
        result = _result(outcome) | {"set": [variable.name for variable, is_set in known if is_set]}
        missing = [variable.name for variable in outcome.info.required_env_vars if not variable.is_set]
        optional = [v.name for v, is_set in known if not is_set and v.name not in missing]
        return result | {"missing": missing, "optional": optional[:DEFAULT_LIMIT]} | self._next_step(outcome)

    def _value(self, plugin: str, declared: Sequence[Variable], name: str, value: str) -> str:
        variable = variables.variable_among(plugin, declared, name)
        if self._pasted is not None and self._pasted.holds(value):
            return variables.Pasted(self._pasted.reveal(value, plugin, variable))
        if variable.is_secret:
            why = f"{variable.name} is a secret, so it cannot be set through the conversation."
            command = f"dynamic-plugins configure {plugin}{self._or_on_page(plugin)}"
            raise BadArgumentsError(
                plugin, f"{why} Enter it with: {command}", for_model=f"{why} The person enters it with: {command}"
            )
        return value

    async def activate_plugin(self, plugin_name: str) -> dict[str, Any]:
        """Give the actions that are usable from now on."""
        plugin = await self._service.resolve(plugin_name)
        try:
            outcome = await self._service.activate(plugin)
        except NeedsConfigurationError as error:
            if not await self._service.ask_for_missing(plugin):
                if error.missing and (page := self._service.settings_page(plugin.name)):
                    raise NeedsConfigurationError(error.name, error.missing, error.version, page) from None
                raise
            outcome = await self._service.activate(plugin)
        mounted = self._service.components.plugins[plugin.name]
        choice = self._service.action_choices().get(plugin.name, ALL)
        actions = [
            {"name": choice.name_of(action.name), "description": one_line(action.description)}
            for action in mounted.actions
            if choice.offers(action.name)
        ]
        instructions = self._service.instructions(plugin.name)
        return _result(outcome) | {"actions": actions} | ({"instructions": instructions} if instructions else {})

    async def deactivate_plugin(self, plugin_name: str) -> dict[str, Any]:
        """Give confirmation."""
        return _result(await self._service.deactivate(plugin_name))

    async def unload_plugin(self, plugin_name: str, uninstall: bool | None = None) -> dict[str, Any]:
        """Give confirmation; with *uninstall* the plugin goes from this machine, once the person agreed."""
        if uninstall:
            removed = {"name": await self._service.uninstall(plugin_name, ask=True), "uninstalled": True}
            profile = self._service.profile
            return removed | (
                {"note": f"Taken out of the profile {profile}; this home has it still."} if profile else {}
            )
        return _result(await self._service.unload(plugin_name))

    def _next_step(self, outcome: Outcome) -> dict[str, Any]:
        missing = [variable for variable in outcome.info.required_env_vars if not variable.is_set]
        if not missing:
            # What is active has no next step, however it came to be configured.
            return {} if outcome.info.status == "active" else {"next": f"activate_plugin {outcome.info.name}"}
        name = outcome.info.name
        return {
            "needs": [{"name": v.name, "description": one_line(v.description), "secret": v.sensitive} for v in missing],
            "next": f"The person runs: dynamic-plugins configure {name}{self._or_on_page(name)}",
        }

    def _or_on_page(self, plugin: str) -> str:
        page = self._service.settings_page(plugin)
        return f", or enters it on their own page: {page}" if page else ""


def _result(outcome: Outcome) -> dict[str, Any]:
    info = outcome.info
    result: dict[str, Any] = {"name": info.name, "version": info.version, "status": str(info.status)}
    if not outcome.changed:
        result["changed"] = False
    if outcome.reads_turns:
        result["reads_turns"] = True
    if outcome.withheld:
        result["withheld"] = {
            "what": list(outcome.withheld),
            "why": "New or changed since the person agreed; it can be used once they have agreed. They are asked, and "
            f"shown the difference, by: dynamic-plugins activate {info.name}",
        }
    return result | ({"note": to_a_model(outcome.note)} if outcome.note else {})


def one_line(text: str, limit: int = 120) -> str:
    """Return *text* on one line of at most *limit* characters, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rsplit(" ", 1)[0] + "…"
