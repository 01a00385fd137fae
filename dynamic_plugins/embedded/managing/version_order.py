"""Messages that are nothing but an order about versions: "update X", "roll X back", "pin X", "update everything".

No tool does that: the person types it. Without this rule the trained models, which know no such order, take it for the
nearest that they know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.managing.plain_order import X, numbered_text
from dynamic_plugins.tools.plugin_tools import may_offer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.managing.reading import Reading
    from dynamic_plugins.embedded.managing.standing import Installed, Standing

_NEWEST = r"(?: to (?:the |its )?(?:newest|latest|new|last)(?: version| release)?)?"
_BEFORE = r" to (?:the |its )?(?:version before|previous version|old(?:er)? version|last version)"
_ORDERS = {
    "update": (
        f"(?:update|upgrade|aktualisiere|actualiza|aggiorna|atualiza) X{_NEWEST}",
        "(?:bring|get|move) X to (?:the |its )?(?:newest|latest)(?: version| release)?",
        "mets X à jour",
    ),
    "rollback": (
        f"(?:roll ?back|downgrade|revert) X(?:{_BEFORE})?",
        f"roll X back(?:{_BEFORE})?",
        f"(?:take|bring|set|switch) X back{_BEFORE}",
    ),
    "pin": ("pin X(?: (?:to|at) (?:its|this|the current|the present) version)?",),
    "unpin": ("unpin X",),
}
_FORMS = [(verb, re.compile(form.replace("X", X))) for verb, forms in _ORDERS.items() for form in forms]
_ALL = re.compile(
    r"(?:update|upgrade) (?:everything|(?:all|every)(?: (?:of )?(?:my |the |them)?(?:plugins?)?)?)"
    r"|aktualisiere (?:alles|alle(?: plugins)?)|actualiza todo(?:s los plugins)?"
)
ALL = "That is yours to type: dynamic-plugins update --all. What is newer, and what would change, is shown by: "
ALL += "dynamic-plugins outdated"


def version_order(reading: Reading, standing: Standing, tools: Iterable[Offered]) -> str | None:
    """Return what to say to a message that is only such an order about one installed plugin, or all; None for else.

    It may be for one of *tools* where the plugin has an action of that name: "update notes".
    """
    text, plugins = numbered_text(reading)
    if _ALL.fullmatch(text.strip()):
        return ALL
    for verb, form in _FORMS:
        if (found := form.fullmatch(text)) is not None and found["who"].isdigit():
            names = plugins[int(found["who"])].link.names
            mine = [name for name in names if name in standing]
            if len(mine) != 1 or any(_does(tool, text.partition(" ")[0], mine[0]) for tool in tools):
                return None
            return _told(verb, standing.plugins[mine[0]])
    return None


def _does(tool: Offered, word: str, plugin: str) -> bool:
    """Return whether *tool* is an action of *plugin* with the *word* of the order in its name."""
    return word in tool.name.rpartition("__")[2].lower() and may_offer(plugin, tool.name)


def _told(verb: str, plugin: Installed) -> str:
    command = f"dynamic-plugins {verb} {plugin.name}"
    if plugin.pinned and verb in ("update", "rollback"):
        pinned = f"{plugin.name} is pinned at {plugin.version}, so it stays at that version."
        return f"{pinned} To let it change, type: dynamic-plugins unpin {plugin.name}"
    return f"That is yours to type: {command}"
