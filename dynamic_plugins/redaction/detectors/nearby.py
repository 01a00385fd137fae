"""What stands near a secret's name without being assigned to it: in tables, in brackets, before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.plausibility import (
    NOT_YET,
    bounds,
    is_hash,
    is_public,
    surely_token,
    token_like,
)
from dynamic_plugins.redaction.detectors.vocabulary import COPULA, COPULA_ELSEWHERE, PARTICLE, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = r"[\s\"'`*_|:=>\-–—,(\[{<→…“”«»「」：，、（）\])}~#@;/]"  # noqa: RUF001 - as people write them
_GAP = re.compile(
    rf"(?i)(?:{_MARKS}{{1,16}}|{PARTICLE})(?:(?:{COPULA}|{COPULA_ELSEWHERE}|{PARTICLE}|from|should|will|must|be|set|my|its|"
    rf"the|new|here|gets|has|von|de|from|old|current|please|use|take|put|paste|enter|nimm|bitte|usa|utilise|gebruik){_MARKS}{{1,16}}){{0,5}}"
)
# A line that ends in a token may go on in the next with the same one: see how a terminal breaks it.
_GOES_ON = re.compile(
    r"(?i)[\"'`\])]{0,3}(?:[ \t]{0,9}[,|][ \t]{0,9}(?:\n\s{0,40}(?=[\"']))?|[ \t]{1,9})"
    r"(?:(?:to|with|by|into|zu|auf|à|a|por|or|and|und|oder|ou|et|y|o)\s{1,3})?[\"'`(\[]{0,2}"
)
_REPLACING = re.compile(
    r"(?i)[\"'`”]?\s{1,3}(?:to|by|with|into|zu|auf|durch|à|par|a|por|in|op|till|na|->|→)\s{1,3}[\"'`“]?"
)
_TOKEN = re.compile(r"[^\s\"`<>|()\[\]{},;“”「」«»，。：、（）]{6,}")  # noqa: RUF001 - as people write them
_SENTENCE = re.compile(r"[.!?。]\s|\n")
_NEAR = 48
_MINE = re.compile(r"(?i)\s(?:my|our|mein\w?|mon|ma|mi|mio|mia|meu|minha|mijn|mitt|min|мой|моя)\s")
_INTO = re.compile(
    r"(?i)(?:^|[\s\"'`“(@#])(?P<value>[^\s\"'`“”()]{6,})[\"'`”)]{0,2}"
    r"(?:\s{1,3}(?:in|into|to|under|auf|dans|en|a)\s{1,3}[\"'`*]{0,2}|\s{0,3}[(\[]\s{0,2})$"
)
_BEFORE = re.compile(
    r"(?i)(?:^|[\s\"'`“(@#])(?P<value>[^\s\"'`“”()]{6,})[\"'`”)]{0,2}\s{1,3}"
    r"(?:is|as|for|are|ist|als|für|est|comme|es|como|è|come|é|jest|jako|är|som|это|как|=|->|→)"
    r"(?:\s{1,3}(?:my|the|our|your|an?|new|mein\w?|das|der|die|le|la|mon|ma|mi|el|il|mio|mia|o|meu|minha|het|mijn|mitt|"
    r"min|мой|моя))?(?:\s{1,3}[\w.\-]{1,20}){0,2}\s{1,3}[\"'`*]{0,2}$"
)


def beside(text: str, start: int, end: int, after: int, *, declared: bool) -> Iterator[tuple[int, int]]:
    """Yield where tokens stand near the variable in *start* to *end*; its value was found up to *after*, if at all.

    Joined by marks or by a few small words any token is one; near a *declared* variable, one that is nothing else.
    """
    at, gap = (after, _GOES_ON) if after else (end, _GAP)
    while (joined := gap.match(text, at)) and joined.group().count("\n") <= 2:
        span = _token(text, joined.end())
        if span is None or is_public(text, span[0]):
            break
        yield span
        at, gap = span[1], _GOES_ON
    if declared:
        yield from _around(text, start, end)


def replacing(text: str, at: int) -> tuple[int, int] | None:
    """Return where the new value stands in "change my password from X to Y", where X ends *at*."""
    joined = _REPLACING.match(text, at)
    return _token(text, joined.end()) if joined else None


def _token(text: str, at: int) -> tuple[int, int] | None:
    word = _TOKEN.match(text, at)
    if word is None:
        return None
    start, end = bounds(text, *word.span(), assigned=False, name="")
    value = text[start:end]
    if len(value) < 6 or NOT_YET.fullmatch(value) or not token_like(value) or re.match(r"\w+=", value):
        return None
    return start, end


def _around(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the sure tokens within a few words of the name, in its sentence."""
    stop = _SENTENCE.search(text, end, end + _NEAR)
    reach = stop.start() if stop else end + _NEAR
    begin = max(0, start - _NEAR)
    for each in _SENTENCE.finditer(text, begin, start):
        begin = each.end()
    # A word that the bound cuts is looked at whole, or not at all.
    while begin > 0 and begin > start - 4 * _NEAR and not text[begin - 1].isspace():
        begin -= 1
    for word in _TOKEN.finditer(text, begin, min(len(text), reach + 4 * _NEAR)):
        if word.start() >= reach:
            break
        one, two = bounds(text, *word.span(), assigned=False, name="")
        if not (one < end and start < two) and surely_token(text[one:two]) and not is_public(text, one):
            yield one, two


def before_a_name(text: str, start: int, name: str, *, exact: bool) -> tuple[int, int] | None:
    """Return where the value of "X is my token" or "use X as the password" stands, which *start* ends."""
    begin = max(0, start - 160)
    found = _BEFORE.search(text, begin, start) or (_INTO.search(text, begin, start) if exact else None)
    if found is None:
        return None
    one, two = bounds(text, *found.span("value"), assigned=False, name=name)
    value = text[one:two]
    if len(value) < 6 or NOT_YET.fullmatch(value) or is_public(text, one):
        return None
    mine = _MINE.search(text, found.end("value"), start) and name.lower() not in {"key", "keys"}
    likely = exact or PASSWORD.search(name) or mine
    return (one, two) if surely_token(value) or (likely and token_like(value) and not is_hash(value)) else None
