"""Where a plugin's values are kept: secrets in the system keyring or an encrypted file, the rest in a plain one.

What a person tells a plugin never enters the state file. Secrets go to the keyring under the service name
``dynamic-plugins``; where the machine has none, to a file encrypted with a key from a passphrase; where there
is neither, storing is refused.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.errors import NotInstalledError, SecretStoreError
from dynamic_plugins.storage.state import LOCK_SECONDS, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

SERVICE = "dynamic-plugins"

# Cost of deriving the key, about 0.1 s and 32 MiB: RFC 7914's interactive parameters.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1

REMEDY = (
    "This machine has no keyring, so a secret cannot be kept safely. Set DYNAMIC_PLUGINS_PASSPHRASE to keep secrets "
    "in an encrypted file, or start a keyring service (GNOME Keyring, KWallet), then run the command again."
)


class Vault(Protocol):
    """A safe place for secrets; keys are ``plugin/VARIABLE``. Methods raise :class:`SecretStoreError`."""

    name: str

    def get(self, key: str) -> str | None: ...
    def set(self, key: str, value: str) -> None: ...
    def delete(self, key: str) -> None: ...


class KeyringVault:
    """The system keyring. Raises SecretStoreError where the machine has none that keeps anything safely.

    One keyring serves a person's every home: *home* stands in each key, so that a plugin's removal from one home
    leaves the others their secrets.
    """

    def __init__(self, home: Path) -> None:
        with _keyring_errors():
            self._backend = _safe_backend()
        self._home = home
        self.name = f"the system keyring ({self._backend.name})"

    def get(self, key: str) -> str | None:
        with _keyring_errors():
            value: str | None = self._backend.get_password(SERVICE, self._at_home(key))
            return value

    def set(self, key: str, value: str) -> None:
        with _keyring_errors():
            self._backend.set_password(SERVICE, self._at_home(key), value)

    def delete(self, key: str) -> None:
        with _keyring_errors():
            if self._backend.get_password(SERVICE, self._at_home(key)) is not None:
                self._backend.delete_password(SERVICE, self._at_home(key))

    def _at_home(self, key: str) -> str:
        return f"{key} in {self._home}"


def _safe_backend() -> Any:
    """Return the keyring's backend; raises SecretStoreError for one that keeps nothing, or keeps it in the clear."""
    import keyring
    from keyring.backends import chainer
    from keyring.core import recommended

    backend: Any = keyring.get_keyring()
    if isinstance(backend, chainer.ChainerBackend):
        # It would write to the first that takes it: only a safe one is asked.
        backend = next((each for each in backend.backends if recommended(each)), None)
    # Backends that only encode, or keep plain files, call themselves less than recommended.
    if backend is None or not recommended(backend):
        raise SecretStoreError(REMEDY)
    return backend


@contextmanager
def _keyring_errors() -> Iterator[None]:
    try:
        yield
    except SecretStoreError:
        raise
    except Exception as error:  # backends raise what their bus or their system does
        # Its own text may quote what it was given: only its type is told.
        raise SecretStoreError(
            f"The system keyring did not answer ({type(error).__name__}). Unlock it and try again."
        ) from None


class EncryptedFileVault:
    """One file, encrypted with a key derived from a passphrase (scrypt, then Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, path: Path, passphrase: str) -> None:
        self._path, self._passphrase = path, passphrase
        self._keys: dict[bytes, bytes] = {}
        self.name = f"an encrypted file ({path})"

    def get(self, key: str) -> str | None:
        return self._read()[1].get(key)

    def set(self, key: str, value: str) -> None:
        with self._changing() as values:
            values[key] = value

    def delete(self, key: str) -> None:
        if self.get(key) is not None:
            with self._changing() as values:
                values.pop(key, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        from cryptography.fernet import Fernet

        with _file_lock(self._path):
            salt, values = self._read()
            yield values
            token = Fernet(self._key(salt)).encrypt(json.dumps(values).encode())
            header = {"schema": 1, "kdf": "scrypt", "n": _SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P}
            content = header | {"salt": base64.b64encode(salt).decode(), "data": token.decode()}
            write_atomically(self._path, json.dumps(content).encode())

    def _read(self) -> tuple[bytes, dict[str, str]]:
        from cryptography.fernet import Fernet, InvalidToken

        try:
            content = json.loads(self._path.read_text())
            salt = base64.b64decode(content["salt"])
            values: dict[str, str] = json.loads(Fernet(self._key(salt)).decrypt(content["data"]))
        except FileNotFoundError:
            return os.urandom(16), {}
        except InvalidToken:
            raise SecretStoreError(
                f"DYNAMIC_PLUGINS_PASSPHRASE does not open {self._path}. Use the passphrase that it was made with."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SecretStoreError(f"{self._path} is damaged ({type(error).__name__}). Move it away.") from None
        return salt, values

    def _key(self, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        if salt not in self._keys:
            kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
            self._keys[salt] = base64.urlsafe_b64encode(kdf.derive(self._passphrase.encode()))
        return self._keys[salt]


def open_vault(home: Path, passphrase: str | None) -> Vault:
    """Return the keyring, or the encrypted file where there is none; raises SecretStoreError with the remedy."""
    try:
        return KeyringVault(home)
    except SecretStoreError:
        if passphrase is None:
            raise
        return EncryptedFileVault(home / "secrets.enc", passphrase)


class ConfigurationStore:
    """The values that plugins were told. *home* holds ``configuration.json``: plain values, and names of secrets.

    *installed* gives the names of the plugins that there are, asked from threads: others cannot be told anything.
    """

    def __init__(
        self, home: Path, passphrase: str | None = None, installed: Callable[[], Collection[str]] | None = None
    ) -> None:
        self._home, self._passphrase, self._installed = home, passphrase, installed
        self._path = home / "configuration.json"
        self._vault: Vault | None = None

    @property
    def vault(self) -> Vault:
        """Where secrets go; raises SecretStoreError where there is no safe place."""
        if self._vault is None:
            self._vault = open_vault(self._home, self._passphrase)
        return self._vault

    def values(self, plugin: str) -> dict[str, str]:
        """Return all that *plugin* was told, secrets included: only for its own worker."""
        known = self._read().get(plugin, {})
        values: dict[str, str] = dict(known.get("values", {}))
        for name in known.get("secrets", []):
            if (secret := self.vault.get(_key(plugin, name))) is not None:
                values[name] = secret
        return values

    def names(self, plugin: str) -> set[str]:
        """Return the names of the values that are really there now (a key removed from the keyring is not)."""
        known = self._read().get(plugin, {})
        names = set(known.get("values", {}))
        for name in known.get("secrets", []):
            try:
                if self.vault.get(_key(plugin, name)) is not None:
                    names.add(name)
            except SecretStoreError:
                continue  # unreadable counts as missing: the person is told when they set it
        return names

    def secrets(self) -> list[str]:
        """Return every secret value that is kept, for taking them out of what is said and logged.

        Raises SecretStoreError where they cannot be read.
        """
        keys = [_key(plugin, name) for plugin, known in self._read().items() for name in known.get("secrets", [])]
        values = [self.vault.get(key) for key in keys]
        return [value for value in values if value]

    def set(self, plugin: str, plain: dict[str, str], secret: dict[str, str]) -> None:
        """Keep *plain* and *secret* values for *plugin*; all secrets are safe before a name is written down.

        Raises NotInstalledError for one that is not there, or not any more, and SecretStoreError.
        """
        vault = self.vault if secret else None  # before all else: without a safe place nothing is written at all
        with self._changing() as data:
            # Asked under the lock, which whoever removes a plugin takes later: nothing stays of what comes after that.
            if self._installed is not None and plugin not in self._installed():
                raise NotInstalledError(plugin)
            if vault is not None:
                for name, value in secret.items():
                    vault.set(_key(plugin, name), value)
            mine = data.setdefault(plugin, {"values": {}, "secrets": []})
            for name in set(mine["secrets"]) & set(plain):
                self.vault.delete(_key(plugin, name))
            mine["values"] = {k: v for k, v in mine["values"].items() if k not in secret} | plain
            mine["secrets"] = sorted((set(mine["secrets"]) | set(secret)) - set(plain))

    def forget(self, plugin: str) -> None:
        """Remove everything that *plugin* was told."""
        with _file_lock(self._path):
            data = self._read()
            if (known := data.pop(plugin, None)) is not None:
                for name in known.get("secrets", []):
                    self.vault.delete(_key(plugin, name))
                self._write(data)

    def _read(self) -> dict[str, Any]:
        try:
            data: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))["plugins"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SecretStoreError(f"{self._path} is damaged ({type(error).__name__}). Move it away.") from None
        return data

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with _file_lock(self._path):
            data = self._read()
            yield data
            self._write(data)

    def _write(self, data: dict[str, Any]) -> None:
        write_atomically(self._path, json.dumps({"schema": 1, "plugins": data}, indent=1).encode())


def _key(plugin: str, name: str) -> str:
    return f"{plugin}/{name}"


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise SecretStoreError(f"{path} is locked by another process. Try again.") from error
