"""Things that a conversation holds are meant by a part of their name, or by what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import Proposal, propose
from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from tests.test_argument_filling import GRAPH, TEXT, TEXTS, objects
from tests.test_call_proposals import LISTS, NOTES, tool

PADS = [
    *NOTES,
    tool(
        "notes__NOTE_APPEND", "Appends content to the end of an existing note.", {"id": "string", "content": "string"}
    ),
    tool("notes__NOTE_DELETE", "Deletes one note by its id.", {"id": "string"}),
]
MEMORY = [
    *GRAPH,
    tool(
        "kg__delete_observations",
        "Delete specific observations from entities in the knowledge graph",
        {"deletions": objects(entityName=TEXT, observations=TEXTS)},
    ),
    tool(
        "kg__delete_relations",
        "Delete multiple relations from the knowledge graph",
        {"relations": objects(**{"from": TEXT, "to": TEXT, "relationType": TEXT})},
    ),
]
HUB = [
    tool("hub__list_issues", "List issues in a repository", {"owner": "string", "repo": "string"}),
    tool(
        "hub__add_issue_comment",
        "Add a comment to an existing issue",
        {"owner": "string", "repo": "string", "issue_number": "number", "body": "string"},
    ),
]
DISK = [
    tool("fs__list_directory", "Get a listing of all files in a folder.", {"path": "string"}),
    tool("fs__get_file_info", "Get metadata about a file.", {"path": "string"}),
    tool("fs__move_file", "Move or rename files.", {"source": "string", "destination": "string"}),
]


def did(name: str, arguments: dict[str, Any], result: Any) -> Exchange:
    return Exchange("before", [Made(name, arguments, {"ok": True, "result": result})], "Done.")


def proposed(said: str, before: list[Exchange], tools: list[Offered]) -> list[Proposal]:
    return propose(said, before, tools)


def calls(said: str, before: list[Exchange], tools: list[Offered]) -> list[tuple[str, dict[str, Any]]]:
    return [one.calls[0] for one in proposed(said, before, tools) if not one.missing and len(one.calls) == 1]


LISTED = did("shop__show_list", {}, "oat flour x3; smoked paprika; rye")
NOTED = did(
    "notes__NOTE_LIST",
    {},
    [{"id": "q4", "title": "Allotment rota"}, {"id": "q7", "title": "leeks"}, {"id": "q9", "title": "Dentist bill"}],
)
WRITTEN = did("notes__NOTE_LIST", {}, "q4 Allotment rota; q7 leeks; q9 Dentist bill")
JOAN = did(
    "kg__open_nodes",
    {"names": ["Joan Vosper"]},
    {"entities": [{"name": "Joan Vosper", "entityType": "person", "observations": ["born 1790 Looe", "net maker"]}]},
)
IVO = did(
    "kg__create_entities",
    {"entities": [{"name": "Ivo", "entityType": "pupil", "observations": ["sings Figaro"]}]},
    "ok",
)
ISSUES = did(
    "hub__list_issues",
    {"owner": "moor", "repo": "tide"},
    [{"number": 61, "title": "Crash on startup"}, {"number": 64, "title": "Android build is slow"}],
)
COMMENTED = did(
    "hub__add_issue_comment", {"owner": "moor", "repo": "tide", "issue_number": 61, "body": "I see it too"}, "ok"
)


@pytest.mark.parametrize(
    ("said", "before", "tools", "name", "arguments"),
    [
        ("lose the paprika", [LISTED], LISTS, "shop__remove_item", {"item": "smoked paprika"}),
        ("scrub the flour please", [LISTED], LISTS, "shop__remove_item", {"item": "oat flour"}),
        (
            "ach der honig kann weg",
            [
                did("shop__show_list", {}, "Honig, Mehl, Salz"),
                did("shop__remove_item", {"item": "Salz"}, "entfernt"),
            ],
            LISTS,
            "shop__remove_item",
            {"item": "Honig"},
        ),
        ("the allotment note, you can bin that one", [NOTED], PADS, "notes__NOTE_DELETE", {"id": "q4"}),
        ("the allotment note, you can bin that one", [WRITTEN], PADS, "notes__NOTE_DELETE", {"id": "q4"}),
        ("the dentist note, show me what is inside", [NOTED], PADS, "notes__NOTE_READ", {"id": "q9"}),
        (
            "stick on the end of that leeks note pay Priya for the compost",
            [NOTED],
            PADS,
            "notes__NOTE_APPEND",
            {"id": "q7", "content": "pay Priya for the compost"},
        ),
        (
            "add to it: he comes on Monday",
            [did("notes__NOTE_WRITE", {"title": "Roofer", "content": "rang him"}, "note 31 created")],
            PADS,
            "notes__NOTE_APPEND",
            {"id": "31", "content": "he comes on Monday"},
        ),
        (
            "The birth line on Joan is wrong; take it off",
            [JOAN],
            MEMORY,
            "kg__delete_observations",
            {"deletions": [{"entityName": "Joan Vosper", "observations": ["born 1790 Looe"]}]},
        ),
        (
            'Now put "born 1792 Looe" there instead',
            [JOAN],
            MEMORY,
            "kg__add_observations",
            {"observations": [{"entityName": "Joan Vosper", "contents": ["born 1792 Looe"]}]},
        ),
        (
            "and Tessa, same thing but Susanna",
            [IVO],
            MEMORY,
            "kg__create_entities",
            {"entities": [{"name": "Tessa", "entityType": "pupil", "observations": ["sings Susanna"]}]},
        ),
        (
            'Ivo "is cousin of" Tessa',
            [IVO],
            MEMORY,
            "kg__create_relations",
            {"relations": [{"from": "Ivo", "to": "Tessa", "relationType": "is cousin of"}]},
        ),
        (
            "that is over, please delete it",
            [
                did(
                    "kg__create_relations",
                    {"relations": [{"from": "Ivo", "to": "Tessa", "relationType": "likes"}]},
                    "ok",
                )
            ],
            MEMORY,
            "kg__delete_relations",
            {"relations": [{"from": "Ivo", "to": "Tessa", "relationType": "likes"}]},
        ),
        (
            "same on the android one",
            [ISSUES, COMMENTED],
            HUB,
            "hub__add_issue_comment",
            {"owner": "moor", "repo": "tide", "issue_number": 64, "body": "I see it too"},
        ),
        (
            "call it roof.png, same folder",
            [did("fs__get_file_info", {"path": "/srv/pics/img_2.png"}, "size: 3")],
            DISK,
            "fs__move_file",
            {"source": "/srv/pics/img_2.png", "destination": "/srv/pics/roof.png"},
        ),
    ],
)
def test_a_thing_is_meant_by_a_part_of_what_it_is_called_or_holds(
    said: str, before: list[Exchange], tools: list[Offered], name: str, arguments: dict[str, Any]
) -> None:
    assert (name, arguments) in calls(said, before, tools)


def test_where_two_things_fit_none_of_them_is_taken() -> None:
    before = [did("shop__show_list", {}, "double cream; clotted cream; rye")]
    assert [a for name, a in calls("lose the cream", before, LISTS) if name == "shop__remove_item"] == []
    two = [{"id": "a1", "title": "Boat engine"}, {"id": "a2", "title": "Boat paint"}]
    taken = calls("bin the boat note", [did("notes__NOTE_LIST", {}, two)], PADS)
    assert [a for name, a in taken if name == "notes__NOTE_DELETE"] == []


def test_the_one_that_is_called_exactly_so_is_meant_among_those_that_are_partly() -> None:
    before = [did("shop__show_list", {}, "ice cream; cream; rye")]
    assert ("shop__remove_item", {"item": "cream"}) in calls("remove the cream", before, LISTS)


def test_what_was_taken_away_is_no_longer_there() -> None:
    before = [
        did("shop__show_list", {}, "double cream; sour cream; rye"),
        did("shop__remove_item", {"item": "sour cream"}, "removed"),
    ]
    assert ("shop__remove_item", {"item": "double cream"}) in calls("lose the cream as well", before, LISTS)


def test_no_fact_is_deleted_that_nobody_holds() -> None:
    for said in ("the wedding line on Joan is wrong; take it off", 'delete "died 1850" of Looe'):
        deleted = [a for name, a in calls(said, [JOAN], MEMORY) if name == "kg__delete_observations"]
        held = [fact for each in deleted for one in each["deletions"] for fact in one["observations"]]
        assert [fact for fact in held if fact not in ("born 1790 Looe", "net maker")] == []


def test_what_is_new_keeps_the_name_that_it_is_given() -> None:
    assert ("shop__add_item", {"item": "paprika"}) in calls("add paprika", [LISTED], LISTS)
