"""Names as text: the forms that are one name to a reader, and what a slip of the fingers costs."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from dynamic_plugins.text.printable import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What stands before or after the part of a name that tells plugins apart.
_PREFIX = r"(?:elizaos-plugin-|eliza-plugin-|plugin-|client-|adapter-|mcp-server-|server-|mcp-)"
_SUFFIX = r"(?:-mcp-server|-mcp|-plugin|-server)"
_AFFIXES = re.compile(rf"^{_PREFIX}(?=.)|(?<=[^\n]){_SUFFIX}$", re.MULTILINE)
_SEPARATORS = re.compile(r"[^\w\n+#]+|_+")
#: Parts that say nothing: nobody means one plugin by them, whatever rule leads there.
GENERIC = frozenset({"", "eliza", "elizaos", "mcp-server", "plugin", "plugins", "server", "client", "adapter"})

READINGS = 8
"""How many ways to read what was typed are looked into."""

_ROWS = ("1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_OFFSETS = (0.0, 0.5, 0.75, 1.25)


def _neighbours() -> frozenset[tuple[str, str]]:
    keys = [
        (key, column + offset, row)
        for row, (keys, offset) in enumerate(zip(_ROWS, _OFFSETS, strict=True))
        for column, key in enumerate(keys)
    ]
    return frozenset(
        (a, b)
        for a, x, y in keys
        for b, u, v in keys
        if a != b and abs(y - v) <= 1 and abs(x - u) <= (1.0, 0.8)[y != v]
    )


_NEIGHBOURS = _neighbours()


def folded(text: str) -> str:
    """Return *text* with what is drawn as nothing taken out and one spelling for each character; spaces stay."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def normal(text: str) -> str:
    """Return *text* without the differences a rule sees past: case, width, white space, ``_`` for ``-``."""
    return re.sub(r"\s+", "-", unicodedata.normalize("NFKC", text).casefold().strip()).replace("_", "-")


def normals(names: Sequence[str]) -> list[str]:
    """Return the :func:`normal` form of each name; many at once are some ten times as fast as one by one."""
    text = unicodedata.normalize("NFKC", "\n".join(names)).casefold()
    found = re.sub(r"[^\S\n]+", "-", text).replace("_", "-").split("\n")
    return found if len(found) == len(names) else [normal(name) for name in names]


def bare(name: str) -> str:
    """Return a normal name without its scope: ``plugin-rss`` of ``@elizaos/plugin-rss``."""
    return name.rpartition("/")[2] or name


def cores(bares: Sequence[str]) -> list[str]:
    """Return what is left of bare names without ``plugin-``, ``mcp-server-``, ``-mcp`` …: ``rss``, ``time``."""
    return _AFFIXES.sub("", "\n".join(bares)).split("\n")


def core(name: str) -> str:
    """Return the core of one bare name."""
    return _AFFIXES.sub("", name)


def squashed(text: str) -> str:
    """Return *text* without anything that separates its words."""
    return _SEPARATORS.sub("", text)


def squashes(texts: Sequence[str]) -> list[str]:
    """Return each text :func:`squashed`."""
    return _SEPARATORS.sub("", "\n".join(texts)).split("\n")


def possible_cores(bare: str) -> dict[str, float]:
    """Return the squashed cores that *bare* may be, the likeliest first, with what it costs to read it so.

    A slip may be in ``plugin-`` or ``-mcp`` as well: what resembles one of them may be one, and there may be two.
    """
    found = {squashed(core(bare)): 0.0, squashed(bare): 0.0}
    for rest, cost in _without_affixes(bare):
        for text, more in ((rest, 0.0), *_without_affixes(rest)):
            key = squashed(text)
            found[key] = min(cost + more, found.get(key, 9.0))
    best = sorted(found.items(), key=lambda each: each[1])[:READINGS]
    return {rest: cost for rest, cost in best if rest}


def _without_affixes(text: str) -> Iterator[tuple[str, float]]:
    """Give *text* without each beginning or end that is nearly an affix, and what makes it only nearly one."""
    from rapidfuzz.distance import OSA

    for affix in ("plugin-", "mcp-server-", "mcp-", "server-", "client-", "adapter-", "elizaos-plugin-"):
        if text[:1] in affix[:2] or text[1:2] in affix[:2]:
            ends = range(len(affix) - 1, min(len(affix) + 1, len(text) - 2) + 1)
            slips, end = min(((OSA.distance(affix, text[:end]), end) for end in ends), default=(9, 0))
            if slips <= _affix_slips(affix):
                yield text[end:].lstrip("-"), slips / 2
    for affix in ("-mcp", "-mcp-server", "-server"):
        if text[-1:] in affix[-2:] or text[-2:-1] in affix[-2:]:
            starts = range(max(2, len(text) - len(affix) - 1), len(text) - len(affix) + 2)
            slips, start = min(((OSA.distance(affix, text[start:]), start) for start in starts), default=(9, 0))
            if slips <= _affix_slips(affix):
                yield text[:start].rstrip("-"), slips / 2


def _affix_slips(affix: str) -> int:
    """Return how many slips an affix may have to be taken for one."""
    return 1 if len(affix) < 6 else 2


def slip_cost(meant: str, typed: str) -> float:
    """Return how unlikely it is that fingers which meant one text typed the other; a plain slip costs about 1.

    An optimal string alignment: letters swapped, doubled, left out, added or replaced. Hitting the key beside the
    right one, or a key twice, is likelier than hitting any other.
    """
    before: list[float] = []
    row = [float(column) for column in range(len(typed) + 1)]
    for i, a in enumerate(meant, start=1):
        earlier, before, row = before, row, [float(i)]
        for j, b in enumerate(typed, start=1):
            cost = before[j - 1] + (0.0 if a == b else 0.8 if (a, b) in _NEIGHBOURS else 1.1)
            cost = min(cost, before[j] + (0.8 if i > 1 and meant[i - 2] == a else 0.95))
            cost = min(cost, row[j - 1] + (0.7 if j > 1 and typed[j - 2] == b else 1.0))
            if i > 1 and j > 1 and a == typed[j - 2] and b == meant[i - 2]:
                cost = min(cost, earlier[j - 2] + 0.7)
            row.append(cost)
    return row[-1]
