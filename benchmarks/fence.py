"""What the fence costs at a start: real plugins with and without it, turn about, in one run.

usage: python -m benchmarks.fence [--rounds N]

Installs a plugin of each kind into a temporary home (it needs the package index, and Node.js for one of them). For each
it prints the median time until its offers are known and it has ended again, without a fence and in each tier of this
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.calls import in_turns
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Limits, Settings
from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.fence import Fence
from dynamic_plugins.workers.fence.tier import Level, Tier
from dynamic_plugins.workers.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dynamic_plugins.install.installation import Installation

HELLO = Path(__file__).parent.parent / "examples" / "hello-plugin"
NAMES = ("mcp-server-time", "mcp-server-fetch", "@modelcontextprotocol/server-filesystem", "@elizaos/plugin-scratchpad")


async def installed(home: Path) -> list[tuple[Installation, list[str]]]:
    """Install the plugins, and return how each is started."""
    async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
        await app.service.install_path(HELLO)
        for name in NAMES:
            await app.service.install(name)
        plugins = app.store.read().values()
        return [(each.installation, _arguments(each.installation, home)) for each in plugins]


def _arguments(installation: Installation, home: Path) -> list[str]:
    return [str(home)] if "filesystem" in installation.plugin else []


def fences() -> dict[str, Fence]:
    """Return the fences to compare: none, then each tier of this machine."""
    best = probe.best_tier().level
    levels = {Level.NAMESPACES: (Level.NAMESPACES, Level.LANDLOCK), Level.NONE: ()}.get(best, (best,))
    return {"none": Fence("off", Limits())} | {level.value: Fence("auto", Limits(), Tier(level)) for level in levels}


def starting(
    installation: Installation, arguments: list[str], fence: Fence, home: Path
) -> Callable[[], Awaitable[None]]:
    loader = Loader(
        limits=Limits(),
        start_timeout=60,
        call_timeout=60,
        log=lambda *_: None,
        environment=os.environ,
        data_dir=home / "plugin_data",
    )
    loader.fence = fence

    async def start() -> None:
        connection = await loader.connect(installation, {}, arguments)
        await connection.close()

    return start


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, compared = Path(folder), fences()
        plugins = await installed(home)
        print(f"{'':44}" + "".join(f"{name:>12}" for name in compared) + f"   ms, medians of {rounds}; ratio to none")
        for installation, arguments in plugins:
            times = await in_turns(
                rounds, *(starting(installation, arguments, each, home) for each in compared.values())
            )
            shown = "".join(f"{each:12.0f}" for each in times) + "".join(
                f"{each / times[0]:8.2f}" for each in times[1:]
            )
            print(f"{installation.plugin:44}{shown}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    asyncio.run(main(parser.parse_args().rounds))
