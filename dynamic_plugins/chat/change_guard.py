"""Nothing changes the world that was not ordered, whatever model it is that wants it.

A question, a hypothetical, a report, a refusal or somebody else's words calls at most what only reads. Whether an
action only reads is what its plugin declares (MCP's ``readOnlyHint``); where it declares nothing, its verb tells; what
nothing tells counts as changing. How a message is meant is read by the small model that the built-in one uses as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.agreement import agrees
from dynamic_plugins.embedded.managing.reading import mood_of
from dynamic_plugins.embedded.replies.action_nature import Ability, nature
from dynamic_plugins.errors import NeedsConfirmationError
from dynamic_plugins.text.secret_names import PLACEHOLDER
from dynamic_plugins.tools.management import CHANGING, NAMES

if TYPE_CHECKING:
    from dynamic_plugins.tools.prepared_call import Prepared

NO_ORDER = 0.15
"""Below this probability of an order a message orders nothing."""
SURE = 0.6
"""So sure must it be what else the message is."""
_MOODS = {
    "question": "asked a question",
    "hypothetical": "asked what would happen",
    "report": "told of something",
    "quotation": "passed on somebody else's words",
    "refusal": "said what is not to be done",
}


class ChangeGuard:
    """Refuses calls that change something and that the last message does not order."""

    def __init__(self) -> None:
        self._mood: str | None = None
        self._question = ""
        self._gives_secret = False

    def begin(self, said: str) -> str:
        """Begin a turn with what the person said. A yes to a question of the last reply orders what was asked.

        Returns the question to which it is a yes; empty where it is none.
        """
        self._gives_secret = PLACEHOLDER.search(said) is not None
        if self._question and agrees(said, self._question):
            self._mood = None
            return "\n".join(line for line in self._question.splitlines() if _asks(line))
        self._mood = _no_order(said)
        return ""

    def replied(self, reply: str) -> None:
        """Take note of how the turn ended: with a question or not."""
        self._question = reply if _asks(reply) else ""

    def refusal(self, call: Prepared, plugin: str) -> NeedsConfirmationError | None:
        """Return why *call*, which is about *plugin*, is not made; None when it may be."""
        if self._mood is None or not changes(call):
            return None
        if self._gives_secret and call.name == "configure_plugin":
            return None  # who hands over a key wants it kept, whatever the words around it
        what = call.name if call.tool is None or call.tool.plugin is None else call.tool.action.name
        mood = _MOODS[self._mood]
        return NeedsConfirmationError(
            plugin or what,
            f"{what} changes something, and you {mood}. Say yes if you want it.",
            for_model=f"{what} changes something, and the person {mood}. "
            "Ask them first, and call it when they say yes.",
        )


def _asks(reply: str) -> bool:
    return any(mark in reply for mark in ("?", "\uff1f", "\u061f"))


def changes(call: Prepared) -> bool:
    """Return whether *call* may change something in the world, or what is installed here."""
    if call.name in NAMES:
        return call.name in CHANGING
    if call.tool is None or call.tool.plugin is None:
        return False  # a search among actions
    action = call.tool.action
    if action.read_only is not None:
        return not action.read_only
    return nature(Ability(call.tool.plugin, action.name, action.description)) != "reads"


def _no_order(said: str) -> str | None:
    """Return the mood of a message that surely orders nothing; None for any other."""
    mood = mood_of(said)
    if mood.label in _MOODS and mood.probability >= SURE and mood.all.get("order", 0.0) < NO_ORDER:
        return mood.label
    return None
