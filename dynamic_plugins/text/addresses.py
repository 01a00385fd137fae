"""Hosts and addresses in a text, and whether a text says a whole word: ``t.co`` is not said by ``reddit.com``."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

LONGEST = 4_000
"""Longer values are no address; of them only so many characters are looked at."""

_DOTS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/{2}[^\s/?#\\]*", re.I)
_DOMAIN = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,10}(?:[^\W\d_]{2,63}|xn--[\w-]+)\.?(?![\w-])")
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.])")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.I)
_COLONS = 7
_PORT = re.compile(r":\d*$")
_WITH_PORT = re.compile(r"(?<![\w.:/-])[\w-]{1,63}:\d{2,5}(?![\w:])")
# Variables whose values are places, whatever they look like.
_PLACE = re.compile(
    r"(?:^|_)(?:UR[IL]S?|HOST(?:S|NAMES?)?|ENDPOINTS?|SERVERS?|BASE|PROXY|DOMAINS?|ADDRESS(?:ES)?|WEBHOOKS?|ORIGINS?"
    r"|REDIRECT|CALLBACKS?|GATEWAY|REGISTRY|INDEX|MIRROR|BROKERS?|NODES?|RPC|DSN|SITES?|INSTANCES?)(?:_|$)",
    re.I,
)


def names_place(variable: str) -> bool:
    """Return whether a variable holds an address or a host by its name: ``LLM_BASE_URL``, ``SMTP_HOST``."""
    return _PLACE.search(variable) is not None


def hosts_in(value: str) -> list[str]:
    """Return the hosts that *value* may lead to, as they stand in it but in lower case; none for what is no address.

    Domains, addresses of both kinds, ``name:port``, and all between ``://`` and the path. Too much sooner than too
    little: a file's name with a dot counts as a host.
    """
    plain = _plain(value)
    found = [authority.split("://", 1)[1] for authority in _WITH_SCHEME.findall(plain)]
    hosts = [_PORT.sub("", part) for authority in found for part in re.split(r"[@,]", authority) if part]
    hosts += _DOMAIN.findall(plain) + [_PORT.sub("", each) for each in _WITH_PORT.findall(plain) + _IP4.findall(plain)]
    hosts += [each for each in _IP6.findall(plain) if "::" in each or each.count(":") == _COLONS]
    return list(dict.fromkeys(hosts))


def _plain(value: str) -> str:
    text = unicodedata.normalize("NFKC", unquote(value[:LONGEST])).translate(_DOTS)
    return text.casefold()


def says(text: str, word: str) -> bool:
    """Return whether *text* has *word* as a whole, in whatever case: not as a part of a longer word, host or number."""
    word = _folded(word.strip())
    if not word:
        return False
    folded = _folded(text)
    at = folded.find(word)
    while at >= 0:
        if _begins(folded, at, word) and _ends(folded, at + len(word), word):
            return True
        at = folded.find(word, at + 1)
    return False


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_DOTS).casefold()


def _begins(text: str, at: int, word: str) -> bool:
    before = text[at - 1] if at else " "
    return not (_in_word(word[0]) and (_in_word(before) or (before in ".-" and at > 1 and _in_word(text[at - 2]))))


def _ends(text: str, end: int, word: str) -> bool:
    after = text[end : end + 1] or " "
    if not _in_word(word[-1]):
        return True
    return not (_in_word(after) or (after in ".-" and _in_word(text[end + 1 : end + 2] or " ")))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
