"""What is read off an encoded message: what it is, what it wants of each plugin, which action it asks for, and which
words are a value.

Most heads are one hidden layer over the numbers of :mod:`dynamic_plugins.embedded.learned.message_encoder`, trained
together with them by ``evals/train_encoder.py``. The one for actions is a map of messages and of descriptions to where
those that belong together lie near each other (``evals/train_action_head.py``). Their word stands beside that of the
linear models, which see letters and words that the sentence model does not, such as slips of the pen; together they are
surer than each alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.embedded.learned.message_encoder import encoded, trained, vector_of
from dynamic_plugins.resolver.embedder import embedder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.embedded.learned.e5_weights import Numbers

Name = Literal["message_act", "mood", "plugin_intent"]


class Head:
    """Log probabilities of labels, from numbers of the message and features that stand beside it."""

    def __init__(self, name: str) -> None:
        import numpy as np

        arrays = trained()
        self.labels = [str(label) for label in arrays[f"{name}.labels"]]
        self._rows = {str(feature): row for row, feature in enumerate(arrays[f"{name}.features"], start=1)}
        self._arrays = {
            key: arrays[f"{name}.{key}"].astype(np.float32) for key in ("beside", "bias", "out", "last", "direct")
        }
        self._into = [arrays[key].astype(np.float32) for key in (f"{name}.mean", f"{name}.span") if key in arrays]

    def hidden(self, *numbers: Numbers) -> Numbers:
        """Return what the message's *numbers* give the hidden layer: its mean, then where a plugin is called."""
        found: Numbers = sum(row @ into for row, into in zip(numbers, self._into, strict=True)) + self._arrays["bias"]
        return found

    def scores(self, hidden: Numbers, features: Iterable[str]) -> dict[str, float]:
        """Return the log probability of each label."""
        import numpy as np

        rows = [self._rows[feature] for feature in features if feature in self._rows]
        beside, direct = self._arrays["beside"][rows].sum(axis=0), self._arrays["direct"][rows].sum(axis=0)
        scores = np.tanh(hidden + beside) @ self._arrays["out"] + self._arrays["last"] + direct
        scores = scores - scores.max()
        scores = scores - np.log(np.exp(scores).sum())
        return dict(zip(self.labels, map(float, scores), strict=True))


@cache
def head(name: Name) -> Head:
    """Return the head that ships under *name*. There is one only where messages are encoded."""
    return Head(name)


@dataclass(frozen=True)
class Ends:
    """How well each piece of a message begins and ends a value, and how well it goes without one, as scores."""

    begins: Sequence[float]
    ends: Sequence[float]
    none: float
    places: Sequence[tuple[int, int]]

    def begin(self, start: int, end: int) -> float:
        """Return the score of a value that begins with the word between two places."""
        return self._of(self.begins, start, end, 0)

    def end(self, start: int, end: int) -> float:
        """Return the score of a value that ends with the word between two places."""
        return self._of(self.ends, start, end, -1)

    def _of(self, scores: Sequence[float], start: int, end: int, which: int) -> float:
        inside = [row for row, (begin, stop) in enumerate(self.places) if begin < end and start < stop and begin < stop]
        return scores[inside[which]] if inside else UNREAD


MOST_OF_REPLY = 300
"""So many characters of the end of a reply say what a message may go on from."""
_VALUE = ("state", "question", "mean", "gate", "bias", "begin", "end", "none", "none_bias")
UNREAD = -10.0
"""The score of a word that was not read, behind the end of a very long message."""


@lru_cache(maxsize=256)
def ends_of(said: str, asked: str) -> Ends | None:
    """Return where the value that *asked* describes may begin and end in a message; None where nothing encodes it."""
    import numpy as np

    message = encoded(said)
    if message is None:
        return None
    arrays = {name: _array(f"value.{name}") for name in _VALUE}
    question = _described(asked) @ arrays["question"] + arrays["bias"]
    both = np.tanh(message.states @ arrays["state"] + question)
    begins = (both * (1 + np.tanh(message.states @ arrays["gate"]))) @ arrays["begin"]
    none = np.tanh(message.mean @ arrays["mean"] + question) @ arrays["none"] + arrays["none_bias"]
    return Ends(begins[:, 0].tolist(), (both @ arrays["end"])[:, 0].tolist(), float(none[0]), message.places)


def nearness(said: str, actions: Sequence[str], reply: str = "", last: str = "") -> list[float] | None:
    """Return how near a message is to each of *actions*, told by their texts; None where nothing encodes it.

    *reply* is what was answered before it, and *last* the text of the action that was called last: "and what else is on
    there?" asks for another action after a list than after a page. An action's text takes 10 milliseconds at its first
    time.
    """
    import numpy as np

    message, vector = encoded(said), vector_of(said)
    if message is None or vector is None or not actions:
        return None
    before = vector_of(reply[-MOST_OF_REPLY:])
    answered = (0.0 if before is None else before) - _array("action.reply_mean")
    parts = [
        (both_of(message.mean, vector) - _array("action.message_mean")) @ _array("action.message"),
        answered @ _array("action.reply"),
        *([_embedded(last, "document") @ _array("action.last")] if last else ()),
    ]
    own = _of_length_one(sum(parts))
    near = np.array([_compared(text) for text in actions]) @ own * float(_array("action.sharpness"))
    found: list[float] = near.tolist()
    return found


def both_of(mean: Numbers, vector: Numbers) -> Numbers:
    """Return what a message is compared with actions by: the mean of its pieces, and its sentence vector."""
    import numpy as np

    found: Numbers = np.concatenate([_of_length_one(mean), vector])
    return found


@lru_cache(maxsize=2_000)
def _compared(action: str) -> Numbers:
    vector = _embedded(action, "document") - _array("action.described_mean")
    return _of_length_one(vector @ _array("action.described"))


def _of_length_one(numbers: Any) -> Numbers:
    import numpy as np

    found: Numbers = numbers / (np.linalg.norm(numbers) + 1e-6)
    return found


@cache
def _array(name: str) -> Numbers:
    import numpy as np

    found: Numbers = trained()[name].astype(np.float32)
    return found


@lru_cache(maxsize=2_000)
def _described(asked: str) -> Numbers:
    return _embedded(asked, "query")


@lru_cache(maxsize=2_000)
def _embedded(text: str, kind: Literal["query", "document"]) -> Numbers:
    model = embedder()
    if model is None:
        raise RuntimeError("a message was encoded, but nothing embeds")
    vector: Numbers = model.embed([text], kind)[0]
    return vector
