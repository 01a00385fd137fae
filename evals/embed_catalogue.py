"""Embeds the bundled catalogue into the file of vectors that ships with it; run it when the catalogue has changed.

    python -m evals.embed_catalogue [--new-mean TEXTS]

What is in the file already, by the digest of its text, is not embedded again, and what the catalogue lacks goes. The
mean that all vectors are told by stays the same, so that homes keep theirs: it was taken of the descriptions of 246
plugins that people published for another host (MetaTool's, MIT). ``--new-mean`` takes it of a file of TEXTS, one a
line, and embeds everything anew. It needs the extra ``search``; a thousand actions take half a minute.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from pathlib import Path

import numpy as np

from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.resolver import vectors
from dynamic_plugins.resolver.documents import key, texts_of
from dynamic_plugins.resolver.embedder import DIMENSIONS, Embedder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--new-mean", type=Path, metavar="TEXTS", help="take the mean anew, and embed everything")
    of = parser.parse_args().new_mean
    entries = parse_registry(SNAPSHOT.read_bytes(), "bundled").entries
    texts = {key(text): text for entry in entries for text in texts_of(entry)}
    keys = np.fromiter(texts, np.uint64, len(texts))
    start = time.process_time()
    mean = vectors.bundled_mean_text() if of is None else _mean(of)
    if of is not None:
        vectors.BUNDLED.write_bytes(_file(mean, np.empty(0, vectors.RECORD)))
    rows, count = _kept_and_new(texts, keys)
    records = np.empty(len(texts), vectors.RECORD)
    records["key"], records["packed"] = keys, rows
    vectors.BUNDLED.write_bytes(_file(mean, np.sort(records, order="key")))
    spent = time.process_time() - start
    size = vectors.BUNDLED.stat().st_size
    print(f"{len(entries)} plugins, {len(texts)} texts, {count} of them embedded in {spent:.1f} s; {size:,} bytes")


def _mean(file: Path) -> str:
    rows = Embedder().embed(file.read_text(encoding="utf-8").splitlines(), "document")
    return base64.b64encode(rows.mean(axis=0).astype(np.float16).tobytes()).decode()


def _kept_and_new(texts: dict[int, str], keys: np.ndarray) -> tuple[np.ndarray, int]:
    known, kept = vectors.KeptVectors(vectors.BUNDLED).find(keys)
    rows = np.empty((len(texts), DIMENSIONS // 2), np.uint8)
    rows[known] = kept
    new = [text for text, is_known in zip(texts.values(), known, strict=True) if not is_known]
    if new:
        rows[~known] = vectors.packed(vectors.centred(Embedder().embed(new, "document")))
    return rows, len(new)


def _file(mean: str, records: np.ndarray) -> bytes:
    return json.dumps({"mean": mean}).encode() + b"\n" + records.tobytes()


if __name__ == "__main__":
    main()
