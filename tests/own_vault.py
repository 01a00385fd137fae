"""A platform's own vault, as an operator would write it: a file of its own, one for all homes."""

from __future__ import annotations

import json
import os
from pathlib import Path

PLACE = "TESTS_OWN_VAULT"


class FileVault:
    """Secrets in a file, each home's under its name. (A test's; a platform's keeps them safely.)"""

    name = "the vault of these tests"

    def __init__(self, path: Path, home: str) -> None:
        self._path, self._home = path, home

    def get(self, key: str) -> str | None:
        return self._read().get(f"{self._home}: {key}")

    def set(self, key: str, value: str) -> None:
        self._path.write_text(json.dumps(self._read() | {f"{self._home}: {key}": value}))

    def delete(self, key: str) -> None:
        left = {kept: value for kept, value in self._read().items() if kept != f"{self._home}: {key}"}
        self._path.write_text(json.dumps(left))

    def _read(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return found


def open_vault(home: str) -> FileVault:
    """Return the vault for *home*: the factory that ``DYNAMIC_PLUGINS_VAULT`` names."""
    return FileVault(Path(os.environ[PLACE]), home)


class BrokenVault(FileVault):
    """One whose client repeats what it was given, as some do."""

    def set(self, key: str, value: str) -> None:
        raise RuntimeError(f"cannot write {key}={value}")


def open_broken_vault(home: str) -> BrokenVault:
    """Return a vault that fails."""
    return BrokenVault(Path(os.environ[PLACE]), home)


def open_nothing(home: str) -> FileVault:
    """Fail as a client does that is not signed in."""
    raise PermissionError(f"no token for {home}")
