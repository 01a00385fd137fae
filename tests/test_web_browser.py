"""The page in a real Chromium: by hand, by keyboard alone, without scripts, small, and as a screen reader needs it.

They are skipped with a reason where there is no browser, and never under CI=true.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect, sync_playwright

from evals.web_screenshots import Served, chromium, page_of, values_asked
from tests.conftest import Cli
from tests.web_page import HELLO, KEEPER, PASSPHRASE, TURNCOAT, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "not-for-anybody-else-4711"
SLOWEST = 60_000
expect.set_options(timeout=SLOWEST)

pytestmark = pytest.mark.skipif(
    chromium() is None and os.environ.get("CI") != "true", reason="there is no Chromium on this machine"
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    executable = chromium()
    assert executable is not None, "there is no Chromium: .ci/run installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def home_cli(home: Path) -> Cli:
    return Cli(home, {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE})


@pytest.fixture
def served(home: Path, tmp_path: Path, home_cli: Cli) -> Iterator[Served]:
    registry = registry_of(tmp_path / "registry.json", HELLO, KEEPER, TURNCOAT)
    with page_of(home, "--registry", registry, env=home_cli.environment()) as served:
        yield served


@pytest.fixture
def open_page(chrome: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Open the page in a browser of its own, with whatever options of Playwright's."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one(**options: Any) -> Page:
        context = chrome.new_context(**options)
        context.set_default_timeout(SLOWEST)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(served.first_address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    # A page that has an answer of an error code is told of on the console, too.
    assert [text for text in problems if "Failed to load resource" not in text] == []


def install(page: Page, name: str) -> None:
    """Find a plugin, and install it by agreeing to what is asked."""
    page.get_by_label("Search plugins").fill(f"stands in {name}")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name="Install", exact=True).click()
    page.get_by_role("button", name="Yes, install it").click()


def test_a_plugin_is_installed_from_the_page_with_a_secret_tried_and_switched_off(
    open_page: Callable[..., Page], home: Path, home_cli: Cli
) -> None:
    page = open_page()
    visited: list[str] = []
    seen: list[str] = []
    page.on("request", lambda request: visited.append(request.url))

    def sees(text: str) -> None:
        expect(page.locator("main")).to_contain_text(text)
        seen.append(page.content())

    install(page, "keeper")
    expect(page.get_by_role("heading", name="keeper")).to_be_visible()
    token = page.get_by_label("KEEPER_API_TOKEN", exact=True)
    assert token.get_attribute("type") == "password"
    token.fill(SECRET)
    page.get_by_role("button", name="Save and switch on").click()
    sees("keeper is on.")
    page.get_by_role("link", name="Settings").click()
    sees("Shown to nobody")
    assert token.input_value() == ""
    page.get_by_role("link", name="Overview").click()
    page.get_by_text("Gives everything away").click()
    page.get_by_role("link", name="Try tell").click()
    page.get_by_role("button", name="Call tell").click()
    sees("environment")
    page.get_by_role("link", name="keeper").click()
    page.get_by_role("link", name="Log").click()
    sees("configured")
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Switch off").click()
    sees("keeper is off.")
    assert all(SECRET not in address for address in visited)
    assert all(SECRET not in html for html in seen)
    (told,) = home_cli("status").json["plugins"]
    assert (told["name"], told["status"]) == ("keeper", "inactive")


def test_with_a_wrong_token_or_none_nothing_is_seen(chrome: Browser, served: Served) -> None:
    page = chrome.new_page()
    page.goto(f"{served.origin}/installed")
    expect(page.get_by_role("heading", name="This page is yours alone")).to_be_visible()
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="That is not the token")).to_be_visible()
    assert page.context.cookies() == []
    page.get_by_label("Token").fill(served.first_address.partition("token=")[2])
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("searchbox", name="Search plugins")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.context.close()


def test_another_site_in_the_same_browser_can_neither_read_nor_do_anything(
    chrome: Browser, served: Served, tmp_path: Path, home_cli: Cli
) -> None:
    with chrome.new_context() as context:
        context.set_default_timeout(SLOWEST)
        mine = context.new_page()
        mine.goto(served.first_address)
        other = context.new_page()
        form = (
            f'<form method="post" action="{served.origin}/do"><input name="verb" value="install">'
            '<input name="name" value="hello"><button>go</button></form>'
            f'<iframe src="{served.origin}/browse"></iframe>'
        )
        # Once as another site, and once as what listens at another port of this machine, which is the same site.
        for place in ("http://evil.test/", "http://127.0.0.1:9/"):
            other.route(f"{place}*", lambda route: route.fulfill(body=form, content_type="text/html"))
            other.goto(place)
            read = f"fetch('{served.origin}/browse', {{credentials: 'include'}}).then(() => 'read', () => 'refused')"
            assert other.evaluate(read) == "refused"
            assert all("Browse" not in frame.content() for frame in other.frames[1:])
            with other.expect_response(f"{served.origin}/do") as answer:
                other.get_by_role("button", name="go").click()
            assert answer.value.status == 403
        # And as a name of another's that leads here.
        request = context.request.get(f"{served.origin}/browse", headers={"Host": "evil.test"})
        assert request.status == 421
    assert home_cli("status").json["plugins"] == []


def test_everything_that_matters_works_without_scripts(open_page: Callable[..., Page], home_cli: Cli) -> None:
    page = open_page(java_script_enabled=False)
    install(page, "hello")
    expect(page.get_by_role("heading", name="hello", exact=True)).to_be_visible()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("hello is on.")).to_be_visible()
    page.get_by_text("Greets somebody by name.").click()
    page.get_by_role("link", name="Try greet").click()
    page.get_by_label("name required").fill("Ada")
    page.get_by_role("button", name="Call greet").click()
    expect(page.locator(".answer")).to_have_text("Hello, Ada!")
    page.get_by_role("link", name="Installed", exact=True).first.click()
    page.get_by_role("button", name="Switch off: hello").click()
    expect(page.get_by_role("button", name="Switch on: hello")).to_be_visible()
    page.get_by_role("link", name="hello", exact=True).click()
    page.get_by_role("button", name="Uninstall").click()
    page.get_by_role("button", name="Yes, uninstall it").click()
    expect(page.get_by_text("hello is uninstalled.")).to_be_visible()
    assert home_cli("status").json["plugins"] == []


def test_permissions_are_granted_and_taken_back_without_scripts(
    home_cli: Cli, open_page: Callable[..., Page], served: Served
) -> None:
    home_cli("install", "--path", str(HELLO), "--yes")
    page = open_page(java_script_enabled=False)
    page.goto(f"{served.origin}/plugin?name=hello")
    page.get_by_role("link", name="Permissions").click()
    page.get_by_label("Start a program").fill("git")
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_role("heading", name="Grant hello git?")).to_be_visible()
    page.get_by_role("button", name="Yes, change it").click()
    expect(page.get_by_role("status")).to_contain_text("may reach what you agreed to")
    page.get_by_role("button", name="Take back …: start git").click()
    page.get_by_role("button", name="No").click()
    expect(page.get_by_role("button", name="Take back …: start git")).to_be_visible()
    assert home_cli("permissions", "hello").json["allowed"] == {"programs": ["git"]}


def test_a_keyboard_alone_adds_what_no_registry_lists(open_page: Callable[..., Page]) -> None:
    page = open_page()
    reach(page, "Add it by name")
    page.keyboard.press("Enter")
    page.wait_for_url("**/add")
    reach(page, "A server's address, or a package")
    page.keyboard.type("http://127.0.0.1:9/mcp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/doing?*")
    expect(page.locator(".facts")).to_contain_text("No registry lists it, so nobody has looked at it.")
    reach(page, "No")
    page.keyboard.press("Enter")
    page.wait_for_url("**/browse?done=*")
    assert "/browse?done=" in page.url


def test_news_take_nobody_back_who_has_just_answered(open_page: Callable[..., Page], served: Served) -> None:
    page = open_page()
    page.goto(f"{served.origin}/plugin?name=hello")
    page.get_by_role("button", name="Install", exact=True).click()
    no = page.get_by_role("button", name="No", exact=True)
    expect(no).to_be_visible()
    operation = page.locator("#doing").get_attribute("data-id")
    begun: list[str] = []

    def count(sent: Request) -> None:
        if sent.is_navigation_request() and sent.redirected_from is None:
            begun.append(sent.url.removeprefix(served.origin))

    page.on("request", count)

    def late(route: Route) -> None:
        # The server has taken the answer and tells everybody who watches; the browser has not heard back yet.
        said = route.fetch(max_redirects=0)
        news = page.context.request.get(f"{served.origin}/doing/news?id={operation}&seen=0")
        assert news.json()["over"]
        route.fulfill(response=said)

    page.route("**/doing/answer", late)
    no.click()
    page.wait_for_url("**/browse?done=*")
    assert begun == ["/doing/answer"]


def test_a_link_of_another_site_s_leads_on_to_what_was_asked(chrome: Browser, served: Served) -> None:
    with chrome.new_context() as context:
        context.set_default_timeout(SLOWEST)
        page = context.new_page()
        page.goto(served.first_address)
        page.route(
            "http://chat.test/*",
            lambda route: route.fulfill(body=f'<a href="{served.origin}/asked">answer</a>', content_type="text/html"),
        )
        page.goto("http://chat.test/")
        page.get_by_role("link", name="answer").click()
        expect(page.get_by_role("heading", name="This page is yours alone")).to_be_visible()
        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_role("heading", name="Asked")).to_be_visible()
        assert page.url == f"{served.origin}/asked"


def test_a_keyboard_alone_finds_and_installs_and_every_stop_is_seen(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    expect(page.get_by_text("Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reach(page, "Search plugins")
    page.keyboard.type("stands in hello")
    page.keyboard.press("Enter")
    page.wait_for_url("**/browse?q=*")
    reach(page, "hello")
    page.keyboard.press("Enter")
    page.wait_for_url("**/plugin?name=hello")
    reach(page, "Install")
    page.keyboard.press("Enter")
    page.wait_for_url("**/doing?*")
    reach(page, "Yes, install it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/plugin?name=hello&done=*")
    expect(page.get_by_role("status")).to_have_text("hello is installed.")


def reach(page: Page, name: str) -> None:
    """Press Tab until what is called *name* has the focus, and see that each stop on the way shows it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
            const e = document.activeElement, style = getComputedStyle(e);
            const name = e.ariaLabel || (e.labels?.[0] ?? e).textContent.trim();
            return [name, style.outlineStyle, parseFloat(style.outlineWidth)];
            }"""
        )
        assert at[1] != "none", at
        assert at[2] >= 2, at
        if at[0] == name:
            return
    raise AssertionError(f"{name} is not reached")


@pytest.fixture
def full(home_cli: Cli) -> Cli:
    """A home with a plugin that is on and one that must be told something."""
    for folder in (HELLO, KEEPER):
        home_cli("install", "--path", str(folder), "--yes")
    home_cli("activate", "hello", "--yes")
    home_cli("call", "hello", "greet", "--args", json.dumps({"name": "Ada"}))
    return home_cli


PATHS = (
    "/browse",
    "/browse?q=nothing+of+the+kind&kind=mcp",
    "/plugin?name=turncoat",
    "/plugin?name=hello",
    "/plugin/settings?name=keeper",
    "/plugin/try?name=hello&action=greet",
    "/plugin/permissions?name=hello",
    "/plugin/log?name=hello",
    "/add",
    "/newer",
    "/installed",
    "/asked",
    "/happened",
    "/nothing",
)


def asking(page: Page, origin: str) -> None:
    page.goto(f"{origin}/plugin?name=keeper")
    page.get_by_role("button", name="Uninstall").click()
    expect(page.get_by_role("button", name="Yes, uninstall it")).to_be_visible()


def test_nothing_scrolls_sideways_at_360_pixels(full: Cli, open_page: Callable[..., Page], served: Served) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    for path in PATHS:
        page.goto(served.origin + path)
        assert page.evaluate(wide) == [360, 360], path
    asking(page, served.origin)
    assert page.evaluate(wide) == [360, 360]
    with contextlib.closing(values_asked(full.home)) as asked:
        page.goto(f"{served.origin}/values?ticket={asked.ticket}")
        assert page.evaluate(wide) == [360, 360]
        page.get_by_label("KEEPER_API_TOKEN", exact=True).fill(SECRET)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        assert asked.given() == {"KEEPER_API_TOKEN": SECRET}


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(full: Cli, open_page: Callable[..., Page], served: Served, colours: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # axe is put into the page as a script, which the page's own policy would not let run.
    # What a page is made of is the same in both colours, and its colours are at both widths: each is looked at once.
    width, height = (1280, 900) if colours == "light" else (360, 740)
    viewport = {"width": width, "height": height}
    page = open_page(color_scheme=colours, bypass_csp=True, reduced_motion="reduce", viewport=viewport)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        found[name] = names_of(Axe().run(page).response)

    for path in PATHS:
        page.goto(served.origin + path)
        look(path)
    with contextlib.closing(values_asked(full.home)):
        page.goto(f"{served.origin}/asked")
        look("asked for values")
        page.get_by_role("link", name="Enter it").click()
        look("values")
    asking(page, served.origin)
    look("asking")
    page.context.clear_cookies()
    page.goto(served.origin)
    look("closed")
    assert {path: names for path, names in found.items() if names} == {}


def names_of(response: dict[str, Any]) -> list[str]:
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in response["violations"]]
