"""Secrets that are named: ``DISCORD_API_TOKEN is abc123``, ``KEY=VALUE``, ``my notion key: …``, in prose and code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.chat.redaction.entropy import looks_random
from dynamic_plugins.chat.redaction.formats import Found
from dynamic_plugins.registry.sensitive import looks_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NOUN = (
    r"api[ _-]?keys?|access[ _-]?keys?|secret[ _-]?keys?|private[ _-]?keys?|auth[ _-]?keys?|keys?|tokens?|secrets?|"
    r"pass(?: ?words?)?|passwd|pwd|pw|passphrase|pass ?code|credentials?|pat|pin|webhook|"
    r"(?:seed|recovery|mnemonic)(?: phrase| words)?|"
    r"schlüssel|passwort|kennwort|clé|mot de passe|contraseña|clave|senha|chave|chiave|парол\w*|ключ\w*|токен\w*"
)
_UNSPACED = "密码|密碼|密钥|密鑰|令牌|パスワード|キー|トークン|비밀번호|토큰"  # words have no blank before them
_PASSWORD = re.compile(r"(?i)pass|pwd|^pw$|pin$|kennwort|contraseña|senha|парол|密|パス|비밀")
# A variable's name (DISCORD_API_TOKEN, api-key, apiKey), or up to three words with a noun that means a secret.
_NAME = re.compile(
    rf"(?P<variable>(?<![\w/.@])[A-Za-z][A-Za-z0-9]*(?:[_\-][A-Za-z0-9]+)*(?![\w/@]))|"
    rf"(?i:(?P<noun>(?<!\w)(?:{_NOUN})|{_UNSPACED}))"
)
_APOSTROPHE, _COLON = "\u2019", "\uff1a"
_QUOTES = "\"'`\u00b4“”\u2018\u2019«»"
_CLOSING, _END = f".,;:)]}}'{_APOSTROPHE}", "!?。\uff0c\uff01\uff1f\uff09"
# Between name and value: the close of the name's own quotes or emphasis, then what joins them.
_JOIN = re.compile(
    rf"[{_QUOTES}\])*]{{0,3}}(?P<join>\s*(?::=|=>|->|→|={{1,3}}|{_COLON}|:)[ \t]*(?:\n[ \t]*)?|"
    r"\s*[,(]?\s+(?:(?:which |that )?(?:is|are|to|as|be|with|ist|lautet|est|es|é|è|это|equals|now|value)\s*:?\s+){1,4}|"
    r"\s*(?:是|为|為|は|は、|は「|는|은)\s*|[ \t]+|\s*\n\s*)"
)
_PAIR = re.compile(
    r"""(?i)["']?(?:name|key|variable)["']?\s*[:=]\s*["'](?P<name>[A-Za-z_][\w\-]*)["']\s*,\s*"""
    r"""["']?value["']?\s*[:=]\s*(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote)).)+)(?P=quote)"""
)
_QUOTED = re.compile(
    r'"((?:\\.|[^"\\\n])+)"|\'((?:\\.|[^\'\\\n])+)\'|`([^`\n]+)`|“([^”\n]+)”|«([^»\n]+)»|「([^」\n]+)」'
)
# Unquoted, to the next blank; a comma, semicolon or ampersand ends it only where another assignment follows.
_WIDE = "\uff0c\u3002\uff01\uff1f\uff1b\u3001\uff08\uff09"
_BARE = re.compile(
    rf"[^\s\"`<>“”「」{_WIDE}]+?(?=[,;&][ \t]*[\"']?[A-Za-z_][\w\-]*[\"']?\s*[=:]|[\s\"`<>“”「」{_WIDE}]|$)"
)
# A passphrase of plain words, to the end of its sentence.
_PHRASE = re.compile(r"(?:[a-z]{2,}[ \t]+){2,7}[a-z]{2,}(?=[.!?]?[ \t]*(?:$|\n))")
_NOT_YET = re.compile(
    r"(?i)[\[<{(].*|\$\{?\w+\}?|%\w+%|[x*.•…_\-]+|(?:your|my|the|some|dein|votre|tu)[_-].*|.*[_-]here|"
    r"(?:sk|ghp|ntn|xoxb)[-_](?:x+|\.+|…)|process\.env.*|[a-z][\w.]*\(.*|@?[\w.\-]+@[\w.\-]+\.\w+|"
    r"(?-i:[A-Z]+(?:_[A-Z]+)*_(?:KEY|TOKEN|SECRET|PASSWORD))"
)
_WORDS = frozenset(
    """a an and any are as at been before but by can do does false for from function good has have here i if in
    into invalid is it its kept later left like live lives missing my needed never no none not now null of off
    ok on one only optional or out over please private public put read ready required revoked rotated same
    secret set so still stored that the then there they this to true undefined unknown unset up used using valid
    value variable want was we what when where which who why will with wrong yes yet you your yours""".split()  # noqa: SIM905 - a table of words
)
_SHAPES_OF_OTHERS = re.compile(
    r"[v=~^<>]*\d+(?:\.\d+)+(?:[.\-+]?(?:a|b|rc|alpha|beta|dev|post)[\w.]*)?|"  # a version
    r"@[\w.\-]+/[\w.\-@]+|\w+://\S*|[~.]{0,2}/\S*|[\w.\-]+@[\w.\-]+\.\w+|"  # a package, an address, a path
    r"\d{4}-\d\d-\d\d\S*|\d{1,2}:\d\d\S*|[\w\-]+\.(?:py|json|toml|ya?ml|md|txt|env|ts|js)"  # a time, a file
)
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
    for match in _PAIR.finditer(text):
        if _is_variable(match["name"], known) and not _NOT_YET.fullmatch(match["value"]):
            yield Found(*match.span("value"), match["value"], _canonical(match["name"]), named=True)
    for name in _NAME.finditer(text):
        yield from _after(text, name, known, installed)
    for match in _SEED_WORDS.finditer(text):
        if not _NO_SEED_WORDS & set(re.findall(r"[a-z]+", match.group())):
            yield Found(*match.span(), " ".join(re.findall(r"[a-z]+", match.group())), "MNEMONIC")


def _after(text: str, name: re.Match[str], known: Collection[str], installed: Collection[str]) -> Iterator[Found]:
    said = name.group()
    variable = said if name["variable"] and _is_variable(said, known) else ""
    noun = re.fullmatch(rf"(?i)(?:{_NOUN}|{_UNSPACED})", said) is not None
    if not (variable or noun) or (joined := _JOIN.match(text, name.end())) is None:
        return
    quoted = _QUOTED.match(text, joined.end())
    phrase = _PHRASE.match(text, joined.end()) if _PASSWORD.search(said) and joined["join"].strip() else None
    if phrase and not (_WORDS | _NO_SEED_WORDS) & set(phrase.group().split()):
        yield Found(*phrase.span(), phrase.group(), _meant(text, name, installed))
        return
    if quoted:
        group = quoted.lastindex or 0
        start, end = quoted.span(group)
    elif bare := _BARE.match(text, joined.end()):
        start, end = bare.start(), bare.start() + len(_trimmed(bare.group(), joined["join"]))
    else:
        return
    value = text[start:end]
    exact = bool(variable) and ("_" in _canonical(variable) or _canonical(variable) in known)
    if value and _plausible(value, said, joined["join"], exact=exact, quoted=bool(quoted), last=_ends(text, end)):
        label = _canonical(variable) if exact else _meant(text, name, installed)
        yield Found(start, end, value, label, named=exact)


def _is_variable(said: str, known: Collection[str]) -> bool:
    name = _canonical(said)
    # Only a name that ends like a secret's: `secret-manager` and `token-counter` are plugins.
    ends = re.search(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PWD|PAT|MNEMONIC|SEED|CREDENTIALS?)\d?$", name)
    return name in known or bool(ends and (looks_secret(name) or re.search(r"[a-z](?:Key|Token|Secret|Pass)", said)))


def _canonical(said: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said).replace("-", "_").upper()


def _trimmed(value: str, join: str) -> str:
    """Take off what belongs to the sentence: closing marks; the end of a sentence too, but not in ``KEY=VALUE!``."""
    trimmed = value.rstrip(_CLOSING if join == "=" else _CLOSING + _END)
    if trimmed.startswith("'"):
        trimmed = trimmed[1:]
    # An opening bracket inside wants its closing one back.
    if trimmed.count("(") > trimmed.count(")") and value[len(trimmed) :].startswith(")"):
        trimmed += ")"
    return trimmed


def _ends(text: str, end: int) -> bool:
    return re.match(r"[.!?。]?\s*(?:$|\n|[,;.!?)]\s|and\b|und\b|et\b|y\b)", text[end:]) is not None


def _plausible(value: str, name: str, join: str, *, exact: bool, quoted: bool, last: bool) -> bool:
    """Return whether *value* is one, going by how it is joined to the *name* and by how it looks."""
    if _NOT_YET.fullmatch(value) or value.lower().strip(".,!?") in _WORDS:
        return False
    assigned = join.strip().rstrip() in {"=", ":=", "=>", "==", "===", "->", "→"}
    if exact and assigned:
        return True
    if looks_random(value):
        return True
    if exact and join.strip() in {":", _COLON}:
        return quoted or last or _token_like(value)
    if _SHAPES_OF_OTHERS.fullmatch(value) and not _PASSWORD.search(name):
        return False
    if _PASSWORD.search(name) and join.strip():
        return quoted or last or any(not each.islower() for each in value)
    if name.lower() in {"key", "keys"} and len(value) < 12:
        return False  # of a table or a piano, as likely as not
    if (assigned or join.strip()) and len(value) >= 6:
        return _token_like(value) or (exact and last and not join.isspace() and len(value) >= 8)
    return _token_like(value) and len(value) >= 6


def _token_like(value: str) -> bool:
    """Return whether *value* mixes what words do not mix: letters and digits, or capitals inside."""
    if _SHAPES_OF_OTHERS.fullmatch(value):
        return False
    digits = any(each.isdigit() for each in value)
    letters = any(each.isalpha() for each in value)
    inner_capital = re.search(r"[a-z][A-Z]", value) is not None and len(value) >= 12
    return (digits and letters) or inner_capital or (digits and len(value) >= 12)


def _meant(text: str, name: re.Match[str], installed: Collection[str]) -> str:
    """Return the one variable that has all the words before and in the name: ``my notion key``; or nothing."""
    before = re.findall(r"[A-Za-z0-9]+", text[max(0, name.start() - 40) : name.start()])[-3:]
    noun = re.findall(r"[A-Z]+", _canonical(name.group()))
    for said in (before, before[-2:], before[-1:]):
        wanted = {word.upper() for word in said} | set(noun[-1:])
        fitting = [each for each in installed if said and wanted <= set(each.split("_"))]
        if len(fitting) == 1:
            return fitting[0]
    return ""
