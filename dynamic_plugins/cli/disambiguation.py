"""A name at a command that fits several plugins: at a terminal the person is asked which one they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.cli import prompts
from dynamic_plugins.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.catalog import Catalogue

MOST = 5
"""So many are offered: a word that fits more is no name."""
DESCRIBED = 90
"""What is shown of a description, in characters."""


async def settled(catalogue: Catalogue, names: Iterable[str], screen: Screen) -> list[str]:
    """Return *names*, each that fits several plugins as the one that the person picks; unchanged where none is picked.

    The likeliest is the first, and what a bare return takes. Where nobody can be asked, all stay as they are. Raises
    RegistryUnavailableError.
    """
    if not prompts.at_a_terminal():
        return list(names)
    return [await _settled(catalogue, said, screen) for said in names]


async def _settled(catalogue: Catalogue, said: str, screen: Screen) -> str:
    resolution = await catalogue.resolve(said)
    candidates = [each.name for each in resolution.candidates]
    if resolution.kind != "ambiguous" or not 1 < len(candidates) <= MOST:
        return said
    entries = await catalogue.entries_by_name()
    async with screen.asking():
        screen.out.aside(f"{said} could be:")
        for number, name in enumerate(candidates, 1):
            screen.out.aside(_line(number, name, entries.get(name)))
        answer = (await prompts.line(f"Which one, 1 to {len(candidates)} (return takes 1): ")).strip()
    picked = _picked(answer, candidates)
    return said if picked is None else f"{picked}@{resolution.version}" if resolution.version else picked


def _line(number: int, name: str, entry: Entry | None) -> str:
    told = entry.description.strip().partition("\n")[0] if entry is not None else ""
    short = told if len(told) <= DESCRIBED else f"{told[: DESCRIBED - 1].rstrip()}…"
    return printable(f"  {number}  {name}{f': {short}' if short else ''}")


def _picked(answer: str, candidates: Sequence[str]) -> str | None:
    if not answer:
        return candidates[0]
    if answer in candidates:
        return answer
    if answer.isdecimal() and 1 <= int(answer) <= len(candidates):
        return candidates[int(answer) - 1]
    return None
