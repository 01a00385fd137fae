"""What people say when they want an action: how near a message is to that, by its words and by its meaning.

``action_phrases.model`` is made by ``evals/train_action_phrases.py`` of messages that people wrote for some nine
hundred actions of well-known plugins. Of each action it keeps the words that they used, and where their messages lie on
average among the vectors of sentences, after a linear map under which messages for the same action lie together and
those for different actions apart. The map is for any text: a tool that nobody wrote messages for is told by its
description.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.learned.message_encoder import vector_of
from dynamic_plugins.resolver.documents import action_text
from dynamic_plugins.resolver.embedder import DIMENSIONS, embedder
from dynamic_plugins.text.stemmer import stem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.resolver.embedder import Vectors

FILE = Path(__file__).with_name("action_phrases.model")
MOST_STRANGERS = 120
"""So many tools that nobody wrote messages for are told by their descriptions: embedding one takes 10 milliseconds."""
Nearness = list[float | None]
"""For each tool how near the message is to it, a cosine; None where nothing is known of it."""


class ActionPhrases:
    """Reads the content of the file. Raises ValueError for anything else."""

    def __init__(self, content: bytes) -> None:
        line, _, self._numbers = content.partition(b"\n")
        head = json.loads(line)
        self._places = {name: place for place, name in enumerate(head["names"])}
        self._words: list[Mapping[str, float]] = head["words"]
        self._rarity: Mapping[str, float] = head["rarity"]
        if len(self._numbers) != 2 * DIMENSIONS * (DIMENSIONS + 2) + len(self._places) * (DIMENSIONS // 2):
            raise ValueError("the file of phrases is cut off")

    def words(self, order: Sequence[str], tools: Sequence[Offered]) -> Nearness:
        """Return how near the words of an order are to those that people use for each of *tools*."""
        weights = {root: self._rarity.get(root, 8.0) for root in map(stem, order)}
        length = sum(weight * weight for weight in weights.values()) ** 0.5 or 1.0
        found: Nearness = []
        for tool in tools:
            place = self._places.get(tool.name)
            own = self._words[place] if place is not None else None
            found.append(None if own is None else sum(w * own.get(r, 0.0) for r, w in weights.items()) / length)
        return found

    def meaning(self, said: str, tools: Sequence[Offered]) -> Nearness:
        """Return how near the meaning of a message is to what people say for each of *tools*."""
        vector = vector_of(said)
        if vector is None:
            return [None] * len(tools)
        near = self._mapped(vector[None], 0)[0]
        return [None if tool.name not in self._places else float(self._of(tool.name) @ near) for tool in tools]

    def strangers(self, said: str, tools: Sequence[Offered]) -> Nearness:
        """Return how near the meaning of a message is to the descriptions of those of *tools* that nobody wrote for."""
        vector = vector_of(said)
        unknown = [tool for tool in tools if tool.name not in self._places]
        if vector is None or not 0 < len(unknown) <= MOST_STRANGERS:
            return [None] * len(tools)
        near = self._mapped(vector[None], 0)[0]
        described = {tool.name: self._described(tool) for tool in unknown}
        return [float(described[tool.name] @ near) if tool.name in described else None for tool in tools]

    @lru_cache(maxsize=2_000)  # noqa: B019 - there is one for as long as the process lives
    def _described_text(self, text: str) -> Any:
        model = embedder()
        if model is None:
            raise RuntimeError("a message had a vector, but nothing embeds")
        return self._mapped(model.embed([text], "document"), 1)[0]

    def _described(self, tool: Offered) -> Any:
        return self._described_text(description_of(tool.name.rpartition("__")[2], tool.description))

    @lru_cache(maxsize=2_000)  # noqa: B019 - as above
    def _of(self, name: str) -> Any:
        import numpy as np

        from dynamic_plugins.resolver.vectors import unpacked

        start = 2 * DIMENSIONS * (DIMENSIONS + 2) + self._places[name] * (DIMENSIONS // 2)
        return unpacked(np.frombuffer(self._numbers, np.uint8, DIMENSIONS // 2, start)[None])[0]

    def _mapped(self, vectors: Vectors, kind: int) -> Vectors:
        """Return vectors of messages (*kind* 0) or of descriptions (1) after the map, of length 1."""
        means, turn = self._map()
        return turned(vectors, means[kind], turn)

    @cache  # noqa: B019 - as above
    def _map(self) -> tuple[Vectors, Vectors]:
        import numpy as np

        count = DIMENSIONS * (DIMENSIONS + 2)
        numbers = np.frombuffer(self._numbers, np.float16, count).astype(np.float32).reshape(-1, DIMENSIONS)
        return numbers[:2], numbers[2:]


def turned(vectors: Vectors, mean: Vectors, turn: Vectors) -> Vectors:
    """Return *vectors* from their *mean*, mapped by *turn*, of length 1."""
    import numpy as np

    mapped = (vectors - mean) @ turn
    found: Vectors = mapped / np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-9)
    return found


def description_of(action: str, description: str) -> str:
    """Return the text that stands for a tool that nobody wrote messages for."""
    return action_text(action, description)


@cache
def action_phrases() -> ActionPhrases:
    """Return what ships with the package."""
    return ActionPhrases(FILE.read_bytes())
