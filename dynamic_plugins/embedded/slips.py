"""Verbs that have a slip in them, spelled right; and what is said without its courtesies."""

from __future__ import annotations

import re
from functools import cache

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.orders import each_phrase, verbs
from dynamic_plugins.embedded.phrases import Text, cues, read

TYPO_LENGTH = 5


@cache
def _vocabulary() -> frozenset[str]:
    heads = {phrase.split(" ")[0] for phrase, verb in each_phrase() if verb.sure and verb.language == "en"}
    return frozenset(
        word
        for word in {*verbs().single_words, *heads}
        if len(word) > TYPO_LENGTH and word.isascii() and word.isalpha()
    )


@cache
def _english() -> frozenset[str]:
    """Return the verbs that a word of few letters may be a slip of."""
    heads = {phrase.split(" ")[0] for phrase, verb in each_phrase() if verb.sure and verb.language == "en"}
    return frozenset(head for head in heads if len(head) > TYPO_LENGTH and head.isalpha())


def mended(text: Text) -> Text:
    """Return *text* with verbs that have a slip in them spelled right ("intsall", "deactivte")."""
    return text.spelled(tuple(spelled(word) for word in text.words))


@cache
def spelled(word: str) -> str:
    """Return *word*, or the verb of which it is a slip."""
    known = word in verbs().single_words or word in _real_words() or word.endswith("ing")
    if len(word) < TYPO_LENGTH or not word.isalpha() or known:
        return word
    from rapidfuzz.distance import OSA

    allowed = 1 if len(word) < 8 else 2
    near = sorted(
        (OSA.distance(word, known, score_cutoff=allowed), known)
        for known in (_vocabulary() if len(word) > TYPO_LENGTH else _english())
        if known[0] == word[0] and OSA.distance(word, known, score_cutoff=allowed) <= allowed
    )
    # "deactivate" and "activate" differ in their first letter; two readings are none.
    nearest = [known for at, known in near if at == near[0][0]] if near else []
    intents = {verb.intent if (verb := verbs().single_words.get(known)) else known for known in nearest}
    return nearest[0] if len(intents) == 1 else word


@cache
def _real_words() -> frozenset[str]:
    words = set(prompt_files.table("embedded/real_words.toml")["words"])
    # What the other lists hold is spelled as it is meant: "passiert" is no slip of "pausiere".
    for name in ("cues", "questions", "curious"):
        for phrases in prompt_files.table(f"embedded/{name}.toml").values():
            for phrase in phrases:
                words |= {word for word in re.split(r"[\s()|?*]+", phrase) if len(word) >= TYPO_LENGTH}
    return frozenset(words)


def read_spoken(spoken: str) -> Text:
    """Return the words of *spoken* without courtesies, with verbs spelled right."""
    text = mended(read(spoken))
    drop: set[int] = set()
    for hit in cues("cues", "polite").find(text):
        drop |= set(range(hit.start, hit.end))
    return text.choose([index for index in range(len(text)) if index not in drop])
