"""Keyrings for tests: a person's own must not be written to.

Each is a real backend of the `keyring` library, found by its name in ``PYTHON_KEYRING_BACKEND``.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class MemoryKeyring(KeyringBackend):
    """Keeps passwords as long as the process lives."""

    priority: float = 5
    kept: dict[tuple[str, str], str]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no types there
        self.kept = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class SharedKeyring(KeyringBackend):
    """Keeps passwords in the file that ``TEST_KEYRING_FILE`` names, as a keyring service would for all processes."""

    priority = 5

    @property
    def _path(self) -> Path:
        return Path(os.environ["TEST_KEYRING_FILE"])

    def _all(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path.write_text(json.dumps(self._all() | {f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        rest = {key: value for key, value in self._all().items() if key != f"{service}/{username}"}
        self._path.write_text(json.dumps(rest))


class LockedKeyring(MemoryKeyring):
    """Answers nothing, and quotes what it was given, as some do."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"locked: {service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"no bus for {service}/{username}={password}")


class LosingKeyring(MemoryKeyring):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Do as if it were kept."""


class WrongKeyring(MemoryKeyring):
    """Gives what is no text."""

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002 # keyring calls it so
        return b"bytes"  # type: ignore[return-value]  # that is what is wrong with it


class SilentKeyring(MemoryKeyring):
    """Asks on a screen that nobody sees, until *end* is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.end = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.end.wait(60)
        return super().get_password(service, username)


class PlainKeyring(MemoryKeyring):
    """Would keep passwords in the clear, and says so by its priority, as the plain file backends do."""

    priority = 0.5
