"""What a value may look like: a token, a random string, or the shape of something else; where it begins and ends."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.token_formats import Finding
from dynamic_plugins.redaction.detectors.vocabulary import FUNCTION_WORDS, PASSWORD, is_word

if TYPE_CHECKING:
    from collections.abc import Iterator

# Behind @ or # it is a version, a fragment or a commit of the word before, unless there is none.
_RUN = re.compile(
    r"(?:(?<![A-Za-z0-9_@.#])|(?<=[^\w.@#/)\]][@#])|(?<=^[@#]))[A-Za-z0-9+/_\-]{20,}={0,2}(?![A-Za-z0-9_@])",
    re.MULTILINE,
)
_ADDRESS = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]{0,20}://[^\s\"'<>`]+|(?<![\w.])(?:www\.|git@)[^\s\"'<>`]+|github:[^\s\"'<>`]+"
)
_HEX = re.compile(r"(?i)[0-9a-f]+")
# Long, and made public on purpose: what such a word introduces is not taken for a secret by its looks alone.
PUBLIC = re.compile(
    r"(?i)(?:sha\d*|md5|blake\d\w?|digest|checksum|hash|commit|revision|rev|tree|ref|branch|tag|etag|fingerprint|"
    r"integrity|address|wallet|mint|contract|account|recipient|balance(?: of)?|tx|transaction|signature|block|"
    r"public[ _-]?key|pubkey|uuid|page|database|file|document|channel|video|id)[ \t]*(?:is|of|:|=|#|-)?[ \t]*[\"'`(]?$|"
    # As a key of JSON, and then nothing but a digest: "id" and "address" have keys and hooks for values, too.
    r"(?<![a-z0-9])(?:sha\d+|md5|blake\d\w?|digest|checksum|integrity|fingerprint)[\"'][ \t]*:[ \t]*[\"']$"
)
_PICTURE = re.compile(r"iVBORw0KGgo|/9j/|R0lGOD|JVBERi0|UklGR|PHN2Zy")
_VOWEL, _CLUSTER = re.compile(r"(?i)[aeiouy]"), re.compile(r"(?i)[^aeiouy]{6}")
_SEPARATOR = re.compile(r"[-_/+]")
_DIGIT, _LETTER, _INNER_CAPITAL = re.compile(r"\d"), re.compile(r"[^\W\d_]"), re.compile(r"[a-z][A-Z]")
# Without either no part of a value can mix what words do not mix.
_MIXED = re.compile(r"\d|[a-z][A-Z]")
_CAMEL_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_TRAILING_NUMBER = re.compile(r"(?<!\d)\d{1,4}$")
SHORTEST = 20
_SHA1 = 40


def find_random_strings(text: str) -> Iterator[Finding]:
    """Yield what looks random. Not: UUIDs, commit hashes, versions, names of packages, parts of addresses."""
    addresses = [match.span() for match in _ADDRESS.finditer(text)]
    starts = [start for start, _ in addresses]
    for match in _RUN.finditer(text):
        before = bisect_right(starts, match.start()) - 1
        if (before >= 0 and match.start() < addresses[before][1]) or _PICTURE.match(match.group()):
            continue
        value = match.group().lstrip("-")
        start = match.start() + match.group().index(value) if value else match.start()
        if looks_random(value) and not PUBLIC.search(text[max(0, start - 40) : start]):
            yield Finding(start, start + len(value), value)


def looks_random(value: str) -> bool:
    """Return whether *value* is long and mixed enough to be made by a machine, and no hash, UUID, name or path."""
    plain = value.rstrip("=")
    if len(plain) < SHORTEST or _UUID.fullmatch(plain):
        return False
    if _HEX.fullmatch(plain):
        # Shorter ones are abbreviated hashes, 40 digits are a commit's; 32 and 64 are what keys have.
        return len(plain) >= 32 and len(plain) != _SHA1 and not plain.isdigit() and _entropy(plain) > 2.5
    if not _MIXED.search(plain):
        return False
    parts = [part for part in _SEPARATOR.split(plain) if part]
    mixed = [part for part in parts if _mixed(part)]
    long_enough = max(map(len, mixed), default=0) >= 10 or sum(map(len, mixed)) >= 20
    # With a folder's name among its parts it is a path sooner than base64.
    path = (
        "/" in plain
        and "+" not in plain
        and any(len(part) >= 4 and part.isalpha() and part.islower() for part in parts)
    )
    return long_enough and not path and _entropy(plain) >= 3.0 and _wordlike(parts) < 0.74


def _mixed(part: str) -> bool:
    return (_DIGIT.search(part) and _LETTER.search(part)) is not None or _INNER_CAPITAL.search(part) is not None


def _wordlike(parts: list[str]) -> float:
    """Return how much of *parts* could be words: camel-case pieces of three letters or more with a vowel in them."""
    letters = [piece for part in parts for piece in _CAMEL_PIECE.findall(part)]
    # A year or a version at a word's end says nothing: manylinux2014.
    all_of_it = sum(len(_TRAILING_NUMBER.sub("", part)) for part in parts if not part.isdigit())
    words = [piece for piece in letters if len(piece) >= 3 and _VOWEL.search(piece) and not _CLUSTER.search(piece)]
    # Short parts between separators are abbreviations: mcp, v2, py3.
    seen = frozenset(words)
    words += [part for part in parts if part.isalpha() and part.islower() and len(part) <= 5 and part not in seen]
    return sum(map(len, words)) / all_of_it if all_of_it else 1.0


def _entropy(value: str) -> float:
    """Return the Shannon entropy in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


_APOSTROPHE = "\u2019"
_CLOSING, _END = f".,;:)]}}'{_APOSTROPHE}", "!?。\uff0c\uff01\uff1f\uff09"
NOT_YET = re.compile(
    r"(?i)[\[<{(].*|\$\{?\w+\}?|%\w+%|[x*.•…_\-]+|(?:your|my|the|some|dein|votre|tu)[_-].*|.*[_-]here|"
    r"(?:sk|ghp|ntn|xoxb)[-_](?:x+|\.+|…)|(?:process|import\.meta)\.env.*|os\.(?:environ|getenv).*|[a-z][\w.]*\(.*|@?[\w.\-]+@[\w.\-]+\.\w+|"
    r"(?-i:\$?[A-Z]+(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD))"
)
"""What stands in a secret's place until there is one."""
_SHAPES_OF_OTHERS = re.compile(
    r"[v=~^<>]*\d+(?:\.\d+)+(?:[.\-+]?(?:a|b|rc|alpha|beta|dev|post)[\w.]*)?|"  # a version
    r"@[\w.\-]+/[\w.\-@]+|\w+://\S*|[~.]{0,2}/\S*|[\w.\-]+@[\w.\-]+\.\w+|"
    r"[\w.\-]+(?:==|>=|~=)[\w.]+|[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.[a-z]{2,6}/\S*|"  # a package, an address
    r"\d{4}-\d\d-\d\d\S*|\d{1,2}:\d\d\S*|"  # a time
    r"\d+(?:st|nd|rd|th|h|min|days?|weeks?|months?|years?|hours?|k|[kmgt]i?b|px|ms|tokens?)|"  # a measure
    r"[\w\-./]+\.(?:py|json|toml|ya?ml|md|txt|env|[jt]sx?|csv|pdf|png|jpe?g|gif|svg|zip|gz|tar|whl|log|sh|html?|css|docx?|"
    r"xlsx?|pptx?|mp[34]|wav|sql|db|ini|cfg|conf|lock|rs|ipynb|xml|exe|pem)"  # a file
)
# Names that mix letters and digits as tokens do.
_NAMES = re.compile(
    r"(?i)1password|2captcha|oauth-?\d\w*|openid\d?|base-?\d\d(?:url)?|sha-?\d+|utf-?\d+|python-?\d[\d.]*|node-?\d+|"
    r"web3\w{0,6}|(?:ed|x)25519|secp256k1|rsa-?\d+|aes-?\d+\w*|hs256|rs256|es256|erc-?\d+|gpt-?\d\S*|llama-?\d\S*|"
    r"qwen-?\d\S*|claude-?\S*|gemini-\S*|o\d-\w+|neo4j|context7|win(?:32|64)|amd64|arm64|x86_64|ubuntu-?\d\S*|"
    r"windows-?\d+|http\d|ipv\d|mp\d|[a-z]+-v?\d{1,2}|v\d+[a-z]*\d*|auth0|k8s|s3|[a-z]+\d+k_base|(?:@?[\w]+[-/])?(?:plugin|mcp|elizaos)(?:-[a-z]+)*-?\w{0,12}"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,12}|[0-9a-f]{40}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_[A-Z]+\d?")
# Scripts whose words stand close to one another: no token goes on in them.
_CLOSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")

_CLOSE_SOON = re.compile(r"\d{0,3}" + _CLOSE.pattern)


_TURN = r"(?:\d[A-Za-z]|[A-Za-z]\d)"
_TWO_TURNS = re.compile(rf"[A-Za-z]\d(?:[A-Za-z]|.*?{_TURN})|\d[A-Za-z](?:\d|.*?{_TURN})", re.DOTALL)


def token_like(value: str) -> bool:
    """Return whether *value* mixes what words do not mix: letters and digits, or capitals inside."""
    if _DIGIT.search(value):
        mixed = len(value) >= 12 or _LETTER.search(value) is not None
    else:
        mixed = len(value) >= 12 and _INNER_CAPITAL.search(value) is not None
    return mixed and not (_SHAPES_OF_OTHERS.fullmatch(value) or _NAMES.fullmatch(value) or _VARIABLE.fullmatch(value))


def surely_token(value: str) -> bool:
    """Return whether *value* is one wherever it stands: letters and digits by turns, and no hash, UUID or name."""
    if len(value) < 8 or "=" in value or NOT_YET.fullmatch(value) or not token_like(value) or is_hash(value):
        return False
    return _TWO_TURNS.search(value) is not None or looks_random(value)


def is_hash(value: str) -> bool:
    """Return whether *value* is a UUID, or a commit's hash, as a whole or abbreviated."""
    return (_UUID.fullmatch(value) or _ABBREVIATED.fullmatch(value)) is not None


def is_public(text: str, start: int) -> bool:
    """Return whether what stands before *start* says that the value there is no secret: ``commit``, ``id``."""
    return PUBLIC.search(text[max(0, start - 40) : start]) is not None


def bounds(text: str, start: int, end: int, *, assigned: bool, name: str) -> tuple[int, int]:
    """Return where the value in *start* to *end* begins and ends without what belongs to the sentence.

    That are closing marks; the end of a sentence too, but not in ``KEY=VALUE!``.
    """
    value = text[start:end]
    if (
        not assigned
        and not value.isascii()
        and (close := _CLOSE.search(value))
        and _ascii_token(value[: close.start()])
    ):
        rest = value[close.start() :]
        # A password may hold anything.
        if not (PASSWORD.search(name) and any(each.isdigit() for each in rest)):
            value = value[: close.start()]
    trimmed = value.rstrip(_CLOSING if assigned else _CLOSING + _END)
    # An opening bracket inside wants its closing one back.
    if trimmed.count("(") > trimmed.count(")") and value[len(trimmed) :].startswith(")"):
        trimmed += ")"
    end = start + len(trimmed)
    return (start + 1 if trimmed.startswith(("'", "\u2018")) else start), end


def _ascii_token(value: str) -> bool:
    return len(value) >= 4 and value.isascii() and value.isprintable()


_END_OF_CLAUSE = re.compile(r"[.!?。]?\s{0,9}(?:$|\n|[,;.!?)]\s|and\b|und\b|et\b|y\b)")


def ends_there(text: str, end: int) -> bool:
    """Return whether a clause ends at *end*, so that the word before it is all that is said of the name."""
    return _END_OF_CLAUSE.match(text[end : end + 20]) is not None


def plausible(value: str, name: str, join: str, *, exact: bool, quoted: bool, last: bool, strict: bool) -> bool:
    """Return whether *value* is one, going by how it is joined to the *name* and by how it looks.

    *exact* names are variables; *last* says that nothing follows in the sentence; with *strict* only a token will do.
    """
    if NOT_YET.fullmatch(value) or (
        is_word(value) and not (exact and join in ASSIGNING and value.lower() not in FUNCTION_WORDS)
    ):
        return False
    if exact and join in ASSIGNING:
        return True
    if not quoted and join not in COLONS and _CLOSE_SOON.match(value):
        return False  # a sentence that goes on
    if looks_random(value):
        return True
    if name.lower() in {"key", "keys"} and not _of_a_key(value):
        return False  # of a table or a piano, as likely as not
    if strict:
        return token_like(value) and len(value) >= 6
    if exact and join in COLONS:
        return quoted or last or token_like(value)
    if exact and quoted and join.lower() in _STATING and len(value) >= 6:
        return not FUNCTION_WORDS & set(value.lower().split())
    if _SHAPES_OF_OTHERS.fullmatch(value) and not PASSWORD.search(name):
        return False
    if PASSWORD.search(name) and join:
        plain = re.fullmatch(r"[a-z]+(?:['’-][a-z]+)*", value) is not None  # noqa: RUF001 - as it is typed
        return len(value) >= 3 and (quoted or last or not plain)
    if join and len(value) >= 6:
        return token_like(value) or (exact and last and len(value) >= 8)
    return token_like(value) and len(value) >= 6


def _of_a_key(value: str) -> bool:
    return ":" not in value and (len(value) >= 12 or (len(value) >= 8 and len(re.findall(r"\d", value)) >= 2))


def plausible_after_mark(value: str, *, password: bool, comma: bool) -> bool:
    """Return whether *value* is one where only a mark stands between a name and it; least of all a *comma* will do."""
    if len(value) < 6 or NOT_YET.fullmatch(value) or not token_like(value) or is_hash(value):
        return False
    return password or not comma or surely_token(value)


ASSIGNING = frozenset({"=", ":=", "=>", "==", "===", "->", "→"})
COLONS = frozenset({":", "\uff1a"})
_STATING = frozenset({"is", "equals", "ist", "lautet", "est", "es", "è", "é", "是", "は"})
