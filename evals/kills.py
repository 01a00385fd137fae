"""What is left when the host is killed: ``kill -9`` at random moments of every verb, then a look at everything.

usage: python -m evals.kills [--times 200] [--seed N] [--jobs 2] [--index]

A home with two plugins is put back to how it stood before a verb, the verb is begun by a process of its own, and that
process is killed. Half of the kills hit the real command line, somewhere between its start and its end; the other half
hit a process that has everything imported, somewhere in the verb itself. How long each takes is measured first, and
the moments are spread evenly over that, one at random in each slice. After each kill

- no process that was started from the home lives on (after at most ``ORPHAN_SECONDS``);
- the state loads, the plugin is whole (it activates and answers as its old or its new self) or absent, and the other
  plugin answers as before;
- the next command (``install``) works, and nothing stays on the disk that no plugin needs;
- uninstalling it leaves nothing of it.

Everything comes from folders on this machine; ``--index`` adds a server from the package index.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dynamic_plugins.errors import PluginError
from evals.aftermath import leave, look, next_command, wait_for_orphans
from evals.lanes import INDEX_VERBS, VERBS, Lane, Verb, Violation, kill, measure

Attempt = tuple[Verb, float, bool]
"""A verb, the share of its time after which it is killed, and whether it is begun by command."""


@dataclass
class Tally:
    """What came of the kills of one verb."""

    kills: int = 0
    hit: int = 0
    """How many of them found the process alive."""
    found: Counter[str] = field(default_factory=Counter)
    swept: int = 0
    """After how many of them something had to be swept away."""
    violations: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def attempt(lane: Lane, verb: Verb, after: float, tally: Tally, *, by_command: bool) -> None:
    """Kill once, look at everything, and note what was found."""
    tally.kills += 1
    try:
        tally.hit += kill(lane, verb, after, by_command=by_command)
        wait_for_orphans(lane.home)
        found = asyncio.run(look(lane, verb))
        tally.swept += next_command(lane, verb, by_command=by_command)
        asyncio.run(leave(lane, verb))
        wait_for_orphans(lane.home)
        tally.found[found] += 1
    except (Violation, PluginError, subprocess.TimeoutExpired) as error:
        how = "command" if by_command else "driver"
        tally.violations.append(f"{verb.name} ({how}) at {after:.3f} s: {type(error).__name__}: {error}")


def run_lane(root: Path, plan: list[Attempt], runs: int) -> dict[str, Tally]:
    """Do the attempts of one lane, measuring each verb by some *runs* first."""
    lane = Lane(root)
    tallies: dict[str, Tally] = defaultdict(Tally)
    durations: dict[tuple[str, bool], float] = {}
    for verb in {verb.name: verb for verb, _, _ in plan}.values():
        asyncio.run(lane.prepare(verb))
    for verb, share, by_command in plan:
        key = (verb.name, by_command)
        if key not in durations:
            durations[key] = measure(lane, verb, runs, by_command=by_command)
        attempt(lane, verb, share * durations[key], tallies[verb.name], by_command=by_command)
        tallies[verb.name].seconds["command" if by_command else "driver"] = durations[key]
    return tallies


def planned(verbs: tuple[Verb, ...], times: int, seed: int, ways: tuple[bool, ...]) -> list[Attempt]:
    """Return *times* kills spread evenly over the verbs, the *ways* of beginning them, and their time."""
    chance = random.Random(seed)  # noqa: S311 # nobody's secret
    plan: list[Attempt] = []
    cells = [(verb, by_command) for verb in verbs for by_command in ways]
    for index, (verb, by_command) in enumerate(cells):
        count = times * (index + 1) // len(cells) - times * index // len(cells)
        # A little past the end, because the measured time is a median: the last moments are hit too.
        plan += [(verb, 1.1 * (slice_ + chance.random()) / count, by_command) for slice_ in range(count)]
    chance.shuffle(plan)
    return plan


def kill_all(
    times: int,
    seed: int,
    jobs: int,
    verbs: tuple[Verb, ...] = VERBS,
    ways: tuple[bool, ...] = (False, True),
    runs: int = 3,
) -> dict[str, Tally]:
    """Return what came of *times* kills, by verb; *ways* says whether the command is killed, or the driver, or both."""
    # The processes that look keep secrets, too.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    total: dict[str, Tally] = {verb.name: Tally() for verb in verbs}
    plan = planned(verbs, times, seed, ways)
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))
    with tempfile.TemporaryDirectory() as folder, pool:
        lanes = [Path(folder).resolve() / f"lane-{number}" for number in range(jobs)]
        plans = [plan[number::jobs] for number in range(jobs)]
        for tallies in pool.map(run_lane, lanes, plans, [runs] * jobs):
            for name, mine in tallies.items():
                each = total[name]
                each.kills, each.hit, each.swept = each.kills + mine.kills, each.hit + mine.hit, each.swept + mine.swept
                each.found += mine.found
                each.violations += mine.violations
                each.seconds |= mine.seconds
    return total


def shown(total: dict[str, Tally]) -> str:
    """Return the table."""
    rows = [("verb", "takes (driver, command)", "kills", "in time", "swept", "found", "violations")]
    for name, each in total.items():
        takes = ", ".join(f"{each.seconds[how]:.2f} s" for how in ("driver", "command") if how in each.seconds)
        found = "; ".join(f"{what}: {count}" for what, count in sorted(each.found.items()))
        rows.append((name, takes, str(each.kills), str(each.hit), str(each.swept), found, str(len(each.violations))))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--index", action="store_true", help="a server from the package index, too")
    arguments = parser.parse_args()
    verbs = VERBS + INDEX_VERBS if arguments.index else VERBS
    start = time.monotonic()
    total = kill_all(arguments.times, arguments.seed, arguments.jobs, verbs)
    print(shown(total))
    violations = [each for tally in total.values() for each in tally.violations]
    print("\n".join(violations))
    kills = sum(each.kills for each in total.values())
    print(f"{kills} kills in {time.monotonic() - start:.0f} s, seed {arguments.seed}: {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
