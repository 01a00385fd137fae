"""The last call once more: with something in place of its like, for the next part, for one thing of what it listed."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import Proposal, propose
from dynamic_plugins.embedded.context.references import chosen, items_in
from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from tests.test_argument_filling import GRAPH
from tests.test_call_proposals import DATABASE, LISTS, NOTES, WEATHER, tool

FETCH = tool(
    "web__fetch", "Fetches a URL from the internet.", {"url": "string"}, max_length="integer", start_index="integer"
)
ECHO = tool("x__echo", "Echoes back the input string", {"message": "string"})
ISSUES = tool("hub__list_issues", "List issues.", {"repo": "string"}, page="integer", per_page="integer")
PAGES = tool("pages__query", "Query a database of pages.", {"database": "string"}, start_cursor="string")
MOVE = tool("fs__move_file", "Move or rename files.", {"source": "string", "destination": "string"})
READ = tool("fs__read_text_file", "Read a file as text.", {"path": "string"}, head="number")
ADD = tool(
    "git__git_add",
    "Adds file contents to the staging area",
    {"repo_path": "string", "files": {"type": "array", "items": {"type": "string"}}},
)
DROP = tool("notes__NOTE_DELETE", "Deletes one note by its id.", {"id": "string"})
EVERY = [*WEATHER, *LISTS, *NOTES, *DATABASE, *GRAPH, FETCH, ECHO, ISSUES, PAGES]


def again(
    said: str, name: str, arguments: dict[str, Any], result: Any = "done", tools: list[Offered] = EVERY
) -> list[Proposal]:
    return propose(said, [Exchange("the first time", [Made(name, arguments, result)], "Done.")], tools)


NUT = {"name": "Aino", "entityType": "pupil", "observations": ["allergic to nuts"]}


@pytest.mark.parametrize(
    ("said", "name", "before", "after"),
    [
        (
            "And 5128, please.",
            "web__fetch",
            {"url": "https://a.example/2019/lot/5127"},
            {"url": "https://a.example/2019/lot/5128"},
        ),
        (
            "now his sister, mira2014",
            "web__fetch",
            {"url": "https://c.example/u/otto2011"},
            {"url": "https://c.example/u/mira2014"},
        ),
        (
            "lo mismo para la 12",
            "db__read_query",
            {"query": "select * from pozos where id = 'PZ-07'"},
            {"query": "select * from pozos where id = 'PZ-12'"},
        ),
        ("again but Lola instead", "x__echo", {"message": "pepe is the BOSS"}, {"message": "Lola is the BOSS"}),
        ("once more in capitals", "x__echo", {"message": "good night"}, {"message": "GOOD NIGHT"}),
        ("again but backwards", "x__echo", {"message": "stressed"}, {"message": "desserts"}),
        (
            "same for Veera, but soy instead of nuts",
            "kg__create_entities",
            {"entities": [NUT]},
            {"entities": [{**NUT, "name": "Veera", "observations": ["allergic to soy"]}]},
        ),
        (
            "now with Kowalski",
            "db__read_query",
            {"query": "SELECT * FROM staff WHERE name = 'Nowak'"},
            {"query": "SELECT * FROM staff WHERE name = 'Kowalski'"},
        ),
        (
            "und das gleiche mit 250 Gramm",
            "shop__add_item",
            {"item": "Butter", "amount": 500},
            {"item": "Butter", "amount": 250},
        ),
        ("y tomates los mismos", "shop__add_item", {"item": "cebollas", "amount": 7}, {"item": "tomates", "amount": 7}),
        (
            "the other valley also, Courmayeur. same days",
            "weather__get_forecast",
            {"city": "Chamonix", "days": 4},
            {"city": "Courmayeur", "days": 4},
        ),
        ("and with 6", "weather__get_forecast", {"city": "Chamonix", "days": 4}, {"city": "Chamonix", "days": 6}),
    ],
)
def test_what_is_said_takes_the_place_of_its_like(
    said: str, name: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert again(said, name, before)[0].calls == ((name, after),)


def test_a_bare_place_is_one_after_a_call_for_a_place_and_a_sigh_is_none() -> None:
    def cities(said: str) -> list[object]:
        return [
            p.calls[0][1].get("city") for p in again(said, "weather__get_weather", {"city": "Luton"}, tools=WEATHER)
        ]

    assert "Gatwick" in cities("Gatwick?")
    assert "brutal" not in cities("brutal")


def test_where_more_than_one_place_would_do_nothing_is_replaced() -> None:
    query = {"query": "SELECT * FROM a WHERE x = 41 AND y = 42"}
    assert all(
        one.calls[0][1] != {"query": "SELECT * FROM a WHERE x = 43 AND y = 42"}
        for one in again("43", "db__read_query", query)
    )


def test_what_takes_something_away_is_asked_about_when_only_the_form_shows_what_it_is() -> None:
    best = again("and n13", DROP.name, {"id": "n12"}, tools=[*NOTES, DROP])[0]
    assert best.calls == ((DROP.name, {"id": "n13"}),)
    assert best.changing
    assert best.substituted


PAGE = {"url": "https://a.example/long"}


@pytest.mark.parametrize(
    ("said", "name", "before", "result", "after"),
    [
        (
            "carry on from there, same length",
            "web__fetch",
            {**PAGE, "max_length": 1500},
            "…",
            {**PAGE, "max_length": 1500, "start_index": 1500},
        ),
        (
            "next part please",
            "web__fetch",
            {**PAGE, "max_length": 1500, "start_index": 1500},
            "…",
            {**PAGE, "max_length": 1500, "start_index": 3000},
        ),
        (
            "den rest bitte",
            "web__fetch",
            PAGE,
            "… call again with a start_index of 5000",
            {**PAGE, "start_index": 5000},
        ),
        ("weiter", "hub__list_issues", {"repo": "a/b"}, [{"number": 1}], {"repo": "a/b", "page": 2}),
        ("les suivants", "hub__list_issues", {"repo": "a/b", "page": 2}, [{"number": 1}], {"repo": "a/b", "page": 3}),
        (
            "the next few",
            "pages__query",
            {"database": "d1"},
            {"results": [1], "next_cursor": "c9"},
            {"database": "d1", "start_cursor": "c9"},
        ),
    ],
)
def test_a_text_or_a_list_goes_on_where_the_last_call_ended(
    said: str, name: str, before: dict[str, Any], result: Any, after: dict[str, Any]
) -> None:
    assert again(said, name, before, result)[0].calls == ((name, after),)


def test_telling_more_of_something_else_is_no_next_part() -> None:
    said = "tell me some more about what the scratchpad could do"
    assert all(
        one.calls[0][1].get("start_index") is None for one in again(said, "web__fetch", {**PAGE, "max_length": 9})
    )


SIZES = "[FILE] thunder.wav 33.10 MB\n[FILE] owl.wav 9.50 MB\n[FILE] list.txt 1.90 KB\n[DIR] old"
TREE = [
    {"name": "spring", "type": "directory", "children": [{"name": "planting.md", "type": "file"}]},
    {"name": "autumn", "type": "directory", "children": [{"name": "pruning.md", "type": "file"}]},
]


@pytest.mark.parametrize(
    ("said", "result", "name", "wanted"),
    [
        ("first 5 lines of the smallest", SIZES, READ.name, {"path": "/srv/x/list.txt", "head": 5}),
        ("lies mir die größte vor", SIZES, READ.name, {"path": "/srv/x/thunder.wav"}),
        ("read the autumn one", TREE, READ.name, {"path": "/srv/x/autumn/pruning.md"}),
        (
            "rename the owl one barn-owl.wav",
            SIZES,
            MOVE.name,
            {"source": "/srv/x/owl.wav", "destination": "/srv/x/barn-owl.wav"},
        ),
    ],
)
def test_a_file_is_meant_by_what_a_listing_tells_of_it(
    said: str, result: Any, name: str, wanted: dict[str, Any]
) -> None:
    tools = [tool("fs__list_directory", "List a folder.", {"path": "string"}), READ, MOVE]
    calls = [one.calls[0] for one in again(said, "fs__list_directory", {"path": "/srv/x"}, result, tools)]
    assert (name, wanted) in calls


def test_so_many_from_an_end_and_not_one_more() -> None:
    status = "On branch main. Modified: roof.py, wall.py. Untracked: secret.env"
    best = again("stage the first two, not secret", "git__git_status", {"repo_path": "/srv/house"}, status, [ADD])[0]
    assert best.calls[0][1] == {"repo_path": "/srv/house", "files": ["roof.py", "wall.py"]}


@pytest.mark.parametrize(
    ("said", "items", "picked"),
    [
        (
            "the newest",
            [{"id": "1", "date": "2023-04-01"}, {"id": "2", "date": "2025-02-01"}, {"id": "3", "date": "2024-01-01"}],
            "2",
        ),
        ("le moins cher", [{"id": "1", "price": 40}, {"id": "2", "price": 25.5}], "2"),
        (
            "la promesa, no el testamento",
            [{"id": "1", "title": "promesa"}, {"id": "2", "title": "testamento promesa"}],
            "1",
        ),
    ],
)
def test_one_of_several_is_picked_by_what_sets_it_apart(said: str, items: list[dict[str, Any]], picked: str) -> None:
    assert [item.fields["id"] for item in chosen(said, items_in(items))] == [picked]


def test_a_row_printed_as_python_prints_it_is_a_row() -> None:
    tools = [tool("db__describe_table", "Describe the schema of a table", {"table_name": "string"})]
    best = again("structure of the second one", "db__list_tables", {}, "[{'name': 'beds'}, {'name': 'pumps'}]", tools)[
        0
    ]
    assert best.calls[0][1] == {"table_name": "pumps"}


def test_a_part_of_a_name_is_the_whole_one_that_is_known() -> None:
    relation = {"from": "Edda Stone", "to": "Captain Moss", "relationType": "aunt_of"}
    calls = [
        one.calls[0] for one in again("what do you know about Moss", "kg__create_relations", {"relations": [relation]})
    ]
    assert ("kg__open_nodes", {"names": ["Captain Moss"]}) in calls
