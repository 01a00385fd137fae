"""Whether a text of a stranger's, however long and however made, names one plugin: fast where it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.resolver.mentions import MERELY_A_WORD, mentions_in
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.resolver.resolver import Resolver

AROUND = 160
"""So many characters on either side of a place are read with it."""
PLACES = 300
"""At more places than that a text is not read: it names the plugin over and over, whatever it says there."""

_SEPARATOR = r"[\W_]{0,8}"


def names_plugin(text: str, plugin: str, resolver: Resolver) -> bool:
    """Return whether *text* names *plugin* in whatever spelling the resolver takes: "fetch me a page" does not.

    Takes time in proportion to the text's length: only where the letters of one of the plugin's names stand is the
    text read word by word.
    """
    for places, window in enumerate(_windows(text, resolver.table.spoken_forms(plugin))):
        if places >= PLACES:
            return True
        sure = (each for each in mentions_in(window, resolver) if each.kind == "exact")
        if any(plugin in each.names and each.confidence >= MERELY_A_WORD for each in sure):
            return True
    return False


def _windows(text: str, forms: frozenset[str]) -> Iterator[str]:
    """Give the parts of *text* in which one of *forms*, letters without separators, stands."""
    folded = text if text.isascii() else normalize.folded(text)
    reached = -1
    for found in _pattern(forms).finditer(folded):
        if found.start() >= reached:
            reached = found.end() + AROUND // 2
            yield folded[max(0, found.start() - AROUND) : found.end() + AROUND]


def _pattern(forms: frozenset[str]) -> re.Pattern[str]:
    letters = (_SEPARATOR.join(map(re.escape, form)) for form in sorted(forms, key=len, reverse=True))
    return re.compile("|".join(letters), re.IGNORECASE)
