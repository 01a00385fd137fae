"""What a message surely is as a whole, or surely is not: an order, talk, a goodbye, about a plugin as such."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.agreement import says_goodbye

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.dialogue import Understood
    from dynamic_plugins.embedded.managing.reading import Reading

SURELY_TALKS = 0.95
"""From here on a message only talks, where it does not surely order something."""
SURELY_ORDERED, TALK = 0.7, 0.5
"""Who orders something so likely, and talks less likely than that, is asked what to do where nothing is made of it."""
MAY_USE = 0.5
"""So likely must a message use what is active, for a goodbye at its end not to be all of it."""
HARDLY_MANAGES, SURELY_MANAGES = 0.02, 0.8
"""Less likely than the first to manage plugins, and without the name of one, no part of a message does; as likely as
the second one that calls none by its name has it looked for."""


def orders_something(reading: Reading) -> bool:
    """Whether a message surely orders something, and is no talk: nobody is told "noted" for that."""
    return reading.ordered >= SURELY_ORDERED and reading.act.all.get("talk", 0.0) < TALK


def orders_a_plugin(reading: Reading) -> bool:
    """Whether a message surely orders something of a plugin, and names none: "install the currency one"."""
    manages = reading.act.all.get("manage", 0.0) >= SURELY_MANAGES and reading.ordered >= SURELY_ORDERED
    adds = _ADDS.search(reading.text.spoken) is not None  # what is to be switched is here already
    return manages and adds and not any(plugin.link.named for plugin in reading.plugins)


_ADDS = re.compile(r"\b(?:install|instal|installier|zainstaluj|add|get me|download|hol)\w*\b|установи|安装|安裝", re.I)


def may_manage(understood: Understood) -> bool:
    """Whether some part of a message may be about a plugin as such; reading each by itself is dear."""
    reading = understood.reading
    named = any(plugin.link.named for plugin in reading.plugins)
    likely = reading.act.all.get("manage", 0.0) >= HARDLY_MANAGES
    return bool(understood.answer is not None or reading.links) and (named or likely)


def talks(reading: Reading) -> bool:
    """Whether a message surely only talks: a haiku is no wish for a plugin."""
    return reading.act.all.get("talk", 0.0) >= SURELY_TALKS and reading.ordered < SURELY_ORDERED


def leaves(understood: Understood) -> bool:
    """Whether a message ends with a goodbye, and orders nothing before it: "thats me done, ta. bye"."""
    before, _, last = understood.said.strip().rstrip(" .!").rpartition(". ")
    reading = understood.reading
    wants = (
        any(one.link.named for one in reading.plugins) or reading.act.all.get("use", 0.0) >= MAY_USE or "?" in before
    )
    return bool(before) and says_goodbye(last) and not wants
