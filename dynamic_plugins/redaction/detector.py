"""Finding the secrets in a text: by name, by format, by looks; whole ones, even where a terminal broke the line."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.command_lines import handed
from dynamic_plugins.redaction.detectors.entropy import by_entropy
from dynamic_plugins.redaction.detectors.named_values import by_name
from dynamic_plugins.redaction.detectors.token_formats import Found, by_format

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PLACEHOLDER = re.compile(r"\[secret:(\d+)(?::([A-Z0-9_]+))?\]")
# A line that ends in the middle of a token, and the rest of it alone on the next.
_BREAK = re.compile(
    r"(?<=[A-Za-z0-9_\-+/=.])[ \t]*\r?\n[ \t]*(?=[A-Za-z0-9_\-+/.]+={0,2}[ \t]*[\"'`)\].,;]*[ \t]*(?:\r?\n|$))"
)


def find(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> list[Found]:
    """Return the secrets in *text*, in order and apart from one another.

    *known* are the names of plugins' secret variables, in capitals; *installed* those of the plugins that are there.
    Placeholders that stand in the text already are left alone.
    """
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    plain = _merged(chain(by_format(text), by_name(text, known, installed), handed(text), by_entropy(text)), text)
    found = _merged([*plain, *_across_lines(text, known, plain)], text)
    return [each for each in found if not any(start < each.end and each.start < end for start, end in taken)]


def _merged(found: Iterable[Found], text: str) -> list[Found]:
    """Join what overlaps: the widest bounds, the best label (a name before a format before nothing)."""
    merged: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if not merged or each.start >= merged[-1].end:
            merged.append(each)
            continue
        last = merged[-1]
        best = max(last, each, key=lambda one: (bool(one.label), one.named))
        if each.end > last.end:
            value = each.value if each.start == last.start else text[last.start : each.end]
            last = Found(last.start, each.end, value)
        merged[-1] = replace(last, label=best.label, named=best.named)
    return merged


def _across_lines(text: str, known: Collection[str], plain: list[Found]) -> list[Found]:
    """Return the tokens that a line break cut in two, with a value that has no break."""
    origin = list(range(len(text)))
    breaks = [match.span() for match in _BREAK.finditer(text)]
    if not breaks:
        return []
    for start, end in reversed(breaks):
        del origin[start:end]
    origin.append(len(text))
    joined = "".join(text[index] for index in origin[:-1])
    wide = []
    for each in chain(by_format(joined), by_name(joined, known)):
        start, end = origin[each.start], origin[each.end - 1] + 1
        inside = [brk for brk in breaks if start < brk[0] and brk[1] < end]
        # The next line continues this token unless it is one of its own.
        if inside and not any(one.start == brk[1] and not _rest(one, text) for brk in inside for one in plain):
            wide.append(replace(each, start=start, end=end))
    return wide


def _rest(found: Found, text: str) -> bool:
    """Return whether *found* is known only by its looks, so that it may as well be the rest of the line before."""
    return not found.label and not found.named and not any(True for _ in by_format(text[found.start : found.end]))
