"""What is embedded of a plugin and of an action: short texts, each known by its digest.

An action is told by its name and the first line of its description. More of it made the search worse: what follows
there is about arguments and results, which are alike in all actions.
"""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

from dynamic_plugins.text import tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry

PLUGIN_TEXT, ACTION_TEXT = 300, 160
"""What is read of a plugin's description and of an action's, in characters."""
ACTIONS = 60
"""How many actions of a plugin are embedded."""
VECTORS = "documents.vectors"
"""The file, in a home's cache, with the vectors of what does not come with this program."""
KEYS = "Q"
"""What keys are, as :class:`array.array` names it: unsigned numbers of eight bytes."""


def plugin_text(entry: Entry) -> str:
    """Return the text that stands for a plugin as a whole."""
    names = ", ".join([entry.name, *entry.aliases])
    return f"{names}: {entry.description}"[:PLUGIN_TEXT]


def action_text(name: str, description: str = "", similes: Sequence[str] = ()) -> str:
    """Return the text that stands for an action."""
    first = description.strip().partition("\n")[0]
    also = f" {', '.join(similes)}"[:ACTION_TEXT] if similes else ""
    return f"{tokenizer.readable(name).replace('-', ' ')}: {first}"[:ACTION_TEXT] + also


def texts_of(entry: Entry) -> Iterator[str]:
    """Give the texts of an entry: its own, then one for each of its first actions."""
    yield plugin_text(entry)
    for action in entry.actions[:ACTIONS]:
        yield action_text(action.name, action.description)


def key(text: str) -> int:
    """Return the number that a text's vector is kept under."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def keys_of(entries: Sequence[Entry]) -> tuple[array[int], array[int]]:
    """Return the keys of all texts of *entries*, and for each of them the position of its entry."""
    keys, owners = array(KEYS), array("I")
    for position, entry in enumerate(entries):
        for text in texts_of(entry):
            keys.append(key(text))
            owners.append(position)
    return keys, owners
