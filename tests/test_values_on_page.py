"""Values that an MCP client's plugin needs are entered on the page of the home, where one is open."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

import httpx2
import mcp_types as types
import pytest

from dynamic_plugins.integrations.values_on_page import ValuesOnPage, on_page
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.storage import value_questions
from dynamic_plugins.storage.approval_queue import FOLDER, NO, VALUES, ApprovalQueue
from dynamic_plugins.storage.value_questions import OpenValues
from tests.test_mcp_server import Behind, Mode, both, call, connected, install
from tests.web_page import KEEPER, PASSPHRASE, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.web_page import Served

SECRET = "not-for-a-model-4711"
FIELDS = (
    Variable("API_KEY", "The key of <b>you</b>", required=True, secret=True),
    Variable("REGION", choices=("eu", "us")),
    Variable("PLACE"),
)


@pytest.fixture
async def served(home: Path) -> AsyncIterator[Served]:
    async with serving(home) as served, served.visitor():  # it is announced once it answers
        yield served


@pytest.fixture
async def stranger() -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that has no cookie of the page's."""
    async with httpx2.AsyncClient(timeout=20) as browser:
        yield browser


@pytest.fixture
async def form(home: Path, served: Served) -> AsyncIterator[ValuesOnPage]:
    form = on_page(home, "<script>alert(1)</script>", FIELDS, 60)
    assert form is not None
    yield form
    await form.close()


def sent_from(url: str) -> dict[str, str]:
    return {"Origin": "/".join(url.split("/")[:3])}


def everything_in(home: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())


@dataclass
class OnPage(Behind):
    """A person whose client opens the page for them, in a browser that has no cookie."""

    async def enter(self, url: str) -> None:
        async with httpx2.AsyncClient() as browser:
            page = (await browser.get(url)).text
            (name,) = re.findall(r'id="(var\.KEEPER_API_TOKEN)"', page)
            sent = await browser.post(url, data={name: self.secret}, headers=sent_from(url))
            assert "Thank you" in sent.text
            assert SECRET not in page + sent.text


@both
async def test_what_a_client_has_the_person_enter_is_entered_on_the_page_that_is_open(
    cli: Cli, home: Path, served: Served, mode: Mode
) -> None:
    cli.env = {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE}
    await install(cli, KEEPER)
    person = OnPage(secret=SECRET, slow=True)
    async with connected(cli, "--verbose", mode=mode, person=person) as client:
        on = await call(client, "activate_plugin", plugin_name="keeper")
        assert on["status"] == "active"
    (asked,) = [each for each in person.asked if isinstance(each, types.ElicitRequestURLParams)]
    assert asked.url.startswith(f"{served.key.address}values?ticket=")
    seen = json.dumps(on) + person.messages + cli.home.with_suffix(".err").read_text()
    kept = await asyncio.to_thread(everything_in, home)
    assert SECRET not in seen + kept
    assert served.key.token not in seen
    assert not list((home / FOLDER).glob("*.json"))


async def test_the_form_asks_for_each_value_and_takes_one_answer(
    form: ValuesOnPage, stranger: httpx2.AsyncClient, home: Path
) -> None:
    shown = await stranger.get(form.url)
    assert re.search(r'<input id="var.API_KEY" [^>]*type="password"', shown.text)
    assert "<option>eu</option>" in shown.text
    assert "<script>alert" not in shown.text
    assert "<b>you</b>" not in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    waiting = asyncio.create_task(form.values())
    missing = await stranger.post(form.url, data={"var.PLACE": "here"}, headers=sent_from(form.url))
    assert (missing.status_code, "It cannot do without API_KEY." in missing.text) == (409, True)
    told = {"var.API_KEY": SECRET, "var.REGION": "us", "var.PLACE": "", "var.OTHER": "x"}
    sent = await stranger.post(form.url, data=told, headers=sent_from(form.url))
    assert (sent.status_code, "Thank you" in sent.text) == (200, True)
    assert await asyncio.wait_for(waiting, 20) == {"API_KEY": SECRET, "REGION": "us"}
    assert SECRET not in "".join(path.read_text() for path in (home / FOLDER).iterdir())
    again = await stranger.post(form.url, data=told, headers=sent_from(form.url))
    assert (again.status_code, "There is nothing to enter here" in again.text) == (404, True)


async def test_of_two_browsers_at_once_one_enters_and_the_other_is_told(
    form: ValuesOnPage, stranger: httpx2.AsyncClient
) -> None:
    both_at_once = [
        stranger.post(form.url, data={"var.API_KEY": f"{SECRET}-{number}"}, headers=sent_from(form.url))
        for number in range(2)
    ]
    thanked = ["Thank you" in each.text for each in await asyncio.gather(*both_at_once)]
    assert sorted(thanked) == [False, True]
    assert await form.values() == {"API_KEY": f"{SECRET}-{thanked.index(True)}"}


async def test_a_ticket_opens_nothing_else_and_is_nothing_to_other_sites(
    form: ValuesOnPage, served: Served, stranger: httpx2.AsyncClient
) -> None:
    ticket, told = form.url.partition("ticket=")[2], {"var.API_KEY": "x"}
    for path in ("browse", "asked", "plugin/settings?name=keeper&", "asked/answer", "enter"):
        mark = "" if path.endswith("&") else "?"
        assert (await stranger.get(f"{served.key.address}{path}{mark}ticket={ticket}")).status_code in (401, 404)
    for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403), ({}, 403)):
        assert (await stranger.post(form.url, data=told, headers=headers)).status_code == status
    guessed = await stranger.get(form.url[:-1] + ("A" if form.url[-1] != "A" else "B"))
    assert guessed.status_code == 404
    assert "API_KEY" not in guessed.text
    assert (await stranger.get(f"{served.key.address}values")).status_code == 401
    long = await stranger.post(form.url, data={"var.API_KEY": "x" * 2**21}, headers=sent_from(form.url))
    assert long.status_code == 413
    other = await stranger.post(form.url, content=b"{}", headers=sent_from(form.url))
    assert other.status_code == 415
    assert form.useful


async def test_it_is_among_what_is_asked_where_it_is_entered_or_refused(
    home: Path, served: Served, form: ValuesOnPage
) -> None:
    async with served.visitor() as visitor:
        asked = await visitor.get("/asked")
        assert "API_KEY (secret)" in asked.text
        (path,) = re.findall(r'href="(/values\?id=\w+)"', asked.html)
        entered = await visitor.post(unescape(path), var__API_KEY=SECRET)
        assert "Thank you" in entered.text
        assert await form.values() == {"API_KEY": SECRET}
        assert "Nothing waits for you" in (await visitor.get("/asked")).text
        other = on_page(home, "mailer", FIELDS[2:], 60)
        assert other is not None
        identifier = (await visitor.get("/asked")).hidden("/asked/answer")["id"]
        refused = await visitor.post("/asked/answer", id=identifier, answer=VALUES)
        assert refused.status == 400  # with nothing entered that is no answer
        assert "You answered No" in (await visitor.post("/asked/answer", id=identifier, answer=NO)).text
        assert await other.values() == {}
        assert not other.useful
        await other.close()


async def test_without_a_page_there_is_no_form_on_it_and_one_whose_asker_has_ended_is_gone(
    home: Path, tmp_path: Path, served: Served, stranger: httpx2.AsyncClient
) -> None:
    assert on_page(tmp_path, "mailer", FIELDS, 60) is None
    form = on_page(home, "mailer", FIELDS, 60)
    assert form is not None
    await form.close()
    assert (await stranger.get(form.url)).status_code == 404
    brief = on_page(home, "mailer", FIELDS, 0.05)
    assert brief is not None
    assert await asyncio.wait_for(brief.values(), 10) == {}


def test_what_was_entered_is_read_by_whoever_asked_alone(tmp_path: Path) -> None:
    queue = ApprovalQueue(tmp_path, "mcp")
    first, second = (OpenValues(queue, "mailer", FIELDS, 60) for _ in range(2))
    asked = value_questions.of_ticket(queue, first.ticket)
    assert asked is not None
    assert asked.fields[0].is_secret
    assert not asked.fields[2].is_secret
    assert value_questions.enter(queue, asked, {"API_KEY": SECRET}) == "counted"
    assert value_questions.enter(queue, asked, {"API_KEY": "another"}) == "too late"
    (answer,) = (tmp_path / FOLDER).glob("*.answer")
    assert SECRET not in answer.read_text()
    stolen = answer.with_name(answer.name.replace(asked.id, queue.open()[0].id))
    stolen.write_text(answer.read_text())
    assert second.given() == {}  # sealed for the first: nothing
    assert first.given() == {"API_KEY": SECRET}
    first.close()
    second.close()
    assert not list((tmp_path / FOLDER).glob("*.answer"))
