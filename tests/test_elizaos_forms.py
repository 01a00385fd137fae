"""The forms that elizaOS packages have, each by a small package made like the real ones that it names."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import ActionError
from tests.loading import call, component, connected, native

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation


def form(path: Path, name: str) -> Installation:
    return replace(native(path, name, "forms"), kind="elizaos")


async def test_functions_by_name_are_actions_and_providers_of_a_plugin_that_prepares_itself(tmp_path: Path) -> None:
    left = tmp_path / "left"
    async with connected(form(tmp_path, "keyed"), LEFT_BEHIND=str(left)) as connection:
        assert [each.name for each in connection.offers.of("action")] == ["KEYED_SAY", "KEYED_LEFT"]
        assert component(connection, "KEYED_SAY").description == "Says it."
        assert await call(connection, "KEYED_SAY", text="hello") == "open: hello"
        assert await call(connection, "KEYED_LEFT", x=3) == {"x": 3, "y": 0}
        assert await call(connection, "KEYED_STATE") == "the bridge is open"
    assert left.read_text() == "stopped"


async def test_what_an_action_does_is_found_beside_its_description(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "described")) as connection:
        names = {each.name for each in connection.offers.of("action")}
        assert names == {"SEND_CHAT_MESSAGE", "PIN_CHAT_MESSAGE", "list_chats"}
        send = component(connection, "SEND_CHAT_MESSAGE")
        assert send.similes == ("WRITE_TO",)
        assert (send.parameters or {})["required"] == ["chat_id", "text"]
        assert await call(connection, "SEND_CHAT_MESSAGE", chat_id=7, text="hello") == "7 gets hello"
        assert await call(connection, "PIN_CHAT_MESSAGE", message_id="m1") == "pinned m1"
        assert await call(connection, "list_chats") == ["one", "two"]


async def test_a_service_alone_is_a_plugin_too(tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    async with connected(form(tmp_path, "watching"), WATCHED=str(watched)) as connection:
        assert [(each.kind, each.name) for each in connection.offers.components] == [("service", "watch")]
        await call(connection, "watch", do="start")
        assert watched.read_text() == "watching"
    assert watched.read_text() == "stopped"


async def test_a_client_is_the_one_that_its_service_made(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "clients")) as connection:
        assert [each.name for each in connection.offers.components] == ["list_desks"]
        assert await call(connection, "list_desks", floor=2) == ["http://desks.example", 2]


async def test_arguments_become_what_a_handlers_types_want(tmp_path: Path) -> None:
    pages = tmp_path / "pages.pdf"
    pages.write_bytes(b"\x00\x01\x02")
    async with connected(form(tmp_path, "typed")) as connection:
        assert component(connection, "COUNT_BYTES").similes == ("MEASURE",)
        assert await call(connection, "COUNT_BYTES", data=str(pages)) == {"count": 3}
        assert await call(connection, "COUNT_BYTES", data=base64.b64encode(b"four").decode()) == {"count": 4}
        told = (component(connection, "PAINT").parameters or {})["properties"]
        assert told["colour"] == {"enum": ["red", "blue"]}
        assert told["finish"] == {"enum": ["matt", "gloss"]}
        painted = await call(connection, "PAINT", colour="blue", dried="2026-11-27T15:00:00")
        assert painted == {"member": "BLUE", "coats": 1, "finish": "matt", "hour": 15}


async def test_contexts_services_and_ids_are_found_by_name_and_type(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "typed")) as connection:
        await call(connection, "JUDGE", verdict="good")
        judged = await call(connection, "JUDGE", verdict="bad")
        assert judged["entries"] == ["good", "bad"]
        assert len(judged["who"]) == 36
        assert await call(connection, "READ_BOOK") == f"{judged['who'][:8]} reads"
        learned = await call(connection, "REMEMBER_THIS", text="tea is good")
        assert learned["learned"] == "tea is good"
        assert len(learned["agent"]) == 36
        assert "required" not in (component(connection, "REMEMBER_THIS").parameters or {})


async def test_what_is_missing_is_named_when_an_action_is_called_without_it(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "typed")) as connection:
        with pytest.raises(ActionError, match="handler needs 'colour'"):
            await call(connection, "PAINT")
