"""Secrets as programs write and take them: pairs in JSON and XML, headers, cookies, flags, a shell's assignments."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.plausibility import NOT_YET, token_like
from dynamic_plugins.redaction.detectors.token_formats import Finding
from dynamic_plugins.redaction.detectors.vocabulary import is_word

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = r"""(?P<%s>["'])(?P<%s>(?:\\.|(?!(?P=%s))[^\\])+?)(?P=%s)"""
_PAIR_NAME = r"""["']?\b(?:name|key|variable)["']?\s{0,9}[:=]\s{0,9}["'](?P<name>[A-Za-z_][\w\-]{0,99})["']"""
_PAIR_VALUE = r"""["']?\bvalue["']?\s{0,9}[:=]\s{0,9}""" + _STRING % ("quote", "value", "quote", "quote")
_PAIRS = [
    re.compile(rf"(?is){_PAIR_NAME}\s{{0,9}},[^{{}}]{{0,200}}?{_PAIR_VALUE}"),
    re.compile(rf"(?is){_PAIR_VALUE}\s{{0,9}},[^{{}}]{{0,200}}?{_PAIR_NAME}"),
    re.compile(r"(?i)\bname=(?P<name>[A-Za-z_][\w\-]{0,99})&value=(?P<value>[^&\s\"'<>]+)"),
    re.compile(
        r"(?s)<(?P<name>[A-Za-z_][\w\-]{0,99})(?:\s[^<>]{0,100})?>\s{0,99}(?P<value>[^<>\s][^<>]{0,4000}?)\s{0,99}</(?P=name)>"
    ),
]
_HEADER = re.compile(
    r"""(?i)(?<![\w-])(?:proxy-)?authorization\b["'`*]{0,3}\s{0,9}(?:[:=]|\bis\b)\s{0,9}["']?"""
    r"""(?P<scheme>(?:bearer|basic|token|bot|apikey|api-key|digest)[ \t]{1,9})?(?P<value>[^\s"'`<>]{4,})"""
)
_OF_HEADERS = frozenset({"authentication", "credentials", "scheme", "something", "whatever"})
QUOTED = re.compile(
    r'"((?:\\.|[^"\\\n])+)"|\'((?:\\.|[^\'\\\n])+)\'|`([^`\n]+)`|'
    r"“([^”\n]{1,1000})”|«([^»\n]{1,1000})»|「([^」\n]{1,1000})」"
)
"""A quoted text within a line."""
_CLOSING = {'"': '"', "'": "'", "`": "`", "“": "”", "«": "»", "「": "」", "\u2018": "\u2019"}
_LONGEST = 8_000
# A piece of a shell's word: quoted, escaped or bare.
_PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"|\'([^\'\n]*)\'|\\([^\r\n])|([^\s"\'\\`<>“”])')
NEXT_ASSIGNMENT = re.compile(r"[,;&][ \t]{0,9}[\"']?[A-Za-z_][\w\-]{0,99}[\"']?\s{0,9}[=:]")
"""Where another assignment begins."""
_ANY_QUOTE = re.compile(r"[\"'`]")
# What no quote, escape, blank or new assignment can begin in.
_PLAIN_PIECE = re.compile(r"[^\s\"'\\`<>“”,;&]+")
_BEHIND = re.compile(r"\s|[;,)\]}&|.!?。]|$")

_COOKIES = re.compile(
    r"(?i)(?<![\w-])(?:set-)?cookies?[\"'`*]{0,3}\s{0,9}(?:[:=\uff1a]|\bis\b|是|は)\s{0,9}(?P<pairs>[^\n\"'`<>]{3,4000})"
)
_COOKIE = re.compile(r"(?<![\w.\-=])(?P<name>[\w.\-]{1,99})=(?P<value>[^;\s,]{6,})")
_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})
# Cookies that keep somebody logged in, by the names that servers give them.
_SESSION = re.compile(
    r"(?<![\w.-])(?:JSESSIONID|PHPSESSID|ASPSESSIONID\w*|ASP\.NET_SessionId|connect\.sid|laravel_session|"
    r"(?:csrf|xsrf|XSRF-|csrf_|_csrf_|authenticity_)_?[tT](?:oken|OKEN)|csrftoken|sessionid)"
    r"=(?P<value>[^;&\s\"'`<>,]{6,})"
)
_BEARER = re.compile(r"(?<![\w-])[Bb]earer[ \t]{1,3}[\"'`]?(?P<value>[A-Za-z0-9_\-.~+/=]{10,})(?![\w'])")
_ABOUT_BEARERS = re.compile(
    r"(?i)(?:authenti|authori[sz]|certificate|credential|method|mechanism|scheme|token|header|secur|instrument|account|"
    r"instead|without|something|whatever|format)\w*"
)
_FLAGS = [
    re.compile(rf"(?<![\w-]){pattern}")
    for pattern in (
        r"(?:curl|wget|https?)\b[^\n|;]{0,300}?\s(?:-u|--user|-a|--auth)[= ]\s?[\"']?[\w.@+\-]{1,64}:"
        r"(?P<value>[^\s\"'`]{3,})",
        r"(?:mysql|mysqldump|mariadb|mysqladmin)\b[^\n|;]{0,200}?\s-p(?P<value>[^\s\"'`\-][^\s\"'`]{2,})",
        r"sshpass\s+-p\s?[\"']?(?P<value>[^\s\"'`]{3,})",
        r"redis-cli\b[^\n|;]{0,200}?\s-a\s+[\"']?(?P<value>[^\s\"'`]{3,})",
        r"(?:docker|podman|helm|az|cf|oc)\b[^\n|;]{0,40}?\blogin\b[^\n|;]{0,200}?\s-p\s+[\"']?(?P<value>[^\s\"'`]{3,})",
        r"(?:echo|printf)\s+(?:-n\s+)?[\"']?(?P<value>[^\s\"'`|]{3,})[\"']?\s*\|[^\n]{0,200}--password-stdin",
        r"(?:PGPASSWORD|MYSQL_PWD|SSHPASS|REDISCLI_AUTH|RESTIC_PASSWORD|BORG_PASSPHRASE)=[\"']?(?P<value>[^\s\"'`]{3,})",
    )
]
_SIGNED = re.compile(r"(?i)[?&](?:sig|signature|x-amz-signature|auth)=(?P<value>[^&\s\"'`<>]{8,})")
# A block of YAML holds what stands indented below its name.
_BLOCK = re.compile(
    r"(?im)^[ \t]*[\w\-]*(?:password|passwd|passphrase|secret|token|api[_-]?key)[ \t]*:[ \t]*[|>][+-]?[ \t]*\n"
    r"[ \t]+(?P<value>\S[^\n]{3,200}?)[ \t]*$"
)


def name_value_pairs(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield names with where their values stand: ``{"name": …, "value": …}`` in any order, ``<NAME>…</NAME>``."""
    for pattern in _PAIRS:
        for match in pattern.finditer(text):
            yield match["name"], *match.span("value")


def find_authorization(text: str) -> Iterator[Finding]:
    """Yield what authorizes a request: ``Authorization: Bearer …``."""
    for match in _HEADER.finditer(text):
        value = match["value"].rstrip(".,;)]}")
        wanted = token_like(value) or (match["scheme"] and len(value) >= 8 and not value.endswith("?"))
        if wanted and not NOT_YET.fullmatch(value) and not is_word(value) and value.lower() not in _OF_HEADERS:
            yield Finding(match.start("value"), match.start("value") + len(value), value)


class ValueReader:
    """Reads the values that are assigned in one text; where its quotes close is looked up once, at first need."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._quotes: dict[str, list[int]] = {}
        self._closings: dict[str, list[int]] = {}
        self._plain = (0, 0)

    def assigned(self, name: int, start: int, *, shell: bool, whole: bool = False) -> tuple[int, int, str] | None:
        """Return the value at *start* of the variable whose name is at *name*, if it is quoted or in a *shell*'s way.

        Gives its start, its end, and what a program makes of it. A quoted value may span lines; a quote that is not
        closed runs to the end of its line; an unquoted value ends at white space, and quoted pieces beside it belong
        to it. Unless the *whole* is asked for, a value is read no further than its first thousands of characters.
        """
        text = self._text
        stop = len(text) if whole else min(len(text), start + _LONGEST)
        around = _quote_open_at(text, name) if shell else ""
        if around and text[start : start + 1] not in _CLOSING:
            return self._until(start, around, stop, inner=True)
        if text[start : start + 1] in _CLOSING:
            return self._quoted(start, stop)
        return self._shell_word(start, stop) if shell else None

    def cut_short(self, value: tuple[int, int, str]) -> bool:
        """Return whether there may be more of an assigned *value* than was read."""
        return value[1] - value[0] > _LONGEST // 2

    def unclosed(self, start: int, join: str) -> tuple[int, int] | None:
        """Return the rest of the line behind a quote that is never closed, if there is a token among its few words."""
        text = self._text
        if not join or text[start : start + 1] not in {'"', "'", "“", "\u2018", "«"}:
            return None
        line = text.find("\n", start, start + 200)
        end = start + len(text[start : line if line >= 0 else start + 200].rstrip(" \t\r.,;!"))
        words = text[start + 1 : end].split()
        return (start + 1, end) if 1 < len(words) <= 8 and re.search(r"\d", text[start:end]) else None

    def _quoted(self, start: int, stop: int) -> tuple[int, int, str] | None:
        text = self._text
        closing = _CLOSING[text[start]]
        if text[start] != closing or not (piece := _quoted_piece(text, start)):
            return self._until(start + 1, closing, stop)
        if _BEHIND.match(text, piece.end()) or NEXT_ASSIGNMENT.match(text, piece.end()):
            return start + 1, piece.end() - 1, text[start + 1 : piece.end() - 1]
        return self._shell_word(start, stop)

    def _until(self, start: int, closing: str, stop: int, *, inner: bool = False) -> tuple[int, int, str] | None:
        """Return what stands before *closing*, on whichever line that is, or the rest of the line.

        With *inner* the quote was opened before the name: any such quote on the same line closes it.
        """
        text = self._text
        line = text.find("\n", start, stop)
        line = stop if line < 0 else line
        closes = _first(self._unescaped(closing) if inner else self._closing(closing), start)
        end = closes if start <= closes < (line if inner else start + _LONGEST) else line
        if end == line:
            end = start + len(text[start:end].rstrip())
        return (start, end, text[start:end]) if end > start else None

    def _shell_word(self, start: int, stop: int) -> tuple[int, int, str] | None:
        """Return a shell's word and what a shell makes of it."""
        text, at = self._text, start
        parts: list[str] = []
        while at < stop and not NEXT_ASSIGNMENT.match(text, at):
            if (end := min(self._plain_end(at), stop)) > at:
                parts.append(text[at:end])
                at = end
                continue
            piece = _PIECE.match(text, at)
            if piece is None:
                # A quote that is never closed is a character, or it runs to the end of its line.
                if text[at] not in "\"'\\" or text[at + 1 : at + 2].isspace():
                    break
                parts.append(text[at])
                at += 1
                continue
            parts.append(next((group for group in piece.groups() if group is not None), ""))
            at = piece.end()
        raw = text[start:at]
        if not re.search(r"[\"'\\]", raw):
            trimmed = raw.rstrip(".,;:)]}\u2019")
            if trimmed.count("(") > trimmed.count(")") and raw[len(trimmed) :].startswith(")"):
                trimmed += ")"
            return (start, start + len(trimmed), trimmed) if trimmed else None
        trimmed = raw.rstrip(".,;:)]}")
        value = "".join(parts)
        value = value[: len(value) - (len(raw) - len(trimmed))]
        return (start, start + len(trimmed), value) if value else None

    def _plain_end(self, at: int) -> int:
        """Return where the piece at *at* ends that needs no looking into; remembered, since many may begin in one."""
        if not self._plain[0] <= at < self._plain[1]:
            piece = _PLAIN_PIECE.match(self._text, at)
            self._plain = (at, piece.end() if piece else at)
        return self._plain[1]

    def _unescaped(self, quote: str) -> list[int]:
        """Return where *quote* stands without a backslash before it."""
        if quote not in self._quotes:
            found = re.finditer(rf"\\.|{quote}", self._text, re.DOTALL)
            self._quotes[quote] = [match.start() for match in found if match.group() == quote]
        return self._quotes[quote]

    def _closing(self, quote: str) -> list[int]:
        """Return where *quote* closes something: not an apostrophe within a word, nor what opens another value."""
        if quote not in self._closings:
            self._closings[quote] = [
                at
                for at in self._unescaped(quote)
                if _BEHIND.match(self._text, at + 1) and self._text[at - 1 : at] != "="
            ]
        return self._closings[quote]


def _first(positions: list[int], start: int) -> int:
    """Return the first of the sorted *positions* that is not before *start*; -1 where there is none."""
    index = bisect_left(positions, start)
    return positions[index] if index < len(positions) else -1


def _quoted_piece(text: str, start: int) -> re.Match[str] | None:
    found = _PIECE.match(text, start)
    return found if found and found.lastindex in {1, 2} else None


def _quote_open_at(text: str, at: int) -> str:
    """Return the quote that is open at *at*, where a variable's name begins, going by its line."""
    begin = max(text.rfind("\n", max(0, at - 200), at) + 1, at - 200, 0)
    opened = ""
    for match in _ANY_QUOTE.finditer(text, begin, at):
        quote, index = match.group(), match.start()
        if opened:
            opened = "" if quote == opened else opened
        elif index == begin or not text[index - 1].isalnum():
            opened = quote
    return opened


def find_command_secrets(text: str) -> Iterator[Finding]:
    """Yield the values that programs take for secrets, whatever they look like."""
    for header in _COOKIES.finditer(text):
        for cookie in _COOKIE.finditer(text, header.start("pairs"), header.end("pairs")):
            if cookie["name"].lower() not in _ATTRIBUTES:
                yield from _plausible(cookie, "value")
    for pattern in (_SESSION, *_FLAGS, _BLOCK):
        for match in pattern.finditer(text):
            yield from _plausible(match, "value")
    for match in _SIGNED.finditer(text):
        if token_like(match["value"]):
            yield from _plausible(match, "value")
    for match in _BEARER.finditer(text):
        value = match["value"].rstrip(".")
        # A plain word is one only behind the scheme's own spelling: "the bearer of …" says something else.
        plain = match.group().startswith("Bearer") and value.isalpha() and len(value) >= 12
        if token_like(value) or (plain and not is_word(value) and not _ABOUT_BEARERS.fullmatch(value)):
            yield from _plausible(match, "value")


def _plausible(match: re.Match[str], group: str) -> Iterator[Finding]:
    start, end = match.span(group)
    value = match[group].rstrip(".,)]}")
    if value and not NOT_YET.fullmatch(value) and not value.startswith("$"):
        yield Finding(start, min(end, start + len(value)), value)
