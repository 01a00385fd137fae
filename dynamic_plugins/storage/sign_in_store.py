"""Where sign-ins at remote servers are kept: tokens and registrations in the vault, and beside it facts.

They say which plugin is signed in where, in a folder in ``sign-ins.json``, and hold no secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.status import now
from dynamic_plugins.errors import SecretStoreError
from dynamic_plugins.oauth.challenge import Challenge
from dynamic_plugins.oauth.credentials import SignIn, digest
from dynamic_plugins.storage.state_backend import SIGN_INS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp
    from dynamic_plugins.storage.plugins_file import PluginFacts
    from dynamic_plugins.storage.vault import Vault


class SignInStore:
    """The sign-ins of one home, by plugin and server: a :class:`~dynamic_plugins.oauth.credentials.SignInKeeper`.

    *facts* says who is signed in, *vault* opens the place for secrets. Methods raise SecretStoreError.
    """

    def __init__(self, home: Path, facts: PluginFacts, vault: Callable[[], Vault]) -> None:
        self._home, self._file, self._vault = home, facts, vault

    def stamp(self) -> Stamp | None:
        return self._file.stamp()

    def check_place(self) -> None:
        self._vault()

    def renewing_lock(self) -> str:
        return str(self._home / f"{SIGN_INS}.json.renewing.lock")

    def servers(self, plugin: str) -> Collection[str]:
        return [server for server, known in self._of(plugin).items() if "key" in known]

    def facts(self, plugin: str) -> list[dict[str, Any]]:
        """Return for each server that *plugin* is signed in to: server, issuer, scopes and when; nothing secret."""
        names = ("issuer", "scopes", "at")
        signed_in = {server: known for server, known in self._of(plugin).items() if "key" in known}
        return [{"server": server, **{name: known[name] for name in names}} for server, known in signed_in.items()]

    def get(self, plugin: str, server: str) -> SignIn | None:
        known = self._of(plugin).get(server, {})
        return self._opened(plugin, known["key"]) if "key" in known else None

    def _opened(self, plugin: str, key: str) -> SignIn | None:
        kept = self._vault().get(_key(plugin, key))
        try:
            return SignIn.from_dict(json.loads(kept)) if kept is not None else None
        except (ValueError, TypeError):
            raise SecretStoreError(f"The sign-in of {plugin} is damaged. Sign in again.") from None

    def keep(self, plugin: str, sign_in: SignIn) -> None:
        vault, key = self._vault(), digest(sign_in.issuer, sign_in.resource)
        with self._file.changing() as data:
            self._file.check_installed(plugin)
            vault.set(_key(plugin, key), json.dumps(sign_in.to_dict()))
            mine = data.setdefault(plugin, {})
            before = mine.get(sign_in.server, {}).get("key")
            scopes = list(sign_in.scopes)
            mine[sign_in.server] = {"key": key, "issuer": sign_in.issuer, "scopes": scopes, "at": now()}
            if before is not None and before not in _keys(mine):
                vault.delete(_key(plugin, before))

    def drop(self, plugin: str, server: str) -> None:
        with self._file.changing() as data:
            mine = data.get(plugin, {})
            dropped = mine.pop(server, {}).get("key")
            if dropped is not None and dropped not in _keys(mine):
                self._vault().delete(_key(plugin, dropped))
            if not mine:
                data.pop(plugin, None)

    def challenge(self, plugin: str, server: str) -> Challenge | None:
        known = self._of(plugin).get(server, {}).get("wants")
        return Challenge(**known) if known else None

    def note_challenge(self, plugin: str, server: str, challenge: Challenge) -> None:
        if self._of(plugin).get(server, {}).get("wants") == asdict(challenge):
            return
        with self._file.changing() as data:
            if self._file.may_keep(plugin):
                data.setdefault(plugin, {}).setdefault(server, {})["wants"] = asdict(challenge)

    def secrets(self) -> list[str]:
        """Return every token and client secret that is kept, for taking them out of conversations and logs."""
        keys = [(plugin, key) for plugin, mine in self._file.read().items() for key in _keys(mine)]
        found = [self._opened(plugin, key) for plugin, key in keys]
        return [secret for sign_in in found if sign_in is not None for secret in sign_in.secrets]

    def forget(self, plugin: str) -> None:
        """Remove all sign-ins of *plugin*."""
        with self._file.changing() as data:
            for key in _keys(data.pop(plugin, {})):
                self._vault().delete(_key(plugin, key))

    def _of(self, plugin: str) -> dict[str, Any]:
        return dict(self._file.read().get(plugin, {}))


def _keys(mine: dict[str, Any]) -> set[str]:
    return {known["key"] for known in mine.values() if "key" in known}


def _key(plugin: str, name: str) -> str:
    # No variable's name has a colon, so none is in the way.
    return f"{plugin}/sign-in:{name}"
