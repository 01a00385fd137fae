"""What is no secret goes to the model as it was written, however much it speaks of secrets."""

# ruff: noqa: RUF001 - texts as people write them, in their scripts

from __future__ import annotations

import time

import pytest

from dynamic_plugins.chat.redaction.finding import find
from tests.redaction_safe import KNOWN, a_safe

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
pat is 30years old
the password for user, bob2024 said, is lost
tokens, h2o models and llamas
the api key (32 characters) goes into settings
the token - 3f1c9d2e8b7a - is a commit
TELEGRAM_BOT_TOKEN is "not set"
add TELEGRAM_BOT_TOKEN to "Bot Settings"
the error says TELEGRAM_BOT_TOKEN is "missing or invalid"
put it in TELEGRAM_BOT_TOKEN
write python3.12 in TELEGRAM_BOT_TOKEN
the plugin (TELEGRAM_BOT_TOKEN)
plugin-telegram2 (TELEGRAM_BOT_TOKEN)
@elizaos/plugin-telegram (TELEGRAM_BOT_TOKEN) needs a token
for TELEGRAM_BOT_TOKEN use the one from BotFather
TELEGRAM_BOT_TOKEN; then restart
TELEGRAM_BOT_TOKEN / DISCORD_API_TOKEN
my api key - plugin-weather2 needs it
password - at least 8 characters
| variable | required |
| TELEGRAM_BOT_TOKEN | yes |
the pin is on the map
the key for C4 is on the piano
la clave está en la mesa
o token do bot expirou ontem
il token del bot è scaduto ieri
mon jeton a expiré hier soir
pourquoi la clé est-elle refusée ?
Warum wird mein Token abgelehnt?
der Token ist seit 2026-11-24 abgelaufen
hoe verander ik mijn wachtwoord?
hur byter jag lösenord?
jak zmienić hasło?
anahtar nerede?
parolamı unuttum
как сменить пароль?
токен истёк вчера
密钥在哪里可以找到？
TELEGRAM_BOT_TOKENは必要ですか
TELEGRAM_BOT_TOKEN是什么？
TELEGRAM_BOT_TOKEN是必须的吗
TELEGRAM_BOT_TOKEN는 뭐예요?
show me report2026final.pdf and the key figures
the key figures for q3 2026 are in report-q3
keys: ctrl+alt+f7
the token symbol is USDC2
the token address is 7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU
send 5 tokens to bob
swap 100usdc for the token
the webhook - is it https?
the webhook is at https://hooks.invalid/abc123def
is TELEGRAM_BOT_TOKEN the same in v2.0.0a5?
who changed the password to the wifi?
change my password to something better
how long should the password be?
the password should be longer
give me the api key docs for the weather plugin
here is the api key page
use the token from the env file
use gpt-4o as the token counter
use sha256 as the key for the cache
the secret santa list is in list2026x4
my keys are on the table
the passphrase must have 6 words
credentials are in ~/.config/creds.json
Please rotate the credentials every 90days"""


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
