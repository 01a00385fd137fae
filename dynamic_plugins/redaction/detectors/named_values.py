"""Secrets that are named: ``DISCORD_API_TOKEN is abc123``, ``KEY=VALUE``, ``my notion key: …``, in prose and code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.redaction.detectors.assignments import NEXT, QUOTED, assigned, headers, pairs, unclosed
from dynamic_plugins.redaction.detectors.nearby import before_a_name, beside, replacing
from dynamic_plugins.redaction.detectors.plausibility import (
    ASSIGNING,
    COLONS,
    NOT_YET,
    bounds,
    ends_there,
    is_hash,
    marked_one,
    plausible,
    token_like,
)
from dynamic_plugins.redaction.detectors.token_formats import Found
from dynamic_plugins.redaction.detectors.vocabulary import (
    BETWEEN,
    COPULA,
    COPULA_ELSEWHERE,
    FUNCTION_WORDS,
    NAMED,
    NOUN,
    OTHER_THING,
    PARTICLE,
    PARTICLE_ELSEWHERE,
    PASSWORD,
    SEVERAL,
    UNSPACED,
    is_word,
)
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# A word that goes on in another script is none of ours: `clé`; but Chinese and Japanese need no blank around a name.
_WORD = r"A-Za-z0-9_/@\u00c0-\u024f\u1e00-\u1eff"
# A variable's name (DISCORD_API_TOKEN, api-key, apiKey), or up to three words with a noun that means a secret.
NAME = re.compile(
    rf"(?i:(?<![\w.-])(?:{SEVERAL})(?!\w))|"
    rf"(?P<variable>(?:(?<![.{_WORD}])|(?<=env\.))[A-Za-z][A-Za-z0-9]*(?:[_\-][A-Za-z0-9]+)*(?![{_WORD}]))|"
    rf"(?i:(?<!\w)(?:{NOUN})|{UNSPACED})"
)
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
# Unquoted, to the next blank; what it is shows in its first few hundred characters.
_ENOUGH = 400
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


def by_name(text: str, known: Collection[str] = (), installed: Collection[str] = ()) -> Iterator[Found]:
    """Yield the values that stand beside a secret's name. *known* are plugins' secret variables, in capitals.

    Among the *installed* plugins' the one is looked for that "my notion key" may mean.
    """
    for name, start, end in pairs(text):
        if is_variable(name, known) and not NOT_YET.fullmatch(text[start:end]):
            yield Found(start, end, text[start:end], canonical(name), named=True)
    yield from headers(text)
    reached = 0
    for match in NAME.finditer(text):
        if match.start() < reached:
            continue  # part of a value
        for found in _named(text, match, known, installed):
            reached = max(reached, found.end)
            yield found
    for match in _SEED_WORDS.finditer(text):
        if not _NO_SEED_WORDS & set(re.findall(r"[a-z]+", match.group())):
            yield Found(*match.span(), " ".join(re.findall(r"[a-z]+", match.group())), "MNEMONIC")


def _named(text: str, name: re.Match[str], known: Collection[str], installed: Collection[str]) -> Iterator[Found]:
    said = name.group()
    variable = said if name["variable"] and is_variable(said, known) else ""
    noun = NAMED.fullmatch(said) is not None
    if not (variable or noun) or (not variable and _KEY_OF.search(text, max(0, name.start() - 20), name.start())):
        return
    exact = bool(variable) and ("_" in canonical(variable) or canonical(variable) in known)
    label = canonical(variable) if exact else meant(text, name, installed)
    found = _after(text, name, exact=exact)
    if found is not None:
        start, end, value = found
        yield Found(start, end, value, label, named=exact)
        if not exact and (span := replacing(text, end)):
            yield Found(*span, text[slice(*span)], label)
    if (
        found is None
        and noun
        and (plain := _PLAIN.match(text, name.end()))
        and re.fullmatch(UNSPACED, said)
        and PASSWORD.search(said)
    ):
        word = plain["value"]
        if not is_word(word) and not NOT_YET.fullmatch(word) and word.lower() not in _NO_PASSWORDS:
            yield Found(*plain.span("value"), word, label)
    if exact:
        declared = canonical(variable) in known
        for start, end in beside(text, name.start(), name.end(), found[1] if found else 0, declared=declared):
            yield Found(start, end, text[start:end], label, named=True)
    if not OTHER_THING.match(text, name.end()) and (span := before_a_name(text, name.start(), said, exact=exact)):
        yield Found(*span, text[slice(*span)], label, named=exact)


def _after(text: str, name: re.Match[str], *, exact: bool) -> tuple[int, int, str] | None:
    """Return the value behind *name*: where it stands, and what it is."""
    said = name.group()
    joins = [*_JOINS] if OTHER_THING.match(text, name.end()) else [*_JOINS, *_STRICT, *_MARKED]
    for pattern in joins:
        joined = pattern.match(text, name.end())
        if joined is None or any(map(token_like, text[name.end() : joined.start("join")].split())):
            continue
        sign = joined["join"].strip().rstrip("[{( \t\n")
        strict, marked = pattern in _STRICT, pattern in _MARKED
        if exact and not (strict or marked) and (sign in ASSIGNING or sign in COLONS):
            written = assigned(text, name.start(), joined.end(), shell=sign == "=")
            if (
                written
                and written[2]
                and plausible(written[2], said, sign, exact=True, quoted=True, last=True, strict=False)
            ):
                return written
        phrase = (
            _PHRASE.match(text, joined.end()) if PASSWORD.search(said) and sign and not (strict or marked) else None
        )
        if phrase and not (FUNCTION_WORDS | _NO_SEED_WORDS) & set(phrase.group().split()):
            return *phrase.span(), phrase.group()
        quoted = QUOTED.match(text, joined.end())
        if quoted:
            start, end = quoted.span(quoted.lastindex or 0)
        elif span := unclosed(text, joined.end(), sign):
            return *span, text[slice(*span)]
        elif bare := _BARE.match(text, joined.end()):
            # A comma, semicolon or ampersand ends it only where another assignment follows.
            following = NEXT.search(text, bare.start() + 1, bare.end() + 120)
            end = min(bare.end(), following.start()) if following else bare.end()
            start, end = bounds(text, bare.start(), end, assigned=sign == "=", name=said)
        else:
            continue
        value, last = text[start:end], ends_there(text, end)
        if not exact and is_hash(value) and _COMMITS.search(text, max(0, start - 80), end + 40):
            continue
        if said.lower() == "pass" and sign in {"", "to"} and not _LOGIN.search(text, max(0, name.start() - 60), start):
            continue
        wide = strict and not quoted
        if value and (
            marked_one(value, password=PASSWORD.search(said) is not None, comma=sign == ",")
            if marked
            else plausible(value, said, sign, exact=exact, quoted=bool(quoted), last=last, strict=wide)
        ):
            if not quoted and end - start >= _ENOUGH - 1:
                end = next(_MORE.finditer(text, end)).end()
            return start, end, text[start:end]
    return None


def is_variable(said: str, known: Collection[str]) -> bool:
    """Return whether *said* is the name of a variable that holds a secret: a *known* one, or one by its looks."""
    name = canonical(said)
    # Only a name that ends like a secret's: `secret-manager` and `token-counter` are plugins.
    ends = re.search(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PWD|PAT|MNEMONIC|SEED|CREDENTIALS?)\d?$", name)
    return name in known or bool(ends and (looks_secret(name) or re.search(r"[a-z](?:Key|Token|Secret|Pass)", said)))


def canonical(said: str) -> str:
    """Return a variable's name as programs write it: ``apiKey`` and ``api-key`` are ``API_KEY``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said).replace("-", "_").upper()


def meant(text: str, name: re.Match[str], installed: Collection[str]) -> str:
    """Return the one variable that has all the words before and in the name: ``my notion key``; or nothing."""
    before = re.findall(r"[A-Za-z0-9]+", text[max(0, name.start() - 40) : name.start()])[-3:]
    noun = re.findall(r"[A-Z]+", canonical(name.group()))
    for said in (before, before[-2:], before[-1:]):
        wanted = {word.upper() for word in said} | set(noun[-1:])
        fitting = [each for each in installed if said and wanted <= set(each.split("_"))]
        if len(fitting) == 1:
            return fitting[0]
    return ""
