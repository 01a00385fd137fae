"""The platform's own place for secrets, as the operator names it: ``DYNAMIC_PLUGINS_VAULT=module:factory``."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.errors import SecretStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


class PlatformVault:
    """A vault that is not ours, behind the errors that a vault raises.

    What it raises may quote what it was given: only the type of that is repeated, unless it is a SecretStoreError,
    whose text is for the person.
    """

    def __init__(self, vault: Any, name: str) -> None:
        self._vault, self.name = vault, str(getattr(vault, "name", None) or name)

    @classmethod
    def named(cls, named: str, home: str) -> Self:
        """Return what the factory *named* ``module:attribute`` makes for *home*. Raises SecretStoreError."""
        module, _, attribute = named.partition(":")
        try:
            factory = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise SecretStoreError(
                f"DYNAMIC_PLUGINS_VAULT names {named}, which cannot be imported ({type(error).__name__}). Install what "
                "brings it, in the environment of dynamic-plugins."
            ) from None
        with _as_ours(named):
            return cls(factory(home), named)

    def get(self, key: str) -> str | None:
        with _as_ours(self.name):
            value: str | None = self._vault.get(key)
        return value

    def holds(self, key: str) -> bool:
        return self.get(key) is not None

    def set(self, key: str, value: str) -> None:
        with _as_ours(self.name):
            self._vault.set(key, value)

    def delete(self, key: str) -> None:
        with _as_ours(self.name):
            self._vault.delete(key)


@contextmanager
def _as_ours(name: str) -> Iterator[None]:
    try:
        yield
    except SecretStoreError:
        raise
    except Exception as error:  # whatever a stranger's client raises
        problem = f"The vault {name} failed ({type(error).__name__}). Try again, or ask who runs it."
        raise SecretStoreError(problem) from None
