"""The stems of words: the one way in which names, descriptions and messages are brought onto one footing."""

from __future__ import annotations

from functools import lru_cache

_ENDINGS = ("ing", "ies", "ed", "es", "s", "en", "e")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return *word*, as :func:`~dynamic_plugins.text.tokenizer.tokens` gives it, without its commonest endings.

    Short words stay as they are. The endings are those of English, with what German and Dutch share: enough to find a
    word again in a description. The weights of ``embedded/actions/action_weights.json`` go by these stems: measure
    ``evals.dialogues`` when they change.
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word.removesuffix(ending)
            return root[:-1] if ending in ("ing", "ed") and _doubled(root) else root
    return word


def _doubled(root: str) -> bool:
    """Return whether the last consonant is written twice only before an ending: ``formatt`` is, ``sell`` is not."""
    return len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeioulsz"
