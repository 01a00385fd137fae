"""Pictures, sound, files and questions of an MCP server reach whoever can take them; else they become files."""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types
import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.attachments import taking
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.stored_plugin import StoredPlugin
from dynamic_plugins.workers.components import Host, Offers
from tests.loading import PLUGINS, call, component, connected, server
from tests.plugins.servers.media import PNG
from tests.terminal import Terminal
from tests.test_mcp_server import beside
from tests.test_mcp_server import call as call_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dynamic_plugins.core.attachments import Attachment
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.registry.entry import Variable
    from tests.conftest import Cli

SECONDS = 30.0
TOLD = {"type": "image", "mime": "image/png", "bytes": len(PNG)}


def media(path: Path) -> Installation:
    return server(path, sys.executable, str(PLUGINS / "servers" / "media.py"), name="media")


def kept_in(file: Path) -> tuple[bytes, int]:
    return file.read_bytes(), file.stat().st_mode & 0o777


async def book(plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
    """Answer the form of ``book``; a form for a password must never be asked."""
    assert plugin == "media asks: Where to?"
    assert [each.name for each in variables] == ["city", "nights"]
    return {"city": "Lisbon"}


# ------------------------------------------------------------------------------------------- files


async def test_without_anybody_to_take_it_what_a_result_brings_is_a_file_of_the_plugins(tmp_path: Path) -> None:
    (own := tmp_path / "own").mkdir()
    async with connected(media(tmp_path), host=Host(folder=own)) as connection:
        words, picture = await call(connection, "picture")
        assert words == "a teapot"
        assert picture == TOLD | {"file": picture["file"]}
        file = Path(picture["file"])
        assert kept_in(file) == (PNG, 0o600)
        assert (file.suffix, file.parent.parent) == (".png", own)
        report, link = await call(connection, "report")
        assert Path(report["file"]).name.startswith("tea-")
        assert Path(report["file"]).suffix == ".pdf"
        assert link == {"type": "link", "uri": "https://example.org/a", "name": "a"}
        assert json.loads(await call(connection, "read_resource", resource="logo"))["file"].endswith(".png")


async def test_a_file_goes_through_no_link_that_the_plugin_has_laid(tmp_path: Path) -> None:
    own, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    own.mkdir()
    elsewhere.mkdir()
    (own / "results").symlink_to(elsewhere)
    async with connected(media(tmp_path), host=Host(folder=own)) as connection:
        assert await call(connection, "picture") == ["a teapot", TOLD]
    assert list(elsewhere.iterdir()) == []


async def test_of_many_files_the_newest_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for number in range(120):
        (folder / f"old-{number}").touch()
        os.utime(folder / f"old-{number}", (number, number))
    async with connected(media(tmp_path), host=Host(folder=tmp_path)) as connection:
        _, picture = await call(connection, "picture")
    left = {path.name for path in folder.iterdir()}
    assert len(left) == 100
    assert Path(picture["file"]).name in left
    assert "old-20" not in left


async def test_what_holds_a_secret_goes_nowhere(tmp_path: Path) -> None:
    async with connected(media(tmp_path), host=Host(folder=tmp_path), MEDIA_TOKEN="tok-93hf72hs0a") as connection:
        with taking("image") as taken:
            found = await call(connection, "leak")
    assert found["left_out"] == "it holds a secret"
    assert not taken
    assert not (tmp_path / "results").exists()


async def test_what_a_models_api_would_refuse_is_not_handed_on(tmp_path: Path) -> None:
    async with connected(media(tmp_path), host=Host(folder=tmp_path)) as connection:
        with taking("image") as taken:
            assert (await call(connection, "called_jpeg"))["mime"] == "image/png"  # what it is, not what it is called
            assert [each.mime for each in taken] == ["image/png"]
            assert (await call(connection, "drawing"))["file"].endswith(".svg")
            assert (await call(connection, "sound"))["file"].endswith(".wav")
            assert await call(connection, "broken") == {"type": "image", "mime": "image/png", "bytes": 7}
        assert len(taken) == 1


# ------------------------------------------------------------------------------------------- questions, instructions


async def test_a_server_on_this_machine_may_ask_the_person_and_never_for_a_secret(tmp_path: Path) -> None:
    async with connected(media(tmp_path), host=Host(ask_values=book)) as connection:
        assert await call(connection, "book") == {"action": "accept", "content": {"city": "Lisbon", "nights": 2}}
        assert await call(connection, "login") == {"action": "decline"}


async def test_how_a_server_is_used_and_how_its_resources_are_addressed_is_known(tmp_path: Path) -> None:
    async with connected(media(tmp_path)) as connection:
        assert connection.offers.instructions == "Ask for a picture before you ask for a sound."
        assert component(connection, "picture").read_only is True
        assert await call(connection, "read_resource_at", uri="reports://2026") == "all of reports://2026"


async def test_at_a_terminal_the_person_is_asked_in_the_middle_of_a_call(cli: Cli, tmp_path: Path) -> None:
    async with plugins(cli.home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
    with Terminal(cli.command("call", "media", "book"), tmp_path, cli.environment()) as terminal:
        assert "city" in (terminal.prompt(SECONDS) or "")
        terminal.type("Lisbon")
        assert "nights" in (terminal.prompt(SECONDS) or "")
        terminal.type("3")
        assert terminal.prompt(SECONDS) is None
        assert "media asks: Where to? must be told:" in terminal.seen
        assert '"city": "Lisbon"' in terminal.seen
        assert '"nights": 3' in terminal.seen


# ------------------------------------------------------------------------------------------- doors


@asynccontextmanager
async def plugins(home: Path, **more: Any) -> AsyncIterator[DynamicPlugins]:
    """A library with the server installed, by hand."""
    async with DynamicPlugins(settings=Settings(home=home), approve=approve_everything, **more) as library:
        put_into(library.app.store, home)
        yield library


def put_into(store: Any, home: Path) -> None:
    path = home / "runtime_plugins" / "media" / "1"
    path.mkdir(parents=True, exist_ok=True)
    store.put(StoredPlugin(media(path), "2026-01-01T00:00:00Z", approved=True))


async def test_activating_tells_how_it_is_used_and_a_change_of_that_waits_for_the_person(home: Path) -> None:
    async with plugins(home) as library:
        told = await library.call("activate_plugin", {"plugin_name": "media"})
        assert told["instructions"] == "Ask for a picture before you ask for a sound."
        agreed = library.app.store.get("media").agreed
        assert agreed is not None
        assert agreed.instructions == told["instructions"]
        others = tuple(each for each in agreed.components if each.kind != "instructions")
        library.app.store.change("media", agreed=Offers(others), offers=Offers(others))  # as if they were new
        await library.app.service.unload("media")
        library.app.service.approve = None
        told = await library.call("activate_plugin", {"plugin_name": "media"})
        assert "instructions" not in told
        assert told["withheld"]["what"] == ["instructions"]


async def test_a_program_gets_what_a_result_brings_as_bytes(home: Path) -> None:
    async with plugins(home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
        found: list[Attachment] = []
        for action in ("picture", "sound", "report"):
            told = await library.call(f"media__{action}", attachments=found)
            assert "file" not in str(told["result"])
        assert [(each.kind, each.mime) for each in found] == [
            ("image", "image/png"),
            ("audio", "audio/wav"),
            ("resource", "application/pdf"),
        ]
        assert found[0].data == PNG
        assert found[2].name == "reports://2026/tea.pdf"
        assert "file" in (await library.call("media__picture"))["result"][1]


async def test_an_mcp_client_gets_what_a_result_brings_as_content(cli: Cli) -> None:
    async with plugins(cli.home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
    async with beside(cli) as client:

        async def blocks(action: str) -> list[types.ContentBlock]:
            result = await client.call_tool("call_plugin_action", {"action": f"media__{action}", "arguments": {}})
            assert "file" not in str(result.structured_content)
            return result.content[1:]

        (picture,) = await blocks("picture")
        assert isinstance(picture, types.ImageContent)
        assert base64.b64decode(picture.data) == PNG
        (sound,) = await blocks("sound")
        assert isinstance(sound, types.AudioContent)
        (report,) = await blocks("report")
        assert isinstance(report, types.EmbeddedResource)
        assert report.resource.mime_type == "application/pdf"
        booked = await call_tool(client, "call_plugin_action", action="media__book", arguments={})
        assert booked["result"]["action"] == "decline"  # nobody is there to be asked


async def test_the_person_behind_an_mcp_client_answers_a_server_on_a_page(cli: Cli) -> None:
    async with plugins(cli.home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})

    async def person(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestURLParams)
        assert params.message.startswith("media asks: Where to? needs city, nights.")
        async with httpx2.AsyncClient() as browser:
            told = {"city": "Lisbon", "nights": "3"}
            sent = await browser.post(params.url, data=told, headers={"Origin": params.url.rsplit("/", 1)[0]})
        assert sent.status_code == 200
        return types.ElicitResult(action="accept")

    async with beside(cli, person=person, mode="legacy") as client:
        booked = await call_tool(client, "call_plugin_action", action="media__book", arguments={})
    assert booked["result"] == {"action": "accept", "content": {"city": "Lisbon", "nights": 3}}


@pytest.mark.skipif(find_spec("pydantic_ai") is None, reason="pydantic-ai is not installed")
async def test_pydantic_ai_gets_the_picture(home: Path) -> None:
    from pydantic_ai.messages import BinaryContent, ToolReturn

    from dynamic_plugins.integrations.pydantic_ai import PluginToolset

    async with plugins(home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
        toolset: Any = PluginToolset(library)
        tools = await toolset.get_tools(None)
        returned = await toolset.call_tool("media__picture", {}, None, tools["media__picture"])
        assert isinstance(returned, ToolReturn)
        assert returned.content == [BinaryContent(PNG, media_type="image/png")]


@pytest.mark.skipif(find_spec("langchain") is None, reason="langchain is not installed")
async def test_langchain_gets_the_picture(home: Path) -> None:
    from dynamic_plugins.integrations.langchain import PluginTools

    async with plugins(home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
        (tool,) = [each for each in PluginTools(library).now() if each.name == "media__picture"]
        message = await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": {}})
        assert message.content_blocks[1]["mime_type"] == "image/png"
        assert base64.b64decode(message.content_blocks[1]["base64"]) == PNG


@pytest.mark.skipif(find_spec("agents") is None, reason="openai-agents is not installed")
async def test_openai_agents_get_the_picture(home: Path) -> None:
    from agents import ToolOutputImage

    from dynamic_plugins.integrations.openai_agents import PluginTools

    async with plugins(home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
        (tool,) = [each for each in PluginTools(library).now() if each.name == "media__picture"]
        _, picture = await tool.on_invoke_tool(None, "{}")  # type: ignore[union-attr, arg-type] # a function tool
        assert isinstance(picture, ToolOutputImage)
        assert picture.image_url == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


@pytest.mark.skipif(find_spec("llm") is None, reason="llm is not installed")
async def test_llm_gets_the_picture(home: Path) -> None:
    import asyncio

    from dynamic_plugins.integrations.llm import DynamicPlugins as Toolbox

    async with plugins(home) as library:
        await library.call("activate_plugin", {"plugin_name": "media"})
    toolbox = Toolbox(str(home))
    try:
        (tool,) = [each for each in toolbox.tools() if each.name == "media__picture"]
        assert tool.implementation is not None
        output = await asyncio.to_thread(tool.implementation)
        assert [each.content for each in output.attachments] == [PNG]
    finally:
        toolbox.close()
