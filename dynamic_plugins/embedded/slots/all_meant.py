"""Several of the things that were just listed or spoken of, all at once: "both", "that and the first"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import fillers, ordinals, verb_kinds
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.slots.earlier_values import Slots
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter

ROLES = ("id", "path", "ref", "number", "name", "query")
"""What one of several things may be given as."""
_COUNTED = [
    (re.compile(rf"(?<!\w){phrases('several', 'both')}(?!\w)", re.I), 2),
    (re.compile(rf"(?<!\w){phrases('several', 'three')}(?!\w)", re.I), 3),
    (re.compile(rf"(?<!\w){phrases('several', 'all')}(?!\w)", re.I), None),
]
_FAR_EAST = re.compile(r"両方|二つとも|둘 ?다|两个都?|全部|모두|すべて")
_OUT = re.compile(rf"(?<!\w){phrases('several', 'out')}(?!\w)", re.I)
_THAT = re.compile(rf"(?<!\w){phrases('several', 'that')}(?!\w)", re.I)
_CLAUSE = re.compile(
    r"[,;.!?]\s+|\s+(?:but|aber|pero|mais|ma|mas|maar|ale|men|except|außer|excepto|sauf|tranne|exceto)\s+"
)
_STATE = re.compile(r"\b(modified|changed|new file|added|deleted|untracked|renamed|staged)\b[^:;\n]*:", re.I)
_IN_A_STATE = re.compile(
    r"\b(?:modified|changed|untracked|deleted|renamed|added)\s+(?:ones?|files?|stuff|things)\b", re.I
)
_REST = re.compile(rf"(?<!\w){phrases('several', 'rest')}(?!\w)", re.I)
_FILE = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*[\w-]*\.?[\w-]+\.\w{1,6}\b|(?<![\w/.-])(?:[\w.-]+/)+(?![\w])")
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}


def all_meant(tool: Offered, message: Message, p: Parameter) -> list[Any]:
    """Return the values for *p* of all the things that *message* means, where it means several; else nothing."""
    if p.role not in ROLES:
        return []
    found = _Meaning(tool, message, p)
    return found.by_place() or found.by_count() or found.by_state() or found.by_rest() or found.by_name()


def files_in_state(tool: Offered, message: Message, p: Parameter) -> list[Any]:
    """Return the files in the state that *message* names, "the untracked one"; where it names none, what changed."""
    return _Meaning(tool, message, p).of_the_state(unsaid="modified")


def the_other(tool: Offered, message: Message, p: Parameter) -> Any:
    """Return which of two things *message* means by "the other one": not the one that it leaves alone."""
    if not any(ordinals().get(word) == "other" for word in message.words):
        return None
    left = _Meaning(tool, message, p).listed()
    return left[0] if len(left) == 1 else None


class _Meaning(Slots):
    def __init__(self, tool: Offered, message: Message, p: Parameter) -> None:
        super().__init__(tool, message)
        self.p = p
        clauses = [clause for clause in _CLAUSE.split(message.text) if clause.strip()]
        self.refused = [
            clause for at, clause in enumerate(clauses) if (at or len(clauses) == 1) and _OUT.search(clause)
        ]
        self.text = " , ".join(clause for clause in clauses if clause not in self.refused)

    # --- which are there

    def spoken_of(self) -> list[Any]:
        """Return what the calls before were about, one by one, the oldest first."""
        last = {self.p.name, self.p.name.removesuffix("s")}
        found = []
        for call in reversed(self.memory.calls):
            if self.may_hold(self.p, call) and not call.failed:
                found += [v for name, v in call.arguments.items() if name in last and isinstance(v, (str, int))]
        return list(dict.fromkeys(found))

    def listed(self) -> list[Any]:
        """Return what the last result that lists several things lists, without what the message leaves out."""
        for call in self.memory.calls[:6]:
            if call.failed or not self.may_hold(self.p, call):
                continue
            told = [(file, file) for _, file in _states(call.result)] if self.p.role == "path" else []
            if not told:
                items = self.of_the_kind(self.p, call.items)
                told = [(value, i.label) for i in items if (value := self.field_of(i, self.p, call)) is not None]
            values = {v: label for v, label in told if " " not in str(v) or self.p.role == "name"}
            if len(values) > 1:
                return [value for value, label in values.items() if not self._is_refused(label)]
        return []

    def _is_refused(self, label: str) -> bool:
        return any(_mentions(clause, label) for clause in self.refused)

    # --- which are meant

    def by_place(self) -> list[Any]:
        """ "the first and the last", "that and the second"."""
        listed = self.listed()
        words = tokens(self.text)
        places = [_PLACES[place] for word in words if (place := ordinals().get(word)) in _PLACES]
        found = [listed[place] for place in places if -len(listed) <= place < len(listed)]
        if not found and any(ordinals().get(word) == "other" for word in words):
            found = self._beside_the_last(listed)
        if found and (that := self._that_and()) is not None:
            found.insert(0, that)
        found = list(dict.fromkeys(found))
        return found if len(found) > 1 else []

    def _beside_the_last(self, listed: list[Any]) -> list[Any]:
        """Return "the other one" of the two that a reply named, or that there are."""
        last = self.spoken_of()[-1:]
        pairs = [listed, *([v for v in listed if str(v) in reply] for reply in self.memory.replies)]
        pair = next((each for each in pairs if len(each) == 2 and last and last[0] in each), [])
        return [value for value in pair if value not in last]

    def _that_and(self) -> Any:
        """Return what was spoken of last, where the message wants it and, joined to it, another."""
        if not re.search(rf"(?<!\w){phrases('items', 'and')}(?!\w)", self.text, re.I) or not _THAT.search(self.text):
            return None
        spoken = self.spoken_of()
        return spoken[-1] if spoken else None

    def by_count(self) -> list[Any]:
        """ "both", "the three", "all of them"."""
        count = next((n for pattern, n in _COUNTED if pattern.search(self.text) or _counts_so(self.text, n)), 0)
        if count == 0:
            return []
        listed, spoken = self.of_the_state() or self.listed(), self.spoken_of()
        if count is None:
            return listed if len(listed) > 1 else []
        if len(spoken) == count and self.p.role != "path":
            return spoken
        told = [value for value in listed if str(value) in self.memory.last_reply]
        beside = next((c for c in _CLAUSE.split(self.text) if any(p.search(c) for p, n in _COUNTED if n == count)), "")
        named = [value for value in listed if self.p.role == "path" and _mentions(beside, str(value))]
        for among in (named, listed, told, spoken[-count:]):
            if len(among) == count:
                return [v for v in spoken if v in among] + [v for v in among if v not in spoken]
        return listed[:count] if len(listed) > count else []

    def by_state(self) -> list[Any]:
        """ "The modified ones", "all untracked files"."""
        return self.of_the_state() if _IN_A_STATE.search(self.text) else []

    def by_rest(self) -> list[Any]:
        """ "Leave the readme, stage the rest": all that was listed but what is left out."""
        listed = self.listed() if self.refused and _REST.search(self.text) else []
        return listed if len(listed) > 1 else []

    def by_name(self) -> list[Any]:
        """ "player.gd and the wav": several that are each named by a part of their names."""
        if self.p.role != "path":
            return []
        found = [value for value in self.listed() if _mentions(self.text, str(value))]
        return found if len(found) > 1 else []

    def of_the_state(self, unsaid: str = "") -> list[Any]:
        """Return the files in the state that the message names: "both modified"."""
        if self.p.role != "path":
            return []
        for call in self.memory.calls[:8]:
            if states := _states(call.result):
                said = {stem(word) for word in tokens(self.text)}
                named = {state for state, _ in states if stem(state.split()[0]) in said} or {unsaid}
                return [f for state, f in states if state in named and not self._is_refused(f)]
        return []


def _counts_so(text: str, count: int | None) -> bool:
    return bool((found := _FAR_EAST.search(text)) and (found[0][0] in "両二둘两") == (count == 2))


def _states(result: Any) -> list[tuple[str, str]]:
    """Return the files that a status tells of, each behind its state."""
    marks = list(_STATE.finditer(result)) if isinstance(result, str) else []
    if not marks:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(result)]
    return [
        (mark[1].lower(), found.group())
        for mark, end in zip(marks, ends, strict=True)
        for found in _FILE.finditer(result[mark.end() : end])
    ]


def _mentions(text: str, value: str) -> bool:
    """Whether *text* has a word of the name that *value* is, as it is or with an ending of its own."""
    own = {stem(w) for w in tokens(re.sub(r"[._/-]", " ", value.rstrip("/").rpartition("/")[2])) if len(w) > 2}
    own -= {"txt", "json", "the"}
    said = {plain(word) for word in tokens(re.sub(r"[._/-]", " ", text))}
    said = {word for word in said if word not in fillers() and not (verb_kinds(word) and word not in own)}
    return any(word.startswith(part) and len(word) <= len(part) + 3 for part in own for word in said)
