"""The library by itself holds the conversations that every integration holds."""

from __future__ import annotations

from tests.integrations.conversations import EACH, Conversation, by_library, check


@EACH
async def test_the_library_gives_what_every_integration_gives(conversation: Conversation) -> None:
    await check(await by_library(conversation), conversation)
