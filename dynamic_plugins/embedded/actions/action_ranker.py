"""Which of the tools that are offered a message asks for: some thirty general features into one small linear model."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.action_phrases import action_phrases, description_of
from dynamic_plugins.embedded.actions.repetition import says_again
from dynamic_plugins.embedded.language.action_words import alike, concepts, fillers, verb_kinds
from dynamic_plugins.embedded.learned.encoder_heads import nearness
from dynamic_plugins.embedded.slots.action_card import Card, card
from dynamic_plugins.text.stemmer import stem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter

WEIGHTS = Path(__file__).with_name("action_weights.json")
Features = dict[str, float]

MOST_COMPARED = 200
"""So many tools are compared with what is encoded of a message: of each something is embedded once."""
OWN, ENCODED = 0.5, 0.6
"""How much the features count and how much what is encoded, by the log loss of both on people whom neither has seen."""
_READS = ("read", "search")
_WRITES = ("create", "delete", "change")


@dataclass(frozen=True)
class Ranked:
    """A tool with its score; *share* is the part of the probability among all tools that it has."""

    tool: Offered
    score: float
    share: float
    features: Features


@lru_cache(maxsize=1)
def _weights() -> dict[str, float]:
    return {name: float(value) for name, value in json.loads(WEIGHTS.read_text(encoding="utf-8"))["ranker"].items()}


def rank(message: Message, tools: Sequence[Offered], weights: Mapping[str, float] | None = None) -> list[Ranked]:
    """Return *tools*, the one that *message* asks for most probably first."""
    weights = _weights() if weights is None else weights
    features = all_features(message, tools)
    scores = [sum(weights.get(name, 0.0) * value for name, value in each.items()) for each in features]
    if (near := _nearness(message, tools)) is not None:
        scores = [OWN * score + ENCODED * each for score, each in zip(scores, near, strict=True)]
    top = max(scores, default=0.0)
    total = sum(math.exp(score - top) for score in scores)
    ranked = [
        Ranked(tool, score, math.exp(score - top) / total, each)
        for tool, score, each in zip(tools, scores, features, strict=True)
    ]
    return sorted(ranked, key=lambda one: -one.score)


def _nearness(message: Message, tools: Sequence[Offered]) -> list[float] | None:
    """Return how near *message* is to each of *tools* as it is encoded.

    None where that is not known of all of them, or where the message only orders the last call once more.
    """
    if len(tools) > MOST_COMPARED or says_again(message):
        return None
    texts = {tool.name: description_of(tool.name.rpartition("__")[2], tool.description) for tool in tools}
    memory = message.memory
    last = texts.get(memory.last.tool, "") if memory.last else ""
    return nearness(message.text, [*texts.values()], memory.last_reply, last)


def all_features(message: Message, tools: Sequence[Offered]) -> list[Features]:
    """Return the features of each tool for *message*."""
    cards = [card(tool) for tool in tools]
    rarity = _rarity(cards)
    found = [_features(message, each, rarity) for each in cards]
    phrases = action_phrases()
    _add_nearness(found, "asked_like", phrases.meaning(message.text, tools))
    _add_nearness(found, "worded_like", phrases.words(message.order_words, tools))
    _add_nearness(found, "described_like", phrases.strangers(message.text, tools))
    return found


def _add_nearness(found: Sequence[Features], name: str, nearness: Sequence[float | None]) -> None:
    """Add to each tool's features how near the message is to it, and how that stands among the others."""
    known = [each for each in nearness if each is not None]
    if not known:
        return
    mean, top = sum(known) / len(known), max(known)
    spread = math.sqrt(sum((each - mean) ** 2 for each in known) / len(known)) + 0.05
    for features, each in zip(found, nearness, strict=True):
        if each is not None:
            features[name] = 3 * each
            features[f"{name}_gap"] = 3 * (each - top)
            features[f"{name}_among"] = min(4.0, max(-3.0, (each - mean) / spread)) / 2
            features[f"{name}_top"] = float(each == top)


def _rarity(cards: Sequence[Card]) -> dict[str, float]:
    """Return for each stem and concept how telling it is among these tools: 1 in one of them, near 0 in all."""
    counts: dict[str, int] = {}
    for each in cards:
        seen: set[str] = set()
        for part in ("name", "first"):
            stems, about = each.fields[part]
            seen |= stems | {"*" + concept for concept in about}
        for word in seen:
            counts[word] = counts.get(word, 0) + 1
    # Few tools say little about what is rare; a floor keeps single tools from matching everything.
    total = max(len(cards), 12)
    return {word: math.log(1 + total / count) / math.log(1 + total) for word, count in counts.items()}


def _features(message: Message, tool: Card, rarity: Mapping[str, float]) -> Features:
    found = _word_features(message, tool, rarity)
    found |= _verb_features(message, tool)
    found |= _type_features(message, tool)
    found |= _history_features(message, tool)
    found["deprecated"] = float(tool.deprecated)
    return found


def _word_features(message: Message, tool: Card, rarity: Mapping[str, float]) -> Features:
    words = [w for w in message.order_words if w not in fillers()]
    order = {stem(w) for w in message.order_words}
    ideas = {concept for w in message.order_words for concept in concepts(w)}
    found: Features = {}
    explained: set[str] = set()
    for part, (stems, about) in tool.fields.items():
        mass = 0.0
        for word in dict.fromkeys(words):
            if weight := _match(word, stems, about, rarity):
                mass += weight
                if part in ("name", "first", "also"):
                    explained.add(word)
        found[part] = min(mass, 4.0)
    stems, about = tool.fields["name"]
    hit = sum(1 for word in tool.name_words if stem(word) in order or concepts(word) & ideas)
    found["name_share"] = hit / max(1, len(tool.name_words))
    found["name_rare_missed"] = sum(
        rarity.get(stem(w), 1.0) for w in tool.name_words[1:] if stem(w) not in order and not concepts(w) & ideas
    )
    found["explained"] = len(explained) / max(1, len(set(words)))
    found["plugin"] = float(bool(tool.plugin_stems & order))
    return found


def _match(word: str, stems: frozenset[str], about: frozenset[str], rarity: Mapping[str, float]) -> float:
    own = stem(word)
    if own in stems:
        return rarity.get(own, 0.8)
    if shared := concepts(word) & about:
        return 0.85 * max(rarity.get("*" + concept, 0.6) for concept in shared)
    if others := alike(word) & stems:
        return 0.7 * max(rarity.get(other, 0.6) for other in others)
    if len(own) > 4 and any(own in other or (len(other) > 4 and other in own) for other in stems):
        return 0.5
    return 0.0


_QUESTION = re.compile(r"^\W*(?:what|which|who|how|is|are|was|wie|was|welche|qu[eé]|cu[aá]l|quel)", re.I)


def _verb_features(message: Message, tool: Card) -> Features:
    said = [verb_kinds(word) for word in message.order_words]
    first = next((kinds for kinds in said if kinds), frozenset())
    every = frozenset(kind for kinds in said for kind in kinds)
    asks = message.text.rstrip().endswith("?") or bool(_QUESTION.match(message.text))
    kinds = tool.kinds
    return {
        "verb_first": float(bool(first & kinds)),
        "verb_any": float(bool(every & kinds)),
        "verb_other": float(bool(first and kinds and not first & kinds)),
        "verb_none": float(bool(every and kinds and not every & kinds)),
        "ask_reads": float(asks and bool(kinds & {*_READS})),
        "ask_writes": float(asks and bool(kinds & {*_WRITES}) and not kinds & {*_READS}),
        "unsaid_writes": float(not every and bool(kinds & {*_WRITES})),
    }


def _type_features(message: Message, tool: Card) -> Features:
    roles, kinds = tool.roles, {value.kind for value in message.values.found}
    memory = message.memory
    found: Features = {}
    for kind, wants in _TAKES.items():
        if kind in kinds:
            found[f"{kind}+"] = float(any(role in roles for role in wants))
    needs = [p for p in tool.parameters if p.required]
    lacks = sum(
        1 for p in needs if p.role in _GIVES and not kinds & set(_GIVES[p.role]) and memory.argument(p.name) is None
    )
    found["lacks"] = min(lacks, 2)
    found["lacks_time"] = float(any(p.role == "time" for p in needs) and "time" not in kinds and not memory.calls)
    found |= _sql_features(message, tool)
    found["bare"] = float(not needs and not kinds)
    found["needs"] = min(len(needs), 4) / 4
    whole = ("text" in roles or "name" in roles) and bool(kinds & {"quoted"} or re.search(r":\s+\S", message.text))
    found["text+"] = float(whole)
    found["text-"] = float(not whole and "text!" in roles)
    found["two_zones"] = float(roles.get("zone", 0) > 1 and "time" in kinds)
    found["one_zone"] = float(roles.get("zone", 0) == 1 and "time" in kinds)
    numbers, wanted = len(message.values.of("number")), roles.get("number!", 0)
    found["numbers_short"] = float(wanted > numbers and not message.values.of("issue"))
    found["numbers_fit"] = float(0 < wanted == numbers)
    several = len(message.values.of("path", "file")) > 1 or len(message.values.of("quoted")) > 1
    lists = any(p.required and p.role == "list" and p.items.role != "object" for p in tool.parameters)
    found["list_many"], found["list_one"] = float(lists and several), float(lists and not several)
    found["shape"] = float(any(p.shape and p.shape.search(message.text) for p in tool.parameters))
    found["choice"] = float(any(str(c).lower() in message.words for p in tool.parameters for c in p.choices))
    found["param_said"] = float(any(p.name.lower() in message.words for p in tool.parameters))
    return found


_TAKES: dict[str, tuple[str, ...]] = {
    "url": ("url",),
    "path": ("path",),
    "file": ("path", "text", "name"),
    "repo": ("repo", "owner", "branch"),
    "sql": ("sql",),
    "expression": ("expression",),
    "place": ("city", "zone"),
    "time": ("time",),
    "date": ("date",),
    "email": ("email", "text"),
    "hash": ("revision", "branch"),
    "issue": ("number",),
    "id": ("id",),
    "glob": ("glob",),
    "number": ("number", "expression"),
}
_GIVES: dict[str, tuple[str, ...]] = {
    "url": ("url",),
    "repo": ("repo",),
    "owner": ("repo",),
    "path": ("path", "file"),
    "sql": ("sql",),
    "expression": ("expression",),
    "time": ("time",),
    "zone": ("place",),
    "currency": ("currency",),
    "email": ("email",),
    "revision": ("hash",),
}


def _sql_features(message: Message, tool: Card) -> Features:
    """A SELECT goes to what reads, CREATE TABLE to what creates, everything else to what writes."""
    code = message.values.of("sql")
    if not code or "sql" not in tool.roles:
        return {}
    verb = str(code[0].value).split()[0].lower()
    words = frozenset(tool.name_words + tool.first)
    named = verb in words
    reads = verb in ("select", "with", "pragma", "explain")
    return {
        "sql_named": float(named),
        "sql_reads": float(reads == bool(words & {"select", "read"}))
        - float(reads != bool(words & {"select", "read"})),
    }


def _history_features(message: Message, tool: Card) -> Features:
    last = message.memory.last
    if last is None:
        return {}
    plugin, name = last.tool.rpartition("__")[0], tool.tool.name
    fresh = last.turn == 1
    short = len(message.words) <= 8
    content = sum(1 for word in message.words if word not in fillers())
    return {
        "same_plugin": float(plugin == tool.plugin),
        "same_plugin_fresh": float(plugin == tool.plugin and fresh),
        "same_plugin_points": float(plugin == tool.plugin and message.points),
        "same_tool": float(name == last.tool and fresh),
        "same_tool_short": float(name == last.tool and fresh and short),
        "same_tool_and": float(name == last.tool and fresh and bool(GOES_ON.match(message.text))),
        "same_tool_bare": float(name == last.tool and fresh and content <= 2),
        "used": float(any(call.tool == name for call in message.memory.calls)),
        "id_of_last": float(
            fresh and message.points and any(_takes_of(p, last) for p in tool.parameters if p.required)
        ),
    }


def _takes_of(p: Parameter, last: Any) -> bool:
    return p.name in last.arguments or (
        p.role in ("id", "number", "revision") and any(p.words[-1] in i.fields for i in last.items[:3])
    )


GOES_ON = re.compile(
    r"^\W*(?:oh |ok |okay |hm+ |ah |oof |ooh )*(?:and|und|y|et|e|an|also|same|again|now|or|what about|"
    r"how about|wie ist es|nochmal|dasselbe|gleiche|otra vez|lo mismo|"
    r"encore|pareil|do it|another|then|next|plus|et pour|auch|in|for|with)\b",
    re.I,
)
