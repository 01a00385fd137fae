"""What agents cost, and what a machine holds: measured, worked out, and simulated. See ``docs/scale.md``.

usage: python -m evals.scale --measure [--out FILE]
       python -m evals.scale --simulate [--figures FILE] [--set NAME=VALUE…] [--store READS,WRITES]

``--measure`` writes what one worker, one idle plugin, one call and one turn cost on this machine. ``--simulate`` prints
for 1 to 1,000,000 agents what they take, by the closed formula and by a simulation of one machine with these figures.
``--set`` gives another value to a figure, to what agents do or to the machine; ``--store`` keeps all state in one
database that does so many reads and writes a second.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evals.scale_model import FIGURES, Behaviour, Figures, Load, Machine, SharedStore, expected, simulated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AGENTS = (1, 100, 10_000, 1_000_000)
HEADINGS = ("agents", "workers", "memory", "cores", "machines", "reads/s", "writes/s", "first to be used up")


def cells(load: Load) -> list[str]:
    """Return the row of *load* under :data:`HEADINGS`."""
    memory = f"{load.memory_mb / 1024:,.0f} GB" if load.memory_mb >= 10 * 1024 else f"{load.memory_mb:,.0f} MB"
    sums = (f"{each:,.0f}" if each >= 10 else f"{each:.2g}" for each in (load.reads, load.writes))
    workers = f"{load.workers:,.0f}" if load.workers >= 10 else f"{load.workers:.2g}"
    cores = f"{load.cores:,.0f}" if load.cores >= 10 else f"{load.cores:.2g}"
    return [f"{load.agents:,}", workers, memory, cores, f"{load.machines:,}", *sums, load.bottleneck]


def table(loads: Iterable[Load]) -> str:
    """Return *loads* as a table of the page."""
    rows = [list(HEADINGS), ["---"] * len(HEADINGS), *map(cells, loads)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


T = TypeVar("T", Figures, Behaviour, Machine)


def changed(facts: T, told: Mapping[str, float]) -> T:
    """Return *facts* with those of the values *told* that are theirs."""
    own: dict[str, Any] = {
        each.name: int(told[each.name]) if each.type == "int" else told[each.name]
        for each in fields(facts)
        if each.name in told
    }
    return replace(facts, **own)


def _store(told: str | None) -> SharedStore | None:
    return None if told is None else SharedStore(*map(float, told.split(",")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--out", type=Path, default=FIGURES)
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--store", metavar="READS,WRITES")
    told = parser.parse_args()
    if told.measure:
        from evals.scale_figures import machine, measure

        asyncio.run(measure()).save(machine(), told.out)
        print(told.out.read_text(), end="")
    if told.simulate:
        values = {name: float(value) for name, _, value in (each.partition("=") for each in told.set)}
        figures = changed(Figures.load(told.figures), values)
        where = figures, changed(Behaviour(), values), changed(Machine(), values), _store(told.store)
        print("By the formula:\n", table(expected(agents, *where) for agents in AGENTS), sep="\n")
        print("\nSimulated:\n", table(simulated(agents, *where) for agents in AGENTS), sep="\n")


if __name__ == "__main__":
    main()
