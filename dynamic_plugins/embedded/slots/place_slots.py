"""Arguments that are places: cities, time zones, paths of files and folders."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.bare_places import bare_place, is_city
from dynamic_plugins.embedded.context.references import chosen
from dynamic_plugins.embedded.context.zone_pairs import sides
from dynamic_plugins.embedded.language.action_words import concepts, fillers
from dynamic_plugins.embedded.language.free_text import called, whole_text
from dynamic_plugins.embedded.slots.typed_slots import TypedSlots
from dynamic_plugins.text.cities import cities_in
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.parameters import Parameter
    from dynamic_plugins.embedded.values.typed_values import Value


class PlaceSlots(TypedSlots):
    """Fills cities, zones and paths."""

    # --- places and zones

    def _city(self, p: Parameter) -> None:
        if not p.required and p is not self._likeliest_city():
            return
        if place := self._named_place():
            self.give(p.name, place[0], place[1])
        elif self.memory.argument(p.name) and (bare := bare_place(self.message)):
            self.give(p.name, bare[1], bare.span(1), how="said" if is_city(bare[1]) else "guessed")
        elif (
            p.required
            and not self.message.points
            and self.memory.place() is None
            and not self.memory.argument(p.name)
            and (rest := self.left_over())
            and len(rest[0].split()) < 4
        ):
            self.give(p.name, rest[0], rest[1], how="guessed")

    def _likeliest_city(self) -> Parameter:
        """Return which of several parameters for a place takes one: what people call it, not what was stored."""
        cities = [q for q in self.parameters if q.role == "city"]
        return max(cities, key=lambda q: (q.required, not _STORED.search(q.description), bool({*q.words} & _PLACES)))

    def _named_place(self) -> tuple[str, Span] | None:
        text = self.message.text
        if how := _HOW_IT_IS.search(text):
            name = how.lastgroup or 0
            return how[name], how.span(name)
        if places := self.message.values.of("place"):
            value = places[-1]
            return str(value.value), (value.start, value.end)
        for pattern in _PLACED:
            found = [
                m
                for m in pattern.finditer(text)
                if plain(m[1].split()[0]) not in fillers() and not concepts(plain(m[1]))
            ]
            if found:
                return found[-1][1], found[-1].span(1)
        if cities := cities_in(text):
            return cities[-1]
        return self._place_spoken_of()

    def _place_spoken_of(self) -> tuple[str, Span] | None:
        """Return a name in the message that was said as a place before it, or that our last question asked about."""
        before = [*self.memory.said[:PLACES_FROM], *self.memory.replies[:PLACES_FROM]]
        known = {plain(m[1]) for told in before for m in _PLACED[0].finditer(told)}
        asked = plain(self.memory.last_reply) if "?" in self.memory.last_reply else ""
        for named in _NAME.finditer(self.message.text):
            name = plain(named[0])
            if name not in fillers() and (name in known or re.search(rf"\b{re.escape(name)}\s*\?", asked)):
                return named[0], named.span()
        return None

    def _zone(self, p: Parameter) -> None:
        zones = [q for q in self.parameters if q.role == "zone"]
        places = self.message.values.of("place")
        if len(zones) == 1:
            if places:
                value = next((v for v in places if (v.start, v.end) not in self.filled.used), places[0])
                self.give(p.name, value.unit, (value.start, value.end))
            return
        for name, zone, span in sides(zones, self.message, self.memory, self.clocks()):
            if name == p.name:
                self.give(name, zone, *([span] if span else []), how="said" if span else "carried")
                if zone is None:
                    self.untold.add(name)

    # --- paths

    def _path(self, p: Parameter) -> None:
        values = [v for v in self.message.values.of("path", "file") if (v.start, v.end) not in self.filled.used]
        if any(q.role == "text" for q in self.parameters) and (told := whole_text(self.message.text)):
            values = [v for v in values if not told[1][0] <= v.start < told[1][1]]
        if p.name == "destination" and "source" in self.names:
            self._destination(p, values)
        elif p.name == "source" and len(values) == 1 and self._is_new_place(values[0]):
            self._moved(p)
        elif p.words[0] in ("repo", "repository", "project", "root"):
            if rooted := [v for v in values if re.match(r"[/~]|[A-Z]:", str(v.value))]:
                self.give(p.name, rooted[0].value, (rooted[0].start, rooted[0].end))
        elif values:
            value = values[0]
            self.give(p.name, self.located(str(value.value), p), (value.start, value.end))
        elif not self._new_name(p):
            self._by_reference(p)

    def _is_new_place(self, value: Value) -> bool:
        """Whether the one path of a message is where something goes: "to …", "rename it …"."""
        ahead = self.message.text[: value.start]
        return bool(_GOES_TO.search(ahead) or _RENAMES_IT.search(ahead))

    def _moved(self, p: Parameter) -> None:
        """What goes to the one path that was said is the thing that was spoken of last."""
        if self._by_reference(p):
            return
        last = next((v for c in self.memory.calls for n in _PATHS if isinstance(v := c.arguments.get(n), str)), None)
        if last is not None and re.search(r"\.\w{1,5}$", last):
            self.give(p.name, last, how="carried")

    def _new_name(self, p: Parameter) -> bool:
        """ "A new folder in there, name is visa"."""
        name = called(self.message.text)
        base = self._folder()
        if name is None or base is None or " " in name[0] or p.name == "source":
            return False
        self.give(p.name, posixpath.join(base, name[0]), name[1])
        return True

    def located(self, written: str, p: Parameter) -> str:
        """Return a file's path, in the folder that was spoken of last where only its name was said."""
        rooted = {"owner", "repo"} & set(self.names) or any(n.startswith("repo") for n in self.names)
        if (
            written.startswith(("/", "~", "."))
            or re.match(r"[A-Za-z]:", written)
            or rooted
            or re.search(r"^file_?name$", p.name, re.I)
        ):
            return written
        for call in self.memory.calls[:4]:
            for item in call.items:
                path = str(item.fields.get("path") or "")
                if path.startswith("/") and path.endswith("/" + written):
                    return path
        last = str(self.memory.argument(p.name) or "")
        if last.endswith("/" + written):
            return last
        base = self._folder()
        return posixpath.join(base, written) if base else written

    def _folder(self) -> str | None:
        for call in self.memory.calls:
            for value in call.arguments.values():
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, str) and re.match(r"[/~]|[A-Z]:\\", one) and "\n" not in one:
                        return posixpath.dirname(one) if re.search(r"\.\w{1,5}$", one) else one
        return None

    def _destination(self, p: Parameter, values: Sequence[Value]) -> None:
        source = self.filled.arguments.get("source")
        if source is None:
            return
        name = posixpath.basename(str(source))
        if values:
            to = self.located(str(values[0].value), p)
            if not re.search(r"\.\w{1,5}$", to):
                to = posixpath.join(to, name)
            elif "/" not in str(values[0].value):
                to = posixpath.join(posixpath.dirname(str(source)), str(values[0].value))
            if to != source:  # nothing is moved to where it is
                self.give(p.name, to, (values[0].start, values[0].end))
        elif (new := called(self.message.text)) is not None:
            self.give(p.name, posixpath.join(posixpath.dirname(str(source)), new[0]), new[1])
        elif self.message.points or re.search(r"\b(?:folder|ordner|carpeta|dossier)\b", self.message.text, re.I):
            folders = [
                i
                for c in self.memory.calls[:4]
                for i in chosen(self.message.text, [i for i in c.items if i.fields.get("kind") == "dir"])
            ]
            last = self.memory.argument("path")
            if folders:
                self.give(
                    p.name,
                    posixpath.join(posixpath.dirname(str(source)), str(folders[0].fields["name"]), name),
                    how="carried",
                )
            elif isinstance(last, str) and not re.search(r"\.\w{1,5}$", last):
                self.give(p.name, posixpath.join(last, name), how="carried")


_STORED = re.compile(r"\b(?:saved|stored|bookmarked|favou?rite|identifier|id of)\b", re.I)
_PLACES = frozenset({"city", "place", "town"})
_GOES_TO = re.compile(
    r"\b(?:to|into|as|called|named|be|nach|in|zu|a|à|en|vers|dans|como|con el nombre|para|su|naar)[\s\"'`“„«:]*\Z", re.I
)
_RENAMES_IT = re.compile(
    r"\b(?:rename|renombra|renomme|umbenennen)\s+(?:it|that|this|es|das|lo|la|le"
    r"|(?:the|la|el|le|das|die|den)\s+[\w-]+(?:\s+(?:one|file|datei))?)\s*\Z",
    re.I,
)
_PATHS = ("destination", "path", "source")
_PLACE_NAME = r"[^\W\d_][\w'’-]{2,}(?:\s+(?-i:[A-ZÀ-Þ])[\w'’-]+)*"
_HOW_IT_IS = re.compile(
    rf"\bwhat(?:['’]?s| is|['’]?ll| will)\s+(?:(?:it|be|in|over in)\s+)*(?!(?:it|the|that|this|there|today|he|she)\b)"
    rf"(?P<like>{_PLACE_NAME})\s+(?:be\s+)?like\b"
    r"|\bhow(?:['’]?s| is)\s+(?!(?:it|the|that|this|there|your|my|our|his|her|things|everything|weather|work)\b)"
    rf"(?P<now>{_PLACE_NAME})\s+(?:rn|right now|now|today|tonight|tomorrow|looking|this)\b",
    re.I,
)
"""How somebody asks of a place alone: "what's Funchal like?", "hows coolangatta rn"."""
PLACES_FROM = 2
"""In so many messages and replies before it a place may have been said that a message only names."""
_NAME = re.compile(r"(?<!\w)[A-ZÀ-ÖØ-Þ][\w'’-]{2,}(?:\s+[A-ZÀ-ÖØ-Þ][\w'’-]+)*")
_PLACED = [
    re.compile(
        r"\b(?:in|for|at|to|near|around|nach|bei|über|à|en|pour|over in|"
        r"down in)\s+((?:[A-ZÀ-ÖØ-Þ][\w'’-]+)(?:\s+(?:[A-ZÀ-ÖØ-Þ][\w'’-]+|del|de|la|of|am|upon))*)"
    ),
    re.compile(r"\b(?:in|for|at|near|around|in|bei|à|en|over in)\s+([a-zà-þ][\w'’-]{3,})\b"),
    re.compile(r"(?<=\w[ ,])([A-ZÀ-ÖØ-Þ][\w'’-]{2,})"),
]
