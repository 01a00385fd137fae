"""How the installed plugins stand by the texts of a request: the status in the system prompt, or else what was called.

This is for requests that come over HTTP; a conversation in this process hands over objects instead.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.managing.standing import Installed, Standing

if TYPE_CHECKING:
    from collections.abc import Collection

    from dynamic_plugins.embedded.context.request import Made, Request

_BLOCK = re.compile(r"<dynamic_plugins_status>\s*(.*?)\s*</dynamic_plugins_status>", re.S)


def standing_in_text(request: Request, known: Collection[str] = ()) -> Standing:
    """Return how the installed plugins stand by the texts of *request*: those who send one over HTTP send no objects.

    The status in the system prompt tells it. Frameworks of others send none: then what the calls of the conversation
    gave tells it, and the tools on offer: a plugin of *known* names whose actions are among them is active.
    """
    if _BLOCK.search(request.system):
        return _standing_in_prompt(request.system)
    plugins: dict[str, Installed] = {}
    for made in (made for exchange in request.exchanges for made in exchange.calls):
        _follow(made, plugins)
    for name in {tool.name.partition("__")[0] for tool in request.tools if "__" in tool.name}:
        if name in known and not plugins.get(name, _OFF).active:
            plugins[name] = replace(plugins.get(name, Installed(name)), status="active")
    return Standing(plugins)


_OFF = Installed("")
_AFTER = {
    "install_plugin": "installed",
    "configure_plugin": "installed",
    "activate_plugin": "active",
    "deactivate_plugin": "inactive",
    "unload_plugin": "installed",
}
"""How a plugin stands after a call that worked, where the result does not say it."""


def _follow(made: Made, plugins: dict[str, Installed]) -> None:
    """Bring *plugins* up to what came of *made*; a call that failed changed nothing."""
    result = made.result
    if not isinstance(result, dict) or result.get("ok") is False or "error" in result:
        return
    if made.name == "list_available_plugins":
        for row in result.get("plugins") or ():
            if isinstance(row, dict) and row.get("installed") is True and isinstance(row.get("name"), str):
                plugins.setdefault(row["name"], _installed(row))
        return
    name = result.get("name") or made.arguments.get("plugin_name")
    if made.name not in _AFTER or not isinstance(name, str):
        return
    if made.name == "unload_plugin" and made.arguments.get("uninstall"):
        plugins.pop(name, None)
        return
    before = plugins.get(name)
    status = before.status if before and made.name == "configure_plugin" else _AFTER[made.name]
    needs = [each.get("name") if isinstance(each, dict) else each for each in result.get("needs") or ()]
    told = {"version": before.version if before else "", "status": status, "missing": needs}
    plugins[name] = _installed(told | result | {"name": name})


def _standing_in_prompt(system: str) -> Standing:
    """Return what the status block of *system* says; nothing is installed where there is none that can be read."""
    # The last one: what stands before it may be a plugin's own text that imitates it.
    blocks = _BLOCK.findall(system)
    try:
        told = json.loads(blocks[-1]) if blocks else {}
    except ValueError:
        told = {}
    rows = told.get("plugins") if isinstance(told, dict) else None
    plugins = [_installed(row) for row in rows or () if isinstance(row, dict) and isinstance(row.get("name"), str)]
    return Standing({plugin.name: plugin for plugin in plugins})


def _installed(row: dict[str, Any]) -> Installed:
    missing = row.get("missing")
    return Installed(
        row["name"],
        str(row.get("version") or ""),
        str(row.get("status") or "installed"),
        tuple(str(each) for each in missing) if isinstance(missing, list) else (),
        str(row.get("error") or ""),
        row.get("pinned") is True,
    )
