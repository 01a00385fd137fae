"""What stands near a secret's name without being assigned to it: in tables, before it, or in the next message."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.plausibility import (
    NOT_YET,
    bounds,
    is_hash,
    is_public,
    surely_token,
    token_like,
)
from dynamic_plugins.redaction.detectors.token_formats import Finding
from dynamic_plugins.redaction.detectors.vocabulary import (
    BETWEEN,
    COPULA,
    COPULA_ELSEWHERE,
    NAME,
    NAMED,
    PARTICLE,
    PASSWORD,
    canonical,
    intended_variable,
    is_variable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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
_ASSIGNMENT = re.compile(r"\w+=")
_ENOUGH = 256
_SENTENCE = re.compile(r"[.!?。]\s|\n")
_NEAR = 48
_MINE = re.compile(r"(?i)\s(?:my|our|mein\w?|mon|ma|mi|mio|mia|meu|minha|mijn|mitt|min|мой|моя)\s")
_INTO = re.compile(
    r"(?i)(?:^|[\s\"'`“(@#])(?P<value>[^\s\"'`“”()]{6,})[\"'`”)]{0,2}"
    r"(?:\s{1,3}(?:in|into|to|under|auf|dans|en|a)\s{1,3}[\"'`*]{0,2}|\s{0,3}[(\[]\s{0,2})$"
)
_OPENS_NAME = frozenset("\"'`*([")  # what both end with, or white space
_BEFORE = re.compile(
    r"(?i)(?:^|[\s\"'`“(@#])(?P<value>[^\s\"'`“”()]{6,})[\"'`”)]{0,2}\s{1,3}"
    r"(?:is|as|for|are|ist|als|für|est|comme|es|como|è|come|é|jest|jako|är|som|это|как|=|->|→)"
    r"(?:\s{1,3}(?:my|the|our|your|an?|new|mein\w?|das|der|die|le|la|mon|ma|mi|el|il|mio|mia|o|meu|minha|het|mijn|mitt|"
    r"min|мой|моя))?(?:\s{1,3}[\w.\-]{1,20}){0,2}\s{1,3}[\"'`*]{0,2}$"
)

_END = 160  # the last words of a message say what comes next
_JOINED = re.compile(
    rf"(?i)[\"'`*]{{0,3}}(?:[ \t]{{1,3}}{BETWEEN}){{0,4}}?(?:\s{{0,9}}(?:[:=\uff1a]|->|→|{PARTICLE})|"
    rf"\s{{1,9}}(?:{COPULA}|{COPULA_ELSEWHERE}|follows|comes|folgt|kommt|suit))[\s:.…\-]{{0,9}}$"
)
_HANDS_OVER = re.compile(
    r"(?i)(?<!\w)(?:here(?:'s| is| are| comes?)|this is|that's|there you go|past(?:e|ing)|send(?:ing)?|giv(?:e|ing)|"
    r"next|coming|follow(?:s|ing)?|hier|voici|voilà|aquí|te paso|ecco|aqui|här|oto|işte|вот|הנה|यह|إليك)(?!\w)|"
    r"这是|這是|これ|여기"
)
_QUESTION = re.compile(r"[?？؟]\s*$")  # noqa: RUF001 - as people type it
_ALONE = re.compile(r"\s*[\"'`“(*]{0,3}(?P<value>[^\s\"`“”]{6,4000}?)[\"'`”)*]{0,3}[.,;!]?\s*")


class Surroundings:
    """Looks for tokens round the names in one text; which of its words are surely tokens is found out once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._sure: list[tuple[int, int]] | None = None

    def tokens_beside(self, start: int, end: int, after: int, *, declared: bool) -> Iterator[tuple[int, int]]:
        """Yield where tokens stand near the variable in *start* to *end*, whose value ends at *after*, if it has one.

        Joined by marks or by a few small words any token is one; near a *declared* variable, one that is nothing else.
        """
        text = self._text
        at, gap = (after, _GOES_ON) if after else (end, _GAP)
        while (joined := gap.match(text, at)) and joined.group().count("\n") <= 2:
            span = _token(text, joined.end())
            if span is None or is_public(text, span[0]):
                break
            yield span
            at, gap = span[1], _GOES_ON
        if declared:
            yield from self._in_sentence(start, end)

    def _in_sentence(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the sure tokens within a few words of the name, in its sentence."""
        text = self._text
        if self._sure is None:
            self._sure = list(_sure_tokens(text))
        stop = _SENTENCE.search(text, end, end + _NEAR)
        reach = stop.start() if stop else end + _NEAR
        begin = max(0, start - _NEAR)
        for sentence in _SENTENCE.finditer(text, begin, start):
            begin = sentence.end()
        # A word that the bound cuts is looked at whole, or not at all.
        while begin > 0 and begin > start - 4 * _NEAR and not text[begin - 1].isspace():
            begin -= 1
        first, last = bisect_left(self._sure, (begin, 0)), bisect_left(self._sure, (reach, 0))
        yield from ((one, two) for one, two in self._sure[first:last] if not (one < end and start < two))


def _sure_tokens(text: str) -> Iterator[tuple[int, int]]:
    for word in _TOKEN.finditer(text):
        start, end = bounds(text, *word.span(), assigned=False, name="")
        if surely_token(text[start:end]) and not is_public(text, start):
            yield start, end


def replacement_value(text: str, at: int) -> tuple[int, int] | None:
    """Return where the new value stands in "change my password from X to Y", where X ends *at*."""
    joined = _REPLACING.match(text, at)
    return _token(text, joined.end()) if joined else None


def _token(text: str, at: int) -> tuple[int, int] | None:
    # What it is shows in its beginning: a run that begins behind every mark is not read to its end each time.
    word = _TOKEN.match(text, at, at + _ENOUGH)
    if word is None:
        return None
    start, end = bounds(text, *word.span(), assigned=False, name="")
    value = text[start:end]
    if len(value) < 6 or NOT_YET.fullmatch(value) or not token_like(value) or _ASSIGNMENT.match(value):
        return None
    if word.end() == at + _ENOUGH and (whole := _TOKEN.match(text, at)):
        return bounds(text, *whole.span(), assigned=False, name="")
    return start, end


def value_before_name(text: str, start: int, name: str, *, exact: bool) -> tuple[int, int] | None:
    """Return where the value of "X is my token" or "use X as the password" stands, which *start* ends."""
    if not text[max(0, start - 1) : start].isspace() and text[max(0, start - 1) : start] not in _OPENS_NAME:
        return None
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


def find_announcement(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> Finding | None:
    """Return for which name *text* says that its secret comes next: a value that is not there yet, or None."""
    if _QUESTION.search(text):
        return None
    start = max(0, len(text) - _END)
    for name in reversed(list(NAME.finditer(text, start))):
        written = name.group()
        variable = bool(name["variable"]) and is_variable(written, known)
        if not variable and not NAMED.fullmatch(written):
            continue
        over = _HANDS_OVER.search(text, start) is not None and len(text) - name.end() < _END // 4
        if over or _JOINED.match(text, name.end()):
            exact = variable and ("_" in canonical(written) or canonical(written) in known)
            label = canonical(written) if exact else intended_variable(text, name, installed)
            return Finding(len(text), len(text), "", label, named=exact)
    return None


def asks_for_secret(text: str, known: Collection[str] = ()) -> bool:
    """Return whether *text*, which is a reply, speaks of a secret that the person may now give."""
    return any(
        NAMED.fullmatch(name.group()) or (name["variable"] and is_variable(name.group(), known))
        for name in NAME.finditer(text[-2_000:])
    )


def lone_token(text: str, *, sure: bool = False) -> tuple[int, int] | None:
    """Return where the one token-like word stands that *text* is, or None; with *sure* only what is nothing else."""
    word = _ALONE.fullmatch(text)
    if word is None or NOT_YET.fullmatch(word["value"]):
        return None
    return word.span("value") if (surely_token if sure else token_like)(word["value"]) else None
