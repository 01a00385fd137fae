"""Finding the secrets in a text: by name, by format, by looks; whole ones, even where a terminal broke the line."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.assignments import find_command_secrets
from dynamic_plugins.redaction.detectors.named_values import find_named_values
from dynamic_plugins.redaction.detectors.plausibility import find_random_strings
from dynamic_plugins.redaction.detectors.token_formats import Finding, find_tokens
from dynamic_plugins.text.secret_names import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

# A line that ends in the middle of a token, and the rest of it alone on the next.
_BREAK = re.compile(
    r"(?<=[A-Za-z0-9_\-+/=.])[ \t]{0,99}\r?\n[ \t]{0,99}"
    r"(?=[A-Za-z0-9_\-+/.]+={0,2}[ \t]{0,99}[\"'`)\].,;]{0,9}[ \t]{0,99}(?:\r?\n|$))"
)


def find_secrets(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> list[Finding]:
    """Return the secrets in *text*, in order and apart from one another.

    *known* are the names of plugins' secret variables, in capitals; *installed* those of the plugins that are there.
    Placeholders that stand in the text already are left alone. Takes time in proportion to the text's length.
    """
    plain = _merged(
        chain(
            find_tokens(text),
            find_named_values(text, known, installed),
            find_command_secrets(text),
            find_random_strings(text),
        ),
        text,
    )
    found = _merged([*plain, *_across_lines(text, known, plain)], text)
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    return list(_apart_from(found, taken)) if taken else found


def _apart_from(findings: Iterable[Finding], taken: list[tuple[int, int]]) -> Iterator[Finding]:
    starts = [start for start, _ in taken]
    for finding in findings:
        last = bisect_left(starts, finding.end) - 1  # the last span that begins before the finding ends
        if last < 0 or taken[last][1] <= finding.start:
            yield finding


def _merged(findings: Iterable[Finding], text: str) -> list[Finding]:
    """Join what overlaps: the widest bounds, the best label (a name before a format before nothing)."""
    merged: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (finding.start, -finding.end)):
        if not merged or finding.start >= merged[-1].end:
            merged.append(finding)
            continue
        last = merged[-1]
        best = max(last, finding, key=lambda one: (bool(one.label), one.named))
        if finding.end > last.end:
            value = finding.value if finding.start == last.start else text[last.start : finding.end]
            last = Finding(last.start, finding.end, value)
        merged[-1] = replace(last, label=best.label, named=best.named)
    return merged


def _across_lines(text: str, known: Collection[str], plain: list[Finding]) -> Iterator[Finding]:
    """Yield the tokens that a line break cut in two, with a value that has no break."""
    joined = _JoinedLines(text)
    if not joined.breaks:
        return
    own_tokens = {finding.start: finding for finding in plain}
    broken: dict[int, bool] = {}  # whether a line goes on after the break that ends here, for those looked at
    for finding in chain(find_tokens(joined.text), find_named_values(joined.text, known)):
        start, end = joined.origin(finding.start), joined.origin(finding.end - 1) + 1
        inside = joined.breaks_between(start, end)
        for after in inside:
            if after not in broken:
                # The next line continues this token unless it is one of its own.
                broken[after] = after not in own_tokens or _rest(own_tokens[after], text)
        if inside and all(broken[after] for after in inside):
            yield replace(finding, start=start, end=end)


class _JoinedLines:
    """A text without the line breaks that may have cut a token, and where its characters come from."""

    def __init__(self, text: str) -> None:
        self.breaks = [match.span() for match in _BREAK.finditer(text)]
        self._starts = [start for start, _ in self.breaks]
        self._ends = [end for _, end in self.breaks]
        pieces = zip([0, *self._ends], [*self._starts, len(text)], strict=True)
        self.text = "".join(text[start:end] for start, end in pieces)
        removed, self._joints = 0, list[int]()
        for start, end in self.breaks:
            self._joints.append(start - removed)
            removed += end - start
        self._removed = [0]
        for start, end in self.breaks:
            self._removed.append(self._removed[-1] + end - start)

    def origin(self, index: int) -> int:
        """Return where the character at *index* of the joined text stands in the original."""
        return index + self._removed[bisect_right(self._joints, index)]

    def breaks_between(self, start: int, end: int) -> list[int]:
        """Return the ends of the breaks that lie within *start* and *end*, both of the original."""
        return self._ends[bisect_right(self._starts, start) : bisect_left(self._ends, end)]


def _rest(finding: Finding, text: str) -> bool:
    """Return whether *finding* is known only by its looks, so that it may as well be the rest of the line before."""
    if finding.label or finding.named:
        return False
    return next(find_tokens(text[finding.start : finding.end]), None) is None
