"""What speaks for and against a call that a message may ask for, as numbers for the trained weights."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import concepts, fillers, verb_kinds, words_about_plugins
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.actions.action_ranker import Ranked
    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.references import Memory
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.typed_values import Kind

_READING = frozenset(
    [
        "get",
        "list",
        "read",
        "search",
        "show",
        "describe",
        "find",
        "fetch",
        "query",
        "retrieve",
        "lookup",
        "view",
        "check",
        "count",
        "calculate",
        "compute",
        "convert",
        "status",
        "diff",
        "log",
        "echo",
    ]
)


def may_change(tool: Offered) -> bool:
    """Whether a call of *tool* may change something; what nothing says is unknown, and counts as changing."""
    hint = tool.annotations.get("readOnlyHint")
    if isinstance(hint, bool):
        return not hint
    words = card(tool).name_words
    if words and words[0] in _READING:
        return False
    kinds = frozenset(kind for word in words for kind in verb_kinds(word))
    if kinds & {"create", "delete", "change"}:
        return True
    first = card(tool).first
    return not (
        first
        and (
            first[0].rstrip("s") in _READING
            or first[0] in ("returns", "shows", "gets", "lists", "tells", "searches", "retrieves")
        )
    )


HYPOTHETICAL = re.compile(
    r"\b(?:should i|would|if i|what if|what happens|could i|hypothetically|imagine|suppose|in principle|"
    r"in theory|do you think|would you|wenn ich|würde|was passiert|sollte ich|"
    r"qué pasa|que pasa|si yo|debería|que se passe|do you|are you|can you do|what can|what else can|"
    r"how do|how does|why|does it|will it|is it safe|difference|unterschied)\b",
    re.I,
)
_REFUSED = re.compile(
    r"^\W*(?:no|nah|nope|nein|ne|never ?mind|leave it|lass|forget it|cancel|stop|don'?t|nicht|not now|déjalo|laisse)\b",
    re.I,
)
_SWITCHES = re.compile(
    r"\b(?:turn|switch|put|schalt\w*|mach\w*|power|bring|start|stop|kill|get)\b.{0,40}?\b(?:on|off|an|aus|"
    r"up|down|running|going)\b|\b(?:off|on) (?:with|again)\b",
    re.I,
)


def use_features(one: Ranked, filled: Filled, message: Message, ranked: Sequence[Ranked]) -> dict[str, float]:
    """Return the features of calling the tool of *one*, among all that were *ranked*, with what was *filled* in."""
    found = _of_the_ranking(one, ranked)
    found["misfit"] = float(misfits(one.tool, filled) or overwrites(one.tool, filled, message))
    found |= _of_the_arguments(one, filled, message)
    found |= _of_the_message(message, changing=may_change(one.tool))
    return found | {f"r_{name}": one.features.get(name, 0.0) for name in _RANKED_BY}


_RANKED_BY = (
    "name_share", "explained", "verb_first", "verb_any", "same_plugin_fresh", "same_tool_and", "id_of_last", "first",
    "name", "plugin", "asked_like", "asked_like_gap", "described_like", "described_like_gap", "worded_like_gap",
)  # fmt: skip


def _of_the_ranking(one: Ranked, ranked: Sequence[Ranked]) -> dict[str, float]:
    others = [other for other in ranked if other is not one]
    margin = one.score - max((other.score for other in others), default=one.score - 3)
    return {
        "score": one.score / 5,
        "share": one.share,
        "margin": max(-2.0, min(4.0, margin)) / 2,
        "alone": float(not others),
        "top": float(ranked[0] is one),
    }


def _of_the_arguments(one: Ranked, filled: Filled, message: Message) -> dict[str, float]:
    given, last = filled.arguments, message.memory.last
    guesses = [len(str(given[name]).split()) for name in filled.guessed if name in given]
    lists = [value for value in given.values() if isinstance(value, list)]
    again = last is not None and last.tool == one.tool.name and dict(last.arguments) == given
    return {
        "missing": float(min(len(filled.missing), 2)),
        "said": float(min(len(filled.said), 3)),
        "guessed": float(bool(filled.guessed)),
        "carried": float(bool(filled.carried)),
        "nothing": float(not given),
        "nothing_needed": float(not any(p.required for p in parameters_of(one.tool.parameters))),
        "unexplained": unexplained(one, filled, message),
        "unused": min(unused(filled, message), 3.0),
        "guess_joint": float(joint(filled)),
        "guess_words": max(guesses, default=0) / 4,
        "list_of_one": float(any(len(value) == 1 and isinstance(value[0], str) for value in lists)),
        "carried_needed": float(bool(filled.carried) and not message.points),
        "same_as_last": float(again),
        "texts": float(bool(filled.likely)),
        "least_likely": min(filled.likely, default=1.0),
        "all_likely": math.prod(filled.likely),
    }


def _of_the_message(message: Message, *, changing: bool) -> dict[str, float]:
    asks = message.text.rstrip().endswith(("?", "\uff1f"))
    wonders = bool(HYPOTHETICAL.search(message.text))
    return {
        "changing": float(changing),
        "asks_changing": float(asks and changing),
        "asks": float(asks),
        "hypothetical": float(wonders),
        "hypothetical_changing": float(changing and wonders),
        "refused": float(bool(_REFUSED.match(message.text))),
        "about_plugins": float(not words_about_plugins().isdisjoint(message.words)),
        "switches": float(bool(_SWITCHES.search(message.text))),
        "words": min(len(message.words), 30) / 10,
        "short": float(len([word for word in message.words if word not in fillers()]) <= 2),
        "points": float(message.points),
        "typed": float(bool(message.values.of("url", "path", "repo", "sql", "expression", "time", "id", "quoted"))),
        "colon": float(bool(re.search(r":\s+\S", message.text))),
    }


_PICTURES = frozenset(["image", "images", "audio", "media", "video", "picture", "pictures", "binary"])
_TEXT = re.compile(
    r"\.(?:txt|md|py|js|ts|json|ya?ml|toml|csv|tsv|html?|xml|log|ini|cfg|conf|sql|sh|tex|rst|c|h|go|rs|java)$", re.I
)


_FOLDER = re.compile(r"(?:[/\\~][^/\\]*)*[/\\][a-z0-9_-]*/?")
"""A path whose last part has no ending: a folder, as such a file's name is mostly in capitals ("Makefile")."""


def misfits(tool: Offered, filled: Filled) -> bool:
    """Whether a tool for pictures and sounds is given the path of a text, or one that reads a file a folder's."""
    words, given = card(tool).name_words, [v for v in filled.arguments.values() if isinstance(v, str)]
    if "read" in words and "file" in words and any(_FOLDER.fullmatch(value) for value in given):
        return True
    about = _PICTURES & {*words, *card(tool).first[:8]}
    return bool(about) and any(_TEXT.search(value) for value in given)


_OVERWRITES = re.compile(r"overwrit|replaces? (?:the )?(?:whole|entire|existing|all)", re.I)
_ADDS = re.compile(
    r"\b(?:append|add|at the end|to the end|at the bottom|as a new line|a line|one more line|hinzu\w*"
    r"|anh[äa]ng\w*|ans? ende|am ende|a[ñn]ad\w*"
    r"|agreg\w*|al final|ajout\w*|[àa] la fin|aggiung\w*|alla fine|adicion\w*|no fim)\b",
    re.I,
)


def overwrites(tool: Offered, filled: Filled, message: Message) -> bool:
    """Whether a tool that replaces all of a file is to add to one that was spoken of."""
    if not (_OVERWRITES.search(tool.description) and _ADDS.search(message.text)):
        return False
    known = {str(value) for call in message.memory.calls for value in call.arguments.values()}
    listed = {str(item.fields.get("name")) for call in message.memory.calls for item in call.items}
    paths = [v for v in filled.arguments.values() if isinstance(v, str) and re.match(r"[/~.]|[A-Z]:|[\w-]+\.\w+$", v)]
    return any(path in known or path.rpartition("/")[2] in listed for path in paths)


def writes_over(tool: Offered, arguments: Mapping[str, Any], said: str, memory: Memory) -> bool:
    """Whether a call would put another text in place of one that was written before, or the old text somewhere else,
    and the message names neither: "a second note please: …" is no new text for the first.
    """
    if not card(tool).kinds & {"create", "change"}:
        return False
    parameters = parameters_of(tool.parameters)
    names = [p.name for p in parameters if p.role in ("name", "path", "id") and p.name in arguments]
    texts = [p.name for p in parameters if p.role == "text" and p.name in arguments]
    if not names or not texts or _ADDS_BY_NAME.search(tool.name):
        return False
    told = said.casefold()
    for call in memory.calls:
        if call.tool != tool.name or call.failed:
            continue
        alike = {name: call.arguments.get(name) == arguments[name] for name in (*names, *texts)}
        unsaid = {name: str(arguments[name]).casefold() not in told for name in (*names, *texts)}
        if all(alike[n] and unsaid[n] for n in names) and not all(alike[t] for t in texts):
            return True
        if all(alike[t] and unsaid[t] for t in texts) and not all(alike[n] for n in names):
            return not _SAME_TEXT.search(said)
    return False


_ADDS_BY_NAME = re.compile(r"append|add|comment|reply|type|send|post", re.I)
_SAME_TEXT = re.compile(r"\b(?:same|copy|too|also|as well|again|gleiche?|auch|mism[oa]|también|même|aussi)\b", re.I)


def joint(filled: Filled) -> bool:
    """Whether what was guessed looks like more than one thing."""
    guesses = [str(filled.arguments[name]) for name in filled.guessed if name in filled.arguments]
    return any(re.search(r",|\d|\b(?:and|und|y|et|n)\b", guess) for guess in guesses)


def unused(filled: Filled, message: Message) -> float:
    """Return how many typed values of the message went into no argument."""
    kinds: tuple[Kind, ...] = (
        "url",
        "path",
        "file",
        "repo",
        "sql",
        "expression",
        "number",
        "issue",
        "place",
        "time",
        "date",
        "id",
        "hash",
        "quoted",
    )
    values = [v for v in message.values.of(*kinds) if not any(s < v.end and v.start < e for s, e in filled.used)]
    given = json.dumps(filled.arguments, ensure_ascii=False, default=str)
    return float(sum(1 for v in values if str(v.value) not in given and (not v.unit or v.unit not in given)))


def unexplained(one: Ranked, filled: Filled, message: Message) -> float:
    """Return how many words of the message neither the tool nor its arguments account for; from 0 to 1, 1 for eight."""
    fields = card(one.tool).fields
    left = 0
    for found in re.finditer(r"\w+", message.text):
        word = plain(found.group())
        if any(start <= found.start() < end for start, end in filled.used) or word in fillers() or verb_kinds(word):
            continue
        if any(stem(word) in stems or concepts(word) & about for stems, about in fields.values()):
            continue
        left += 1
    return min(left, 8) / 8
