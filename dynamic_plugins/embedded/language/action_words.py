"""What words of messages and tools are about: concepts shared by languages, kinds of verbs, words without content."""

from __future__ import annotations

from functools import cache, lru_cache

from dynamic_plugins.core import prompt_files
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain
from dynamic_plugins.text.wordlists import synonyms


def _table(section: str) -> dict[str, list[str]]:
    lines = prompt_files.table("embedded/action_words.toml")[section]
    return {name: [plain(word) for word in words.split()] for name, words in lines.items()}


@cache
def _concepts() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for concept, words in _table("concepts").items():
        for word in words:
            found.setdefault(word, set()).add(concept)
            found.setdefault(stem(word), set()).add(concept)
    return {word: frozenset(concepts) for word, concepts in found.items()}


@lru_cache(maxsize=20_000)
def concepts(word: str) -> frozenset[str]:
    """Return what *word* (as :func:`tokens` gives it) is about, in any of the languages."""
    table = _concepts()
    return table.get(word) or table.get(stem(word)) or frozenset()


@lru_cache(maxsize=20_000)
def alike(word: str) -> frozenset[str]:
    """Return the stems that count as *word*: its own, and those of its English synonyms."""
    others = synonyms().get(word) or synonyms().get(stem(word)) or ()
    return frozenset({stem(word), *(stem(other) for other in others)})


@cache
def _facts() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for words in _table("facts").values():
        stems = {stem(word) for word in words}
        for word in stems:
            found.setdefault(word, set()).update(stems)
    return {word: frozenset(stems) for word, stems in found.items()}


def facts_alike(word: str) -> frozenset[str]:
    """Return the stems that name the same fact about somebody as the stem *word*: "birth" is when they were born."""
    return _facts().get(word, frozenset())


@cache
def _verbs() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for kind, words in _table("verbs").items():
        for word in words:
            found.setdefault(word, set()).add(kind)
            if len(word) > 6:
                found.setdefault(stem(word), set()).add(kind)
    return {word: frozenset(kinds) for word, kinds in found.items()}


def verb_kinds(word: str) -> frozenset[str]:
    """Return the kinds of action that *word* orders: read, search, create, delete, change, run."""
    return _verbs().get(word) or (_verbs().get(stem(word), frozenset()) if len(word) > 6 else frozenset())


@cache
def fillers() -> frozenset[str]:
    """Return words that carry nothing of a request."""
    return frozenset(_table("fillers")["words"])


@cache
def joining_words() -> frozenset[str]:
    """Return words that join the parts of what is left of a request: "notes of Anna"."""
    return frozenset(_table("left_over")["joining"])


@cache
def empty_words() -> frozenset[str]:
    """Return words that ask for nothing where they are left of a request."""
    return frozenset(_table("left_over")["empty"])


@cache
def words_about_plugins() -> frozenset[str]:
    """Return words of messages that are about plugins as such."""
    return frozenset(_table("about_plugins")["words"])


@cache
def units() -> frozenset[str]:
    """Return the stems of what things are counted in: cans, bags, litres."""
    return frozenset(stem(word) for word in _table("units")["words"])


@cache
def ordinals() -> dict[str, str]:
    """Return the place in a list that each ordinal word names: first, second … last, middle, both, other."""
    return {word: place for place, words in _table("ordinals").items() for word in words}


@cache
def _known() -> dict[int, list[str]]:
    words = {*_concepts(), *_verbs(), *fillers(), *ordinals(), *synonyms(), *_table("units")["words"]}
    words |= {
        w for group in prompt_files.table("embedded/action_words.toml")["numbers"].values() for w in group.split()
    }
    by_length: dict[int, list[str]] = {}
    for word in words:
        if len(word) > 3:
            by_length.setdefault(len(word), []).append(word)
    return by_length


@lru_cache(maxsize=5_000)
def mended(word: str) -> str:
    """Return the word of these lists that a slip of the fingers made *word* of; *word* itself where there is none."""
    from rapidfuzz.distance import OSA

    if len(word) < 4 or not word.isalpha() or concepts(word) or verb_kinds(word) or word in fillers():
        return word
    near = [w for size in (len(word) - 1, len(word), len(word) + 1) for w in _known().get(size, ()) if w[0] in word[:2]]
    close = [
        w
        for w in near
        if OSA.distance(word, w, score_cutoff=1) <= 1 and w[-1] in word[-2:] and sorted(w) == sorted(word)
    ]
    if not close and len(word) > 4:
        close = [w for w in near if OSA.distance(word, w, score_cutoff=1) <= 1 and stem(w) != stem(word)]
    return min(close) if close else word
