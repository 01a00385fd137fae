"""Where secrets are kept: in the system keyring, under the service name ``dynamic-plugins``; where the machine has
none, or it does not answer, in a file encrypted with a key from a passphrase; where there is neither, storing is
refused. A platform that has a place for secrets names it, and then that alone is used.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core.atomic_file import read_json, stamp_of, write_atomically
from dynamic_plugins.errors import SecretStoreError
from dynamic_plugins.settings import has_screen
from dynamic_plugins.storage.state import LOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp

SERVICE = "dynamic-plugins"

# Cost of deriving the key, about 0.1 s and 32 MiB: RFC 7914's interactive parameters.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1

_SECONDS, _SECONDS_WITH_SCREEN = 5.0, 60.0
"""How long a keyring may take: where it can ask a person to unlock it, as long as they need for that."""

REMEDY = (
    "This machine has no keyring, so a secret cannot be kept safely. Set DYNAMIC_PLUGINS_PASSPHRASE to keep secrets "
    "in an encrypted file, or start a keyring service (GNOME Keyring, KWallet), then run the command again."
)


class Vault(Protocol):
    """A safe place for secrets; keys are ``plugin/VARIABLE``. Methods raise :class:`SecretStoreError`."""

    name: str

    def get(self, key: str) -> str | None: ...
    def holds(self, key: str) -> bool: ...
    def set(self, key: str, value: str) -> None: ...
    def delete(self, key: str) -> None: ...


class KeyringVault:
    """The system keyring. Raises SecretStoreError where the machine has none that keeps anything safely.

    One keyring serves a person's every home: *home* stands in each key, so that a plugin's removal from one home
    leaves the others their secrets.
    """

    def __init__(self, home: Path) -> None:
        self._home, self._is_silent = home, False
        self._backend: Any = self._ask(_safe_backend)
        self.name = f"the system keyring ({self._backend.name})"

    def get(self, key: str) -> str | None:
        value = self._ask(lambda: self._backend.get_password(SERVICE, self._at_home(key)))
        if value is not None and not isinstance(value, str):
            raise SecretStoreError(_NO_ANSWER.format(f"with a text but {type(value).__name__}"))
        return value

    def holds(self, key: str) -> bool:
        return self.get(key) is not None

    def set(self, key: str, value: str) -> None:
        self._ask(lambda: self._backend.set_password(SERVICE, self._at_home(key), value))
        if self.get(key) != value:  # some take anything and keep nothing
            raise SecretStoreError(_NOT_KEPT)

    def delete(self, key: str) -> None:
        def delete() -> None:
            if self._backend.get_password(SERVICE, self._at_home(key)) is not None:
                self._backend.delete_password(SERVICE, self._at_home(key))

        self._ask(delete)

    def _at_home(self, key: str) -> str:
        return f"{key} in {self._home}"

    def _ask(self, ask: Callable[[], Any]) -> Any:
        """Return what *ask* gives. Some keyrings never answer, and then are asked no more.

        They ask on a screen that nobody sees, or wait for a service that is not there.
        """
        seconds = _SECONDS_WITH_SCREEN if has_screen() else _SECONDS
        if self._is_silent:
            raise SecretStoreError(_NO_ANSWER.format(f"within {seconds:g} s"))
        answer: list[Any] = []

        def run() -> None:
            try:
                with _keyring_errors():
                    answer.append(ask())
            except SecretStoreError as error:
                answer.append(error)

        # A thread of its own, which the end of the process does not wait for.
        asking = threading.Thread(target=run, daemon=True, name="keyring")
        asking.start()
        asking.join(seconds)
        if not answer:
            self._is_silent = True
            raise SecretStoreError(_NO_ANSWER.format(f"within {seconds:g} s"))
        if isinstance(answer[0], SecretStoreError):
            raise answer[0] from None
        return answer[0]


_NO_ANSWER = (
    "The system keyring did not answer ({}). Unlock it and try again, or do without it: set "
    "DYNAMIC_PLUGINS_PASSPHRASE to keep secrets in an encrypted file instead."
)

_NOT_KEPT = (
    "The system keyring took the secret and does not give it back. Do without it: set DYNAMIC_PLUGINS_PASSPHRASE to "
    "keep secrets in an encrypted file instead."
)


def _safe_backend() -> Any:
    """Return the keyring's backend; raises SecretStoreError for one that keeps nothing, or keeps it in the clear."""
    import keyring
    from keyring.backends import chainer
    from keyring.core import recommended

    backend: Any = keyring.get_keyring()
    if isinstance(backend, chainer.ChainerBackend):
        # It would write to the first that takes it: only a safe one is asked.
        backend = next((one for one in backend.backends if recommended(one)), None)
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
        # Its own text may quote what it was given: only its type is repeated.
        raise SecretStoreError(_NO_ANSWER.format(type(error).__name__)) from None


class EncryptedFileVault:
    """One file, encrypted with a key derived from a passphrase (scrypt, then Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, path: Path, passphrase: str) -> None:
        self._path, self._passphrase = path, passphrase
        self._keys: dict[bytes, bytes] = {}
        self._names: tuple[Stamp, frozenset[str]] | None = None
        """What the file holds, by name alone, and the stamp of the file that it was read from."""
        self.name = f"an encrypted file ({path})"

    def get(self, key: str) -> str | None:
        return self._read()[1].get(key)

    def holds(self, key: str) -> bool:
        # Asked of every plugin in a list: the file is decrypted once for each state that it is in.
        try:
            stamp = stamp_of(self._path)
        except OSError:
            stamp = None
        if stamp is None:
            return key in self._read()[1]  # which says what is wrong with it
        if self._names is None or self._names[0] != stamp:
            self._names = (stamp, frozenset(self._read()[1]))
        return key in self._names[1]

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

        with file_lock(self._path):
            salt, values = self._read()
            yield values
            token = Fernet(self._key(salt)).encrypt(json.dumps(values).encode())
            header = {"schema": 1, "kdf": "scrypt", "n": _SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P}
            content = header | {"salt": base64.b64encode(salt).decode(), "data": token.decode()}
            write_atomically(self._path, json.dumps(content).encode())

    def _read(self) -> tuple[bytes, dict[str, str]]:
        from cryptography.fernet import Fernet, InvalidToken

        try:
            content = read_json(self._path)
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


class KeyringOrFile:
    """The keyring, and the encrypted file for what it does not take: one that appeared later, or is locked now.

    What lies in the file is found there without asking the keyring.
    """

    def __init__(self, keyring: Vault, file: Vault) -> None:
        self._keyring, self._file = keyring, file
        self.name = keyring.name

    def get(self, key: str) -> str | None:
        value = self._file.get(key)
        return self._keyring.get(key) if value is None else value

    def holds(self, key: str) -> bool:
        return self._file.holds(key) or self._keyring.holds(key)

    def set(self, key: str, value: str) -> None:
        try:
            self._keyring.set(key, value)
        except SecretStoreError:
            self._file.set(key, value)
        else:
            self._file.delete(key)  # an older one would be found first

    def delete(self, key: str) -> None:
        self._file.delete(key)
        self._keyring.delete(key)


def open_vault(home: Path, passphrase: str | None, own: str | None = None, home_name: str = "") -> Vault:
    """Return where secrets are kept here; raises SecretStoreError with the remedy.

    With a *passphrase* that is the keyring and the encrypted file, or the file where there is no keyring. *own* is the
    ``module:factory`` of the platform's vault, which serves many homes: it is told this one's *home_name*.
    """
    if own is not None:
        from dynamic_plugins.storage.platform_vault import PlatformVault

        return PlatformVault.named(own, home_name)
    file = None if passphrase is None else EncryptedFileVault(home / "secrets.enc", passphrase)
    try:
        keyring = KeyringVault(home)
    except SecretStoreError:
        if file is None:
            raise
        return file
    return keyring if file is None else KeyringOrFile(keyring, file)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Keep other processes from changing *path* in this block. Raises SecretStoreError where one takes too long."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise SecretStoreError(f"{path} is locked by another process. Try again.") from error
