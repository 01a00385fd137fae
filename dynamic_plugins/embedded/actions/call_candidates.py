"""The calls that a message may ask for: single ones, the last one again, several at once, an answer to a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.action_ranker import GOES_ON, Ranked, rank
from dynamic_plugins.embedded.actions.possible_call import TRIED, Candidate
from dynamic_plugins.embedded.actions.repetition import repeated
from dynamic_plugins.embedded.actions.several_calls import several
from dynamic_plugins.embedded.actions.use_features import use_features
from dynamic_plugins.embedded.context.message import Filled, Message
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.language.action_words import verb_kinds
from dynamic_plugins.embedded.language.hedges import negated
from dynamic_plugins.embedded.managing.use_phrase import spells_action
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.slot_filling import fill, other_ways
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.request import Exchange, Offered

WEIGHED_BOTH = 2
"""Of so many of the tools that rank first more than one way to fill them in is weighed."""


def candidates(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Candidate]:
    """Return what *said* may ask for: single calls, the last one repeated, several at once, an answer to a question."""
    if not tools or not said.strip():
        return []
    memory = Memory(exchanges)
    message = Message(spoken(said), memory, words_of(tools))
    ranked = rank(message, tools)
    # What its server calls deprecated is only called by its name.
    ranked = [one for one in ranked if not card(one.tool).deprecated or spells_action(said, one.tool.name)] or ranked
    found = [each for place, one in enumerate(ranked[:TRIED]) for each in _singles(one, message, ranked, place)]
    if spelled := next((one for one in ranked if spells_action(said, one.tool.name)), None):
        exact = _singles(spelled, message, ranked, ranked.index(spelled))[0]
        exact.features["spelled"] = 1.0
        found = [exact, *(each for each in found if each.calls[0][0] != spelled.tool.name)]
    # Of two that are the same call the first is kept, with what speaks for it.
    repeats = _repeats(message, ranked)
    # Where the last call goes on, the same from its beginning is not meant.
    found = [each for each in found if not any(_begins_anew(each, again) for again in repeats)]
    found = [*_answers(said, exchanges, tools), *repeats, *found, *_retries(message, ranked)]
    found += (together := several(message, ranked))
    if each := next((c for c in together if c.features.get("each_value")), None):
        # Two places and no time of day: nothing is converted between them, and not one of them alone is asked about.
        found = [c for c in found if "time" not in c.missing and (c is each or not _is_one_of(c, each))]
    kept: list[Candidate] = []
    for candidate in found:
        same = next((other for other in kept if candidate.calls == other.calls), None)
        if same is None:
            kept.append(candidate)
        elif "off_and_on" in candidate.features:
            same.features["off_and_on"] = 1.0
    return kept


def _begins_anew(each: Candidate, again: Candidate) -> bool:
    (tool, arguments), (other, onward) = each.calls[0], again.calls[0]
    return tool == other and again.features.get("onward") == 1.0 and arguments.items() <= onward.items()


def _is_order(said: str) -> bool:
    """Whether a message begins with a verb and points at something: "read it to me again" is the id of nothing."""
    words = [word for word in tokens(said) if word not in ("please", "and", "ok", "now", "then")]
    return len(words) > 2 and bool(verb_kinds(words[0])) and words[1] in ("it", "me", "that", "this", "them", "the")


def _is_one_of(candidate: Candidate, each: Candidate) -> bool:
    return candidate.calls[0][0] == each.calls[0][0] and candidate.features.get("unused", 0.0) > 0


def words_of(tools: Sequence[Offered]) -> frozenset[str]:
    """Return the words of the names of *tools* and of what else they are called."""
    return frozenset(word for tool in tools for part in (card(tool).name_words, card(tool).also) for word in part)


_OPENED = re.compile(
    r"\b(?:open|raise|file|log|start)\s+(?:(?:me|us)\s+)?((?:an?|another|new)\s+(?:new\s+)?(?:\w+\s+)?"
    r"(?:issue|ticket|bug|pr|pull request|branch|discussion|task|card|thread)\b)",
    re.I,
)
_SLASH = re.compile(r"(\S+)?\s*\bslash\s+(?=\w)", re.I)
_DOT = re.compile(
    r"(?<=\w) dot (?=(?:txt|md|py|js|json|csv|pdf|yml|yaml|html|com|org|net|log|conf|sql|docx?|xlsx?)\b)", re.I
)


def spoken(said: str) -> str:
    """Return *said* with the signs that dictation spells out: "slash home slash maria", "june dot txt".

    Whoever opens, raises or files an issue makes one, and reads none.
    """
    said = _OPENED.sub(r"create \1", said)
    while found := _SLASH.search(said):
        head = plain(found[1] or "")
        gap = " " if not head or head in _PATH_HEADS else ""
        said = f"{said[: found.start()]}{found[1] or ''}{gap}/{said[found.end() :]}"
    said = _DOT.sub(".", said)
    return re.sub(r"(?<=\w) dash (?=\w+\.)", "-", said) if re.search(r"\w\.\w", said) else said


_PATH_HEADS = frozenset(
    [
        "folder",
        "directory",
        "path",
        "in",
        "under",
        "file",
        "the",
        "of",
        "ordner",
        "carpeta",
        "dossier",
        "to",
        "from",
        "list",
        "open",
        "read",
        "at",
    ]
)


def _singles(one: Ranked, message: Message, ranked: Sequence[Ranked], place: int) -> list[Candidate]:
    """Return the call of one tool; of those that rank first also with other words among its arguments."""
    best = fill(one.tool, message)
    others = other_ways(one.tool, message, best) if place < WEIGHED_BOTH and best.likely else []
    return [
        Candidate(
            ((one.tool.name, filled.arguments),),
            filled.missing,
            use_features(one, filled, message, ranked) | {"rank": min(place, 3.0), "other_words": float(at > 0)},
        )
        for at, filled in enumerate([best, *others])
    ]


def _repeats(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    last = message.memory.last
    if last is None or last.turn > 2:
        return []
    one = next((one for one in ranked if one.tool.name == last.tool), None)
    if one is None:
        return []
    takes = sum(p.role in ("zone", "city") for p in parameters_of(one.tool.parameters))
    if takes and len({value.unit for value in message.values.of("place")}) > takes:
        return []  # one call for each place
    filled = fill(one.tool, message)
    arguments = repeated(message, last, one.tool, filled)
    if arguments is None:
        return []
    filled.arguments, filled.missing = arguments, ()
    features = use_features(one, filled, message, ranked)
    features |= {"onward": float(filled.onward), "substituted": float(filled.substituted)}
    changed = [name for name, value in arguments.items() if last.arguments.get(name) != value]
    features |= {
        "repeat": 1.0,
        "repeat_and": float(bool(GOES_ON.match(message.text))),
        "repeat_first": float(ranked[0] is one),
        "repeat_one": float(len(changed) == 1),
        "repeat_guessed": float(bool(filled.guessed & set(changed))),
        "repeat_late": float(last.turn > 1),
        "repeat_long": len(message.words) / 12,
    }
    return [Candidate(((one.tool.name, arguments),), (), features)]


def _retries(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """A call that failed once more, with the sibling that its error speaks of."""
    last = message.memory.last
    if last is None or not last.failed or last.turn > 1:
        return []
    error = str(last.result.get("error"))
    for one in ranked:
        action = one.tool.name.rpartition("__")[2]
        takes = {p.name for p in parameters_of(one.tool.parameters)}
        fits = action in error or (
            re.search(r"\bonly\b", error, re.I) and any(w in tokens(error) for w in card(one.tool).name_words[:1])
        )
        if one.tool.name != last.tool and fits and set(last.arguments) <= takes:
            features = use_features(one, Filled(dict(last.arguments)), message, ranked) | {"retry": 1.0}
            return [Candidate(((one.tool.name, dict(last.arguments)),), (), features)]
    return []


# --- the answer to a question for something that was missing


def _answers(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Candidate]:
    if not exchanges or exchanges[-1].calls or "?" not in (exchanges[-1].reply or ""):
        return []
    before = candidates(exchanges[-1].said, exchanges[:-1], tools)[:1] if len(exchanges) < 40 else []
    if not before or len(before[0].calls) != 1 or len(before[0].missing) == 0:
        return []
    if negated(said) and re.match(r"\W*(?:no|nope|not|it'?s|that'?s|nein|das ist|nicht|es|c'est|non)\b", said, re.I):
        return []  # "it's a todo, not a note" is no title
    name, known = before[0].calls[0]
    tool = next(tool for tool in tools if tool.name == name)
    message = Message(said, Memory(exchanges))
    filled = fill(tool, message)
    first = next(p for p in parameters_of(tool.parameters) if p.name == before[0].missing[0])
    anew = [k for k in filled.said if k in known and filled.arguments[k] != known[k]]
    if anew and first.name in filled.said:
        return []  # it says all that the call takes: it is an order of its own, and no answer
    given = {k: v for k, v in filled.arguments.items() if k in before[0].missing and k in filled.said}
    if first.name not in given and first.role in ("text", "name", "query", "city", "branch", "id"):
        whole = "" if _is_order(said) else said.strip()
        guess = filled.arguments.get(first.name) if first.name in filled.guessed else None
        # What only breaks off is the beginning of the answer: "cap burst at 40 per client".
        cut = isinstance(guess, str) and first.role == "text" and whole.startswith(guess)
        given[first.name] = whole if guess is None or cut else guess
    if not given.get(first.name) or (first.role == "id" and _is_order(said)):
        return []
    arguments = {**known, **given}
    missing = tuple(n for n in before[0].missing if n not in arguments)
    ranked = rank(message, tools)
    one = next(one for one in ranked if one.tool is tool)
    return [Candidate(((name, arguments),), missing, use_features(one, filled, message, ranked) | {"answers": 1.0})]
