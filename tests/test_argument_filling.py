"""Arguments out of what people write: lists, objects, edits, repositories, sums that go on from the last result."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from dynamic_plugins.embedded.slots.labels import labels_in
from tests.test_call_proposals import tool

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}


def objects(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": list(properties)}}


GRAPH = [
    tool(
        "kg__create_entities",
        "Create multiple new entities in the knowledge graph",
        {"entities": objects(name=TEXT, entityType=TEXT, observations=TEXTS)},
    ),
    tool(
        "kg__create_relations",
        "Create multiple new relations between entities in the knowledge graph",
        {"relations": objects(**{"from": TEXT, "to": TEXT, "relationType": TEXT})},
    ),
    tool(
        "kg__add_observations",
        "Add new observations to existing entities in the knowledge graph",
        {"observations": objects(entityName=TEXT, contents=TEXTS)},
    ),
    tool("kg__open_nodes", "Open specific nodes in the knowledge graph by their names", {"names": TEXTS}),
    tool("kg__search_nodes", "Search for nodes in the knowledge graph based on a query", {"query": "string"}),
]
FILES = [
    tool(
        "fs__edit_file",
        "Make line-based edits to a text file",
        {"path": "string", "edits": objects(oldText=TEXT, newText=TEXT)},
    ),
    tool("fs__read_multiple_files", "Read several files at once", {"paths": TEXTS}),
    tool("fs__directory_tree", "Get a tree of a folder", {"path": "string"}, excludePatterns=TEXTS),
    tool(
        "fs__search_files",
        "Search for files by a pattern",
        {"path": "string", "pattern": {"type": "string", "description": "glob, '**/*.ext' for all folders"}},
    ),
]
HUB = [
    tool(
        "hub__create_issue",
        "Create a new issue in a repository",
        {"owner": "string", "repo": "string", "title": "string"},
        body="string",
        labels=TEXTS,
    ),
    tool(
        "hub__list_issues",
        "List issues of a repository",
        {"owner": "string", "repo": "string"},
        state={"type": "string", "enum": ["open", "closed", "all"]},
    ),
    tool("hub__get_issue", "Get one issue", {"owner": "string", "repo": "string", "issue_number": "integer"}),
    tool(
        "hub__create_branch",
        "Create a new branch",
        {"owner": "string", "repo": "string", "branch": "string"},
        from_branch="string",
    ),
]
SUMS = [tool("calc__calculate", "Calculates an expression", {"expression": "string"})]


def first(said: str, exchanges: list[Exchange], tools: list[Offered]) -> tuple[str, dict[str, Any]]:
    """Return the action that is proposed first, and its arguments."""
    ((name, arguments),) = propose(said, exchanges, tools)[0].calls
    return name.partition("__")[2], arguments


@pytest.mark.parametrize(
    ("said", "action", "arguments"),
    [
        (
            "create an entity: M. Okafor, person, met at ICASSP",
            "create_entities",
            {"entities": [{"name": "M. Okafor", "entityType": "person", "observations": ["met at ICASSP"]}]},
        ),
        (
            "add to Deputy Hatch: he was at the fire",
            "add_observations",
            {"observations": [{"entityName": "Deputy Hatch", "contents": ["he was at the fire"]}]},
        ),
        (
            "connect them: Lorna Pike sister_of Deputy Hatch",
            "create_relations",
            {"relations": [{"from": "Lorna Pike", "to": "Deputy Hatch", "relationType": "sister_of"}]},
        ),
        (
            "bed 6 daughter rings at five every day. keep that one please",
            "create_entities",
            {
                "entities": [
                    {
                        "name": "bed 6 daughter",
                        "entityType": "fact",
                        "observations": ["bed 6 daughter rings at five every day"],
                    }
                ]
            },
        ),
        ("open Lorna Pike and Deputy Hatch", "open_nodes", {"names": ["Lorna Pike", "Deputy Hatch"]}),
        ("search the graph for governess", "search_nodes", {"query": "governess"}),
    ],
)
def test_things_and_what_is_known_of_them_are_objects(said: str, action: str, arguments: dict[str, Any]) -> None:
    assert first(said, [], GRAPH) == (action, arguments)


def test_the_thing_that_was_opened_last_is_opened_again() -> None:
    entity = {"name": "Deputy Hatch", "entityType": "person", "observations": ["limps"]}
    made = Made("kg__open_nodes", {"names": ["Deputy Hatch"]}, {"entities": [entity]})
    assert first("open it again", [Exchange("Hatch", [made], "He limps.")], GRAPH)[1] == {"names": ["Deputy Hatch"]}


@pytest.mark.parametrize(
    ("said", "action", "arguments"),
    [
        (
            'in /srv/app.conf replace "1m" with "20m"',
            "edit_file",
            {"path": "/srv/app.conf", "edits": [{"oldText": "1m", "newText": "20m"}]},
        ),
        (
            "/srv/a.txt: change colour to color",
            "edit_file",
            {"path": "/srv/a.txt", "edits": [{"oldText": "colour", "newText": "color"}]},
        ),
        (
            '"10" instead of "5" in /srv/x.ini',
            "edit_file",
            {"path": "/srv/x.ini", "edits": [{"oldText": "5", "newText": "10"}]},
        ),
        ("read /srv/a.txt and /srv/b.txt", "read_multiple_files", {"paths": ["/srv/a.txt", "/srv/b.txt"]}),
        (
            "tree of /srv without node_modules",
            "directory_tree",
            {"path": "/srv", "excludePatterns": ["node_modules"]},
        ),
        ("anything ending in .csv under /data", "search_files", {"path": "/data", "pattern": "**/*.csv"}),
    ],
)
def test_files_and_edits_are_taken_as_they_are_written(said: str, action: str, arguments: dict[str, Any]) -> None:
    assert first(said, [], FILES) == (action, arguments)


@pytest.mark.parametrize(
    ("said", "action", "arguments"),
    [
        ("list closed issues of acme/shop", "list_issues", {"owner": "acme", "repo": "shop", "state": "closed"}),
        (
            "branch fix/login off develop in acme/shop",
            "create_branch",
            {"owner": "acme", "repo": "shop", "branch": "fix/login", "from_branch": "develop"},
        ),
        (
            'create an issue in acme/shop titled "Login loops", labels bug',
            "create_issue",
            {"owner": "acme", "repo": "shop", "title": "Login loops", "labels": ["bug"]},
        ),
    ],
)
def test_repositories_branches_and_labels_are_told_apart(said: str, action: str, arguments: dict[str, Any]) -> None:
    assert first(said, [], HUB) == (action, arguments)


@pytest.mark.parametrize("said", ["show me the second one", "the dark mode one please"])
def test_an_issue_is_picked_from_the_list_before(said: str) -> None:
    listed = [{"number": 12, "title": "Login loops"}, {"number": 15, "title": "Dark mode"}]
    before = [Exchange("issues", [Made("hub__list_issues", {"owner": "acme", "repo": "shop"}, listed)], "Two.")]
    assert first(said, before, HUB) == ("get_issue", {"owner": "acme", "repo": "shop", "issue_number": 15})


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("plus 20 percent", "1200 * 1.2"),
        ("15 percent of that", "1200 * 0.15"),
        ("with 10% less", "1200 * 0.9"),
        ("y con el 10% menos", "1200 * 0.9"),
        ("times 3", "1200 * 3"),
        ("divided by 4", "1200 / 4"),
        ("plus 7", "1200 + 7"),
        ("and minus 5", "1200 - 5"),
    ],
)
def test_a_sum_goes_on_from_the_last_result(said: str, expression: str) -> None:
    before = [Exchange("2400 / 2", [Made("calc__calculate", {"expression": "2400 / 2"}, "1200")], "1200")]
    assert first(said, before, SUMS)[1] == {"expression": expression}


WEATHER = [tool("sky__get_forecast", "Get the weather forecast for a city", {"city": "string", "days": "integer"})]


def test_the_place_that_was_asked_about_is_taken_from_a_yes_that_names_it() -> None:
    before = [Exchange("switch the weather on", [], "The weather plugin is on. Shall I look up Hirtshals?")]
    said = "Yes, Hirtshals, tomorrow and the day after, they ask about it."
    assert first(said, before, WEATHER)[1]["city"] == "Hirtshals"


def test_of_two_files_the_newer_one_is_that_of_the_later_year() -> None:
    listed = "[DIR] Alt\n[FILE] Heizkosten_2023.txt\n[FILE] Heizkosten_2024.txt\n[FILE] Mieterliste.txt"
    read = [tool("fs__read_text_file", "Read the text of a file", {"path": "string"})]
    before = [Exchange("was liegt in /srv/haus?", [Made("fs__list_directory", {"path": "/srv/haus"}, listed)], "Drei.")]
    assert first("die neuere bitte vorlesen", before, read)[1] == {"path": "/srv/haus/Heizkosten_2024.txt"}
    assert first("and now the older one", before, read)[1] == {"path": "/srv/haus/Heizkosten_2023.txt"}


NOTES = [tool("pad__NOTE_WRITE", "Write a note to the scratchpad", {}, text="string", title="string", content="string")]


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("make me a note: ask Carla for the murky videos of 2021", "ask Carla for the murky videos of 2021"),
        (
            "right before I forget put this in my notes will you hive three queen seen marked blue",
            "hive three queen seen marked blue",
        ),
    ],
)
def test_a_note_is_its_text_and_has_no_title_that_is_a_word_of_it(said: str, content: str) -> None:
    given = first(said, [], NOTES)[1]
    assert content in given.values()
    assert "title" not in given


PAPERS = [
    tool(
        "lib__search_papers",
        "Search papers",
        {"query": "string"},
        max_results="integer",
        date_from="string",
    )
]


@pytest.mark.parametrize(
    ("said", "first_day"),
    [
        ("search papers on fault creep, nothing older than January 2023, five at most", "2023-01-01"),
        ("search papers about reef fish in video, but only of 2023 until now", "2023-01-01"),
        ("procura uns 5 artigos de bioacústica, de 2024 pra cá", "2024-01-01"),
        ("search papers on the summer of 2021", None),
    ],
)
def test_what_is_wanted_since_a_month_or_a_year_begins_with_its_first_day(said: str, first_day: str | None) -> None:
    given = first(said, [], PAPERS)[1]
    assert given.get("date_from") == first_day
    assert given.get("max_results") in (None, 5)


MOVE = [tool("fs__move_file", "Move or rename a file", {"source": "string", "destination": "string"})]


def test_only_the_file_that_the_sentence_names_is_renamed_and_none_to_itself() -> None:
    listed = "[FILE] berlin_v3.show\n[FILE] berlin_v4.show\n[FILE] patch.txt"
    before = [Exchange("what's in /tour", [Made("fs__list_directory", {"path": "/tour"}, listed)], "Three files.")]
    given = first("yeah keep both. rename v4 to berlin_v4_BROKEN.show, same folder", before, MOVE)[1]
    assert given == {"source": "/tour/berlin_v4.show", "destination": "/tour/berlin_v4_BROKEN.show"}
    for proposal in propose("That may be filed under /tour/patch.bib.", before, MOVE):
        for _, arguments in proposal.calls:
            assert arguments.get("source") != arguments.get("destination")


def test_last_week_and_last_altered_pick_no_last_thing() -> None:
    found = "n-09: Beckett's key safe, Friday 8am\nn-14: Adeyemi, Friday: flat 6"
    note = [tool("pad__NOTE_DELETE", "Delete a note", {"id": "string"})]
    before = [Exchange("what have I for friday", [Made("pad__NOTE_SEARCH", {"query": "friday"}, found)], "Two notes.")]
    assert first("delete beckett's, that was last week", before, note)[1] == {"id": "n-09"}
    read = [Made("fs__read_text_file", {"path": "/memoir/03-trial.md"}, "text")]
    listed = Exchange(
        "list", [Made("fs__list_directory", {"path": "/memoir"}, "[FILE] 03-trial.md\n[FILE] z.txt")], "."
    )
    info = [tool("fs__get_file_info", "Get file metadata", {"path": "string"})]
    given = first("On what day was it last altered?", [listed, Exchange("read the trial", read, "It rained.")], info)[1]
    assert given == {"path": "/memoir/03-trial.md"}


@pytest.mark.parametrize(
    ("said", "city"),
    [
        ("I fly to Madeira tomorrow, what's Funchal like right now?", "Funchal"),
        ("hows coolangatta rn, the boss wants to know", "coolangatta"),
    ],
)
def test_a_place_is_asked_about_by_its_name_alone(said: str, city: str) -> None:
    sky = [tool("sky__get_weather", "Get the current weather for a city", {"city": "string"})]
    assert first(said, [], sky)[1] == {"city": city}


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        ("open issues of acme/shop with the label blocker", ["blocker"]),
        ("issues labelled blocker in acme/shop", ["blocker"]),
        ("anything open on acme/shop with the data-quality label?", ["data-quality"]),
        ("issues of acme/shop with bug and p1 labels", ["bug", "p1"]),
        ("issues of acme/shop with no label", None),
        ("what is open in acme/shop", None),
    ],
)
def test_labels_are_told_before_their_name_or_behind_it(said: str, labels: list[str] | None) -> None:
    found = labels_in(said, "labels", ["owner", "repo", "labels"])
    assert (found and found[0]) == labels
