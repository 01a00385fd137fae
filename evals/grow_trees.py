"""Grows the trees that say how likely something is, from rows of features: a thin layer over LightGBM.

LightGBM is needed to train only (the extra ``train``). What ships is read by
:mod:`dynamic_plugins.embedded.learned.boosted_trees`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dynamic_plugins.embedded.learned.boosted_trees import MOST_FEATURES, BoostedTrees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 15,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "seed": 3,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
}


def grow(
    rows: Sequence[Mapping[str, float]], target: Sequence[float], weight: Sequence[float], count: int = 400
) -> BoostedTrees:
    """Return *count* trees that tell the *rows* whose *target* is 1 from the others, each with its *weight*."""
    import lightgbm

    names = sorted({name for row in rows for name in row})
    if len(names) > MOST_FEATURES:
        raise SystemExit(f"{len(names)} features; a node holds the number of one in a byte.")
    numbers = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(rows), len(names)), dtype=np.float32)
    for at, row in enumerate(rows):
        for name, value in row.items():
            matrix[at, numbers[name]] = value
    data = lightgbm.Dataset(matrix, np.array(target), weight=np.array(weight))
    return _taken_over(lightgbm.train(PARAMETERS, data, count).dump_model(), names)


def _taken_over(model: dict[str, Any], names: Sequence[str]) -> BoostedTrees:
    nodes: list[list[float]] = []
    leaves: list[float] = []

    def add(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            leaves.append(round(node["leaf_value"], 5))
            return -len(leaves)
        place = len(nodes)
        nodes.append([node["split_feature"], node["threshold"], 0, 0])
        nodes[place][2:] = [add(node["left_child"]), add(node["right_child"])]
        return place

    roots = [add(tree["tree_structure"]) for tree in model["tree_info"]]
    features, thresholds, left, right = (list(column) for column in zip(*nodes, strict=True))
    return BoostedTrees(
        names, roots, [int(f) for f in features], thresholds, [int(n) for n in left], [int(n) for n in right], leaves
    )


def together(parts: Sequence[tuple[BoostedTrees, float]]) -> BoostedTrees:
    """Return trees whose score is that of *parts*, each by its weight: the log odds of one beside those of another."""
    names = list(dict.fromkeys(name for part, _ in parts for name in part.names))
    roots, features, left, right = list[int](), list[int](), list[int](), list[int]()
    thresholds, leaves = list[float](), list[float]()
    for part, weight in parts:
        nodes, ends = len(features), len(leaves)

        def moved(node: int, nodes: int = nodes, ends: int = ends) -> int:
            return node + nodes if node >= 0 else node - ends

        roots += [moved(node) for node in part.roots]
        features += [names.index(part.names[feature]) for feature in part.features]
        thresholds += part.thresholds
        left += [moved(node) for node in part.left]
        right += [moved(node) for node in part.right]
        leaves += [leaf * weight for leaf in part.leaves]
    return BoostedTrees(names, roots, features, thresholds, left, right, leaves)
