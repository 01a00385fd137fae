"""What starting costs: an agent with fifty enabled plugins, and ``status`` with twenty, in processes of their own.

usage: python -m benchmarks.start [--rounds N]

The plugins are real native ones, installed from a folder once; the state is that of an agent that had them all on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings

HELLO = Path(__file__).parent.parent / "examples" / "hello-plugin"
START = """
import asyncio, sys
from dynamic_plugins.app import App
from dynamic_plugins.settings import Settings
async def main():
    async with App(Settings.from_environment(home=sys.argv[1])) as app:
        tools = app.toolbox.offered()
        assert not app.service.running()
asyncio.run(main())
"""


async def prepare(home: Path, count: int) -> None:
    """Install and activate one plugin, and note it down *count* times under other names."""
    async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
        await app.service.install_path(HELLO)
        await app.service.activate("hello")
        one = app.store.read()["hello"]
        app.store.drop("hello")
        for number in range(count):
            app.store.put(replace(one, installation=replace(one.installation, plugin=f"hello-{number}")))


def seconds(command: list[str]) -> float:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - begun


def compare(name: str, command: list[str], beside: list[str], rounds: int) -> None:
    seconds(command), seconds(beside)  # writes .pyc files
    pairs = [(seconds(command), seconds(beside)) for _ in range(rounds)]
    mine, other = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"{name:58}{mine * 1000:9.0f}{other * 1000:9.0f}{mine / other:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        fifty, twenty, empty = (Path(folder) / name for name in ("fifty", "twenty", "empty"))
        asyncio.run(prepare(fifty, 50))
        asyncio.run(prepare(twenty, 20))
        empty.mkdir()
        print(f"{'':58}{'ms':>9}{'beside':>9}{'ratio':>8}   medians of {rounds}, turn about")
        start = [sys.executable, "-c", START]
        compare("start with 50 enabled plugins, beside none", [*start, str(fifty)], [*start, str(empty)], rounds)
        status = [sys.executable, "-m", "dynamic_plugins", "--home", str(twenty), "--json", "status"]
        compare("status with 20, beside import pydantic", status, [sys.executable, "-c", "import pydantic"], rounds)


if __name__ == "__main__":
    main()
