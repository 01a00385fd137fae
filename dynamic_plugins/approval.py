"""Asking a person: for consent before something is installed or first started, and for values that only they have."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Literal
from urllib.parse import urlsplit

from dynamic_plugins.core.permission_text import as_verbs, in_a_sentence, permission_lines
from dynamic_plugins.core.permissions import (
    NOT_ENFORCED,
    NOTHING,
    UNDECLARED,
    Enforcement,
    Permissions,
    asks_more,
)
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.text.printable import visible

Verb = Literal["install", "activate", "update", "rollback", "uninstall", "call", "reach", "sync"]


class Answer(StrEnum):
    """What a person answers, where yes and no do not say enough; only a no counts as false."""

    NO = "no"
    ONCE = "once"
    CONVERSATION = "conversation"
    """To a call: also every further call of this action, until the application is closed; to a reach: until then."""
    ALWAYS = "always"
    """To a call: also every further call of this action, as long as the plugin describes it as it does now.
    To a reach: until the person takes it back."""
    BEFOREHAND = "beforehand"
    """The operator has agreed to whatever would be asked."""

    def __bool__(self) -> bool:
        return self is not Answer.NO


@dataclass(frozen=True)
class ApprovalRequest:
    """What the person is asked to agree to, complete and untruncated."""

    verb: Verb
    name: str
    version: str
    source: str
    """Where the plugin comes from: the registry and the package index or folder."""
    commands: tuple[tuple[str, ...], ...]
    """What will be run, as argument lists."""
    warnings: tuple[str, ...] = ()
    """What a careful person would want to know: a look-alike name, an untrusted source, builds."""
    defaults: tuple[tuple[str, str], ...] = ()
    """What the plugin is told unless the person sets it, by name: as its registry or the plugin itself suggests."""
    notes: tuple[str, ...] = ()
    """What is good to know and nothing to be careful about: that recent versions are left out."""
    digest: str | None = None
    """The SHA-256 of the copy of a folder or wheel that will be installed: a yes is a yes to that copy."""
    unlisted: str = ""
    """Of an install or update of what no registry lists: how that is named in full, ``npm:@playwright/mcp``."""
    told: tuple[tuple[str, str], ...] = ()
    """What the package's own index says of it, where no registry does, as pairs of a label and a text."""
    by_itself: bool = False
    """Whether consent that was given beforehand is not for this: no registry lists it.

    False where the operator's policy allows such things. :func:`approve_everything` is whoever passes it saying so.
    """
    suggested_by: str = ""
    """The plugin in whose words this stands, where nobody is known to have asked for it.

    Consent that was given beforehand is not for that: only somebody who has read it can agree.
    """
    permissions: Permissions = UNDECLARED
    """What it may reach once that is agreed to."""
    enforced: Enforcement = NOT_ENFORCED
    """Which of that is enforced on this machine."""
    held: Permissions | None = None
    """What it may reach already, of an update and of a reach: only what is new is shown."""
    needs: tuple[tuple[str, Permissions], ...] = ()
    """The plugins that come with it, and what they may reach."""
    changes: tuple[str, ...] = ()
    """What is new or has changed since the person last agreed, as lines of a difference."""
    action: str = ""
    """Of a call, and of a reach: the action that is called."""
    arguments: str = ""
    """Of a call, and of a reach: its arguments, as JSON text."""
    remote: tuple[tuple[str, str], ...] = ()
    """Of what runs elsewhere: its address, what it speaks, what is sent there, how one signs in, its headers."""
    starts: bool = False
    """Of an install: whether it is switched on with the same yes. What that starts is the last of the commands."""
    parts: tuple[ApprovalRequest, ...] = ()
    """Of a sync: what is installed and exchanged, each as it would be asked about by itself."""

    @property
    def question(self) -> str:
        """One line: ``Install mcp-server-time 2026.10.19 from PyPI?``"""
        if self.verb == "call":
            return visible(f"Call {self.action} of {self.name}?")
        if self.verb == "reach":
            return visible(f"May {self.name} {as_verbs(asks_more(self.held or NOTHING, self.permissions))}?")
        if self.verb == "sync":
            return visible(f"Make this home as {PurePath(self.name).name} says: {self.version}?")
        if self.verb == "activate" and self.changes:
            what = f"{self.name} {self.version} offers other things than you agreed to."
            return visible(f"{what} Use what is new or changed?")
        if self.verb == "rollback":
            return visible(f"Go back to {self.name} {self.version} from {self.source}?")
        verb = "install and switch on" if self.starts else self.verb
        return visible(f"{verb.capitalize()} {self.name} {self.version} from {self.source}?")

    @property
    def facts(self) -> list[str]:
        """What the person is shown before a yes, a line each: everything, nothing cut, the unseen as escapes."""
        if self.verb == "sync":
            changes = [visible(f"  {change}") for change in self.changes]
            return [visible(f"  file     {self.name}"), *(line for part in self.parts for line in part.facts), *changes]
        lines = [f"  plugin   {self.name} {self.version}", f"  source   {self.source}"]
        lines += [f"  unlisted {_UNLISTED}"] if self.unlisted else []
        lines += [f"  {label:<8} {text}" for label, text in self.told if label != "warning"]
        lines += [f"  {'runs' if index == 0 else '    '}     {shlex.join(c)}" for index, c in enumerate(self.commands)]
        lines += [f"  {name:<8} {text}" for name, text in self.remote]
        lines += [f"  sha256   {self.digest}"] if self.digest else []
        lines += [f"  {name:<8} {text}" for name, text in self.permission_lines.items()]
        lines += [f"  with it  {name}: {in_a_sentence(permissions)}" for name, permissions in self.needs]
        lines += [f"  default  {name}={value}" for name, value in self.defaults]
        lines += [f"  note     {note}" for note in self.notes]
        if self.verb in ("call", "reach"):
            lines += [f"  calls    {self.action}", f"  with     {self.arguments}"]
        lines += [f"  {change}" for change in self.changes]
        own = [text for label, text in self.told if label == "warning"]
        lines += [f"  warning  {warning}" for warning in (*self.warnings, *own)]
        return [visible(line) for line in lines]

    @property
    def permission_lines(self) -> dict[str, str]:
        """What it may reach, three lines by what they are about: network, files, programs. None of what is removed."""
        return {} if self.verb == "uninstall" else permission_lines(self.permissions, self.enforced, self.held)


_UNLISTED = "No registry lists it, so nobody has looked at it. Its name is what its publisher chose."

Approve = Callable[[ApprovalRequest], Awaitable[bool | Answer]]
"""Returns whether the person agrees; to a call, ``True`` agrees to this one, and to a reach until the application is
closed (see :class:`Answer`).

A host without a person passes none: the answer is then needs_confirmation.
"""


async def approve_everything(request: ApprovalRequest) -> bool:
    """Agree to everything that was asked for, listed or not: for whoever has said ``--yes --allow-unlisted``.

    What a plugin would reach besides was not asked for: that is a person's to say when it comes up, or the policy's.
    """
    return not request.suggested_by and request.verb != "reach"


async def approve_listed(request: ApprovalRequest) -> bool:
    """Agree to everything that was asked for and that a registry lists: for an operator who has said ``--yes``."""
    return await approve_everything(request) and not request.by_itself


AskValues = Callable[[str, Sequence[Variable]], Awaitable[dict[str, str]]]
"""Asks the person for a plugin's variables and returns those they gave; secrets are shown to nobody else."""


@dataclass(frozen=True)
class SignInRequest:
    """Where a person has to sign in, so that a plugin can use its server in their name."""

    plugin: str
    server: str
    """The plugin's own address."""
    issuer: str
    """Who asks them to sign in: the server's word, but for its host, which *url* is on or which says that it is."""
    url: str
    """The address to open in a browser, checked: plain ASCII, https (or this machine's loopback)."""
    redirect_uri: str
    """Where the browser ends: an address of this machine, which one elsewhere cannot reach."""
    scopes: tuple[str, ...] = ()
    """What the plugin would be allowed, in the server's words."""
    problem: str = ""
    """What was wrong with what the person pasted before."""

    @property
    def facts(self) -> list[str]:
        """What the person is shown before they open the address, a line each: the unseen as escapes."""
        lines = [f"  plugin   {self.plugin}", f"  server   {self.server}", f"  sign in  at {urlsplit(self.url).netloc}"]
        lines += [f"  issuer   {self.issuer}"] if urlsplit(self.issuer).netloc != urlsplit(self.url).netloc else []
        lines += [f"  allows   {' '.join(self.scopes)}"] if self.scopes else []
        return [visible(line) for line in lines]


AskSignIn = Callable[[SignInRequest], Awaitable[str | None]]
"""Has the person open the address, and returns what they pasted; None where their browser will come back by itself.

It is cancelled once that has happened, or takes too long. Raises DeclinedError for a person who does not want to. What
it returns is checked, and where it is not the end of this sign-in, it is asked again.
"""
