"""How soon the page answers with 10,000 plugins listed and 200 installed, beside a static file of the same server.

``python -m benchmarks.web_pages [--listed N] [--installed N] [--rounds N]`` makes a home, serves it by
``dynamic-plugins web``, and asks for each page and for the static file in turns, on a connection that stays open. It
prints the median time to the first byte in milliseconds, its ratio to the static file's, and the page's kilobytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import made_up
from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.registry.entry import to_dict
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.values import ConfigurationStore
from evals.web_screenshots import alone, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
STATIC = "/static/style.css"
PAGES = {
    "browse": "/browse",
    "the last of it": "/browse?page=500",
    "a search": "/browse?q=weather+forecasts",
    "a filter": "/browse?key=no&reach=named",
    "by downloads": "/browse?order=popularity",
    "installed": "/installed",
    "what is on": "/installed?show=on",
    "a plugin": "/plugin?name=keeper-007",
    "settings": "/plugin/settings?name=keeper-007",
    "try": "/plugin/try?name=keeper-007&action=tell",
    "permissions": "/plugin/permissions?name=keeper-007",
    "log": "/plugin/log?name=keeper-007",
}


@dataclass(frozen=True)
class Timed:
    """A page's median time to the first byte, in seconds; its ratio to the static file's; and its bytes."""

    seconds: float
    ratio: float
    size: int


async def make_home(home: Path, installed: int) -> None:
    """Install one plugin that is told a secret, and note it in the state *installed* times under other names."""
    keeper = ROOT / "tests" / "plugins" / "keeper"
    settings = Settings.from_environment(alone(), home=home)
    async with DynamicPlugins(approve=approve_everything, confirm_calls="never", settings=settings) as plugins:
        await plugins.app.service.install_path(keeper)
        await plugins.app.service.configure("keeper", {"KEEPER_API_TOKEN": "not-for-anybody"})
        await plugins.app.service.activate("keeper")
    state = home / "plugin-management-state.json"
    told: dict[str, Any] = json.loads(state.read_text())
    one = json.dumps(told["plugins"].pop("keeper"))
    names = [f"keeper-{number:03}" for number in range(installed)]
    for number, name in enumerate(names):
        mine = json.loads(one)
        mine["installation"]["plugin"] = name
        mine |= {"enabled": number % 2 == 0, "rests_as": "installed", "approved": True}
        told["plugins"][name] = mine
    state.write_text(json.dumps(told))
    configuration = ConfigurationStore(home, settings.passphrase)
    for name in names:
        configuration.set(name, {"KEEPER_ROOM": "hall"}, {"KEEPER_API_TOKEN": f"not-for-anybody-{name}"})


def make_registry(file: Path, listed: int) -> str:
    """Write a registry of *listed* plugins and return where it is."""
    entries = [to_dict(entry) for entry in made_up.entries(listed)]
    file.write_text(json.dumps({"schema": 1, "plugins": entries}))
    return str(file)


class Asking:
    """One connection to the page that stays open, as a browser's does."""

    def __init__(self, first_address: str) -> None:
        self._host, _, path = first_address.removeprefix("http://").partition("/")
        self._connection = HTTPConnection(self._host, timeout=60)
        self._connection.request("GET", f"/{path}")
        answer = self._connection.getresponse()
        answer.read()
        self._cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]

    def first_byte(self, path: str) -> tuple[float, int]:
        """Return how many seconds it took to the head of the answer, and how many bytes followed it."""
        begun = time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        took = time.perf_counter() - begun
        body = answer.read()
        assert answer.status == 200, (path, answer.status)
        return took, len(body)

    def close(self) -> None:
        self._connection.close()


def timed(asking: Asking, pages: dict[str, str], rounds: int) -> dict[str, Timed]:
    """Ask for each of *pages* and the static file in turns, and return how they did; the first round is not counted."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in pages}
    static: list[float] = []
    for number in range(rounds + 1):
        for name, path in pages.items():
            beside, one = asking.first_byte(STATIC)[0], asking.first_byte(path)
            if number:
                static.append(beside)
                found[name].append(one)
    least = statistics.median(static)
    medians = {name: statistics.median(took for took, _ in many) for name, many in found.items()}
    return {name: Timed(medians[name], medians[name] / least, many[-1][1]) for name, many in found.items()}


def measure(folder: Path, listed: int, installed: int, rounds: int, pages: dict[str, str] = PAGES) -> dict[str, Timed]:
    """Make a home in *folder*, serve it, and return how its pages did."""
    home = folder / "home"
    asyncio.run(make_home(home, installed))
    registry = make_registry(folder / "registry.json", listed)
    with page_of(home, "--registry", registry) as served:
        asking = Asking(served.first_address)
        try:
            return timed(asking, pages, rounds)
        finally:
            asking.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listed", type=int, default=10_000)
    parser.add_argument("--installed", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), told.listed, told.installed, told.rounds)
    print(f"{'page':<16}{'first byte':>12}{'ratio':>8}{'size':>9}")
    for name, each in found.items():
        print(f"{name:<16}{each.seconds * 1000:>9.1f} ms{each.ratio:>8.1f}{each.size / 1000:>6.1f} kB")


if __name__ == "__main__":
    main()
