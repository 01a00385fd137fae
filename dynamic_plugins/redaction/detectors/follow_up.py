"""A secret in a message of its own: "my telegram token is", and then nothing but the token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.named_values import NAME, canonical, is_variable, meant
from dynamic_plugins.redaction.detectors.plausibility import NOT_YET, surely_token, token_like
from dynamic_plugins.redaction.detectors.token_formats import Found
from dynamic_plugins.redaction.detectors.vocabulary import BETWEEN, COPULA, COPULA_ELSEWHERE, NAMED, PARTICLE

if TYPE_CHECKING:
    from collections.abc import Collection

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


def announced(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> Found | None:
    """Return for which name *text* says that its secret comes next: a value that is not there yet, or None."""
    if _QUESTION.search(text):
        return None
    start = max(0, len(text) - _END)
    for name in reversed(list(NAME.finditer(text, start))):
        said = name.group()
        variable = bool(name["variable"]) and is_variable(said, known)
        if not variable and not NAMED.fullmatch(said):
            continue
        over = _HANDS_OVER.search(text, start) is not None and len(text) - name.end() < _END // 4
        if over or _JOINED.match(text, name.end()):
            exact = variable and ("_" in canonical(said) or canonical(said) in known)
            label = canonical(said) if exact else meant(text, name, installed)
            return Found(len(text), len(text), "", label, named=exact)
    return None


def asked_for(text: str, known: Collection[str] = ()) -> bool:
    """Return whether *text*, which is a reply, speaks of a secret that the person may now give."""
    return any(
        NAMED.fullmatch(name.group()) or (name["variable"] and is_variable(name.group(), known))
        for name in NAME.finditer(text[-2_000:])
    )


def alone(text: str, *, sure: bool = False) -> tuple[int, int] | None:
    """Return where the one token-like word stands that *text* is, or None; with *sure* only what is nothing else."""
    word = _ALONE.fullmatch(text)
    if word is None or NOT_YET.fullmatch(word["value"]):
        return None
    return word.span("value") if (surely_token if sure else token_like)(word["value"]) else None
