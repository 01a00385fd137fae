"""The pages of what is asked and what happened, as a browser without scripts sees them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import time
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import httpx2
import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.approval_queue import ApprovalQueue
from dynamic_plugins.storage.audit import AuditLog
from dynamic_plugins.storage.call_log import CallRecord
from dynamic_plugins.storage.open_page import is_seen
from dynamic_plugins.web import charts, live
from dynamic_plugins.web.call_statistics import PERIODS, by_action, in_words, over_time, percentile, summary
from dynamic_plugins.web.charts import Series
from tests.test_asked_on_page import asked
from tests.test_mcp_server import call, connected, install
from tests.web_page import HELLO, KEEPER, PASSPHRASE, Visitor, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.web_page import Page, Served

SECONDS = 30.0
INSTALL = ApprovalRequest("install", "mcp-server-time", "1.2", "PyPI", (("uv", "pip", "install"),), ("It is new.",))
CALL = ApprovalRequest("call", "mailer", "1", "PyPI", (), action="send", arguments='{"to": "a"}')


@pytest.fixture
async def served(home: Path) -> AsyncIterator[Served]:
    async with serving(home) as served:
        yield served


@pytest.fixture
async def visitor(served: Served) -> AsyncIterator[Visitor]:
    async with served.visitor() as visitor:
        yield visitor


async def answer(visitor: Visitor, page: Page, said: str) -> Page:
    return await visitor.post("/asked/answer", **page.hidden("/asked/answer"), answer=said)


# ---------------------------------------------------------------- asked


async def test_what_is_asked_is_shown_as_a_terminal_shows_it_and_answered_once(home: Path, visitor: Visitor) -> None:
    assert "Nothing waits for you" in (await visitor.get("/asked")).text
    question = ApprovalQueue(home, "mcp").put(INSTALL, 60)
    page = await visitor.get("/asked")
    assert INSTALL.question in page.text
    for fact in INSTALL.facts:
        assert all(word in page.text for word in fact.split())
    assert "an MCP client" in page.text
    said = await answer(visitor, page, "yes")
    assert "You answered Yes to: Install mcp-server-time 1.2 from PyPI?" in said.text
    assert "the same call again" in said.text
    given = question.close()
    assert given is not None
    assert (given.as_answer, given.by) == (True, "page")


async def test_of_two_browsers_one_answers_and_the_other_is_told(home: Path, served: Served) -> None:
    async with served.visitor() as first, served.visitor() as second:
        question = ApprovalQueue(home, "chat").put(INSTALL, 60)
        pages = await first.get("/asked"), await second.get("/asked")
        said = await asyncio.gather(answer(first, pages[0], "yes"), answer(second, pages[1], "no"))
        told = [page.text for page in said]
        assert sum("You answered" in text for text in told) == 1
        assert sum("Your answer did not count" in text for text in told) == 1
        given = question.close()
        assert given is not None
        assert (given.answer == "yes") == ("You answered Yes" in told[0])
        late = await answer(first, pages[0], "no")
        assert "Your answer did not count" in late.text


async def test_what_was_answered_elsewhere_or_whose_asker_has_ended_cannot_be_answered(
    home: Path, visitor: Visitor
) -> None:
    question = ApprovalQueue(home, "chat").put(INSTALL, 60)
    page = await visitor.get("/asked")
    question.close()
    assert "That is not asked any more" in (await answer(visitor, page, "yes")).text


async def test_how_long_a_yes_holds_is_asked_where_a_terminal_asks_it(home: Path, visitor: Visitor) -> None:
    question = ApprovalQueue(home, "library").put(CALL, 60)
    page = await visitor.get("/asked")
    assert re.findall(r'name="answer" value="(\w+)"', page.html) == ["once", "conversation", "always", "no"]
    assert (await answer(visitor, page, "yes")).status == 400
    assert (await answer(visitor, page, "beforehand")).status == 400
    assert question.given() is None
    await answer(visitor, page, "conversation")
    given = question.close()
    assert given is not None
    assert given.answer == "conversation"


async def test_what_a_stranger_wrote_into_a_question_is_text(home: Path, visitor: Visitor) -> None:
    bad = '<script>alert(1)</script><img src=x onerror=alert(1)> "\u202e'
    question = ApprovalQueue(home).put(ApprovalRequest("install", bad, bad, bad, ((bad,),), (bad,)), 60)
    page = await visitor.get("/asked")
    assert "<script>alert" not in page.html
    assert "<img" not in page.html
    assert "\u202e" not in page.html
    question.close()


async def test_only_whoever_has_the_page_s_cookie_answers(home: Path, served: Served, visitor: Visitor) -> None:
    question = ApprovalQueue(home, "mcp").put(INSTALL, 60)
    form = {"id": question.question.id, "answer": "yes"}
    origin = {"Origin": served.key.address.rstrip("/")}
    async with httpx2.AsyncClient(base_url=served.key.address) as stranger:
        assert (await stranger.post("/asked/answer", data=form, headers=origin)).status_code == 401
        assert (await stranger.get("/events")).status_code == 401
        assert INSTALL.name not in (await stranger.get("/asked")).text
    refused = await visitor._client.post("/asked/answer", data=form, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert (await visitor.get(f"/asked/answer?id={form['id']}&answer=yes")).status == 405
    assert question.given() is None
    question.close()


async def test_every_page_counts_what_is_asked(home: Path, visitor: Visitor) -> None:
    questions = [ApprovalQueue(home).put(INSTALL, 60) for _ in range(23)]
    page = await visitor.get("/installed")
    assert re.search(r'data-live="asked">23<', page.html)
    listed = await visitor.get("/asked")
    assert listed.html.count("data-question=") == 20
    assert "3 more wait behind these" in listed.text
    for question in questions:
        question.close()
    assert re.search(r'data-live="asked" hidden><', (await visitor.get("/installed")).html)


async def test_an_mcp_client_s_call_goes_through_once_the_person_has_said_yes_on_the_page(
    cli: Cli, served: Served, visitor: Visitor
) -> None:
    await install(cli, HELLO)
    async with connected(cli) as client:
        told = await call(client, "activate_plugin", plugin_name="hello")
        address = told["error"]["page"]
        # The address is the whole of what a model is given, and it opens nothing: not with all else that it was told.
        assert address == f"{served.key.address}asked"
        assert served.key.token not in str(told)
        async with httpx2.AsyncClient() as model:
            closed = await model.get(address)
            assert closed.status_code == 401
            assert "hello" not in closed.text
        page = await answer(visitor, await visitor.get("/asked"), "yes")
        assert "You answered Yes" in page.text
        assert (await call(client, "activate_plugin", plugin_name="hello"))["ok"] is True
    noted = [line for line in served.app.audit.read("hello") if line["what"] == "consent to activate"]
    assert [(line["door"], line["answer"], line.get("detail")) for line in noted] == [
        ("mcp", "yes", "answered on the page")
    ]


async def test_a_client_that_opens_no_page_is_told_where_the_person_enters_what_a_plugin_needs(
    cli: Cli, served: Served, visitor: Visitor
) -> None:
    cli.env = {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE}
    await install(cli, KEEPER)
    async with connected(cli) as client:
        told = (await call(client, "activate_plugin", plugin_name="keeper"))["error"]
        assert (told["code"], told["missing"]) == ("needs_configuration", ["KEEPER_API_TOKEN"])
        assert told["page"] in told["message"]
        assert served.key.token not in str(told)
        async with httpx2.AsyncClient() as other:  # followed from another site's page, a strict cookie stays behind
            locked = await other.get(told["page"])
            assert locked.status_code == 401
            assert '<a href="">Go on</a>' in locked.text
        saved = await visitor.post("/plugin/settings", name="keeper", var__KEEPER_API_TOKEN="not-for-a-model")
        assert "Saved." in saved.text
        assert (await call(client, "activate_plugin", plugin_name="keeper"))["error"]["code"] == "needs_confirmation"
        await answer(visitor, await visitor.get("/asked"), "yes")
        assert (await call(client, "activate_plugin", plugin_name="keeper"))["ok"] is True


async def test_a_page_that_is_started_anew_shows_what_was_asked_before(cli: Cli, home: Path) -> None:
    await install(cli, HELLO)
    settings = Settings.from_environment(cli.environment(), home=home)
    async with DynamicPlugins(settings=settings) as plugins:
        async with serving(home):
            switching = asyncio.ensure_future(plugins.call("activate_plugin", {"plugin_name": "hello"}))
            await asked(ApprovalQueue(home))
        async with serving(home) as again, again.visitor() as visitor:
            await answer(visitor, await visitor.get("/asked"), "yes")
            assert (await switching)["ok"] is True


# ---------------------------------------------------------------- news


async def news_of(visitor: Visitor) -> AsyncIterator[dict[str, Any]]:
    async with visitor._client.stream("GET", "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


async def test_a_browser_is_told_within_a_second_of_what_is_asked_and_of_its_end(home: Path, visitor: Visitor) -> None:
    async with asyncio.timeout(SECONDS):
        news = news_of(visitor)
        assert (await anext(news))["asked"] == []
        before = time.monotonic()
        question = ApprovalQueue(home).put(INSTALL, 60)
        assert (await anext(news))["asked"] == [question.question.id]
        assert time.monotonic() - before < 2.0  # half a second, and what a busy machine adds
        question.close()
        assert (await anext(news)) == {"asked": []}
        await news.aclose()  # type: ignore[attr-defined] # it is a generator


async def test_only_so_many_browsers_listen_and_one_that_goes_away_makes_room(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_LISTENERS", 1)
    monkeypatch.setattr(live, "STILL_THERE", 0.1)
    async with served.visitor() as first, served.visitor() as second, asyncio.timeout(SECONDS):
        news = news_of(first)
        await anext(news)
        assert (await second.get("/events")).status == 503
        await news.aclose()  # type: ignore[attr-defined] # it is a generator
        while True:
            async with second._client.stream("GET", "/events") as stream:
                if stream.status_code == 200:
                    break


async def test_the_home_knows_whether_somebody_looks_at_its_page(
    home: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = served.site.presence
    async with httpx2.AsyncClient(base_url=served.key.address) as stranger:
        assert (await stranger.get("/asked")).status_code == 401
    assert not presence.is_there
    async with served.visitor() as visitor, asyncio.timeout(SECONDS):
        assert presence.is_there  # without scripts: what was shown is read
        while not is_seen(home):  # noqa: ASYNC110 # another process would look at the file
            await asyncio.sleep(0.05)
        monkeypatch.setattr(live, "STILL_THERE", 0.1)
        news = news_of(visitor)
        await anext(news)
        assert presence.is_there
        await news.aclose()
        while presence.is_there:  # noqa: ASYNC110 # the server finds out as it writes
            await asyncio.sleep(0.05)


async def test_a_browser_that_reads_nothing_for_long_is_told_how_it_is_now_and_not_how_it_was() -> None:
    slow = live.Listener()
    for number in range(1000):
        slow.tell({"asked": [number]})
    slow.tell({"calls": ["x"]})
    assert await slow.next() == b'data: {"asked": [999], "calls": ["x"]}\n\n'


# ---------------------------------------------------------------- what happened


def noted(app_home: Path, *records: CallRecord) -> None:
    lines = [
        {name: getattr(record, name) for name in ("at", "plugin", "action", "door", "ms", "error", "tokens")}
        for record in records
    ]
    with (app_home / "calls.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def read(page: Page) -> str:
    """Return what stands on the page outside its pictures."""
    bare = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", page.html, flags=re.DOTALL)
    return " ".join(unescape(bare).split())


async def test_what_plugins_did_is_shown_by_action_with_its_errors_its_latency_and_its_tokens(
    home: Path, visitor: Visitor
) -> None:
    assert "No plugin was called in this time" in (await visitor.get("/happened")).text
    now = time.time()
    noted(
        home,
        *(CallRecord(now - 60, "github", "search", "mcp", float(ms), "", 100) for ms in range(1, 100)),
        CallRecord(now - 60, "github", "search", "mcp", 5_000.0, "action_failed"),
        CallRecord(now - 40 * 3600, "sqlite", "query", "chat", 12.0, "", 7),
    )
    page = await visitor.get("/happened")
    assert "search github 100 1 50 ms 95 ms 9,900" in read(page)
    assert "sqlite" not in read(page)
    month = await visitor.get("/happened?period=month")
    assert "query sqlite 1 0 12 ms 12 ms 7" in read(month)
    only = await visitor.get("/happened?period=month&plugin=sqlite&action=query")
    assert "search github" not in read(only)
    strange = await visitor.get("/happened?plugin=<script>&period=<b>&page=x&log=-1&action=<script>")
    assert strange.status == 200
    assert "<script>" not in strange.html


async def test_pictures_say_in_words_what_they_show(home: Path, visitor: Visitor) -> None:
    noted(home, CallRecord(time.time() - 60, 'a"<&b', "<script>", "mcp", 20.0, "", 5))
    page = await visitor.get("/happened")
    pictures = re.findall(r"<svg.*?</svg>", page.html.split("</header>")[1], re.DOTALL)
    assert len(pictures) == 6
    names = []
    for picture in pictures:
        drawn = ElementTree.fromstring(picture)  # noqa: S314 # our own
        assert drawn.get("role") == "img"
        assert drawn.get("style") is None
        words = {each.get("id"): each.text for each in drawn}
        names.append(" ".join(words[name] or "" for name in (drawn.get("aria-labelledby") or "").split()))
    assert "Calls 1 calls, of which 0 failed." in names
    assert "How long they took Half of all calls took at most 20 ms, 95 % at most 20 ms." in names
    assert "<script>" not in page.html


async def test_tokens_over_time_are_shown_by_plugin_and_of_one_plugin_by_action(home: Path, visitor: Visitor) -> None:
    at = time.time() - 60
    calls = [CallRecord(at, f"plugin-{number}", "look", "mcp", 1.0, "", 10 * number) for number in range(1, 8)]
    noted(home, *calls, CallRecord(at, "plugin-7", "list", "mcp", 1.0, "", 500))
    page = await visitor.get("/happened")
    assert legend_of("Tokens of results", page) == ["plugin-7", "plugin-6", "plugin-5", "plugin-4", "all others"]
    assert re.search(r"plugin-7 570, plugin-6 60, plugin-5 50, plugin-4 40, all others 60", page.html)
    assert legend_of("Tokens of results", await visitor.get("/happened?plugin=plugin-7")) == ["list", "look"]


def legend_of(title: str, page: Page) -> list[str]:
    """Return what the picture called *title* tells apart."""
    picture = page.html.partition(f"<h2>{title}</h2>")[2].partition("</figcaption>")[0]
    return re.findall(r"</span>([^<]+)</li>", picture)


async def test_consents_and_installs_are_there_and_none_is_ever_longer_than_a_screen(
    home: Path, visitor: Visitor
) -> None:
    log = AuditLog(home / "audit.jsonl", "mcp")
    for number in range(45):
        log.note("consent to install", f"plugin-{number}", version="1", answer="no" if number % 2 else "yes")
    page = await visitor.get("/happened")
    assert page.html.count("<li><time") == 20
    assert "plugin-44" in read(page)
    assert "plugin-3 " not in read(page)
    assert "plugin-3 " in read(await visitor.get("/happened?log=3"))
    # However much there is, a picture of it has so many shapes.
    assert page.html.count("<g>") < 20
    assert "Agreed to: 23, Declined: 22" in page.text


async def test_one_button_erases_the_record_and_leaves_the_log_of_consents(home: Path, visitor: Visitor) -> None:
    noted(home, CallRecord(time.time() - 60, "github", "search", "mcp", 20.0, "", 5))
    AuditLog(home / "audit.jsonl", "mcp").note("install", "github")
    page = await visitor.get("/happened")
    assert 'action="/happened/erase"' in page.html
    erased = await visitor.post("/happened/erase")
    assert "The record of calls is erased" in erased.text
    assert "github" not in (home / "calls.jsonl").read_text()
    assert [line["plugin"] for line in AuditLog(home / "audit.jsonl").read()] == ["github"]


async def test_the_record_is_given_as_csv_and_json(home: Path, visitor: Visitor) -> None:
    at = round(time.time() - 60, 3)
    noted(
        home, CallRecord(at, "@scope/a", '=HYPERLINK("x")', "mcp", 20.0, "", 5), CallRecord(5.0, "old", "b", "c", 1.0)
    )
    AuditLog(home / "audit.jsonl", "mcp").note("install", "github", version="1")
    got = await visitor.get("/happened/calls.csv")
    assert got.response.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    rows = list(csv.DictReader(io.StringIO(got.html)))
    assert [row["plugin"] for row in rows] == ["old", "'@scope/a"]
    # A spreadsheet that opens it calculates nothing.
    assert rows[1] | {"time": ""} == {
        "time": "",
        "plugin": "'@scope/a",
        "action": '\'=HYPERLINK("x")',
        "door": "mcp",
        "ms": "20.0",
        "error": "",
        "tokens": "5",
    }
    assert datetime.fromisoformat(rows[1]["time"]) == datetime.fromtimestamp(at, UTC)
    assert len(list(csv.DictReader(io.StringIO((await visitor.get("/happened/calls.csv?period=day")).html)))) == 1
    (line,) = csv.DictReader(io.StringIO((await visitor.get("/happened/audit.csv")).html))
    assert (line["what"], line["plugin"], line["version"]) == ("install", "github", "1")
    everything = (await visitor.get("/happened/all.json")).response.json()
    assert [each["plugin"] for each in everything["calls"]] == ["old", "@scope/a"]
    assert [each["what"] for each in everything["audit"]] == ["install"]


async def test_no_spreadsheet_calculates_what_a_plugin_is_called(home: Path, visitor: Visitor) -> None:
    signs = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
    noted(home, *(CallRecord(time.time(), "p", f"{sign}1+1", "mcp", 1.0) for sign in signs))
    table = (await visitor.get("/happened/calls.csv")).response.content.decode()
    rows = csv.DictReader(io.StringIO(table, newline=""))
    assert sorted(row["action"] for row in rows) == sorted(f"'{sign}1+1" for sign in signs)


async def test_a_line_of_the_log_that_no_page_could_show_takes_no_page_with_it(home: Path, visitor: Visitor) -> None:
    lines: list[dict[str, Any]] = [
        {"at": "9999-12-31T23:59:59-23:00", "what": ["install"], "plugin": {}},
        {"at": "0001-01-01T00:00:00+23:00", "what": "install", "plugin": "early"},
        {
            "at": datetime.now(UTC).isoformat(),
            "what": "install",
            "plugin": "half\ud800",
            "detail": "<script>x</script>",
        },
    ]
    (home / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    noted(home, CallRecord(time.time(), "half\ud800", "a", "mcp", 1.0))
    for path in ("/happened", "/happened/audit.csv", "/happened/calls.csv", "/happened/all.json"):
        page = await visitor.get(path)
        assert page.status == 200, path
        assert "half" in page.html
        assert path != "/happened" or "<script>x" not in page.html


# ---------------------------------------------------------------- numbers


def record(at: float, ms: float = 1.0, error: str = "", action: str = "a") -> CallRecord:
    return CallRecord(at, "p", action, "mcp", ms, error, 2)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 95, 0.0), ([7.0], 50, 7.0), ([1.0, 2.0], 50, 1.0), (list(range(1, 101)), 95, 95), ([1.0, 9.0], 95, 9.0)],
)
def test_a_percentile_is_a_value_that_occurred(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
def test_the_steps_of_a_period_are_even_and_end_behind_now(period: Any) -> None:
    now = time.time()
    bounds = period.bounds(now)
    assert len(bounds) == period.steps + 1
    assert {round(after - before) for before, after in pairwise(bounds)} == {period.step}
    assert bounds[-2] <= now <= bounds[-1]


def test_calls_are_counted_in_the_step_that_they_ended_in_and_nowhere_else() -> None:
    bounds = [0.0, 10.0, 20.0, 30.0]
    records = [record(-1), record(0), record(9.99, error="timeout"), record(10), record(30), record(29, action="b")]
    assert [each.calls for each in over_time(records, bounds)] == [2, 1, 1]
    assert [each.errors for each in over_time(records, bounds)] == [1, 0, 0]
    first, second = by_action(records, bounds)
    assert (first.action, first.over_time, second.action, second.over_time) == ("a", (2, 1, 0), "b", (0, 0, 1))
    assert summary(records).tokens == 12


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0 ms"), (1.234, "1.2 ms"), (10_000, "10 s"), (950, "950 ms"), (90_000, "1.5 min")]
)
def test_durations_are_words(ms: float, words: str) -> None:
    assert in_words(ms) == words


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (1, 1), (3, 4), (9, 10), (41, 50), (81, 100), (0.03, 0.04)])
def test_a_scale_ends_at_a_round_number_above_the_highest(highest: float, top: float) -> None:
    assert charts.nice_top(highest) == pytest.approx(top)


@pytest.mark.parametrize("values", [(), (0.0,) * 5, (5.0,), (0.001, 1e9), (1.0, 0.0, 1.0)])
def test_any_numbers_make_a_picture_within_its_bounds(values: tuple[float, ...]) -> None:
    steps = [str(index) for index in range(len(values))]
    series = [Series("one", "c1", values), Series("two", "bad", values)]
    for chart in (
        charts.stacked_bars("t", "a", series, steps),
        charts.lines("t", "a", series, steps, in_words),
    ):
        drawn = ElementTree.fromstring(chart.svg)  # noqa: S314 # our own
        for shape in drawn.iter("rect"):
            left, top, wide, high = (float(shape.get(name, "nan")) for name in ("x", "y", "width", "height"))
            assert left >= 0
            assert left + wide <= charts.WIDTH + 0.1
            assert -0.1 <= top <= top + high <= charts.HEIGHT + 0.1
        for line in drawn.iter("polyline"):
            for point in (line.get("points") or "").split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= charts.WIDTH
                assert -0.1 <= y <= charts.HEIGHT + 0.1
