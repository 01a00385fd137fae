"""What agents take: the formula and the simulation say the same, and the page has what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.scale import AGENTS, cells, changed, table
from evals.scale_model import Behaviour, Figures, Machine, MachineSimulation, SharedStore, expected, simulated

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
FIGURES = Figures.load()
BEHAVIOURS = [
    Behaviour(),
    Behaviour(idle_seconds=60),
    Behaviour(think_seconds=600, calls=3, plugins=5),
]


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=["as-given", "short-idle", "slow"])
@pytest.mark.parametrize("agents", AGENTS)
def test_the_formula_and_the_simulation_agree_within_a_tenth(agents: int, behaviour: Behaviour) -> None:
    worked_out = expected(agents, FIGURES, behaviour, Machine())
    found = simulated(agents, FIGURES, behaviour, Machine())
    for name in ("workers", "starts", "memory_mb", "cores", "reads", "writes"):
        assert getattr(found, name) == pytest.approx(getattr(worked_out, name), rel=0.1), name
    assert found.machines == pytest.approx(worked_out.machines, rel=0.1, abs=1)
    assert found.bottleneck == worked_out.bottleneck


def test_work_waits_where_there_are_too_few_cores_and_workers_go_where_there_is_too_little_memory() -> None:
    dear = replace(FIGURES, turn_cpu=0.6)
    wide = MachineSimulation(100, dear, Behaviour(), Machine(cores=16))
    narrow = MachineSimulation(100, dear, Behaviour(), Machine(cores=1))
    wide.run()
    narrow.run()
    assert max(wide.waits) < 1 < max(narrow.waits)
    small = MachineSimulation(100, FIGURES, Behaviour(), Machine(memory_mb=10_000)).run()
    assert small.memory_mb == pytest.approx(10_000, rel=0.02)
    assert small.starts > 1.5 * expected(100, FIGURES, Behaviour(), Machine()).starts


def test_one_database_for_all_is_full_before_the_machines_are() -> None:
    store = SharedStore(reads=50_000, writes=5000)
    first = [expected(agents, FIGURES, Behaviour(), Machine(), store).bottleneck for agents in AGENTS]
    assert first == ["memory", "memory", "memory", "store"]


def test_the_page_has_what_the_figures_say() -> None:
    page = PAGE.read_text()
    assert table(expected(agents, FIGURES, Behaviour(), Machine()) for agents in AGENTS) in page
    own, shared = FIGURES.host_mb, FIGURES.another_host_mb
    for host, idle in ((own, 600), (own, 60), (shared, 600), (shared, 60)):
        figures = changed(FIGURES, {"host_mb": host})
        load = expected(1_000_000, figures, changed(Behaviour(), {"idle_seconds": idle}), Machine())
        assert f"| {' | '.join(cells(load)[1:5])} |" in page
