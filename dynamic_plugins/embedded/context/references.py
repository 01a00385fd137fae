"""What a conversation holds that a message leans on: calls made, the things their results list, what was said."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.result_items import Item as Item
from dynamic_plugins.embedded.context.result_items import items_in as items_in
from dynamic_plugins.embedded.context.superlatives import extreme
from dynamic_plugins.embedded.language.action_words import fillers, mended, ordinals
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.extractors import extract
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens
from dynamic_plugins.tools.management import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Exchange
    from dynamic_plugins.embedded.values.typed_values import Value

REMEMBERED = 12
"""So many exchanges back a message may reach."""
MANAGEMENT = frozenset([*NAMES, "search_plugin_actions"])


@dataclass(frozen=True)
class Used:
    """A call of a plugin's action that was made. *turn* counts back from the message: 1 is the exchange before it."""

    tool: str
    arguments: Mapping[str, Any]
    result: Any
    turn: int
    said: str = ""

    @property
    def items(self) -> list[Item]:
        return items_in(self.result)

    @property
    def failed(self) -> bool:
        return isinstance(self.result, dict) and bool(self.result.get("error"))


class Memory:
    """The exchanges before a message, as arguments and pronouns need them; the newest first."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.calls: list[Used] = []
        self.said = [exchange.said for exchange in reversed(exchanges[-REMEMBERED:])]
        self.last_reply = (exchanges[-1].reply or "") if exchanges else ""
        self.replies = [exchange.reply or "" for exchange in reversed(exchanges[-REMEMBERED:])]
        for turn, exchange in enumerate(reversed(exchanges[-REMEMBERED:]), start=1):
            for call in reversed(exchange.calls):
                name, arguments = _unwrapped(call.name, call.arguments)
                if name not in MANAGEMENT:
                    self.calls.append(Used(name, arguments, _result(call.result), turn, exchange.said))

    @property
    def last(self) -> Used | None:
        """The newest call of a plugin's action."""
        return self.calls[0] if self.calls else None

    def argument(self, name: str, tools: Iterable[str] | None = None) -> Any:
        """Return the newest value that was given for a parameter called *name*; None where there is none."""
        among = None if tools is None else set(tools)
        for call in self.calls:
            if name in call.arguments and (among is None or call.tool in among):
                return call.arguments[name]
        return None

    @cached_property
    def places(self) -> list[list[Value]]:
        """The places in each of *said*, the newest first."""
        return [extract(said).of("place") for said in self.said]

    def place(self) -> tuple[str, str] | None:
        """Return the place that was spoken of last, and its zone."""
        return next(((str(places[-1].value), places[-1].unit) for places in self.places if places), None)


def _unwrapped(name: str, arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if name != "call_plugin_action":
        return name, arguments
    inner = arguments.get("arguments")
    try:
        inner = json.loads(inner) if isinstance(inner, str) else inner
    except ValueError:
        inner = {}
    return str(arguments.get("action")), inner if isinstance(inner, dict) else {}


def _result(result: Any) -> Any:
    """Return what the action gave back, out of the envelope of the toolbox."""
    if isinstance(result, dict) and "result" in result and {"ok", "plugin", "action"} & result.keys():
        return _result(result["result"])
    if isinstance(result, str) and result.strip()[:1] in ("{", "["):
        return _parsed(result)
    return result


def _parsed(text: str) -> Any:
    """Return what JSON in *text* says, or what Python prints for the same; *text* itself where it is neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return text


# --- which of them is meant

_REFUSED = re.compile(
    rf"(?:,|\b(?:but|and|und|aber|y|et|e|mais|ma))?\s*\b{phrases('again', 'not')}\s+"
    r"(?:(?:the|das|den|die|le|la|el|los|las|il|o|a) )?([^\W\d][\w.-]*)",
    re.I,
)
_SO_MANY = re.compile(
    r"\b([^\W\d_]+)\s+(\d|[^\W\d_]+)\b(?=\s*(?:$|[,.;!?]|(?:of (?:them|those|these)|ones|and|but|please|bitte|und|y"
    r"|et|e)\b))",
    re.I,
)
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_PRONOUNS = frozenset(
    [
        "it",
        "that",
        "this",
        "one",
        "them",
        "those",
        "these",
        "there",
        "him",
        "her",
        "its",
        "es",
        "das",
        "den",
        "die",
        "dies",
        "diese",
        "dieser",
        "ihn",
        "sie",
        "dort",
        "da",
        "dazu",
        "darauf",
        "drauf",
        "lo",
        "ese",
        "esa",
        "eso",
        "esto",
        "esta",
        "este",
        "alli",
        "ahi",
        "ello",
        "ca",
        "cela",
        "celui",
        "la",
        "le",
        "y",
        "lui",
        "questo",
        "quello",
        "lo",
        "ci",
        "isso",
        "ele",
        "dat",
        "deze",
        "dit",
        "same",
        "again",
    ]
)


def points(words: Sequence[str]) -> bool:
    """Whether *words* lean on something spoken of before: "it", "that one", "there", "the second"."""
    return any(word in _PRONOUNS or word in ordinals() for word in words)


def chosen(message: str, items: Sequence[Item], ignored: frozenset[str] = frozenset()) -> list[Item]:
    """Return those of *items* that *message* picks, by their place, by their words, or all of them; [] for none.

    Words of the action itself (*ignored*, as stems) pick nothing.
    """
    if refused := [m for m in _REFUSED.finditer(message) if m.start()]:
        without = [stem(token) for m in refused for token in tokens(m[1])]
        items = [item for item in items if not _label_stems(item.label) & set(without)] or items
        message = _REFUSED.sub(" ", message)
    if picked := _by_count(message, items):
        return picked
    if (best := extreme(message, items)) is not None:
        return [best]
    words = [mended(word) for word in tokens(message)]
    places = [_place(word, position, words) for position, word in enumerate(words)]
    if "both" in places and len(items) >= 2:
        return list(items[:2])
    if picked := _by_words(words, items, ignored):
        return picked
    picked = [items[_PLACES[p]] for p in places if p in _PLACES and -len(items) <= _PLACES[p] < len(items)]
    if not picked and items and {"newest", "latest", "neueste", "neuesten", "recent"} & set(words):
        picked = [items[0]]
    if "middle" in places and len(items) % 2:
        picked.append(items[len(items) // 2])
    if found := re.search(r"\b(?:number|nr|no|nummer|n[uú]m[eé]ro)\.?\s*(\d+|[^\W\d_]+)\b", message, re.I):
        place = int(found[1]) if found[1].isdigit() else number_words().get(found[1].lower(), 0)
        numbered = [item for item in items if str(item.fields.get("number")) == str(place)]
        picked += numbered or (items[place - 1 : place] if place else [])
    return _unique(picked)


def _by_count(message: str, items: Sequence[Item]) -> list[Item]:
    """Return "the first two", "the last 3": so many from an end, where the number says nothing else."""
    found = _SO_MANY.search(message)
    place = ordinals().get(plain(found[1]), "") if found else ""
    count = (int(found[2]) if found[2].isdigit() else number_words().get(found[2].lower(), 0)) if found else 0
    if place not in ("first", "last") or not 1 < count <= len(items):
        return []
    return list(items[:count] if place == "first" else items[-count:])


def _unique(items: Sequence[Item]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if not any(item is other for other in kept):
            kept.append(item)
    return kept


_WHEN = frozenset([
    "week", "month", "year", "night", "time", "summer", "winter", "autumn", "spring", "weekend", "monday", "tuesday",
    "wednesday", "thursday", "friday", "saturday", "sunday", "woche", "monat", "jahr", "nacht", "mal", "semana", "mes",
    "año", "noche", "vez", "semaine", "mois", "année", "nuit", "fois", "settimana", "mese", "anno", "notte",
])  # fmt: skip
"""Behind "last" these say when: "that was last week"."""
_DONE = re.compile(r"\w{3,}ed|done|seen|sent|run|read|written|paid")
"""Behind "last" as well: "when was it last altered"."""


def _place(word: str, position: int, words: Sequence[str]) -> str:
    """ "The last" is a place; "last 3 commits" and "one second" are none."""
    place = ordinals().get(word, "")
    after = words[position + 1] if position + 1 < len(words) else ""
    if place and (after.isdigit() or (place == "last" and (after in _WHEN or _DONE.fullmatch(after)))):
        return ""
    if word in ("deux", "dos", "die", "former", "top", "bottom") and place != "last":
        return ""
    return place


def _by_words(words: Sequence[str], items: Sequence[Item], ignored: frozenset[str]) -> list[Item]:
    said = {stem(w) for w in words if (w not in fillers() and len(w) > 1) or w.isdigit()} - ignored
    said |= {number[1] for w in words if (number := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", w))}
    labels = [_label_stems(item.label) for item in items]
    common = set.intersection(*labels) if len(labels) > 1 else set()
    scores = [_overlap(said, label - common) for label in labels]
    best = max(scores, default=0.0)
    if best <= 0:
        return []
    top = [item for item, score in zip(items, scores, strict=True) if score == best]
    return top if len(top) == 1 else []


def _label_stems(label: str) -> set[str]:
    return {stem(token) for token in tokens(re.sub(r"[._/-]", " ", label)) if token not in fillers() or token.isdigit()}


def _overlap(said: set[str], label: set[str]) -> float:
    exact = said & label
    near = sum(
        0.7
        for word in said - exact
        if len(word) > 3 and any(w.startswith(word) or word.startswith(w) for w in label - exact if len(w) > 3)
    )
    return len(exact) + near
