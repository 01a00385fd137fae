"""Taking known secrets out of whatever may hold them: results, errors, contexts, replies, log lines."""

from __future__ import annotations

import base64
import json
import logging
import re
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SHORTEST = 4  # shorter ones stand in any text by chance
_ALONE = 8  # and up to here only as a word of their own
_LINE = 12  # a line of a longer secret


class Scrubber:
    """Puts something harmless in a secret's place: *replacements* maps each secret to that.

    Secrets are found as they are and as programs write them: quoted in JSON and Python, in addresses, in base64.
    """

    def __init__(self, replacements: Mapping[str, str]) -> None:
        self._known: dict[str, str] = {}
        for secret, instead in replacements.items():
            for spelling in _spellings(secret):
                self._known.setdefault(spelling, instead)
        # The longest first: one secret may be the beginning of another.
        ordered = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_found_as, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return *text* without the secrets."""
        return self._pattern.sub(lambda found: self._known[found.group()], text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """Return a JSON value without the secrets, keys included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            # A key is a word of the plugin's; only something long in its place is a secret.
            return {self.text(k) if len(k) >= _ALONE else k: self.value(each) for k, each in value.items()}
        return value


def _found_as(spelling: str) -> str:
    if len(spelling) < _ALONE:
        return rf"(?<![A-Za-z0-9]){re.escape(spelling)}(?![A-Za-z0-9])"
    return re.escape(spelling)


def _spellings(secret: str) -> set[str]:
    if len(secret) < _SHORTEST:
        return set()
    spellings = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    spellings |= {quote(secret), escape(secret), json.dumps(secret, ensure_ascii=False)[1:-1]}
    spellings |= {line.strip() for line in secret.splitlines() if len(line.strip()) >= _LINE}
    if len(secret) >= _LINE:
        spellings |= set(_in_base64(secret.encode()))
    return {each for each in spellings if len(each) >= _SHORTEST}


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield the part that base64 of anything with *secret* in it must hold: one for each place it may begin."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
        # The first and last characters also hold bits of what stands around it.
        core = encoded[-(-shift * 8 // 6) :][: (len(secret) * 8 - (-shift * 8) % 6) // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


class SecretsFilter(logging.Filter):
    """A filter for loggers and handlers that takes secrets out of every record, tracebacks included.

    *scrub* is asked for each record, so that it knows the secrets of that moment.
    """

    def __init__(self, scrub: Callable[[str], str]) -> None:
        super().__init__()
        self._scrub = scrub

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit are the logger's to complain about
            return True
        clean = self._scrub(said)
        if clean != said:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            trace = logging.Formatter().formatException(record.exc_info)
            if (clean := self._scrub(trace)) != trace:
                record.exc_text, record.exc_info = clean, None
        return True
