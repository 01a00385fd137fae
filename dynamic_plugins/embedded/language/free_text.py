"""The words of a message that are a value themselves: a text to be kept, a title, a name."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    r"notiere?|apunta|anota|recuerda|note|noter|retiens|ricorda(?:ti)?|segna(?:ti)?|lembr[ae](?:-te)?|anote"
    r"|zapami[eę]taj|zapisz|onthoud|noteer|kom ihåg|husk|notér|запомни|запиши)"
    r"(?:\s+(?:down|this|it|please|bitte|also))*\s*,?\s+(?:that|dass|que|qu'|che|że|ze|dat|att|что)\s+",
    re.I,
)
_THIS = re.compile(
    r"\b(?:put|write|jot|note|save|stick|pop|take|keep) (?:this|it)(?: one)?(?: down)?"
    r"(?: (?:in|into|to|on|for) (?:my|the|your) \w+)?"
    r"(?:,? (?:will|would|can|could) (?:you|ya)|,? please|,? for me)*[\s,:]+"
    r"(?!(?:for|to|in|into|and|as|with|that|please|when|if|so|back|next|near|up|on|off|will|would|can|could|from|out|away"
    r"|down|there|here|over|under|by|at|of|or|but|all|again|until|till|running|simple|safe|secret)\b)"
    r"(?=\S+(?:\s+\S+){2,})",
    re.I,
)
"""Who dictates has no colon: "put this in my notes will you hive three queen seen"."""
_CALLED = re.compile(
    r"\b(?:called|named|titled|call it|name(?:d)? it|name is|with the name|under the (?:title|name)|"
    r"namens|mit dem namen|unter dem (?:titel|namen)|"
    r"llamad[oa]|con nombre|titulad[oa]|que se llame|appelée?|nommée?|intitulée?|chiamat[oa])\s+",
    re.I,
)
_LABELS = {
    "title": "title titled titel titulo título titre titolo tytuł heading subject betreff name called",
    "content": "content text texto texte inhalt body says saying contenido contenu contenuto conteúdo treść",
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
def label_words(name: str) -> frozenset[str]:
    """Return the words that say in a message which parameter a value is for: "title", "heading", "titel"."""
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).split("_")[-1].lower()
    words = _LABELS.get(name) or _LABELS.get(last) or ""
    return frozenset(
        [*words.split(), name.lower(), name.replace("_", " ").lower(), *([] if name in _LABELS else [last])]
    )


@cache
def _label_pattern(name: str) -> re.Pattern[str]:
    every = sorted(label_words(name), key=lambda word: (-len(word), word))
    joined = "|".join(re.escape(word) for word in every if len(word) > 2)
    return re.compile(
        rf"(?<![\w-])(?:{joined})(?![\w-])(?:\s+(?:it|this|that|them)\b)?(?:\s+(?:is|to|as|of|the|word|ist|es|named|called|namens|llamad[oa]|appelée?)\b)?(?:\s+(?:de|del|des|der|la|el|le|the)\b)?\s*[:=]?\s*",
        re.I,
    )


def _json_in(message: str) -> tuple[str, Span] | None:
    """Return the JSON object or list that *message* holds word for word."""
    start = min((at for at in (message.find("{"), message.find("[")) if at >= 0), default=-1)
    end = max(message.rfind("}"), message.rfind("]")) + 1
    if 0 <= start < end - 2:
        try:
            json.loads(message[start:end])
        except ValueError:
            return None
        return message[start:end], (start, end)
    return None


_QUOTE = re.compile(r"\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|「([^」]+)」")
_QUOTE_AT_END = re.compile(rf"\s*[^\W\d_]+(?:\s+[^\W\d_]+)?\s+(?:{_QUOTE.pattern})\W*\Z")
"""A verb before a quotation that ends the text: 'roll call: echo "here"'."""


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
    if (code := _json_in(message)) is not None:
        return code
    quotes = [quote.span() for quote in _QUOTE.finditer(message)]
    for pattern in (_COLON, _SAYING, _THAT, _THIS):
        for found in pattern.finditer(message):
            if any(start < found.start() < end for start, end in quotes) or not message[found.end() :].strip(" .?!"):
                continue
            rest = message[found.end() :]
            if quote := _QUOTE_AT_END.match(rest) or re.match(rf"\s*(?:{_QUOTE.pattern})", rest):
                return next(g for g in quote.groups() if g), (
                    found.end() + quote.start(quote.lastindex or 0),
                    found.end() + quote.end(),
                )
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
                r"\n|[,;:](?:\s|$)|[.!?](?:\s|$)|\s+[-–—]\s|\s+(?:and|und|y|et|but|with|mit|con|avec|please|bitte|in|on|off|for|from)\s",
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
    stop = re.search(
        r"\n|[,;:](?:\s|$)|[.!?](?:\s|$)|\s+(?:and|und|y|et|with|mit|con|avec|in|on|for|from|please)\s", rest
    )
    value = rest[: stop.start()] if stop else rest
    return (unquoted(value), (found.end(), found.end() + len(value))) if value.strip() else None
