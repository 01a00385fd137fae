"""The trees that say how likely something is: read as written, the same probabilities, and always between 0 and 1."""

from __future__ import annotations

import math

import pytest

from dynamic_plugins.embedded.learned.boosted_trees import BoostedTrees, trees

SMALL = BoostedTrees(
    names=["asks", "words"],
    roots=[0, 1, -4],
    features=[0, 1],
    thresholds=[0.5, 2.0],
    left=[-1, -2],
    right=[-2, -3],
    leaves=[-1.5, 0.5, 2.0, 0.25],
)
"""A tree over "asks", one over "words", and one that is a single leaf."""


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ({}, -1.5 + 0.5 + 0.25),
        ({"asks": 1.0}, 0.5 + 0.5 + 0.25),
        ({"asks": 0.5, "words": 2.5}, -1.5 + 2.0 + 0.25),
        ({"asks": 1.0, "words": 2.0, "unknown": 9.0}, 0.5 + 0.5 + 0.25),
    ],
)
def test_the_leaves_that_the_features_lead_to_are_added_up(given: dict[str, float], score: float) -> None:
    assert SMALL.probability(given) == pytest.approx(1 / (1 + math.exp(-score)))


def test_what_was_written_is_read_back() -> None:
    again = BoostedTrees.from_bytes(SMALL.to_bytes())
    for given in ({}, {"asks": 1.0}, {"words": 3.0}):
        assert again.probability(given) == pytest.approx(SMALL.probability(given))
    assert again.to_bytes() == SMALL.to_bytes()


@pytest.mark.parametrize("name", ["arbiter", "use_probability"])
def test_every_node_of_the_trees_that_ship_leads_to_a_leaf(name: str) -> None:
    shipped = trees(name)
    size, leaves = len(shipped.features), len(shipped.leaves)
    for node in range(size):
        assert shipped.features[node] < len(shipped.names)
        for onward in (shipped.left[node], shipped.right[node]):
            assert node < onward < size or -leaves <= onward < 0
    assert all(-leaves <= root < size for root in shipped.roots)
    assert 0.0 < shipped.probability({}) < 1.0
    assert 0.0 < shipped.probability(dict.fromkeys(shipped.names, 1e9)) < 1.0
