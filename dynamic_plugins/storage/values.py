"""The values of plugins' variables: secrets in the vault, the rest as plain facts. None enters the saved state."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dynamic_plugins.errors import SecretStoreError
from dynamic_plugins.storage.sign_in_store import SignInStore
from dynamic_plugins.storage.state_backend import CONFIGURATION, SIGN_INS, StateFolder
from dynamic_plugins.storage.vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from dynamic_plugins.storage.state_backend import StateBackend
    from dynamic_plugins.storage.vault import Vault


class ConfigurationStore:
    """The values that persons set for plugins: plain ones, and the names of secrets.

    *backend* keeps them, or else the folder *home* in ``configuration.json``. *installed* gives the names of the
    plugins that there are, asked from threads: for others nothing is kept. *vault* names the platform's own
    (:func:`~dynamic_plugins.storage.vault.open_vault`).
    """

    def __init__(
        self,
        home: Path,
        passphrase: str | None = None,
        installed: Callable[[], Collection[str]] | None = None,
        *,
        backend: StateBackend | None = None,
        vault: str | None = None,
    ) -> None:
        backend = backend or StateFolder(home)
        self._open_vault = partial(open_vault, home, passphrase, vault, backend.vault_home)
        self._file = backend.facts(CONFIGURATION, installed)
        self._vault: Vault | None = None
        self.sign_ins = SignInStore(home, backend.facts(SIGN_INS, installed), lambda: self.vault)
        """What persons signed in to; goes with the values, and is as secret."""

    @property
    def vault(self) -> Vault:
        """Where secrets go; raises SecretStoreError where there is no safe place."""
        if self._vault is None:
            self._vault = self._open_vault()
        return self._vault

    def values(self, plugin: str) -> dict[str, str]:
        """Return all values of *plugin*, secrets included: only for its own worker."""
        known = self._file.read().get(plugin, {})
        values: dict[str, str] = dict(known.get("values", {}))
        for name in known.get("secrets", []):
            if (secret := self.vault.get(_key(plugin, name))) is not None:
                values[name] = secret
        return values

    def plain(self, plugin: str) -> dict[str, str]:
        """Return the values of *plugin* that are no secrets, for showing them to the person."""
        return dict(self._file.read().get(plugin, {}).get("values", {}))

    def names(self, plugin: str) -> set[str]:
        """Return the names of the values that are really there now (a key removed from the keyring is not)."""
        known = self._file.read().get(plugin, {})
        names = set(known.get("values", {}))
        for name in known.get("secrets", []):
            try:
                if self.vault.holds(_key(plugin, name)):
                    names.add(name)
            except SecretStoreError:
                continue  # unreadable counts as missing: the person is told when they set it
        return names

    def secrets(self) -> list[str]:
        """Return every secret value that is kept, for taking them out of conversations and logs.

        Raises SecretStoreError where they cannot be read.
        """
        keys = [_key(plugin, name) for plugin, known in self._file.read().items() for name in known.get("secrets", [])]
        values = [self.vault.get(key) for key in keys]
        return [value for value in values if value] + self.sign_ins.secrets()

    def set(self, plugin: str, plain: dict[str, str], secret: dict[str, str]) -> None:
        """Keep *plain* and *secret* values for *plugin*; all secrets are safe before a name is written down.

        Raises NotInstalledError for one that is not there, or not any more, and SecretStoreError.
        """
        vault = self.vault if secret else None  # before all else: without a safe place nothing is written at all
        with self._file.changing() as data:
            self._file.check_installed(plugin)
            if vault is not None:
                for name, value in secret.items():
                    vault.set(_key(plugin, name), value)
            mine = data.setdefault(plugin, {"values": {}, "secrets": []})
            for name in set(mine["secrets"]) & set(plain):
                self.vault.delete(_key(plugin, name))
            mine["values"] = {k: v for k, v in mine["values"].items() if k not in secret} | plain
            mine["secrets"] = sorted((set(mine["secrets"]) | set(secret)) - set(plain))

    def replace_plain(self, plugin: str, plain: dict[str, str]) -> None:
        """Keep exactly these *plain* values for *plugin*; its secrets stay. Raises SecretStoreError."""
        with self._file.changing() as data:
            if plain or plugin in data:
                data.setdefault(plugin, {"values": {}, "secrets": []})["values"] = dict(plain)
            if data.get(plugin) == {"values": {}, "secrets": []}:
                del data[plugin]

    def secret_names(self, plugin: str) -> tuple[str, ...]:
        """Return the names of the secrets that are kept for *plugin*, whether they can be read or not."""
        return tuple(self._file.read().get(plugin, {}).get("secrets", ()))

    def forget(self, plugin: str) -> list[str]:
        """Remove all values and sign-ins of *plugin*; return the names of the secrets that may still lie somewhere.

        The place where they were kept could not be reached; nothing of ours leads to them any more.
        """
        stayed = []
        try:
            self.sign_ins.forget(plugin)
        except SecretStoreError:
            stayed.append("its sign-in")
        with self._file.changing() as data:
            for name in data.pop(plugin, {}).get("secrets", []):
                try:
                    self.vault.delete(_key(plugin, name))
                except SecretStoreError:
                    stayed.append(name)
        return stayed


def _key(plugin: str, name: str) -> str:
    return f"{plugin}/{name}"
