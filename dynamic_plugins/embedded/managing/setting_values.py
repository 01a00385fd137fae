"""The values that a message writes for variables: ``NAME=value``, "NAME to value", in whatever words, and secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.text.secret_names import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_WORD_KEY = rf"(?:{KEY}|[A-Z][A-Z0-9]{{3,}})"
_GIVEN = r"(\"[^\"\n]*\"|'[^'\n]*'|\[secret:[^\]]*\]|[^\s;]+)"
_PAIR = re.compile(rf"\b({KEY})\s*(?:=|:(?!//))\s*{_GIVEN}")
TIGHT = re.compile(rf"(?<![\w.-])([A-Z][A-Z0-9]{{2,}})={_GIVEN}")
"""Of one word, as it is written in a shell: "HEADLESS=true"."""
_OF_IT = r"(?: (?:of|for|in|on|bei|von|auf|de|do|da|di|en|dans|sur|w) (?:\S{1,40} ){0,2}\S{1,40})?"
_SET_TO = re.compile(
    rf"\b({_WORD_KEY}){_OF_IT}\s+(?:change (?:in)?to|(?:has|needs|ought|is) to (?:be|read)"
    rf"|(?:must|should|shall|will|can) (?:now )?(?:be|read)|set to|becomes|reads"
    rf"|(?:(?:up|down|doon|back) )?(?:to|tae)|as|auf|à|a|en|op|на|is|be|ist|est|es|é|è|に|は"
    rf"|=>|->)\s+{_GIVEN}|\b({_WORD_KEY})\s*(?:设置为|设为|设成|改为|改成|是|を|に)\s*{_GIVEN}"
)
_BESIDE = re.compile(
    rf"\b({KEY})\s+(?!(?:to|as|is|be|for|on|in|of|and|auf|ist|est|es|ein|an|rein|has|must|should|set)\b|[\u4e00-\u9fff]){_GIVEN}"
)
_NAME_GOES_ON = re.compile(r"(?:\s+[A-Z][\w'-]+){1,3}(?=\s*(?:[.,;!?]|$))")
LONGEST_JOINT = 3
"""A word that joins a variable to a value which stands further behind has at most so many letters."""
VALUE = re.compile(
    r"\[secret:[^\]]*\]|https?://[^\s;]+|(?<![\w/])(?:~|\.)?/[\w./,-]+|(?<!\w)[+-]?\d[\w.:,-]*|"
    r"\b[\w.-]*\d[\w.:/-]*\b|\b[a-z]+(?:[-_.:/][\w]+)+\b|\b[a-z]+[A-Z]\w*\b"
)
QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]{2,})'|“([^”]+)”")


@dataclass(frozen=True)
class Value:
    """One value: the variable's *name* (empty until it is known), what it is to be, and where it stands."""

    name: str
    value: str
    start: int
    end: int
    explicit: bool = False
    """Whether the person wrote the variable's name."""
    doubtful: bool = False
    """Whether it may only be the next word: "PG_URL then, I see"."""


_QUOTED_CODE = re.compile(r"(?<!\S)`([^`\s]+)`(?=[\s.,;!?]|\Z)")
"""A name or a value between backticks, as it is written where code is spoken of."""


def values_in(said: str) -> list[Value]:
    """Return the values that *said* gives by name, and the secrets in it, in order."""
    said = _QUOTED_CODE.sub(r" \1 ", said)
    found = [
        _whole(said, _no_joint(said, Value(name, without_marks(given), match.start(), match.end(), True, prose)))
        for pattern in (_PAIR, TIGHT, _SET_TO, _BESIDE)
        for match in pattern.finditer(said)
        for name, given in [[group for group in match.groups() if group][:2]]
        for prose in [_may_be_prose(pattern, given)]
    ]
    secrets = [Value(m[2] or "", m.group(), m.start(), m.end()) for m in PLACEHOLDER.finditer(said)]
    secrets += [Value(each.label, each.value, each.start, each.end) for each in find_secrets(said)]
    return sorted(apart([*found, *secrets]), key=lambda value: value.start)


def _may_be_prose(pattern: re.Pattern[str], given: str) -> bool:
    """Whether a value that only stands beside the variable's name is a word as any sentence has them."""
    return pattern is _BESIDE and re.fullmatch(r"[^\W\d_]+[.,;!?]*", given) is not None and not given.isupper()


def _no_joint(said: str, value: Value) -> Value:
    """Return *value* as it is behind the word that joins it to its name, in whatever language: "X_LIMIT em 300".

    Where no value follows, the only one before it is meant: "120 seconds. X_WAIT if you want its name".
    """
    if not value.doubtful:
        return value
    behind = VALUE.search(said, value.end)
    between = said[value.end : behind.start()] if behind else ""
    is_close = behind is not None and not between.strip()
    # "X_URL oan the plugin tae https://…": no word that may be a value itself, and nothing else is spoken of between.
    is_joint = len(value.value) <= LONGEST_JOINT and not re.search(rf"[.!?;,\n]|\b{KEY}\b", between)
    if behind is not None and (is_close or is_joint):
        return replace(value, value=without_marks(behind.group()), end=behind.end(), doubtful=not is_close)
    goes_on = re.match(r"\s+\w", said[value.end :])
    elsewhere = list(VALUE.finditer(said[: value.start]))
    if not goes_on or len(elsewhere) != 1 or len(re.findall(rf"\b{KEY}\b", said)) > 1:
        return value
    return replace(value, value=without_marks(elsewhere[0].group()))


def _whole(said: str, value: Value) -> Value:
    """Return *value* with the rest of a name of several words: "to Jan Holm"."""
    more = _NAME_GOES_ON.match(said, value.end) if value.value[:1].isupper() and value.value.isalpha() else None
    return replace(value, value=value.value + more.group(), end=more.end()) if more else value


def without_marks(value: str) -> str:
    if value[:1] in "\"'":
        return value.strip("\"'")
    return value.rstrip(".,;!?") or value  # a prefix may be "!!"


def apart(found: Sequence[Value]) -> Iterator[Value]:
    taken: list[tuple[int, int]] = []
    for value in sorted(found, key=lambda each: (not each.explicit, each.start)):
        if not any(value.start < end and start < value.end for start, end in taken):
            taken.append((value.start, value.end))
            yield value
