"""What a JavaScript module imports and exports, read from its text: nothing of it is run.

Comments, template literals and regular expressions are taken out first, and the texts of strings set aside, so that a
statement within a string is none. What remains is searched for the few forms that modules and bundlers write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dynamic_plugins.install.javascript_literals import MARK, Literals

_WORD = r"[A-Za-z_$][\w$]*"
_STRING = rf"{MARK}(\d+){MARK}"
_IMPORT = re.compile(
    rf"(?<![\w$.])import\b ?(?P<clause>(?:{_WORD} ?,? ?)?(?:\{{[^{{}}]*\}}|\* ?as {_WORD})?) ?(?:\bfrom\b)? ?{_STRING}"
)
_EXPORT_FROM = re.compile(rf"(?<![\w$.])export\s*(?P<what>\*(?:\s*as\s+{_WORD})?|\{{[^{{}}]*\}})\s*from\s*{_STRING}")
_CALL = re.compile(rf"(?<![\w$.])(?:import|require\w*)\s*\(\s*{_STRING}\s*\)")
_ASSIGNED = re.compile(
    rf"(?<![\w$.])(?P<to>{_WORD}|\{{[^{{}}]*\}})\s*=\s*(?:await\s+)?(?:{_WORD}\s*\(\s*)?"
    rf"(?:import|require\w*)\s*\(\s*{_STRING}\s*\)"
)
_EXPORTED = re.compile(
    rf"(?<![\w$.])export\s+(?:default\b|(?:async\s+)?function\s*\*?\s*({_WORD})|class\s+({_WORD})"
    rf"|(?:const|let|var)\s+({_WORD}))"
)
_MEMBER = re.compile(rf"(?<![\w$.])({_WORD})\.({_WORD})")
_EXPORT_LIST = re.compile(r"(?<![\w$.])export\s*\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Imports:
    """What a module takes of another. Without a *required* name it does not even load; *used* ones it reads later."""

    required: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()

    def __or__(self, other: Imports) -> Imports:
        return Imports(self.required | other.required, self.used | other.used)


class JavaScript:
    """The names in one module's *text*."""

    def __init__(self, text: str) -> None:
        literals = Literals(text)
        self._code, self._strings = literals.code, literals.strings

    @property
    def code(self) -> str:
        """The text without comments, literals and needless space; a string is its number between two ``\\x01``."""
        return self._code

    def string(self, number: str) -> str:
        """Return the text of the string that stands in :attr:`code` as *number*."""
        return self._strings[int(number)]

    def has_string(self, text: str) -> bool:
        """Return whether one of the strings in it is *text*."""
        return text in self._strings

    def imports(self) -> dict[str, Imports]:
        """Return what is taken from other modules, by the names that these have here."""
        found: dict[str, Imports] = {}
        held: dict[str, set[str]] = {}

        def add(number: str, required: frozenset[str] = frozenset(), used: frozenset[str] = frozenset()) -> None:
            name = self.string(number)
            found[name] = found.get(name, Imports()) | Imports(required, used)

        for each in _IMPORT.finditer(self._code):
            add(each[2], _required(each["clause"]))
            if whole := re.search(rf"\* ?as ({_WORD})", each["clause"]):
                held.setdefault(whole[1], set()).add(each[2])
        for each in _EXPORT_FROM.finditer(self._code):
            add(each[2], _first_names(each["what"]) if each["what"].startswith("{") else frozenset())
        for each in _CALL.finditer(self._code):
            add(each[1])
        for each in _ASSIGNED.finditer(self._code):
            if each["to"].startswith("{"):
                add(each[2], used=_first_names(each["to"]))
            else:
                held.setdefault(each["to"], set()).add(each[2])
        for holder, member in _MEMBER.findall(self._code) if held else ():
            for number in held.get(holder, ()):
                add(number, used=frozenset((member,)))
        return found

    def passed_on(self) -> list[str]:
        """Return the modules of which all is exported here again."""
        return [self.string(each[2]) for each in _EXPORT_FROM.finditer(self._code) if each["what"] == "*"]

    def exports(self) -> frozenset[str]:
        """Return the names that are exported here, without those of ``export * from``."""
        names: set[str] = set()
        for each in _EXPORT_LIST.finditer(self._code):
            names |= _last_names(each[1])
        for each in _EXPORTED.finditer(self._code):
            names.add(next((name for name in each.groups() if name), "default"))
        for each in _EXPORT_FROM.finditer(self._code):
            if found := re.fullmatch(rf"\*\s*as\s+({_WORD})", each["what"]):
                names.add(found[1])
        return frozenset(names)


def _parts(braces: str) -> list[list[str]]:
    """Return the words of each part of ``{A, B as C, D: E}``."""
    parts = (re.findall(rf"{_WORD}", part.partition("=")[0]) for part in braces.strip("{} \n\t").split(","))
    return [[word for word in words if word != "as"] or words for words in parts if words]


def _required(clause: str) -> frozenset[str]:
    """Return what the part of an import before its ``from`` takes by name."""
    braces = re.search(r"\{[^{}]*\}", clause)
    own = {"default"} if re.match(_WORD, clause) else set()
    return (_first_names(braces[0]) if braces else frozenset()) | own


def _first_names(braces: str) -> frozenset[str]:
    return frozenset(words[0] for words in _parts(braces))


def _last_names(braces: str) -> frozenset[str]:
    return frozenset(words[-1] for words in _parts(braces))
