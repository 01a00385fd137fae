"""Arguments from what was spoken of before: things that results list, values of the calls before."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.message import Filled, Message
from dynamic_plugins.embedded.context.references import Item, chosen
from dynamic_plugins.embedded.language.action_words import concepts, fillers, ordinals, verb_kinds
from dynamic_plugins.embedded.language.free_text import names_again
from dynamic_plugins.embedded.slots.remaining_text import left_over
from dynamic_plugins.embedded.values.extractors import extract
from dynamic_plugins.embedded.values.parameters import Parameter, parameters_of
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.language.free_text import Span


class Slots:
    """A tool whose parameters are being filled, and what is earlier results' and earlier calls' to give."""

    def __init__(self, tool: Offered, message: Message) -> None:
        self.tool, self.message, self.memory = tool, message, message.memory
        self.parameters = parameters_of(tool.parameters)
        self.names = [p.name for p in self.parameters]
        self.filled = Filled()
        self.untold: set[str] = set()
        """Parameters of which the message says what nobody has told yet: "here" of who has not said where they are."""

    def give(self, name: str, value: Any, *spans: Span, how: str = "said") -> None:
        """Keep an argument, and which part of the message it is."""
        if value is None or value == "" or value == []:
            return
        self.filled.arguments[name] = value
        getattr(self.filled, how).add(name)
        self.filled.used.extend(spans)

    def left_over(self) -> tuple[str, Span] | None:
        """Return what the message says beyond the order."""
        words = [*tokens(self.tool.name), *tokens(self.tool.description.split(".")[0][:120])]
        stems = frozenset(stem(word) for word in words if word not in fillers())
        about = frozenset(concept for word in words for concept in concepts(word))
        return left_over(self.message.text, self.filled.used, stems, about)

    # --- things that earlier results hold

    def _id(self, p: Parameter) -> None:
        tail = p.words[-2] if len(p.words) > 1 else ""
        text = self.message.text
        if p.shape is not None and (found := p.shape.search(text)):
            self.give(p.name, found.group(), found.span())
        elif uuid := self.message.values.of("id"):
            self.give(p.name, uuid[0].value, (uuid[0].start, uuid[0].end))
        elif (hexes := self.message.values.of("hash")) and not any(q.role == "revision" for q in self.parameters):
            self.give(p.name, hexes[0].value, (hexes[0].start, hexes[0].end))
        elif hyphened := next((m for m in _HYPHENED.finditer(text) if not self._is_used(m.span())), None):
            self.give(p.name, hyphened.group(), hyphened.span())
        elif found := re.search(
            rf"\b(?:{re.escape(tail) or 'note'}|note|notiz|nota|id|number|nr)\.?\s+(?:id\s+)?#?([A-Za-z]*\d+)\b",
            text,
            re.I,
        ):
            if not (found[1].isdigit() and self._numbered(int(found[1]), p)):
                self.give(p.name, found[1], found.span(1))
        elif (
            (coded := re.search(r"(?<![\w.])([A-Za-z]{1,3}\d{1,4})(?![\w])", text))
            and self._newer(p)
            and _like(coded[1], self.memory.argument(p.name))
        ):
            self.give(p.name, coded[1], coded.span(1))
        elif self._newer(p):
            self._by_reference(p)

    def _is_used(self, span: Span) -> bool:
        return any(start < span[1] and span[0] < end for start, end in self.filled.used)

    def _numbered(self, place: int, p: Parameter) -> bool:
        """Give *p* the id of the thing at *place* of the last list, where no id there is that number itself."""
        for call in self.memory.calls[:3]:
            ids = [self.field_of(item, p, call) for item in call.items] if self.may_hold(p, call) else []
            if 1 < len(ids) >= place > 0 and str(place) not in map(str, ids) and ids[place - 1] is not None:
                self.give(p.name, ids[place - 1], how="carried")
                return True
        return False

    def _newer(self, p: Parameter) -> bool:
        """Whether a code that was typed is more likely *p* than another id, which was given before."""
        others = [
            q
            for q in self.parameters
            if q.role == "id" and q is not p and q.required and q.name not in self.filled.arguments
        ]
        return not others or self.memory.argument(p.name) is None

    def _ref(self, p: Parameter) -> None:
        if coded := re.search(r"(?<![\w.])(e\d+|[#.][a-z][\w-]+|\[[\w-]+=[^\]]+\])", self.message.text):
            self.give(p.name, coded[1], coded.span(1))
        elif p.required:
            self._by_reference(p)

    def _by_reference(self, p: Parameter, *, all_of_them: bool = False) -> list[Any]:
        """Give *p* what the message picks from an earlier result; return all that it picks."""
        for call in self.memory.calls[:6]:
            items = self.of_the_kind(p, call.items)
            if call.failed or (len(items) < 2 and not self.message.points) or not self.may_hold(p, call):
                continue
            ignored = frozenset(stem(w) for w in tokens(self.tool.name)) | {"name", "id"}
            text = self._object_of_the_verb() if p.role == "ref" else self._sentence_of(p)
            picked = [v for i in chosen(text, items, ignored) if (v := self.field_of(i, p, call)) is not None]
            if not picked and "other" in (ordinals().get(w) for w in self.message.words):
                spoken_of = [v for c in self.memory.calls[:3] for v in c.arguments.values()]
                picked = [v for i in items if (v := self.field_of(i, p, call)) is not None and v not in spoken_of]
                picked = picked if len(picked) == 1 else []
            if picked:
                if not all_of_them:
                    self.give(p.name, picked[0], how="carried")
                return picked
        return []

    def of_the_kind(self, p: Parameter, items: Sequence[Item]) -> Sequence[Item]:
        """Return the files of *items* for a tool for files, the folders for one for folders; else all."""
        words = {stem(word) for word in tokens(self.tool.name.rpartition("__")[2])}
        if p.role != "path" or bool(words & _FILE) == bool(words & _FOLDER):
            return items
        folders = [i for i in items if {str(i.fields.get("kind")), str(i.fields.get("type"))} & _IS_FOLDER]
        if words & _FOLDER:
            return folders or [i for i in items if not re.search(r"\.\w{1,5}$", str(i.fields.get("name")))]
        return [i for i in items if i not in folders] if folders else items

    def may_hold(self, p: Parameter, call: Any) -> bool:
        """Ids and numbers are one plugin's own."""
        same = call.tool.rpartition("__")[0] == self.tool.name.rpartition("__")[0]
        return same or p.role not in ("id", "number", "ref", "revision", "name", "query", "branch")

    def _object_of_the_verb(self) -> str:
        verbs = [w for w in tokens(self.tool.name) if verb_kinds(w)]
        found = [m for m in re.finditer(r"\w+", self.message.text) if plain(m.group()) in verbs]
        return self.message.text[found[-1].end() :] if found else self.message.text

    def _sentence_of(self, p: Parameter) -> str:
        """Return the sentence that says where something goes, for what goes there; else the whole message.

        "Keep both. Rename v4 to v4_broken.show" renames no other.
        """
        text = self.message.text
        place = next((v for v in self.message.values.of("path", "file")), None) if p.name == "source" else None
        if place is None:
            return text
        begin = max((m.end() for m in _SENTENCE_ENDS.finditer(text, 0, place.start)), default=0)
        end = _SENTENCE_ENDS.search(text, place.end)
        return text[begin : place.start] + (text[place.end : end.start()] if end else text[place.end :])

    def field_of(self, item: Item, p: Parameter, call: Any) -> Any:
        """Return what of *item* is a value for *p*."""
        fields = item.fields
        tails = [p.name, p.words[-1], *(("number", "id") if p.role == "number" else ())]
        if p.role == "path":
            path = fields.get("path") or fields.get("name")
            return self.in_folder(str(path), call) if path else None
        tails += {
            "ref": ["ref"],
            "id": ["id", "topic"],
            "revision": ["sha", "hash", "revision"],
            "owner": [],
            "repo": [],
        }.get(p.role, ["name", "title", "topic", "item"])
        if p.role in ("owner", "repo") and "/" in str(fields.get("full_name", "")):
            return str(fields["full_name"]).split("/")[p.role == "repo"]
        for tail in tails:
            if (value := fields.get(tail)) is not None and not isinstance(value, (dict, list)):
                return value
        return None

    def in_folder(self, name: str, call: Any) -> str | None:
        if (
            name.startswith(("/", "~"))
            or {"owner", "repo"} & set(self.names)
            or any(n.startswith("repo") for n in self.names)
        ):
            return name
        base = next((v for v in call.arguments.values() if isinstance(v, str) and v.startswith(("/", "~"))), None)
        return posixpath.join(base, name) if base and " " not in name else None

    # --- what earlier calls were given

    def _carry(self) -> None:
        for p in self.parameters:
            if (
                not p.required
                and p.role in ("name", "branch", "city")
                and p.name not in self.filled.said
                and names_again(self.message.text, p.name)
            ):
                self.give(p.name, self.memory.argument(p.name), how="carried")
            open_ = p.required and p.name not in self.filled.arguments and p.name not in self.untold
            value = self._carried(p) if open_ else None
            if value is not None and not (p.role == "zone" and value in self._zones()):
                self.give(p.name, value, how="carried")

    def _zones(self) -> list[Any]:
        """Return the zones that are given: no time is converted from one to the same."""
        return [self.filled.arguments.get(p.name) for p in self.parameters if p.role == "zone"]

    def _carried(self, p: Parameter) -> Any:
        value = self._from_calls(p)
        if value is not None and self.deletes_another(p, value):
            return None
        if value is None and p.role == "path":
            return self._from_what_was_said(p)
        return self._as_folder(value) if p.role == "path" and isinstance(value, str) else value

    def _as_folder(self, path: str) -> str:
        """Return the folder of the file *path*, for a tool that is about folders: "what else is in there"."""
        words = {stem(word) for word in tokens(self.tool.name.rpartition("__")[2])}
        is_file = re.search(r"\.\w{1,5}$", path) and "/" in path
        return posixpath.dirname(path) if is_file and words & _FOLDER and not words & _FILE else path

    def deletes_another(self, p: Parameter, value: Any) -> bool:
        """Whether a tool that deletes would take what was spoken of before, and the message names something else."""
        if p.role not in ("id", "name", "path", "ref") or not any(
            "delete" in verb_kinds(w) for w in tokens(self.tool.name)
        ):
            return False
        if any(number not in str(value) for number in re.findall(r"\d+", self.message.text)):
            return True
        about = [item for call in self.memory.calls[:6] for item in call.items if value in item.fields.values()]
        known = {stem(w) for text in (str(value), *(item.label for item in about)) for w in tokens(text)}
        known |= {stem(word) for text in (self.tool.name, self.tool.description) for word in tokens(text)}
        left = [w for w in self.message.words if w not in fillers() and not verb_kinds(w) and w not in ordinals()]
        return not self.message.points and any(stem(word) not in known and not word.isdigit() for word in left)

    def _from_what_was_said(self, p: Parameter) -> Any:
        """Return the folder that an earlier message named: "my repository is /srv/app"."""
        if p.words[0] not in ("repo", "repository", "project", "root", "path", "directory", "folder"):
            return None
        for said in self.memory.said:
            for found in extract(said).of("path"):
                if re.match(r"[/~]|[A-Z]:", str(found.value)):
                    return found.value
        return None

    def _from_calls(self, p: Parameter) -> Any:
        if p.role in ("text", "expression", "sql", "flag", "list", "object", "time", "glob"):
            return None
        if p.role in ("city", "zone"):
            if same := self.memory.argument(p.name):
                spoken = self.memory.place()
                return same if spoken is None or p.role == "city" else spoken[1]
            place = self.memory.place()
            return place[p.role == "zone"] if place else None
        for call in self.memory.calls:
            if p.name in call.arguments and not (call.failed and p.role == "id"):
                return call.arguments[p.name]
            if not self.may_hold(p, call):
                continue
            items = call.items
            if (
                (
                    len(items) == 1
                    and not call.failed
                    and p.role in ("id", "number", "revision", "ref", "owner", "repo", "name", "branch", "query")
                )
                and (value := self.field_of(items[0], p, call)) is not None
                and (p.role != "number" or "number" in items[0].fields)
            ):
                return value
            if (value := _related(p, call.arguments)) is not None:
                return value
        return None


_FILE = frozenset({stem("file"), stem("files")})
_FOLDER = frozenset({stem("folder"), stem("directory"), stem("directories"), "tree"})
_SENTENCE_ENDS = re.compile(r"[.!?;]\s+|\n")
_IS_FOLDER = frozenset({"dir", "directory", "folder", "tree"})
_HYPHENED = re.compile(
    r"(?<![\w./@-])(?!\d{1,4}-\d{1,2}(?:-\d{1,4})?(?![\w-]))(?=[\w-]*\d)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+(?![\w/@-]|\.\w)"
    r""
)
"""Names such as services give to their things: "aki-204", "7f3a-11"."""


def _like(code: str, old: Any) -> bool:
    """Whether *code* could be of the same sort as an earlier value."""
    return not isinstance(old, str) or (("." in old) == ("." in code) and len(old) < len(code) + 9)


def _related(p: Parameter, arguments: Any) -> Any:
    """Return the argument under another name of the same sort: repo_path for path, page_id for block_id."""
    for name, value in arguments.items():
        words = tokens(name)
        if not isinstance(value, (str, int)) or not words:
            continue
        if p.role == "id" and words[-1] in ("id", "ids") and len(words) > 1 and p.words[-1] == "id":
            return value
        if (
            p.words[0] in ("repo", "repository")
            and p.role == "path"
            and isinstance(value, str)
            and re.match(r"[/~]", value)
        ):
            return value if not re.search(r"\.\w{1,5}$", value) else None
        if (
            p.role == "path"
            and words[-1] in ("path", "destination")
            and not name.startswith("repo")
            and not p.name.startswith("repo")
        ):
            return value
        if (
            p.name.startswith("table")
            and isinstance(value, str)
            and (table := re.search(r"\b(?:from|into|update|table)\s+([A-Za-z_]\w*)", value, re.I))
        ):
            return table[1]
    return None
