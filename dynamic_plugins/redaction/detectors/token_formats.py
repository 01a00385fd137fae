"""Tokens that are known by their looks: what `detect-secrets` knows, and prefixes of services that it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Finding:
    """A secret in a text: characters *start* to *end*.

    *label* is the variable that the person wrote with it (*named*), or the one that they may mean, or the service
    whose format it has (``GITHUB``), or empty. *value* is the secret itself, without the line breaks that a terminal
    put into it.
    """

    start: int
    end: int
    value: str
    label: str = ""
    named: bool = False


# Formats as their services publish them. Each needs a good many characters after the prefix, one of them a digit or
# a capital, so that words with the same beginning (`secret_manager`, `pat-a-cake`) stay words.
_TAIL = r"(?=[\w\-]*[0-9A-Z])[A-Za-z0-9_\-]{%d,}"
_PREFIXES: dict[str, tuple[str, int]] = {
    "GITHUB": (r"gh[pousr]_|github_pat_", 10),
    "GITLAB": (r"gl(?:pat|dt|rt|ft|soat|cbt|imt|ptt|agent|oas)-", 12),
    "ANTHROPIC": (r"sk-ant-", 12),
    "OPENAI": (r"sk-proj-|sk-svcacct-|sk-admin-", 12),
    "OPENROUTER": (r"sk-or-", 12),
    "": (r"sk-|sk_|pk_|rk_|key-|token-|tok_|secret-", 20),
    "STRIPE": (r"[sr]k_(?:live|test)_|whsec_", 10),
    "SLACK": (r"xox[abposre]-|xoxe\.|xapp-", 10),
    "NOTION": (r"ntn_|secret_", 20),
    "HUGGINGFACE": (r"hf_|api_org_", 16),
    "GOOGLE": (r"AIza|ya29\.|GOCSPX-", 16),
    "AWS": (r"(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{12})", 12),
    "NPM": (r"npm_", 20),
    "PYPI": (r"pypi-", 40),
    "DIGITALOCEAN": (r"do[opr]_v1_", 20),
    "SHOPIFY": (r"shp(?:at|ca|pa|ss)_", 16),
    "LINEAR": (r"lin_(?:api|oauth)_", 16),
    "FIGMA": (r"fig[dour]_", 16),
    "ATLASSIAN": (r"AT[AC]TT3", 20),
    "AIRTABLE": (r"pat(?=\w{14}\.)", 14),
    "POSTMAN": (r"PMAK-", 20),
    "NEWRELIC": (r"NRAK-", 16),
    "DATABRICKS": (r"dapi(?=[0-9a-f]{32})", 32),
    "DOPPLER": (r"dp\.[a-z]{2,5}\.", 20),
    "GRAFANA": (r"glsa_|glc_", 16),
    "SENTRY": (r"sntry[su]_", 16),
    "SUPABASE": (r"sbp_|sb_secret_", 16),
    "REPLICATE": (r"r8_", 16),
    "GROQ": (r"gsk_", 16),
    "PERPLEXITY": (r"pplx-", 16),
    "TAVILY": (r"tvly-", 12),
    "XAI": (r"xai-", 20),
    "NVIDIA": (r"nvapi-", 16),
    "BRAVE": (r"BSA(?=[A-Za-z0-9_\-]*[0-9])", 20),
    "FIRECRAWL": (r"fc-(?=[0-9a-f]{24})", 24),
    "JINA": (r"jina_", 16),
    "APIFY": (r"apify_api_", 16),
    "E2B": (r"e2b_", 16),
    "TELEGRAM": (r"\d{8,10}:AA", 20),
    "CLOUDFLARE": (r"v1\.0-", 20),
    "AGE": (r"AGE-SECRET-KEY-", 16),
    "VAULT": (r"hv[sbr]\.", 20),
    "TWITCH": (r"oauth:", 20),
    "PLANETSCALE": (r"pscale_(?:tkn|pw|oauth)_", 16),
}
_FORMATS = [
    (re.compile(rf"(?<![A-Za-z0-9_\-])(?:{prefix}){_TAIL % least}"), label)
    for label, (prefix, least) in _PREFIXES.items()
] + [
    # A Discord webhook's last part is all that is needed to write through it.
    (re.compile(r"(?<=/webhooks/)\d{15,21}/[\w\-]{30,}"), "DISCORD"),
    # What stands before the @ of an address, where it is no plain user's name.
    (re.compile(r"(?<=://)(?=[^/\s@:]*\d)[A-Za-z0-9_\-.~%]{16,}(?=@)"), ""),
    (re.compile(r"://[^/\s:@]*:(?P<secret>[^/\s]+)@(?=[\w.\-\[])"), ""),
    # Unencoded it may hold slashes; what begins with a port is a path.
    (re.compile(r"://[^/\s:@]*:(?P<secret>(?!\d{1,5}(?:[/?#]|$))[^\s@\"'<>|]{1,300})@(?=[\w.\-\[])"), ""),
    (re.compile(r"(?<=:)[A-Za-z0-9+/]{40}(?=@[\w.\-\[])"), ""),
    (
        re.compile(
            r"(?<![\w/:@.\-])[\w.\-]{1,64}:(?P<secret>(?=[^\s@]{0,300}\d)[^\s:@\"'<>]{16,300})@(?=[\w.\-]{1,200}\.[a-z]{2})"
        ),
        "",
    ),
    (re.compile(r"(?i)(?<=bearer )(?=\S*\d)[A-Za-z0-9_\-.~+/=]{12,}|(?<=basic )[A-Za-z0-9+/]{16,}={0,2}"), ""),
    (re.compile(r"(?<![\w/])0x[0-9a-fA-F]{64}(?![0-9a-fA-F])"), ""),
    # A JSON Web Token: header and payload in base64, a signature.
    (re.compile(r"eyJ[A-Za-z0-9_=\-]{1,4000}\.[A-Za-z0-9_=\-]+\.?"), ""),
]
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,99}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,99}PRIVATE KEY(?: BLOCK)?-----")
# What is there of a key whose end is cut off.
_PEM_BODY = re.compile(r"(?:(?:\\n|\s)+[A-Za-z0-9+/=:,\-]{16,})*")

# Left out of detect-secrets' own: addresses are no secrets; others take the rest of the line, or only a heading, or the
# square of the text's length in time. Those are above.
_LEFT_OUT = {
    "Public IP (ipv4)",
    "NPM tokens",
    "Private Key",
    "Basic Auth Credentials",
    "OpenAI Token",
    "JSON Web Token",
}
# What `detect-secrets` looks for between the name and the value of an assignment, and the same in linear time.
_SLOW_ASSIGNMENT = "(?: *)(?:=|:|:=|=>| +|::)(?: *)"
_ASSIGNMENT = "(?: {1,40}(?:(?:=>|:=|::|=|:) {0,40})?|(?:=>|:=|::|=|:) {0,40})"
_SERVICE_NOISE = re.compile(
    r"(?i)\b(access|account|api|auth|basic|bot|credentials?|hmac|iam|json|keys?|oauth|secret|storage|tokens?|web)\b"
)


@cache
def _detectors() -> list[tuple[re.Pattern[str], str]]:
    """Return `detect-secrets`' own patterns with their services.

    The patterns are used rather than its scanner, which gives only the first group of some (``ghp`` for a GitHub
    token) and never says where the secret stands. Importing it takes some 0.3 s; nothing of it uses the network
    unless it is told to verify.
    """
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    detectors: dict[str, Any] = dict(get_mapping_from_secret_type_to_class())
    return [
        (_linear(pattern), "_".join(_SERVICE_NOISE.sub(" ", kind).upper().split()))
        for kind, detector in detectors.items()
        if issubclass(detector, RegexBasedDetector) and kind not in _LEFT_OUT
        for pattern in detector.denylist
    ]


def _linear(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Return *pattern* without the three runs of blanks in a row that take the cube of their length in time."""
    return re.compile(pattern.pattern.replace(_SLOW_ASSIGNMENT, _ASSIGNMENT), pattern.flags)


def warm_up() -> None:
    """Import what finding needs, so that the first message does not wait for it."""
    _detectors()


def find_tokens(text: str) -> Iterator[Finding]:
    """Yield what looks like a token of a known service, whole: a match grows to the end of its word."""
    yield from _find_private_keys(text)
    for pattern, label in (*_FORMATS, *_detectors()):
        reached = 0
        for match in pattern.finditer(text):
            start, end = match.span(_group(match))
            if end > reached:  # else it is part of the word before, as in one long run of such tokens
                start, end = _whole_word(text, start, end, reached)
                reached = end
                yield Finding(start, end, text[start:end], label)


def _find_private_keys(text: str) -> Iterator[Finding]:
    reached, last_end = 0, _PEM_END.search(text)
    for begin in _PEM_BEGIN.finditer(text):
        if begin.start() < reached:
            continue
        if last_end is not None and last_end.start() < begin.end():
            last_end = _PEM_END.search(text, begin.end())
        if last_end is not None:
            reached = last_end.end()
        else:
            body = _PEM_BODY.match(text, begin.end())
            reached = body.end() if body else begin.end()
        yield Finding(begin.start(), reached, text[begin.start() : reached])


def _group(match: re.Match[str]) -> int | str:
    if "secret" in match.re.groupindex:
        return "secret"
    # In `detect-secrets` a group is the secret of an assignment, or the mere prefix of a token.
    return 1 if match.re.groups and len(match.group(1) or "") > len(match.group()) // 4 else 0


def _whole_word(text: str, start: int, end: int, reached: int) -> tuple[int, int]:
    """Return *start* and *end* grown to the bounds of their word; the word before, which ends at *reached*, is done."""
    start += len(text[start:end]) - len(text[start:end].lstrip(" \t\"'=:"))
    end -= len(text[start:end]) - len(text[start:end].rstrip(" \t\"'"))
    while start > reached and _of_token(text[start - 1]) and _of_token(text[start]):
        start -= 1
    if rest := _REST_OF_WORD.match(text, end):
        end = rest.end()
    return start, end


_REST_OF_WORD = re.compile(r"[A-Za-z0-9_\-]*")


def _of_token(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "_-")
