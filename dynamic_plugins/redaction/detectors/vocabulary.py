"""The words that secrets are told with, in many languages: what they are called, what joins name and value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.text.secret_names import ends_in_secret_noun, looks_secret

if TYPE_CHECKING:
    from collections.abc import Collection

_LATIN = (
    r"(?:api|access|secret|private|auth|license|signing|encryption|master|service)[ _-]?(?:keys?|tokens?|codes?)|"
    r"keys?|tokens?|secrets?|pass(?: ?words?)?|passwd|pwd|pw|passphrase|pass ?code|credentials?|pat|pin|webhook|"
    r"(?:seed|recovery|mnemonic)(?: phrase| words)?|"
    r"(?:api[ -]?)?schlüssel|passwort|kennwort|zugangscode|"
    r"(?:clé|jeton)s?|contraseña|clave|llave|senha|chave|palavra-passe|chiave|"
    r"wachtwoord|toegangscode|(?:api[ -]?)?sleutel|lösenord(?:et)?|(?:api[ -]?)?nyckeln?|adgangskode\w?|kodeord\w{0,2}|"
    r"passord\w{0,2}|nøgle\w?|nøkkel\w{0,2}|salasana\w{0,4}|avain|hasł\w{1,3}|klucz\w{0,3}|hesl\w{1,2}|klíč\w{0,2}|"
    r"şifre\w{0,4}|parola\w{0,4}|anahtar\w{0,4}|jelsz\w{1,4}|cheie|cheia|kunci|"
    r"token['’]?\w{1,3}(?=\s*:)"  # noqa: RUF001 - as it is typed
)
SEVERAL = (
    r"(?:api|access|secret|private|auth|license|signing|encryption|master) (?:keys?|tokens?|codes?)|"
    r"(?:seed|recovery|mnemonic|secret) (?:phrase|words)|mots? de passe|phrase secrète|code secret|palavra passe|"
    r"parola d['’]ordine|mật khẩu|kata sandi"  # noqa: RUF001 - as it is typed
)
"""Names of several words, the first of which is none."""
_OTHER = (
    r"парол\w*|ключ\w*|токен\w*|κωδικ\w{1,3}|κλειδ\w{1,3}|"
    r"و?(?:ال)?(?:كلمة (?:المرور|السر)|رمز(?: عبور)?|مفتاح|توكن)\w{0,2}|گذرواژه|رمز عبور|"
    r"ה?(?:סיסמ[הא]|מפתח|אסימון|טוקן)\w{0,2}|סיסמת|पासवर्ड|कूटशब्द|टोकन|कुंजी|รหัสผ่าน|โทเค็น|คีย์"
)
UNSPACED = (
    "密码|密碼|密钥|密鑰|金鑰|令牌|口令|暗証番号|合言葉|秘密鍵|パスワード|キー|トークン|비밀번호|암호|토큰|API 키"
)
"""Names that no blank stands before."""
NOUN = f"{SEVERAL}|{_LATIN}|{_OTHER}"
NAMED = re.compile(rf"(?i)(?:{NOUN}|{UNSPACED})")
PASSWORD = re.compile(
    r"(?i)pass|pwd|^pw$|pin$|kennwort|contraseña|senha|парол|密码|密碼|口令|暗|合言葉|パス|비밀|암호|wachtwoord|lösenord|"
    r"adgangskode|kodeord|salasana|hasł|hesl|şifre|parola|jelsz|mật khẩu|kata sandi|κωδικ|كلمة|عبور|گذرواژه|סיסמ|"
    r"पासवर्ड|รหัสผ่าน"
)
# What is said after these may be a plain word; after the others only what looks like a token is a value.
COPULA = r"which is|that is|is|are|to|as|be|with|ist|lautet|est|es|é|è|это|equals|now|value"
COPULA_ELSEWHERE = (
    r"from|von|was|'s|reads|sind|heißt|sont|c['’]est|son|são|будет|jest|brzmi|wynosi|är|er|je|este|van|być|olacak|şudur|"  # noqa: RUF001
    r"है|हैं|είναι|là|adalah|คือ|هو|هي|هی|است|הוא|היא|הינו|zu|auf|à|en|a|su|naar|till|på|"
    r"(?:should|shall|will|must|would|can|could|has to|needs to|ought to) (?:now )?be(?: set to)?|"
    r"(?:debe|tiene que) ser|doit être|deve essere|deve ser|soll|muss|moet"
)
PARTICLE = "应该是|應該是|就是|是|为|為|は「|は|는|은"
"""What joins a name and its value where words have no blanks."""
PARTICLE_ELSEWHERE = "が|を|に|คือ|에|이|가|를|을|改成|改为|設為|设为|设置为|用"
_OF_THE_NAME = (
    r"counts?|limits?|length|size|types?|names?|files?|path|urls?|ids?|versions?|formats?|hash|budget|usage|expiry|"
    r"expires?|managers?|store|fields?|policy|server|endpoint|generator|prefix|window|costs?|price|address(?:es)?|symbol|contract|mint|supply|exchange|standard"
)
OTHER_THING = re.compile(rf"(?i)[ \t-]{{1,40}}(?:{_OF_THE_NAME})\b")
"""What makes a secret's name the name of something else: ``token limit``, ``password manager``."""
BETWEEN = r"(?!(?:%s)\b)(?:[^\W_]|[-'@/]|\.(?=\w)|[\u0900-\u097f]){1,24}" % _OF_THE_NAME  # noqa: UP031 - braces
"""A word between a name and what joins it to its value: ``token for notion is``."""

# They follow a secret's name in running text, and are what is said about it, not the secret.
FUNCTION_WORDS = frozenset(
    """a an and any are as at been before but by can do does false for from function good has have here i if in
    into invalid is it its kept later left like live lives missing my needed never no none not now null of off
    ok on one only optional or out over please private public put read ready required revoked rotated same
    secret set so still stored that the then there they this to true undefined unknown unset up used using valid
    value variable want was we what when where which who why will with wrong yes yet you your yours
    very really quite probably far too just already always also""".split()  # noqa: SIM905 - a table of words
)
"""Words that are neither a value, even where one is assigned, nor part of a passphrase."""
WORDS = FUNCTION_WORDS | frozenset(
    """about absent above again ago all already also always another anyway automatic available away back bad because
    bearer below better big blank both broken case common compulsory confidential correct corrupt crucial dead default
    different done down each easy either else empty enough essential exactly expired fine fixed first free fresh gone
    great hard he her hers hidden his how however important incorrect incomplete just key long lost
    mandatory maybe mine more most much must nice nonsense nothing obsolete obvious old open other our ours outdated
    password plain possible pretty probably rather really redundant right safe self sensitive she short simple some
    somewhere soon stale strange strong stupid such sure temporary their theirs these those though token too tricky
    unavailable unclear unique unnecessary unsafe useless usually very visible weak weird well whatever while without
    str string bool int bytes number boolean float text
    working would always asked being going getting also after anything everything something someone us them me him
    falsch richtig abgelaufen weg ungültig gültig nötig notwendig leer alt neu zu der die das ein eine kein keine nicht
    noch schon wichtig geheim sicher unsicher unbekannt hier dort was wo warum und oder nur sehr immer
    faux fausse expiré expirée invalide incorrecte oublié oubliée nécessaire obligatoire vide perdu perdue périmé
    un une le la les mon ma mes pas trop déjà encore toujours bon bonne mauvais valide où et ou
    incorrecta incorrecto inválida inválido caducado caducada vencido necesario necesaria obligatorio obligatoria vacío
    perdido perdida vieja viejo nueva nuevo correcta correcto muy demasiado el los una uno mi tu su no ya y o donde
    para necessário necessária obrigatório obrigatória inválida errada errado expirada expirado vazia fraca forte
    sbagliata sbagliato scaduta scaduto necessaria necessario obbligatoria valida valido troppo vuota persa
    il lo mia mio verkeerd fout verlopen ongeldig nodig verplicht leeg kwijt fel ogiltigt nødvendigt
    błędne złe nieprawidłowe неверный неверен нужен обязателен устарел истёк секрет""".split()  # noqa: SIM905 - a table of words
)
_SAID_OF = re.compile(
    r"(?:un|in|non|not|ab|re)?[a-z]{2,}(?:ed|ing|able|ible|ly|ful|less|ary|ional|-sensitive|-specific|-only|-free)"
)


def is_word(value: str) -> bool:
    """Return whether *value* is a plain word of the kind that is said about a secret."""
    plain = value.lower().strip(".,;:!?…")
    return plain in WORDS or _SAID_OF.fullmatch(plain) is not None


# A word that goes on in another script is none of ours: `clé`; but Chinese and Japanese need no blank around a name.
_WORD = r"A-Za-z0-9_/@\u00c0-\u024f\u1e00-\u1eff"
# A variable's name (DISCORD_API_TOKEN, api-key, apiKey), or up to three words with a noun that means a secret.
NAME = re.compile(
    rf"(?i:(?<![\w.-])(?:{SEVERAL})(?!\w))|"
    rf"(?P<variable>(?:(?<![.{_WORD}])|(?<=env\.))[A-Za-z][A-Za-z0-9]*(?:[_\-][A-Za-z0-9]+)*(?![{_WORD}]))|"
    rf"(?i:(?<!\w)(?:{NOUN})|{UNSPACED})"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CAMEL_CASE_SECRET = re.compile(r"[a-z](?:Key|Token|Secret|Pass)")


def is_variable(written: str, known: Collection[str]) -> bool:
    """Return whether *written* is the name of a variable that holds a secret: a *known* one, or one by its looks."""
    name = canonical(written)
    if name in known:
        return True
    # Only a name that ends like a secret's: `secret-manager` and `token-counter` are plugins.
    return ends_in_secret_noun(name) and (looks_secret(name) or _CAMEL_CASE_SECRET.search(written) is not None)


def canonical(written: str) -> str:
    """Return a variable's name as programs write it: ``apiKey`` and ``api-key`` are ``API_KEY``."""
    return _HUMP.sub("_", written).replace("-", "_").upper()


def intended_variable(text: str, name: re.Match[str], installed: Collection[str]) -> str:
    """Return the one variable that has all the words before and in the name: ``my notion key``; or nothing."""
    if not installed:
        return ""
    before = re.findall(r"[A-Za-z0-9]+", text[max(0, name.start() - 40) : name.start()])[-3:]
    noun = re.findall(r"[A-Z]+", canonical(name.group()))
    for words in (before, before[-2:], before[-1:]):
        wanted = {word.upper() for word in words} | set(noun[-1:])
        fitting = [variable for variable in installed if words and wanted <= set(variable.split("_"))]
        if len(fitting) == 1:
            return fitting[0]
    return ""
