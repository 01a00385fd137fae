"""What can go wrong, as one tree of types that carry facts.

::

    PluginError                            internal_error
    ├── InputError                                             what was asked for: ask otherwise, or ask the person
    │   ├── UnknownPluginError             unknown_plugin
    │   ├── AmbiguousNameError             ambiguous_name
    │   ├── NotInstalledError              not_installed
    │   ├── AlreadyActiveError             already_active
    │   ├── NeedsConfirmationError         needs_confirmation
    │   │   ├── AskedOnPageError           needs_confirmation
    │   │   ├── UnlistedError              needs_confirmation
    │   │   └── WithheldError              needs_confirmation
    │   ├── DeclinedError                  declined
    │   │   └── ReachDeclinedError         declined
    │   ├── NeedsConfigurationError        needs_configuration
    │   │   └── NeedsSignInError           needs_configuration
    │   ├── UntrustedSourceError           untrusted_source
    │   │   └── SourceNotAllowedError      untrusted_source
    │   ├── PermissionDeniedError          permission_denied   (an ActionError too)
    │   │   └── NotRepeatedError           permission_denied
    │   ├── NotAllowedError                permission_denied
    │   │   └── RevokedError               permission_denied
    │   ├── OverLimitError                 over_limit
    │   │   └── DiskLimitError             over_limit
    │   ├── ProgramError                   program_failed
    │   ├── BadArgumentsError              bad_arguments
    │   ├── SourceError                    bad_arguments       (registry.sources)
    │   │   └── SourceListError            state_unavailable   (registry.sources; a StateError too)
    │   ├── BadRequestError                bad_arguments       (embedded.request)
    │   ├── UsageError                     wrong_usage
    │   ├── PinnedError                    pinned
    │   ├── NoVersionBeforeError           no_version_before
    │   ├── UnknownProfileError            unknown_profile
    │   ├── ProjectFileError               bad_project_file
    │   ├── NotLockedError                 not_locked
    │   ├── UnknownTenantError             unknown_tenant
    │   ├── TenantsFileError               bad_tenants_file
    │   ├── NotActiveError                 action_failed       (an ActionError too)
    │   └── UnknownActionError             action_failed       (an ActionError too)
    ├── UnavailableError                                       this machine, or what it reaches: mend it, or try later
    │   ├── UnavailableHereError           unavailable_here
    │   ├── StateError                     state_unavailable
    │   ├── SecretStoreError               secrets_unavailable
    │   ├── SignInError                    sign_in_failed
    │   ├── RegistryUnavailableError       registry_unavailable
    │   │   ├── FetchError                 registry_unavailable (registry.http)
    │   │   │   └── UnfinishedError        registry_unavailable (registry.http)
    │   │   └── NotARegistryError          registry_unavailable
    │   ├── ModelError                     model_unavailable
    │   │   └── EngineMissingError         model_unavailable   (embedded.needle)
    │   └── ClosingError                   closing
    ├── PluginFaultError                                       the plugin itself: no other one is concerned
    │   ├── InstallError                   install_failed
    │   ├── LoadError                      load_failed
    │   │   ├── ChangedFilesError          load_failed
    │   │   ├── ComponentClashError        load_failed
    │   │   ├── ContractError              load_failed
    │   │   ├── OtherVersionError          load_failed
    │   │   └── UnreachableError           load_failed
    │   ├── ActionError                    action_failed
    │   │   └── WorkerDiedError            action_failed
    │   │       └── CallNotBegunError      action_failed
    │   └── PluginTimeoutError             timeout
    └── StepError                          internal_error

A caller catches a group, or one class, or all with the root. ``code`` is what a program branches on; ``docs/errors.md``
has their list. The text depends on who reads it: ``str(error)`` and :meth:`PluginError.for_person` speak to a person at
a terminal and name commands, :meth:`PluginError.for_model` and :meth:`PluginError.to_dict` speak to a model and name
tools. Both say what happened, to which plugin, and what to do next.

Not in the tree: ``InputNeededError`` and ``ConsentNeededError`` of the integrations, which carry a question out to a
client and are no failures; ``UnseenChangesError``, by which an update goes back to ask; ``BadEntryError``, which
never leaves the registry's readers; ``UnsafeAddressError`` and its like, which never leave ``oauth/``;
``ActorGoneError``, ``ActorSilentError`` and ``ForgottenCallError``, which never leave ``workers/fleet/``;
``NetworkRefusedError`` of the recorded conversations, which has to look like a network that fails; and what runs in a
plugin's own process, where nothing of ours but the worker is installed.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PermissionKind = Literal["network", "read", "write", "program"]
"""What a refusal is about."""
PERMISSION_LENGTH = 300


_COMMAND = "dynamic-plugins "
_TYPED = "That command is the person's to type."


def to_a_model(text: str) -> str:
    """Return a person's *text* as a model may read it: of a command in it is said that the person types it."""
    return f"{text.rstrip().removesuffix('.')}. {_TYPED}" if _COMMAND in text else text


class PluginError(Exception):
    """Something went wrong; ``code`` says what kind of thing. The root itself stands for what nobody foresaw.

    Its text is for a person; *for_model* is the text for a model, where that is another one.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, text: str = "", *, for_model: str | None = None) -> None:
        self._for_model = for_model
        super().__init__(text)

    def facts(self) -> dict[str, Any]:
        """Return what else a caller can use: ``suggestions``, ``schema``, … (JSON-able, may be empty)."""
        return {}

    def for_person(self) -> str:
        """Return the text for a person at a terminal; the next step is a command that they can type."""
        return str(self)

    def for_model(self) -> str:
        """Return the text for a model; the next step is a tool to call, or something to ask the person."""
        return to_a_model(str(self)) if self._for_model is None else self._for_model

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"code", "message", …facts}``, the error object of every tool result; the message is the model's."""
        return {"code": self.code, "message": self.for_model(), **self.facts()}


# ------------------------------------------------------------------------------------------- what was asked for


class InputError(PluginError):
    """It cannot be done as it was asked for: another name, a value or a person's word is needed."""


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


class NeedsConfirmationError(InputError):
    """A person must agree, and nobody could be asked."""

    code = "needs_confirmation"

    def __init__(self, name: str, question: str, *, for_model: str | None = None) -> None:
        """*for_model* is the question as a model reads it, where it speaks of the person."""
        self.name, self.question = name, question
        super().__init__(
            f"{name}: you have to agree first, at a terminal or with --yes. {question}",
            for_model=f"{name}: a person has to agree first. {question if for_model is None else for_model}",
        )


class AskedOnPageError(NeedsConfirmationError):
    """The person is asked on the page of this home, at ``page``; the same call made again has their answer."""

    def __init__(self, nobody: NeedsConfirmationError, page: str) -> None:
        """*nobody* is what the call would come to without the page; the address *page* is without any token."""
        self.name, self.question, self.page = nobody.name, nobody.question, page
        InputError.__init__(
            self,
            f"{nobody.for_person()} You are also asked at {page}; once you have answered there, try again.",
            for_model=f"{nobody.for_model()} Or on the person's own page, which asks them now: {page}. Tell them so. "
            "Once they have said yes there, make this same call again.",
        )

    def facts(self) -> dict[str, Any]:
        return {"page": self.page}


class UnlistedError(NeedsConfirmationError):
    """What is to be installed stands in no registry: a person agrees to it by itself, and nobody could be asked."""

    def __init__(self, name: str, question: str) -> None:
        self.name, self.question = name, question
        why = f"{name}: no registry lists it, so you have to agree to it by itself"
        InputError.__init__(
            self,
            f"{why}: at a terminal, or with --allow-unlisted beside --yes. {question}",
            for_model=f"{name}: no registry lists it, so a person has to agree to it by itself. {question}",
        )


class WithheldError(NeedsConfirmationError):
    """What is called is new, or has changed, since a person agreed to what the plugin offers."""

    def __init__(self, plugin: str, component: str) -> None:
        changed = f"Its {component} is not what was agreed to: it is new or has changed since."
        command = f"dynamic-plugins activate {plugin}"
        super().__init__(
            plugin,
            f"{changed} The difference is shown, and asked about, by: {command}",
            for_model=f"{changed} The person is shown the difference, and asked, by: {command}",
        )


class DeclinedError(InputError):
    """The person said no."""

    code = "declined"

    def __init__(self, name: str, what: str) -> None:
        self.name, self.what = name, what
        super().__init__(
            f"You declined to {what} {name}. Nothing was changed.",
            for_model=f"The person declined to {what} {name}. Nothing was changed; "
            "do not ask again unless they bring it up.",
        )


class ReachDeclinedError(DeclinedError):
    """The person said no to what a plugin would reach for a call; ``command`` grants it after all."""

    def __init__(self, plugin: str, reaching: str, command: str) -> None:
        self.name, self.what, self.command = plugin, f"let it {reaching}", command
        text = f"You declined to let {plugin} {reaching}."
        InputError.__init__(
            self,
            f"{text} If you want it to after all: {command}",
            for_model=f"The person declined to let {plugin} {reaching}, so that was not done; "
            "do not ask again unless they bring it up.",
        )


class NeedsConfigurationError(InputError):
    """Required configuration values are missing; for *version* where that is not installed yet, and does not get so."""

    code = "needs_configuration"

    def __init__(self, name: str, missing: Sequence[str], version: str | None = None, page: str = "") -> None:
        """*page* is where a person can enter them as well: an address without any token."""
        self.name, self.missing, self.version, self.page = name, tuple(missing), version, page
        command = f"dynamic-plugins configure {name}"
        which, for_person, for_model = name, "", ""
        if version is not None:
            which = f"{name} {version}"
            command += "".join(f" {variable}=VALUE" for variable in self.missing)
            for_person = ", then try again. Until then the present version stays"
            for_model = ", then tries again. Until then the present version stays"
        needs = f"{which} needs {', '.join(self.missing)} first."
        there = f" Or on the page: {page}" if page else ""
        super().__init__(
            f"{needs} Set {'it' if len(self.missing) == 1 else 'them'} with: {command}{for_person}{there}",
            for_model=f"{needs} The person sets them with: {command}{for_model}{there}",
        )

    def facts(self) -> dict[str, Any]:
        return {"missing": list(self.missing)} | ({"page": self.page} if self.page else {})


class NeedsSignInError(NeedsConfigurationError):
    """A person has to sign in at the plugin's server, for the first time or again; *reason* says why, where known.

    *for_model* is the reason as a model reads it, where that is another one.
    """

    def __init__(self, name: str, reason: str = "", *, for_model: str | None = None) -> None:
        self.name, self.reason, self.missing, self.version, self.page = name, reason, (), None, ""
        told = reason if for_model is None else for_model
        self.command = f"dynamic-plugins login {shlex.quote(name)}"
        text = f"{name} needs you to sign in" + (f": {reason}." if reason else " first.")
        InputError.__init__(
            self,
            f"{text} Sign in with: {self.command}",
            for_model=f"{name} needs the person to sign in{f': {told}' if told else ' first'}. "
            f"They do so with: {self.command}",
        )

    def facts(self) -> dict[str, Any]:
        return {"missing": [], "sign_in": self.command}


class UntrustedSourceError(InputError):
    """The entry comes from a registry that the person has not trusted."""

    code = "untrusted_source"

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source
        text, command = f"{name} comes from {source}, which is not trusted yet.", f"registry trust {source}"
        super().__init__(
            f"{text} If you trust it: dynamic-plugins {command}",
            for_model=f"{text} If the person trusts it, they run: dynamic-plugins {command}",
        )


class SourceNotAllowedError(UntrustedSourceError):
    """The operator's policy does not allow plugins from there; ``rule`` says which rule of which file."""

    def __init__(self, name: str, source: str, rule: str) -> None:
        self.name, self.source, self.rule = name, source, rule
        InputError.__init__(self, f"{name} comes from {source}, and {rule}.")

    def facts(self) -> dict[str, Any]:
        return {"rule": self.rule}


class NotAllowedError(InputError):
    """The operator's policy does not allow it; ``rule`` says which rule of which file."""

    code = "permission_denied"

    def __init__(self, name: str, rule: str) -> None:
        self.name, self.rule = name, rule
        super().__init__(f"{name} is neither installed nor started: {rule}.")

    def facts(self) -> dict[str, Any]:
        return {"rule": self.rule}


class RevokedError(NotAllowedError):
    """A registry has revoked the plugin, or this version of it."""

    def __init__(self, name: str, version: str, rule: str) -> None:
        super().__init__(f"{name} {version}", rule)


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


# ---------------------------------------------------------------------------- this machine, and what it reaches


class UnavailableError(PluginError):
    """Something that is needed is not to be had on this machine, or from it, now."""


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


# -------------------------------------------------------------------------------------------- the plugin itself


class PluginFaultError(PluginError):
    """The plugin's packages, its process or its code failed; no other plugin is concerned."""


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


class PermissionDeniedError(InputError, ActionError):
    """A plugin reached for a host, a path or a program that it was not granted. An ActionError, since its call failed.

    ``command`` is what the person types to grant it. *why* says why they were not asked about it.
    """

    code = "permission_denied"

    def __init__(
        self, plugin: str, kind: PermissionKind, what: str, action: str = "", said: str = "", why: str = ""
    ) -> None:
        self.kind, self.what, self._said = kind, what, said
        self.command = grant_command(plugin, kind, what)
        reason = f"it may not {_REACHING[kind]} {what}" + (f" ({said})" if said else "") + (f": {why}" if why else "")
        ActionError.__init__(
            self,
            plugin,
            action or "the call",
            f"{reason}. If you want it to: {self.command}",
            for_model=f"{reason}. Only the person can grant that, if they want to, with: {self.command}",
        )

    def because(self, why: str) -> PermissionDeniedError:
        """Return this error with why the person was not asked about it."""
        return PermissionDeniedError(self.plugin, self.kind, self.what, self.action, self._said, why)

    def facts(self) -> dict[str, Any]:
        return {"permission": {"kind": self.kind, "what": self.what}, "command": self.command}


class NotRepeatedError(PermissionDeniedError):
    """What a call was refused is granted now, and the call was not made again: it may have done a part of its work."""

    def __init__(self, refused: PermissionDeniedError) -> None:
        super().__init__(refused.plugin, refused.kind, refused.what, refused.action)
        happened = f"it was refused to {_REACHING[self.kind]} {self.what} on the way, which it may do from now on"
        half = "It was not called again, since it changes something and may have done a part of it"
        ActionError.__init__(
            self,
            refused.plugin,
            refused.action,
            f"{happened}. {half}: look first, then call it again",
            for_model=f"{happened}. {half}. Find out what was done, or ask the person, before you call it again",
        )


def grant_command(plugin: str, kind: PermissionKind, what: str) -> str:
    """Return the command by which a person lets *plugin* reach *what*."""
    return shlex.join(["dynamic-plugins", "permissions", plugin, f"--allow-{kind}", what])


_SAID = 300
_REACHING = {"network": "reach", "read": "read", "write": "write to", "program": "start"}


def permission_denied(
    plugin: str, kind: PermissionKind, what: str, action: str = "", said: str = ""
) -> PermissionDeniedError:
    """Return the error for what *plugin* was refused: *what* is a host with its port, a path, or a program's name.

    *what* may be a plugin's own words, and *said* is its own error: of those, one line of printable characters is told.
    """
    return PermissionDeniedError(plugin, kind, _one_line(what, PERMISSION_LENGTH), action, _one_line(said, _SAID))


def _one_line(text: str, length: int) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text[:length]).split())


class UnknownActionError(InputError, ActionError):
    """The plugin has no action of this name; ``known`` are those that it has. An ActionError, as NotActiveError is."""

    def __init__(self, plugin: str, action: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        names = ", ".join(self.known) or "none"
        ActionError.__init__(self, plugin, action, f"there is no such action; there are: {names}")


class PluginTimeoutError(PluginFaultError):
    """Something took longer than its limit and was stopped."""

    code = "timeout"

    def __init__(self, name: str, what: str, seconds: float, said: str = "") -> None:
        self.name, self.what, self.seconds = name, what, seconds
        told = f" It had said: {said}" if said else ""
        super().__init__(f"{name}: {what} took longer than {seconds:g} s and was stopped.{told}")


# ------------------------------------------------------------------------------------------------- ourselves


class StepError(PluginError):
    """A status cannot follow another (the table is in :mod:`dynamic_plugins.core.status`): a mistake of ours."""

    def __init__(self, name: str, current: str, wanted: str) -> None:
        self.name, self.current, self.wanted = name, current, wanted
        super().__init__(f"{name} is {current} and cannot become {wanted}.")
