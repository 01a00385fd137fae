"""The things that a conversation holds, and which of them is meant by a part of its name or of what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.references import Item, Memory
from dynamic_plugins.embedded.language.action_words import (
    alike,
    empty_words,
    facts_alike,
    fillers,
    ordinals,
    verb_kinds,
)
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.context.references import Used

NAMING = ("name", "title", "item", "topic", "entityName", "full_name", "subject", "label")
"""The fields that say what a thing is called."""
NEAR = 5
"""From so many letters on a word stands for one that begins with it."""
_TEXTS = ("observations", "contents", "addedObservations")
_COUNT = re.compile(r"\s*(?:\s[x×]\s?\d+|\(\d+\)|\s\d+\s?[x×])(?=\s*(?:$|[(\[]))|^\d+\s?[x×]\s+")
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")
_HEADING = re.compile(r"^[^\W\d][\w ]{0,24}:\s+")
_CODE = re.compile(r"(?<![\w.,:/-])(#?)((?=[\w-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)(?![\w%/:-]|[.,]\d)")
_ID_AND_NAME = re.compile(r"\s*([A-Za-z]{0,3}-?\d+)\s+([^\W\d][^;\n]*)\Z")
_NODE = re.compile(r"(?:(?<=\n)|(?<=;\s)|\A)([^:;()\n]{2,40}) \(([^()\d]{2,24})\):\s+")
LONGEST_LINE = 80
"""A line that tells the id of one thing has so many characters at most."""


@dataclass(frozen=True)
class Thing:
    """One thing: what it is called, its fields, the texts that it holds, and the call that spoke of it."""

    names: tuple[str, ...]
    fields: Mapping[str, Any]
    call: Used
    texts: tuple[str, ...] = ()

    @cached_property
    def item(self) -> Item:
        """The thing as results list it."""
        return Item(" ".join(self.names), self.fields)


@dataclass
class Meant:
    """What some words mean among known values: the one *value*, or none; *several* says that more than one fits."""

    value: Any = None
    several: bool = False
    words: frozenset[str] = field(default_factory=frozenset)
    """The stems of the words that say it."""


class KnownEntities:
    """The things of a conversation, those spoken of last first; what was taken away is not among them."""

    def __init__(self, memory: Memory) -> None:
        self.things: list[Thing] = []
        self._calls = [call for call in memory.calls if not call.failed]
        gone: set[str] = set()
        facts: set[tuple[str, str]] = set()
        for call in self._calls:
            if takes_away(call.tool):
                gone |= {str(value).casefold() for value in _singles(call.arguments)}
                less = [_thing(each, call) for each in _objects(call.arguments)]
                facts |= {(name, text) for thing in less for name in thing.names for text in thing.texts}
                # Whose fact it was is spoken of still.
                self.things += [replace(thing, texts=()) for thing in less if thing.texts]
                continue
            for thing in _things_of(call):
                if not gone & _idents(thing):
                    left = tuple(t for t in thing.texts if not any((name, t) in facts for name in thing.names))
                    self.things.append(replace(thing, texts=left))

    def texts_of(self, name: str) -> list[str]:
        """Return the texts that the thing called *name* holds."""
        own = [thing for thing in self.things if name in thing.names]
        return list(dict.fromkeys(text for thing in own for text in thing.texts))

    def holders_of(self, text: str) -> list[str]:
        """Return the names of the things that hold *text*."""
        held = [thing for thing in self.things if text.casefold() in (t.casefold() for t in thing.texts)]
        return list(dict.fromkeys(thing.names[0] for thing in held if thing.names))

    def named(self) -> list[str]:
        """Return the names of the things that hold texts or have relations, the last one spoken of first."""
        return list(dict.fromkeys(thing.names[0] for thing in self.things if thing.names and _is_node(thing)))

    def objects(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Return the objects with all of *keys* that are known, the last one spoken of first."""
        found: list[dict[str, Any]] = []
        gone: list[dict[str, Any]] = []
        for call in self._calls:
            for each in (o for value in (call.arguments, call.result) for o in _dicts(value) if set(keys) <= o.keys()):
                one = {key: each[key] for key in keys}
                (gone if takes_away(call.tool) else found).append(one)
        return [one for at, one in enumerate(found) if one not in found[:at] and one not in gone]


def takes_away(tool: str) -> bool:
    """Whether the name of *tool* says that it takes something away."""
    return any("delete" in verb_kinds(word) for word in tokens(tool.rpartition("__")[2]))


def meant(
    said: frozenset[str],
    things: Sequence[Thing],
    value_of: Callable[[Thing], Any],
    *,
    whole: bool = False,
    held_too: bool = True,
) -> Meant:
    """Return which value of *things* the words *said* (stems) mean: by their names, else by the texts they hold.

    With *whole* each of the words must stand in it.
    """
    groups: dict[str, tuple[Any, list[frozenset[str]], frozenset[str]]] = {}
    for thing in things:
        value = value_of(thing)
        if value is None or isinstance(value, (dict, list)):
            continue
        names = [stems_of(name) for name in thing.names]
        held = frozenset(word for text in _other_texts(thing) for word in stems_of(text))
        _, known, more = groups.get(str(value).casefold(), (value, [], frozenset[str]()))
        groups[str(value).casefold()] = (groups.get(str(value).casefold(), (value,))[0], [*known, *names], more | held)
    for where in ("names", "held") if held_too else ("names",):
        scored = []
        for value, names, held in groups.values():
            options = names if where == "names" else [held]
            scores = [_score(said, words, whole=whole) for words in options if words]
            scored.append((*max(scores, default=(0.0, False, frozenset[str]())), value))
        scored = [each for each in scored if each[0] > 0]
        if scored:
            best = max(scored, key=lambda each: (each[0], each[1]))
            top = [each for each in scored if each[:2] == best[:2]]
            return Meant(best[3], False, best[2]) if len(top) == 1 else Meant(None, True)
    return Meant()


def meant_text(said: frozenset[str], texts: Sequence[str]) -> Meant:
    """Return which of *texts* has a word, or one like it, of *said*; none where more than one has."""
    found = [(text, hit) for text in texts if (hit := _hits(said, stems_of(text)))]
    if not found:
        found = [(text, hit) for text in texts if (hit := {w for w in said if _like(w) & _like_all(text)})]
    best = max((len(hit) for _, hit in found), default=0)
    top = [each for each in found if len(each[1]) == best]
    return Meant(top[0][0], False, frozenset(top[0][1])) if len(top) == 1 else Meant(None, len(top) > 1)


def telling(text: str, ignored: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the stems of the words of *text* that may say which thing is meant."""
    words = (plain(word) for word in tokens(re.sub(r"['’](?=\s|$)", " ", re.sub(r"[._/-]", " ", text))))
    return frozenset(stem(word) for word in words if _tells(word)) - ignored


def stems_of(name: str) -> frozenset[str]:
    """Return the stems of the words of a thing's name."""
    return frozenset(stem(plain(w)) for w in tokens(re.sub(r"[._/-]", " ", name)) if w not in fillers() or w.isdigit())


def _tells(word: str) -> bool:
    if word.isdigit():
        return True
    return len(word) > 1 and word not in fillers() and word not in empty_words() and word not in ordinals()


def _score(said: frozenset[str], words: frozenset[str], *, whole: bool) -> tuple[float, bool, frozenset[str]]:
    """Return how much of a name is said (a verb, which may be the order's, counts half) and whether all of it is."""
    hits = _hits(said, words)
    if whole and len(hits) < len(said):
        return 0.0, False, frozenset()
    weight = sum(0.5 if verb_kinds(word) and not whole else 1.0 for word in hits)
    return weight, len(hits) >= len(words), frozenset(hits)


def _hits(said: frozenset[str], words: frozenset[str]) -> set[str]:
    near = {word for word in said - words if len(word) >= NEAR and any(other.startswith(word) for other in words)}
    return near | (said & words)


def _like(word: str) -> frozenset[str]:
    return alike(word) | facts_alike(word)


def _like_all(text: str) -> set[str]:
    return {other for word in stems_of(text) for other in _like(word)}


# --- what a call spoke of


def _things_of(call: Used) -> Iterator[Thing]:
    own = _own(call)
    if own is not None:
        yield own
    for value in (call.result, call.arguments):
        for each in _objects(value):
            if "children" not in each:
                yield _thing(each, call)
    if any("children" in each for each in _dicts(call.result)):
        yield from (Thing((item.label,), item.fields, call) for item in call.items if "path" in item.fields)
    if isinstance(call.result, str) or (isinstance(call.result, list) and not any(_objects(call.result))):
        if isinstance(call.result, str):
            yield from _nodes_of(call.result, call)
        items = call.items
        for item in items:
            name = _bare(str(item.fields.get("name") or item.label), listed=len(items) > 1)
            label = _bare(item.label, listed=len(items) > 1)
            names = tuple(dict.fromkeys(each for each in (name, label) if each))
            yield Thing(names, {**item.fields, "name": name}, call)


def _own(call: Used) -> Thing | None:
    """Return the one thing that a call was about: what it was given, with what the result says of it."""
    given = {key: value for key, value in call.arguments.items() if isinstance(value, (str, int))}
    result = call.result
    if isinstance(result, list) and len(result) == 1 and isinstance(result[0], dict):
        result = result[0]
    fields = {**given, **(dict(result) if isinstance(result, dict) else {})}
    if (
        isinstance(result, str)
        and not {"id", "number"} & fields.keys()
        and (told := _told_id(call.tool, given, result))
    ):
        fields |= told
    if not given or not any(key in fields for key in (*NAMING, "id", "number")):
        return None
    return _thing(fields, call)


def _told_id(tool: str, given: Mapping[str, Any], result: str) -> dict[str, Any]:
    """Return the id that a line says of what was made, or of the one thing found: "note 12 created", "14 Hive 3"."""
    if len(result) > LONGEST_LINE or "\n" in result.strip():
        return {}
    if found := _ID_AND_NAME.match(result):
        return {"id": found[1], "name": found[2]}
    if not any("create" in verb_kinds(word) for word in tokens(tool.rpartition("__")[2])):
        return {}
    known = " ".join(str(value) for value in given.values())
    codes = {m[2]: m[1] for m in _CODE.finditer(result) if m[2] not in known}
    if len(codes) != 1:
        return {}
    ((code, mark),) = codes.items()
    return {"id": code, **({"number": int(code)} if mark and code.isdigit() else {})}


def _nodes_of(text: str, call: Used) -> Iterator[Thing]:
    """Give the things of lines such as "Shona (person): chief engineer; from Oban"."""
    marks = list(_NODE.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    for mark, end in zip(marks, ends, strict=True):
        facts = re.split(r";\s+|(?<=['\"]),\s+", text[mark.end() : end].strip(" ;\n"))
        texts = tuple(fact.strip().strip("'\"") for fact in facts if fact.strip())
        yield Thing((mark[1].strip(),), {"name": mark[1].strip(), "entityType": mark[2]}, call, texts)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Give the objects in *value* that have a name, an id or a number."""
    for each in _dicts(value):
        if any(isinstance(each.get(key), (str, int)) for key in (*NAMING, "id", "number")):
            yield each


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from _dicts(each)
    elif isinstance(value, dict):
        yield value
        # What lies in a folder is called by its path: references.items_in has it.
        for each in () if "children" in value else value.values():
            yield from _dicts(each)


def _thing(fields: Mapping[str, Any], call: Used) -> Thing:
    names = [str(fields[key]) for key in NAMING if isinstance(fields.get(key), str) and fields[key]]
    numbers = [f"#{fields[key]}" for key in ("number", "id") if isinstance(fields.get(key), (str, int))]
    texts = [text for key in _TEXTS for text in fields.get(key) or () if isinstance(text, str)]
    return Thing(tuple(names or numbers), fields, call, tuple(texts))


def _bare(name: str, *, listed: bool) -> str:
    """Return a name of a list without how many there are, what stands in brackets behind it, and a heading before."""
    name = _COUNT.sub("", _ASIDE.sub("", name) or name).strip()
    return _HEADING.sub("", name) if listed and _HEADING.sub("", name) else name


def _other_texts(thing: Thing) -> Iterator[str]:
    yield from thing.texts
    for key, value in thing.fields.items():
        if isinstance(value, str) and key not in NAMING and not re.search(r"(?:^|_)id$|path|url|owner|repo", key):
            yield value


def _is_node(thing: Thing) -> bool:
    return bool(thing.texts) or "entityType" in thing.fields or "entityName" in thing.fields


def _singles(arguments: Mapping[str, Any]) -> Iterator[Any]:
    """Give what a call took away: its texts and numbers, but not what is taken away of something."""
    for value in arguments.values():
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            yield value
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def _idents(thing: Thing) -> set[str]:
    idents = (thing.fields.get(key) for key in ("id", "path", *NAMING))
    return {str(each).casefold() for each in idents if isinstance(each, (str, int))}
