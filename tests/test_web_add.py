"""What no registry lists is added on the page: asked about by itself, in the words of a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import DeclinedError
from dynamic_plugins.settings import Settings
from tests.npm_registry import npm_registry
from tests.oauth_server import Browser, oauth_server
from tests.package_index import package_index
from tests.web_page import HELLO, registry_of, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dynamic_plugins.approval import ApprovalRequest
    from tests.web_page import Page, Served, Visitor

TICKING = Path(__file__).parent / "plugins" / "forms" / "ticking" / "__init__.py"


def facts_on(page: Page) -> list[tuple[str, str]]:
    """Return what a question shows, each with its label."""
    found = re.findall(r'class="fact-name">([^<]*)</span> <span class="fact-text">([^<]*)<', page.html)
    return [(unescape(label), unescape(text)) for label, text in found]


async def asked_at_a_terminal(settings: Settings, said: str) -> list[tuple[str, str]]:
    """Return what a terminal would show for *said*, line by line."""
    requests: list[ApprovalRequest] = []

    async def no(request: ApprovalRequest) -> bool:
        requests.append(request)
        return False

    async with App(settings, approve=no) as app:
        with pytest.raises(DeclinedError):
            await app.service.install(said)
    return [(line[2:10].strip(), line[11:]) for line in requests[0].facts]


@pytest.fixture
async def served(home: Path, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(home, registry_of(tmp_path / "registry.json", HELLO)) as served:
        yield served


@pytest.fixture
async def visitor(served: Served) -> AsyncIterator[Visitor]:
    async with served.visitor() as visitor:
        yield visitor


async def test_a_server_is_added_by_its_address_and_signed_in_to_by_a_link(served: Served, visitor: Visitor) -> None:
    assert "/add" in (await visitor.get("/browse")).html
    with oauth_server() as server:
        address = f"http://{server.host}/mcp"
        asked = await visitor.settled(await visitor.post("/add", what=address))
        assert ("address", address) in facts_on(asked)
        assert "No registry lists it, so nobody has looked at it." in asked.text
        assert served.app.store.read() == {}
        added = await visitor.answer(asked, "once")
        (name,) = served.app.store.read()
        assert f"{name} is installed." in added.text
        asked = await visitor.do("activate", name)
        assert f"Sign in for {name}" in asked.text
        (link,) = re.findall(r'href="(http[^"]*)" rel="noreferrer" target="_blank"', asked.html)
        browser = Browser("yes")
        await browser.follow(await browser.sign_in(unescape(link)))
        async with asyncio.timeout(60):
            while (page := await visitor.settled(await visitor.get(asked.path))).path.startswith("/doing"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert f"{name} is on." in page.text
        assert [line["answer"] for line in served.app.audit.read(name) if line["what"] == "consent to install"] == [
            "yes"
        ]


async def test_a_package_of_npm_is_asked_about_as_at_a_terminal(home: Path, tmp_path: Path) -> None:
    with npm_registry() as npm:
        npm.add("tea-server", "1.0.0")
        environ = npm.environment(tmp_path) | {"DYNAMIC_PLUGINS_COOLDOWN_DAYS": "0", "PATH": os.environ["PATH"]}
        settings = Settings.from_environment(environ, home=tmp_path / "other")
        terminal = await asked_at_a_terminal(settings, "npm:tea-server")
        async with serving(home, environ=environ, offline=False) as served, served.visitor() as visitor:
            asked = await visitor.settled(await visitor.post("/add", what="npm:tea-server"))
            assert [text for label, text in facts_on(asked) if label != "runs"] == [
                text.replace(str(tmp_path / "other"), str(home)) for label, text in terminal if label != "runs"
            ]
            await visitor.answer(asked, "no")
            assert served.app.store.read() == {}


async def test_what_is_no_address_and_no_package_is_told_or_searched_for(visitor: Visitor) -> None:
    for said, told in (
        ("http://tools.example.org/mcp", "Only https is used beyond this machine"),
        ("https://me:hunter2@tools.example.org/mcp", "holds a user or a password"),
        ("npm:no name", "cannot be the name of a package on npm"),
        ("/no/such/folder", "there is no such folder or wheel"),
        ("", "Nothing was entered."),
    ):
        page = await visitor.post("/add", what=said)
        assert (page.status, told in page.text) == (409, True), said
        assert "hunter2" not in page.html
    assert (await visitor.post("/add", what="hello")).path == "/browse?q=hello"


async def test_a_folder_of_this_machine_is_installed(served: Served, visitor: Visitor) -> None:
    asked = await visitor.settled(await visitor.post("/add", what=str(HELLO)))
    assert "Install hello-plugin" in asked.text or "Install hello" in asked.text
    await visitor.answer(asked, "once")
    (name,) = served.app.store.read()
    assert f"Comes from this machine ({HELLO})" in (await visitor.get(f"/plugin?name={name}")).text


async def test_tasks_of_an_elizaos_plugin_are_in_what_happened(home: Path, tmp_path: Path) -> None:
    name = "elizaos-plugin-ticking"
    with package_index() as index:
        source = TICKING.read_text()
        points = "[elizaos.plugins]\nticking = elizaos_plugin_ticking:plugin\n"
        index.add_wheel(name, "1.0", "2020-01-01", source, points)
        index.add_wheel("elizaos", "2.0", "2020-01-01", "", "")  # it has no runtime: ours stands in
        environ = index.environment(tmp_path)
        async with serving(home, environ=environ, offline=False) as served, served.visitor() as visitor:
            await visitor.answer(await visitor.settled(await visitor.post("/add", what=f"pypi:{name}")), "once")
            assert served.app.store.get(name).installation.kind == "elizaos"
            page = await visitor.do("activate", name)
            async with asyncio.timeout(60):
                while not served.app.service.withheld(name):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                # What it registered once it ran is new since it was agreed to.
                asked = await visitor.do("activate", name)
                assert "task COUNT_UP" in asked.text
                await visitor.answer(asked, "once")
                while len({each.action for each in served.app.service.calls.read()}) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            page = await visitor.get("/happened")
            assert "task:COUNT_UP" in page.text
            assert "task:SWEEP" in page.text
            records = json.loads((await visitor.get("/happened/all.json")).html)["calls"]
            doors = {(each["action"], each["door"], bool(each["error"])) for each in records}
            assert doors == {("task:COUNT_UP", "schedule", False), ("task:SWEEP", "schedule", True)}
