"""A tool's arguments from a message and the conversation before it: nothing that nobody said and no result holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.context.message import Filled
from dynamic_plugins.embedded.context.table_names import table_called, table_of_columns
from dynamic_plugins.embedded.language.action_words import fillers, ordinals, verb_kinds
from dynamic_plugins.embedded.language.free_text import called, labelled, unquoted, whole_text
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.currency_slots import CurrencySlots
from dynamic_plugins.embedded.slots.entity_mentions import settle, with_full_names
from dynamic_plugins.embedded.slots.nested_values import filled_list, filled_object
from dynamic_plugins.embedded.slots.span_slots import correct
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter


_TEXTUAL = ("text", "query", "name", "branch")


def fill(tool: Offered, message: Message) -> Filled:
    """Return what *message* and the conversation before it give of *tool*'s parameters."""
    filling = _Filling(tool, message)
    filling.run()
    correct(tool, filling.parameters, message, filling.filled)
    settle(filling)
    _drop_indefinite(filling.filled)
    _drop_where_it_is(filling.filled)
    filling.note_missing()
    return filling.filled


def _drop_indefinite(filled: Filled) -> None:
    """Take out the texts that name nothing: "something" is put on no list."""
    for name, value in list(filled.arguments.items()):
        if isinstance(value, str) and name not in filled.carried and _INDEFINITE.fullmatch(value.strip()):
            del filled.arguments[name]
            filled.said.discard(name)
            filled.guessed.discard(name)


def _drop_where_it_is(filled: Filled) -> None:
    """Take out a destination that is the source: nothing is moved to where it is."""
    given = filled.arguments
    if "source" in given and given["source"] == given.get("destination"):
        del given["destination"]
        for how in (filled.said, filled.guessed, filled.carried):
            how.discard("destination")


_INDEFINITE = re.compile(phrases("values", "indefinite"), re.I)


def other_ways(tool: Offered, message: Message, best: Filled) -> list[Filled]:
    """Return what else *tool*'s parameters may be given than *best*: other words, and what the rules alone take."""
    found, told = list[Filled](), [best.arguments]
    for with_model in (True, False):
        filling = _Filling(tool, message)
        filling.run()
        if with_model and not correct(tool, filling.parameters, message, filling.filled, likeliest=False):
            continue
        settle(filling)
        _drop_where_it_is(filling.filled)
        filling.note_missing()
        if filling.filled.arguments not in told:
            told.append(filling.filled.arguments)
            found.append(filling.filled)
    return found


def fill_by_rules(tool: Offered, message: Message) -> Filled:
    """Return the same without the model of spans."""
    return _Filling(tool, message).run()


class _Filling(CurrencySlots):
    """Fills lists, objects and texts after what has a type, then what is still missing from before."""

    def run(self) -> Filled:
        self._numbers()
        typed = [p for p in self.parameters if p.role not in (*_TEXTUAL, "list", "object", "number")]
        for parameter in sorted(typed, key=lambda p: not p.required):
            self._typed(parameter)
        for parameter in self.parameters:
            if parameter.role in ("list", "object"):
                self._nested(parameter)
        self._texts()
        self._carry()
        with_full_names(self)
        # Some servers require what they have a default for; for all else here such a parameter is not required.
        required = self.tool.parameters.get("required") or ()
        for p in self.parameters:
            if p.name in required and p.name not in self.filled.arguments and p.schema.get("default") is not None:
                self.filled.arguments[p.name] = p.schema["default"]
        self.note_missing()
        return self.filled

    def note_missing(self) -> None:
        """Write down what is required and not there."""
        self.filled.missing = tuple(
            p.name for p in self.parameters if p.required and p.name not in self.filled.arguments
        )

    # --- lists and objects, texts

    def _nested(self, p: Parameter) -> None:
        value, spans = filled_list(self, p) if p.role == "list" else filled_object(self, p)
        if value:
            self.give(p.name, value, *spans)

    def _table_name(self, wanted: Sequence[Parameter]) -> None:
        """A table is what the message calls one, or one that is known and named in it."""
        for p in (q for q in wanted if q.words[0] == "table" and q.name not in self.filled.arguments):
            text = self.message.text
            if (name := table_called(text)) and (at := text.find(name)) >= 0:
                self.give(p.name, name, (at, at + len(name)))
            elif found := table_of_columns(text):
                self.give(p.name, *found)

    def _texts(self) -> None:
        text = self.message.text
        wanted = [p for p in self.parameters if p.role in _TEXTUAL and p.name not in self.filled.arguments]
        long = [p for p in wanted if p.role == "text"]
        others = [p.name for p in self.parameters]
        self._quoted_in_order(wanted)
        self._table_name(wanted)
        for p in (q for q in wanted if q.name in _NEW_NAMES and self._makes()):
            if found := called(text):
                self.give(p.name, *found)  # "a branch for it off main, call it fix/pin"
        for p in (q for q in wanted if q.name not in self.filled.arguments):
            told = p.role == "text" and (len(long) > 1 or re.search(rf"\b(?:{p.name}|{_CONTENT})\s*:", text, re.I))
            told = told or (p.role == "text" and "title" in self.names and _TITLE_THEN_CONTENT.search(text))
            labels = p.name in ("title", "head", "base", "aisle") or p.role == "branch" or told
            if labels and (found := labelled(text, p.name, others, long=p.role == "text")):
                if p.role != "branch":
                    self.give(p.name, *found)
                elif code := _code(found[0]):
                    self.give(p.name, code, found[1])
        self._below_a_title(long)
        for p in wanted:
            if (
                (
                    p.name not in self.filled.arguments
                    and p.role in ("name", "branch")
                    and (p.required or p.name in ("title", "name"))
                )
                and (found := called(text))
                and not any(s <= found[1][0] < e for s, e in self.filled.used)
            ):
                self.give(p.name, found[0], found[1])
        for p in (q for q in wanted if q.role == "branch"):
            self._branch_name(p)
        for p in sorted(wanted, key=lambda q: (q.role != "text", not q.required)):
            if (
                p.name not in self.filled.arguments
                and (p.required or not self._has_required_text())
                and p.role != "branch"
            ):
                self._text_of(p)
        for p in wanted:
            optional = p.name not in self.filled.arguments and not p.required and p.role in ("name", "text")
            found = labelled(text, p.name, others, long=p.role == "text") if optional else None
            if found and not any(s <= found[1][0] < e for s, e in self.filled.used):
                self.give(p.name, found[0], found[1])

    def _below_a_title(self, long: list[Parameter]) -> None:
        """Give the text of a message of several lines what stands below the line with the title."""
        open_ = [p for p in long if p.name not in self.filled.arguments and p.name in _BODIES]
        if "title" not in self.filled.said or len(open_) != 1:
            return
        line = self.message.text.find("\n", max(end for _, end in self.filled.used))
        if line >= 0 and (below := self.message.text[line:].strip()):
            self.give(open_[0].name, below, (line, len(self.message.text)))

    def _behind_the_name(self) -> tuple[str, tuple[int, int]] | None:
        """Return what stands behind the name of an action of one word and one text: "echo check check one two"."""
        name = tokens(self.tool.name.rpartition("__")[2])
        if len(name) != 1 or len(self.parameters) != 1:
            return None
        if (found := re.match(rf"\W*(?:\w+\W+)?{name[0]}\W+(\S.*)\Z", self.message.text, re.I | re.S)) is None:
            return None
        if whole_text(self.message.text) or self.message.values.of("quoted"):
            return None
        return found[1].strip(), found.span(1)

    def _searched_for(self) -> tuple[str, tuple[int, int]] | None:
        """Return what stands behind "for" or "about" in a message that orders a search, up to the next comma."""
        text = self.message.text
        if (found := _SEARCHED.search(text)) is None:
            return None
        start, end = found.span(1)
        end = min([end, *(s for s, _ in self.filled.used if start < s < end)])
        value = text[start:end].strip(" ,.;:!?")
        return (value, (start, start + len(value))) if value and plain(value) not in fillers() else None

    def _branch_name(self, p: Parameter) -> None:
        """Give *p* what is written as branches are: "go to flaky-fix", "new one feature/deposit", "back to main"."""
        if p.required and p.name not in self.filled.arguments:
            free = (m for m in _BRANCH.finditer(self.message.text) if not self._is_used(m.span()))
            if found := next(free, None):
                self.give(p.name, found.group(), found.span())

    def _quoted_in_order(self, wanted: list[Parameter]) -> None:
        """A title and a content that are both quoted stand in the order of the parameters."""
        needed = [p for p in wanted if p.required and p.role in ("text", "name")]
        free = [v for v in self.message.values.of("quoted") if not any(s <= v.start < e for s, e in self.filled.used)]
        if len(needed) > 1 and len(needed) == len(free) and len({p.name for p in needed} & {"from", "to"}) == 0:
            for p, value in zip(needed, free, strict=True):
                self.give(p.name, value.value, (value.start, value.end))

    def _makes(self) -> bool:
        """Whether the tool makes what it is given the name of."""
        return any("create" in verb_kinds(word) for word in tokens(self.tool.name))

    def _has_required_text(self) -> bool:
        return any(p.required and p.role in ("text", "query", "name") for p in self.parameters) or any(
            p.required and p.role in ("url", "path", "id", "list", "sql", "number", "ref") for p in self.parameters
        )

    def _text_of(self, p: Parameter) -> None:
        text = self.message.text
        if p.role == "text" and (behind := self._behind_the_name()):
            self.give(p.name, behind[0], behind[1])
            return
        quoted = [v for v in self.message.values.of("quoted") if not any(s <= v.start < e for s, e in self.filled.used)]
        if (
            p.role == "text"
            and (found := whole_text(text))
            and not any(s <= found[1][0] < e for s, e in self.filled.used)
        ):
            self.give(p.name, found[0], found[1])
        elif quoted:
            self.give(p.name, quoted[0].value, (quoted[0].start, quoted[0].end))
        elif p.role == "text" and (mails := self.message.values.of("email")):
            self.give(p.name, mails[0].value, (mails[0].start, mails[0].end))
        elif p.role == "text" and (found := labelled(text, p.name, self.names, long=True)):
            self.give(p.name, found[0], found[1])
        elif p.required or p.role in ("query", "text"):
            self._rest(p)
        elif (
            p.role == "name"
            and (
                one := re.search(
                    r"\b(?:only|just|solo|nur|for|from|under|para|pour|für)\s+(?:the\s+)?([^\W\d_]{3,})\b", text
                )
            )
            and plain(one[1]) not in fillers()
        ):
            self.give(p.name, one[1], one.span(1), how="guessed")

    def _rest(self, p: Parameter) -> None:
        if (
            self.message.points
            and (p.role == "name" or any(w in ordinals() for w in self.message.words))
            and p.role != "text"
            and self._by_reference(p)
        ):
            return
        pronoun = {"it", "them", "lo", "la", "es", "das", "quitalo", "ihn", "le", "that"} & set(self.message.words)
        deletes = any("delete" in verb_kinds(w) or "read" in verb_kinds(w) for w in tokens(self.tool.name))
        if pronoun and deletes and p.role == "name" and (value := self.memory.argument(p.name)):
            thing = self.left_over()
            spoken = re.search(rf"\b(?:{'|'.join(pronoun)})\b", plain(self.message.text))
            if thing is None or (spoken and spoken.start() < thing[1][0]):
                self.give(p.name, value, how="carried")
                return
        if p.role == "text" and (into := _INTO.search(self.message.text)):
            self.give(p.name, into[1].strip(), into.span(1), how="guessed")
            return
        if (
            (found := whole_text(self.message.text))
            and p.role in ("query", "name")
            and not any(s <= found[1][0] < e for s, e in self.filled.used)
        ):
            self.give(p.name, found[0].rstrip("."), found[1], how="guessed")
        elif p.role == "query" and (wanted := self._searched_for()):
            self.give(p.name, wanted[0], wanted[1], how="guessed")
        elif found := self.left_over():
            value = unquoted(found[0])
            if (named := re.match(r"[^A-ZÄÖÜ]+\s(?=[A-ZÄÖÜ][a-zäöü])", value)) and p.role in ("query", "name"):
                value = value[named.end() :]
            if p.role == "query" and (topic := re.search(r"\b(?:about|on|regarding|über|sobre|sur)\s+(\S.*)$", value)):
                value = topic[1]
            self.give(p.name, value, found[1], how="guessed")


_SEARCHED = re.compile(
    r"\b(?:search|look|hunt|google|such\w*|busca\w*|cherche\w*|cerca\w*|procura\w*|szukaj)\b[^.!?\n]*?"
    r"\b(?:for|about|on|nach|über|sobre|sur|su)\s+([^,.;:!?\n]+)",
    re.I,
)
_BRANCH = re.compile(
    r"(?<![\w/.:@~-])[A-Za-z]\w*(?:[/.-]\w+)*[/-][\w.-]*\w(?![\w/])|\b(?:main|master|develop|trunk|staging)\b"
)
_BODIES = frozenset({"content", "body", "description"})
_NEW_NAMES = frozenset({"branch", "branch_name"})
_CONTENT = "content|text|texto|texte|inhalt|body|contenido|contenu|contenuto|conteúdo|treść"
_TITLE_THEN_CONTENT = re.compile(
    rf"\b(?:title|titel|t[ií]tulo|titre|titolo|tytuł)\b.*[,;.]\s*"
    rf"(?:and |und |y |et |e |i |de |the |als )*(?:{_CONTENT})\b",
    re.I | re.S,
)
_INTO = re.compile(
    r"\b(?:to|in|into|onto|zu|an|a|à)\s+(?:that|this|the|my|it|dieser|der|esa|la|cette)(?:\s+note| one|"
    r"\s+notiz|\s+nota|\s+page|\s+issue|\s+list)?\s+(?:that\s+)?([^:]{8,})$",
    re.I,
)


def _code(text: str) -> str:
    """Return the first word of *text* that is no "on" or "for"; empty without one."""
    return next((word.rstrip(",.;") for word in text.split() if plain(word) not in fillers()), "")
