"""Trains the model that tells kinds of question apart, from the labelled lines in ``evals/data/question-kinds.jsonl``.

Run ``python -m evals.train_questions``; it writes ``dynamic_plugins/embedded/learned/question-kinds.model``, and with
``--folds N`` first prints how well lines that were left out are told. Needs scikit-learn, which the package does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from array import array
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from dynamic_plugins.embedded.learned.classifier import BUCKETS, LinearModel, bucket
from dynamic_plugins.embedded.replies.question_kinds import MODEL, kind_features
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.sources import BUNDLED
from dynamic_plugins.resolver.linker import links_in
from dynamic_plugins.resolver.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.registry.entry import Entry

LINES = Path(__file__).parent / "data" / "question-kinds.jsonl"
TARGET = Path(__file__).parent.parent / "dynamic_plugins" / "embedded" / "learned" / f"{MODEL}.model"
KEPT = 9_000
"""Features that keep a weight; the others hardly matter, and each costs a byte for every kind."""
REGISTRY = Path(__file__).parent / "data" / "registry-2026-11-24.json"
STRENGTH = 30.0
PLAIN = 2.0
"""A plain question, as short as people ask it every day, weighs so much; the others are one person's way each."""
SEEN = 3
"""A feature counts when so many lines have it."""


def registry_entries() -> dict[str, Entry]:
    """Return the entries that the sample texts speak of, by name: the catalogue as it was when they were written."""
    return {entry.name: entry for entry in parse_registry(REGISTRY.read_bytes(), BUNDLED).entries}


def features_of(row: Mapping[str, Any], known: Mapping[str, Entry], resolver: Resolver) -> list[str]:
    """Return the features of one labelled line, with the plugins that were there when it was said."""
    active = set(row["active"])
    mine = {name: known.get(name) or _unknown(name) for name in [*row["installed"], *row["active"]]}
    links = links_in(row["text"], resolver, mine)
    return kind_features(row["text"], links, {name: name in active for name in mine})


def _unknown(name: str) -> Entry:
    from dynamic_plugins.registry.entry import Entry

    return Entry(name)


def matrix(rows: Sequence[Sequence[str]]) -> csr_matrix:
    """Return one row for each list of features: its buckets, of length 1 together."""
    indices: list[int] = []
    values: list[float] = []
    ends = [0]
    for features in rows:
        buckets = sorted({bucket(feature) for feature in features})
        indices += buckets
        values += [len(buckets) ** -0.5] * len(buckets)
        ends.append(len(indices))
    return csr_matrix((values, indices, ends), shape=(len(rows), BUCKETS))


def trained(features: csr_matrix, kinds: Sequence[str], weights: Sequence[float]) -> LogisticRegression:
    """Return a fitted regression over the columns that occur."""
    return LogisticRegression(C=STRENGTH, max_iter=120, tol=1e-3).fit(features, kinds, sample_weight=weights)


def packed(fitted: LogisticRegression, columns: Sequence[int]) -> LinearModel:
    """Return *fitted* with one byte a weight, for the features that matter most."""
    weights = fitted.coef_.T
    heaviest = np.sort(np.argsort(-np.abs(weights).max(axis=1))[:KEPT])
    kept = weights[heaviest]
    scale = float(np.abs(kept).max()) / 127
    rows = array("I", (int(columns[at]) for at in heaviest))
    whole = np.round(kept / scale).astype(np.int8)
    return LinearModel(list(fitted.classes_), [float(b) for b in fitted.intercept_], scale, rows, whole.tobytes())


def crossed(features: csr_matrix, kinds: Sequence[str], weights: Sequence[float], folds: int) -> str:
    """Return how many of the lines that were left out were told right, and what was mistaken most."""
    labels, heavy = np.array(kinds), np.array(weights)
    right, mistaken = 0, Counter[tuple[str, str]]()
    for learn, test in StratifiedKFold(folds, shuffle=True, random_state=1).split(features, labels):
        guesses = trained(features[learn], labels[learn], heavy[learn]).predict(features[test])
        right += int((guesses == labels[test]).sum())
        mistaken.update((w, g) for w, g in zip(labels[test], guesses, strict=True) if w != g)
    most = ", ".join(f"{want} for {got} {count}" for (want, got), count in mistaken.most_common(12))
    return f"{right / len(labels):.3f} of {len(labels)} right; {most}"


def main() -> None:
    """Train, print the measurement, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=0, metavar="N")
    folds = parser.parse_args().folds
    rows = [json.loads(line) for line in LINES.read_text(encoding="utf-8").splitlines()]
    known = registry_entries()
    resolver = Resolver(list(known.values()))
    kinds = [row["kind"] for row in rows]
    weights = [PLAIN if row.get("plain") else 1.0 for row in rows]
    whole = matrix([features_of(row, known, resolver) for row in rows])
    # What occurs in a single line tells nothing of the next.
    columns = np.flatnonzero(np.bincount(whole.indices, minlength=BUCKETS) >= SEEN)
    features = whole[:, columns]
    if folds:
        sys.stdout.write(crossed(features, kinds, weights, folds) + "\n")
    model = packed(trained(features, kinds, weights), columns.tolist())
    TARGET.write_bytes(model.to_bytes())
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size // 1024} kB\n")


if __name__ == "__main__":
    main()
