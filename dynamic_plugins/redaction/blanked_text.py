"""A text without its secrets, for what is written to a file and shown to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.scrubber import BLANK, Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterable


def blanked(text: str, known: Iterable[str] = ()) -> str:
    """Return *text* with ``***`` for each secret in it: the *known* ones in any spelling, and what looks like one."""
    text = Scrubber(dict.fromkeys(known, BLANK)).text(text)
    for finding in reversed(find_secrets(text)):
        text = text[: finding.start] + BLANK + text[finding.end :]
    return text
