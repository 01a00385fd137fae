"""What a message puts in place of its like inside the last call: a number, a code, a name, a word, a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import fillers, verb_kinds
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.references import Used
    from dynamic_plugins.embedded.language.free_text import Span

Path = tuple[Any, ...]
"""The names and places that lead to a text inside of arguments."""
_WORD = r"[\w'’-]+"
_INSTEAD_OF = re.compile(rf"({_WORD})\s+{phrases('again', 'instead_of')}\s*(?:the |das |la |el |le )?({_WORD})", re.I)
_INSTEAD = re.compile(rf"\b{phrases('again', 'instead')}\b", re.I)
_AGAIN = frozenset(
    [
        "again", "same", "once", "more", "another", "instead", "ditto", "idem", "gleich", "gleiche", "gleiches",
        "dasselbe", "nochmal", "mismo", "misma", "igual", "otra", "pareil", "encore", "meme", "stesso", "stessa",
        "uguale", "mesmo", "mesma", "hetzelfde", "samo", "samme", "samma", "ayni",
    ]
)  # fmt: skip
_BUT = re.compile(
    rf"\b{phrases('again', 'same')}\b[^.;!?]*?\s(?:but|aber|pero|mais|mas|ma|maar)\s"
    r"(?:(?:with|for|as|mit|con|avec)\s)?"
    r"([^\W\d_a-zà-ÿ][\w'’-]*)(?=\W*\Z)"
)
_CODE = re.compile(r"(?<![\w.,:/@-])(?=[\w-]*\d)[A-Za-z]*[\w-]*\w(?![\w%:/]|[.,]\d)")
_NAME = re.compile(r"(?<![\w'’-])[^\W\d_a-zà-ÿ][\w'’-]*(?:\s+[^\W\d_a-zà-ÿ][\w'’-]*)*")


def _backwards(text: str) -> str:
    return text[::-1]


_CASES: dict[str, Callable[[str], str]] = {"small": str.lower, "capital": str.upper, "backwards": _backwards}


@dataclass(frozen=True)
class _Spot:
    path: Path
    start: int
    end: int
    new: str
    said: Span


def substituted(
    message: Message, last: Used, filled: Filled, sums: frozenset[str] = frozenset()
) -> dict[str, Any] | None:
    """Return the arguments of *last* with what *message* puts in place of its like, and note in *filled* what that is.

    None where nothing in *message* has its like there, or more than one place would do. What is in *sums* has rules of
    its own.
    """
    leaves = [leaf for leaf in _leaves(last.arguments) if leaf[0][0] not in sums]
    spots = list(_in_other_letters(message.text, leaves) or _swapped(message.text, leaves)) or list(
        _but(message, leaves)
    )
    for find in (_coded, _named):
        spots += [new for new in find(message, leaves) if not any(_meet(new, spot) for spot in spots)]
    for spot in spots:
        filled.used.append(spot.said)
        filled.said.add(spot.path[0])
    return _with(last.arguments, spots) if spots else None


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))


def _meet(one: _Spot, other: _Spot) -> bool:
    beside = one.path != other.path or one.start >= other.end or other.start >= one.end
    return not beside or (one.said[0] < other.said[1] and other.said[0] < one.said[1])


def _with(arguments: Mapping[str, Any], spots: Sequence[_Spot]) -> dict[str, Any]:
    def put(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: put(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [put(inner, (*path, i)) for i, inner in enumerate(value)]
        for spot in sorted((s for s in spots if s.path == path), key=lambda s: -s.start):
            value = value[: spot.start] + spot.new + value[spot.end :]
        return value

    return {key: put(inner, (key,)) for key, inner in arguments.items()}


def _in_other_letters(text: str, leaves: Sequence[tuple[Path, str]]) -> list[_Spot]:
    """ "Again but in lower case", "backwards": the one text of the last call, written otherwise."""
    for name, change in _CASES.items():
        found = re.search(rf"\b{phrases('again', name)}\b", text, re.I)
        if found and len(leaves) == 1 and not re.search(r"[/\\]|\w\.\w", leaves[0][1]):
            return [_Spot(leaves[0][0], 0, len(leaves[0][1]), change(leaves[0][1]), (0, len(text)))]
    return []


def _swapped(text: str, leaves: Sequence[tuple[Path, str]]) -> Iterator[_Spot]:
    """ "Milk instead of nuts": the second stands in the last call, the first takes its place."""
    for found in _INSTEAD_OF.finditer(text):
        places = [
            (path, m) for path, held in leaves for m in re.finditer(rf"(?<!\w){re.escape(found[2])}(?!\w)", held, re.I)
        ]
        if len(places) == 1:
            path, m = places[0]
            yield _Spot(path, m.start(), m.end(), found[1], found.span())


def _but(message: Message, leaves: Sequence[tuple[Path, str]]) -> Iterator[_Spot]:
    """ "And Oskar, same but Puck": a name for the name, and the second for the one other name that stands there."""
    if not (found := _BUT.search(message.text)):
        return
    heads = [span for m in _NAME.finditer(message.text, 0, found.start()) if (span := _without_small_words(m))]
    named = [(path, held) for path, held in leaves if _is_name_key(path) and len(held.split()) < 4]
    spots = [
        (path, m)
        for path, held in leaves
        if (path, held) not in named
        for m in _NAME.finditer(held)
        if not _says_nothing(m.group())
    ]
    if len(heads) != 1 or len(named) != 1 or len(spots) != 1:
        return
    (path, held), (other, old) = named[0], spots[0]
    yield _Spot(path, 0, len(held), message.text[slice(*heads[0])], heads[0])
    yield _Spot(other, old.start(), old.end(), found[1], found.span(1))


def _is_name_key(path: Path) -> bool:
    return path[-1] in ("name", "entityName", "title", "item")


def _coded(message: Message, leaves: Sequence[tuple[Path, str]]) -> Iterator[_Spot]:
    """ "And 4472": digits, or letters and digits, of the form that one place of the last call has."""
    codes = [m for m in _CODE.finditer(message.text) if not _counts(message, m)]
    if len(codes) != 1:
        return
    new = codes[0].group()
    like = (
        rf"\d{{{len(new)}}}" if new.isdigit() else r"[A-Za-z]+[\w-]*\d[\w-]*" if new[0].isalpha() else r"[\w-]*\d[\w-]*"
    )
    fence = r"(?<![\d.])(?:{})(?!\d|\.\d)" if new.isdigit() else r"(?<![\w-])(?:{})(?![\w-])"
    places = [
        (path, m, held) for path, held in leaves if len(held) < 400 for m in re.finditer(fence.format(like), held)
    ]
    if len(places) > 1:
        places = [each for each in places if "/" in each[2] and "/" not in each[2][each[1].end() :]]
    if len(places) == 1 and places[0][1].group() != new and (not new.isdigit() or len(new) > 1):
        path, m, _ = places[0]
        yield _Spot(path, m.start(), m.end(), new, codes[0].span())


def _counts(message: Message, m: re.Match[str]) -> bool:
    """Whether a number says how many there are of something, or belongs to a time, a day or an amount."""
    values = [v for v in message.values.found if v.start < m.end() and m.start() < v.end]
    if any(v.kind in ("time", "date", "currency", "email", "url", "path", "sql", "expression") for v in values):
        return True
    return m.group().isdigit() and any(len(v.unit) > 2 and v.unit not in fillers() for v in values)


def _named(message: Message, leaves: Sequence[tuple[Path, str]]) -> Iterator[_Spot]:
    """ "Same for Siiri", "again but Ama instead": a name for the one that stands there."""
    units = {v.unit for v in message.values.of("number") if v.unit}
    names = [span for m in _NAME.finditer(message.text) if (span := _without_small_words(m))]
    names = [span for span in names if message.text[slice(*span)].lower() not in units]
    if len(names) != 1:
        return
    said = names[0]
    name = message.text[slice(*said)]
    whole = [spot for path, held in leaves for spot in _names_in(path, held, name, said)]
    if len(whole) == 1:
        yield whole[0]
    elif not whole and len(leaves) == 1 and _INSTEAD.search(message.text):
        path, held = leaves[0]
        words = [m for m in re.finditer(_WORD, held) if not _says_nothing(m.group()) and not m.group().isupper()]
        if len(words) == 1 and "/" not in held:
            yield _Spot(path, words[0].start(), words[0].end(), name, said)


def _names_in(path: Path, held: str, name: str, said: Span) -> Iterator[_Spot]:
    """Give *held* where it is a name, and the names that a query has between single quotation marks."""
    if len(held.split()) < 4 and _NAME.fullmatch(held):
        yield _Spot(path, 0, len(held), name, said)
    for found in re.finditer(r"'([^']+)'", held):
        if len(found[1].split()) < 4 and _NAME.fullmatch(found[1]):
            yield _Spot(path, *found.span(1), name, said)


def _without_small_words(found: re.Match[str]) -> Span | None:
    """Return where a name stands without the small words before it that only begin a sentence: "And Lubbock"."""
    words = list(re.finditer(r"\S+", found.group()))
    while words and _says_nothing(words[0].group()):
        words.pop(0)
    return (found.start() + words[0].start(), found.end()) if words else None


def _says_nothing(words: str) -> bool:
    said = [plain(word) for word in words.split()]
    return all(
        word in fillers() or word in _AGAIN or verb_kinds(word) or word in number_words() or len(word) < 2
        for word in said
    )
