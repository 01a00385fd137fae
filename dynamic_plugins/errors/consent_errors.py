"""What a person has not agreed to, has not entered, or has not allowed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.errors.error_root import InputError
from dynamic_plugins.errors.fault_errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Sequence

PermissionKind = Literal["network", "read", "write", "program"]
"""What a refusal is about."""
PERMISSION_LENGTH = 300


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


_REACHING = {"network": "reach", "read": "read", "write": "write to", "program": "start"}


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


def permission_denied(
    plugin: str, kind: PermissionKind, what: str, action: str = "", said: str = ""
) -> PermissionDeniedError:
    """Return the error for what *plugin* was refused: *what* is a host with its port, a path, or a program's name.

    *what* may be a plugin's own words, and *said* is its own error: of those, one line of printable characters is told.
    """
    return PermissionDeniedError(plugin, kind, _one_line(what, PERMISSION_LENGTH), action, _one_line(said, _SAID))


def _one_line(text: str, length: int) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text[:length]).split())
