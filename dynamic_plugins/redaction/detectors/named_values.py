"""Secrets that are named: ``DISCORD_API_TOKEN is abc123``, ``KEY=VALUE``, ``my notion key: …``, in prose and code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.redaction.detectors.assignments import (
    NEXT_ASSIGNMENT,
    QUOTED,
    ValueReader,
    find_authorization,
    name_value_pairs,
)
from dynamic_plugins.redaction.detectors.nearby import Surroundings, replacement_value, value_before_name
from dynamic_plugins.redaction.detectors.plausibility import (
    ASSIGNING,
    COLONS,
    NOT_YET,
    bounds,
    ends_there,
    is_hash,
    plausible,
    plausible_after_mark,
    token_like,
)
from dynamic_plugins.redaction.detectors.token_formats import Finding
from dynamic_plugins.redaction.detectors.vocabulary import (
    BETWEEN,
    COPULA,
    COPULA_ELSEWHERE,
    FUNCTION_WORDS,
    NAME,
    NAMED,
    OTHER_THING,
    PARTICLE,
    PARTICLE_ELSEWHERE,
    PASSWORD,
    UNSPACED,
    canonical,
    intended_variable,
    is_variable,
    is_word,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_Join = Literal["plain", "strict", "mark"]
"""How sure what joins a name and a value is: an assignment, words that ask for a token, a mere mark."""
_QUOTES = "\"'`\u00b4“”\u2018\u2019«»"
_SIGN = r":=|=>|->|→|={1,3}|\uff1a|:"
_CLOSE = rf"[{_QUOTES}\])*]{{0,3}}"
_TO_VALUE = r"[ \t]{0,40}(?:\n[ \t]{0,40})?(?:[\[{(]\s{0,9}(?=[\"']))?"
# Between name and value: the close of the name's own quotes or emphasis, then what joins them.
_JOINS = [
    re.compile(
        rf"(?i){_CLOSE}(?P<join>\s{{0,40}}(?:{_SIGN}){_TO_VALUE}|"
        rf"\s{{0,9}}[,(]?\s{{1,9}}(?:(?:{COPULA})\s{{0,9}}:?\s{{1,9}}){{1,4}}|"
        rf"\s{{0,9}}(?:{PARTICLE})\s{{0,9}}|[ \t]{{1,40}}|\s{{0,40}}\n\s{{0,40}})"
    ),
]
# These need a value that looks like a token.
_STRICT = [
    re.compile(
        rf"(?i){_CLOSE}(?P<join>\s{{0,9}}[,(]?(?:\s{{1,9}}|(?='s))(?:(?:{COPULA_ELSEWHERE}|{COPULA})\s{{0,9}}:?\s{{1,9}})"
        r"{1,4})"
    ),
    re.compile(
        rf"(?i)(?:[ \t]{{1,3}}{BETWEEN}){{1,4}}?{_CLOSE}(?P<join>\s{{0,9}}(?:{_SIGN}){_TO_VALUE}|"
        rf"\s{{1,9}}(?:(?:{COPULA}|{COPULA_ELSEWHERE})\s{{0,9}}:?\s{{1,9}}){{1,3}})"
    ),
    re.compile(rf"(?P<join>\s{{0,2}}(?:{PARTICLE_ELSEWHERE})\s{{0,9}})"),
    re.compile(r"(?P<join>)(?<=[^\x00-\u2fff])(?=[!-~])"),
    # Words without blanks between them: 令牌应该设置成 and a colon.
    re.compile(r"(?:\s{0,2}[^\W\d_a-zA-Z]){1,8}?(?P<join>\s{0,9}(?:[:\uff1a]|是|は|為|为)\s{0,9})"),
]
# What a dash, a bracket or a cell's border joins: more is wanted of it.
_MARKED = [
    re.compile(
        rf"(?i)(?:[ \t]{{1,3}}{BETWEEN}){{0,4}}?(?P<join>\s{{0,3}}(?:[|\u2013\u2014-]{{1,2}}[ \t]{{1,3}}|[(\[]))[\"'`]?"
    ),
    re.compile(r"(?P<join>,[ \t]{1,3})[\"'`]?"),
]
_PLAIN_JOINS: list[tuple[re.Pattern[str], _Join]] = [(pattern, "plain") for pattern in _JOINS]
_ALL_JOINS: list[tuple[re.Pattern[str], _Join]] = [
    *_PLAIN_JOINS,
    *((pattern, "strict") for pattern in _STRICT),
    *((pattern, "mark") for pattern in _MARKED),
]
# So much of a value that is assigned is looked at.
_LONG = 2_000
# Unquoted, to the next blank; what it is shows in its first few hundred characters.
_ENOUGH = 256
# A Latin word that all of a Chinese, Japanese or Korean sentence comes to: "密码是 sesame", "パスワードはsesameです".
_PLAIN = re.compile(
    r"\s{0,2}(?:(?:应该|應該|就|设|設|改)?[是为為成]|は|が|를|을|은|는)?\s{0,2}(?P<value>[A-Za-z][A-Za-z\-]{5,63})"
    r"(?=\s{0,2}(?:です|だ|でした|啊|哦|吧|喔|입니다|이에요|예요|이야)?\s{0,2}(?:$|[\n。．.!！,，、]))"  # noqa: RUF001
)
_NO_PASSWORDS = frozenset(
    """discord telegram github google notion reset manager bitwarden keepass lastpass keyring vault login username
    plugin server windows android facebook twitter instagram whatsapp wechat openai anthropic policy length""".split()  # noqa: SIM905 - a table of words
)
_WIDE = "\uff0c\u3002\uff01\uff1f\uff1b\u3001\uff08\uff09"
_BARE = re.compile(rf"[^\s\"`<>“”「」{_WIDE}]{{1,{_ENOUGH}}}")
_MORE = re.compile(rf"[^\s\"`<>“”「」{_WIDE}]*")
# Keys of tables and caches, and of whoever may read them.
_KEY_OF = re.compile(
    r"(?i)(?:primary|foreign|cache|sort|redis|partition|row|index|hash|map|dict|json|object|musical|public)[ _-]$"
)
_COMMITS = re.compile(r"(?i)\b(?:commit|revision|hash|sha|branch|build|release)")
_LOGIN = re.compile(r"(?i)user|log ?in|account|name|credential")  # without it one passes something to somebody
# A passphrase of plain words, to the end of its sentence.
_PHRASE = re.compile(r"(?:[a-z]{2,}[ \t]+){2,7}[a-z]{2,}(?=[.!?]?[ \t]*(?:$|\n))")
_SEED_WORDS = re.compile(r"(?<![\w'-])(?:[a-z]{3,8}[ \t,]+|\d{1,2}[.)] ?[a-z]{3,8}\s+){11,23}[a-z]{3,8}(?![\w'-])")
_NO_SEED_WORDS = frozenset(
    """and are but did does for from get give has have her him his how into its let make more need not our please
    say she show some tell than the their them then there these they those turn use want was were what when where
    who why with would your plugin plugins""".split()  # noqa: SIM905 - a table of words
)


def find_named_values(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> Iterator[Finding]:
    """Yield the values that stand beside a secret's name. *known* are plugins' secret variables, in capitals.

    Among the *installed* plugins' the one is looked for that "my notion key" may mean.
    """
    for name, start, end in name_value_pairs(text):
        if is_variable(name, known) and not NOT_YET.fullmatch(text[start:end]):
            yield Finding(start, end, text[start:end], canonical(name), named=True)
    yield from find_authorization(text)
    yield from _NamedValues(text, known, installed).findings()
    for match in _SEED_WORDS.finditer(text):
        words = re.findall(r"[a-z]+", match.group())
        if not _NO_SEED_WORDS.intersection(words):
            yield Finding(*match.span(), " ".join(words), "MNEMONIC")


class _NamedValues:
    """Looks round every name of a secret in one text."""

    def __init__(self, text: str, known: Collection[str], installed: Collection[str]) -> None:
        self._text, self._known, self._installed = text, known, installed
        self._kinds: dict[tuple[str, bool], tuple[str, bool]] = {}
        self._reader = ValueReader(text)
        self._surroundings = Surroundings(text)

    def findings(self) -> Iterator[Finding]:
        reached = 0
        for name in NAME.finditer(self._text):
            if name.start() < reached:
                continue  # part of a value
            for finding in self._around(name):
                reached = max(reached, finding.end)
                yield finding

    def _around(self, name: re.Match[str]) -> Iterator[Finding]:
        text, written = self._text, name.group()
        variable, noun = self._kind(name)
        if not (variable or noun) or (not variable and _KEY_OF.search(text, max(0, name.start() - 20), name.start())):
            return
        declared = variable in self._known
        exact = bool(variable) and ("_" in variable or declared)
        assigned = self._behind(name, exact=exact)
        if assigned is not None:
            start, end, value = assigned
            yield Finding(start, end, value, self._label(name, exact=exact), named=exact)
            if not exact and (span := replacement_value(text, end)):
                yield Finding(*span, text[slice(*span)], self._label(name, exact=exact))
        elif noun and (span := _unspaced_password(text, name)):
            yield Finding(*span, text[slice(*span)], self._label(name, exact=exact))
        if exact:
            after = assigned[1] if assigned else 0
            for start, end in self._surroundings.tokens_beside(name.start(), name.end(), after, declared=declared):
                yield Finding(start, end, text[start:end], variable, named=True)
        if not OTHER_THING.match(text, name.end()) and (
            span := value_before_name(text, name.start(), written, exact=exact)
        ):
            yield Finding(*span, text[slice(*span)], self._label(name, exact=exact), named=exact)

    def _kind(self, name: re.Match[str]) -> tuple[str, bool]:
        """Return which variable *name* is, if any, and whether it is a noun for a secret."""
        key = (name.group(), name["variable"] is not None)
        if key not in self._kinds:
            variable = key[1] and is_variable(key[0], self._known)
            self._kinds[key] = (canonical(key[0]) if variable else "", NAMED.fullmatch(key[0]) is not None)
        return self._kinds[key]

    def _label(self, name: re.Match[str], *, exact: bool) -> str:
        return canonical(name.group()) if exact else intended_variable(self._text, name, self._installed)

    def _behind(self, name: re.Match[str], *, exact: bool) -> tuple[int, int, str] | None:
        """Return the value behind *name*: where it stands, and what it is."""
        text = self._text
        joins = _PLAIN_JOINS if OTHER_THING.match(text, name.end()) else _ALL_JOINS
        plain = None
        for pattern, kind in joins:
            joined = pattern.match(text, name.end())
            if joined is None or any(map(token_like, text[name.end() : joined.start("join")].split())):
                continue
            sign = joined["join"].strip().rstrip("[{( \t\n")
            if kind == "strict" and (joined.end(), sign) == plain:
                continue  # what is not plausible there is less so where a token is wanted
            if kind == "plain":
                plain = joined.end(), sign
            if exact and kind == "plain" and (sign in ASSIGNING or sign in COLONS):
                value = self._reader.assigned(name.start(), joined.end(), shell=sign == "=")
                if value and _plausible_assignment(value[2], name.group(), sign):
                    return self._whole(value, name, joined.end(), sign)
            if found := self._joined(name, joined.end(), sign, kind, exact=exact):
                return found
        return None

    def _whole(self, value: tuple[int, int, str], name: re.Match[str], at: int, sign: str) -> tuple[int, int, str]:
        if not self._reader.cut_short(value):
            return value
        return self._reader.assigned(name.start(), at, shell=sign == "=", whole=True) or value

    def _joined(
        self, name: re.Match[str], at: int, sign: str, kind: _Join, *, exact: bool
    ) -> tuple[int, int, str] | None:
        """Return the value *at* the place to which *sign* joins *name*, if it is a plausible one."""
        text, written = self._text, name.group()
        password = PASSWORD.search(written) is not None
        phrase = _PHRASE.match(text, at) if password and sign and kind == "plain" else None
        if phrase and not (FUNCTION_WORDS | _NO_SEED_WORDS).intersection(phrase.group().split()):
            return *phrase.span(), phrase.group()
        quoted = QUOTED.match(text, at)
        if quoted:
            start, end = quoted.span(quoted.lastindex or 0)
        elif span := self._reader.unclosed(at, sign):
            return *span, text[slice(*span)]
        elif span := _bare_value(text, at, sign, written):
            start, end = span
        else:
            return None
        value = text[start:end]
        if not value or self._something_else(name, value, start, sign, exact=exact):
            return None
        if kind == "mark":
            wanted = plausible_after_mark(value, password=password, comma=sign == ",")
        else:
            wanted = plausible(
                value,
                written,
                sign,
                exact=exact,
                quoted=bool(quoted),
                last=ends_there(text, end),
                strict=kind == "strict" and not quoted,
            )
        if wanted and not quoted and end - start >= _ENOUGH - 1:
            end = next(_MORE.finditer(text, end)).end()
        return (start, end, text[start:end]) if wanted else None

    def _something_else(self, name: re.Match[str], value: str, start: int, sign: str, *, exact: bool) -> bool:
        """Return whether *value* is a commit's hash, or "pass" is the verb."""
        text = self._text
        if not exact and is_hash(value) and _COMMITS.search(text, max(0, start - 80), start + len(value) + 40):
            return True
        verb = name.group().lower() == "pass" and sign in {"", "to"}
        return verb and not _LOGIN.search(text, max(0, name.start() - 60), start)


def _plausible_assignment(value: str, name: str, sign: str) -> bool:
    return bool(value) and plausible(value[:_LONG], name, sign, exact=True, quoted=True, last=True, strict=False)


def _bare_value(text: str, at: int, sign: str, name: str) -> tuple[int, int] | None:
    """Return where the unquoted value *at* a place begins and ends."""
    bare = _BARE.match(text, at)
    if bare is None:
        return None
    # A comma, semicolon or ampersand ends it only where another assignment follows.
    following = NEXT_ASSIGNMENT.search(text, bare.start() + 1, bare.end() + 120)
    end = min(bare.end(), following.start()) if following else bare.end()
    return bounds(text, bare.start(), end, assigned=sign == "=", name=name)


def _unspaced_password(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Return where the plain word is that follows the name of a password in a script without blanks."""
    plain = _PLAIN.match(text, name.end())
    if plain is None or not re.fullmatch(UNSPACED, name.group()) or not PASSWORD.search(name.group()):
        return None
    word = plain["value"]
    ordinary = is_word(word) or NOT_YET.fullmatch(word) or word.lower() in _NO_PASSWORDS
    return None if ordinary else plain.span("value")
