"""Taking known secrets out of whatever may hold them: results, schemas, errors, contexts, replies, log lines.

This is the one scrubber of every door. A plugin's connection blots out what the plugin was configured with
(:func:`plugin_scrubber`); a conversation puts placeholders for what was pasted
(:class:`~dynamic_plugins.redaction.session_vault.SessionVault`); cassettes use the same :func:`spellings`.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import shlex
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, quote_plus

from dynamic_plugins.text.secret_names import looks_secret
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

BLANK = "***"
"""What stands for a secret that has no placeholder."""
_SHORTEST = 3  # shorter ones stand in any text by chance
_ALONE = 8  # and up to here only as a word of their own
_BASE64_FROM = 7  # bytes; the base64 of fewer is itself too short to be told from chance
_LINE = 12  # a line of a longer secret
_UNMISTAKABLE = 16
# Of so many spellings only those are looked for whose first characters stand anywhere in the text.
_MANY, _BEGINNING = 200, 6
# What no program writes in another way.
_NEVER_QUOTED = re.compile(r"[A-Za-z0-9_.\-]+")

# Keys of schemas and results whose values are names that somebody calls or chooses by.
_NAMING = frozenset({"name", "enum", "const", "required", "type", "$ref", "address"})
# Keys of a schema whose values are for reading.
_PROSE = frozenset({"description", "title", "summary", "default", "example", "examples", "$comment"})


class ConfigurableVariable(Protocol):
    """What is needed of a plugin's variable: its name, and whether its values are secret."""

    @property
    def name(self) -> str: ...

    @property
    def is_secret(self) -> bool: ...


def plugin_scrubber(
    values: Mapping[str, str], variables: Iterable[ConfigurableVariable] = (), secrets: Iterable[str] = ()
) -> Scrubber:
    """Return the scrubber of one plugin, which was given *values* by name, and *secrets* on its command line.

    Which of the values are secret its *variables* say; of a name that none of them has, the name itself.
    """
    declared = {variable.name: variable.is_secret for variable in variables}
    secret = {value for name, value in values.items() if declared.get(name, looks_secret(name))}
    return Scrubber(dict.fromkeys((*secret, *secrets), BLANK), values.values())


class Scrubber:
    """Puts something harmless in a secret's place, however a program has written the secret (:func:`spellings`).

    *secrets* maps each secret to what stands for it. *configured* are values that are no secrets: they are blotted out
    of errors and logs alone, where nobody can tell what else they say.
    """

    def __init__(self, secrets: Mapping[str, str], configured: Iterable[str] = ()) -> None:
        secrets = {secret.strip(): instead for secret, instead in secrets.items()}
        written = {secret: spellings(secret) for secret in secrets}
        blanked = {value: spellings(value) for value in configured if len(value) >= _ALONE}
        texts = {spelling: BLANK for found in blanked.values() for spelling in found}
        results: dict[str, str] = {}
        names: dict[str, str] = {}
        for secret, instead in secrets.items():
            replaced = dict.fromkeys(written[secret], instead)
            texts |= replaced
            if not is_common(secret):
                results |= replaced
            if _unmistakable(secret):
                names |= replaced
        # One secret may hold another, or be a spelling of it: as it is it counts as itself.
        for known in (texts, results, names):
            known |= {secret: instead for secret, instead in secrets.items() if secret in known}
        self._of_texts, self._of_results, self._of_names = map(_Replacements, (texts, results, names))

    def text(self, text: str) -> str:
        """Return an error's, a log's or a reply's text without any secret or configured value."""
        return self._of_texts.within(text)(text)

    def result(self, value: Any) -> Any:
        """Return a JSON value without secrets: the same object where there are none.

        Names, keys and what may be chosen stay as they are, and so do short and common values (:func:`is_common`):
        without them a result is no use. An unmistakable secret stays nowhere.
        """
        return self._json(value, prose=_all_but_names)

    def schema(self, value: Any) -> Any:
        """Return a tool's description or schema without secrets: only what is for reading is rewritten.

        A tool that is renamed cannot be called. An unmistakable secret stays nowhere.
        """
        return self._json(value, prose=_only_prose)

    def _json(self, value: Any, prose: Callable[[str, bool], bool]) -> Any:
        everything = "\0".join(_strings(value))
        in_prose, in_names = self._of_results.within(everything), self._of_names.within(everything)
        if not (in_prose.known or in_names.known):
            return value

        def clean(value: Any, reading: bool) -> Any:
            if isinstance(value, str):
                return (in_prose if reading else in_names)(value)
            if isinstance(value, list):
                return [clean(item, reading) for item in value]
            if isinstance(value, dict):
                return {
                    in_names(key) if isinstance(key, str) else key: clean(item, prose(str(key), reading))
                    for key, item in value.items()
                }
            return value

        return clean(value, prose is _all_but_names)


def _all_but_names(key: str, reading: bool) -> bool:  # noqa: ARG001 # one of two that are called alike
    return key not in _NAMING


def _only_prose(key: str, reading: bool) -> bool:
    return key in _PROSE or (reading and key not in _NAMING)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)


class _Replacements:
    """What stands for each spelling of some secrets."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def within(self, text: str) -> _Substitution:
        """Return how to replace the secrets that stand in *text*.

        Looking for one string after the other is fast in any text; one pattern of all of them is not.
        """
        wanted: Iterable[str] = self._known
        if len(self._known) > _MANY:
            begins = {text[at : at + _BEGINNING] for at in range(len(text))}
            wanted = [one for one in wanted if len(one) < _BEGINNING or one[:_BEGINNING] in begins]
        return _Substitution({spelling: self._known[spelling] for spelling in wanted if spelling in text})


class _Substitution:
    """Replaces the spellings that were found in some text: the first, and of those that begin there the longest."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    def __call__(self, text: str) -> str:
        if not self.known:
            return text
        pieces, reached = [], 0
        for start, length, spelling in sorted(self._occurrences(text)):
            if start >= reached:
                pieces += [text[reached:start], self.known[spelling]]
                reached = start - length
        return "".join([*pieces, text[reached:]])

    def _occurrences(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where each spelling stands, and its length as a negative number, so that the longest comes first."""
        for spelling in self.known:
            at = text.find(spelling)
            while at >= 0:
                if len(spelling) >= _ALONE or _stands_alone(text, at, at + len(spelling)):
                    yield at, -len(spelling), spelling
                at = text.find(spelling, at + 1)


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not any(beside.isascii() and beside.isalnum() for beside in (text[start - 1 : start], text[end : end + 1]))


def is_common(value: str) -> bool:
    """Return whether *value* stands in many texts by itself: a short word, a small number, an ordinary word.

    In a result it is left alone, since blotting it out would spoil the result and hide nothing.
    """
    if len(value) < _SHORTEST + 1 or (len(value) < _ALONE and (value.isalpha() or value.isdigit())):
        return True
    word = value.lower()
    return word in wordlist("ordinary") or word in wordlist("stop")


def _unmistakable(secret: str) -> bool:
    """Return whether *secret* can be nothing else wherever it stands: long, and made by a machine."""
    from dynamic_plugins.redaction.detectors.plausibility import (
        surely_token,  # a plugin without secrets needs none of it
    )

    return any(len(part) >= _UNMISTAKABLE and surely_token(part.rstrip("=")) for part in secret.split())


# ------------------------------------------------------------------------------------------- how programs write


def spellings(secret: str) -> set[str]:
    """Return *secret* in every way in which programs write it.

    As it is; quoted in addresses, once and twice, in HTML, Python and a shell, each of these also within JSON; in JSON
    once and twice; with marks by their codes, as escaping for HTML and JavaScript may write them; in hexadecimal;
    within base64; and each long line of it by itself. The blanks around it are none of it. Nothing for one that is too
    short to be told from other text.
    """
    secret = secret.strip()
    if len(secret) < _SHORTEST:
        return set()
    data = secret.encode("utf-8", "surrogatepass")
    found = {secret, *_in_base64(data), *_in_hexadecimal(data), *_by_codes(secret)}
    if _NEVER_QUOTED.fullmatch(secret):
        return found
    quoted = {*_in_addresses(secret), *_in_html(secret), *_in_python(secret), *_in_shells(secret)}
    found |= {*quoted, *_in_json(secret), *chain.from_iterable(map(_json_strings, quoted))}
    lines = {line.strip() for line in secret.splitlines()} - {secret}
    for line in lines:
        # The first and last lines of a key in PEM are the same in all of them.
        if len(line) >= _LINE and not line.startswith("-----"):
            found |= {line, *_in_addresses(line), *_in_html(line), *_in_json(line)}
    return {spelling for spelling in found if len(spelling) >= _SHORTEST}


# What the quoting functions of several languages leave as it is: Python's two, encodeURIComponent, encodeURI.
_LEFT_UNQUOTED = ("", "/", "!'()*~", ";,/?:@&=+$!'()*#~")


def _in_addresses(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    for safe in _LEFT_UNQUOTED:
        for quoted in (quote(data, safe=safe), quote_plus(data, safe=safe)):
            yield quoted
            yield quote(quoted, safe="")  # an address within another
            yield re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), quoted)


def _in_html(secret: str) -> Iterator[str]:
    plain = html.escape(secret, quote=False)
    yield plain
    for double in ("&quot;", "&#34;", "&#x22;"):
        for single in ("&#x27;", "&#39;", "&apos;", "'"):
            yield plain.replace('"', double).replace("'", single)


def _in_json(secret: str) -> Iterator[str]:
    once = set(_json_strings(secret))
    yield from once
    for written in once:
        yield from _json_strings(written)


def _json_strings(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")
        # Some escape what HTML would read.
        yield re.sub("[<>&']", lambda mark: f"\\u{ord(mark.group()):04x}", written)


def _in_python(secret: str) -> Iterator[str]:
    yield repr(secret)[1:-1]
    yield repr('"' + secret)[2:-1]  # in a longer text with a quotation mark the apostrophes are escaped
    yield repr(secret.encode("utf-8", "surrogatepass"))[2:-1]


def _in_shells(secret: str) -> Iterator[str]:
    yield shlex.quote(secret)[1:-1]
    yield secret.replace("'", "'\\''")


# How a character is written by its code, and what is left as it is beside letters and digits: by OWASP's encoders, by
# Django's and .NET's for JavaScript.
_CODES = ("&#{};", "&#x{:x};", "&#x{:X};", "\\x{:02x}", "\\x{:02X}", "\\u{:04x}", "\\u{:04X}")
_LEFT_PLAIN = re.compile(r"[^\W_]|[,._\- ]"), re.compile(r"[^\W_]|[,._]"), re.compile(r"[^\\'\"<>&=\-;`+]")


def _by_codes(secret: str) -> Iterator[str]:
    for plain in _LEFT_PLAIN:
        for code in _CODES:
            yield "".join(each if plain.fullmatch(each) else code.format(ord(each)) for each in secret)


def _in_hexadecimal(data: bytes) -> Iterator[str]:
    if len(data) >= _BASE64_FROM:
        yield data.hex()
        yield data.hex().upper()


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield the part that base64 of anything with *secret* in it must hold: one for each place it may begin."""
    if len(secret) < _BASE64_FROM:
        return
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret).decode().rstrip("=")
        # The first and last characters also hold bits of what stands around it.
        core = encoded[-(-shift * 8 // 6) :][: (len(secret) * 8 - (-shift * 8) % 6) // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


# ------------------------------------------------------------------------------------------- logs


class SecretsFilter(logging.Filter):
    """A filter for loggers and handlers that takes secrets out of every record, tracebacks included.

    *scrub* is asked for each record, so that it knows the secrets of that moment.
    """

    def __init__(self, scrub: Callable[[str], str]) -> None:
        super().__init__()
        self._scrub = scrub

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit are the logger's to complain about
            return True
        clean = self._scrub(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            trace = logging.Formatter().formatException(record.exc_info)
            if (clean := self._scrub(trace)) != trace:
                record.exc_text, record.exc_info = clean, None
        return True
