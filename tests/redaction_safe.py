"""A safe of somebody who has a plugin with two secret variables, to paste into."""

from __future__ import annotations

from dynamic_plugins.redaction.detector import find
from dynamic_plugins.redaction.ownership import Wanting
from dynamic_plugins.redaction.session_vault import Safe

KNOWN = frozenset({"TELEGRAM_BOT_TOKEN", "DISCORD_API_TOKEN"})


def a_safe() -> Safe:
    """Return a safe of somebody who has a plugin with these variables."""

    async def names() -> frozenset[str]:
        return KNOWN

    return Safe(names, lambda: {"messengers": Wanting(KNOWN, KNOWN)})


def values(said: str) -> list[str]:
    """Return the secrets that are found in *said*."""
    return [each.value for each in find(said, KNOWN, KNOWN)]
