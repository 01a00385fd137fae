"""Asking the person at the terminal: for consent, and for values, secrets without echo."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from getpass import getpass
from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer, approve_listed
from dynamic_plugins.approval import approve_everything as agreed
from dynamic_plugins.cli.output import has_terminal
from dynamic_plugins.core.permission_text import NOBODY_DECLARED
from dynamic_plugins.errors import NeedsConfirmationError
from dynamic_plugins.text.printable import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.approval import ApprovalRequest, Approve, AskValues
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.registry.entry import Variable

__all__ = ["agreed", "agrees", "approver", "as_typed", "at_a_terminal", "line", "value_asker", "values_for", "wants"]


_CALL_CHOICES = "[y]es once, for this [c]onversation, [a]lways, [N]o"
_CALL_ANSWERS = {
    "y": Answer.ONCE,
    "yes": Answer.ONCE,
    "c": Answer.CONVERSATION,
    "a": Answer.ALWAYS,
    "always": Answer.ALWAYS,
}
_REACH_CHOICES = "[y]es for this conversation, [a]lways, [N]o"
_REACH_ANSWERS = _CALL_ANSWERS | {"y": Answer.CONVERSATION, "yes": Answer.CONVERSATION}
_LABEL = 11
"""The columns before each fact's text, ``  plugin   ``."""


def at_a_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty() and has_terminal()


def approver(yes: bool, screen: Screen, *, allow_unlisted: bool = False) -> Approve | None:
    """Return how consent is had: always with *yes*, by asking at a terminal, or not at all.

    *yes* is for what a registry lists; with *allow_unlisted* it is for all else, too.
    """
    if yes:
        return agreed if allow_unlisted else approve_listed
    if not at_a_terminal():
        return None

    async def ask(request: ApprovalRequest) -> bool | Answer:
        async with screen.asking():
            show_facts(request, screen)
            if request.verb == "call":
                return _CALL_ANSWERS.get(await _short_answer(f"{request.question} {_CALL_CHOICES} "), Answer.NO)
            if request.verb == "reach":
                return _REACH_ANSWERS.get(await _short_answer(f"{request.question} {_REACH_CHOICES} "), Answer.NO)
            question = f"{request.verb.capitalize()} {request.name} {request.version}?"
            says_it = request.changes or request.verb == "rollback"
            return await _short_answer(f"{request.question if says_it else question} [y/N] ") in {"y", "yes"}

    return ask


def show_facts(request: ApprovalRequest, screen: Screen) -> None:
    """Show everything that a person is to know before they agree to *request*."""
    for fact in request.facts:
        _show(screen.out, visible(fact))


async def _short_answer(question: str) -> str:
    return (await _answer(visible(question))).strip().lower()


def as_typed(yes: bool, screen: Screen) -> Approve:
    """Return how consent is had for what was typed as a command: that is agreed to, but for what they cannot know.

    What a plugin offers otherwise than it did is shown and asked about all the same, unless with *yes*.
    """
    if yes:
        return agreed
    ask = approver(False, screen)

    async def answer(request: ApprovalRequest) -> bool | Answer:
        if not request.changes and request.verb != "reach":
            return Answer.BEFOREHAND
        if ask is None:
            raise NeedsConfirmationError(request.name, request.question)
        return await ask(request)

    return answer


async def agrees(question: str, screen: Screen) -> bool:
    """Ask a question at the terminal that is answered by yes or no; anything but a yes is a no."""
    async with screen.asking():
        answer = await _answer(visible(f"{question} [y/N] "))
    await asyncio.sleep(0)  # after Ctrl-C the command ends here, and nothing is taken for an answer
    return answer.strip().lower() in {"y", "yes"}


async def wants(question: str) -> bool:
    """Ask a question where nothing else is on the screen; anything but a yes is a no."""
    return await _short_answer(f"{question} [y/N] ") in {"y", "yes"}


def _show(out: Output, fact: str) -> None:
    """Show one fact whole, its further lines under the first."""
    from rich.cells import chop_cells
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    label, text = fact[:_LABEL], fact[_LABEL:]
    console = Console(stderr=True, highlight=False)
    if out.dumb:
        # Broken where a line of it would end: else a text of the right length has its next line begin as a fact does.
        # A wide letter takes two places; and the last place of a line is left, since some terminals go on behind it.
        room = max(2, shutil.get_terminal_size().columns - _LABEL - 1)
        for at, line in enumerate(chop_cells(text, room) or [""]):
            out.aside(f"{label if at == 0 else '':{_LABEL}}{line}")
        return
    style = "bold yellow" if label.strip() == "warning" or NOBODY_DECLARED in text else ""
    row = Table.grid()
    row.add_column(width=_LABEL, style=style or "dim", no_wrap=True)
    row.add_column(overflow="fold", style=style)
    row.add_row(Text(label), Text(text))
    console.print(row)


def value_asker(screen: Screen) -> AskValues | None:
    """Return how missing values are had: by asking at a terminal, or not at all."""
    if not at_a_terminal():
        return None

    async def ask(plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
        async with screen.asking():
            screen.out.aside(f"{visible(plugin)} must be told:")
            return await values_for(variables)

    return ask


async def values_for(variables: Sequence[Variable]) -> dict[str, str]:
    """Ask for each variable, required ones first; an empty answer leaves it unset."""
    values = {}
    for variable in sorted(variables, key=lambda each: not each.required):
        need = "required" if variable.required else "optional, Enter to skip"
        about = f" - {variable.description}" if variable.description else ""
        answer = await _answer(visible(f"{variable.name}{about} ({need}): "), hidden=variable.is_secret)
        if answer.strip():
            values[variable.name] = answer.strip()
    return values


async def line(question: str) -> str:
    """Ask for a line at the terminal; empty where the person gives none."""
    return await _answer(visible(question))


async def _answer(question: str, *, hidden: bool = False) -> str:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import create_output
    from prompt_toolkit.utils import is_dumb_terminal

    # Where standard output goes to a file, the question must not.
    session: PromptSession[str] = PromptSession(output=None if sys.stdout.isatty() else create_output(sys.stderr))
    try:
        if hidden and is_dumb_terminal():
            # There, prompt_toolkit shows what is typed, secret or not.
            return getpass(question)
        # With handle_sigint the prompt would take away, for good, the handler by which Ctrl-C stops the turn.
        return await session.prompt_async(
            [("bold", question)], is_password=hidden, handle_sigint=False, set_exception_handler=False
        )
    except EOFError:
        return ""
    except KeyboardInterrupt:
        # Here Ctrl-C is a key. Raised in a task it would tear the loop down; whoever stops the work listens to this.
        signal.raise_signal(signal.SIGINT)
        return ""
