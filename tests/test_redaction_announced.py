"""A secret that comes in a message of its own."""

from __future__ import annotations

import pytest

from tests.session_vaults import session_vault


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
    vault = session_vault()
    assert await vault.redact(before) == (before, [])
    vault.record_reply("Go on, I am listening.")
    clean, notices = await vault.redact("abc123plain")
    assert "abc123plain" not in clean
    assert len(notices) == 1


async def test_a_word_alone_is_for_the_variable_that_was_announced() -> None:
    vault = session_vault()
    await vault.redact("my TELEGRAM_BOT_TOKEN is")
    assert (await vault.redact("`abc123plain`"))[0] == "`[secret:1:TELEGRAM_BOT_TOKEN]`"


async def test_a_token_alone_is_the_one_that_the_reply_asked_for() -> None:
    vault = session_vault()
    await vault.redact("install the messenger")
    vault.record_reply("Installed. It needs TELEGRAM_BOT_TOKEN: what is it?")
    assert (await vault.redact("abc123plain"))[0] == "[secret:1]"


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
    vault = session_vault()
    await vault.redact(before)
    vault.record_reply("All right.")
    assert await vault.redact(said) == (said, [])


async def test_only_the_message_right_after_the_announcement_is_the_secret() -> None:
    vault = session_vault()
    await vault.redact("my telegram token is")
    await vault.redact("oh, one moment")
    assert await vault.redact("plainword99") == ("plainword99", [])
