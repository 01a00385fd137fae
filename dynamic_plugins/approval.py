"""Asking a person: for consent before something is installed or first started, and for values that only they have."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from dynamic_plugins.registry.entry import Variable

Verb = Literal["install", "activate", "update", "call"]


class Answer(StrEnum):
    """What a person answers, where yes and no do not say enough; only a no counts as false."""

    NO = "no"
    ONCE = "once"
    CONVERSATION = "conversation"
    """To a call: also every further call of this action, until the application is closed."""
    ALWAYS = "always"
    """To a call: also every further call of this action, as long as the plugin describes it as it does now."""
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
    changes: tuple[str, ...] = ()
    """What is new or has changed since the person last agreed, as lines of a difference."""
    action: str = ""
    """Of a call: the action."""
    arguments: str = ""
    """Of a call: its arguments, as JSON text."""

    @property
    def question(self) -> str:
        """One line: ``Install mcp-server-time 2026.10.19 from PyPI?``"""
        if self.verb == "call":
            return f"Call {self.action} of {self.name}?"
        if self.verb == "activate" and self.changes:
            return f"{self.name} {self.version} offers other things than you agreed to. Use what is new or changed?"
        return f"{self.verb.capitalize()} {self.name} {self.version} from {self.source}?"

    @property
    def facts(self) -> list[str]:
        """What the person is shown before a yes, a line each: everything, nothing cut."""
        lines = [f"  plugin   {self.name} {self.version}", f"  source   {self.source}"]
        lines += [f"  {'runs' if index == 0 else '    '}     {shlex.join(c)}" for index, c in enumerate(self.commands)]
        if self.verb == "call":
            lines += [f"  calls    {self.action}", f"  with     {self.arguments}"]
        lines += [f"  {change}" for change in self.changes]
        return lines + [f"  warning  {warning}" for warning in self.warnings]


Approve = Callable[[ApprovalRequest], Awaitable[bool | Answer]]
"""Returns whether the person agrees; to a call, ``True`` agrees to this one (see :class:`Answer`).

A host without a person passes none: the answer is then needs_confirmation.
"""


async def approve_everything(_request: ApprovalRequest) -> bool:
    """Agree to everything: for an operator who has said ``--yes``."""
    return True


AskValues = Callable[[str, Sequence[Variable]], Awaitable[dict[str, str]]]
"""Asks the person for a plugin's variables and returns those they gave; secrets are shown to nobody else."""
