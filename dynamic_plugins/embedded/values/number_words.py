"""Numbers in words: "six hundred and twelve", "three zero nine", "fourteen point five", "zweiundvierzig", "seis mil".

The words are in ``prompts/embedded/action_words.toml``; what a language writes as one word is put together here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HUNDRED, THOUSAND, DOZEN = 100, 1000, 12
TEN, TWENTY = 10, 20
DOZENS = frozenset(["dozen", "dutzend", "docena", "douzaine"])
"""What a dozen is of may be a number again: "two dozen one pound jars"."""
ARTICLES = frozenset(["a", "an", "un", "una", "une", "ein", "eine", "einen", "uno", "um", "uma"])
_ONLY_BESIDE = frozenset(["mil", "cent", "cents", "cento", "yüz", "mila", "null"])
"""Words that are numbers beside another number alone: "860 mil" are millimetres, and "per cent" is no hundred."""
_ONE = frozenset(["one", "uno", "una", "eins"])
_NAMES_NOTHING = frozenset(["add", "put", "buy", "and", "for", "need", "want", "of", "get", "just"])
"""Before these a "one" counts: "just one"."""
_FOUR, _SCORE = "quatre", frozenset(["vingt", "vingts"])
_JOINS_TENS = frozenset(["y", "e", "et"])
_JOINS_HUNDREDS = frozenset(["and", "und", "y", "e", "en"])
_POINTS = frozenset(["point", "komma", "coma", "virgule", "virgola", "vírgula"])
_HALF = re.compile(r"\b(?:half|halbes|media|demi|meia)[\s-]+\Z", re.I)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_TENS = {"de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
         "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
         "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"}  # fmt: skip
_UNITS = {"de": "ein zwei drei vier fünf sechs sieben acht neun", "nl": "een twee drie vier vijf zes zeven acht negen",
          "it": "uno due tre quattro cinque sei sette otto nove",
          "es": "uno dos tres cuatro cinco seis siete ocho nueve"}  # fmt: skip
_GREAT = re.compile(r"(?P<times>\w*?)(?P<great>tausend|hundert|duizend|honderd|mila|cento)(?:und|en)?(?P<rest>\w*)")


class SpokenNumber(NamedTuple):
    """A number in words, and where it stands."""

    value: int | float
    start: int
    end: int


@cache
def number_words() -> Mapping[str, int]:
    """Return the value of each number word."""
    lines = prompt_files.table("embedded/action_words.toml")["numbers"]
    found = {word: int(value) for value, words in lines.items() for word in words.split()}
    for language, joint in (("de", "und"), ("nl", "en")):
        found |= {unit + joint + ten: one + many for ten, many, unit, one in _tens_and_units(language)}
    for ten, many, unit, one in _tens_and_units("it"):
        found[(ten[:-1] if unit[0] in "uo" else ten) + unit] = many + one
    found |= {f"veinti{unit}": 20 + one for one, unit in enumerate(_UNITS["es"].split(), 1)}
    return found | {"veintiún": 21, "veintidós": 22, "veintitrés": 23, "veintiséis": 26}


def _tens_and_units(language: str) -> Iterator[tuple[str, int, str, int]]:
    for many, ten in enumerate(_TENS[language].split(), 2):
        for one, unit in enumerate(_UNITS[language].split(), 1):
            yield ten, many * TEN, unit, one


@cache
def value_of(word: str) -> int | None:
    """Return the number that *word* is, in lower case; None for any other word."""
    known = number_words()
    if word in known or len(word) > 40 or (found := _GREAT.fullmatch(word)) is None:
        return known.get(word)
    times = value_of(found["times"]) if found["times"] else 1
    rest = value_of(found["rest"]) if found["rest"] else 0
    if times is None or rest is None:
        return None
    return times * (THOUSAND if found["great"] in ("tausend", "duizend", "mila") else HUNDRED) + rest


def spoken_numbers(text: str) -> Iterator[SpokenNumber]:
    """Give the numbers in words, alone or of several: "four hundred fifty", and digit by digit "three zero nine"."""
    words = list(_WORD.finditer(text))
    index = 0
    while index < len(words):
        run, behind = _run(text, words, index)
        is_number = bool(run) and not (len(run) == 1 and _is_no_number(text, run[0]))
        digits = _decimals(text, words, behind) if is_number or not run else ""
        if is_number or len(digits) > 1:
            yield _number(text, run, digits, words[behind + len(digits)] if digits else run[-1], words[index].start())
        index = max(behind + len(digits) + bool(digits), index + 1)


def _run(text: str, words: Sequence[re.Match[str]], index: int) -> tuple[list[re.Match[str]], int]:
    """Return the number words that begin at *index* and are one number, and the place behind them."""
    run: list[re.Match[str]] = []
    while index < len(words):
        word = words[index].group().lower()
        joined = index + 1 < len(words) and run and _joins(run[-1], word, words[index + 1], text)
        if joined and not text[run[-1].end() : words[index].start()].strip():
            run.append(words[index + 1])
            index += 2
            continue
        if value_of(word) is None or (run and (word in ARTICLES or run[-1].group().lower() in DOZENS)):
            break
        if run and text[run[-1].end() : words[index].start()].strip(" -"):
            break
        if run and len(run) == 1 and run[0].group().lower() in ARTICLES and not _is_great(word):
            break
        run.append(words[index])
        index += 1
    return run, index


def _is_great(word: str) -> bool:
    return word in DOZENS or value_of(word) in (HUNDRED, THOUSAND)


def _joins(last: re.Match[str], word: str, after: re.Match[str], text: str) -> bool:
    """Whether *word* stands between two parts of one number: "treinta y cinco", "six hundred and twelve"."""
    before, next_ = value_of(last.group().lower()), value_of(after.group().lower())
    if before is None or next_ is None or text[last.end() : after.start()].strip().lower() != word:
        return False
    tens = word in _JOINS_TENS and TWENTY <= before < HUNDRED and before % TEN == 0 and next_ < TWENTY
    return tens or (word in _JOINS_HUNDREDS and before >= HUNDRED and before % HUNDRED == 0 and next_ < HUNDRED)


def _is_no_number(text: str, word: re.Match[str]) -> bool:
    said = word.group().lower()
    return said in ARTICLES or said in _ONLY_BESIDE or _stands_for_a_thing(text, word)


def _stands_for_a_thing(text: str, word: re.Match[str]) -> bool:
    """ "That one", "the first one": no number."""
    if word.group().lower() not in _ONE:
        return False
    ahead = re.search(r"(\w+)\W*$", text[: word.start()])
    behind = re.match(r"\s*(\w+)", text[word.end() :])
    named = ahead is not None and ahead[1].lower() not in _NAMES_NOTHING
    return named or behind is None


def _number(text: str, run: Sequence[re.Match[str]], digits: str, last: re.Match[str], start: int) -> SpokenNumber:
    value: int | float = _composed([part.group().lower() for part in run])
    if run and run[-1].group().lower() in DOZENS and (half := _HALF.search(text[:start])):
        return SpokenNumber(int(value) // 2, half.start(), last.end())
    return SpokenNumber(float(f"{value}.{digits}") if digits else value, start, last.end())


def _decimals(text: str, words: Sequence[re.Match[str]], index: int) -> str:
    """Return the digits that are said behind a point at *index*: "fourteen point five", "point one five"."""
    if index >= len(words) or words[index].group().lower() not in _POINTS:
        return ""
    digits = ""
    for before, word in zip(words[index:], words[index + 1 :], strict=False):
        value = value_of(word.group().lower())
        is_next = value is not None and value < TEN and word.group().lower() not in ARTICLES
        if not is_next or text[before.end() : word.start()].strip():
            break
        digits += str(value)
    return digits


def _composed(words: Sequence[str]) -> int:
    parts = [value_of(word) or 0 for word in words]
    if len(parts) > 1 and all(part < TEN for part in parts):
        return int("".join(map(str, parts)))
    for at in range(len(words) - 1):
        if words[at] == _FOUR and words[at + 1] in _SCORE:
            parts[at : at + 2] = [0, 4 * TWENTY]
    total = current = 0
    for word, part in zip(words, parts, strict=True):
        if part == THOUSAND:
            total, current = total + (current or 1) * THOUSAND, 0
        elif current and (part == HUNDRED or word in DOZENS):
            current *= part
        elif TEN <= part < HUNDRED and current and not _takes(current, part):
            current = current * HUNDRED + part  # "nineteen fifty", "one forty nine"
        else:
            current += part
    return total + current


def _takes(number: int, part: int) -> bool:
    """Whether *part* goes on in *number* as its tens or units do: "eighty" and "three", "soixante" and "douze"."""
    if number % HUNDRED == 0:
        return True
    return number % TWENTY == 0 and part < TWENTY and number >= 3 * TWENTY
