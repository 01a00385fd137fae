"""What is wrong with this machine, or with what it reaches: mend it, or try later."""

from __future__ import annotations

from dynamic_plugins.errors.error_root import UnavailableError


class UnavailableHereError(UnavailableError):
    """The plugin exists, but this machine cannot run it, or does not have the files that another one has."""

    code = "unavailable_here"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} cannot run here: {reason}")


class StateError(UnavailableError):
    """The home folder, or the state saved in it or in a shared database, cannot be read or written."""

    code = "state_unavailable"


class SecretStoreError(UnavailableError):
    """There is no safe place for a secret here, or it does not open; the text says how to get one."""

    code = "secrets_unavailable"


class SignInError(UnavailableError):
    """Signing in at a plugin's server came to nothing; what was kept before is kept still."""

    code = "sign_in_failed"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"Signing in for {name} failed: {reason}")


class RegistryUnavailableError(UnavailableError):
    """No registry could be read: not the source, not its last good copy, not the bundled snapshot."""

    code = "registry_unavailable"


class NotARegistryError(RegistryUnavailableError, ValueError):
    """The text is not JSON, or it is JSON and no registry."""


class ModelError(UnavailableError):
    """The model could not be reached or gave no usable answer; the text says what to do. The conversation goes on."""

    code = "model_unavailable"


class ClosingError(UnavailableError):
    """The application is closing, and nothing is started any more."""

    code = "closing"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is not started: the application is closing.")
