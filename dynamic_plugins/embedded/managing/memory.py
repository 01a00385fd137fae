"""What the conversation so far leaves to lean on: what was offered, listed, talked about and done, as objects.

Worked out from the messages each time, so that it is the same for every client: results are objects, and of a reply
only what a person would take from it is read, the plugins it names and what it asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.pointing_words import PRONOUN, SAYS_WHICH
from dynamic_plugins.embedded.language.spoken_text import spoken_in
from dynamic_plugins.resolver.linker import links_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Exchange, Made
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.resolver import Resolver

SURELY_NAMED, WEAKLY_NAMED = 0.6, 0.25
"""So confident a link to a plugin must be by which a reply speaks of it; the second holds for one that is installed,
where the reply asks something and names none surely: "the calculator is switched off; shall I switch it on?"."""
REMEMBERED = 6
"""So many exchanges back an "it" or a "second one" may reach."""

_ORDINALS = {
    0: r"first|1st|erste[nrs]?|primer[oa]?|premi[eè]re?|primeir[oa]|prim[oa]",
    1: r"second|2nd|zweite[nrs]?|segund[oa]|deuxi[eè]me|second[oa]",
    2: r"third|3rd|dritte[nrs]?|tercer[oa]?|troisi[eè]me|terceir[oa]|terz[oa]",
    3: r"fourth|4th|vierte[nrs]?|cuart[oa]|quatri[eè]me",
    -1: r"last|letzte[nrs]?|[úu]ltim[oa]|derni[eè]re?|latter",
}
# What stands behind "the second" where it points at a plugin: nothing, or a word that is none of a thing. "The second
# issue" and "the last 2 commits" point at something else.
_POINTS = (
    r"(?=\s*(?:$|[^\w\s]|(?:ones?|plugins?|things?|of|off|on|out|up|down|in|to|again|and|or|too|then|now|please|pls|plz|for|is|as"
    r"|instead|ein|aus|an|ab|wieder|bitte|und|y|por|et|aussi|e|per|也|吧)\b))"
)
_SEVERAL = re.compile(
    r"\b(?:the )?(?:(first|last|other)\s+(two|2|three|3)(?: (?:of them|ones?|plugins))?"
    + _POINTS
    + r"|(both)(?: of (?:them|those))?"
    r"|(all (?:of )?(?:them|three|four))"
    r"|(beide[nrs]?|allebei|båda|begge|obie)|(amb[oa]s|los dos|las dos)|(les deux)|(os dois|as duas)|(entrambi))\b",
    re.I,
)
_COUNTS = {"two": 2, "2": 2, "three": 3, "3": 3}
_QUESTION = re.compile(r"[^.!?\n]*[?？]")
_TOLD_TO_SAY = re.compile(r"\bSay:? \"([^\"\n]{3,120})\"(?=\.|\s+to\b|\s*\Z)")
"""An order that the reply puts into the person's mouth, whole: 'Say "install X" to have it.'"""
_OFFERING = re.compile(
    r"\b(?:shall i|should i|do you want me to|want me to|would you like me to|may i|can i|i can|i could|let me"
    r"|soll ich|darf ich"
    r"|m[öo]chten sie(?:,? dass ich)?|quieres que(?: lo)?|puedo|dois-je|veux-tu que|je peux|devo"
    r"|quer que eu)\b[\s,]*",
    re.I,
)


@dataclass
class Memory:
    """*listed* are the plugins named last, in their order; *focus* all that were talked about, latest first.

    *question* is what the last reply asked or offered, as an order ("switch it on"), or empty.
    """

    listed: list[str] = field(default_factory=list)
    focus: list[str] = field(default_factory=list)
    question: str = ""
    asked_about: list[str] = field(default_factory=list)
    """The plugins that the last reply names."""
    context: dict[str, str] = field(default_factory=dict)
    """How the last turn spoke of plugins: ``c`` changed, ``u`` used, ``r0``, ``r1``, ``r2`` named in the reply as the
    first, the second or a later one, ``f`` talked about before that; with ``?`` where the reply asks.
    """


def memory_of(
    exchanges: Sequence[Exchange], resolver: Resolver, installed: Mapping[str, Entry], entries: Mapping[str, Entry]
) -> Memory:
    """Return what *exchanges*, which end before the message to be answered, leave to lean on."""
    memory = Memory()
    for exchange in exchanges[-REMEMBERED:]:
        listed = [name for made in exchange.calls for name in _listed(made) if name in entries or name in installed]
        called = [name for made in exchange.calls if (name := _subject(made, resolver, installed))]
        reply = exchange.reply or ""
        told = _named(reply, resolver, installed)
        if not told and _offer_in(reply):
            told = [name for name in _named(reply, resolver, installed, WEAKLY_NAMED) if name in installed]
        if any(map(_is_use, exchange.calls)):  # what an action gave speaks of days and towns, not of plugins to add
            told = [name for name in told if name in installed]
        said = _named(spoken_in(exchange.said).spoken, resolver, installed)
        whole = listed if all(name in reply for name in listed) else told
        several = next((names for names in (whole, told, listed, called, said) if len(names) > 1), None)
        if several:
            memory.listed = several
        elif told or listed or called:
            memory.listed = (called or told or listed)[:1]
        for name in (*said, *listed, *reversed(told), *called):
            if name in memory.focus:
                memory.focus.remove(name)
            memory.focus.insert(0, name)
        memory.asked_about = told
        memory.question = _offer_in(exchange.reply or "")
        memory.context = _context(memory, exchange, called)
    return memory


def _context(memory: Memory, exchange: Exchange, called: Sequence[str]) -> dict[str, str]:
    used = [str(made.result.get("plugin")) for made in exchange.calls if _is_use(made)]
    found = {memory.focus[0]: "f"} if memory.focus else {}
    found |= {name: f"r{min(at, 2)}" for at, name in reversed(list(enumerate(memory.asked_about)))}
    found |= dict.fromkeys(used, "u") | dict.fromkeys(called, "c")
    return {name: f"{how}?" if memory.question else how for name, how in found.items()}


def _is_use(made: Made) -> bool:
    return isinstance(made.result, dict) and isinstance(made.result.get("plugin"), str) and "action" in made.result


def spelled_out(said: str, memory: Memory, *, pronouns: bool = False) -> tuple[str, list[str]]:
    """Return *said* with "the second one" and "both" replaced by the plugins they mean, and these.

    With *pronouns* an "it" is replaced by the plugin that was talked about last.
    """
    if not memory.focus:
        return said, []
    meant: list[str] = []

    def several(found: re.Match[str]) -> str:
        names = _several(found, memory)
        meant.extend(names)
        return " and ".join(names) if names else found.group()

    text = _SEVERAL.sub(several, said, count=1)
    for place, words in _ORDINALS.items():
        pattern = re.compile(
            rf"\b(?:the |der |die |das |den |el |la |le |o |a )?(?:{words})(?: (?:one|plugin|thing))?\b{_POINTS}", re.I
        )
        if not meant and (found := pattern.search(text)) and (name := _at(place, memory)):
            text = text[: found.start()] + name + text[found.end() :]
            meant.append(name)
    found = PRONOUN.search(text) if pronouns and not meant else None
    if found and not any(each.end() == found.end() for each in SAYS_WHICH.finditer(text)):
        text = text[: found.start()] + memory.focus[0] + PRONOUN.sub(memory.focus[0], text[found.end() :], count=1)
        meant.append(memory.focus[0])
    return text, meant


def _several(found: re.Match[str], memory: Memory) -> list[str]:
    names = memory.listed if len(memory.listed) > 1 else memory.focus
    which, count = (found[1] or "").lower(), _COUNTS.get((found[2] or "").lower(), 0)
    if which == "other":
        return names[1 : 1 + count]
    if count:
        return names[:count] if which == "first" else names[-count:]
    if found[4]:
        return list(names)
    return names[:2] if len(names) >= 2 else []


def _at(place: int, memory: Memory) -> str | None:
    names = memory.listed if len(memory.listed) > 1 else []
    return names[place] if -len(names) <= place < len(names) else None


def _listed(made: Made) -> list[str]:
    found: Any = made.result.get("plugins") if isinstance(made.result, dict) else None
    return [str(each.get("name")) for each in found or () if isinstance(each, dict)]


def _subject(made: Made, resolver: Resolver, installed: Mapping[str, Entry]) -> str | None:
    said = made.arguments.get("plugin_name") or made.arguments.get("pluginName")
    if not isinstance(said, str):
        return None
    if said in installed:
        return said
    found = resolver.decide(said)
    return found.name if found is not None and found.name else None


def _named(
    text: str, resolver: Resolver, installed: Mapping[str, Entry], confidence: float = SURELY_NAMED
) -> list[str]:
    """Return the plugins that *text* names, in order; of several of a name the one that is installed."""
    sure: list[tuple[int, str]] = []
    for link in links_in(text, resolver, installed):
        here = [name for name in link.names if name in installed] if link.kind == "ambiguous" else list(link.names)
        exact = link.kind in ("exact", "ambiguous") and link.confidence >= confidence
        if link.named and len(here) == 1 and (link.kind in ("whole", "alias") or exact):
            sure.append((link.start, here[0]))
    return list(dict.fromkeys(name for _, name in sorted(sure)))


def _offer_in(reply: str) -> str:
    """Return what *reply* asks at its end or offers to do, as an order; empty where it does neither."""
    questions = _QUESTION.findall(reply[-600:])
    sentence = questions[-1].strip() if questions else ""
    if not sentence:
        offers = [each for each in re.split(r"(?<=[.!])\s+", reply[-600:]) if _OFFERING.search(each)]
        sentence = offers[-1] if offers else ""
    if not sentence and (orders := _TOLD_TO_SAY.findall(reply[-600:])):
        return str(orders[-1])
    found = _OFFERING.search(sentence)
    return (sentence[found.end() :] if found else sentence).strip(" ?？.!")
