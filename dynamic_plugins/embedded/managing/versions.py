"""The version that somebody asks for, beside the name or anywhere in the message."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.managing.decide import Step

VERSION = re.compile(
    r"(?<![\w./:-])v?(\d+(?:\.\d+)+(?:[-.]?(?:a|b|rc|alpha|beta|dev|post|pre)[-.]?\d*)*)(?![a-z0-9_/]|\.\d|:\d)", re.I
)

_DIGITS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"oh": "0", "nought": "0", "eleven": "11", "twelve": "12"}
_SPELLED = re.compile(rf"\b(?:{'|'.join(_DIGITS)}|\d+)(?:\s+(?:point|dot)\s+(?:{'|'.join(_DIGITS)}|\d+))+\b", re.I)
_NOT_BEFORE = re.compile(
    r"(?:\b(?:not|no|never|without|except|avoid|skip|than|isn't|beyond|past|below|above|before|instead of|anything but|"
    r"rather than|nicht|kein|keine|als|statt|pas|que|non|nicht die|niet|geen|dan|не|чем|вместо|nie|não|sin|senza|inte|"
    r"drop|dropped|broke|breaks|crashes|hate|from|was|had)"
    r"|不要|别|不是|じゃなく)\s*(?:the\s+|a\s+|any\s+|version\s+|v|on\s+|die\s+|la\s+|le\s+|el\s+|o\s+)*$",
    re.I,
)
_NOT_AFTER = re.compile(
    r"^\W{0,2}\s*(?:(?:is|are|was|has|had|keeps|kept|seems|looks)\s+(?:\w+\s+){0,2}?(?:bug\w*|brok\w+|bad|buggy|slow|unstable|"
    r"out|too|crash\w*|leak\w*|regress\w*|problem\w*|issue\w*|rubbish|terrible|awful|worse|flaky)|"
    r"(?:drops?|breaks?|broke|crash\w*|chok\w+|fail\w*|leak\w*|hang\w*|loses?|lost|eats?|ate|does\s?n[o']t|doesn't|won't|"
    r"can't|ruin\w*|kills?|killed|stinks|sucks|gave|gives|made|makes|misbehav\w*|spams?|stutters?)\b|ではなく|じゃなく|말고|不行|有问题)",
    re.I,
)


def with_versions(steps: Sequence[Step], spoken: str) -> list[Step]:
    """Return *steps* with the version that was asked for in each install.

    With one install it is the last version that was said: people correct themselves. With several it is the last one
    between the plugin's name and the next.
    """
    spoken = _spelled_out(spoken)
    found = [(each.start(), each[1]) for each in VERSION.finditer(spoken) if not _ruled_out(spoken, each)]
    installs = [step for step in steps if step.intent == "install"]
    told = []
    for step in steps:
        version = step.version
        if step.intent == "install" and version is None and found:
            begin = step.end if len(installs) > 1 else 0
            after = sorted(other.end for other in steps if other.end > begin) if len(installs) > 1 else []
            mine = [number for at, number in found if begin <= at < (after[0] if after else len(spoken))]
            version = mine[-1] if mine else None
        told.append(replace(step, version=version))
    return told


def _spelled_out(spoken: str) -> str:
    """Return *spoken* with "one point two" as 1.2, as wide as before."""

    def number(found: re.Match[str]) -> str:
        parts = re.split(r"\s+(?:point|dot)\s+", found.group(), flags=re.I)
        return ".".join(_DIGITS.get(part.lower(), part) for part in parts).ljust(len(found.group()))

    return _SPELLED.sub(number, spoken)


def _ruled_out(spoken: str, version: re.Match[str]) -> bool:
    """Whether a version is named because it is not wanted: "not 3.1", "0.8 drops messages"."""
    return bool(_NOT_BEFORE.search(spoken[: version.start()]) or _NOT_AFTER.match(spoken[version.end() :]))
