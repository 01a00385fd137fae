"""The forms that elizaOS packages have, each by a small package made like the real ones that it names."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import ActionError
from dynamic_plugins.registry.entry import Variable
from tests.loading import call, component, connected, native

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation


def form(path: Path, name: str) -> Installation:
    return replace(native(path, name, "forms"), kind="elizaos")


async def test_functions_by_name_are_actions_and_providers_of_a_plugin_that_prepares_itself(tmp_path: Path) -> None:
    left = tmp_path / "left"
    async with connected(form(tmp_path, "keyed"), LEFT_BEHIND=str(left)) as connection:
        assert [each.name for each in connection.offers.of("action")] == ["KEYED_SAY", "KEYED_LEFT", "KEYED_SHOW"]
        assert component(connection, "KEYED_SAY").description == "Says it."
        assert await call(connection, "KEYED_SAY", text="hello") == "open: hello"
        assert await call(connection, "KEYED_LEFT", x=3) == {"x": 3, "y": 0}
        shown = {"text": "Here", "attachments": [{"url": "https://keyed.example/map.png"}]}
        assert await call(connection, "KEYED_SHOW", kind="silent") == shown
        assert await call(connection, "KEYED_SHOW", kind="listed") == {**shown, "data": ["map"]}
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


async def test_tasks_are_there_once_a_service_has_registered_them_with_the_interval_they_are_queued_for(
    tmp_path: Path,
) -> None:
    async with connected(form(tmp_path, "ticking")) as connection:
        assert [(each.kind, each.name) for each in connection.offers.components] == [("service", "tick")]
        changed = asyncio.Event()
        connection.on_offers_changed = lambda _: changed.set()
        await call(connection, "tick", do="start")
        await asyncio.wait_for(changed.wait(), 30)
        tasks = {each.name: each.interval for each in connection.offers.of("task")}
        assert tasks == {"COUNT_UP": 1.0, "SWEEP": 1.0, "NOT_DUE": None}
        for runs in (1, 2):
            assert await call(connection, "COUNT_UP") == {"runs": runs, "task": "COUNT UP", "every": 1000}
        assert await call(connection, "NOT_DUE") is None
        with pytest.raises(ActionError, match="the broom is broken"):
            await call(connection, "SWEEP")


async def test_a_client_is_the_one_that_its_service_made(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "clients")) as connection:
        assert [each.name for each in connection.offers.components] == ["list_desks"]
        assert await call(connection, "list_desks", floor=2) == ["http://desks.example", 2]


async def test_arguments_become_what_a_handlers_types_want(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "typed")) as connection:
        assert component(connection, "COUNT_BYTES").similes == ("MEASURE",)
        coded = base64.b64encode(b"four").decode()
        assert await call(connection, "COUNT_BYTES", data=f"base64:{coded}") == {"count": 4}
        assert await call(connection, "COUNT_BYTES", data=f"data:image/png;base64,{coded}") == {"count": 4}
        assert await call(connection, "COUNT_BYTES", picture_base64=coded) == {"count": 4}
        assert await call(connection, "COUNT_BYTES", data=coded) == {"count": 8}, "nothing says that it is base64"
        with pytest.raises(ActionError, match="not base64"):
            await call(connection, "COUNT_BYTES", data="base64:?")
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


async def test_a_text_is_no_files_name_unless_its_parameter_says_that_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\x00\x01\x02")
    async with connected(form(tmp_path, "typed")) as connection:
        told = (component(connection, "COUNT_BYTES").parameters or {})["properties"]
        assert "path" not in told["data"]["description"]
        assert told["pdf_file"]["description"].startswith("The path of a file")
        assert await call(connection, "COUNT_BYTES", data="README.md") == {"count": 9}
        assert await call(connection, "COUNT_BYTES", data=str(tmp_path / "README.md")) == {
            "count": len(str(tmp_path / "README.md"))
        }
        assert await call(connection, "COUNT_BYTES", pdf_file="README.md") == {"count": 3}
        assert await call(connection, "COUNT_BYTES", pdf_file="no such file") == {"count": 12}


async def test_files_are_read_only_in_the_plugins_own_folder_and_in_those_it_was_told_of(tmp_path: Path) -> None:
    own, told, other = (tmp_path / each for each in ("own", "told", "other"))
    for folder in (own, told, other):
        folder.mkdir()
        (folder / "pages.pdf").write_bytes(b"\x00\x01\x02")
    (own / "link.pdf").symlink_to(other / "pages.pdf")
    with_folder = replace(form(own, "typed"), variables=(Variable("PAPERS"), Variable("ALL")))
    async with connected(with_folder, PAPERS=str(told), ALL="/") as connection:
        for path in (own / "pages.pdf", told / "pages.pdf"):
            assert await call(connection, "COUNT_BYTES", pdf_file=str(path)) == {"count": 3}
        for path in (other / "pages.pdf", own / "link.pdf", own / ".." / "other" / "pages.pdf"):
            with pytest.raises(ActionError, match="is not read"):
                await call(connection, "COUNT_BYTES", pdf_file=str(path))


async def test_a_description_gets_no_function_that_does_something_else(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "doing")) as connection:
        names = {each.name for each in connection.offers.of("action")}
        # Not SEND_MESSAGE and PING, beside which only deleting is done; not ADD, which may mean either of two; and not
        # REMOVE, since what could do it does REMOVE_NOTE.
        assert names == {"REMOVE_NOTE", "FIND", "GREET"}
        assert await call(connection, "REMOVE_NOTE") == "removed a note"
        assert await call(connection, "FIND") == "found"
        assert await call(connection, "GREET") == "hello"


async def test_ids_are_the_callers_to_say_where_a_function_is_told_nothing_of_the_conversation(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "ids")) as connection:
        assert (component(connection, "BAN").parameters or {})["required"] == ["user_id", "world_id"]
        assert "user_id" in (component(connection, "WRITE_TO").parameters or {})["required"]
        assert (component(connection, "BAN_BY_FORM").parameters or {})["required"] == ["user_id"]
        with pytest.raises(ActionError, match="handler needs 'user_id'"):
            await call(connection, "BAN", world_id="w")
        with pytest.raises(ActionError, match="needs 'user_id'"):
            await call(connection, "BAN_BY_FORM", days=3)
        assert await call(connection, "BAN", user_id="u", world_id="w") == {"user": "u", "world": "w", "reason": ""}
        assert await call(connection, "BAN_BY_FORM", user_id="u") == {"user": "u"}


async def test_ids_are_the_conversations_where_a_function_is_told_of_it(tmp_path: Path) -> None:
    async with connected(form(tmp_path, "ids")) as connection:
        for name in ("WHERE", "HERE"):
            assert "required" not in (component(connection, name).parameters or {})
            assert len((await call(connection, name))["room"]) == 36
