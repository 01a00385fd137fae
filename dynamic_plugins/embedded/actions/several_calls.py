"""Several calls that one message asks for: for each place or thing that it names, for each of its clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.clause_calls import each_clause
from dynamic_plugins.embedded.actions.each_meant import each_meant
from dynamic_plugins.embedded.actions.leaning_calls import leaning_calls
from dynamic_plugins.embedded.actions.off_and_on import off_and_on
from dynamic_plugins.embedded.actions.possible_call import MOST, TRIED, Candidate
from dynamic_plugins.embedded.actions.use_features import use_features
from dynamic_plugins.embedded.slots.action_card import card
from dynamic_plugins.embedded.slots.listed_items import each_counted, each_item
from dynamic_plugins.embedded.slots.slot_filling import fill
from dynamic_plugins.embedded.values.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.actions.action_ranker import Ranked
    from dynamic_plugins.embedded.context.message import Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter


def several(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    return [
        *_each_value(message, ranked),
        *each_meant(message, ranked),
        *_each_item(message, ranked),
        *off_and_on(message, ranked),
        *each_clause(message, ranked),
        *leaning_calls(message, ranked),
    ]


def _places_of(tool: Offered) -> list[Parameter]:
    return [p for p in parameters_of(tool.parameters) if p.role in ("zone", "city", "url")]


def _each_item(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """One call for each of several things, where a call takes one; one for the one thing that an amount is said of."""
    found = []
    for one in ranked[:TRIED]:
        if "create" not in card(one.tool).kinds:
            continue
        filled = fill(one.tool, message)
        for calls in (each_item(one.tool, message, filled), each_counted(one.tool, message, filled)):
            if not 1 <= len(calls) <= MOST:
                continue
            features = use_features(one, filled, message, ranked) | {
                "several": float(len(calls) > 1),
                "each_item": 1.0,
                "each_item_counted": float(len(message.values.of("number")) > 1),
                "unused": 0.0,
                "guess_joint": 0.0,
            }
            missing = tuple(name for name in filled.missing if name not in calls[0])
            found.append(Candidate(tuple((one.tool.name, arguments) for arguments in calls), missing, features))
    return found


def _each_value(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """One call for each of several places or addresses, where a call takes one."""
    takers = ((one, _places_of(one.tool)) for one in ranked[:2])
    one, parameters = next(((one, found) for one, found in takers if len(found) == 1), (ranked[0], []))
    if not parameters:
        return []
    p = parameters[0]
    values = message.values.of("url") if p.role == "url" else message.values.of("place")
    found = list(dict.fromkeys(v.unit if p.role == "zone" else str(v.value) for v in values))
    if not 1 < len(found) <= MOST:
        return []
    filled = fill(one.tool, message)
    filled.used += [(v.start, v.end) for v in values]
    features = use_features(one, filled, message, ranked) | {"several": 1.0, "each_value": 1.0}
    return [
        Candidate(
            tuple((one.tool.name, {**filled.arguments, p.name: value}) for value in found), filled.missing, features
        )
    ]
