"""However people word it, what they tell as a secret is kept from the model."""

# ruff: noqa: RUF001 - texts as people write them, in their scripts

from __future__ import annotations

import random

import pytest

from tests.fake_tokens import KINDS
from tests.session_vaults import session_vault, values


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
    clean, notices = await session_vault().redact(said)
    assert [secret for secret in secrets if secret in clean] == []
    assert len(notices) == len(secrets)
    assert values(said) == secrets


@pytest.mark.parametrize(
    ("said", "secrets"),
    [
        ("TELEGRAM_BOT_TOKEN='abcdef123456ghi", ["abcdef123456ghi"]),
        ("TELEGRAM_BOT_TOKEN='line one secret\nline two secret'", ["line one secret\nline two secret"]),
        ('TELEGRAM_BOT_TOKEN=abcd"1234efgh"xyz and', ["abcd1234efghxyz"]),
        ("export TELEGRAM_BOT_TOKEN=abc1\\ def2 ok", ["abc1 def2"]),
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
    clean, _ = await session_vault().redact(said)
    assert [line for secret in secrets for line in secret.split("\n") if line in clean] == []
    assert values(said) == secrets


@pytest.mark.parametrize("mark", ["@", "#"])
async def test_a_token_behind_a_mark_is_one_as_well(mark: str) -> None:
    secret = KINDS["unknown"](random.Random(mark))  # noqa: S311 - a fake that is the same each time
    clean, _ = await session_vault().redact(f"here: {mark}{secret} please")
    assert clean == f"here: {mark}[secret:1] please"


@pytest.mark.parametrize("before", ["https://AKIA" + "ABCDEFGH12345678:", "https://me:", "me:"])
async def test_a_password_with_slashes_in_an_address_goes_whole(before: str) -> None:
    secret = "wJalrXUtn/EMI+K7MDENG/" + "bPxRfiCYzzzzzzz99K"
    clean, _ = await session_vault().redact(f"{before}{secret}@s3.invalid/bucket")
    assert secret[-12:] not in clean
    assert "EMI" not in clean
    assert clean.endswith("@s3.invalid/bucket")


WORDINGS = """\
TELEGRAM_BOT_TOKEN就是plainword99，谢谢
TELEGRAM_BOT_TOKEN를 plainword99로 설정해줘
TELEGRAM_BOT_TOKENをplainword99に設定して
把TELEGRAM_BOT_TOKEN设置为plainword99
请把TELEGRAM_BOT_TOKEN设为plainword99吧
TELEGRAM_BOT_TOKEN must be plainword99
TELEGRAM_BOT_TOKEN → plainword99
TELEGRAM_BOT_TOKEN / plainword99
TELEGRAM_BOT_TOKEN; plainword99
TELEGRAM_BOT_TOKEN\tplainword99
TELEGRAM_BOT_TOKEN (plainword99)
TELEGRAM_BOT_TOKEN [plainword99]
TELEGRAM_BOT_TOKEN <plainword99>
TELEGRAM_BOT_TOKEN – plainword99
TELEGRAM_BOT_TOKEN — plainword99
* TELEGRAM_BOT_TOKEN * plainword99
- **TELEGRAM_BOT_TOKEN** – `plainword99`
TELEGRAM_BOT_TOKEN:plainword99
TELEGRAM_BOT_TOKEN: [plainword99]
TELEGRAM_BOT_TOKEN: {value: plainword99}
TELEGRAM_BOT_TOKEN equals plainword99
TELEGRAM_BOT_TOKEN ist plainword99
setze TELEGRAM_BOT_TOKEN auf plainword99
TELEGRAM_BOT_TOKEN soll plainword99 sein
TELEGRAM_BOT_TOKEN deve ser plainword99
TELEGRAM_BOT_TOKEN debe ser plainword99
TELEGRAM_BOT_TOKEN doit être plainword99
TELEGRAM_BOT_TOKEN to plainword99
TELEGRAM_BOT_TOKEN has the value plainword99
the value of TELEGRAM_BOT_TOKEN is plainword99
the value for TELEGRAM_BOT_TOKEN should be plainword99
use plainword99 for TELEGRAM_BOT_TOKEN
use plainword99 as TELEGRAM_BOT_TOKEN
put plainword99 in TELEGRAM_BOT_TOKEN
set plainword99 as the value of TELEGRAM_BOT_TOKEN
plainword99 = TELEGRAM_BOT_TOKEN
plainword99 is the TELEGRAM_BOT_TOKEN
plainword99 (TELEGRAM_BOT_TOKEN)
"plainword99" for TELEGRAM_BOT_TOKEN
for TELEGRAM_BOT_TOKEN use plainword99
for TELEGRAM_BOT_TOKEN please take plainword99
TELEGRAM_BOT_TOKEN , plainword99
my TELEGRAM_BOT_TOKEN's plainword99
<env name="TELEGRAM_BOT_TOKEN" value="plainword99"/>
<TELEGRAM_BOT_TOKEN type="s">plainword99</TELEGRAM_BOT_TOKEN>
{"key":"TELEGRAM_BOT_TOKEN","description":"x","value":"plainword99"}
name=TELEGRAM_BOT_TOKEN&value=plainword99
-e TELEGRAM_BOT_TOKEN=plainword99
--telegram-bot-token=plainword99
--telegram-bot-token plainword99
${TELEGRAM_BOT_TOKEN:-plainword99}
setx TELEGRAM_BOT_TOKEN plainword99
set TELEGRAM_BOT_TOKEN plainword99
[Environment]::SetEnvironmentVariable("TELEGRAM_BOT_TOKEN", "plainword99")
os.environ["TELEGRAM_BOT_TOKEN"] = "plainword99"
process.env.TELEGRAM_BOT_TOKEN = 'plainword99'
ENV TELEGRAM_BOT_TOKEN plainword99
telegram_bot_token: plainword99
Telegram Bot Token: plainword99
telegram bot token plainword99
my telegram bot token should be plainword99
the token will be plainword99
my password = plainword99
my password (plainword99)
my password - plainword99
password, plainword99
password for notion - plainword99
| password | plainword99 |
my token for the notion plugin is plainword99
the password to my notion account is plainword99
my notion password's plainword99
plainword99 is my notion token
log in with user bob and password plainword99
user bob pass plainword99
PASSWORD SHOULD BE plainword99
mot de passe : plainword99
jeton d'accès : plainword99
la clé API est plainword99
la contraseña de notion es plainword99
clave de API: plainword99
a senha do notion é plainword99
minha chave de api é plainword99
Passwort für Notion: plainword99
das Passwort für Notion lautet plainword99
Passwort ist plainword99
mein API-Schlüssel ist plainword99
klucz API: plainword99
token do notion: plainword99
API anahtarım: plainword99
notion şifrem plainword99
wachtwoord voor notion is plainword99
API-sleutel: plainword99
lösenordet till notion är plainword99
API-nyckel: plainword99
мой пароль plainword99
пароль от ноушена: plainword99
токен для телеграма - plainword99
كلمة المرور الخاصة بي هي plainword99
مفتاح API: plainword99
المفتاح السري: plainword99
מפתח API: plainword99
הסיסמה שלי: plainword99
मेरा पासवर्ड plainword99 है
API कुंजी: plainword99
암호는 plainword99입니다
비밀번호: plainword99
パスワードはplainword99です
パスワード：plainword99
密码plainword99
我的密码为plainword99
mật khẩu là plainword99
kata sandi saya adalah plainword99
รหัสผ่านคือ plainword99
heslo je plainword99
parola este plainword99
κωδικός είναι plainword99"""


async def test_a_value_does_not_reach_the_model_in_any_of_the_ways_people_hand_it_over() -> None:
    wordings = WORDINGS.splitlines()
    assert len(wordings) > 100
    for said in wordings:
        clean, notices = await session_vault().redact(said)
        assert "plainword99" not in clean, said
        assert len(notices) == 1, said


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("Bearer secretsecretword", "secretsecretword"),
        ("call it with Bearer secretsecretword please", "secretsecretword"),
        ("-H 'Cookie: session=abcDEF123456'", "abcDEF123456"),
        ("Cookie: theme=dark; session=sesamestreet", "sesamestreet"),
        ("Set-Cookie: sid=sesamestreet; Path=/; HttpOnly", "sesamestreet"),
        ("my cookie is JSESSIONID=sesamestreet", "sesamestreet"),
        ("PHPSESSID=sesamestreet; x=1", "sesamestreet"),
        ("curl -u admin:sesamestreet https://x.invalid", "sesamestreet"),
        ("mysql -u root -psesamestreet", "sesamestreet"),
        ("sshpass -p sesamestreet ssh x.invalid", "sesamestreet"),
        ("redis-cli -h x.invalid -a sesamestreet", "sesamestreet"),
        ("docker login -u me -p sesamestreet", "sesamestreet"),
        ("echo sesamestreet | docker login --password-stdin", "sesamestreet"),
        ("PGPASSWORD=sesamestreet psql", "sesamestreet"),
        ("https://x.invalid/a?sig=abc123DEF456&b=1", "abc123DEF456"),
        ("password: |\n  sesamestreet", "sesamestreet"),
        ("密码是sesamestreet", "sesamestreet"),
        ("我的密码 sesamestreet", "sesamestreet"),
        ("パスワードはsesamestreetです", "sesamestreet"),
        ("パスワード sesamestreet", "sesamestreet"),
        ("비밀번호는 sesamestreet 입니다", "sesamestreet"),
    ],
)
async def test_what_programs_and_unspaced_scripts_take_for_a_secret_is_one_however_plain(
    said: str, secret: str
) -> None:
    clean, _ = await session_vault().redact(said)
    assert secret not in clean
