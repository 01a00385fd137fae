"""What an order for a list names, thing by thing with its amount, however it is put: "masa 10 bags hojas 6", "牛乳2本".

It is read from where the order ends: behind a verb, a wish or a colon, up to the words for the list. What is told
before or behind is no thing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import fillers, units, verb_kinds
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.counted_characters import counted_characters
from dynamic_plugins.embedded.values.number_words import DOZENS, number_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.embedded.context.message import Message

Things = list[tuple[str, int | float | None]]

LONGEST = 4
"""Of so many words is the name of a thing at most."""
_SENTENCE = re.compile(r"[.!?;](?=\s|\Z)|\n|\s[-–—]\s")
_WORD = re.compile(r"[^\W_]+(?:[-'’&][^\W_]+)*")
_AND = re.compile(rf"{phrases('items', 'and')}\Z", re.I)
_WANTED = re.compile(rf"{phrases('items', 'wanted')}\Z", re.I)
_ALSO = re.compile(rf"\s*\b{phrases('items', 'also')}\Z|\A{phrases('items', 'also')}\b\s*", re.I)
_LIST = re.compile(
    rf"[\s,]*\b{phrases('items', 'to')}\s+(?:[^\W\d_]{{1,8}}\s+){{0,2}}{phrases('items', 'list')}\b.*", re.I | re.S
)
_OF = re.compile(rf"(?P<measure>[^\W\d_]+)\s+{phrases('items', 'of')}\b['’]?\s*", re.I)
_MEASURE = re.compile(rf"{phrases('items', 'measures')}\Z", re.I)
_SIZE = re.compile(rf"\b{phrases('items', 'size')}\W*\Z", re.I)
_WHEN = re.compile(rf"\s+{phrases('items', 'for')}\s+{phrases('items', 'when')}\b.*", re.I | re.S)
_PUT = re.compile(rf"{phrases('items', 'put')}\Z", re.I)
_ARTICLE = re.compile(
    r"(?:some|a few|an?|the|of|des?|du|d['’]|eine?[nr]?|etwas|paar|un[aeo]?|unos|unas|el|l[aeo]s?|l['’]|der|die|das|den"
    r"|e[nt]|een|um|uma|uns|umas|os|as|i|gli|het|dei|del|degli|dell[aoe]|ein paar)\s+",
    re.I,
)
_ONLY_MEASURE = re.compile(r"(?:the|die|der|das|los|las|les|the)\s", re.I)
_HALF_DOZEN = re.compile(r"\bhalf (?:a )?dozen\b|\bein halbes dutzend\b|\bmedia docena\b|\bune demi-douzaine\b", re.I)


def counted_things(message: Message) -> Things:
    """Return the things that an order names, with the amount of each where one is said; empty where it names none."""
    if found := counted_characters(message.text):
        return found
    for sentence in _sentences(message.text):
        for part in _orders_in(sentence):
            if things := _things(part):
                return things
    return []


def _sentences(text: str) -> list[str]:
    """Return the sentences that hold an order or a number first; a number alone belongs to what stands before it."""
    text = _HALF_DOZEN.sub("6", text)
    parts = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    whole = ", ".join(parts) if len(parts) > 1 and all(len(part.split()) <= 2 * LONGEST for part in parts) else ""
    ordered = sorted(parts, key=lambda part: -_ordering(part))
    return [*([whole] if whole and any(c.isdigit() for c in whole) else []), *ordered]


def _ordering(sentence: str) -> int:
    """Return how much of an order a sentence has: a verb or a wish, the list, a number, a colon."""
    words = [found.group() for found in _WORD.finditer(sentence)]
    verbs = any(_orders(word) for word in words)
    counted = any(_value_of(word) is not None for word in words)
    return 2 * verbs + 2 * bool(_LIST.search(sentence)) + counted + (":" in sentence)


def orders_things(text: str) -> bool:
    """Whether *text* orders something by a verb or a wish, or counts it."""
    words = [found.group() for found in _WORD.finditer(text)]
    return any(_orders(word) or _value_of(word) is not None for word in words)


def _orders(word: str) -> bool:
    return bool(_WANTED.match(word) or _PUT.match(word)) or "create" in verb_kinds(plain(word))


def _orders_in(sentence: str) -> Iterator[str]:
    """Give what stands behind a colon, a wish or a verb, else the whole sentence, up to the words for the list."""
    starts = [found.end() for found in re.finditer(r"\s?:\s|\bout of\b", sentence)]
    starts += [found.end() for found in _WORD.finditer(sentence) if _orders(found.group())]
    ends = [len(sentence), *([found.start()] if (found := _LIST.search(sentence)) else [])]
    # Without a verb it is an order only where it is little else than things.
    bare = [0] if any(c.isdigit() for c in sentence) or not starts else []
    for start in [*starts, *bare]:
        part = sentence[start : min((end for end in ends if end > start), default=len(sentence))]
        if len(part.split()) <= 8 * LONGEST:
            yield part


def _things(part: str) -> Things:
    """Return the things of *part*; none where one of its pieces is no thing, unless that is a remark at the end."""
    things: Things = []
    for piece in _pieces(part):
        name, number = _named(piece)
        if not name and number is not None and things and things[-1][1] is None:
            things[-1] = (things[-1][0], number)  # "batteries, 16"
        elif name and things and _ONLY_MEASURE.match(piece) and _is_measure(name):
            continue  # "the big bags"
        elif things and number is not None and number == things[-1][1] and _says_it_again(name):
            continue  # "half a dozen eggs, six that is"
        elif not name or not _may_be_thing(name, counted=number is not None):
            if things:
                break  # what stands behind is a reason, or another order
            return []
        else:
            things.append((name, number))
    return things if len(things) > 1 or any(number is not None for _, number in things) or len(part.split()) < 4 else []


def _says_it_again(name: str) -> bool:
    return all(plain(word) in fillers() or _WHO.match(word) for word in name.split())


def _may_be_thing(name: str, *, counted: bool) -> bool:
    words = [plain(word) for word in name.split()]
    if len(words) > LONGEST or _WHO.match(words[0]) or (not counted and words[0] in fillers()):
        return False
    if not counted and len(words) < 3 and verb_kinds(re.split(r"['’]", words[0])[0]):
        return False
    return not any(_WHO.match(word) or (verb_kinds(word) and len(words) > 2) for word in words)


_WHO = re.compile(rf"{phrases('items', 'who')}\Z", re.I)


def _is_measure(name: str) -> bool:
    words = name.split()
    return len(words) <= LONGEST and _measures(words[-1])


def _measures(word: str) -> bool:
    return stem(plain(word)) in units() or bool(_MEASURE.match(plain(word)) or _MEASURE.match(word))


def _pieces(part: str) -> list[str]:
    """Cut *part* at commas and words for "and", before each number, or behind it where numbers stand behind things."""
    cut: list[list[str]] = [[]]
    for raw in re.findall(r"[^\s,;&+]+|[,;&+]", part):
        word = raw.strip(".:!?\"'“”„»«()")
        if raw in ",;&+" or _AND.match(word):
            cut.append([])
        elif word:
            cut[-1].append(word)
    return [" ".join(words) for run in cut for words in _runs(run) if words]


def _runs(words: list[str]) -> list[list[str]]:
    """Cut one piece where a number begins a further thing, or has ended one."""
    while words and (_leads(words) or (len(words) > 1 and _is_small(words[0]) and _value_of(words[1]) is not None)):
        words = words[1:]
    numbers = [at for at, word in enumerate(words) if _value(words, at) is not None]
    if not numbers:
        return [words]
    if numbers[0] == 0 or all(_value_of(words[at]) is None for at in numbers):
        starts = numbers if numbers[0] == 0 else [0, *numbers]
        return [words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True)]
    runs, start = [], 0
    for at in numbers:
        end = at + 2 if at + 1 < len(words) and _measures(words[at + 1]) else at + 1
        runs.append(words[start:end])
        start = end
    return [run for run in [*runs, words[start:]] if run]


def _is_small(word: str) -> bool:
    return plain(word) in fillers() or word.lower() in _A


def _leads(words: list[str]) -> bool:
    """Whether the first of *words* is the order's: a verb, a small word or "also", and no number."""
    word = plain(words[0])
    if _value(words, 0) is not None or _ARTICLE.match(f"{word} "):
        return False
    return word in fillers() or bool(_ALSO.fullmatch(word) or _AND.match(word)) or _orders(words[0])


def _value(words: list[str], at: int) -> int | float | None:
    """Return the number that a word is; none where it belongs to a name: "size 4"; an article before a measure is 1."""
    if at and _SIZE.search(words[at - 1]):
        return None
    if (value := _value_of(words[at])) is not None:
        return value
    after = words[at + 1] if at + 1 < len(words) else ""
    return 1 if words[at].lower() in _A and _measures(after) and _value_of(after) is None else None


_A = ("a", "an", "un", "una", "une", "uno", "um", "uma", "ein", "eine", "einen", "en", "een", "et")


def _value_of(word: str) -> int | float | None:
    digits = word.lower().removeprefix("x").removesuffix("x").strip("×")
    if digits.isdigit():
        return int(digits)
    if word.lower() in (*_A, "zero", "cero", "null"):
        return None
    return number_words().get(word.lower())


def _named(piece: str) -> tuple[str, int | float | None]:
    """Return what a piece names without its measure, and how many."""
    words = piece.split()
    number: int | float | None = None
    spots = [at for at in range(len(words)) if _value(words, at) is not None]
    if len(spots) == 1 or (spots and spots[0] == 0):
        at = spots[0]
        number = _value(words, at)
        words = words[:at] + words[at + 1 :]
        if number is not None and at < len(words) and plain(words[at]) in DOZENS:
            number *= 12
            words.pop(at)
        if at < len(words) and len(words) > 1 and _measures(words[at]):
            words.pop(at)
    text = _WHEN.sub("", " ".join(words))
    if found := _OF.match(_ARTICLE.sub("", text, count=1)):
        measured = _ARTICLE.sub("", text, count=1)
        if number is not None or _measures(found["measure"]) or found["measure"] == "thing":
            text = measured[found.end() :]
    text = re.sub(rf"^{phrases('items', 'of')}\s+", "", text, flags=re.I) if number is not None else text
    while found := _ARTICLE.match(text):
        text = text[found.end() :]
    while (shorter := _ALSO.sub("", text).strip()) != text:
        text = shorter
    kept = text.split()
    while kept and (plain(kept[-1]) in fillers() or _orders(kept[-1])):
        kept.pop()
    return " ".join(kept), number
