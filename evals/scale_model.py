"""How much of a machine agents take: by a closed formula, and by a simulation that knows nothing of the formula.

Each agent has a home and a process of its own, as a gateway's tenants have, and shares nothing but a machine. So what a
machine holds can be worked out, or simulated, for one machine, and machines are counted.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import random
from bisect import bisect
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FIGURES = Path(__file__).parent / "data" / "scale-figures.json"


@dataclass(frozen=True)
class Figures:
    """What was measured: memory as proportional set size in MB, processor time in seconds."""

    host_mb: float
    """The process of one agent, which serves it and starts its plugins."""
    another_host_mb: float
    """One more agent in the same process."""
    idle_plugin_mb: float
    """One plugin that is on and does not run, in that process."""
    worker_mb: float
    """The processes of one plugin that runs."""
    worker_processes: float
    turn_cpu: float
    """One turn with a model elsewhere, without the calls in it."""
    call_cpu: float
    """One call of a plugin that runs, in the host and in the worker."""
    start_cpu: float
    """What a call takes besides where its plugin has to be started first."""
    start_seconds: float
    idle_cpu: float
    """One plugin that runs and is not called, for each second."""
    turn_reads: float
    """Files of the home that one turn with one call opens to read; of these and the next, the calls' part is in it."""
    turn_writes: float
    start_writes: float
    """Files that a start writes besides."""
    read_seconds: float
    """Opening and reading the saved state of ten plugins."""
    write_seconds: float
    """Putting it in place of the old one, as far as the disk has it."""

    @classmethod
    def load(cls, path: Path = FIGURES) -> Figures:
        """Return those that were measured last."""
        return cls(**json.loads(path.read_text())["figures"])

    def save(self, where: str, path: Path = FIGURES) -> None:
        """Keep them, and *where* they were measured."""
        rounded = {name: float(f"{value:.3g}") for name, value in asdict(self).items()}
        path.write_text(json.dumps({"measured": where, "figures": rounded}, indent=2) + "\n")


@dataclass(frozen=True)
class Behaviour:
    """What agents do, in means: the time between two turns, the model's part of one, and the calls in it."""

    think_seconds: float = 60.0
    model_seconds: float = 5.0
    calls: float = 1.5
    """At least one; more come with a chance that makes this their mean."""
    plugins: int = 10
    """How many each agent has on; how often each is called falls off as Zipf's law has it."""
    idle_seconds: float = 600.0
    """After this long without a call a worker is ended, as ``DYNAMIC_PLUGINS_IDLE_SECONDS`` says."""

    @property
    def shares(self) -> list[float]:
        """The share of the calls that each plugin gets."""
        weights = [1 / rank for rank in range(1, self.plugins + 1)]
        return [weight / sum(weights) for weight in weights]

    def used_in_a_turn(self, share: float) -> float:
        """Return the chance that a turn calls a plugin, once or more often, which gets this *share* of all calls."""
        whole = int(self.calls)
        more = self.calls - whole
        return 1 - (1 - share) ** whole * (1 - more * share)


@dataclass(frozen=True)
class Machine:
    """One machine, and how much of it is planned to be used."""

    cores: int = 16
    memory_mb: float = 64 * 1024
    cores_used: float = 0.6
    memory_used: float = 0.8
    disk_used: float = 0.6
    processes_used: float = 100_000
    """Linux gives out 4,194,304 numbers at most; long before, looking through that many takes time."""


@dataclass(frozen=True)
class SharedStore:
    """One database that keeps the state of all agents, in place of files in each one's home.

    More machines do not make it faster. What it does a second has to be measured where it runs.
    """

    reads: float
    writes: float


@dataclass(frozen=True)
class Load:
    """What agents take, all together; *bottleneck* is what is used up first."""

    agents: int
    workers: float
    starts: float
    """A second."""
    memory_mb: float
    cores: float
    reads: float
    writes: float
    machines: int = 0
    bottleneck: str = ""

    def on(self, machine: Machine, figures: Figures, store: SharedStore | None = None) -> Load:
        """Return it with the machines that it takes, and what of them is used up first: the *store*, where one does
        not do for all of them.
        """
        processes = self.workers * figures.worker_processes + self.agents
        takes = {
            "memory": self.memory_mb / (machine.memory_mb * machine.memory_used),
            "cores": self.cores / (machine.cores * machine.cores_used),
            "disk": 0.0 if store else self.writes * figures.write_seconds / machine.disk_used,
            "processes": processes / machine.processes_used,
        }
        first = max(takes, key=lambda each: takes[each])
        full = store is not None and (self.reads > store.reads or self.writes > store.writes)
        found = {"machines": math.ceil(takes[first]), "bottleneck": "store" if full else first}
        return replace(self, **found)  # type: ignore[arg-type] # mypy takes each of them for both

    def times(self, factor: float, agents: int) -> Load:
        """Return what so many times as many agents take."""
        scaled = {name: getattr(self, name) * factor for name in _SUMS}
        return Load(agents, **scaled)


_SUMS = ("workers", "starts", "memory_mb", "cores", "reads", "writes")


def expected(
    agents: int, figures: Figures, behaviour: Behaviour, machine: Machine, store: SharedStore | None = None
) -> Load:
    """Return what *agents* take, by Little's law.

    A plugin that is used in *rate* turns a second is running where one of the last idle time used it, which is so with
    the chance 1 - exp(-rate * idle); and a turn that uses it finds it ended with the chance exp(-rate * idle).
    """
    turns = 1 / (behaviour.think_seconds + behaviour.model_seconds)
    rates = [turns * behaviour.used_in_a_turn(share) for share in behaviour.shares]
    running = sum(1 - math.exp(-rate * behaviour.idle_seconds) for rate in rates)
    starts = sum(rate * math.exp(-rate * behaviour.idle_seconds) for rate in rates)
    cores = turns * (figures.turn_cpu + behaviour.calls * figures.call_cpu)
    cores += starts * figures.start_cpu + running * figures.idle_cpu
    memory = figures.host_mb + behaviour.plugins * figures.idle_plugin_mb + running * figures.worker_mb
    reads, writes = turns * figures.turn_reads, turns * figures.turn_writes + starts * figures.start_writes
    return Load(1, running, starts, memory, cores, reads, writes).times(agents, agents).on(machine, figures, store)


# ---------------------------------------------------------------------------------------------- the simulation

_AGENT_SECONDS = 3e6
"""So long, over all agents, is simulated: with fewer, chance would tell."""


class MachineSimulation:
    """One machine with so many agents, event by event: turns, bursts of work on its cores, workers that come and go.

    Cores take work in the order in which it comes. Where memory is full, the worker that was not called for longest is
    ended before its time.
    """

    def __init__(self, agents: int, figures: Figures, behaviour: Behaviour, machine: Machine, seed: int = 1) -> None:
        self._figures, self._behaviour, self._machine = figures, behaviour, machine
        self._random = random.Random(seed)  # noqa: S311 - a simulation that is the same each time
        self._agents = agents
        self._chances = list(itertools.accumulate(behaviour.shares))
        self._free = [0.0] * machine.cores
        self._order: OrderedDict[tuple[int, int], float] = OrderedDict()
        self._counts = dict.fromkeys(("turns", "starts", "evicted"), 0)
        self._busy = self._worker_seconds = self._changed = 0.0
        self.waits: list[float] = []
        """How long work waited for a core, in seconds."""

    def run(self) -> Load:
        """Return what the agents took, in the mean over the time after the first idle times have passed."""
        count, behaviour, figures = self._agents, self._behaviour, self._figures
        warm = 4 * behaviour.idle_seconds
        seconds = max(_AGENT_SECONDS / count, 4 * behaviour.idle_seconds)
        # When, for which agent, and how many calls are left of its turn: none where that begins.
        events = [(self._random.uniform(0, behaviour.think_seconds), number, 0) for number in range(count)]
        heapq.heapify(events)
        self._run_until(warm, events)
        self._reset(warm)
        self._run_until(warm + seconds, events)
        workers, turns = self._worker_seconds / seconds, self._counts["turns"] / seconds
        starts = self._counts["starts"] / seconds
        return Load(
            count,
            workers,
            starts,
            count * (figures.host_mb + behaviour.plugins * figures.idle_plugin_mb) + workers * figures.worker_mb,
            self._busy / seconds + workers * figures.idle_cpu,
            turns * figures.turn_reads,
            turns * figures.turn_writes + starts * figures.start_writes,
        )

    def _reset(self, now: float) -> None:
        self._advance(now)
        self._counts = dict.fromkeys(self._counts, 0)
        self._busy = self._worker_seconds = 0.0
        self.waits.clear()

    def _run_until(self, end: float, events: list[tuple[float, int, int]]) -> None:
        while events[0][0] < end:
            now, number, left = events[0]
            heapq.heapreplace(events, self._step(now, number, left))
        self._advance(end)

    def _step(self, now: float, number: int, left: int) -> tuple[float, int, int]:
        """Let an agent begin a turn or make a call of one, and return what it does next."""
        behaviour, rolls = self._behaviour, self._random
        if not left:
            self._counts["turns"] += 1
            done = self._work(now, self._figures.turn_cpu)
            return done + rolls.expovariate(1 / behaviour.model_seconds), number, self._calls()
        done = self._call(now, number, bisect(self._chances, rolls.random() * self._chances[-1]))
        if left > 1:
            return done, number, left - 1
        return done + rolls.expovariate(1 / behaviour.think_seconds), number, 0

    def _calls(self) -> int:
        whole = int(self._behaviour.calls)
        return whole + (self._random.random() < self._behaviour.calls - whole)

    def _call(self, now: float, number: int, plugin: int) -> float:
        self._advance(now)
        key, cost = (number, plugin), self._figures.call_cpu
        if self._order.pop(key, None) is None:
            self._counts["starts"] += 1
            cost += self._figures.start_cpu
            self._make_room()
        self._order[key] = now
        return self._work(now, cost)

    def _advance(self, now: float) -> None:
        """Let time pass until *now*: workers that nobody has called for the idle time end on the way."""
        while self._order:
            key, called = next(iter(self._order.items()))
            end = called + self._behaviour.idle_seconds
            if end > now:
                break
            self._pass_to(end)
            del self._order[key]
        self._pass_to(now)

    def _pass_to(self, now: float) -> None:
        self._worker_seconds += len(self._order) * (now - self._changed)
        self._changed = now

    def _make_room(self) -> None:
        figures = self._figures
        hosts = self._agents * (figures.host_mb + self._behaviour.plugins * figures.idle_plugin_mb)
        if self._order and hosts + (len(self._order) + 1) * figures.worker_mb > self._machine.memory_mb:
            self._order.popitem(last=False)
            self._counts["evicted"] += 1

    def _work(self, now: float, seconds: float) -> float:
        """Have a core work for so long and return when it is done."""
        begun = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, begun + seconds)
        self._busy += seconds
        self.waits.append(begun - now)
        return begun + seconds


def simulated(
    agents: int, figures: Figures, behaviour: Behaviour, machine: Machine, store: SharedStore | None = None
) -> Load:
    """Return what *agents* take, by simulating those that lie on one machine, and as many machines as it takes."""
    held = min(agents, capacity(figures, behaviour, machine)) if agents > 1 else 1
    load = MachineSimulation(held, figures, behaviour, machine).run()
    return load.times(agents / held, agents).on(machine, figures, store)


def capacity(figures: Figures, behaviour: Behaviour, machine: Machine) -> int:
    """Return how many agents one machine holds as planned, measured on a simulation of a hundred of them."""
    load = MachineSimulation(100, figures, behaviour, machine).run().times(1e4, 1_000_000).on(machine, figures)
    return max(1, int(1_000_000 / load.machines))
