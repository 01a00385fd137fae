"""Secrets as programs write them: pairs in JSON and XML, headers, assignments with a shell's quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.plausibility import NOT_YET, token_like
from dynamic_plugins.redaction.detectors.token_formats import Found
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
    r'"((?:\\.|[^"\\\n])+)"|\'((?:\\.|[^\'\\\n])+)\'|`([^`\n]+)`|“([^”\n]+)”|«([^»\n]+)»|「([^」\n]+)」'
)
"""A quoted text within a line."""
_CLOSING = {'"': '"', "'": "'", "`": "`", "“": "”", "«": "»", "「": "」", "\u2018": "\u2019"}
_LONGEST = 8_000
# A piece of a shell's word: quoted, escaped or bare.
_PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"|\'([^\'\n]*)\'|\\([^\r\n])|([^\s"\'\\`<>“”])')
NEXT = re.compile(r"[,;&][ \t]{0,9}[\"']?[A-Za-z_][\w\-]{0,99}[\"']?\s{0,9}[=:]")
"""Where another assignment begins."""
_BEHIND = re.compile(r"\s|[;,)\]}&|.!?。]|$")


def pairs(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield names with where their values stand: ``{"name": …, "value": …}`` in any order, ``<NAME>…</NAME>``."""
    for pattern in _PAIRS:
        for match in pattern.finditer(text):
            yield match["name"], *match.span("value")


def headers(text: str) -> Iterator[Found]:
    """Yield what authorizes a request: ``Authorization: Bearer …``."""
    for match in _HEADER.finditer(text):
        value = match["value"].rstrip(".,;)]}")
        wanted = token_like(value) or (match["scheme"] and len(value) >= 8 and not value.endswith("?"))
        if wanted and not NOT_YET.fullmatch(value) and not is_word(value) and value.lower() not in _OF_HEADERS:
            yield Found(match.start("value"), match.start("value") + len(value), value)


def assigned(text: str, name: int, start: int, *, shell: bool) -> tuple[int, int, str] | None:
    """Return the value at *start* that is assigned to the variable at *name*, if it is quoted or in a *shell*'s way.

    A quoted value may span lines; a quote that is not closed runs to the end of its line; an unquoted value ends at
    white space, and quoted pieces beside it belong to it.
    """
    around = _opened(text, name) if shell else ""
    if around and text[start : start + 1] not in _CLOSING:
        return _until(text, start, around, inner=True)
    if text[start : start + 1] in _CLOSING:
        return _quoted(text, start)
    return _word(text, start) if shell else None


def unclosed(text: str, start: int, join: str) -> tuple[int, int] | None:
    """Return the rest of the line behind a quote that is never closed, if there is a token among its few words."""
    if not join or text[start : start + 1] not in {'"', "'", "“", "\u2018", "«"}:
        return None
    line = text.find("\n", start)
    end = start + len(text[start : line if line >= 0 else len(text)][:200].rstrip(" \t\r.,;!"))
    words = text[start + 1 : end].split()
    return (start + 1, end) if 1 < len(words) <= 8 and re.search(r"\d", text[start:end]) else None


def _quoted(text: str, start: int) -> tuple[int, int, str] | None:
    closing = _CLOSING[text[start]]
    if text[start] != closing or not (found := _piece(text, start)):
        return _until(text, start + 1, closing)
    if _BEHIND.match(text, found.end()) or NEXT.match(text, found.end()):
        return start + 1, found.end() - 1, text[start + 1 : found.end() - 1]
    return _word(text, start)


def _piece(text: str, start: int) -> re.Match[str] | None:
    found = _PIECE.match(text, start)
    return found if found and found.lastindex in {1, 2} else None


def _until(text: str, start: int, closing: str, *, inner: bool = False) -> tuple[int, int, str] | None:
    """Return what stands before *closing*, on whichever line that is, or the rest of the line."""
    line = text.find("\n", start)
    line = len(text) if line < 0 else line
    end, at = line, start - 1
    while (at := text.find(closing, at + 1, start + _LONGEST)) >= 0:
        escaped = 0
        while at - escaped > start and text[at - escaped - 1] == "\\":
            escaped += 1
        # An apostrophe within a word closes nothing, and neither does what opens another value.
        if escaped % 2 == 0 and ((at < line and inner) or (_BEHIND.match(text, at + 1) and text[at - 1 : at] != "=")):
            end = at
            break
        if at > line and inner:
            break
    else:
        end = line
    if end == line:
        end = start + len(text[start:end].rstrip())
    return (start, end, text[start:end]) if end > start else None


def _word(text: str, start: int) -> tuple[int, int, str] | None:
    """Return a shell's word and what a shell makes of it."""
    at, parts = start, []
    while at < len(text) and not NEXT.match(text, at):
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


def _opened(text: str, at: int) -> str:
    """Return the quote that is open at *at*, where a variable's name begins, going by its line."""
    begin = max(text.rfind("\n", 0, at) + 1, at - 200)
    opened = ""
    for index in range(begin, at):
        each = text[index]
        if opened:
            opened = "" if each == opened else opened
        elif each in "\"'`" and (index == begin or not text[index - 1].isalnum()):
            opened = each
    return opened
