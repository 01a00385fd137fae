"""Tokens that no format knows: long runs of letters and digits that are no words, names, hashes or addresses."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.token_formats import Found

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
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"(?i)[0-9a-f]+")
# Long, and made public on purpose: what such a word introduces is not taken for a secret by its looks alone.
PUBLIC = re.compile(
    r"(?i)(?:sha\d*|md5|blake\d\w?|digest|checksum|hash|commit|revision|rev|tree|ref|branch|tag|etag|fingerprint|"
    r"integrity|address|wallet|mint|contract|account|recipient|balance(?: of)?|tx|transaction|signature|block|"
    r"public[ _-]?key|pubkey|uuid|page|database|file|document|channel|video|id)[ \t]*(?:is|of|:|=|#|-)?[ \t]*[\"'`(]?$"
)
_PICTURE = re.compile(r"iVBORw0KGgo|/9j/|R0lGOD|JVBERi0|UklGR|PHN2Zy")
_VOWEL, _CLUSTER = re.compile(r"(?i)[aeiouy]"), re.compile(r"(?i)[^aeiouy]{6}")
SHORTEST = 20
_SHA1 = 40


def by_entropy(text: str) -> Iterator[Found]:
    """Yield what looks random. Not: UUIDs, commit hashes, versions, names of packages, parts of addresses."""
    addresses = [match.span() for match in _ADDRESS.finditer(text)]
    for match in _RUN.finditer(text):
        if any(start <= match.start() < end for start, end in addresses) or _PICTURE.match(match.group()):
            continue
        value = match.group().lstrip("-")
        start = match.start() + match.group().index(value) if value else match.start()
        if looks_random(value) and not PUBLIC.search(text[max(0, start - 40) : start]):
            yield Found(start, start + len(value), value)


def looks_random(value: str) -> bool:
    """Return whether *value* is long and mixed enough to be made by a machine, and no hash, UUID, name or path."""
    plain = value.rstrip("=")
    if len(plain) < SHORTEST or _UUID.fullmatch(plain):
        return False
    if _HEX.fullmatch(plain):
        # Shorter ones are abbreviated hashes, 40 digits are a commit's; 32 and 64 are what keys have.
        return len(plain) >= 32 and len(plain) != _SHA1 and not plain.isdigit() and _entropy(plain) > 2.5
    parts = [part for part in re.split(r"[-_/+]", plain) if part]
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
    digits = any(each.isdigit() for each in part)
    letters = any(each.isalpha() for each in part)
    return (digits and letters) or re.search(r"[a-z][A-Z]", part) is not None


def _wordlike(parts: list[str]) -> float:
    """Return how much of *parts* could be words: camel-case pieces of three letters or more with a vowel in them."""
    letters = [piece for part in parts for piece in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", part)]
    # A year or a version at a word's end says nothing: manylinux2014.
    all_of_it = sum(len(re.sub(r"(?<!\d)\d{1,4}$", "", part)) for part in parts if not part.isdigit())
    words = [piece for piece in letters if len(piece) >= 3 and _VOWEL.search(piece) and not _CLUSTER.search(piece)]
    # Short parts between separators are abbreviations: mcp, v2, py3.
    words += [part for part in parts if part.isalpha() and part.islower() and len(part) <= 5 and part not in words]
    return sum(map(len, words)) / all_of_it if all_of_it else 1.0


def _entropy(value: str) -> float:
    """Return the Shannon entropy in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
