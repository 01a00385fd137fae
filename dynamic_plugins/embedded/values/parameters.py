"""What sort of value each parameter of a tool wants, read from its name, its type and its description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dynamic_plugins.embedded.language.action_words import concepts
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import tokens

_CATCH_ALL = re.compile(r"plain words|what the person said|user'?s? (?:message|request)", re.I)
_ROLES = [
    ("currency", re.compile(r"currenc", re.I), re.compile(r"currency code|code of (?:the|a) currency|ISO 4217", re.I)),
    ("zone", re.compile(r"time[\s_-]?zone|\btz\b|\biana\b", re.I), None),
    ("url", re.compile(r"(?:^|_)ur[il]s?$|^link$|Url$", re.I), re.compile(r"^(?:the )?ur[il]\b|web address", re.I)),
    ("email", re.compile(r"e-?mail", re.I), re.compile(r"e-?mail address", re.I)),
    ("time", re.compile(r"^time$|_time$|clock", re.I), re.compile(r"hh:mm|24-?hour", re.I)),
    ("date", re.compile(r"(?:^|_)date|date(?:_|$)|^since$|^until$|Date$|"
        r"timestamp$", re.I), re.compile(r"yyyy-mm-dd", re.I)),
    ("expression", re.compile(r"expression|formula", re.I), re.compile(r"math(?:ematical)? expression", re.I)),
    ("sql", re.compile(r"^sql|sql$", re.I), re.compile(r"\bsql\b", re.I)),
    ("owner", re.compile(r"^owner$"), re.compile(r"repository owner", re.I)),
    ("repo", re.compile(r"^repo(?:sitory)?(?:_?name)?$", re.I), None),
    ("glob", re.compile(r"^(?:glob|pattern)$", re.I), re.compile(r"\bglob\b", re.I)),
    ("path", re.compile(r"path|^files?$|^dir(?:ectory)?$|folder|file_?name$|^source$|^destination$|"
        r"AbsolutePath", re.I), None),
    ("city", re.compile(r"city|location|place|^town$|destination$", re.I), None),
    ("revision", re.compile(r"revision|^sha$|commit(?:_?(?:sha|hash|id))?$|^hash$", re.I), None),
    ("ref", re.compile(r"^(?:ref|selector)$", re.I), re.compile(r"element reference|from the page snapshot", re.I)),
    ("id", re.compile(r"(?:^|[_a-z])(?:ids?|Ids?)$|^key$|uuid", re.I), None),
    ("branch", re.compile(r"branch|^head$|^base$|^target$", re.I), None),
    ("text", re.compile(r"content|^text$|body|message$|comment|description|insight|thought|^note$|^data$|"
        r"observation|^value$|lyrics", re.I), None),
    ("query", re.compile(r"^q$|query|search|term|keyword|topic|"
        r"question", re.I), re.compile(r"search (?:term|query|string)|substring", re.I)),
]  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool; *schema* has no branches left, see :func:`flatten`."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @cached_property
    def description(self) -> str:
        return str(self.schema.get("description") or "")

    @cached_property
    def type(self) -> str:
        return str(
            self.schema.get("type")
            or ("array" if "items" in self.schema else "object" if "properties" in self.schema else "string")
        )

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name."""
        return tuple(tokens(self.name))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in self.words)

    @cached_property
    def about(self) -> frozenset[str]:
        """The stems of the description's words."""
        return frozenset(stem(word) for word in tokens(self.description[:300]))

    @cached_property
    def concepts(self) -> frozenset[str]:
        return frozenset(concept for word in self.words for concept in concepts(word))

    @cached_property
    def choices(self) -> tuple[Any, ...]:
        """The values that it can have, from its schema, or as quoted in the description of a kind, a "
        "mode or a state."""
        if isinstance(self.schema.get("enum"), list):
            return tuple(value for value in self.schema["enum"] if value is not None)
        if isinstance(self.schema.get("const"), str):
            return (self.schema["const"],)
        if self.type == "string" and re.search(
            r"(?:type|mode|kind|state|scope|order|level|format|period|units?)$", self.name, re.I
        ):
            quoted = re.findall(r"['\"`]([\w-]{2,20})['\"`]", self.description)
            return tuple(dict.fromkeys(quoted)) if len(quoted) > 1 else ()
        return ()

    @cached_property
    def items(self) -> Parameter:
        """What an array holds, as a parameter of the same name."""
        inner = self.schema.get("items")
        return Parameter(self.name, flatten(inner) if isinstance(inner, dict) else {"type": "string"}, self.required)

    @cached_property
    def fields(self) -> tuple[Parameter, ...]:
        """What an object holds."""
        return _parameters(self.schema)

    @cached_property
    def role(self) -> str:
        """What sort of value it wants: ``choice``, ``flag``, ``number``, ``list``, ``object``, one of "
        "text, or ``name``."""
        if self.choices:
            return "currency" if text_role(self.name, self.description) == "currency" else "choice"
        match self.type:
            case "boolean":
                return "flag"
            case "integer" | "number":
                return "number"
            case "array":
                return "list"
            case "object":
                return "object"
        return text_role(self.name, self.description)

    @cached_property
    def shape(self) -> re.Pattern[str] | None:
        """What its values look like, after the examples that its description quotes: 'cs.LG', '2401.12345'."""
        found = [
            e
            for e in re.findall(
                r"['\"`]([^'\"`\s]{3,20})['\"`]",
                self.description + str(self.items.description if self.type == "array" else ""),
            )
            if re.search(r"\w[.\-_:]\w|\d", e)
        ]
        if not found:
            return None
        shapes = {
            re.sub(
                r"[a-z]+", "[a-z]+", re.sub(r"[A-Z]+", "\x00", re.sub(r"\d+", "\x01", re.sub(r"([.\-+/])", r"\\\1", e)))
            )
            .replace("\x00", "[A-Z]+")
            .replace("\x01", r"\d+")
            for e in found
        }
        return re.compile(r"(?<![\w.])(?:" + "|".join(sorted(shapes)) + r")(?![\w]|\.\w)")


def text_role(name: str, description: str) -> str:
    """Return what sort of text a parameter wants."""
    for role, names, descriptions in _ROLES:
        if names.search(name) or (descriptions is not None and descriptions.search(description)):
            return role
    return "name"


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return a tool's parameters, without one that takes the whole request where there are others."""
    found = _parameters(schema)
    own = tuple(p for p in found if not _CATCH_ALL.search(p.description))
    return own or found


def _parameters(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    required = set(schema.get("required") or ())
    found = []
    for name, told in (schema.get("properties") or {}).items():
        if isinstance(told, dict):
            needed = name in required and not _nullable(told) and "default" not in told
            needed = needed or "(required)" in str(told.get("description")).lower()
            found.append(Parameter(name, flatten(told), needed))
    return tuple(found)


def _nullable(told: Mapping[str, Any]) -> bool:
    kinds = told.get("type")
    return isinstance(kinds, list) and "null" in kinds


def flatten(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a property's schema with the branch that is not null taken up, and one plain type."""
    flat = dict(schema)
    for branch in schema.get("anyOf") or schema.get("oneOf") or ():
        if isinstance(branch, Mapping) and branch.get("type") != "null":
            flat = {**branch, **{key: value for key, value in flat.items() if key not in ("anyOf", "oneOf")}}
            break
    if isinstance(flat.get("type"), list):
        flat["type"] = next((kind for kind in flat["type"] if kind != "null"), "string")
    return flat
