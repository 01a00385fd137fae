"""Asking the person at the terminal: for consent, and for values, secrets without echo."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import TYPE_CHECKING

from dynamic_plugins.approval import approve_everything as agreed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.approval import ApprovalRequest, Approve, AskValues
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.registry.entry import Variable

__all__ = ["agreed", "approver", "at_a_terminal", "value_asker", "values_for"]


def at_a_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def approver(yes: bool, out: Output) -> Approve | None:
    """Return how consent is had: always with *yes*, by asking at a terminal, or not at all."""
    if yes:
        return agreed
    if not at_a_terminal():
        return None

    async def ask(request: ApprovalRequest) -> bool:
        for line in request.facts:
            out.aside(line)
        return (await _answer(f"{request.question} [y/N] ")).strip().lower() in {"y", "yes"}

    return ask


def value_asker(out: Output) -> AskValues | None:
    """Return how missing values are had: by asking at a terminal, or not at all."""
    if not at_a_terminal():
        return None

    async def ask(plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
        out.aside(f"{plugin} must be told:")
        return await values_for(variables)

    return ask


async def values_for(variables: Sequence[Variable]) -> dict[str, str]:
    """Ask for each variable, required ones first; an empty answer leaves it unset."""
    values = {}
    for variable in sorted(variables, key=lambda each: not each.required):
        need = "required" if variable.required else "optional, Enter to skip"
        about = f" - {variable.description}" if variable.description else ""
        answer = await _answer(f"{variable.name}{about} ({need}): ", hidden=variable.secret)
        if answer.strip():
            values[variable.name] = answer.strip()
    return values


async def _answer(question: str, *, hidden: bool = False) -> str:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.utils import is_dumb_terminal

    session: PromptSession[str] = PromptSession()
    try:
        if hidden and is_dumb_terminal():
            # There, prompt_toolkit shows what is typed, secret or not.
            return getpass(question)
        return await session.prompt_async(question, is_password=hidden)
    except EOFError:
        return ""
