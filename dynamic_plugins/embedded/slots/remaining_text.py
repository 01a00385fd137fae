"""What a message says beyond the order itself: the words that are left when all that the order took is taken off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.action_words import (
    concepts,
    empty_words,
    fillers,
    joining_words,
    mended,
    ordinals,
    units,
    verb_kinds,
)
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.language.free_text import Span


def left_over(
    message: str, used: Sequence[Span], tool_stems: frozenset[str], tool_concepts: frozenset[str]
) -> tuple[str, Span] | None:
    """Return what *message* says beyond the order itself, as it stands there; the longest run of such words.

    Words of the tool, verbs of actions, small words and the spans that are *used* say nothing more.
    """
    runs: list[list[re.Match[str]]] = [[]]
    words = list(re.finditer(r"[^\W_](?:[\w'’.&+/%-]*\w)?", message))
    for index, word in enumerate(words):
        gap = message[words[index - 1].end() : word.start()] if index else ""
        if re.search(r"[,.;:!?()\n—]", gap) and runs[-1]:
            runs.append([])
        if any(start <= word.start() < end for start, end in used):
            if runs[-1]:
                runs.append([])
            continue
        if _says_more(word.group(), index, tool_stems, tool_concepts):
            runs[-1].append(word)
        elif runs[-1]:
            if plain(word.group()) in joining_words() and index + 1 < len(words):
                runs[-1].append(word)
            else:
                runs.append([])
    kept = [trimmed for run in runs if (trimmed := _trimmed(run))]
    if not kept:
        return None
    best = max(kept, key=lambda run: (_weight(message, run, used), -run[0].start()))
    start, end = best[0].start(), best[-1].end()
    return message[start:end], (start, end)


def _weight(message: str, run: Sequence[re.Match[str]], used: Sequence[Span]) -> float:
    """Return how much a run looks like what is asked for: beside a number, short, and in no aside of the speaker's."""
    start, end = run[0].start(), run[-1].end()
    content = len([w for w in run if plain(w.group()) not in fillers()])
    beside = any(e <= start and not re.search(r"[.;!?]", message[e:start]) and start - e < 16 for _, e in used)
    behind = any(s >= end and not message[end:s].strip(" ,-x") for s, _ in used)
    clause = re.split(r"[.,;!?]", message[:start])[-1] + run[0].group()
    aside = re.match(
        r"\s*(?:i|we|he|she|they|you|my|our|his|her|it|yo|ich|wir|je|das|es)\b(?:'m|'s|'re)?\s+(?!need|want|would|should|'d)\w+",
        clause,
        re.I,
    )
    return min(content, 3) + 2.5 * (beside or behind) - 2.0 * bool(aside)


def _says_more(raw: str, index: int, stems: frozenset[str], about: frozenset[str]) -> bool:
    word = mended(plain(raw))
    if word in fillers() or word in empty_words() or word in ordinals() or word in number_words():
        return False
    if stem(word) in units():
        return False
    if stem(word) in stems or (concepts(word) & about and not raw[:1].isupper()):
        return False
    return not verb_kinds(word) or (raw[:1].isupper() and index > 0 and not verb_kinds(word) & {"read"})


def _trimmed(run: list[re.Match[str]]) -> list[re.Match[str]]:
    small = fillers() | joining_words()
    while run and plain(run[-1].group()) in small:
        run = run[:-1]
    while run and plain(run[0].group()) in small:
        run = run[1:]
    return run
