"""What is wrong with a plugin itself: its packages, its process or its code. No other plugin is concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.errors.error_root import PluginFaultError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class InstallError(PluginFaultError):
    """The plugin's packages could not be installed; nothing of it stays behind."""

    code = "install_failed"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"Installing {name} failed: {reason}")


class LoadError(PluginFaultError):
    """The plugin is installed but does not start or offers nothing usable; ``reason`` is its own error."""

    code = "load_failed"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"Loading {name} failed: {reason}")


class OtherVersionError(LoadError):
    """An MCP server refuses the version of the protocol that it was offered; ``reason`` says which, in its words."""


class UnreachableError(LoadError):
    """A server that runs elsewhere, or the cluster that workers run on, cannot be reached, or lets nobody in; the next
    call tries again.

    ``status`` is that of its HTTP answer, where there was one.
    """

    def __init__(self, name: str, reason: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(name, reason)


class ChangedFilesError(LoadError):
    """Files of an installed plugin are not as they were installed; ``paths`` has them. Nothing was started."""

    def __init__(self, name: str, version: str, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        super().__init__(
            name,
            f"its installed files were changed since it was installed: {', '.join(paths[:3])}{more}. Nothing was "
            f"started. To have them as they were: dynamic-plugins update {name} --version {version}",
        )


class ComponentClashError(LoadError):
    """The plugin brings components whose names are taken."""

    def __init__(self, name: str, clashes: Iterable[str]) -> None:
        self.clashes = tuple(sorted(clashes))
        super().__init__(name, f"already registered: {', '.join(self.clashes)}")


class ContractError(LoadError):
    """A component breaks the contract of :mod:`dynamic_plugins.plugin`."""


class ActionError(PluginFaultError):
    """A plugin's action failed; the text is the plugin's own error."""

    code = "action_failed"

    def __init__(self, plugin: str, action: str, reason: str, *, for_model: str | None = None) -> None:
        self.plugin, self.action, self.reason = plugin, action, reason
        text = f"{plugin}: {action} failed: "
        super().__init__(text + reason, for_model=None if for_model is None else text + for_model)


class WorkerDiedError(ActionError):
    """The plugin's process ended in the middle of a call; the next call starts it again."""


class CallNotBegunError(WorkerDiedError):
    """The plugin's process was gone before it took the call: nothing of the call was done, so it may be made again."""


class PluginTimeoutError(PluginFaultError):
    """Something took longer than its limit and was stopped."""

    code = "timeout"

    def __init__(self, name: str, what: str, seconds: float, said: str = "") -> None:
        self.name, self.what, self.seconds = name, what, seconds
        told = f" It had said: {said}" if said else ""
        super().__init__(f"{name}: {what} took longer than {seconds:g} s and was stopped.{told}")
