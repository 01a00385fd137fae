"""Asking a person: for consent before something is installed or first started, and for values that only they have."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from dynamic_plugins.core.permission_text import in_a_sentence, permission_lines
from dynamic_plugins.core.permissions import NOT_ENFORCED, UNDECLARED, Enforcement, Permissions
from dynamic_plugins.registry.entry import Variable

Verb = Literal["install", "activate", "update", "uninstall"]


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
    permissions: Permissions = UNDECLARED
    """What it may reach once that is agreed to."""
    enforced: Enforcement = NOT_ENFORCED
    """Which of that is enforced on this machine."""
    held: Permissions | None = None
    """What it may reach already, of an update: only what is new is shown."""
    needs: tuple[tuple[str, Permissions], ...] = ()
    """The plugins that come with it, and what they may reach."""

    @property
    def question(self) -> str:
        """One line: ``Install mcp-server-time 2026.10.19 from PyPI?``"""
        return f"{self.verb.capitalize()} {self.name} {self.version} from {self.source}?"

    @property
    def facts(self) -> list[str]:
        """What the person is shown before a yes, a line each: everything, nothing cut."""
        lines = [f"  plugin   {self.name} {self.version}", f"  source   {self.source}"]
        lines += [f"  {'runs' if index == 0 else '    '}     {shlex.join(c)}" for index, c in enumerate(self.commands)]
        lines += [f"  {name:<8} {text}" for name, text in self.permission_lines.items()]
        lines += [f"  with it  {name}: {in_a_sentence(permissions)}" for name, permissions in self.needs]
        return lines + [f"  warning  {warning}" for warning in self.warnings]

    @property
    def permission_lines(self) -> dict[str, str]:
        """What it may reach, three lines by what they are about: network, files, programs. None of what is removed."""
        return {} if self.verb == "uninstall" else permission_lines(self.permissions, self.enforced, self.held)


Approve = Callable[[ApprovalRequest], Awaitable[bool]]
"""Returns whether the person agrees. A host without a person passes none: the answer is then needs_confirmation."""


async def approve_everything(_request: ApprovalRequest) -> bool:
    """Agree to everything: for an operator who has said ``--yes``."""
    return True


AskValues = Callable[[str, Sequence[Variable]], Awaitable[dict[str, str]]]
"""Asks the person for a plugin's variables and returns those they gave; secrets are shown to nobody else."""
