"""How the ranking by words and the one by meaning become one order, and what is left out of it.

Both are told in standard deviations, since a cosine and a BM25 score have nothing else in common, and summed. The
weights were not fitted to one set of questions: they were chosen among round numbers where several sets agreed (see
``benchmarks/search.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.registry.entry import Entry

WORDS = 1.5
"""What the ranking by words counts against the one by meaning."""
EXPECTED = 0.4
"""What part of its z-score by words is expected of the one by meaning, where something is not embedded yet."""
COMPARED = 100
"""A z-score is one among at least so many entries: of two alone it would say nothing."""

POPULARITY, VERIFIED = 0.06, 0.15
"""What a tenfold number of downloads counts, and that the plugin was seen to run, in standard deviations."""
UNKNOWN_USE = 3.0
"""The tenfold numbers of downloads a month that count where nobody knows how many there are. An index that tells none
says nothing against its packages."""
MOST_USED, BY_RANK = 8.0, 0.7
"""The same for a package of which only its place among an index's most downloaded is known: at the first place, and
how much less a tenfold place is. The fifteen-thousandth has some hundred thousand downloads a month."""
BROKEN, ELSEWHERE = -1.0, -0.5
"""What it counts that a plugin is known not to work, and that this machine cannot run it."""

RELATED_WORDS = 0.3
"""An entry is shown by its words where it has this part of the best one's score."""
CLOSE = 0.45
"""The cosine of a request and what does just that. Where both rankings have an opinion, an entry is shown if its part
of the best score by words and its part of the best cosine (of at least this) make a whole."""
NEAR, NEARLY_BEST = 0.33, 0.08
"""An entry is shown by its meaning alone where its cosine is at least so much, and at most so much below the best
one's: in another language no word is the same."""


FAR, APART = 0.28, 0.1
"""For two or three words: where not even the nearest entry has the first cosine, nothing that is embedded does what
they ask for, and an entry that has less than the second shares only a word with them. One word is a name, its own
proof, and longer requests have cosines that are too low to tell."""
HALF_KNOWN = 0.38
"""The first of these where nothing says one of the words and something says another: what plays songs has "play" of
"play chess"."""


@dataclass(frozen=True)
class Similarity:
    """What the embedding says: for each position its z-score and its cosine."""

    z_score: Mapping[int, float]
    cosine: Mapping[int, float]
    """The best among the request and its parts."""
    words: int = 0
    """How many telling words the request has."""
    half_known: bool = False
    """Whether some of them occur in what is searched, and others in nothing of it."""


def ranked(
    words: Mapping[int, float], similarity: Similarity | None, count: int, shown: Iterable[int] | None = None
) -> dict[int, float]:
    """Return scores, by position, of those of *count* entries that have to do with a request, or of *shown*.

    *words* are scores of the ranking by words; *similarity* is None where there is no embedding.
    """
    mean, deviation = _spread(words, count)
    scores = {}
    for at in related(words, similarity) if shown is None else shown:
        z_score = (words.get(at, 0.0) - mean) / deviation
        meant = 0.0 if similarity is None else similarity.z_score.get(at, EXPECTED * z_score)
        scores[at] = WORDS * z_score + meant
    return scores


def related(words: Mapping[int, float], similarity: Similarity | None) -> Iterable[int]:
    """Return the positions of what has to do with a request."""
    best = max(words.values(), default=0.0)
    by_words = {at: score / best for at, score in words.items() if score >= RELATED_WORDS * best}
    if similarity is None:
        return by_words
    cosine = similarity.cosine
    nearest = max(cosine.values(), default=0.0)
    far = HALF_KNOWN if similarity.half_known else FAR
    apart = 0.0 if similarity.words not in (2, 3) else APART if nearest >= far else 1.0
    close = max(CLOSE, nearest)
    agreed = [
        at
        for at, part in by_words.items()
        if at not in cosine or (cosine[at] >= apart and part + cosine[at] / close >= 1)
    ]
    # The word that nothing says may be all that matters: what is near to the others only is no answer.
    near = max(NEAR, nearest - NEARLY_BEST) if apart < 1.0 and not similarity.half_known else 1.0
    return dict.fromkeys([*agreed, *(at for at, value in cosine.items() if value >= near)])


def prior(entry: Entry, *, runs_here: bool) -> float:
    """Return what speaks for an entry whatever is asked for, in standard deviations."""
    score = POPULARITY * _use(entry) + VERIFIED * (entry.verified is not None)
    return score + BROKEN * bool(entry.problem) + ELSEWHERE * (not runs_here)


def _use(entry: Entry) -> float:
    """Return how much an entry is used, in tenfold numbers of downloads a month."""
    if entry.popularity:
        return min(log10(1 + entry.popularity), MOST_USED + 1)  # a registry says what it likes
    return MOST_USED - BY_RANK * log10(entry.popularity_rank) if entry.popularity_rank else UNKNOWN_USE


def _spread(scores: Mapping[int, float], count: int) -> tuple[float, float]:
    """Return mean and deviation of *scores*, and of zeros for others that were compared."""
    size = max(len(scores), min(count, COMPARED), 1)
    mean = sum(scores.values()) / size
    squares = sum(score * score for score in scores.values()) / size - mean * mean
    return mean, max(squares, 1e-12) ** 0.5
