"""What a message wants of which plugin: the trained model's word on every plugin that it may speak of."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from dynamic_plugins.embedded.language.spoken_text import SpokenText, spoken_in
from dynamic_plugins.embedded.learned.classifier import Prediction, model
from dynamic_plugins.embedded.learned.encoder_heads import head
from dynamic_plugins.embedded.learned.message_encoder import encoded
from dynamic_plugins.embedded.managing.features import (
    State,
    beside_message,
    beside_plugin,
    message_features,
    plugin_features,
)
from dynamic_plugins.resolver.linker import Link, links_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.learned.e5_weights import Numbers
    from dynamic_plugins.embedded.learned.encoder_heads import Name
    from dynamic_plugins.embedded.learned.message_encoder import EncodedMessage
    from dynamic_plugins.embedded.managing.standing import Installed
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

INTENTS = {
    "I": "install_plugin",
    "A": "activate_plugin",
    "D": "deactivate_plugin",
    "U": "unload_plugin",
    "X": "unload_plugin",
    "C": "configure_plugin",
}
"""The letters of the trained labels. ``X`` also removes the plugin from the machine; a label is a set of them."""
ORDER = "IXCADU"
"""In this order several intents for one plugin are carried out: installed, then told, then switched."""
NOTHING = "-"
_CONTRARY: dict[str, tuple[tuple[State, str], ...]] = {
    **dict.fromkeys("DUX", (("off", "A"), ("new", "I"))),
    **dict.fromkeys("AI", (("on", "D"), ("on", "X"))),
}
"""Of each letter: what the same words would want of a plugin that stands otherwise, if they mean the contrary."""
EVEN = 0.9
"""So near the likeliest is another label that how the plugin stands decides between the two."""
MILDER = 1.5
"""So many times likelier must removing or unloading be than switching off, which takes nothing away, to be read."""
WEIGHTS: Mapping[Name, tuple[float, float]] = {
    "message_act": (0.47, 0.6),
    "mood": (0.36, 0.67),
    "plugin_intent": (0.5, 0.55),
}
"""How much the linear model's word counts and how much the encoder's, by the log loss of both on people whom neither
has seen."""
WEIGHED = 0.2
"""What is less likely to be meant is not read a second time."""


class Contrary(NamedTuple):
    """The contrary of what was read: its letter, how likely it would be if the plugin stood so, and how much likelier
    what was read is, in log odds.
    """

    letter: str
    probability: float
    odds: float


@dataclass(frozen=True)
class PluginReading:
    """One plugin that the message may speak of, how it stands, and what the message wants of it."""

    link: Link
    state: State
    prediction: Prediction
    otherwise: Mapping[State, Prediction] = field(default_factory=dict)
    """What the message would want of it if it stood so; nothing where it is not meant anyhow."""

    @property
    def intents(self) -> str:
        """The letters of the likeliest label, in the order in which they are carried out; empty for nothing."""
        label = self.likeliest()
        return "".join(letter for letter in ORDER if letter in label)

    def likeliest(self) -> str:
        """Return the likeliest label; removing and unloading count as one until they have to be told apart."""
        shares = dict(self.prediction.all)
        gone = shares.get("U", 0.0) + shares.get("X", 0.0)
        best = max(shares, key=shares.__getitem__)
        milder = best == "D" and gone <= MILDER * shares["D"]
        if gone > shares[best] and not milder:
            return "X" if shares.get("X", 0.0) > shares.get("U", 0.0) else "U"
        if best == "D" and self.state == "off" and shares.get("A", 0.0) >= EVEN * shares["D"]:
            return "A"  # nobody has to switch off what is off
        return "" if best == NOTHING else best

    @property
    def probability(self) -> float:
        """How likely :attr:`intents` is, from 0 to 1."""
        shares = self.prediction.all
        if self.intents in ("U", "X"):
            return shares.get("U", 0.0) + shares.get("X", 0.0)
        return shares.get("".join(sorted(self.intents)) or NOTHING, 0.0)

    def contrary(self, letters: str) -> Contrary:
        """Return the likeliest contrary of *letters*.

        How a plugin stands weighs so much that "switch it on" is read as "off" where it is on already. What the words
        themselves say shows in what they would want of it if it stood otherwise.
        """
        others = [
            (_share(self.otherwise[state], opposite), opposite)
            for letter in letters
            for state, opposite in _CONTRARY.get(letter, ())
            if state in self.otherwise
        ]
        share, opposite = max(others, default=(0.0, ""))
        mine = self.prediction.all.get("".join(sorted(letters)), 0.0)
        return Contrary(opposite, share, _log_odds(mine) - _log_odds(share))

    @property
    def meant(self) -> float:
        """How likely it is that the message wants anything of this plugin."""
        return 1.0 - self.prediction.all.get(NOTHING, 0.0)


@dataclass(frozen=True)
class Reading:
    """A message as it was read.

    *act* is what the whole of it is: manage, list, use, or talk; *mood* whether it orders.
    """

    text: SpokenText
    plugins: tuple[PluginReading, ...]
    act: Prediction
    mood: Prediction

    @property
    def links(self) -> list[Link]:
        return [plugin.link for plugin in self.plugins]

    @property
    def wanted(self) -> list[PluginReading]:
        """The plugins that something is wanted of, in the order in which they are called."""
        found = [plugin for plugin in self.plugins if plugin.intents]
        return sorted(found, key=lambda plugin: plugin.link.start)

    @property
    def ordered(self) -> float:
        """How likely it is that the person orders something, rather than asking, telling or quoting, from 0 to 1."""
        return self.mood.all.get("order", 0.0)


def read(
    said: str,
    resolver: Resolver,
    installed: Mapping[str, Installed],
    entries: Mapping[str, Entry],
    context: Mapping[str, str] | None = None,
) -> Reading:
    """Read *said*, with the plugins that are *installed* and the registry's *entries*. Some milliseconds.

    *context* says of plugins how the conversation just spoke of them.
    """
    text = spoken_in(said)
    known = {name: entries.get(name) or _unknown(name) for name in installed}
    listed = {name: entries[name] for name in context or () if name in entries and name not in installed}
    links = links_in(text.spoken, resolver, known, context, listed)
    states = [_state(link, installed) for link in links]
    plugins = _plugin_readings(text, links, states)
    act, mood = (_message_prediction(name, text, links, states) for name in ("message_act", "mood"))
    return Reading(text, plugins, act, mood)


_INDEX = re.compile(r"(?<![\w:/])(?:npm|pypi):(?=[@\w])", re.IGNORECASE)
"""The index before a package's name: no speaker before what they said."""


def mood_of(said: str) -> Prediction:
    """Return how *said* is meant: an order, a question, a hypothetical, a report, a quotation, a refusal or talk."""
    return _message_prediction("mood", spoken_in(_INDEX.sub("", said)), (), ())


def _message_prediction(
    name: Literal["message_act", "mood"], text: SpokenText, links: Sequence[Link], states: Sequence[State]
) -> Prediction:
    """Return what the model called *name* says of a message."""
    features, message = message_features(text.spoken, links, states), encoded(text.spoken)
    if message is None:
        return model(name).predict(features)
    asked = head(name)
    return _together(name, features, asked.scores(asked.hidden(message.mean), beside_message(links, states)))


def _together(name: Name, features: Iterable[str], opinion: Mapping[str, float]) -> Prediction:
    """Return what the linear model called *name* and the encoder's *opinion* say together."""
    linear, (own, other) = model(name), WEIGHTS[name]
    least = min(opinion.values())  # of what the encoder was not taught to tell
    return linear.predict(features, [other * opinion.get(label, least) for label in linear.labels], own)


def _plugin_readings(text: SpokenText, links: Sequence[Link], states: Sequence[State]) -> tuple[PluginReading, ...]:
    message = encoded(text.spoken)

    @cache
    def hidden(message: EncodedMessage, start: int, end: int) -> Numbers:
        return head("plugin_intent").hidden(message.mean, message.span(start, end))

    def predicted(at: int, state: State) -> Prediction:
        supposed = [*states[:at], state, *states[at + 1 :]]
        features = plugin_features(text.spoken, links, at, supposed)
        if message is None:
            return model("plugin_intent").predict(features)
        opinion = head("plugin_intent").scores(
            hidden(message, links[at].start, links[at].end), beside_plugin(links, at, supposed)
        )
        return _together("plugin_intent", features, opinion)

    unnamed: dict[tuple[State, str], PluginReading] = {}  # those that no word names differ in nothing else
    readings = []
    for at, (link, state) in enumerate(zip(links, states, strict=True)):
        known = unnamed.get((state, link.context)) if not link.named else None
        if known is None:
            prediction = predicted(at, state)
            meant = 1 - prediction.all.get(NOTHING, 0.0) >= WEIGHED
            otherwise = {other: predicted(at, other) for other in _STATES if other != state} if meant else {}
            known = PluginReading(link, state, prediction, otherwise)
            if not link.named:
                unnamed[state, link.context] = known
        readings.append(replace(known, link=link))
    return tuple(readings)


_STATES: tuple[State, ...] = ("on", "off", "new")


def _share(prediction: Prediction, letter: str) -> float:
    return sum(share for label, share in prediction.all.items() if letter in label)


def _log_odds(probability: float) -> float:
    return math.log(max(probability, 1e-6) / max(1 - probability, 1e-6))


def _state(link: Link, installed: Mapping[str, Installed]) -> State:
    mine = installed.get(link.names[0])
    return "new" if mine is None else "on" if mine.active else "off"


def _unknown(name: str) -> Entry:
    from dynamic_plugins.registry.entry import Entry

    return Entry(name=name)
