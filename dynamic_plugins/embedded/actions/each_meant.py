"""Calls for several things that were listed or spoken of: one call that takes a list of them, or one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.possible_call import MOST, TRIED, Candidate
from dynamic_plugins.embedded.actions.use_features import use_features
from dynamic_plugins.embedded.slots.all_meant import ROLES, all_meant
from dynamic_plugins.embedded.slots.slot_filling import fill
from dynamic_plugins.embedded.values.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.actions.action_ranker import Ranked
    from dynamic_plugins.embedded.context.message import Message

_MOST_LISTED = 12


def each_meant(message: Message, ranked: Sequence[Ranked]) -> list[Candidate]:
    """Return the calls for all that *message* means, of the tools that rank first."""
    found = []
    for one in ranked[:TRIED]:
        parameters = [p for p in parameters_of(one.tool.parameters) if p.required]
        lists = [p for p in parameters if p.role == "list" and not p.items.fields and p.items.type != "object"]
        if lists:
            values = all_meant(one.tool, message, lists[0].items)
            many = [{lists[0].name: values}] if 1 < len(values) <= _MOST_LISTED else []
        else:
            single = [p for p in parameters if p.role in ROLES and not p.name.startswith(("repo", "owner"))]
            values = all_meant(one.tool, message, single[0]) if len(single) == 1 else []
            many = [{single[0].name: value} for value in values] if 1 < len(values) <= MOST else []
        if not many:
            continue
        filled = fill(one.tool, message)
        features = use_features(one, filled, message, ranked) | {
            "several": float(len(many) > 1),
            "each_meant": 1.0,
            "guessed": 0.0,
            "carried": 1.0,
            "unused": 0.0,
            "list_of_one": 0.0,
        }
        missing = tuple(name for name in filled.missing if name not in many[0])
        calls = tuple((one.tool.name, {**filled.arguments, **given}) for given in many)
        found.append(Candidate(calls, missing, features))
    return found
