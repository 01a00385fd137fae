"""What a call costs where few and where many actions are on offer: it should be the same.

``python -m benchmarks.many_actions [--rounds N] [--few 10] [--many 500]`` makes two plugins of that many actions,
switches each on in a home of its own, and calls one action of each in turns through the library. It prints the medians
of this process' own processor time a call, of the wall clock, and their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.made_up import write_plugin
from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH = 10
"""So many calls are timed as one: a clock of processor time is coarse."""
CODE = """from dynamic_plugins.plugin import Action, Plugin

PARAMETERS = {{"type": "object", "properties": {{"value": {{"type": "string"}}}}, "required": ["value"]}}


async def echo(value):
    return value


plugin = Plugin(
    "many",
    "Offers many actions",
    actions=[
        Action(f"do_thing_{{number}}", f"Does thing number {{number}} to a value and returns it", echo, PARAMETERS)
        for number in range({count})
    ],
)
"""


async def active(home: Path, count: int) -> DynamicPlugins:
    """Return a library on *home* with a plugin of *count* actions switched on."""
    plugins = DynamicPlugins(home, approve=approve_everything, confirm_calls="never")
    async with plugins:
        folder = home.with_name(f"{home.name}-plugin")
        await plugins.app.service.install_path(
            write_plugin(folder, "many", "Offers many actions", CODE.format(count=count))
        )
        await plugins.app.service.activate("many")
    return DynamicPlugins(home, approve=approve_everything, confirm_calls="never")


async def batch(plugins: DynamicPlugins, name: str) -> tuple[float, float]:
    """Return the milliseconds of processor time and of the wall that one call took, over a batch of them."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(BATCH):
        result = await plugins.call(name, {"value": "x"})
        assert result["ok"], result  # a failure would be quick, and no figure
    return (time.process_time() - cpu) * 1000 / BATCH, (time.perf_counter() - wall) * 1000 / BATCH


async def measure(counts: Sequence[int], rounds: int, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        doors = [(await active(folder / str(count), count), f"many__do_thing_{count - 1}") for count in counts]
        for plugins, _ in doors:
            await stack.enter_async_context(plugins)
        times: list[list[tuple[float, float]]] = [[] for _ in doors]
        for turn in range(rounds + 1):
            for place, (plugins, name) in enumerate(doors):
                took = await batch(plugins, name)
                if turn:  # the first starts the worker
                    times[place].append(took)
    few, many = ([statistics.median(each) for each in zip(*side, strict=True)] for side in times)
    print(f"{'':12}{counts[0]:>8} actions{counts[1]:>8} actions   ratio   (milliseconds, medians of {rounds})")
    for what, at, beside in zip(("processor", "wall clock"), many, few, strict=True):
        print(f"{what:12}{beside:16.3f}{at:16.3f}{at / beside:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure((options.few, options.many), options.rounds, Path(folder)))


if __name__ == "__main__":
    main()
