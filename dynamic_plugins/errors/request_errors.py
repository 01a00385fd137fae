"""What was asked for and cannot be done so: another name, value or version is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors.error_root import InputError
from dynamic_plugins.errors.fault_errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class UnknownPluginError(InputError):
    """No known plugin has this name; ``suggestions`` are similar ones, best first."""

    code = "unknown_plugin"

    def __init__(
        self, said: str, suggestions: Sequence[str] = (), *, unlisted: Sequence[str] = (), also: str = ""
    ) -> None:
        """*unlisted* are packages of exactly this name that no registry lists, as ``npm:NAME``; *also* is a further
        sentence.
        """
        self.said, self.suggestions = said, (*suggestions, *unlisted)
        text = f"No plugin is called {said!r}."
        if suggestions:
            text += f" Did you mean {' or '.join(suggestions[:3])}?"
        if unlisted:
            text += f" There is {' and '.join(unlisted)}, which no registry lists; to have exactly that, name it so."
        text += f" {also}" if also else ""
        if self.suggestions:
            super().__init__(text, for_model=f"{text} Ask the person, then use that exact name.")
        else:
            super().__init__(
                f"{text} Search with: dynamic-plugins list WHAT IT SHOULD DO",
                for_model=f"{text} Search with list_available_plugins for what it should be able to do.",
            )

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.suggestions)}


class AmbiguousNameError(InputError):
    """What was said fits several plugins."""

    code = "ambiguous_name"

    def __init__(self, said: str, candidates: Sequence[str]) -> None:
        self.said, self.candidates = said, tuple(candidates)
        text = f"{said!r} could be {', '.join(self.candidates)}."
        super().__init__(
            f"{text} Give the full name of the one you mean.",
            for_model=f"{text} Ask the person which one, then use its full name.",
        )

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.candidates)}


class NotInstalledError(InputError):
    """The plugin is known, but it is not installed here."""

    code = "not_installed"

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        self.name, self.suggestions = name, tuple(suggestions)
        text = f"{name} is not installed."
        super().__init__(
            f"{text} Install it with: dynamic-plugins install {name}",
            for_model=f"{text} Install it first with install_plugin.",
        )

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.suggestions)} if self.suggestions else {}


class AlreadyActiveError(InputError):
    """The plugin is in use, and what was asked would pull it away from under its users."""

    code = "already_active"


class OverLimitError(InputError):
    """The home has as many plugins as its operator lets it have; ``most`` is how many."""

    code = "over_limit"

    def __init__(self, name: str, most: int) -> None:
        self.name, self.most = name, most
        super().__init__(
            f"{name} is not installed: {most} plugins may be installed here, and so many are. Remove one first: "
            "dynamic-plugins uninstall NAME",
            for_model=f"{name} is not installed: {most} plugins may be installed here, and so many are. Ask the person "
            "which one to remove, with unload_plugin and uninstall true, and install this one then.",
        )

    def facts(self) -> dict[str, Any]:
        return {"limit": "plugins", "most": self.most}


class DiskLimitError(OverLimitError):
    """The home takes more of the disk than its operator lets it have, or would; ``most`` and ``used`` are bytes."""

    def __init__(self, name: str, most: int, used: int) -> None:
        self.name, self.most, self.used = name, most, used
        takes = f"what is installed here and what plugins have written may take {_megabytes(most)}, and "
        takes += f"with this it takes {_megabytes(used)}"
        InputError.__init__(
            self,
            f"{name}: {takes}. Until there is room nothing is installed, configured or switched on, and no action is "
            "called that may change something. Remove a plugin, with what it wrote: dynamic-plugins uninstall NAME",
            for_model=f"{name}: {takes}. Nothing can be changed before there is room. Ask the person which plugin to "
            "remove, with unload_plugin and uninstall true: what it wrote goes with it.",
        )

    def facts(self) -> dict[str, Any]:
        return {"limit": "disk", "most": self.most, "used": self.used}


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.1f} MB"


class ProgramError(InputError):
    """A program of code mode failed, at the line that its text names; *told* is what it printed and called before."""

    code = "program_failed"

    def __init__(self, failure: str, told: Mapping[str, Any]) -> None:
        self.failure, self.told = failure, dict(told)
        text = f"The program failed: {failure}"
        calls = self.told.get("calls", 0)
        made = (
            f"\nThe {calls} calls before that stay made: do not repeat those that changed something." if calls else ""
        )
        super().__init__(text, for_model=text + made)

    def facts(self) -> dict[str, Any]:
        """Return ``output``, ``calls``, and what else is told of the run."""
        return dict(self.told)


class BadArgumentsError(InputError):
    """Arguments do not fit the schema, which is handed back for the next try."""

    code = "bad_arguments"

    def __init__(
        self, target: str, reason: str, schema: dict[str, Any] | None = None, *, for_model: str | None = None
    ) -> None:
        self.target, self.reason, self.schema = target, reason, schema
        super().__init__(f"{target}: {reason}", for_model=None if for_model is None else f"{target}: {for_model}")

    def facts(self) -> dict[str, Any]:
        return {"schema": self.schema} if self.schema else {}


class UsageError(InputError):
    """A command was not typed as it has to be; nothing was begun. *usage* shows how, where that is known."""

    code = "wrong_usage"

    def __init__(self, text: str, usage: str = "") -> None:
        self.usage = usage
        super().__init__(text)


class PinnedError(InputError):
    """The person wants the plugin to stay at the version that it has."""

    code = "pinned"

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        text = f"{name} is pinned at {version} and was not changed."
        super().__init__(
            f"{text} To let it change: dynamic-plugins unpin {name}",
            for_model=f"{text} Only the person can lift that, if they want to, with: dynamic-plugins unpin {name}",
        )


class NoVersionBeforeError(InputError):
    """There is no version of the plugin to go back to."""

    code = "no_version_before"

    def __init__(self, name: str, version: str, reason: str = "") -> None:
        self.name, self.version = name, version
        why = reason or "it was not updated since it was installed, so no version before this one is kept"
        text = f"{name} {version} stays: {why}."
        super().__init__(f"{text} To install a certain version: dynamic-plugins update {name} --version VERSION")


class UnknownProfileError(InputError):
    """The home has no profile of this name; ``suggestions`` are those that it has."""

    code = "unknown_profile"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        there_are = f" There are: {', '.join(self.known)}." if known else ""
        super().__init__(
            f"There is no profile {name!r} in this home.{there_are} Make it with: dynamic-plugins profile make {name}"
        )

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.known)}


class ProjectFileError(InputError):
    """A project's file of plugins, or the lock beside it, cannot be followed; ``line`` is where, as far as known."""

    code = "bad_project_file"

    def __init__(self, file: str, problem: str, line: int | None = None) -> None:
        self.file, self.problem, self.line = file, problem, line
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {problem.removesuffix('.')}. Nothing was changed.")

    def facts(self) -> dict[str, Any]:
        return {"file": self.file} | ({"line": self.line} if self.line is not None else {})


class NotLockedError(InputError):
    """The lock does not have what the project's file asks for; ``problems`` says what, a sentence each."""

    code = "not_locked"

    def __init__(self, lock: str, problems: Sequence[str]) -> None:
        self.lock, self.problems = lock, tuple(problems)
        super().__init__(
            f"{lock} does not fit: {'; '.join(self.problems)}. Nothing was changed. Lock it with: dynamic-plugins lock"
        )

    def facts(self) -> dict[str, Any]:
        return {"problems": list(self.problems)}


class UnknownTenantError(InputError):
    """The gateway has no tenant of this name; ``suggestions`` are those that it has."""

    code = "unknown_tenant"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        there_are = f" There are: {', '.join(self.known)}." if known else ""
        super().__init__(f"There is no tenant {name!r}.{there_are} Add it with: dynamic-plugins tenants add {name}")

    def facts(self) -> dict[str, Any]:
        return {"suggestions": list(self.known)}


class TenantsFileError(InputError):
    """The file of a gateway's tenants, or one tenant in it, cannot be served as it is."""

    code = "bad_tenants_file"

    def __init__(self, file: str, problem: str) -> None:
        self.file, self.problem = file, problem
        super().__init__(f"{file}: {problem.removesuffix('.')}. Nobody is served by it before that is mended.")

    def facts(self) -> dict[str, Any]:
        return {"file": self.file}


class NotActiveError(InputError, ActionError):
    """The plugin whose action is called is not switched on. An ActionError, since the call came to nothing."""

    def __init__(self, plugin: str, action: str) -> None:
        reason = "the plugin is not active"
        ActionError.__init__(
            self,
            plugin,
            action,
            f"{reason}. Switch it on with: dynamic-plugins activate {plugin}",
            for_model=f"{reason}; activate it with activate_plugin first",
        )


class UnknownActionError(InputError, ActionError):
    """The plugin has no action of this name; ``known`` are those that it has. An ActionError, as NotActiveError is."""

    def __init__(self, plugin: str, action: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        names = ", ".join(self.known) or "none"
        ActionError.__init__(self, plugin, action, f"there is no such action; there are: {names}")
