"""Using what is active: the calls of plugins' own actions that a message asks for, and how sure that is."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.action_ranker import GOES_ON, WEIGHTS, Ranked, card, rank
from dynamic_plugins.embedded.action_words import concepts, fillers, verb_kinds
from dynamic_plugins.embedded.message import Filled, Message
from dynamic_plugins.embedded.parameters import parameters_of
from dynamic_plugins.embedded.references import MANAGEMENT, Memory
from dynamic_plugins.embedded.repetition import repeated
from dynamic_plugins.embedded.slot_filling import fill
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import plain, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.extractors import Kind
    from dynamic_plugins.embedded.request import Exchange, Offered

TRIED = 6
"""So many of the tools that rank first are filled in."""
READS_FROM, CHANGES_FROM = 0.35, 0.5
"""The probability from which on a call that only reads, and one that may change something, is worth making."""
WONDERED = 0.3
"""At most so probable is what somebody only asks about: "what would happen if I deleted it?"."""
RARE = 4.0
"""What counts for a call that answers our own question, or mends a failed one: too rare in dialogues to be learned."""
MOST = 6
"""So many calls are made for one message."""


@dataclass(frozen=True)
class Proposal:
    """Calls that a message may ask for: (tool, arguments), in order.

    *probability*, calibrated, is that these are exactly what is wanted. *missing* are required parameters that nobody
    said; a question for the first of them is then right. *changing* says that one of the calls may change something.
    """

    calls: tuple[tuple[str, dict[str, Any]], ...]
    probability: float
    missing: tuple[str, ...] = ()
    changing: bool = True

    @property
    def acts(self) -> bool:
        """Whether the calls should be made at once."""
        return not self.missing and self.probability >= (CHANGES_FROM if self.changing else READS_FROM)


@dataclass
class Candidate:
    """A proposal before it is weighed; *features* are what its probability is worked out from."""

    calls: tuple[tuple[str, dict[str, Any]], ...]
    missing: tuple[str, ...]
    features: dict[str, float] = field(default_factory=dict)


def propose(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Proposal]:
    """Return what *said* may ask of *tools* after the conversation *exchanges* (without *said*), the best first."""
    own = {tool.name: tool for tool in tools if tool.name not in MANAGEMENT}
    ordered = order(candidates(said, exchanges, list(own.values())))
    proposals = []
    for candidate, share in zip(ordered, probabilities(ordered), strict=True):
        changing = any(may_change(own[name]) for name, _ in candidate.calls)
        if _WONDERS.search(said) or (changing and _HYPOTHETICAL.search(said)):
            share = min(share, WONDERED)
        proposals.append(Proposal(candidate.calls, share, candidate.missing, changing))
    return proposals


def order(found: Sequence[Candidate], weights: Mapping[str, float] | None = None) -> list[Candidate]:
    """Return the candidates, the likeliest first; each gets its share of the probability among them as a feature."""
    weights = _weights("order") if weights is None else weights
    scores = [
        sum(weights.get(name, 0.0) * value for name, value in c.features.items())
        + RARE * (c.features.get("answers", 0.0) + c.features.get("retry", 0.0))
        for c in found
    ]
    top = max(scores, default=0.0)
    total = sum(math.exp(score - top) for score in scores)
    for candidate, score in zip(found, scores, strict=True):
        share = math.exp(score - top) / total
        candidate.features |= {"among": share, "among_score": max(-6.0, min(6.0, score)) / 3}
    return sorted(found, key=lambda c: -c.features["among"])


def probabilities(ordered: Sequence[Candidate]) -> list[float]:
    """Return the probability of each candidate, the first being the best; together they are at most 1."""
    if not ordered:
        return []
    weights, best = _weights("probability"), ordered[0].features
    score = weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in best.items())
    first = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
    # What the first does not have is split among the others by their shares.
    rest = max(1e-9, 1 - best["among"])
    return [
        first,
        *((1 - first) * min(1.0, first / max(best["among"], 1e-9)) * c.features["among"] / rest for c in ordered[1:]),
    ]


@lru_cache(maxsize=4)
def _weights(section: str) -> dict[str, float]:
    table = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {name: float(value) for name, value in table.get(section, {}).items()}


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


# --- candidates


def candidates(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Candidate]:
    """Return what *said* may ask for: single calls, the last one repeated, several at once, an answer to a question."""
    if not tools or not said.strip():
        return []
    memory = Memory(exchanges)
    message = Message(spoken(said), memory, words_of(tools))
    ranked = rank(message, tools)
    found = [_single(one, message, ranked) for one in ranked[:TRIED]]
    found = [*_repeats(message, ranked), *found, *_retries(message, ranked)]
    found += _several(message, ranked)
    found += _answers(said, exchanges, tools)
    kept: list[Candidate] = []
    for candidate in found:
        if not any(candidate.calls == other.calls for other in kept):
            kept.append(candidate)
    return kept


def words_of(tools: Sequence[Offered]) -> frozenset[str]:
    """Return the words of the names of *tools* and of what else they are called."""
    return frozenset(word for tool in tools for part in (card(tool).name_words, card(tool).also) for word in part)


_SLASH = re.compile(r"(\S+)?\s*\bslash\s+(?=\w)", re.I)
_DOT = re.compile(
    r"(?<=\w) dot (?=(?:txt|md|py|js|json|csv|pdf|yml|yaml|html|com|org|net|log|conf|sql|docx?|xlsx?)\b)", re.I
)


def spoken(said: str) -> str:
    """Return *said* with the signs that dictation spells out: "slash home slash maria", "june dot txt"."""
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


def _single(one: Ranked, message: Message, ranked: Sequence[Ranked]) -> Candidate:
    filled = fill(one.tool, message)
    place = next(i for i, other in enumerate(ranked) if other is one)
    features = _features(one, filled, message, ranked) | {"rank": min(place, 3.0)}
    return Candidate(((one.tool.name, filled.arguments),), filled.missing, features)


def _repeats(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    last = message.memory.last
    if last is None or last.turn > 2:
        return []
    one = next((one for one in ranked if one.tool.name == last.tool), None)
    if one is None:
        return []
    filled = fill(one.tool, message)
    arguments = repeated(message, last, one.tool, filled)
    if arguments is None:
        return []
    filled.arguments, filled.missing = arguments, ()
    features = _features(one, filled, message, ranked)
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
            features = _features(one, Filled(dict(last.arguments)), message, ranked) | {"retry": 1.0}
            return [Candidate(((one.tool.name, dict(last.arguments)),), (), features)]
    return []


# --- several calls

_JOINT = re.compile(
    r"\s*(?:[;.!?]\s+|,\s*)?\b(?:and then|and also|then|and|und dann|und|außerdem|y|e|et|n|also|plus|"
    r"danach|luego|puis|&)\b\s*|\s*[;.!?]\s+|,\s+",
    re.I,
)


def _several(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    return [*_each_value(message, ranked), *_each_clause(message, ranked)]


def _each_value(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """One call for each of several places or addresses, where a call takes one."""
    one = ranked[0]
    parameters = [p for p in parameters_of(one.tool.parameters) if p.role in ("zone", "city", "url")]
    if len(parameters) != 1:
        return []
    p = parameters[0]
    values = message.values.of("url") if p.role == "url" else message.values.of("place")
    found = list(dict.fromkeys(v.unit if p.role == "zone" else str(v.value) for v in values))
    if not 1 < len(found) <= MOST:
        return []
    filled = fill(one.tool, message)
    filled.used += [(v.start, v.end) for v in values]
    features = _features(one, filled, message, ranked) | {"several": 1.0, "each_value": 1.0}
    return [
        Candidate(
            tuple((one.tool.name, {**filled.arguments, p.name: value}) for value in found), filled.missing, features
        )
    ]


def _each_clause(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """One call for each part of the message that asks for something by itself; what a part lacks the one before has."""
    parts = [part for part in _clauses(message) if part.strip()]
    if not 1 < len(parts) <= MOST:
        return []
    calls: list[tuple[str, dict[str, Any]]] = []
    picked: list[tuple[Ranked, Filled]] = []
    clauses: list[Message] = []
    for part in parts:
        clause = Message(part, message.memory, message.known)
        clauses.append(clause)
        best = _of_clause(clause, ranked, picked[-1][0].tool if picked else None)
        if best is None:
            return []
        one, filled = best
        for name in filled.missing:
            if picked and name in picked[-1][1].arguments:
                filled.arguments[name] = picked[-1][1].arguments[name]
        filled.missing = tuple(name for name in filled.missing if name not in filled.arguments)
        if filled.missing:
            return []
        picked.append(best)
        calls.append((one.tool.name, filled.arguments))
    if any(call in calls[:i] for i, call in enumerate(calls)):
        return []
    weakest = min(picked, key=lambda each: each[0].share)
    same = len({name for name, _ in calls}) == 1
    features = _features(weakest[0], weakest[1], message, ranked) | {
        "several": 1.0,
        "unused": sum(_unused(f, m) for (_, f), m in zip(picked, clauses, strict=True)),
        "unexplained": sum(_unexplained(one, f, m) for (one, f), m in zip(picked, clauses, strict=True)),
        "guess_joint": float(any(_joint(f) for _, f in picked)),
        "clauses_same": float(same),
        "clauses": float(len(calls)),
        "clauses_guessed": float(any(filled.guessed for _, filled in picked)),
        "clauses_numbered": sum(bool(f.said) for _, f in picked) / len(picked),
    }
    return [Candidate(tuple(calls), (), features)]


def _clauses(message: Message) -> list[str]:
    text, parts, start = message.text, [], 0
    held = [(v.start, v.end) for v in message.values.of("quoted", "sql", "expression", "url", "path", "date")]
    colon = re.search(r":\s", text)
    for joint in _JOINT.finditer(text):
        if any(s < joint.end() and joint.start() < e for s, e in held) or (colon and joint.start() > colon.start()):
            continue
        parts.append(text[start : joint.start()])
        start = joint.end()
    parts.append(text[start:])
    return [part for part in parts if any(plain(w) not in fillers() for w in re.findall(r"\w+", part))]


def _of_clause(clause: Message, ranked: Sequence[Ranked], before: Offered | None) -> tuple[Ranked, Filled] | None:
    """Return the tool for one part: the one that it names, else the one of the part before."""
    near = [one.tool for one in ranked[:8]]
    own = rank(clause, near)
    best = own[0]
    verbs = any(verb_kinds(word) for word in clause.words)
    if before is not None and not verbs:
        best = next((one for one in own if one.tool is before), best)
    filled = fill(best.tool, clause)
    if not filled.said and not filled.guessed and parameters_of(best.tool.parameters) and not verbs:
        return None
    return best, filled


# --- the answer to a question for something that was missing


def _answers(said: str, exchanges: Sequence[Exchange], tools: Sequence[Offered]) -> list[Candidate]:
    if not exchanges or exchanges[-1].calls or "?" not in (exchanges[-1].reply or ""):
        return []
    before = candidates(exchanges[-1].said, exchanges[:-1], tools)[:1] if len(exchanges) < 40 else []
    if not before or len(before[0].calls) != 1 or len(before[0].missing) == 0:
        return []
    name, known = before[0].calls[0]
    tool = next(tool for tool in tools if tool.name == name)
    message = Message(said, Memory(exchanges))
    filled = fill(tool, message)
    first = next(p for p in parameters_of(tool.parameters) if p.name == before[0].missing[0])
    given = {k: v for k, v in filled.arguments.items() if k in before[0].missing and k in filled.said}
    if first.name not in given and first.role in ("text", "name", "query", "city", "branch", "id"):
        given[first.name] = filled.arguments.get(first.name) if first.name in filled.guessed else said.strip()
    if first.name not in given or given[first.name] is None:
        return []
    arguments = {**known, **given}
    missing = tuple(n for n in before[0].missing if n not in arguments)
    ranked = rank(message, tools)
    one = next(one for one in ranked if one.tool is tool)
    return [Candidate(((name, arguments),), missing, _features(one, filled, message, ranked) | {"answers": 1.0})]


# --- what a probability is made of

_ABOUT_PLUGINS = frozenset(
    [
        "plugin",
        "plugins",
        "plugged",
        "install",
        "installed",
        "uninstall",
        "activate",
        "activated",
        "active",
        "deactivate",
        "enable",
        "disable",
        "unload",
        "configure",
        "setting",
        "settings",
        "token",
        "addon",
        "extension",
        "tool",
        "tools",
        "switch",
        "switched",
        "turn",
        "turned",
        "instal",
        "installier",
        "installieren",
        "deinstallier",
        "einschalten",
        "ausschalten",
        "schalt",
        "schalte",
        "anmachen",
        "ausmachen",
        "anschalten",
        "instala",
        "desinstala",
        "activa",
        "activar",
        "apaga",
        "enciende",
        "complemento",
        "active",
        "desactive",
        "allume",
        "eteins",
        "safe",
        "secure",
        "sicher",
        "seguro",
        "licence",
        "license",
    ]
)
_HYPOTHETICAL = re.compile(
    r"\b(?:should i|would|if i|what if|what happens|could i|hypothetically|imagine|suppose|in principle|"
    r"in theory|do you think|would you|wenn ich|würde|was passiert|sollte ich|"
    r"qué pasa|que pasa|si yo|debería|que se passe|do you|are you|can you do|what can|what else can|"
    r"how do|how does|why|does it|will it|is it safe|difference|unterschied)\b",
    re.I,
)
_WONDERS = re.compile(
    r"\b(?:what (?:would|will)? ?happens?|what if|should i|was (?:passiert|würde passieren)|sollte ich|"
    r"qu[eé] pasa(?:ría)? si|que se passe)\b",
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


def _features(one: Ranked, filled: Filled, message: Message, ranked: Sequence[Ranked]) -> dict[str, float]:
    others = [other for other in ranked if other is not one]
    margin = one.score - max((other.score for other in others), default=one.score - 3)
    changing = may_change(one.tool)
    asks = message.text.rstrip().endswith(("?", "？"))
    content = [w for w in message.words if w not in fillers()]
    numbers = one.features
    found = {
        "score": one.score / 5,
        "share": one.share,
        "margin": max(-2.0, min(4.0, margin)) / 2,
        "alone": float(not others),
        "missing": float(min(len(filled.missing), 2)),
        "said": float(min(len(filled.said), 3)),
        "guessed": float(bool(filled.guessed)),
        "carried": float(bool(filled.carried)),
        "nothing": float(not filled.arguments),
        "nothing_needed": float(not any(p.required for p in parameters_of(one.tool.parameters))),
        "unexplained": _unexplained(one, filled, message),
        "changing": float(changing),
        "asks_changing": float(asks and changing),
        "asks": float(asks),
        "hypothetical": float(bool(_HYPOTHETICAL.search(message.text))),
        "hypothetical_changing": float(changing and bool(_HYPOTHETICAL.search(message.text))),
        "refused": float(bool(_REFUSED.match(message.text))),
        "about_plugins": float(bool(_ABOUT_PLUGINS & set(message.words))),
        "switches": float(bool(_SWITCHES.search(message.text))),
        "words": min(len(message.words), 30) / 10,
        "short": float(len(content) <= 2),
        "points": float(message.points),
        "typed": float(bool(message.values.of("url", "path", "repo", "sql", "expression", "time", "id", "quoted"))),
        "unused": min(_unused(filled, message), 3.0),
        "guess_joint": float(_joint(filled)),
        "guess_words": max(
            (len(str(filled.arguments[n]).split()) for n in filled.guessed if n in filled.arguments), default=0
        )
        / 4,
        "list_of_one": float(
            any(isinstance(v, list) and len(v) == 1 and isinstance(v[0], str) for v in filled.arguments.values())
        ),
        "carried_needed": float(bool(filled.carried) and not message.points),
        "same_as_last": float(
            message.memory.last is not None
            and message.memory.last.tool == one.tool.name
            and dict(message.memory.last.arguments) == filled.arguments
        ),
        "top": float(ranked[0] is one),
        "colon": float(bool(re.search(r":\s+\S", message.text))),
    }
    for name in (
        "name_share",
        "explained",
        "verb_first",
        "verb_any",
        "same_plugin_fresh",
        "same_tool_and",
        "id_of_last",
        "first",
        "name",
        "plugin",
    ):
        found["r_" + name] = numbers.get(name, 0.0)
    return found


def _joint(filled: Filled) -> bool:
    """Whether what was guessed looks like more than one thing."""
    guesses = [str(filled.arguments[name]) for name in filled.guessed if name in filled.arguments]
    return any(re.search(r",|\d|\b(?:and|und|y|et|n)\b", guess) for guess in guesses)


def _unused(filled: Filled, message: Message) -> float:
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


def _unexplained(one: Ranked, filled: Filled, message: Message) -> float:
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
