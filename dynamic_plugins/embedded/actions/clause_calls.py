"""One call for each part of a message that asks for something by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.actions.action_ranker import Ranked, rank
from dynamic_plugins.embedded.actions.possible_call import MOST, Candidate
from dynamic_plugins.embedded.actions.use_features import joint, unexplained, unused, use_features
from dynamic_plugins.embedded.context.message import Filled, Message
from dynamic_plugins.embedded.language.action_words import fillers, verb_kinds
from dynamic_plugins.embedded.slots.slot_filling import fill
from dynamic_plugins.embedded.values.parameters import parameters_of
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.context.request import Offered

_JOINT = re.compile(
    r"\s*(?:[;.!?]\s+|,\s*)?\b(?:and then|and also|then|and|und dann|und|außerdem|y|e|et|n|also|plus|"
    r"danach|luego|puis|&)\b\s*|\s*[;.!?]\s+|,\s+",
    re.I,
)


def each_clause(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """One call for each part of the message that asks for something by itself; what a part lacks the one before has."""
    parts = [part for part in clauses_of(message) if part.strip()]
    if not 1 < len(parts) <= MOST:
        return []
    calls: list[tuple[str, dict[str, Any]]] = []
    picked: list[tuple[Ranked, Filled]] = []
    clauses: list[Message] = []
    for part in parts:
        clause = Message(part, message.memory, message.known)
        best = _of_clause(clause, ranked, picked[-1][0].tool if picked else None)
        if best is None:
            continue  # a remark beside the orders
        one, filled = best
        clauses.append(clause)
        for name in filled.missing:
            if picked and name in picked[-1][1].arguments:
                filled.arguments[name] = picked[-1][1].arguments[name]
        filled.missing = tuple(name for name in filled.missing if name not in filled.arguments)
        if filled.missing:
            return []
        picked.append(best)
        calls.append((one.tool.name, filled.arguments))
    if len(calls) < 2 or any(call in calls[:i] for i, call in enumerate(calls)):
        return []
    weakest = min(picked, key=lambda each: each[0].share)
    same = len({name for name, _ in calls}) == 1
    features = use_features(weakest[0], weakest[1], message, ranked) | {
        "several": 1.0,
        "unused": sum(unused(f, m) for (_, f), m in zip(picked, clauses, strict=True)),
        "unexplained": sum(unexplained(one, f, m) for (one, f), m in zip(picked, clauses, strict=True)),
        "guess_joint": float(any(joint(f) for _, f in picked)),
        "clauses_same": float(same),
        "clauses": float(len(calls)),
        "clauses_left_out": float(len(parts) - len(calls)),
        "clauses_guessed": float(any(filled.guessed for _, filled in picked)),
        "clauses_numbered": sum(bool(f.said) for _, f in picked) / len(picked),
    }
    return [Candidate(tuple(calls), (), features)]


def clauses_of(message: Message) -> list[str]:
    text, parts, start = message.text, [], 0
    held = [(v.start, v.end) for v in message.values.of("quoted", "sql", "expression", "url", "path", "date")]
    colon = re.search(r":\s", text)
    for gap in _JOINT.finditer(text):
        if any(s < gap.end() and gap.start() < e for s, e in held) or (colon and gap.start() > colon.start()):
            continue
        parts.append(text[start : gap.start()])
        start = gap.end()
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
