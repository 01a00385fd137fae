"""The words of a message that are a value themselves: a text to be kept, a title, a name, what is left of a request."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.action_words import concepts, fillers, mended, ordinals, units, verb_kinds
from dynamic_plugins.embedded.extractors import number_words
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int]

_QUOTES = "\"'“”„«»‘’`"
_COLON = re.compile(r"(?<!https)(?<!http)(?<!\b[A-Za-z])(?<!\d):(?=\s+\S|[\"“„«'])|:\s*\n|(?<=\w)\s*[—–]\s+(?=\S)")
_SAYING = re.compile(
    r"\b(?:that says?|which says?|saying|it says|says|with the (?:text|words?|message|content)s?|"
    r"with (?:message|text|content)|"
    r"mit (?:der nachricht|dem text|dem inhalt)|con el (?:texto|mensaje)|que diga|avec le (?:texte|message)|"
    r"word for word|verbatim|wörtlich|exactly|genau|exactement|exactamente)\b[\s,:]*",
    re.I,
)
_THAT = re.compile(
    r"\b(?:remember|note|record|write down|jot down|save|keep in mind|tell \w+|remind \w+|merk dir|"
    r"notiere?|apunta|anota|recuerda|note|noter|retiens)"
    r"(?:\s+(?:down|this|it|please|bitte|also))*\s*,?\s+(?:that|dass|que|qu')\s+",
    re.I,
)
_CALLED = re.compile(
    r"\b(?:called|named|titled|call it|name(?:d)? it|name is|with the name|under the (?:title|name)|"
    r"namens|mit dem namen|unter dem (?:titel|namen)|"
    r"llamad[oa]|con nombre|titulad[oa]|que se llame|appelée?|nommée?|intitulée?|chiamat[oa])\s+",
    re.I,
)
_LABELS = {
    "title": "title titled titel titulo título titre heading subject betreff name called",
    "content": "content text texto texte inhalt body says saying contenido contenu",
    "body": "body text content says description beschreibung",
    "text": "text content message says",
    "message": "message msg nachricht mensaje saying",
    "description": "description beschreibung descripción",
    "labels": "label labels labelled labeled tag tags",
    "assignees": "assign assignee assignees assigned",
    "aisle": "aisle pasillo gang rayon regal",
    "head": "head from von",
    "base": "base into to nach onto",
    "branch": "branch zweig rama branche",
    "base_branch": "off from based von desde depuis",
    "branch_name": "branch zweig rama branche",
    "target": "against with versus gegen contra contre to",
    "from_branch": "off from based von desde",
    "filename": "filename file call",
    "relationType": "type relation word verb",
    "entityType": "type",
    "categories": "category categories in",
}


@cache
def _label_pattern(name: str) -> re.Pattern[str]:
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).split("_")[-1].lower()
    words = _LABELS.get(name) or _LABELS.get(last) or ""
    every = dict.fromkeys(
        [*words.split(), name.lower(), name.replace("_", " ").lower(), *([] if name in _LABELS else [last])]
    )
    joined = "|".join(re.escape(word) for word in sorted(every, key=len, reverse=True) if len(word) > 2)
    return re.compile(
        rf"(?<![\w-])(?:{joined})(?![\w-])(?:\s+(?:it|this|that|them)\b)?(?:\s+(?:is|to|as|of|the|word|ist|es)\b)?\s*[:=]?\s*",
        re.I,
    )


def unquoted(text: str) -> str:
    """Return *text* without white space and quotation marks around it."""
    text = text.strip().strip(",;").strip()
    if len(text) > 1 and text[0] in _QUOTES:
        inner = text.rstrip(" .!?")
        if inner[-1:] in _QUOTES and not any(q in inner[1:-1] for q in '"“”„«»'):
            return inner[1:-1].strip()
    return text


def whole_text(message: str) -> tuple[str, Span] | None:
    """Return the text that *message* gives word for word, and where: quoted, behind a colon, behind "that says"."""
    for pattern in (_COLON, _SAYING, _THAT):
        if (found := pattern.search(message)) and message[found.end() :].strip(" .?!"):
            rest = message[found.end() :]
            if quote := re.match(r"\s*(?:\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»)", rest):
                return next(g for g in quote.groups() if g), (found.end(), found.end() + quote.end())
            return unquoted(rest), (found.end(), len(message))
    return None


def labelled(message: str, name: str, others: Iterable[str], *, long: bool) -> tuple[str, Span] | None:
    """Return what stands behind the name of a parameter: "title Shopping, text: …"; a *long* one goes to the end.

    It ends where the name of one of the *others* stands.
    """
    for found in _label_pattern(name).finditer(message):
        start = found.end()
        end = len(message)
        for other in others:
            if other != name and (mark := _label_pattern(other).search(message, start)):
                end = min(end, mark.start())
        value = message[start:end]
        if value[:1] in _QUOTES and (close := re.search(r"[\"”“»’'`]", value[1:])):
            value = value[: close.end() + 1]
        elif not long and (
            stop := re.search(
                r"[,;:](?:\s|$)|[.!?](?:\s|$)|\s+[-–—]\s|\s+(?:and|und|y|et|but|with|mit|con|avec|please|bitte|in|on|off|for|from)\s",
                value,
            )
        ):
            value = value[: stop.start()]
        value = value.rstrip(" ,;" if long else " ,;.:!?")
        if value.strip() and not re.fullmatch(r"(?:of|is|to|in|on|a|the|it)", value.strip(), re.I):
            return unquoted(value), (start, start + len(value))
    return None


def names_again(message: str, name: str) -> bool:
    """Whether *message* says "that aisle", "the same branch" for the parameter *name*."""
    again = re.search(
        r"\b(?:that|this|same|ese|esa|este|esta|mismo|misma|diese[rsmn]?|cette|ce)\s+(?=\w)", message, re.I
    )
    return again is not None and _label_pattern(name).match(message, again.end()) is not None


def called(message: str) -> tuple[str, Span] | None:
    """Return the name behind "called", "named", "call it"."""
    if (found := _CALLED.search(message)) is None:
        return None
    rest = message[found.end() :]
    stop = re.search(r"[,;:](?:\s|$)|[.!?](?:\s|$)|\s+(?:and|und|y|et|with|mit|con|avec|in|on|for|from|please)\s", rest)
    value = rest[: stop.start()] if stop else rest
    return (unquoted(value), (found.end(), found.end() + len(value))) if value.strip() else None


_LINKS = frozenset(
    [
        "of",
        "de",
        "and",
        "&",
        "und",
        "y",
        "et",
        "the",
        "in",
        "for",
        "to",
        "on",
        "with",
        "a",
        "von",
        "du",
        "des",
        "without",
        "auf",
        "sur",
        "en",
        "dessus",
        "drauf",
        "mit",
        "con",
        "avec",
        "under",
    ]
)
_EXTRA = frozenset(
    [
        "today",
        "tomorrow",
        "yesterday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "now",
        "next",
        "later",
        "tonight",
        "them",
        "these",
        "those",
        "him",
        "her",
        "whole",
        "bet",
        "mention",
        "mentioned",
        "mentions",
        "anywhere",
        "hold",
        "holds",
        "total",
        "obvs",
        "stick",
        "another",
        "list",
        "plugin",
        "thing",
        "things",
        "thingy",
        "stuff",
        "tool",
        "something",
        "anything",
        "exactly",
        "about",
        "called",
        "named",
        "number",
        "times",
        "more",
        "less",
        "under",
        "what",
        "whats",
        "which",
        "who",
        "how",
        "when",
        "where",
        "why",
        "show",
        "tell",
        "out",
        "off",
        "down",
        "up",
        "over",
        "into",
        "onto",
        "from",
        "as",
        "if",
        "also",
        "again",
        "still",
        "ready",
        "think",
        "thinking",
        "got",
        "get",
        "getting",
        "give",
        "need",
        "needs",
        "want",
        "wants",
        "look",
        "looks",
        "looking",
        "see",
        "check",
        "there",
        "here",
        "going",
        "gonna",
        "any",
        "every",
        "all",
        "im",
        "ive",
        "id",
        "theyre",
        "thats",
        "havent",
        "dont",
        "didnt",
        "cant",
        "wont",
        "per",
        "each",
        "other",
        "others",
        "another",
        "bit",
        "lot",
    ]
)


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
            if plain(word.group()) in _LINKS and index + 1 < len(words):
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
    if word in fillers() or word in _EXTRA or word in ordinals() or word in number_words():
        return False
    if stem(word) in units():
        return False
    if stem(word) in stems or (concepts(word) & about and not raw[:1].isupper()):
        return False
    return not verb_kinds(word) or (raw[:1].isupper() and index > 0 and not verb_kinds(word) & {"read"})


def _trimmed(run: list[re.Match[str]]) -> list[re.Match[str]]:
    small = fillers() | _LINKS
    while run and plain(run[-1].group()) in small:
        run = run[:-1]
    while run and plain(run[0].group()) in small:
        run = run[1:]
    return run
