"""What is no secret goes to the model as it was written, however much it speaks of secrets."""

# ruff: noqa: RUF001 - texts as people write them, in their scripts

from __future__ import annotations

import time

import pytest

from dynamic_plugins.redaction.detector import find_secrets
from tests.session_vaults import KNOWN, session_vault

ORDINARY = """\
the token is expired
what does Bearer mean?
the bearer of bad news
Bearer authentication is used there
bearer dynamic-plugins
cookie: a small biscuit
the cookies are: chocolate, oat
mysql --protocol=tcp
curl -u me https://x.invalid
docker login -p $TOKEN
session=morning
忘记密码 discord
パスワードは discord です
密码 manager 是什么
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
Please rotate the credentials every 90days
what's the difference between a token and an api key?
do you keep my tokens safe, e.g. in ~/.config or in secrets.enc?
install the weather plugin; the api key isn't needed, right?
The plugin says: TELEGRAM_BOT_TOKEN=<missing>
error 401: token invalid (request id 8f3a2b1c9d)
the token was rejected with error E1234X
my token starts with ghp_ and ends with 9z
the password has 12 characters, 3 digits
the session token expires at 10:45:00 on 2026-11-24
I created the token on Nov 24 2026 at t.me/BotFather
set TELEGRAM_BOT_TOKEN later, first install web3tools
TELEGRAM_BOT_TOKEN comes from t.me/BotFather
TELEGRAM_BOT_TOKEN goes into .env.local
TELEGRAM_BOT_TOKEN from my .env file please
where in docker-compose.yml does TELEGRAM_BOT_TOKEN go?
TELEGRAM_BOT_TOKEN vs DISCORD_API_TOKEN, which?
is TELEGRAM_BOT_TOKEN different from TELEGRAM_API_ID2?
release v1.2.3 of the token-counter plugin
bump token-counter to 2.0.0a5
the secret-manager plugin 3.1.4 is broken on python3.13
use key-value-store for the keys k1 to k9
count the tokens in "hello world"
how many tokens is 4kb of text?
gpt-4o-mini uses o200k_base tokens
o200k_base is the token encoding
cl100k_base for tokens
the key is to sleep 8 hours, the pin code is on page 12
remember: the pass to Davos is closed
the pass is at 2328m above sea level
the key of the song is Bb7sus4
my key is F#m7b5
unlock the door with key 12b
the private key format is PKCS8
the key type is ed25519
RS256 is the signing key algorithm
the key is called id_rsa2
the api key variable is called NOTION_API_KEY
what does "secret": true mean in config?
{"name": "TELEGRAM_BOT_TOKEN", "required": true, "secret": true}
[{"name": "TELEGRAM_BOT_TOKEN", "description": "Token of the bot v2", "secret": true}]
{"name": "TELEGRAM_BOT_TOKEN", "value": ""}
<TELEGRAM_BOT_TOKEN>
<TELEGRAM_BOT_TOKEN></TELEGRAM_BOT_TOKEN>
the secret agent 007james is back
pat me on the back at 5pm
the pat is due 24th
the deploy key for repo2024app is gone
access token lifetime is 3600s
token bucket of 100req
OAuth access token vs refresh token
set the token budget to 128k
the webhook for room101 is missing
a webhook called build42 posts there
ключ в замке, 5й этаж
Der Schlüssel liegt in Zimmer 12b
clave de sol, compás 3x4
la chiave di violino, do4
le jeton numéro 12 est bleu
der Schlüssel für Haus7b ist weg
密码是8位数
密码至少8位
令牌2小时后过期
密钥v2在哪
パスワードは8文字以上です
トークンは2時間で切れます
the commit that removed the token is 3f1c9d2e8b7a
the token is in commit 3f1c9d2e8b7a
the secret id is 123e4567-e89b-12d3-a456-426614174000
is 123e4567-e89b-12d3-a456-426614174000 the key of the row?
the primary key is user_id2
the foreign key to table2 is missing
the cache key is user:42:profile
the sort key is created_at
api key rotation: every 90d
TOKEN_LIMIT=4096 and KEY_COUNT=3
the token price is 0.5usd, the key rate 3.25%
how do I pass parameter2 to the tool?
pass param1 to func2
pass test123 to the echo tool
pass abc12345 as the first argument
pass user42 along
please pass room101x to it
TELEGRAM_BOT_TOKEN="" stays empty
TELEGRAM_BOT_TOKEN=''"""


async def test_an_ordinary_sentence_about_secrets_goes_through_unchanged() -> None:
    sentences = ORDINARY.splitlines()
    assert len(sentences) > 250
    got = {said: await session_vault().redact(said) for said in sentences}
    assert {said: clean for said, clean in got.items() if clean != (said, [])} == {}


@pytest.mark.parametrize(
    "piece",
    ["TELEGRAM_BOT_TOKEN='", 'TELEGRAM_BOT_TOKEN=a"b', "key:", "key for a b ", "密码是", "key" + " " * 20],
)
def test_fifty_kilobytes_of_anything_take_seconds_at_most(piece: str) -> None:
    started = time.process_time()
    find_secrets(piece * (50_000 // len(piece)), KNOWN)
    assert time.process_time() - started < 8
