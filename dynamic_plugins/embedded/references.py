"""What a conversation holds that a message leans on: calls made, the things their results list, what was said."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.action_words import fillers, mended, ordinals
from dynamic_plugins.embedded.extractors import extract
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens
from dynamic_plugins.tools.management import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.request import Exchange

REMEMBERED = 12
"""So many exchanges back a message may reach."""
MANAGEMENT = frozenset([*NAMES, "search_plugin_actions"])


@dataclass(frozen=True)
class Item:
    """One thing that a result lists: how it reads, and its fields (a line of text has those that can be seen in it)."""

    label: str
    fields: Mapping[str, Any] = field(default_factory=dict)


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

    def place(self) -> tuple[str, str] | None:
        """Return the place that was spoken of last, and its zone."""
        for said in self.said:
            if places := extract(said).of("place"):
                return str(places[-1].value), places[-1].unit
        return None


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
        try:
            return json.loads(result)
        except ValueError:
            return result
    return result


# --- what a result lists

_REF = re.compile(r"\[?\b(?:ref|id)[=: ]+([\w-]+)\]?|\(([a-z]\d+)\)")
_MARK = re.compile(r"^\s*(?:[-*•>]|\d+[.)]|\[(?:FILE|DIR)\])\s*", re.I)
_COMMIT = re.compile(r"^(?:commit\s+)?([0-9a-f]{6,40})\b\s*(.*)")
_SIZE = re.compile(r"\s+\d+(?:\.\d+)?\s*[KMGT]?B$")
_STATE = re.compile(r"^(?:modified|new file|deleted|untracked|added|renamed|staged)\s*:\s*", re.I)


def items_in(result: Any) -> list[Item]:
    """Return the things that *result* lists, in its order; one item for a result that is about one thing."""
    if isinstance(result, str):
        return _items_of_text(result)
    if isinstance(result, list):
        return [_item(each) for each in result]
    if isinstance(result, dict):
        lists = [value for value in result.values() if isinstance(value, list) and value]
        if lists:
            return [_item(each) for each in max(lists, key=len)]
        inner = [value for value in result.values() if isinstance(value, dict)]
        return [Item(_label(result), {**result, **{k: v for d in inner for k, v in d.items() if k not in result}})]
    return []


def _item(each: Any) -> Item:
    if isinstance(each, dict):
        return Item(_label(each), each)
    if isinstance(each, list):
        return Item(" ".join(map(str, each)), {"name": str(each[0])} if each else {})
    return _item_of_line(str(each))


def _label(fields: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in fields.values() if isinstance(value, (str, int)))


def _items_of_text(text: str) -> list[Item]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = _parts_of_line(text)
        if len(lines) == 1 and not (_REF.search(text) or _COMMIT.match(text) or _MARK.match(text)):
            # A plain sentence lists nothing; a lone path does.
            return [_item_of_line(text)] if re.fullmatch(r"\s*[~/][\w./-]+\s*", text) else []
    return [_item_of_line(line) for line in lines]


_NUMBERED = re.compile(r"(?:^|[\s;,]+)(?=(\d{1,2})[.)]\s)")
_FILES = re.compile(r"\s+(?=\[(?:FILE|DIR)\])")
_SEPARATORS = (r";\s+", r"\s\|\s", r",\s+(?=#\d)", r",\s+")
LONGEST_PART, LONGEST_BETWEEN_COMMAS = 14, 2
"""Of so many words is a part of a list at most; between commas, which sentences have as well, of fewer."""


def _parts_of_line(text: str) -> list[str]:
    """Return the parts of a list on one line: numbered, or between semicolons, bars or commas."""
    marks = list(_NUMBERED.finditer(text))
    if len(marks) > 1 and [int(mark[1]) for mark in marks] == list(range(1, len(marks) + 1)):
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    if len(parts := _FILES.split(text.strip())) > 1:
        return parts
    if _STATE.search(text.split(". ")[-1]):
        return [part for part in re.split(r"[.,]\s+", text) if not part.startswith("On branch ")]
    refs = len(_REF.findall(text))
    for separator in _SEPARATORS:
        parts = [part.strip() for part in re.split(separator, text.strip().rstrip("."))]
        longest = LONGEST_BETWEEN_COMMAS if separator == _SEPARATORS[-1] and refs < 2 else LONGEST_PART
        if len(parts) > 1 and all(part and len(part.split()) <= longest and ". " not in part for part in parts):
            return parts
    return [text]


def _item_of_line(line: str) -> Item:
    text = _MARK.sub("", line).strip()
    if found := _REF.search(text):
        ref = found[1] or found[2]
        label = text.replace(found.group(), " ").strip()
        return Item(label, {"ref": ref, "id": ref, "name": label})
    if found := _COMMIT.match(text):
        return Item(text, {"sha": found[1], "hash": found[1], "revision": found[1], "id": found[1], "name": found[1]})
    named = _STATE.sub("", _SIZE.sub("", text))
    fields: dict[str, Any] = {"name": named, "kind": "dir" if "[DIR]" in line else ""}
    if found := re.match(r"#(\d+)\b", named):
        fields |= {"number": int(found[1]), "id": found[1]}
    if "/" in named and " " not in named:
        fields["path"] = named
    if re.fullmatch(r"[\w.-]*\d[\w.-]*", named) and not re.search(r"\.[a-z]{2,4}$", named):
        fields["id"] = named
    if len(words := named.split()) > 1 and re.fullmatch(r"[A-Za-z]{0,2}\d+(?:\.\d+)*", words[0]):
        fields["id"] = words[0]
    return Item(named, fields)


# --- which of them is meant

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
    if found := re.search(r"\b(?:number|nr|no|nummer|n[uú]mero)\.?\s*(\d+)\b", message, re.I):
        picked += [item for item in items if str(item.fields.get("number")) == found[1]] or items[
            int(found[1]) - 1 : int(found[1])
        ]
    return _unique(picked)


def _unique(items: Sequence[Item]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if not any(item is other for other in kept):
            kept.append(item)
    return kept


def _place(word: str, position: int, words: Sequence[str]) -> str:
    """ "The last" is a place; "last 3 commits" and "one second" are none."""
    place = ordinals().get(word, "")
    after = words[position + 1] if position + 1 < len(words) else ""
    if place and after.isdigit():
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
