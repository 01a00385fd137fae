"""Whether a person who names a plugin wants something of it: "never install mcp-server-fetch" names none."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.hedges import negated, sentences
from dynamic_plugins.embedded.language.spoken_text import spoken_in
from dynamic_plugins.resolver.mentions import MERELY_A_WORD, mentions_in
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.registry.unlisted import Direct
    from dynamic_plugins.resolver.resolver import Resolver

_CLAUSE_END = re.compile(
    r"[,;:\u2013\u2014\u3001\uff0c\uff1b\uff1a]|\s-\s|\b(?:but|and|then|instead|sondern|aber|und|dann|mais|et|puis|pero|sino|y|ma|e|mas|maar|en)\b",
    re.I,
)
_POINTS_BACK = re.compile(r"\b(?:it|that|this|them|one|es|das|ihn|sie|lo|la|le|les|ça|het|dat)\b", re.I)
_INTERJECTION = re.compile(r"\s*(?:no+|nope|nein|non|nee)\b\s*(?=[,.!;:]|$)", re.I)


def asks_for(text: str, plugin: str, resolver: Resolver) -> bool:
    """Return whether *text*, a person's, names *plugin* and does not refuse it, where it is named.

    What only stands in it does not count: quotations, code, forwarded messages. In doubt it is refused: then the
    person is asked.
    """
    spoken = spoken_in(text).spoken
    places = [
        each.start
        for each in mentions_in(spoken, resolver)
        if plugin in each.names and each.kind == "exact" and each.confidence >= MERELY_A_WORD
    ]
    refused = _refused(spoken) if places else []
    return any(not any(begin <= place < end for begin, end in refused) for place in places)


def asks_for_unlisted(texts: Sequence[str], direct: Direct) -> bool:
    """Return whether the newest of a person's *texts* that names what no registry lists does not refuse it.

    Only its name as it is written counts; one that is a mere word ("time") counts with its index before it, or right
    behind a verb that asks for it. Quotations, code and forwarded messages do not count.
    """
    for text in reversed(texts):
        written = spoken_in(text).written
        if places := _places(written, direct):
            refused = _refused(written)
            return any(not any(begin <= place < end for begin, end in refused) for place in places)
    return False


def _places(text: str, direct: Direct) -> list[int]:
    name = re.escape(direct.name.rstrip("/")).replace(r"\-", "-")
    name = f"{name}/?" if direct.kind == "address" else name.replace("-", "[-_.]+")
    found = re.finditer(rf"(?<![\w@/.-]){name}(?![\w/]|[.@-]\w(?<!@\d))", text, re.IGNORECASE)
    is_word = re.fullmatch(r"[a-z]+", direct.name, re.IGNORECASE) is not None
    return [each.start() for each in found if not is_word or _is_asked(text[: each.start()])]


def _is_asked(before: str) -> bool:
    """Return whether a text that ends before a word asks for what the word names: ``npm:``, "please install"."""
    if re.search(r"\b(?:npm|pypi):\s*$", before, re.IGNORECASE):
        return True
    words = [word for word in re.findall(r"[^\W\d]+", before.lower()) if word not in wordlist("joining")]
    return bool(words) and words[-1] in wordlist("asking")


def _refused(spoken: str) -> list[tuple[int, int]]:
    """Return the parts of *spoken* in which something is refused."""
    return [part for begin, end in sentences(spoken) for part in _refused_clauses(spoken, begin, end)]


def _refused_clauses(spoken: str, begin: int, end: int) -> list[tuple[int, int]]:
    cuts = [begin, *(found.end() for found in _CLAUSE_END.finditer(spoken, begin, end)), end]
    clauses = list(pairwise(cuts))
    refused, under, verb_seen = [], False, False
    for index, (start, stop) in enumerate(clauses):
        clause = spoken[start:stop]
        has_verb = any(word in wordlist("asking") for word in re.findall(r"[a-z]+", clause.lower()))
        if _is_negated(clause):
            under, verb_seen = True, has_verb
            if index and _POINTS_BACK.search(clause):
                refused.append(clauses[index - 1])
        elif under and has_verb and verb_seen:
            under = False  # what was refused has had its verb: this is another order
        else:
            verb_seen = verb_seen or has_verb
        if under:
            refused.append((start, stop))
    return refused


def _is_negated(clause: str) -> bool:
    return not _INTERJECTION.match(clause) and negated(clause)
