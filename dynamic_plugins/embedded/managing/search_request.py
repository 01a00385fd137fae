"""The search for plugins that a message asks for: whether it looks for some, and by which words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dynamic_plugins.embedded.language.hedges import negated, sentences
from dynamic_plugins.embedded.managing.decide import Call
from dynamic_plugins.embedded.managing.policy import wants_list
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.text.tokenizer import plain, without_addresses
from dynamic_plugins.text.tokenizer import words as telling_words
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.reading import Reading

WISHES = 0.6
"""So likely must it be that a message orders something, for it to be a wish for what nothing here can do."""
ASKS_FOR_ACTION = 0.27
"""So likely must a question be for what some action gives, for it to be such a wish."""
SURE_WISH = 0.7
"""From here on it is searched for at once; below, the search is offered."""
MANAGES = 0.5
"""From this probability on that it is about managing plugins, it is only offered."""
LONGEST_WISH = 300
"""Characters; who writes more tells something."""
FEWEST_WORDS = 2
"""Of fewer telling words nothing can be found that fits."""

_NO_WISH = re.compile(
    r"\b(?:there|it|that|this|those|them|keep|forget|oops|nvm|never ?mind|behalte?t?|dort|damit|ahí|déjalo|là|laisse)\b"
    r"|^\W*(?:have an?|happy|bon(?:ne|soir)?|schön\w*|buen[oa]?s?|buon[ao]?|bom|boa)\b|[(){}<>=]",
    re.I,
)
_HAVES = re.compile(
    r"\s*(?:please |ok(?:ay)?,? |bitte )?(?:install|download|get me|add|find|installiere?|hol|instala|installe)\b", re.I
)
"""So begins a wish to have something; one telling word says what."""
_LIMIT = re.compile(
    r"\b(?:first|top|show me|list|give me)\s+(\d{1,2})\b|\b(\d{1,2})\s+(?:entries|plugins|results|matches)\b", re.I
)
_PLUGINS = (
    r"(?:plug-?ins?|add-?ons?|extensions?|registry|catalogu?e|store|shop|marketplace|mcp servers?"
    r"|erweiterung\w*|complementos?|módulos?)"
)
_LOOKS_FOR = re.compile(
    rf"\b(?:which|what|any(?:thing)?|list|show|browse|find|search|look(?:ing)? for|is there|are there|exists?"
    rf"|available|overview|contents?"
    rf"|welche|gibt es|zeig\w*|hay|qué|busco|muestra|quels?|quelles?|y a-t-il|cherche|existe|quais"
    rf"|quali)\b[^.!?]*\b{_PLUGINS}\b"
    rf"|\b{_PLUGINS}\b[^.!?]*\b(?:for|that (?:can|does|do)|to|available|exist|für|para|pour|per)\b"
    r"|插件|プラグイン|플러그인",
    re.I,
)
_WISHING = re.compile(
    r"\b(?:(?:is|are) there|any(?:thing| way| plugins?)\b|some(?:thing|where| way)? (?:to|that|for|where)|need"
    r"|look(?:ing)? for|find me|want|could you|can you|have you|do you have|got any|gibt es|brauche|suche|hätte gern"
    r"|hay alg|necesito|busco|quiero|y a-t-il|cherche|besoin d|c['\u2019]è|mi serve|cerco|preciso|procuro|potrzebuj"
    r"|szukam|heb je|ik zoek|есть ли|нуж)",
    re.I,
)
"""What a wish begins with; what stands before it may be anything."""
_OF_MINE = re.compile(
    r"\b(?:installed|active|running|on|off|enabled|loaded|mine|my|your|do (?:i|you) have|have i|installiert|an"
    r"|aus|instalad\w+|activ\w+)\b",
    re.I,
)
_HOW_IT_IS = re.compile(
    r"\b(?:what happens|what (?:does|do|would|will|did)|how (?:do|does|is|are|can)|why|difference|explain)\b", re.I
)
_WISHES = re.compile(
    r"^\W*(?:\w+[,!.]\s+)?(?:ich\s+(?:möchte|moechte|will|würde|brauche|hätte)|quiero|quisiera|necesito|me gustar[ií]a"
    r"|je\s+(?:veux|voudrais|cherche)|j['’](?:aimerais|ai besoin)|vorrei|voglio|ho bisogno|quero|queria|preciso"
    r"|gostaria|chc[eę]|chcia[lł]a?bym|potrzebuj[eę]|ik\s+(?:wil|zou)"
    r"|i(?:['’]d| would)?\s+(?:want|need|like))\b(?!\s*\W*$)",
    re.I,
)


def wishes(said: str, reading: Reading) -> bool:
    """Return whether a message says what the person wants or needs, names no plugin, and asks and denies nothing."""
    manages = reading.act.all.get("manage", 0.0) >= MANAGES
    said_so = _WISHES.match(said) is not None and "?" not in said and not negated(said)
    return said_so and not manages and not any(link.named for link in reading.links)


def search_for(said: str, reading: Reading, *, explicit: bool = False) -> Call | None:
    """Return the search that a message asks for; None where it does not look for plugins.

    With *explicit* only where it speaks of plugins as such ("which plugins are there for maps?").
    """
    spoken = reading.text.spoken
    looks = (
        _LOOKS_FOR.search(spoken)
        and not _OF_MINE.search(spoken)
        and not _HOW_IT_IS.search(spoken)
        and reading.mood.label in ("order", "question", "talk")
    )
    if looks and not any(plugin.link.named and plugin.link.confidence >= 0.8 for plugin in reading.plugins):
        return list_call(said, reading)
    return list_call(said, reading) if not explicit and wants_list(reading) else None


class Wish(NamedTuple):
    """A search for what could do what a person wants; *sure* says that it is made, and not only offered."""

    search: Call
    sure: bool


def wish_for(said: str, reading: Reading, *, asks_of_none: bool = False) -> Wish | None:
    """Return what *said* wishes for where nothing that is here does it; None where it wishes for nothing.

    *asks_of_none* says that it was taken for a question about a plugin, and speaks of none.

    A person who says what they want and is told nothing but a kindness does not know what to do next.
    """
    act, spoken = reading.act.all, reading.text.spoken
    ordered = reading.mood.label == "order" and reading.ordered >= WISHES
    asked = (
        asks_of_none
        and reading.mood.label == "question"
        and act.get("use", 0.0) + act.get("list", 0.0) >= ASKS_FOR_ACTION
    )
    # What takes something back, leans on what was said, or names a plugin says something else.
    if (
        not (ordered or asked)
        or len(said.split()) < 2
        or len(said) > LONGEST_WISH
        or negated(said)
        or _NO_WISH.search(spoken)
    ):
        return None
    if any(plugin.link.kind in ("exact", "whole", "alias") for plugin in reading.plugins if plugin.link.named):
        return None
    search = search_in_own_words(said, reading)
    telling = len(str(search.arguments["query"]).split()) if search is not None else 0
    if search is None or telling < (1 if _HAVES.match(said) else FEWEST_WORDS):
        return None
    return Wish(search, sure=reading.ordered >= SURE_WISH and act.get("manage", 0.0) < MANAGES)


def search_in_own_words(said: str, reading: Reading) -> Call | None:
    """Return a search for what *said* speaks of, where all of it is the person's own: nothing pasted, and no secret."""
    if reading.text.spoken.split() != said.split() or find_secrets(said):
        return None
    call = list_call(said, reading)
    return call if call.arguments.get("query") else None


def list_call(said: str, reading: Reading) -> Call:
    """Return a search for what *said* speaks of: its telling words, without those that only ask."""
    arguments: dict[str, object] = {}
    if query := query_in(_LIMIT.sub(" ", said)):
        arguments["query"] = query
    if (found := _LIMIT.search(reading.text.spoken)) and 0 < (limit := int(found[1] or found[2])) <= 50:
        arguments["limit"] = limit
    return Call("list_available_plugins", arguments)


def query_in(said: str) -> str:
    """Return the words of *said* that tell what is looked for; empty for a request for everything.

    Where somebody tells a story first, the part that wishes says it: "I have a shop. Is there anything for notes?"
    """
    looking, said = wordlist("looking"), without_addresses(said[:400])
    for part in _wishing_parts(said):
        if words := [word for word in telling_words(part) if word not in looking]:
            break
    # The words are compared without accents, and what is embedded means something with them: "Währungen".
    spelled = {plain(word): word.lower() for word in re.findall(r"[^\W\d_]+", said)}
    return " ".join(spelled.get(word, word) for word in words)[:120]


def _wishing_parts(said: str) -> list[str]:
    """Return *said* from where it wishes for something on, where it tells something before that; then all of it."""
    parts = [said[begin:end] for begin, end in sentences(said)]
    for at, part in enumerate(parts):
        if found := _WISHING.search(part):
            return [" ".join([part[found.start() :], *parts[at + 1 :]]), " ".join(parts[at:]), said]
    return [said]
