"""The code of a JavaScript module without what is none: comments, texts, templates and regular expressions."""

from __future__ import annotations

import re

# What is no code. Every part is possessive or has an end, so it takes time by the length of the text alone. No group is
# possessive: in Python 3.11.2, which Debian 12 has, such a one may match too little. None can be taken in two ways.
_LITERAL = (
    r"//[^\n]*+"
    r"|/\*(?:[^*]++|\*(?!/))*\*/"
    r'|"(?P<double>[^"\\\n]*+(?:\\.[^"\\\n]*+)*)"'
    r"|'(?P<single>[^'\\\n]*+(?:\\.[^'\\\n]*+)*)'"
    # A slash begins a regular expression where a value may begin: behind an operator, a bracket or a keyword.
    r"|(?P<before>(?:[(,=:\[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of)\b)\s*+)"
    # Its parts are counted, since one that does not end would be looked at from each slash in it again.
    r"/(?![/*])(?:[^/\\\[\n]{1,60}+|\\.|\[(?:[^\]\\\n]|\\.){0,200}\]){1,100}/[a-z]*+"
)
_TOKEN = re.compile(_LITERAL + "|`", re.DOTALL)
_TOKEN_WITHIN = re.compile(_LITERAL + "|[`{}]", re.DOTALL)
# From a backtick, or the end of an expression in a template, to the next expression or the end.
_TEMPLATE = re.compile(r"(?:[^`\\$]++|\\.|\$(?!\{))*(?:`|(?P<expression>\$\{))", re.DOTALL)
MARK = "\x01"
"""A string is its number between two of these, which no program holds."""


class Literals:
    """Takes apart one module's *text*: :attr:`code` is what remains, with the numbers of :attr:`strings` in it."""

    def __init__(self, text: str) -> None:
        self.strings: list[str] = []
        self._text = text.replace(MARK, " ")
        self._parts: list[str] = []
        self._open: list[int] = []
        """Of each expression of a template that has begun, how many brackets are open in it."""
        self._has_templates = True
        at = 0
        while found := (_TOKEN_WITHIN if self._open else _TOKEN).search(self._text, at):
            self._parts.append(self._text[at : found.start()])
            at = self._token(found)
        self._parts.append(self._text[at:])
        self.code = re.sub(r"\s++", " ", "".join(self._parts))

    def _token(self, found: re.Match[str]) -> int:
        """Take in what was *found*, and return where to go on."""
        before = found["before"]
        first = before[0] if before is not None else found[0]
        if first == "`":
            return self._template(found.end())
        if self._open and first in "{}":
            if first == "}" and self._open[-1] == 0:
                self._open.pop()
                return self._template(found.start() + 1)
            self._open[-1] += 1 if first == "{" else -1
        if before is not None:
            self._parts.append(f"{before} 0 ")
        elif first in "{}":
            self._parts.append(first)
        else:
            self._parts.append(self._set_aside(found))
        return found.end()

    def _template(self, at: int) -> int:
        """Pass over a template to its end, or to its next expression, which is code. One without an end is none."""
        self._parts.append(" ")
        found = _TEMPLATE.match(self._text, at) if self._has_templates else None
        if found is None:
            self._has_templates = False  # nothing after this would end one either
            return at
        if found["expression"]:
            self._open.append(0)
        return found.end()

    def _set_aside(self, found: re.Match[str]) -> str:
        text = found["double"] if found["double"] is not None else found["single"]
        if text is None:
            return " "
        self.strings.append(text)
        return f"{MARK}{len(self.strings) - 1}{MARK}"
