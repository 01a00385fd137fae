"""What kind of question a message asks, told by a small trained model.

The labels come from lines that people wrote, in ``evals/data/question-kinds.jsonl``; ``evals/train_questions.py``
trains the model. A kind decides which facts an answer is made from (:mod:`dynamic_plugins.embedded.replies.about`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from dynamic_plugins.embedded.learned.classifier import model
from dynamic_plugins.text.tokenizer import words_and_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.learned.classifier import Prediction
    from dynamic_plugins.resolver.linker import Link

Kind = Literal[
    "abilities",  # what can you do, what can X do
    "able",  # can you do Y, is there something for Y
    "about",  # what is X, what is it for
    "advice",  # should I …
    "bye",
    "compare",  # X or Y
    "concept",  # what a plugin is, how this program goes about it
    "cost",
    "effects",  # what switching off, unloading or uninstalling would do
    "feature",  # does X do Y, what would that action do
    "greeting",
    "history",  # what did you do, who installed that
    "how",  # how do I …
    "leave",  # not now, leave it
    "none",  # no question about plugins: an order, a search, a use
    "origin",  # who publishes it, which version
    "remark",
    "safety",
    "self",  # who are you, how are you
    "settings",
    "status",
    "thanks",
    "trouble",  # why does it not work
    "unknown",  # a question about the world
]
KINDS: tuple[Kind, ...] = get_args(Kind)
MODEL = "question-kinds"
MOST_CHARACTERS = 600
"""What of a message is read; more was pasted."""

_DIGITS = re.compile(r"\d+")
_SURE = frozenset({"whole", "part", "exact", "ambiguous", "alias"})


def kind_of(said: str, links: Sequence[Link], active: Mapping[str, bool]) -> Prediction:
    """Return the kind of *said* and its probability; *active* says of each installed plugin whether it is on."""
    return model(MODEL).predict(kind_features(said, links, active))


def kind_features(said: str, links: Sequence[Link], active: Mapping[str, bool]) -> list[str]:
    """Return what the model sees of *said*: its words and letters, with a mark for each plugin that is named.

    These are apart from what the model of orders sees, so that a change there does not ask for new weights here.
    """
    words = _words(said, links)
    found = ["bias", f"len={min(8, len(words) // 4)}"]
    found += sorted({f"has={link.kind}|{_state(link, active)}" for link in links if link.named})
    found += (f"w={' '.join(words[k : k + size])}" for size in (1, 2, 3) for k in range(len(words) - size + 1))
    if words:
        found += [f"last={words[-1]}", f"first={' '.join(words[:2])}", f"first3={' '.join(words[:3])}"]
    line = f" {' '.join(words)} "
    found += (f"g{size}={line[k : k + size]}" for size in (3, 4, 5) for k in range(len(line) - size + 1))
    return found


def _words(said: str, links: Sequence[Link]) -> list[str]:
    """Return the words of *said* in lower case, digits as 0, each name of a plugin as OTHER."""
    parts, reached = [], 0
    for start, end in sorted((link.start, link.end) for link in links if link.named and link.kind in _SURE):
        if start >= reached:
            parts += [said[reached:start], "\x02"]
            reached = end
    plain = _DIGITS.sub("0", " ".join([*parts, said[reached:]])[:MOST_CHARACTERS].lower())
    return words_and_marks(plain.replace("\x02", "OTHER"))


def _state(link: Link, active: Mapping[str, bool]) -> Literal["on", "off", "new"]:
    states = [active[name] for name in link.names if name in active]
    return "new" if not states else "on" if any(states) else "off"
