"""Takes pictures of the page: light and dark, wide and at 360 pixels, on a home made for it.

usage: python -m evals.web_screenshots FOLDER [NAME]…

A name, ``browse`` or ``settings``, says that only those are taken.

It needs a Chromium: Debian's, or whatever ``CHROMIUM`` names. Everything runs on this machine, and nothing is kept but
the pictures.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import expect, sync_playwright

from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.core.permissions import ENFORCED, named_permissions
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.storage.approval_queue import ApprovalQueue
from dynamic_plugins.storage.value_questions import OpenValues

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from playwright.sync_api import Browser, Page

    from dynamic_plugins.storage.approval_queue import OpenQuestion

ROOT = Path(__file__).parent.parent
PLUGINS = (
    ROOT / "examples" / "hello-plugin",
    ROOT / "tests" / "plugins" / "keeper",
    ROOT / "tests" / "plugins" / "whole",
)
LOOKS = {"wide": (1280, 860), "narrow": (360, 740)}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OFFLINE = ROOT / "tests" / "plugins" / "turncoat"
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
SECONDS = 60_000


@dataclass(frozen=True)
class Served:
    """A page that is served: its *first_address*, with the token, and the *process*."""

    first_address: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        return self.first_address.partition("/enter")[0]


def chromium() -> str | None:
    """Return the path of a Chromium on this machine; None where there is none."""
    named = os.environ.get("CHROMIUM") or which("chromium") or which("chromium-browser") or which("google-chrome")
    return named or (str(MAC) if MAC.exists() else None)


def alone() -> dict[str, str]:
    """Return an environment in which nothing outside this machine is asked, and secrets are kept in the home."""
    environment = {**os.environ, "DYNAMIC_PLUGINS_OFFLINE": "1", "DYNAMIC_PLUGINS_SEARCH": "words"}
    environment |= {
        "DYNAMIC_PLUGINS_PASSPHRASE": "only for pictures",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    return environment


@contextlib.contextmanager
def page_of(home: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Served]:
    """Run ``dynamic-plugins web`` on *home* for the block, with *options* before and after the command's name."""
    at = options.index("web") if "web" in options else len(options)
    before, after = options[:at], options[at + 1 :]
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(home), *before, "web", "--port", "0", *after]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env or alone(), cwd=ROOT) as process:
        assert process.stderr is not None
        try:
            first = process.stderr.readline()
            found = re.search(r"http://\S+", first)
            assert found, first + process.stderr.read()
            yield Served(found.group(), process)
        finally:
            process.terminate()


def make_home(home: Path) -> tuple[str, ...]:
    """Install a few plugins: one that is on, one that needs a secret, and one that is off.

    Returns the options that name the registries: the bundled one, and one with a plugin that can be had offline.
    """
    for folder in PLUGINS:
        _run(home, "install", "--path", str(folder), "--yes")
    _run(home, "activate", "hello", "--yes")
    for name in ("Ada", "Grace", "Edsger"):
        _run(home, "call", "hello", "greet", "--args", f'{{"name": "{name}"}}')
    _run(home, "permissions", "hello", "--allow-network", "api.example.org", "--allow-write", tempfile.gettempdir())
    _run(home, "permissions", "hello", "--allow-program", "git", "--deny-program", "make")
    _make_calls(home)
    entry = {"name": "turncoat", "kind": "python", "packages": [{"type": "path", "name": str(OFFLINE)}]}
    registry = home / "pictures.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    return ("--registry", "bundled", "--registry", str(registry))


def _make_calls(home: Path) -> None:
    """Write a day's calls, so that the pictures of what happened have something to show."""
    chance, now = random.Random(4), time.time()  # noqa: S311 - no secret
    with (home / "calls.jsonl").open("a", encoding="utf-8") as file:
        for plugin, action, most in (("hello", "greet", 400), ("whole", "engine", 160), ("hello", "task:tidy", 48)):
            for _ in range(most):
                record = {"at": now - chance.random() ** 2 * 86_000, "plugin": plugin, "action": action, "door": "mcp"}
                record |= {"ms": 8 * chance.lognormvariate(1, 1.2), "tokens": chance.randrange(900)}
                record |= {"error": "timeout"} if chance.random() < 0.06 else {}
                file.write(json.dumps(record) + "\n")


def _run(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(home), "--json", *words]
    environment = {**os.environ, "DYNAMIC_PLUGINS_OFFLINE": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT, timeout=180)


def take(browser: Browser, address: str, folder: Path, names: Collection[str]) -> None:
    """Take the pictures of these *names*, in every look and both colours."""
    for colours in COLOURS:
        for look, (width, height) in LOOKS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
            )
            context.set_default_timeout(SECONDS)
            page = context.new_page()
            page.goto(address)
            for name in names:
                _visit(page, PAGES[name])
                page.screenshot(path=folder / f"{name}-{look}-{colours}.png", full_page=True)
            context.close()


PAGES = {
    "browse": "/browse",
    "search": "/browse?q=convert+time+zones&key=no",
    "plugin": "/plugin?name=mcp-server-git",
    "installed": "/installed",
    "hello": "/plugin?name=hello",
    "settings": "/plugin/settings?name=keeper",
    "permissions": "/plugin/permissions?name=hello",
    "grant": "grant",
    "add": "/add",
    "try": "try",
    "log": "/plugin/log?name=hello",
    "ask": "ask",
    "failed": "/plugin?name=mcp-server-tme",
    "asked": "/asked",
    "values": "values",
    "happened": "/happened",
    "newer": "/newer",
    "closed": "closed",
}
"""What is taken: a path, or a word for what :func:`_visit` does."""


def _visit(page: Page, path: str) -> None:
    origin = re.match(r"http://[^/]+", page.url)
    assert origin
    if path == "try":
        page.goto(f"{origin.group()}/plugin/try?name=hello&action=greet")
        page.fill("input[type=text]", "Barbara")
        page.click("button.primary")
        page.wait_for_selector(".answer")
    elif path == "ask":
        page.goto(f"{origin.group()}/plugin?name=turncoat")
        page.get_by_role("button", name="Install", exact=True).click()
        page.wait_for_selector(".facts")
    elif path == "grant":
        page.goto(f"{origin.group()}/plugin/permissions?name=hello")
        page.get_by_label("Reach a host").fill("mirror.example.org")
        page.get_by_role("button", name="See what changes").click()
        page.wait_for_selector(".facts")
    elif path == "values":
        page.goto(f"{origin.group()}/asked")
        page.get_by_role("link", name="Enter it").click()
    elif path == "closed":
        page.context.clear_cookies()
        page.goto(origin.group())
    else:
        page.goto(f"{origin.group()}{path}")
        # Not by a text of script, which the page's own policy does not let run.
        expect(page.locator("#asked button:disabled")).to_have_count(0, timeout=SECONDS)


def _question(home: Path) -> OpenQuestion:
    """Ask something that the page of *home* shows, as an MCP client would."""
    may = named_permissions(["api.github.com:443"])
    source = "npm (@modelcontextprotocol/server-github), listed in the bundled registry"
    command = ("npm", "install", "--ignore-scripts", "@modelcontextprotocol/server-github@2026.7.1")
    name = "@modelcontextprotocol/server-github"
    request = ApprovalRequest("install", name, "2026.7.1", source, (command,), permissions=may, enforced=ENFORCED)
    return ApprovalQueue(home, "mcp").put(request, 600)


def values_asked(home: Path) -> OpenValues:
    """Ask for values that the page of *home* shows a form for, as an MCP client would."""
    fields = (Variable("KEEPER_API_TOKEN", "Only for the keeper", required=True), Variable("KEEPER_ROOM", "Where"))
    return OpenValues(ApprovalQueue(home, "mcp"), "keeper", fields, 600)


def main(folder: Path, names: Collection[str]) -> int:
    """Take the pictures and say where they are."""
    executable = chromium()
    if executable is None:
        print("there is no Chromium here: apt-get install chromium, or name one with CHROMIUM")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        home = Path(made) / "home"
        with (
            page_of(home, *make_home(home)) as served,
            contextlib.closing(_question(home)),
            contextlib.closing(values_asked(home)),
        ):
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            take(browser, served.first_address, folder, names)
            browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(PAGES):
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] or list(PAGES)))
