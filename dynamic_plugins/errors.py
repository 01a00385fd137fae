"""What can go wrong, as types that carry facts.

::

    PluginError
    ├── UnknownPluginError         unknown_plugin
    ├── AmbiguousNameError         ambiguous_name
    ├── NotInstalledError          not_installed
    ├── NeedsConfirmationError     needs_confirmation
    ├── DeclinedError              declined
    ├── NeedsConfigurationError    needs_configuration
    ├── AlreadyActiveError         already_active
    ├── UnavailableHereError       unavailable_here
    ├── UntrustedSourceError       untrusted_source
    ├── InstallError               install_failed
    ├── LoadError                  load_failed
    │   ├── ComponentClashError
    │   └── ContractError
    ├── ActionError                action_failed
    │   └── WorkerDiedError
    ├── PluginTimeoutError         timeout
    ├── BadArgumentsError          bad_arguments
    ├── RegistryUnavailableError   registry_unavailable
    ├── StateError                 action_failed
    ├── ModelError                 model_unavailable
    └── SecretStoreError           unavailable_here

``code`` is what a program branches on, the text is for a person or a model: what happened, to which
plugin, and what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class PluginError(Exception):
    """Something about a plugin went wrong; ``code`` says what kind of thing."""

    code: ClassVar[str] = "action_failed"

    def facts(self) -> dict[str, Any]:
        """Return what else a caller can use: ``suggestions``, ``schema``, … (JSON-able, may be empty)."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"code", "message", …facts}``, the error object of every tool result."""
        return {"code": self.code, "message": str(self), **self.facts()}


class UnknownPluginError(PluginError):
    """No known plugin has this name; ``suggestions`` are similar ones, best first."""

    code = "unknown_plugin"

    def __init__(self, said: str, suggestions: Sequence[str] = ()) -> None:
        self.said, self.suggestions = said, tuple(suggestions)
        hint = (
            f"Did you mean {' or '.join(self.suggestions[:3])}? Ask the person, then use that exact name."
            if self.suggestions
            else "Search with list_available_plugins for what it should be able to do."
        )
        super().__init__(f"No plugin is called {said!r}. {hint}")

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.suggestions)}


class AmbiguousNameError(PluginError):
    """What was said fits several plugins."""

    code = "ambiguous_name"

    def __init__(self, said: str, candidates: Sequence[str]) -> None:
        self.said, self.candidates = said, tuple(candidates)
        super().__init__(
            f"{said!r} could be {', '.join(self.candidates)}. Ask the person which one, then use its full name."
        )

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.candidates)}


class NotInstalledError(PluginError):
    """The plugin is known, but it is not installed here."""

    code = "not_installed"

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        self.name, self.suggestions = name, tuple(suggestions)
        super().__init__(f"{name} is not installed. Install it first with install_plugin.")

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.suggestions)} if self.suggestions else {}


class NeedsConfirmationError(PluginError):
    """A person must agree, and nobody could be asked."""

    code = "needs_confirmation"

    def __init__(self, name: str, question: str) -> None:
        self.name, self.question = name, question
        super().__init__(f"{name}: a person has to agree first. {question}")


class DeclinedError(PluginError):
    """The person said no."""

    code = "declined"

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        super().__init__(
            f"The person declined to {what} {name}. Nothing was changed; do not ask again unless they bring it up."
        )


class NeedsConfigurationError(PluginError):
    """Required configuration values are missing; for *version* where that is not installed yet, and does not get so."""

    code = "needs_configuration"

    def __init__(self, name: str, missing: Sequence[str], version: str | None = None) -> None:
        self.name, self.missing = name, tuple(missing)
        which, values, then = name, "", ""
        if version is not None:
            which, values = f"{name} {version}", "".join(f" {each}=VALUE" for each in self.missing)
            then = ", then updates again. Until then the present version stays"
        needs = f"{which} needs {', '.join(self.missing)} first."
        super().__init__(f"{needs} The person sets them with: dynamic-plugins configure {name}{values}{then}")

    def facts(self) -> dict[str, Any]:
        return {"missing": list(self.missing)}


class AlreadyActiveError(PluginError):
    """The plugin is in use, and what was asked would pull it away from under its users."""

    code = "already_active"


class UnavailableHereError(PluginError):
    """The plugin exists, but this machine cannot run it."""

    code = "unavailable_here"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} cannot run here: {reason}")


class UntrustedSourceError(PluginError):
    """The entry comes from a registry that the person has not trusted."""

    code = "untrusted_source"

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source
        super().__init__(
            f"{name} comes from {source}, which is not trusted yet. "
            f"If the person trusts it, they run: dynamic-plugins registry trust {source}"
        )


class InstallError(PluginError):
    """The plugin's packages could not be installed; nothing of it stays behind."""

    code = "install_failed"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"Installing {name} failed: {reason}")


class LoadError(PluginError):
    """The plugin is installed but does not start or offers nothing usable; ``reason`` is its own error."""

    code = "load_failed"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"Loading {name} failed: {reason}")


class ComponentClashError(LoadError):
    """The plugin brings components whose names are taken."""

    def __init__(self, name: str, clashes: Iterable[str]) -> None:
        self.clashes = tuple(sorted(clashes))
        super().__init__(name, f"already registered: {', '.join(self.clashes)}")


class ContractError(LoadError):
    """A component breaks the contract of :mod:`dynamic_plugins.plugin`."""


class ActionError(PluginError):
    """A plugin's action failed; the text is the plugin's own error."""

    code = "action_failed"

    def __init__(self, plugin: str, action: str, reason: str) -> None:
        self.plugin, self.action, self.reason = plugin, action, reason
        super().__init__(f"{plugin}: {action} failed: {reason}")


class WorkerDiedError(ActionError):
    """The plugin's process ended in the middle of a call; the next call starts it again."""


class PluginTimeoutError(PluginError):
    """Something took longer than its limit and was stopped."""

    code = "timeout"

    def __init__(self, name: str, what: str, seconds: float, said: str = "") -> None:
        self.name, self.what, self.seconds = name, what, seconds
        told = f" It had said: {said}" if said else ""
        super().__init__(f"{name}: {what} took longer than {seconds:g} s and was stopped.{told}")


class BadArgumentsError(PluginError):
    """Arguments do not fit the schema, which is handed back for the next try."""

    code = "bad_arguments"

    def __init__(self, target: str, reason: str, schema: dict[str, Any] | None = None) -> None:
        self.target, self.reason, self.schema = target, reason, schema
        super().__init__(f"{target}: {reason}")

    def facts(self) -> dict[str, Any]:
        return {"schema": self.schema} if self.schema else {}


class RegistryUnavailableError(PluginError):
    """No registry could be read: not the source, not its last good copy, not the bundled snapshot."""

    code = "registry_unavailable"


class NotARegistryError(RegistryUnavailableError, ValueError):
    """The text is not JSON, or it is JSON and no registry."""


class ModelError(PluginError):
    """The model could not be reached or gave no usable answer; the text says what to do. The conversation goes on."""

    code = "model_unavailable"


class StateError(PluginError):
    """The saved state cannot be read or written."""


class StepError(PluginError):
    """A status cannot follow another (the table is in :mod:`dynamic_plugins.core.status`)."""

    def __init__(self, name: str, current: str, wanted: str) -> None:
        self.name, self.current, self.wanted = name, current, wanted
        super().__init__(f"{name} is {current} and cannot become {wanted}.")


class SecretStoreError(PluginError):
    """There is no safe place for a secret here; the text says how to get one."""

    code = "unavailable_here"
