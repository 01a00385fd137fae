"""Secrets as programs are handed them: cookies, a bearer's token, flags of commands, a shell's environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.plausibility import NOT_YET, token_like
from dynamic_plugins.redaction.detectors.token_formats import Found
from dynamic_plugins.redaction.detectors.vocabulary import is_word

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def handed(text: str) -> Iterator[Found]:
    """Yield the values that programs take for secrets, whatever they look like."""
    for header in _COOKIES.finditer(text):
        for cookie in _COOKIE.finditer(text, header.start("pairs"), header.end("pairs")):
            if cookie["name"].lower() not in _ATTRIBUTES:
                yield from _found(cookie, "value")
    for pattern in (_SESSION, *_FLAGS, _BLOCK):
        for match in pattern.finditer(text):
            yield from _found(match, "value")
    for match in _SIGNED.finditer(text):
        if token_like(match["value"]):
            yield from _found(match, "value")
    for match in _BEARER.finditer(text):
        value = match["value"].rstrip(".")
        # A plain word is one only behind the scheme's own spelling: "the bearer of …" says something else.
        plain = match.group().startswith("Bearer") and value.isalpha() and len(value) >= 12
        if token_like(value) or (plain and not is_word(value) and not _ABOUT_BEARERS.fullmatch(value)):
            yield from _found(match, "value")


def _found(match: re.Match[str], group: str) -> Iterator[Found]:
    start, end = match.span(group)
    value = match[group].rstrip(".,)]}")
    if value and not NOT_YET.fullmatch(value) and not value.startswith("$"):
        yield Found(start, min(end, start + len(value)), value)
