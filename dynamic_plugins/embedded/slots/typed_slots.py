"""Arguments that are written in a form of their own: choices, flags, numbers, addresses, code, repositories."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from dynamic_plugins.embedded.context.running_sums import goes_on
from dynamic_plugins.embedded.language.action_words import concepts, fillers
from dynamic_plugins.embedded.language.free_text import called, labelled, whole_text
from dynamic_plugins.embedded.slots.earlier_values import Slots
from dynamic_plugins.embedded.slots.number_slots import assigned
from dynamic_plugins.embedded.slots.sql_from_words import statement
from dynamic_plugins.embedded.values.time_values import bare_hours, nearest_half, since
from dynamic_plugins.embedded.values.word_sums import word_sum
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.values.parameters import Parameter
    from dynamic_plugins.embedded.values.typed_values import Value


class TypedSlots(Slots):
    """Fills what has a type; one method for each role of a parameter."""

    # --- numbers, choices, flags

    def _numbers(self) -> None:
        wanted = [p for p in self.parameters if p.role == "number"]
        held = any(p.role == "text" for p in self.parameters) and whole_text(self.message.text)
        until = held[1][0] if held else len(self.message.text)
        for parameter, value in assigned(wanted, self.message.values, until):
            self.give(parameter.name, value.value, *([self._with_limit(value)] if value.end > value.start else []))
        for p in wanted:
            if p.required and p.name not in self.filled.arguments and p.words[-1] in ("number", "index", "id", "no"):
                self._by_reference(p)

    def _with_limit(self, value: Value) -> Span:
        """Return where a number stands, with the words that make it a limit: "not more than 5"."""
        before = _AT_MOST.search(self.message.text[: value.start])
        return (before.start() if before else value.start, value.end)

    def _typed(self, p: Parameter) -> None:
        method: Callable[[Parameter], None] | None = getattr(self, f"_{p.role}", None)
        if p.name not in self.filled.arguments and method is not None:
            method(p)

    def _choice(self, p: Parameter) -> None:
        own = set(tokens(self.tool.name))
        scored = [
            (self._fits(choice), choice)
            for choice in p.choices
            if len(p.choices) == 1 or str(choice).lower() not in own
        ]
        best = max((score for score, _ in scored), default=0.0)
        top = [choice for score, choice in scored if score == best]
        if (
            best >= (1.0 if p.required or "default" not in p.schema else 1.5)
            and len(top) == 1
            and top[0] != p.schema.get("default")
        ):
            self.give(p.name, top[0])

    def _fits(self, choice: Any) -> float:
        every = tokens(str(choice))
        # The "in" of "inHg" is no reason to choose it.
        words = [word for word in every if word not in fillers()] or every
        score = 0.0
        for word in words:
            if word in self.message.words:
                score += 2
            elif stem(word) in self.message.stems:
                score += 1.6
            elif (about := concepts(word)) and about & self.message.concepts:
                score += 1.5
        return score / len(words) if words else 0.0

    def _flag(self, p: Parameter) -> None:
        telling = [
            w for w in p.words if w not in ("include", "is", "return", "only", "use", "with", "auto", "full", "allow")
        ] or list(p.words)
        named = all(stem(w) in self.message.stems or concepts(w) & self.message.concepts for w in p.words)
        if (
            named
            or (
                telling
                and p.required is False
                and any(len(w) > 3 and w in self.message.words for w in telling)
                and len(telling) == 1
            )
            or self._told(p)
        ):
            denied = re.search(
                rf"\b(?:no|not|without|don'?t|kein\w*|ohne|sin|sans|non)\s+(?:\w+\s+)?{re.escape(telling[-1])}",
                self.message.text,
                re.I,
            )
            if (value := denied is None) != p.schema.get("default"):
                self.give(p.name, value)

    def _told(self, p: Parameter) -> bool:
        """Whether two words that stand together in the message do so in the description as well: "ids only"."""
        said = list(pairwise(self.message.words))
        described = tokens(p.description)
        pairs = set(pairwise(described))
        return any(
            pair in pairs
            for pair in said
            if not set(pair) <= fillers() and not (pair[0] in fillers() and pair[0] != "only")
        )

    # --- what is written in a form of its own

    def _first(self, p: Parameter, *kinds: Any) -> bool:
        for value in self.message.values.of(*kinds):
            if (value.start, value.end) not in self.filled.used:
                self.give(p.name, value.value, (value.start, value.end))
                return True
        return False

    def _url(self, p: Parameter) -> None:
        last = self.memory.argument(p.name)
        if self._first(p, "url") or not (isinstance(last, str) and last.startswith("http")):
            return
        # "no, council.html please": a page beside the last one
        if page := next((v for v in self.message.values.of("file") if _PAGE.search(str(v.value))), None):
            self.give(p.name, urljoin(last, str(page.value)), (page.start, page.end))

    def _email(self, p: Parameter) -> None:
        self._first(p, "email")

    def clocks(self) -> list[Value]:
        """Return the times of day of the message; for a tool that takes times "at 3" and "a las 15" are some."""
        return self.message.values.of("time") or list(bare_hours(self.message.text))

    def _time(self, p: Parameter) -> None:
        last = self.memory.argument(p.name) if self.memory.last and self.memory.last.turn < 3 else None
        for value in self.clocks():
            if (value.start, value.end) not in self.filled.used:
                self.give(p.name, nearest_half(value, last), (value.start, value.end))
                return

    def _date(self, p: Parameter) -> None:
        days = self.message.values.of("date")
        ends = re.search(r"to$|_to\b|end|until|before|max", p.name, re.I)
        free = [d for d in days if (d.start, d.end) not in self.filled.used]
        if ends and len(days) < 2 and not re.search(r"\b(?:until|till|before|bis|hasta)\b", self.message.text, re.I):
            return
        if free:
            self.give(p.name, free[0].value, (free[0].start, free[0].end))
        elif not ends and _BEGINS.search(p.name) and (first := since(self.message.text)):
            self.give(p.name, first.value, (first.start, first.end))

    def _expression(self, p: Parameter) -> None:
        found = sorted(self.message.values.of("expression"), key=lambda v: -len(str(v.value)))
        if found:
            self.give(p.name, found[0].value, (found[0].start, found[0].end))
        else:
            self._continued_expression(p)

    def _continued_expression(self, p: Parameter) -> None:
        """ "And that times 3.5": the last result stands for "that"."""
        last = next((c for c in self.memory.calls if p.name in c.arguments), None)
        if last is not None and (found := goes_on(self.message.text, last, p.name, self.memory.said)):
            self.give(p.name, *found)
        elif told := word_sum(self.message.text):
            self.give(p.name, told.value, (told.start, told.end), how="guessed")

    def _sql(self, p: Parameter) -> None:
        if not self._first(p, "sql") and (meant := statement(self.message, self.tool, p)):
            self.give(p.name, meant.code, *meant.spans)

    def _glob(self, p: Parameter) -> None:
        if not self._first(p, "glob"):
            found = _EXTENSION.search(self.message.text) or next(
                (m for m in _FILES_OF.finditer(self.message.text) if plain(m[1]) not in fillers()), None
            )
            if found and p.required:
                # Some servers look in a folder alone for "*.csv", and below it only for "**/*.csv".
                deep = "**/" if "**/" in p.description else ""
                self.give(p.name, f"{deep}*.{found[1].lower()}", found.span())

    def _revision(self, p: Parameter) -> None:
        if not self._first(p, "hash") and p.required:
            self._by_reference(p)
        elif (found := labelled(self.message.text, "branch", (), long=False)) and " " not in found[0]:
            self.give(p.name, found[0], found[1])
        if (
            p.name not in self.filled.arguments
            and (on := re.search(r"\b(?:on|auf|en|of)\s+(main|master|develop|dev|[\w-]+/[\w-]+)\b", self.message.text))
            and "sha" in p.name
        ):
            self.give(p.name, on[1], on.span(1))

    # --- repositories

    def _owner(self, p: Parameter) -> None:
        if (value := self._repository()) is not None:
            self.give(p.name, str(value.value).split("/")[0], (value.start, value.end))
        elif self.message.points and p.required:
            self._by_reference(p)

    def _repository(self) -> Value | None:
        """Return owner/name; "vercel/next.js" could be a file as well."""
        named, text = self.message.values.of("repo"), self.message.text
        if any(p.role == "branch" or p.name in ("head", "base") for p in self.parameters):
            held = called(text)
            named = [
                v for v in named if not _BEHIND_BRANCH.search(text[: v.start]) and not (held and held[1][0] == v.start)
            ]
            if not named and self.message.values.of("repo"):
                return None
        return next(
            iter(named or [v for v in self.message.values.of("path") if re.fullmatch(r"[\w-]+/[\w.-]+", str(v.value))]),
            None,
        )

    def _repo(self, p: Parameter) -> None:
        if (value := self._repository()) is not None:
            whole = str(value.value)
            self.give(p.name, whole.split("/")[1] if "owner" in self.names else whole, (value.start, value.end))
            return
        if self.message.points and p.required and "owner" in self.names and self._by_reference(p):
            return
        bare = re.search(
            r"\b(?:repo|repository|repositorio|dépôt)\s+(?!in\b|on\b|from\b|of\b|with\b|for\b|and\b|to\b|called\b)([\w.-]*[\w])",
            self.message.text,
            re.I,
        )
        if bare and "owner" in self.names and self.memory.argument("owner") and bare[1].lower() not in fillers():
            self.give(p.name, bare[1], bare.span(1))


_BEGINS = re.compile(r"from|since|start|begin|after|min", re.I)
"""What a parameter for the first of several days is called."""
_PAGE = re.compile(r"\.(?:html?|php|md|txt|xml|json|rss|csv|pdf)$", re.I)
_EXTENSION = re.compile(r"(?<!\w)\.(\w{2,5})\b(?:\s+files?)?")
_FILES_OF = re.compile(r"\b(\w{2,4})[ -](?:files|dateien|archivos|fichiers)\b")
_AT_MOST = re.compile(
    r"\b(?:(?:but |and )?(?:not|no) more than|at most|up to|maxim(?:um|al)(?: of)?|max|höchstens|nicht mehr als"
    r"|no más de|como máximo|pas plus de|au plus|não mais (?:de|que)|no máximo)\s*\Z",
    re.I,
)
_BEHIND_BRANCH = re.compile(r"\b(?:branch|head|base|zweig|rama|branche)(?:\s+(?:is|named|called|to|=))?[\s:=]*\Z", re.I)
"""What stands behind such a word is a branch, though it looks like owner/repository."""
