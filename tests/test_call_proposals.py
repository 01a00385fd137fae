"""Using active plugins in words: which action, with which arguments, and when to ask instead."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_candidates import spoken
from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.references import chosen, items_in
from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from dynamic_plugins.embedded.values.extractors import extract


def tool(name: str, description: str, required: dict[str, Any] | None = None, **optional: Any) -> Offered:
    properties = {
        key: {"type": kind} if isinstance(kind, str) else kind for key, kind in ((required or {}) | optional).items()
    }
    return Offered(name, description, {"type": "object", "properties": properties, "required": list(required or ())})


WEATHER = [
    tool(
        "weather__get_weather",
        "Tells the weather now in a city.",
        {"city": "string"},
        units={"type": "string", "enum": ["metric", "imperial"], "default": "metric"},
    ),
    tool(
        "weather__get_forecast", "Tells the weather of the next days in a city.", {"city": "string", "days": "integer"}
    ),
]
LISTS = [
    tool("shop__show_list", "Shows what is on the shopping list.", aisle={"type": ["string", "null"]}),
    tool(
        "shop__add_item",
        "Adds something to the shopping list.",
        {"item": "string"},
        amount={"type": "integer", "default": 1},
    ),
    tool("shop__remove_item", "Takes something off the shopping list.", {"item": "string"}),
]
NOTES = [
    tool(
        "notes__NOTE_WRITE",
        "Creates a new note with the given title and content.",
        {"content": "string"},
        title="string",
    ),
    tool("notes__NOTE_READ", "Reads one note by its id.", {"id": "string"}),
    tool("notes__NOTE_LIST", "Lists all notes."),
]
DATABASE = [
    tool(
        "db__read_query",
        "Execute a SELECT query on the database",
        {"query": {"type": "string", "description": "SELECT SQL query to execute"}},
    ),
    tool(
        "db__write_query",
        "Execute an INSERT, UPDATE, or DELETE query on the database",
        {"query": {"type": "string", "description": "SQL query to execute"}},
    ),
]
FILES = [
    tool(
        "files__read_text_file",
        "Read the contents of a file as text.",
        {"path": "string"},
        head="number",
        tail="number",
    ),
    tool("files__list_directory", "Get a listing of all files and directories in a path.", {"path": "string"}),
]
CODE = {"type": "string", "description": "The currency code."}
MONEY = [
    tool(
        "money__convert_currency",
        "Converts an amount from one currency to another using the latest exchange rates.",
        {"amount": "number", "from_currency": CODE, "to_currency": CODE},
    ),
    tool("money__get_supported_currencies", "Returns a list of the supported currencies."),
]
EVERYTHING = [*WEATHER, *LISTS, *NOTES, *DATABASE, *FILES]


def done(said: str, name: str, arguments: dict[str, Any], result: Any = None, reply: str = "Done.") -> Exchange:
    return Exchange(said, [Made(name, arguments, {"ok": True, "plugin": "x", "action": "x", "result": result})], reply)


def first(said: str, *before: Exchange, tools: list[Offered] = EVERYTHING) -> tuple[tuple[str, dict[str, Any]], ...]:
    return propose(said, list(before), tools)[0].calls


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("What's the weather in Paris?", "weather__get_weather", {"city": "Paris"}),
        ("Wie ist das Wetter in München?", "weather__get_weather", {"city": "München"}),
        ("weather in Galway for the next four days", "weather__get_forecast", {"city": "Galway", "days": 4}),
        (
            "put 20 rolls of receipt paper on the shopping list",
            "shop__add_item",
            {"item": "receipt paper", "amount": 20},
        ),
        ("last 20 lines of /var/log/app.txt", "files__read_text_file", {"path": "/var/log/app.txt", "tail": 20}),
        (
            "run SELECT id FROM orders WHERE total > 5",
            "db__read_query",
            {"query": "SELECT id FROM orders WHERE total > 5"},
        ),
        ("DELETE FROM orders WHERE id = 3", "db__write_query", {"query": "DELETE FROM orders WHERE id = 3"}),
    ],
)
def test_an_order_becomes_the_call_that_it_names(said: str, name: str, arguments: dict[str, Any]) -> None:
    assert first(said) == ((name, arguments),)


def test_what_is_counted_is_all_that_stands_behind_its_number() -> None:
    ((_, arguments),) = first("ughhh. add 4 clear umbrellas to the list")
    assert arguments == {"item": "clear umbrellas", "amount": 4}


def test_a_note_is_kept_word_for_word() -> None:
    ((_, arguments),) = first("note down: Tom turns 8 on Friday, he wants a red bike")
    assert arguments["content"] == "Tom turns 8 on Friday, he wants a red bike"


def test_the_last_call_is_made_again_with_what_changes() -> None:
    before = done("weather in Rome?", "weather__get_weather", {"city": "Rome"}, {"temp": 20})
    assert first("and in Madrid?", before) == (("weather__get_weather", {"city": "Madrid"}),)
    assert first("in fahrenheit", before) == (("weather__get_weather", {"city": "Rome", "units": "imperial"}),)


def test_the_second_one_is_the_second_that_was_listed() -> None:
    before = done(
        "list my notes",
        "notes__NOTE_LIST",
        {},
        {"notes": [{"id": "7", "title": "boiler"}, {"id": "9", "title": "garden"}]},
    )
    assert first("read the second one", before) == (("notes__NOTE_READ", {"id": "9"}),)
    assert first("read the boiler note", before) == (("notes__NOTE_READ", {"id": "7"}),)


def test_a_file_that_was_listed_is_found_in_its_folder() -> None:
    before = done("list /srv/docs", "files__list_directory", {"path": "/srv/docs"}, "[FILE] a.txt\n[FILE] readme.md")
    assert first("open the readme", before) == (("files__read_text_file", {"path": "/srv/docs/readme.md"}),)


def test_what_nobody_said_is_missing_and_the_answer_completes_the_call() -> None:
    asked = propose("what is the weather like?", [], WEATHER)[0]
    assert asked.missing == ("city",)
    assert not asked.acts
    answer = propose("Lisbon", [Exchange("what is the weather like?", [], "In which city?")], WEATHER)[0]
    assert answer.calls == (("weather__get_weather", {"city": "Lisbon"}),)
    assert not answer.missing


def test_an_order_that_says_all_that_a_call_takes_is_no_answer() -> None:
    write = tool("notes__NOTE_WRITE", "Creates a new note.", {"title": "string", "content": "string"})
    asked = [Exchange("write down: 40 rye loaves", [], "What should title be for NOTE_WRITE of notes?")]
    for said, is_answer in (("bread", True), ("another one, title flour, content: 40 kilos of it", False)):
        assert any(each.answers for each in propose(said, asked, [write])) is is_answer


def test_a_title_ends_with_its_line_and_what_stands_below_is_the_text() -> None:
    said = "write this down as a note\ntitle rain\nthe gutters need doing\nbefore May"
    note = {"title": "rain", "content": "the gutters need doing\nbefore May"}
    assert first(said) == (("notes__NOTE_WRITE", note),)


def test_who_asks_what_else_is_in_a_folder_means_the_one_of_the_file() -> None:
    read = done("read /srv/docs/plan.txt", "files__read_text_file", {"path": "/srv/docs/plan.txt"}, "Page 1")
    assert first("what else is in that folder", read) == (("files__list_directory", {"path": "/srv/docs"}),)


def test_nothing_is_called_for_a_question_about_what_would_happen() -> None:
    for said in (
        "what would happen if I deleted the list?",
        "is the shop plugin safe?",
        "lovely, my cat sleeps all day",
        "thanks, bye",
    ):
        assert not any(proposal.acts for proposal in propose(said, [], EVERYTHING)), said


def test_a_hint_decides_whether_a_call_may_change_something() -> None:
    reads = Offered("x__frob", "Frobs.", {"type": "object", "properties": {}}, {"readOnlyHint": True})
    assert not propose("frob", [], [reads])[0].changing
    assert propose("frob", [], [Offered("x__frob", "Frobs.", {})])[0].changing


def test_a_refused_query_goes_to_the_sibling_that_takes_it() -> None:
    query = {"query": "SELECT 1 FROM a"}
    before = done("run it", "db__write_query", query, {"error": "SELECT is not allowed here, use read_query"})
    assert (("db__read_query", query),) in [
        proposal.calls for proposal in propose("then do that", [before], DATABASE)[:2]
    ]


@pytest.mark.parametrize(
    ("said", "kind", "value"),
    [
        ("what is 15 percent of 80", "expression", "80*0.15"),
        ("the square root of 2", "expression", "sqrt(2)"),
        ("3 mal 0,45 plus 6,99", "expression", "3*0.45+6.99"),
        ("call at half past eight", "time", "08:30"),
        ("um halb neun", "time", "08:30"),
        ("quarter to six in the evening", "time", "17:45"),
        ("see you on monday", "date", "2025-06-09"),
        ("from jan 1st 2024", "date", "2024-01-01"),
        ("commit 9f2c1aa please", "hash", "9f2c1aa"),
        ("a dozen eggs", "number", 12),
        ("half a dozen eggs", "number", 6),
        ("two dozen one pound jars", "number", 24),
        ("issues in facebook/react", "repo", "facebook/react"),
    ],
)
def test_values_are_found_however_they_are_written(said: str, kind: Any, value: object) -> None:
    assert value in [found.value for found in extract(said, date(2025, 6, 4)).of(kind)]


@pytest.mark.parametrize(
    ("said", "amount", "source", "target"),
    [
        ("how much is 20 euros in dollars?", 20, "EUR", "USD"),
        ("cuántos dólares son 30 euros", 30, "EUR", "USD"),
        ("wie viel sind 50 Franken in Euro?", 50, "CHF", "EUR"),
        ("combien font 15 livres en euros ?", 15, "GBP", "EUR"),
        ("change 12.50€ into zloty", 12.5, "EUR", "PLN"),
        ("what's 5000 yen in pounds", 5000, "JPY", "GBP"),
        ("convert 20 Canadian dollars to Swiss francs", 20, "CAD", "CHF"),
    ],
)
def test_money_is_exchanged_from_what_the_amount_is_of(said: str, amount: float, source: str, target: str) -> None:
    arguments = {"amount": amount, "from_currency": source, "to_currency": target}
    assert first(said, tools=MONEY) == (("money__convert_currency", arguments),)


def test_a_currency_that_is_not_known_is_asked_for_and_no_other_is_taken_for_it() -> None:
    best = propose("convert 50 Jamaican dollars to euros", [], MONEY)[0]
    assert best.calls[0][1] == {"amount": 50, "to_currency": "EUR"}
    assert best.missing == ("from_currency",)


@pytest.mark.parametrize("said", ["three pounds of flour for the real deal", "try all of it", "a won game"])
def test_ordinary_words_are_no_currencies(said: str) -> None:
    assert not extract(said).of("currency")


def test_dictated_signs_are_written_out() -> None:
    assert spoken("list the folder slash home slash maria slash invoices") == "list the folder /home/maria/invoices"
    assert spoken("rename june dot txt") == "rename june.txt"


def test_an_issue_that_is_opened_is_made() -> None:
    assert spoken("open an issue in lumen/docs: typo") == "create an issue in lumen/docs: typo"
    assert spoken("open issue 57 in lumen/docs") == "open issue 57 in lumen/docs"


def test_what_reads_a_file_is_not_given_a_folder() -> None:
    tools = [
        tool("fs__read_text_file", "Reads a file as text", {"path": "string"}),
        tool("fs__list_directory", "Lists a directory", {"path": "string"}),
    ]
    best = propose("read me what is in /home/ashdown/memoir", [], tools)[0]
    assert best.calls == (("fs__list_directory", {"path": "/home/ashdown/memoir"}),)


def test_things_in_a_text_can_be_picked_by_their_words() -> None:
    items = items_in("textbox Email [ref=e4], button Sign in [ref=e8]")
    assert [item.fields["ref"] for item in chosen("click sign in", items)] == ["e8"]


def test_a_message_among_a_hundred_tools_takes_a_third_of_a_second_at_most() -> None:
    tools = [
        Offered(f"p{n}__{t.name.rpartition('__')[2]}", t.description, t.parameters)
        for n in range(8)
        for t in EVERYTHING
    ]
    propose("what's the weather in Rome", [], tools)
    began = time.process_time()
    propose("put two bags of rice on the shopping list please", [], tools)
    assert time.process_time() - began < 0.3


def test_a_place_goes_into_the_parameter_that_takes_names_and_no_unit_is_chosen_for_a_small_word() -> None:
    stored = {"type": "string", "description": "Name of a saved location. List them with list_saved_locations."}
    free = {"type": "string", "description": "Free-text place name to look up."}
    unit = {"type": "string", "enum": ["inHg", "hPa"], "description": "Override pressure unit."}
    summary = tool(
        "sky__get_weather_summary", "Tells the weather.", location_name=stored, city_name=free, pressure_unit=unit
    )
    (made,) = propose("weather in Lisbon?", [], [summary])[:1]
    assert made.calls == (("sky__get_weather_summary", {"city_name": "Lisbon"}),)


CLOCK = tool(
    "clock__convert_time",
    "Converts a time of day between time zones.",
    {"source_timezone": "string", "time": "string", "target_timezone": "string"},
)


@pytest.mark.parametrize(
    ("said", "source", "target"),
    [
        ("Standup with Toronto is 14:00 their time. Kolkata?", "America/Toronto", "Asia/Kolkata"),
        ("The congress in Paris opens at 9:30. In Kyiv which hour will that be?", "Europe/Paris", "Europe/Kyiv"),
    ],
)
def test_the_sentence_with_the_time_has_the_place_that_it_is_said_of(said: str, source: str, target: str) -> None:
    (made,) = propose(said, [], [CLOCK])[:1]
    arguments = made.calls[0][1]
    assert (arguments["source_timezone"], arguments["target_timezone"]) == (source, target)


def test_the_words_of_a_limit_are_no_part_of_what_is_looked_for() -> None:
    papers = tool("arxiv__search_papers", "Searches papers.", {"query": "string"}, max_results="integer")
    (made,) = propose("Is there science about varroa mites? Search not more than 5 papers", [], [papers])[:1]
    assert made.calls == (("arxiv__search_papers", {"query": "varroa mites", "max_results": 5}),)


@pytest.mark.parametrize(
    ("said", "items"),
    [
        (
            "put 2 pints of milk, a malt loaf and 6 eggs on the list",
            [("pints of milk", 2), ("malt loaf", None), ("eggs", 6)],
        ),
        ("mete 12 limones y 2 de pimenton", [("limones", 12), ("pimenton", 2)]),
        ("add popcorn x3 n ice cream x2", [("popcorn", 3), ("ice cream", 2)]),
        # Amounts behind things, no commas, counters, and what is told before or behind.
        ("hi. ok flour 10 bags yeast 6 and olive oil 4", [("flour", 10), ("yeast", 6), ("olive oil", 4)]),
        ("12 simit 8 ayran yaz", [("simit", 12), ("ayran", 8)]),
        ("bin müde, setz mir noch tee und 3 quark auf die liste sonst vergess ichs", [("tee", None), ("quark", 3)]),
        ("Il me faut : un melon, deux citrons et des figues.", [("melon", None), ("citrons", 2), ("figues", None)]),
        ("卵2パックと牛乳3本をリストに入れといて", [("卵", 2), ("牛乳", 3)]),
        ("put four rolls and a bag of ice on the list", [("rolls", 4), ("ice", 1)]),
    ],
)
def test_several_things_are_put_on_a_list_one_by_one(said: str, items: list[tuple[str, int | None]]) -> None:
    several = (one.calls for one in propose(said, [], LISTS) if len(one.calls) > 1)
    assert items in [[(given.get("item"), given.get("amount")) for _, given in calls] for calls in several]


def test_the_words_of_an_order_are_no_part_of_what_it_names() -> None:
    found = [one.calls[0][1] for one in propose("カップ200個、リストに追加してください", [], LISTS)]
    assert {"item": "カップ", "amount": 200} in found


@pytest.mark.parametrize("said", ["put a dozen eggs on my list, I am baking on Saturday", "add 10 rolls of tape"])
def test_a_reason_or_a_measure_is_no_other_thing(said: str) -> None:
    assert len(propose(said, [], LISTS)[0].calls) == 1


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("1) 2611.15502 Thermal refugia 2) 2611.08213 An ODE model 3) 2610.20077 Drones", "2611.08213"),
        ("a41c9e0 beams; 7be02d1 soil layers; 19d3f55 init", "7be02d1"),
        ("#212 login loops on safari; #215 dark mode missing", "215"),
        ("[FILE] kitchen.txt [FILE] wardrobe.txt [DIR] old", "wardrobe.txt"),
        ("books, loans, patrons", "loans"),
    ],
)
def test_a_list_on_one_line_has_a_second_one(text: str, second: str) -> None:
    fields = chosen("the second one", items_in(text))[0].fields
    assert second in (str(fields.get("id")), fields.get("name"))


def test_a_sentence_is_no_list() -> None:
    assert items_in("We map bleaching on 14 reef flats, from drones. It agrees; divers saw the same.") == []


@pytest.mark.parametrize(
    ("said", "zone"),
    [("TIME LAREDO", "America/Chicago"), ("doors in ghent", "Europe/Brussels"), ("and Leeds?", "Europe/London")],
)
def test_a_city_is_a_place_where_one_stands(said: str, zone: str) -> None:
    assert [value.unit for value in extract(said).of("place")] == [zone]


@pytest.mark.parametrize("said", ["what is the best way in general", "is it the same?", "for most people", "to do"])
def test_words_that_are_cities_as_well_are_words(said: str) -> None:
    assert not extract(said).of("place")


LOCAL = {"type": "string", "description": "IANA name. Use 'Africa/Lagos' as local timezone if none is provided."}
OWN_CLOCK = [
    tool("clock__convert", "Convert time.", {"source_timezone": LOCAL, "time": "string", "target_timezone": LOCAL})
]
GUANGZHOU = [
    Exchange("time in Guangzhou?", [Made("clock__convert", {"target_timezone": "Asia/Shanghai"}, "9:30")], "9:30")
]


@pytest.mark.parametrize(
    ("said", "source", "target"),
    [
        ("the agent there says 17:30 his time. what is that for us", "Asia/Shanghai", "Africa/Lagos"),
        ("if I call at 19:00 my time what is that over there", "Africa/Lagos", "Asia/Shanghai"),
    ],
)
def test_a_time_of_theirs_becomes_ours_and_ours_becomes_theirs(said: str, source: str, target: str) -> None:
    arguments = propose(said, GUANGZHOU, OWN_CLOCK)[0].calls[0][1]
    assert (arguments["source_timezone"], arguments["target_timezone"]) == (source, target)


def test_a_number_out_of_bounds_is_no_argument() -> None:
    days = {"type": "integer", "minimum": 1, "maximum": 10}
    forecast = tool("weather__get_forecast", "Tells the weather of the next days.", {"city": "string", "days": days})
    assert "days" not in propose("612 miles at 58 an hour, forecast for Leeds", [], [forecast])[0].calls[0][1]


def test_what_a_server_requires_and_has_a_default_for_is_given() -> None:
    scale = {"type": "string", "enum": ["css", "device"], "default": "css"}
    shot = tool("mcp__browser_take_screenshot", "Take a screenshot of the current page.", {"scale": scale})
    assert propose("a screenshot please", [], [shot])[0].calls == (("mcp__browser_take_screenshot", {"scale": "css"}),)


def test_what_reads_is_called_though_its_name_has_a_word_for_taking_away() -> None:
    diff = tool("git__git_diff_unstaged", "Shows changes that are not yet staged.", {"repo_path": "string"})
    assert propose("what did I change in /srv/app", [], [diff])[0].calls[0][1] == {"repo_path": "/srv/app"}


@pytest.mark.meaning
def test_an_action_is_known_by_what_people_say_for_it() -> None:
    names = ["status", "diff_unstaged", "diff_staged", "log", "add", "reset"]
    git = [tool(f"mcp-server-git__git_{name}", name.replace("_", " "), {"repo_path": "string"}) for name in names]
    best = [
        propose(said, [], git)[0].calls[0][0] for said in ("what goes into the next commit?", "who did what lately")
    ]
    assert best == ["mcp-server-git__git_diff_staged", "mcp-server-git__git_log"]


@pytest.mark.meaning
def test_a_tool_that_nobody_wrote_for_is_known_by_its_description() -> None:
    own = [tool("own__alpha", "Books a table in a restaurant."), tool("own__beta", "Hails a taxi.")]
    best = [propose(said, [], own)[0].calls[0][0] for said in ("we want to eat out tonight", "I need a ride home")]
    assert best == ["own__alpha", "own__beta"]


def test_the_written_name_of_an_action_is_that_action() -> None:
    git = [tool("git__git_log", "Shows the log."), tool("git__git_commit", "Commits.", {"message": "string"})]
    assert propose("git_log", [], git)[0].calls == (("git__git_log", {}),)


def test_what_is_added_to_a_file_does_not_replace_it() -> None:
    write = tool(
        "fs__write_file", "Create a file or completely overwrite one.", {"path": "string", "content": "string"}
    )
    read = [Exchange("read it", [Made(FILES[0].name, {"path": "/srv/phones.txt"}, "Joe 4412")], "Joe 4412")]
    best = propose("put a line 'Anna 4413' at the end of it", read, [*FILES, write])[0]
    assert best.calls[0][0] != write.name or best.probability < 0.5


def test_another_thing_than_the_one_spoken_of_last_is_not_deleted() -> None:
    delete = tool("notes__NOTE_DELETE", "Deletes one note by its id.", {"id": "string"})
    read = [Exchange("bed 4", [Made("notes__NOTE_READ", {"id": "bed-4"}, "sleeps badly")], "sleeps badly")]
    for proposal in propose("delete the bed 7 note, he has gone home", read, [*NOTES, delete]):
        assert proposal.calls[0] != (delete.name, {"id": "bed-4"})


def test_german_is_is_no_indian_time() -> None:
    said = "Wenn es hier in Hamburg 20 Uhr ist, wie spät ist es dann in Sydney?"
    assert [value.unit for value in extract(said).of("place")] == ["Europe/Berlin", "Australia/Sydney"]


def test_what_is_renamed_is_the_file_spoken_of_last() -> None:
    move = tool("fs__move_file", "Move or rename files.", {"source": "string", "destination": "string"})
    read = [Exchange("read it", [Made(FILES[0].name, {"path": "/srv/halvorsen.txt"}, "Page 1")], "Page 1")]
    paths = {"source": "/srv/halvorsen.txt", "destination": "/srv/halverson.txt"}
    assert propose("Now rename it halverson.txt. Same folder.", read, [move])[0].calls == ((move.name, paths),)


def test_a_number_in_a_title_is_no_argument() -> None:
    fields = {"issue_number": "integer", "title": "string"}
    update = tool("hub__update_issue", "Updates an issue.", fields)
    assert "issue_number" not in propose('an issue, title "41 devices unseen"', [], [update])[0].calls[0][1]


def test_an_order_is_no_answer_to_what_an_id_should_be() -> None:
    add = tool("notes__NOTE_APPEND", "Adds text to a note by its id.", {"id": "string", "content": "string"})
    asked = [Exchange("add: Zoe 1 August", [], "What should id be for NOTE_APPEND of notes?")]
    made = [each for each in propose("read it to me again", asked, [*NOTES, add]) if each.answers]
    assert made == []
