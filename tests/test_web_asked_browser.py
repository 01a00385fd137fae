"""What is asked and what happened, in a real Chromium: two browsers and other processes of one home at once."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from playwright.sync_api import Page, expect

from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.storage.approval_queue import ApprovalQueue
from evals.web_screenshots import chromium, page_of, take
from tests.test_web_browser import SLOWEST, chrome, home_cli, names_of, open_page, served  # noqa: F401 # fixtures
from tests.web_page import HELLO, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from evals.web_screenshots import Served
    from tests.conftest import Cli

SECONDS = 60.0
CALL = ApprovalRequest("call", "mailer", "1", "PyPI", (), action="send", arguments='{"to": "a"}')

pytestmark = pytest.mark.skipif(
    chromium() is None and os.environ.get("CI") != "true", reason="there is no Chromium on this machine"
)


# Playwright's own five seconds are for a machine that does nothing else.
expect.set_options(timeout=SLOWEST)


class Agent:
    """An MCP client without elicitation, in a thread of its own: it makes the calls that it is told to."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._command, self._env = command, env
        self._told: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
        self._results: queue.Queue[dict[str, Any]] = queue.Queue()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self._told.put((tool, arguments))
        return self._results.get(timeout=SECONDS)

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        parameters = StdioServerParameters(command=self._command[0], args=self._command[1:], env=self._env)
        with open(os.devnull, "w") as nothing:  # noqa: PTH123,ASYNC230 # it is none
            async with Client(stdio_client(parameters, nothing)) as client:
                while (told := await asyncio.to_thread(self._told.get)) is not None:
                    result = await client.call_tool(*told)
                    self._results.put(dict(result.structured_content or {}))

    def end(self) -> None:
        self._told.put(None)


@contextmanager
def agent_on(cli: Cli, registry: str) -> Iterator[Agent]:
    command = cli.command("--registry", registry, "mcp")
    agent = Agent(command, cli.environment())
    thread = threading.Thread(target=agent.run)
    thread.start()
    try:
        yield agent
    finally:
        agent.end()
        thread.join(SECONDS)


@pytest.fixture
def agent(home_cli: Cli, tmp_path: Path) -> Iterator[Agent]:  # noqa: F811 # the fixture
    with agent_on(home_cli, registry_of(tmp_path / "agent.json", HELLO)) as agent:
        yield agent


def asked(page: Page, origin: str) -> Page:
    page.goto(f"{origin}/asked")
    return page


def test_an_install_that_an_mcp_client_asked_for_is_approved_on_the_page(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    agent: Agent,
    home_cli: Cli,  # noqa: F811
) -> None:
    page = asked(open_page(), served.origin)
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    error = agent.call("install_plugin", plugin_name="hello")["error"]
    assert (error["code"], error["page"]) == ("needs_confirmation", f"{served.origin}/asked")
    # It comes to the page by itself.
    expect(page.get_by_role("heading", name="Install hello")).to_be_visible()
    expect(page.get_by_role("link", name="Asked")).to_contain_text("1")
    expect(page.get_by_text("an MCP client")).to_be_visible()
    page.get_by_role("button", name="Yes, install it").click()
    expect(page.get_by_text("You answered Yes to: Install hello")).to_be_visible()
    assert agent.call("install_plugin", plugin_name="hello")["ok"] is True
    assert [plugin["name"] for plugin in home_cli("status").json["plugins"]] == ["hello"]
    page.goto(f"{served.origin}/happened")
    expect(page.locator(".events li").filter(has_text="consent to install hello")).to_contain_text("on the page")


def test_two_browsers_and_a_command_at_once_and_one_answer_counts(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    home_cli: Cli,  # noqa: F811
) -> None:
    first, second = (asked(open_page(), served.origin) for _ in range(2))
    words = home_cli.command("install", "--path", str(HELLO))
    with subprocess.Popen(
        words, env=home_cli.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as command:
        expect(first.get_by_role("button", name="Yes, install it")).to_be_enabled()
        expect(second.get_by_role("button", name="No", exact=True)).to_be_enabled()
        first.get_by_role("button", name="Yes, install it").click()
        expect(first.get_by_text("You answered Yes")).to_be_visible()
        # The other browser is told without anybody's doing, and can answer no more.
        expect(second.get_by_text("Not asked any more")).to_be_visible()
        expect(second.get_by_role("button", name="No", exact=True)).to_have_count(0)
        _, errors = command.communicate(timeout=SECONDS)
    assert command.returncode == 0
    assert "Answered on the page: yes." in errors


def test_a_second_answer_from_a_page_that_knows_nothing_of_the_first_is_told_that_it_does_not_count(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    home: Path,
) -> None:
    question = ApprovalQueue(home, "chat").put(CALL, 600)
    first, second = (asked(open_page(java_script_enabled=False), served.origin) for _ in range(2))
    first.get_by_role("button", name="No", exact=True).click()
    expect(first.get_by_text("You answered No")).to_be_visible()
    second.get_by_role("button", name="Always").click()
    expect(second.get_by_text("Your answer did not count")).to_be_visible()
    given = question.close()
    assert given is not None
    assert given.answer == "no"


def test_a_question_that_has_just_come_takes_no_click_that_was_meant_for_another(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    home: Path,
) -> None:
    page = asked(open_page(), served.origin)
    kept = ApprovalQueue(home, "chat")
    first = kept.put(CALL, 600)
    card = page.locator(f'[data-question="{first.question.id}"]')
    before = card.bounding_box()
    assert before is not None
    second = kept.put(ApprovalRequest("install", "other", "1", "PyPI", ()), 600)
    expect(page.locator(".waiting")).to_have_count(2)
    assert card.bounding_box() == before
    expect(page.locator(".waiting button").last).to_be_disabled()
    expect(page.locator(".waiting button").last).to_be_enabled()
    second.close()
    expect(page.locator(".waiting.over")).to_have_count(1)
    assert card.bounding_box() == before
    first.close()


def test_a_browser_that_goes_away_and_a_page_that_is_killed_lose_nothing(
    chrome: Browser,  # noqa: F811
    home: Path,
    home_cli: Cli,  # noqa: F811
) -> None:
    words = home_cli.command("install", "--path", str(HELLO))
    with page_of(home, env=home_cli.environment()) as killed:
        command = subprocess.Popen(
            words, env=home_cli.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with chrome.new_context() as context:
                page = context.new_page()
                page.goto(killed.first_address)
                asked(page, killed.origin)
                expect(page.get_by_role("button", name="Yes, install it")).to_be_visible()
            killed.process.send_signal(signal.SIGKILL)
            killed.process.wait(SECONDS)
            with page_of(home, env=home_cli.environment()) as again, chrome.new_context() as context:
                page = context.new_page()
                page.set_default_timeout(SLOWEST)
                page.goto(again.first_address)
                asked(page, again.origin).get_by_role("button", name="Yes, install it").click()
                expect(page.get_by_text("You answered Yes")).to_be_visible()
                assert command.wait(SECONDS) == 0
        finally:
            command.kill()
            command.wait(SECONDS)
    assert [plugin["name"] for plugin in home_cli("status").json["plugins"]] == ["hello"]


def test_what_happened_comes_to_the_page_by_itself_and_is_erased_with_one_button(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    home_cli: Cli,  # noqa: F811
) -> None:
    home_cli("install", "--path", str(HELLO), "--yes")
    home_cli("activate", "hello")
    page = open_page()
    page.goto(f"{served.origin}/happened")
    expect(page.get_by_text("No plugin was called in this time.")).to_be_visible()
    home_cli("call", "hello", "greet", "--args", '{"name": "Ada"}')
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("hello")
    page.get_by_text("As a table").first.click()
    expect(page.locator(".chart table").first).to_be_visible()
    # What a person reads stays open when there is more.
    home_cli("call", "hello", "recall")
    expect(page.get_by_text("More has happened: look again")).to_be_visible()
    expect(page.locator(".chart table").first).to_be_visible()
    page.get_by_role("link", name="More has happened: look again").click()
    expect(page.get_by_role("row").filter(has_text="recall")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Calls as CSV").click()
    assert "greet" in download.value.path().read_text()
    page.get_by_role("button", name="Erase the record of calls").click()
    expect(page.get_by_text("The record of calls is erased.")).to_be_visible()
    expect(page.get_by_text("No plugin was called in this time.")).to_be_visible()


def full_of_everything(home: Path) -> list[Any]:
    now = time.time()
    long = "a-name-that-somebody-made-as-long-as-a-name-may-be/" + "x" * 60
    lines = [
        f'{{"at": {now - 60 * index}, "plugin": "{long}", "action": "{"y" * 60}-{index % 30}", "door": "mcp", '
        f'"ms": {index * 7 + 1}, "error": "{"timeout" if index % 9 == 0 else ""}", "tokens": {index * 1000}}}'
        for index in range(200)
    ]
    (home / "calls.jsonl").write_text("\n".join(lines) + "\n")
    requests = (
        CALL,
        ApprovalRequest("install", long, "1", f"https://example.org/{long}", ((long,) * 5,), ("w" * 300,)),
    )
    return [ApprovalQueue(home, "mcp").put(request, 600) for request in requests]


def test_pictures_are_taken_wide_and_narrow_in_both_colours(
    chrome: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    home: Path,
    tmp_path: Path,
) -> None:
    with closing(ApprovalQueue(home, "mcp").put(CALL, 600)):
        take(chrome, served.first_address, tmp_path / "pictures", ["asked"])
    names = {f"asked-{look}-{colours}.png" for look in ("wide", "narrow") for colours in ("light", "dark")}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == names


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_full_pages_fit_360_pixels_and_axe_finds_nothing(
    open_page: Callable[..., Page],  # noqa: F811
    served: Served,  # noqa: F811
    home: Path,
    colours: str,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    questions = full_of_everything(home)
    page = open_page(
        color_scheme=colours, bypass_csp=True, reduced_motion="reduce", viewport={"width": 360, "height": 740}
    )
    for path in ("/asked", "/happened"):
        page.goto(served.origin + path)
        if path == "/asked":
            expect(page.locator(".waiting button").last).to_be_enabled()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        assert names_of(Axe().run(page).response) == [], path
    for question in questions:
        question.close()
