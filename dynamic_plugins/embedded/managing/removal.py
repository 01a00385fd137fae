"""Orders to remove a plugin: what they are told by, and what they make of a reading that would install it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.hedges import CLAUSE_END
from dynamic_plugins.embedded.language.removal_words import LEAVES, THROWN_OUT

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.meant_plugins import Wanted
    from dynamic_plugins.resolver.linker import Link


def as_removed(wanted: Wanted, spoken: str) -> Wanted:
    """Return *wanted*, or the removal that the words order: whoever removes what is not there is told so, and nothing
    of it is installed for that.
    """
    new = wanted.plugin.state == "new"
    if new:
        removes = is_told_to_go(wanted, spoken)
    else:
        removes = set(wanted.letters) <= set("DU") and (orders_uninstall(spoken) or _is_to_leave(wanted, spoken))
    return replace(wanted, letters="X") if removes else wanted


def _is_to_leave(wanted: Wanted, spoken: str) -> bool:
    """Whether the clause that calls the plugin, or a message that points at it, says that it leaves the machine."""
    return bool(LEAVES.search(_clause_of(wanted.plugin.link, spoken)))


def is_told_to_go(wanted: Wanted, spoken: str) -> bool:
    """Whether the clause that calls the plugin, or the order that points at it, speaks of removing it, where it is read
    to be wanted.
    """
    link = wanted.plugin.link
    if not set(wanted.letters) & set("IA"):
        return False
    if not link.named:
        return bool(_REMOVES.search(spoken))
    clause = _clause_of(link, spoken)
    return bool(_REMOVES.search(clause) or THROWN_OUT.search(clause))


def _clause_of(link: Link, spoken: str) -> str:
    """Return the clause that calls a plugin; all of *spoken* where none does."""
    if not link.named:
        return spoken
    begin = max((found.end() for found in CLAUSE_END.finditer(spoken, 0, link.start)), default=0)
    after = CLAUSE_END.search(spoken, link.end)
    return spoken[begin : after.start() if after else len(spoken)]


def orders_uninstall(spoken: str) -> bool:
    """Whether a message is one clause that begins with the one word for uninstalling."""
    return bool(_BEGINS_BY_UNINSTALLING.match(spoken)) and orders_removal(spoken)


def orders_removal(spoken: str) -> bool:
    """Whether a message is one clause that begins with a verb for removing."""
    begins = _BEGINS_BY_REMOVING.match(spoken) or _BEGINS_BY_UNINSTALLING.match(spoken)
    return begins is not None and CLAUSE_END.search(spoken.rstrip(" .!?")) is None


_REMOVING = (
    r"\b(?:remov|uninstall|delet|get (?:rid|shot)|eras|lösch|entfern|deinstall|borr|elimin|desinstal|supprim|désinstall"
    r"|vire[rsz]?(?!\w)|purge|rimuov|exclu|usuń|verwijder)\w*"
)
_REMOVES = re.compile(_REMOVING, re.I)
_FIRST = r"\W*(?:(?:ok|now|then|please|pls|no|bitte|por favor|can you|could you)\W+)*"
_BEGINS_BY_REMOVING = re.compile(_FIRST + _REMOVING, re.I)
_BEGINS_BY_UNINSTALLING = re.compile(
    rf"{_FIRST}(?:uninstall|deinstall|desinstal|d[ée]sinstall|disinstall|odinstal)", re.I
)
