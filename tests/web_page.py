"""The page as a browser without scripts sees it: a real server in this process or one of its own, and who visits it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2

from dynamic_plugins.cli.serve_commands import site_of
from dynamic_plugins.settings import LOOPBACK, Settings
from dynamic_plugins.web.access import AccessKey
from dynamic_plugins.web.web_server import serve_web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dynamic_plugins.app import App
    from dynamic_plugins.web.site import Site

ROOT = Path(__file__).parent.parent
HELLO = ROOT / "examples" / "hello-plugin"
KEEPER = ROOT / "tests" / "plugins" / "keeper"
TURNCOAT = ROOT / "tests" / "plugins" / "turncoat"
PASSPHRASE = "only for this test"
_FORM = re.compile(r"<form\b[^>]*method=\"post\"[^>]*>.*?</form>", re.DOTALL)
_HIDDEN = re.compile(r"<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\">")


def registry_of(file: Path, *folders: Path) -> str:
    """Write a registry that lists the plugins in *folders* by their folder's name; return its path."""
    entries = [
        {
            "name": folder.name.removesuffix("-plugin"),
            "kind": "python",
            "description": f"Stands in {folder.name}",
            "packages": [{"type": "path", "name": str(folder)}],
        }
        for folder in folders
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "plugins": entries}))
    return str(file)


@dataclass
class Page:
    """What a visitor sees."""

    response: httpx2.Response

    @property
    def html(self) -> str:
        return self.response.text

    @property
    def text(self) -> str:
        """What a person reads, on one line."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.html)).split())

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.url.raw_path.decode()

    def hidden(self, action: str) -> dict[str, str]:
        """Return the hidden fields of the first form that goes to *action*."""
        form = next((each for each in _FORM.findall(self.html) if f'action="{action}"' in each), None)
        assert form is not None, (self.path, self.text)
        return {unescape(name): unescape(value) for name, value in _HIDDEN.findall(form)}


class Visitor:
    """A browser that runs no scripts: it keeps cookies, follows redirects, and sends its origin with what it posts."""

    def __init__(self, key: AccessKey) -> None:
        self.origin = key.address.rstrip("/")
        self._client = httpx2.AsyncClient(base_url=self.origin, follow_redirects=True, timeout=60)
        self._key = key

    async def __aenter__(self) -> Self:
        await self.get(self._key.first_address)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **headers: str) -> Page:
        return Page(await self._client.get(path, headers=headers))

    async def post(self, path: str, **fields: str) -> Page:
        """Send a form; in the names of its fields ``__`` stands for a dot."""
        data = {name.replace("__", "."): value for name, value in fields.items()}
        return Page(await self._client.post(path, data=data, headers={"Origin": self.origin}))

    async def do(self, verb: str, name: str, **more: str) -> Page:
        """Click a verb, and wait until it asks something or is over."""
        return await self.settled(await self.post("/do", verb=verb, name=name, **more))

    async def answer(self, page: Page, answer: str) -> Page:
        """Answer what *page* asks, and wait for what comes next."""
        asked = page.hidden("/doing/answer")
        return await self.settled(await self.post("/doing/answer", **asked, answer=answer))

    async def settled(self, page: Page) -> Page:
        """Look again, as a page without scripts does, until nothing goes on without the person."""
        async with asyncio.timeout(120):
            while page.path.startswith("/doing?") and "/doing/answer" not in page.html:
                operation = page.hidden("/doing/cancel")["id"]
                (seen,) = re.findall(r'data-changes="(\d+)"', page.html)
                await self._client.get(f"/doing/news?id={operation}&seen={seen}")
                page = await self.get(page.path)
        return page


@dataclass
class Served:
    """A page that this process serves."""

    app: App
    site: Site
    key: AccessKey

    def visitor(self) -> Visitor:
        return Visitor(self.key)


@asynccontextmanager
async def serving(
    home: Path, *registries: str, environ: Mapping[str, str] | None = None, **settings: Any
) -> AsyncIterator[Served]:
    """Serve the page on *home* for the block, in the environment *environ*."""
    told = Settings.from_environment(environ or {}, home=home, registries=registries)
    told = Settings(**{**vars(told), "passphrase": PASSPHRASE, "meaning": False, "offline": True, **settings})
    stop = asyncio.Event()
    with socket.create_server((LOOPBACK, 0)) as listening:
        key = AccessKey(f"{LOOPBACK}:{listening.getsockname()[1]}")
        async with site_of(told) as site:
            running = asyncio.create_task(serve_web(site, key, listening, stop))
            try:
                yield Served(site.app, site, key)
            finally:
                stop.set()
                async with asyncio.timeout(30):
                    await running
