"""The session vault of somebody who has a plugin with two secret variables, to paste into."""

from __future__ import annotations

from dynamic_plugins.chat.redaction_setup import plugin_mentions
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.ownership import PluginSecrets
from dynamic_plugins.redaction.session_vault import SessionVault

KNOWN = frozenset({"TELEGRAM_BOT_TOKEN", "DISCORD_API_TOKEN"})


def session_vault() -> SessionVault:
    """Return the vault of somebody who has a plugin with these variables."""

    async def names() -> frozenset[str]:
        return KNOWN

    return SessionVault(names, lambda: {"messengers": PluginSecrets(KNOWN, KNOWN)}, find_mentions=plugin_mentions)


def values(said: str) -> list[str]:
    """Return the secrets that are found in *said*."""
    return [finding.value for finding in find_secrets(said, KNOWN, KNOWN)]
