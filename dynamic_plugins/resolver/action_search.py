"""Finding actions by what they do: the index and the embedding of the search for plugins, over actions."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.resolver import embedder
from dynamic_plugins.resolver.bm25 import Lexical
from dynamic_plugins.resolver.documents import VECTORS, action_text
from dynamic_plugins.resolver.ranking import ranked
from dynamic_plugins.text import tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dynamic_plugins.resolver.semantic import ActionMeaning

MOST_WORDS = 12
"""So many words of a request are looked for one by one."""


@dataclass(frozen=True, slots=True)
class ActionText:
    """What is known of an action: its name, its description, how people say it, and the plugin it is of."""

    name: str
    description: str = ""
    similes: tuple[str, ...] = ()
    plugin: str = ""


class _Index(NamedTuple):
    """What is made of *actions* once: it is only ever used as a whole."""

    actions: tuple[ActionText, ...]
    lexical: Lexical
    meaning: ActionMeaning | None


class ActionSearch:
    """Search among the actions that there are now; the index of the last ones is kept while they stay the same.

    With *meaning*, and a home's *cache* for what does not come with this program, the embedding is a second opinion.
    """

    def __init__(self, *, meaning: bool = False, cache: Path | None = None) -> None:
        self._with_meaning, self._cache = meaning, cache
        self._index: _Index | None = None
        self._making = threading.Lock()

    def search(self, query: str, actions: Sequence[ActionText], limit: int = 8) -> list[int]:
        """Return the positions of at most *limit* of *actions* that do what *query* says, best first."""
        if not actions or not query.strip():
            return list(range(min(limit, len(actions))))
        index = self._index_of(tuple(actions))
        words = index.lexical.search(query) or _word_by_word(index.lexical, query)
        similarity = index.meaning.similarity(index.lexical.meant(query)) if index.meaning is not None else None
        shown = dict.fromkeys([*words, *(similarity.z_score if similarity is not None else ())])
        scores = ranked(words, similarity, len(actions), shown)
        return sorted(scores, key=lambda at: (-scores[at], at))[:limit]

    def _index_of(self, actions: tuple[ActionText, ...]) -> _Index:
        with self._making:  # searches run in threads, and what is active may have changed between two of them
            index = self._index
            if index is None or index.actions != actions:
                meaning = self._meaning_of(actions) if self._with_meaning else None
                lexical = Lexical([_entry(action) for action in actions], numbers=True)
                index = self._index = _Index(actions, lexical, meaning)
            return index

    def _meaning_of(self, actions: Sequence[ActionText]) -> ActionMeaning | None:
        if not embedder.installed():
            return None
        from dynamic_plugins.resolver.embedding_job import start
        from dynamic_plugins.resolver.semantic import ActionMeaning

        texts = [action_text(action.name, action.description, action.similes) for action in actions]
        meaning = ActionMeaning(texts, self._cache / VECTORS if self._cache is not None else None)
        if self._cache is not None:
            start(self._cache, "actions", meaning.missing)
        return meaning


def _word_by_word(lexical: Lexical, query: str) -> dict[int, float]:
    """Return what the single words of *query* find: a model asks for several things at once ("greet mood time")."""
    found: dict[int, float] = {}
    for word in dict.fromkeys(tokenizer.words(query)[:MOST_WORDS]):
        for position, score in lexical.search(word).items():
            found[position] = max(score, found.get(position, 0.0))
    return found


def _entry(action: ActionText) -> Entry:
    """Return an action as the index of words reads it: what people say for it weighs as its name does."""
    return Entry(action.name, description=action.description, aliases=action.similes, categories=(action.plugin,))
