"""Arguments that name something existing, set to what the conversation knows it as: its exact name, id or text."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.known_entities import (
    KnownEntities,
    Meant,
    Thing,
    meant,
    meant_text,
    stems_of,
    takes_away,
    telling,
)
from dynamic_plugins.embedded.language.action_words import concepts, fillers, ordinals, verb_kinds
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.full_names import with_full_names as with_full_names
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.slots.earlier_values import Slots
    from dynamic_plugins.embedded.values.parameters import Parameter

_NEW = re.compile(r"new|dest|target|title|to_?path|^to$", re.I)
_FACTS = ("observations", "contents")
_LEANS = re.compile(
    r"\b(?:there|it|that|her|him|his|them|he|she|instead|dort|ihr|ihm|dazu|ella|lui|elle|dela|dele)\b", re.I
)


def settle(filling: Slots) -> None:
    """Set the arguments that name something existing to what the conversation knows it as.

    What two things fit alike is not taken: where a tool takes something away, it is then missing.
    """
    if not filling.memory.calls:
        return
    _Settling(filling).run()


class _Settling:
    def __init__(self, filling: Slots) -> None:
        self.filling, self.tool, self.filled = filling, filling.tool, filling.filled
        self.message = filling.message
        self.known: KnownEntities = filling.message.things
        self.kinds = card(self.tool).kinds
        self.deletes = takes_away(self.tool.name)
        words = tokens(self.tool.name.rpartition("__")[2])
        self.ignored = frozenset(stem(word) for word in words) | {"name", "id", "note"}
        about = {concept for word in words for concept in concepts(word)} - {"message", "type"}
        self.ignored |= {stem(w) for w in self.message.words if concepts(w) & about}

    def run(self) -> None:
        for p in self.filling.parameters:
            if p.role == "list" and p.items.fields:
                self._objects(p)
            elif p.role == "list" and self._is_existing(p.items):
                self._list(p)
            elif p.role == "path":
                continue
            elif self._is_existing(p):
                self._single(p)
        if not self.kinds & {"create", "run"}:
            self._paths()

    # --- which parameter names something existing

    def _is_existing(self, p: Parameter) -> bool:
        if p.name.startswith(("repo", "owner")):
            return False
        if p.role in ("id", "revision"):
            return True
        if p.role == "number":
            return p.words[-1] in ("number", "nr", "no")
        return p.role == "name" and p.required and not self.kinds & {"create", "run"} and not _NEW.search(p.name)

    # --- one value

    def _single(self, p: Parameter) -> None:
        value = self.filled.arguments.get(p.name)
        things = self._holding(p)
        if not things:
            return
        said = p.name in self.filled.said or p.name in self.filled.guessed
        if said and isinstance(value, str):
            if exact := next((v for t in things if str(v := self._value(t, p)).casefold() == value.casefold()), None):
                self._put(p.name, exact)
                return
            words = telling(value, self.ignored)
            found = meant(words, things, lambda thing: self._value(thing, p), whole=True, held_too=False)
            if found.value is None and not found.several and p.role == "name":
                found = self._by_message(p, things)
        elif said:
            return
        else:
            found = self._by_message(p, things)
        if found.value is not None and self.deletes and self._is_another(found.value):
            self._drop(p.name)
        elif found.value is not None:
            self._put(p.name, found.value, found)
        elif found.several and self.deletes and said:
            self._drop(p.name)
        elif p.required and p.name not in self.filled.arguments and not found.several:
            self._last_made(p, things)

    def _is_another(self, value: Any) -> bool:
        """Whether the message says another number than the one that *value* has: bed 7 is not "bed-4"."""
        said, held = (re.findall(r"\d+", text) for text in (self.message.text, str(value)))
        return bool(said and held) and not set(said) & set(held)

    def _last_made(self, p: Parameter, things: Sequence[Thing]) -> None:
        """Give *p* the one thing that the call before was about, where the message leans on something."""
        newest = [thing for thing in things if thing.call.turn == things[0].call.turn]
        values = {str(value): value for thing in newest if (value := self._value(thing, p)) is not None}
        if len(values) != 1 or p.role == "name" or things[0].call.turn > 2:
            return
        ((_, value),) = values.items()
        if (self.message.points or _LEANS.search(self.message.text)) and not self.filling.deletes_another(p, value):
            self._put(p.name, value)

    def _by_message(self, p: Parameter, things: Sequence[Thing]) -> Meant:
        if any(word in ordinals() for word in tokens(self.message.text)):
            return Meant()
        held_too = p.role in ("id", "number")
        return meant(self._said(), things, lambda thing: self._value(thing, p), held_too=held_too)

    def _said(self) -> frozenset[str]:
        """Return the telling words of the message, without those of a text that is quoted or stands behind a colon."""
        text = self.message.text
        for value in reversed(self.message.values.of("quoted", "url", "path")):
            text = f"{text[: value.start]} {text[value.end :]}"
        if any(p.role == "text" for p in self.filling.parameters):
            text = re.split(r"(?<=\w):\s", text)[0]
        return telling(text, self.ignored)

    def _holding(self, p: Parameter) -> list[Thing]:
        things = (thing for thing in self.known.things if self.filling.may_hold(p, thing.call))
        return [thing for thing in things if self._value(thing, p) is not None and not self._is_part(thing, p)]

    def _is_part(self, thing: Thing, p: Parameter) -> bool:
        """Whether a thing was listed of one that *p* names, and is of another sort: a section of a paper."""
        whole = thing.call.arguments.get(p.name)
        return p.role != "path" and whole is not None and whole != self._value(thing, p)

    def _value(self, thing: Thing, p: Parameter) -> Any:
        return self.filling.field_of(thing.item, p, thing.call)

    def _put(self, name: str, value: Any, found: Meant | None = None) -> None:
        if self.filled.arguments.get(name) != value and name not in (*self.filled.said, *self.filled.guessed):
            self.filled.carried.add(name)
        self.filled.arguments[name] = value
        if found is not None and found.words:
            self.filled.things.add(name)
            spans = self._spans(found.words)
            self.filled.used.extend(spans)
            self._behind(spans, name)

    def _drop(self, name: str) -> None:
        self.filled.arguments.pop(name, None)
        for how in (self.filled.said, self.filled.guessed, self.filled.carried):
            how.discard(name)

    def _spans(self, words: frozenset[str]) -> list[Span]:
        found = re.finditer(r"[^\W_]+", self.message.text)
        return [
            m.span()
            for m in found
            if any(w in words or any(o.startswith(w) for o in words) for w in telling(m.group()))
        ]

    # --- the text behind the words that name a thing

    def _behind(self, spans: Sequence[Span], name: str) -> None:
        """Take the words that name a thing off the text beside it: "on that beans note owe Derek a tray"."""
        texts = [p for p in self.filling.parameters if p.role == "text" and p.required and p.name != name]
        if len(texts) != 1 or not spans:
            return
        text, value = self.message.text, self.filled.arguments.get(texts[0].name)
        end = max(end for _, end in spans)
        if self.message.values.of("quoted") or re.search(r"\w:\s", text[: end + 12]) or not isinstance(value, str):
            return
        rest = text[end:]
        noun = re.match(r"\s+(\w+)\b", rest)
        if noun is None or not (concepts(plain(noun[1])) & self._about() or plain(noun[1]) in ("one", "page")):
            return  # "actually due Friday, append that": the words are the text's own
        end += noun.end()
        start = text.find(value)
        first = next((m for m in re.finditer(r"[^\W_]+", text[start:end]) if not self._is_small(m.group())), None)
        leads = start < end and (first is None or any(s <= start + first.start() < e for s, e in spans))
        if (leads or start >= end) and (behind := text[end:].strip(" ,.;:-")) and len(behind.split()) > 1:
            kept = re.sub(r"^(?:that|and|to say|dass|que|saying)\s+", "", behind)
            if start < end or kept.startswith(value):
                self.filled.arguments[texts[0].name] = kept

    def _about(self) -> frozenset[str]:
        return frozenset(c for w in tokens(self.tool.name.rpartition("__")[2]) for c in concepts(w))

    @staticmethod
    def _is_small(raw: str) -> bool:
        word = plain(raw)
        return word in fillers() or bool(verb_kinds(word)) or word in ("end", "bottom", "onto", "ende", "final", "fin")

    # --- lists of names

    def _list(self, p: Parameter) -> None:
        values, one = self.filled.arguments.get(p.name), p.items
        things = self._holding(one)
        if not things or p.name in self.filled.carried or not isinstance(values, list):
            return
        found = [self._of_list(str(value), one, things) for value in values]
        proper = any(str(value)[:1].isupper() for value in values) and not self.deletes
        if not any(each.value for each in found) and not proper:
            found = [self._by_message(one, things)] if self._by_message(one, things).value is not None else found
            values = values[: len(found)]
        kept = [value if each.value is None else each.value for value, each in zip(values, found, strict=True)]
        self.filled.arguments[p.name] = list(dict.fromkeys(kept))

    def _of_list(self, value: str, one: Parameter, things: Sequence[Thing]) -> Meant:
        known = {str(v).casefold(): v for thing in things if (v := self._value(thing, one)) is not None}
        if value.casefold() in known:
            return Meant(known[value.casefold()])
        return meant(telling(value, self.ignored), things, lambda t: self._value(t, one), whole=True, held_too=False)

    # --- what is known of things: objects of a name and texts, and of two names

    def _objects(self, p: Parameter) -> None:
        name = next((f.name for f in p.items.fields if f.role == "name" and "name" in f.name.lower()), None)
        held = next((f.name for f in p.items.fields if f.role == "list"), None)
        value = self.filled.arguments.get(p.name)
        if name is None or held is None:
            if self.deletes and value is None:
                self._whole_object(p)
            return
        if name == "name" or not self.known.named() or (isinstance(value, list) and len(value) > 1):
            return
        one = dict(value[0]) if isinstance(value, list) and value and isinstance(value[0], dict) else {}
        about = self._about_whom(str(one.get(name) or ""), [str(text) for text in one.get(held) or ()])
        if not self.deletes:
            if one and about:
                self.filled.arguments[p.name] = [{**one, name: about}]
            return
        if fact := self._fact(about, [str(text) for text in one.get(held) or ()]):
            self.filled.arguments[p.name] = [{name: fact[0], held: [fact[1]]}]
            self.filled.guessed.add(p.name)
        elif value is not None and (
            not self._quoted() or self.known.texts_of(about or "") or about not in self.known.named()
        ):
            self._drop(p.name)

    def _about_whom(self, given: str, texts: Sequence[str]) -> str | None:
        """Return the name of whom the message is about: who is named, else the last one spoken of."""
        named = self.known.named()
        if exact := next((each for each in named if each.casefold() == given.casefold()), None):
            return exact
        nodes = [thing for thing in self.known.things if thing.names and thing.names[0] in named]
        for said, whole in ((telling(given, self.ignored), True), (self._said(), False)):
            found = meant(said, nodes, lambda thing: thing.names[0], whole=whole, held_too=False)
            if found.value is not None:
                return str(found.value)
            if found.several:
                return None
        inside = not given or any(given in text for text in (*texts, *self._quoted()))
        return str(named[0]) if inside and (self.deletes or _LEANS.search(self.message.text)) else given or None

    def _quoted(self) -> list[str]:
        return [str(value.value) for value in self.message.values.of("quoted")]

    def _fact(self, about: str | None, given: Sequence[str]) -> tuple[str, str] | None:
        """Return whose fact is meant, and the fact as it is known; None where none or more than one may be."""
        for text in (*self._quoted(), *given):
            holders = self.known.holders_of(text)
            if len(holders) == 1 or about in holders:
                name = about if about in holders else holders[0]
                return str(name), next(t for t in self.known.texts_of(str(name)) if t.casefold() == text.casefold())
        if about not in self.known.named() and not self._quoted():
            every = list(dict.fromkeys(text for thing in self.known.things for text in thing.texts))
            found = meant_text(self._said(), every)
            holders = self.known.holders_of(str(found.value)) if found.value is not None else []
            return (holders[0], str(found.value)) if len(holders) == 1 else None
        texts = self.known.texts_of(about) if about else []
        if about is None or self._quoted() or not texts:
            return None
        found = meant_text(self._said() - stems_of(about), texts)
        if found.value is None and not found.several and len(texts) == 1 and self.message.points:
            return about, texts[0]
        return (about, str(found.value)) if found.value is not None else None

    def _whole_object(self, p: Parameter) -> None:
        """Give *p* the one object of its form that is known, or the one of them that the message has words of."""
        keys = [f.name for f in p.items.fields if f.required]
        known = self.known.objects(keys) if keys else []
        texts = [" ".join(str(each[key]) for key in keys) for each in known]
        found = meant_text(self._said(), texts)
        at = texts.index(found.value) if found.value in texts else 0 if len(known) == 1 and self.message.points else -1
        if at >= 0:
            self.filled.arguments[p.name] = [known[at]]
            self.filled.carried.add(p.name)

    # --- paths

    def _paths(self) -> None:
        paths = [p for p in self.filling.parameters if p.role == "path"]
        olds = [p for p in paths if not _NEW.search(p.name) and not p.name.startswith("repo")]
        if len(olds) != 1 or (len(paths) > 1 and len(paths) != 2):
            return
        self._old_path(olds[0])
        if len(paths) == 2:
            self._new_path(olds[0], next(p for p in paths if p is not olds[0]))

    def _old_path(self, p: Parameter) -> None:
        """Set a path that an earlier turn gave to the one whose name the message has words of."""
        things = [t for t in self._holding(p) if "/" in str(t.fields.get("path", "")) or " " not in t.names[0]]
        if p.name in self.filled.said or p.name in self.filled.guessed or not things:
            return
        if p.name in self.filled.arguments and self.message.values.of("file") and p.name not in self.filled.carried:
            return
        files = [(thing, posixpath.basename(str(self._value(thing, p)))) for thing in things]
        fitting = self.filling.of_the_kind(p, [thing.item for thing in things])
        files = [(thing, name) for thing, name in files if any(thing.item is item for item in fitting)]
        bare = [Thing((name,), thing.fields, thing.call) for thing, name in files]
        found = self._by_message(p, bare)
        within = str(self.filled.arguments.get(p.name) or "").startswith(f"{found.value}/")
        if found.value is not None and not within:
            self._put(p.name, found.value, found)

    def _new_path(self, old: Parameter, new: Parameter) -> None:
        """Set where a file goes: a new name in its folder, or a known folder under its old name."""
        source, target = (str(self.filled.arguments.get(p.name) or "") for p in (old, new))
        names = [str(v.value) for v in self.message.values.of("file", "path") if "/" not in str(v.value)]
        known = [str(self._value(thing, old)) for thing in self._holding(old)]
        last = self._last_path()
        if len(names) == 1 and last and not any(path.endswith(f"/{names[0]}") for path in known):
            if source in ("", target) or posixpath.basename(source) == names[0]:
                self.filled.arguments[old.name] = last
                self.filled.arguments[new.name] = posixpath.join(posixpath.dirname(last), names[0])
                self.filled.carried.add(old.name)
        elif source and target in ("", source) and not self.message.values.of("path"):
            folders = [t for t in self._holding(old) if "dir" in (t.fields.get("kind"), t.fields.get("type"))]
            found = meant(self._said(), folders, lambda thing: self._value(thing, old), held_too=False)
            if found.value is not None:
                self.filled.arguments[new.name] = posixpath.join(str(found.value), posixpath.basename(source))
                self.filled.carried.add(new.name)

    def _last_path(self) -> str | None:
        """Return the file that was spoken of last."""
        for call in self.message.memory.calls:
            values = [v for v in call.arguments.values() if isinstance(v, str)]
            files = [v for v in values if re.fullmatch(r"[/~][^\n]*/[^/\n]+\.\w{1,5}", v)]
            if files:
                return files[-1]
        return None
