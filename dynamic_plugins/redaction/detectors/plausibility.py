"""What a value may look like: a token, or the shape of something else; where it begins and ends in a sentence."""

from __future__ import annotations

import re

from dynamic_plugins.redaction.detectors.entropy import PUBLIC, looks_random
from dynamic_plugins.redaction.detectors.vocabulary import FUNCTION_WORDS, PASSWORD, is_word

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


def token_like(value: str) -> bool:
    """Return whether *value* mixes what words do not mix: letters and digits, or capitals inside."""
    if _SHAPES_OF_OTHERS.fullmatch(value) or _NAMES.fullmatch(value) or _VARIABLE.fullmatch(value):
        return False
    digits, letters = re.search(r"\d", value), re.search(r"[^\W\d_]", value)
    inner_capital = re.search(r"[a-z][A-Z]", value) is not None and len(value) >= 12
    return bool(digits and (letters or len(value) >= 12)) or inner_capital


def surely_token(value: str) -> bool:
    """Return whether *value* is one wherever it stands: letters and digits by turns, and no hash, UUID or name."""
    if NOT_YET.fullmatch(value) or not token_like(value) or is_hash(value):
        return False
    turns = re.findall(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", value)
    return len(value) >= 8 and "=" not in value and (len(turns) >= 2 or looks_random(value))


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
    if not assigned and (close := _CLOSE.search(value)) and _ascii_token(value[: close.start()]):
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


def ends_there(text: str, end: int) -> bool:
    """Return whether a clause ends at *end*, so that the word before it is all that is said of the name."""
    return re.match(r"[.!?。]?\s{0,9}(?:$|\n|[,;.!?)]\s|and\b|und\b|et\b|y\b)", text[end : end + 20]) is not None


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


def marked_one(value: str, *, password: bool, comma: bool) -> bool:
    """Return whether *value* is one where only a mark stands between a name and it; least of all a *comma* will do."""
    if len(value) < 6 or NOT_YET.fullmatch(value) or not token_like(value) or is_hash(value):
        return False
    return password or not comma or surely_token(value)


ASSIGNING = frozenset({"=", ":=", "=>", "==", "===", "->", "→"})
COLONS = frozenset({":", "\uff1a"})
_STATING = frozenset({"is", "equals", "ist", "lautet", "est", "es", "è", "é", "是", "は"})
