"""However people word it, what they tell as a secret is kept from the model; what is no secret goes through."""

# ruff: noqa: RUF001 - texts as people write them, in their scripts

from __future__ import annotations

import random
import time

import pytest

from dynamic_plugins.chat.redaction.finding import find
from dynamic_plugins.chat.redaction.fitting import Wanting
from dynamic_plugins.chat.redaction.safe import Safe
from tests.fake_tokens import KINDS

KNOWN = frozenset({"TELEGRAM_BOT_TOKEN", "DISCORD_API_TOKEN"})


def a_safe() -> Safe:
    """Return a safe of somebody who has a plugin with these variables."""

    async def names() -> frozenset[str]:
        return KNOWN

    return Safe(names, lambda: {"messengers": Wanting(KNOWN, KNOWN)})


def values(said: str) -> list[str]:
    return [each.value for each in find(said, KNOWN, KNOWN)]


@pytest.mark.parametrize(
    ("said", "secrets"),
    [
        ("TELEGRAM_BOT_TOKEN是plainword99", ["plainword99"]),
        ("TELEGRAM_BOT_TOKENはplainword99です", ["plainword99"]),
        ("TELEGRAM_BOT_TOKEN should be plainword99", ["plainword99"]),
        ("TELEGRAM_BOT_TOKEN will be plainword99", ["plainword99"]),
        ("TELEGRAM_BOT_TOKEN - plainword99", ["plainword99"]),
        ("TELEGRAM_BOT_TOKEN, plainword99", ["plainword99"]),
        ("TELEGRAM_BOT_TOKEN (abcd1234efgh)", ["abcd1234efgh"]),
        ("| TELEGRAM_BOT_TOKEN | plainword99 |", ["plainword99"]),
        ("{'TELEGRAM_BOT_TOKEN': ['plainword99']}", ["plainword99"]),
        ("{'TELEGRAM_BOT_TOKEN': ['plainword']}", ["plainword"]),
        ('[{"value":"plainword","name":"TELEGRAM_BOT_TOKEN"}]', ["plainword"]),
        ("<TELEGRAM_BOT_TOKEN>plain word</TELEGRAM_BOT_TOKEN>", ["plain word"]),
        ("change TELEGRAM_BOT_TOKEN from plainword98 to plainword99", ["plainword98", "plainword99"]),
        ("plainword99 is my TELEGRAM_BOT_TOKEN", ["plainword99"]),
        ("MY TOKEN IS abcd1234efgh", ["abcd1234efgh"]),
        ("My API Key Is abcd123", ["abcd123"]),
        ("my password for notion is hunter2xyz9", ["hunter2xyz9"]),
        ("api key for weather: plainword99", ["plainword99"]),
        ("token for notion: plainword99", ["plainword99"]),
        ("use S3cr3tPw99 as the password", ["S3cr3tPw99"]),
        ("Authorization: Bearer secretsecretword", ["secretsecretword"]),
        ("curl -H 'Authorization: Bearer secretsecretword' https://x.y", ["secretsecretword"]),
        ("moje hasło: abc12345", ["abc12345"]),
        ("hasło to abc12345", ["abc12345"]),
        ("moje hasło do notion to abc12345", ["abc12345"]),
        ("token API to abc12345", ["abc12345"]),
        ("şifrem: abc12345", ["abc12345"]),
        ("parola: abc12345", ["abc12345"]),
        ("token şu: abc12345", ["abc12345"]),
        ("Şifre abc12345", ["abc12345"]),
        ("la mia password è abc12345", ["abc12345"]),
        ("la chiave è abc12345", ["abc12345"]),
        ("il token è abc12345", ["abc12345"]),
        ("mijn wachtwoord is abc12345", ["abc12345"]),
        ("wachtwoord: abc12345", ["abc12345"]),
        ("het token is abc12345", ["abc12345"]),
        ("mitt lösenord är abc12345", ["abc12345"]),
        ("lösenord: abc12345", ["abc12345"]),
        ("token är abc12345", ["abc12345"]),
        ("كلمة المرور: abc12345", ["abc12345"]),
        ("كلمة السر هي abc12345", ["abc12345"]),
        ("الرمز هو abc12345", ["abc12345"]),
        ("הסיסמה שלי היא abc12345", ["abc12345"]),
        ("סיסמה: abc12345", ["abc12345"]),
        ("הטוקן הוא abc12345", ["abc12345"]),
        ("मेरा पासवर्ड abc12345 है", ["abc12345"]),
        ("पासवर्ड: abc12345", ["abc12345"]),
        ("टोकन है abc12345", ["abc12345"]),
        ("मेरा टोकन है: abc12345", ["abc12345"]),
        ("jeton : abc12345", ["abc12345"]),
        ("mon jeton est abc12345", ["abc12345"]),
        ("le jeton d'accès est abc12345", ["abc12345"]),
        ("el token secreto es: abc12345", ["abc12345"]),
        ("here @aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY please", ["aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"]),
        ("here #aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY please", ["aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"]),
        ("TELEGRAM_BOT_TOKEN ok here it comes abcd1234efgh", ["abcd1234efgh"]),
        ("put abcd1234efgh into TELEGRAM_BOT_TOKEN", ["abcd1234efgh"]),
    ],
)
async def test_a_secret_is_kept_from_the_model_however_it_is_told(said: str, secrets: list[str]) -> None:
    clean, notices = await a_safe().take(said)
    assert [secret for secret in secrets if secret in clean] == []
    assert len(notices) == len(secrets)
    assert values(said) == secrets


@pytest.mark.parametrize(
    ("said", "secrets"),
    [
        ("TELEGRAM_BOT_TOKEN='abcdef123456ghi", ["abcdef123456ghi"]),
        ("TELEGRAM_BOT_TOKEN='line one secret\nline two secret'", ["line one secret\nline two secret"]),
        ('TELEGRAM_BOT_TOKEN=abcd"1234efgh"xyz and', ["abcd1234efghxyz"]),
        ("TELEGRAM_BOT_TOKEN=abc def ghi", ["abc"]),
        ('TELEGRAM_BOT_TOKEN="abc def ghi" yes', ["abc def ghi"]),
        ('TELEGRAM_BOT_TOKEN="abc def ghi', ["abc def ghi"]),
        ('docker run -e "TELEGRAM_BOT_TOKEN=abc def" img', ["abc def"]),
        ('{"env": ["TELEGRAM_BOT_TOKEN=abc123", "B=2"]}', ["abc123"]),
        ("TELEGRAM_BOT_TOKEN='abc\nthat's my token", ["abc"]),
        ("export TELEGRAM_BOT_TOKEN=abc's", ["abc's"]),
        ("set TELEGRAM_BOT_TOKEN to 'abcdef123456ghi", ["abcdef123456ghi"]),
    ],
)
async def test_an_assigned_value_goes_whole_with_its_quotes_as_a_shell_reads_it(said: str, secrets: list[str]) -> None:
    clean, _ = await a_safe().take(said)
    assert [line for secret in secrets for line in secret.split("\n") if line in clean] == []
    assert values(said) == secrets


@pytest.mark.parametrize("mark", ["@", "#"])
async def test_a_token_behind_a_mark_is_one_as_well(mark: str) -> None:
    secret = KINDS["unknown"](random.Random(mark))  # noqa: S311 - a fake that is the same each time
    clean, _ = await a_safe().take(f"here: {mark}{secret} please")
    assert clean == f"here: {mark}[secret:1] please"


@pytest.mark.parametrize("before", ["https://AKIA" + "ABCDEFGH12345678:", "https://me:", "me:"])
async def test_a_password_with_slashes_in_an_address_goes_whole(before: str) -> None:
    secret = "wJalrXUtn/EMI+K7MDENG/" + "bPxRfiCYzzzzzzz99K"
    clean, _ = await a_safe().take(f"{before}{secret}@s3.invalid/bucket")
    assert secret[-12:] not in clean
    assert "EMI" not in clean
    assert clean.endswith("@s3.invalid/bucket")


ORDINARY = """\
the token is expired
my password is wrong
what is an API key?
set the timezone for berlin
TELEGRAM_BOT_TOKEN - what is that?
TELEGRAM_BOT_TOKEN is missing
TELEGRAM_BOT_TOKEN is required
TELEGRAM_BOT_TOKEN should be set first
TELEGRAM_BOT_TOKEN, DISCORD_API_TOKEN and OPENAI_API_KEY are needed
does TELEGRAM_BOT_TOKEN work with python3?
TELEGRAM_BOT_TOKEN (required) is not set
TELEGRAM_BOT_TOKEN is deprecated.
did the TELEGRAM_BOT_TOKEN break in commit 3f1c9d2e8b7a?
why is TELEGRAM_BOT_TOKEN gone since 3f1c9d2?
is the token in 123e4567-e89b-12d3-a456-426614174000 mine?
The token limit of gpt-4o is 128000 tokens
the token count for llama3 is 8192
my password manager is 1password
use 1password as the password manager
is oauth2 the same as an api key?
the access token is a jwt, isn't it?
the password should be changed every week
the password must be at least 12 characters long
the password will be encrypted
the key to python3 is practice
which token for notion is used?
token for notion: where do I get it?
the api key for the weather plugin is missing
the api key for weather: is it free?
use base64 as the key format
das Passwort ist falsch
das Passwort für Notion ist abgelaufen
wo finde ich den API-Schlüssel für das Wetter?
le mot de passe est incorrect
où est le jeton d'accès pour notion ?
le jeton est expiré
la contraseña es incorrecta
el token secreto es necesario
la password è sbagliata
dove trovo la chiave per il meteo?
het wachtwoord is verkeerd
waar vind ik de sleutel voor het weer?
lösenordet är fel
hasło jest nieprawidłowe
gdzie jest klucz do API?
şifre yanlış, ne yapayım?
пароль неверный
где взять токен для телеграма?
ключ от квартиры лежит под ковриком
كلمة المرور غير صحيحة
أين أجد مفتاح الواجهة؟
הסיסמה שגויה
איפה מוצאים את הטוקן?
पासवर्ड गलत है
टोकन कहाँ मिलेगा?
密码是什么？
令牌过期了怎么办
パスワードを忘れました
トークンはどこですか
비밀번호가 틀렸어요
a senha está errada
mam problem z hasłem do notion
see https://docs.example.com/token/is/abc123def456 for the api key
read config/secrets-v2.json for the key, version 2.3.1
the secret is out
The secret to good bread is time
the key is under the doormat
my pin is on the board
HTML5 is the key to success
python3 is the key language here
Authorization: Bearer <token>
what does Authorization: Bearer mean?
Authorization: required
how does the Authorization header work?
#general and @someone talked about tokens
pkg@3f1c9d2e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d
http://localhost:8080/@scope/pkg2
email:john1984@example.com
the webhook is not called
install plugin-telegram2 and set its token later
keys are rotated, tokens are revoked
passwords are stored as sha256
is the password case-sensitive?
the secret is that there is none
token is at 50%
the api key is 32 characters long
change the token from my settings to the new one
change TELEGRAM_BOT_TOKEN from the old one to a new one
the password for the wifi is on the fridge
who is the token from?
TELEGRAM_BOT_TOKEN would be nice to have
the token of the bot is from BotFather
TELEGRAM_BOT_TOKEN: required, from BotFather
TELEGRAM_BOT_TOKEN: what is it?
the key is C# minor, the pass is closed in winter
Can I pass 2 tokens as keys? pass it on
pass the file report2026final to the summarizer
press the F12 key to open devtools; press key ctrl+alt+f7
my pat on the back
pat is 30years old"""


@pytest.mark.parametrize("said", ORDINARY.splitlines())
async def test_an_ordinary_sentence_about_secrets_goes_through_unchanged(said: str) -> None:
    assert await a_safe().take(said) == (said, [])


@pytest.mark.parametrize(
    "piece",
    ["TELEGRAM_BOT_TOKEN='", 'TELEGRAM_BOT_TOKEN=a"b', "key:", "key for a b ", "密码是", "key" + " " * 20],
)
def test_a_hundred_kilobytes_of_anything_take_seconds_at_most(piece: str) -> None:
    started = time.process_time()
    find(piece * (100_000 // len(piece)), KNOWN)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "before",
    [
        "my telegram token is",
        "My Telegram Token Is:",
        "the TELEGRAM_BOT_TOKEN is…",
        "here is the api key",
        "I'll paste the token in the next message",
        "password for notion:",
        "mein Passwort lautet",
        "voici mon jeton",
        "mi contraseña es",
        "вот мой токен",
        "我的密码是",
        "トークンは",
    ],
)
async def test_a_word_alone_is_the_secret_that_the_message_before_it_announced(before: str) -> None:
    safe = a_safe()
    assert await safe.take(before) == (before, [])
    safe.said("Go on, I am listening.")
    clean, notices = await safe.take("abc123plain")
    assert "abc123plain" not in clean
    assert len(notices) == 1


async def test_a_word_alone_is_for_the_variable_that_was_announced() -> None:
    safe = a_safe()
    await safe.take("my TELEGRAM_BOT_TOKEN is")
    assert (await safe.take("`abc123plain`"))[0] == "`[secret:1:TELEGRAM_BOT_TOKEN]`"


async def test_a_token_alone_is_the_one_that_the_reply_asked_for() -> None:
    safe = a_safe()
    await safe.take("install the messenger")
    safe.said("Installed. It needs TELEGRAM_BOT_TOKEN: what is it?")
    assert (await safe.take("abc123plain"))[0] == "[secret:1]"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("my telegram token is", "wait, I have to look it up"),
        ("my telegram token is", "never mind"),
        ("my telegram token is", "cancel"),
        ("my telegram token is", "@elizaos/plugin-telegram"),
        ("my telegram token is", "https://t.invalid/abc123"),
        ("where do I get a telegram token?", "plugin-telegram2"),
        ("the token is expired", "plainword99"),
        ("what can you do?", "abc123plain"),
        ("list the plugins", "python3.12"),
    ],
)
async def test_a_message_that_is_no_token_goes_through_whatever_was_said_before(before: str, said: str) -> None:
    safe = a_safe()
    await safe.take(before)
    safe.said("All right.")
    assert await safe.take(said) == (said, [])


async def test_only_the_message_right_after_the_announcement_is_the_secret() -> None:
    safe = a_safe()
    await safe.take("my telegram token is")
    await safe.take("oh, one moment")
    assert await safe.take("plainword99") == ("plainword99", [])
