"""The words of a message that are a tool's text: found wherever they stand, without what only introduces them."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.context.message import Message
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.context.request import Exchange, Made
from dynamic_plugins.embedded.slots.slot_filling import fill
from dynamic_plugins.embedded.slots.span_slots import slots_of
from dynamic_plugins.embedded.values.parameters import parameters_of
from tests.test_argument_filling import TEXT, TEXTS, objects
from tests.test_call_proposals import tool

JOURNAL = tool("journal__write", "Writes an entry", {"title": "string", "content": "string"})
BASKET = tool("basket__add_item", "Puts an item on the list", {"item": "string"}, amount="integer", aisle="string")
PEOPLE = tool(
    "people__create_entities",
    "Creates entities",
    {"entities": objects(name=TEXT, entityType=TEXT, observations=TEXTS)},
)
FINDER = tool("library__search_papers", "Searches papers", {"query": "string"}, max_results="integer")


def arguments(wanted: Any, said: str, *before: Exchange) -> dict[str, Any]:
    return fill(wanted, Message(said, Memory(list(before)))).arguments


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("pop a new one in for me. title Sump pump, content check the float before the thaw",
         {"title": "Sump pump", "content": "check the float before the thaw"}),
        ("make an entry called Choir tour and in it write coach leaves at six, bring sandwiches",
         {"title": "Choir tour", "content": "coach leaves at six, bring sandwiches"}),
    ],
)  # fmt: skip
def test_a_title_and_a_text_are_told_apart_by_the_words_that_introduce_them(
    said: str, expected: dict[str, Any]
) -> None:
    assert arguments(JOURNAL, said) == expected


@pytest.mark.parametrize(
    ("said", "item", "amount"),
    [
        ("love would you stick 3 bicycle tubes on the list", "bicycle tubes", 3),
        ("oh and sticky labels while you're at it", "sticky labels", None),
        ("pon 4 velas en la lista", "velas", 4),
    ],
)
def test_a_thing_is_taken_without_the_courtesy_around_it(said: str, item: str, amount: int | None) -> None:
    found = arguments(BASKET, said)
    assert (found["item"], found.get("amount")) == (item, amount)


def test_a_number_before_a_thing_that_is_its_amount_is_no_part_of_its_name() -> None:
    assert arguments(BASKET, "add 12 door hinges")["item"] == "door hinges"


def test_a_number_in_the_middle_of_a_title_is_the_number_of_nothing_else() -> None:
    change = tool("tracker__update_issue", "Changes an issue", {"issue_number": "integer"}, title="string")
    found = arguments(change, "please raise a ticket, title Header overlaps logo at 640 pixels wide")
    assert "issue_number" not in found


def test_the_fields_of_an_object_are_found_one_by_one() -> None:
    said = "please remember a new one: name Odette Marsh, type landlord, observation only answers after 7pm"
    assert arguments(PEOPLE, said)["entities"] == [
        {"name": "Odette Marsh", "entityType": "landlord", "observations": ["only answers after 7pm"]}
    ]


def test_a_query_is_what_is_searched_for_and_not_how() -> None:
    assert arguments(FINDER, "got an hour free. any papers about lichen growth on slate, 4 will do") == {
        "query": "lichen growth on slate",
        "max_results": 4,
    }


def test_what_an_earlier_turn_gave_is_kept_where_the_message_only_points_at_it() -> None:
    shut = tool("basket__remove_item", "Takes an item off the list", {"item": "string"})
    before = Exchange("add rope", [Made("basket__add_item", {"item": "rope"}, {"ok": True})], "Done.")
    assert arguments(shut, "no, take it off again", before) == {"item": "rope"}


def test_a_message_of_thousands_of_words_is_left_to_the_rules() -> None:
    said = f"write an entry: {'word ' * 3000}"
    assert arguments(JOURNAL, said).get("content", "").startswith("word")


def test_the_texts_inside_of_lists_and_objects_are_slots_too() -> None:
    assert [(slot.path, slot.many) for slot in slots_of(parameters_of(PEOPLE.parameters))] == [
        (("entities", "name"), False),
        (("entities", "entityType"), False),
        (("entities", "observations"), True),
    ]
