"""Values in clients' files: text with placeholders in it, which each client spells in its own way.

==============  ==================================================================================================
dialect         spellings
==============  ==================================================================================================
``PLAIN``       none: the text is the value (Claude Desktop, Codex, Zed)
``BRACES``      ``${VAR}``, ``${VAR:-default}`` (Claude Code)
``EDITOR``      ``${env:VAR}``, ``${input:id}``, ``${userHome}``, ``${workspaceFolder}`` … (VS Code, Cursor, Windsurf)
``DOLLAR``      ``$VAR``, ``${VAR}``, ``${VAR:-default}`` (Gemini CLI; Goose in headers)
==============  ==================================================================================================
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

ReferenceKind = Literal["env", "input", "kept", "folder", "other"]
"""``env`` a variable of the environment, ``input`` what the client asks the person for, ``kept`` what lies in the
client's own keyring, ``folder`` a place the client knows, ``other`` what only the client can work out."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A placeholder: what it refers to, and how it is written."""

    kind: ReferenceKind
    name: str
    spelling: str = ""
    default: str | None = None
    secret: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A text of a client's file, in parts: plain text and placeholders."""

    parts: tuple[str | Reference, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def spelling(self) -> str:
        """The text as it stands in the file."""
        return "".join(part if isinstance(part, str) else part.spelling for part in self.parts)

    def written(self, write: Callable[[Reference], str]) -> str:
        """Return the text with each placeholder as *write* spells it."""
        return "".join(part if isinstance(part, str) else write(part) for part in self.parts)


def plain(text: str) -> Value:
    """Return *text* as a value without placeholders."""
    return Value((text,) if text else ())


def variable(name: str, *, secret: bool = False) -> Value:
    """Return the value of one variable of the environment."""
    return Value((Reference("env", name, secret=secret),))


@dataclass(frozen=True)
class Dialect:
    """How a client spells placeholders; without a *pattern* it has none."""

    pattern: re.Pattern[str] | None = None
    read: Callable[[re.Match[str]], Reference] = field(default=lambda found: Reference("other", found[0]))

    def parse(self, text: str) -> Value:
        """Return the parts of *text*."""
        if self.pattern is None:
            return plain(text)
        parts: list[str | Reference] = []
        end = 0
        for found in self.pattern.finditer(text):
            parts += [text[end : found.start()]] if found.start() > end else []
            parts.append(replace(self.read(found), spelling=found[0]))
            end = found.end()
        parts += [text[end:]] if end < len(text) else []
        return Value(tuple(parts))


def _shell_variable(found: re.Match[str]) -> Reference:
    return Reference("env", found["braced"] or found.groupdict().get("bare") or "", default=found["default"])


def _editor_variable(found: re.Match[str]) -> Reference:
    kind, colon, name = found["inside"].partition(":")
    if colon and kind in ("env", "input"):
        return Reference("env" if kind == "env" else "input", name)
    return Reference("folder" if not colon else "other", found["inside"])


_BRACED = r"\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
PLAIN = Dialect()
BRACES = Dialect(re.compile(_BRACED), _shell_variable)
DOLLAR = Dialect(re.compile(rf"{_BRACED}|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"), _shell_variable)
EDITOR = Dialect(re.compile(r"\$\{(?P<inside>[A-Za-z/][^${}]*)\}"), _editor_variable)


@dataclass(frozen=True)
class Surroundings:
    """What placeholders are filled from: the person's *environment* and *home*, and the folder of the *project*."""

    environment: Mapping[str, str]
    home: Path
    project: Path | None = None

    def filling(self, reference: Reference) -> str | None:
        """Return what *reference* stands for here; None where nothing here knows it."""
        if reference.kind == "env":
            found = self.environment.get(reference.name)
            return found or reference.default
        if reference.kind == "folder":
            return self._folders().get(reference.name)
        return reference.default

    def _folders(self) -> dict[str, str]:
        known = {"userHome": str(self.home), "pathSeparator": os.sep, "/": os.sep}
        if self.project is not None:
            known |= {"workspaceFolder": str(self.project), "workspaceFolderBasename": self.project.name}
            # Of a bundle: a worker runs in a folder of its own, which is where its data goes.
            known |= {"PLUGIN_ROOT": str(self.project), "PLUGIN_DATA": "."}
        return known

    def fill(self, value: Value) -> Filled:
        """Return *value* with everything filled that is known here."""
        missing = tuple(each for each in value.references if self.filling(each) is None)
        secret = any(each.secret for each in value.references)
        return Filled(value.written(self._fill_or_leave), value, missing, secret)

    def _fill_or_leave(self, reference: Reference) -> str:
        found = self.filling(reference)
        return found if found is not None else reference.spelling or f"${{{reference.name}}}"


@dataclass(frozen=True, slots=True)
class Filled:
    """A value as it is used: its text, and the placeholders that nothing here could fill."""

    text: str
    value: Value
    missing: tuple[Reference, ...] = ()
    secret: bool = False
    """Whether the client itself treats it as a secret."""


def why_missing(references: Iterable[Reference], client: str) -> str:
    """Return in words why a value is not known here."""
    told: dict[str, Callable[[Reference], str]] = {
        "env": lambda each: f"{each.name} is not set in your environment",
        "input": lambda _: f"{client} asks for it",
        "kept": lambda _: f"{client} keeps it in its own keyring",
        "folder": lambda each: f"{each.spelling} is known in a project only",
        "other": lambda each: f"only {client} knows {each.spelling}",
    }
    return "; ".join(dict.fromkeys(told[each.kind](each) for each in references))
