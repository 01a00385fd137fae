"""What the built-in model says: results told by their shape, questions about plugins answered from what is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.embedded.context.request import Exchange, Made, Offered, result_in
from dynamic_plugins.embedded.managing.standing import Installed
from dynamic_plugins.embedded.replies.about import About, answer_about
from dynamic_plugins.embedded.replies.answers import answer_to
from dynamic_plugins.embedded.replies.result_text import MOST_ROWS
from dynamic_plugins.registry.entry import Entry, OfferedAction, Package, Variable
from dynamic_plugins.resolver.linker import links_in
from dynamic_plugins.resolver.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Sequence

GIT = Entry(
    "mcp-server-git",
    description="Reads, searches and changes Git repositories on this machine",
    repository="github:modelcontextprotocol/servers",
    keywords=("git", "commit"),
    packages=(Package("pypi", "mcp-server-git", "2026.1.1"),),
)
DISCORD = Entry(
    "@elizaos/plugin-discord",
    "elizaos",
    "Talks on Discord: messages, channels, reactions, polls",
    keywords=("discord", "chat"),
    packages=(Package("pypi", "elizaos-plugin-discord"),),
    config=(
        Variable("DISCORD_API_TOKEN", "Token of the bot", required=True, secret=True),
        Variable("CHANNEL_IDS", "Channels to take part in"),
    ),
)
WEATHER = Entry("weather", actions=(OfferedAction("get_weather", "Tells the weather now in a city."),))
TELEGRAM = Entry("@elizaos/plugin-telegram", "elizaos", "Sends and answers messages on Telegram as a bot")
ENTRIES = {entry.name: entry for entry in (GIT, DISCORD, WEATHER, TELEGRAM)}
PLUGINS = (
    Installed("mcp-server-git", "2026.1.1", "active"),
    Installed("@elizaos/plugin-discord", "2.0", "needs_configuration", ("DISCORD_API_TOKEN",)),
    Installed("weather", "1.0", "inactive"),
)
TOOLS = tuple(
    Offered(f"mcp-server-git__{name}", described, {})
    for name, described in (
        ("git_status", "Shows the working tree status"),
        ("git_commit", "Records changes to the repository"),
        ("git_reset", "Unstages all staged changes"),
    )
)


def told(result: Any, name: str = "shop__show_list", **arguments: Any) -> str:
    return answer_to([Made(name, arguments, result)])


def plugin_result(result: Any) -> dict[str, Any]:
    """A result as the toolbox passes it on."""
    return {"ok": True, "plugin": "shop", "action": "show_list", "result": result}


def about(said: str, exchanges: Sequence[Exchange] = (), plugins: Sequence[Installed] = PLUGINS) -> About:
    mine = {plugin.name: ENTRIES[plugin.name] for plugin in plugins}
    links = links_in(said, Resolver(list(ENTRIES.values())), mine)
    answer = answer_about(said, plugins, TOOLS if plugins else (), exchanges, ENTRIES, links, only_words=True)
    assert answer is not None
    return answer


# ---------------------------------------------------------------- results


def test_a_simple_object_is_a_sentence_with_its_place_first() -> None:
    text = told(plugin_result({"timezone": "Asia/Tokyo", "datetime": "2025-05-14T21:40:00+09:00", "is_dst": False}))
    assert text == "Asia/Tokyo: datetime 2025-05-14 21:40 (UTC+09:00), is dst no"


def test_rows_are_a_table_and_long_ones_say_how_many_are_left() -> None:
    rows = [{"number": n, "title": f"bug | {n}"} for n in range(MOST_ROWS + 3)]
    lines = told({"issues": rows}).splitlines()
    assert lines[:5] == ["issues (23):", "", "| number | title |", "| --- | --- |", "| 0 | bug \\| 0 |"]
    assert lines[-1] == "… and 3 more rows."


def test_a_short_list_is_a_sentence() -> None:
    assert told({"tables": ["users", "orders", "items"]}) == "tables: users, orders and items"


def test_text_is_not_quoted_and_code_is_fenced() -> None:
    assert told("two\nlines") == "two\nlines"
    assert told("def f():\n    return 1") == "```\ndef f():\n    return 1\n```"
    assert told("diff --git a/x b/x\n+new").startswith("```diff\n")


def test_long_text_is_cut_with_how_much_is_left() -> None:
    text = told("word " * 2_000)
    assert len(text) < 3_200
    assert "more characters" in text


@pytest.mark.parametrize(
    "wrapped",
    [
        {"content": [{"type": "text", "text": '{"total": 3}'}], "isError": False},
        {"content": [{"type": "text", "text": "3"}], "structuredContent": {"total": 3}},
        {"result": '{"total": 3}'},
        json.dumps({"content": [{"type": "text", "text": '{"total": 3}'}]}),
        "meta=None content=[TextContent(type='text', text='{\"total\": 3}', annotations=None)] isError=False",
        plugin_result('{"result": {"total": 3}}'),
    ],
)
def test_a_result_is_read_whatever_it_is_wrapped_in(wrapped: Any) -> None:
    assert told(wrapped) == "total: 3"


def test_the_beginning_of_a_result_that_was_cut_is_read_too() -> None:
    beginning = json.dumps(plugin_result("one\ntwo\nthree"))[: -len('three"}')]
    text = told({"cut": "7 of 90 characters left out", "beginning": beginning})
    assert text == "one\ntwo\n… 7 of 90 characters left out."


@pytest.mark.parametrize(
    ("result", "name", "said"),
    [
        ([], "github__list_issues", "Nothing came back: list_issues found no issues."),
        ({"issues": []}, "github__list_issues", "No issues: list_issues came back empty."),
        ("", "shop__add_item", "Done; add_item gave nothing back."),
        ({"success": True}, "shop__add_item", "Done."),
    ],
)
def test_an_empty_result_says_what_came_back_empty(result: Any, name: str, said: str) -> None:
    assert told(result, name) == said


def test_an_error_is_a_sentence_with_what_helps_and_no_schema() -> None:
    error = {"code": "bad_arguments", "message": 'city is missing. Schema: {"type": "object"}', "schema": {"type": "x"}}
    assert told({"ok": False, "error": error}) == "That did not work: city is missing."
    off = {"code": "not_installed", "message": "shop is not installed"}
    assert told({"ok": False, "error": off}, "activate_plugin", plugin_name="shop").endswith('Say: "install shop".')
    assert told({"content": [{"type": "text", "text": "no such file"}], "isError": True}) == (
        "That did not work: no such file."
    )


def test_the_search_for_an_action_is_not_told_once_it_led_to_a_call() -> None:
    search = Made(
        "search_plugin_actions", {"query": "x"}, {"ok": True, "actions": [{"action": "a__b", "parameters": {}}]}
    )
    call = Made("call_plugin_action", {"action": "shop__show_list"}, plugin_result("milk"))
    assert answer_to([search, call]) == "milk"
    assert "parameters" not in answer_to([search])


def test_several_long_results_have_headings() -> None:
    text = answer_to([Made("a__one", {}, "x\ny"), Made("a__two", {}, "p\nq")])
    assert text == "**one**\n\nx\ny\n\n**two**\n\np\nq"


def test_the_six_actions_say_what_can_be_done_next() -> None:
    installed = {"ok": True, "name": "shop", "version": "1.0", "status": "installed", "next": "activate_plugin shop"}
    assert told(installed, "install_plugin") == 'shop 1.0 is installed, and still off. Say "switch it on" to use it.'
    needs = installed | {"status": "needs_configuration", "needs": [{"name": "KEY", "description": "Its key"}]}
    assert told(needs, "install_plugin") == (
        "shop 1.0 is installed. It needs KEY (Its key). Type: dynamic-plugins configure shop"
    )
    on = {"ok": True, "name": "shop", "status": "active", "actions": [{"name": "add_item"}, {"name": "checkout"}]}
    assert told(on, "activate_plugin") == "shop is on. It can: add_item and checkout."
    assert "stays installed" in told({"ok": True, "name": "shop"}, "unload_plugin")
    assert "no longer on this machine" in told({"ok": True, "name": "shop"}, "unload_plugin", uninstall=True)
    missing = {"ok": True, "name": "shop", "set": ["A"], "missing": ["B"]}
    assert told(missing, "configure_plugin") == (
        "A of shop is set. Still missing: B. Type: dynamic-plugins configure shop"
    )


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("said", ["what is installed?", "which plugins are running", "was ist installiert?"])
def test_what_is_installed_is_told_with_what_is_on(said: str) -> None:
    text = about(said).text
    assert "3 plugins are installed. On: mcp-server-git." in text
    assert "lacks DISCORD_API_TOKEN" in text


def test_one_plugin_is_told_with_what_to_say_next() -> None:
    assert about("is weather on?").text == 'weather 1.0 is installed but off. Say "switch weather on" to start it.'


def test_what_is_missing_is_told_with_the_command_to_enter_it() -> None:
    assert about("is discord on?").text.endswith("Type: dynamic-plugins configure @elizaos/plugin-discord")


def test_what_a_plugin_can_do_is_its_actions_a_line_each() -> None:
    text = about("what can the git plugin do?").text
    assert "- git_reset: Unstages all staged changes" in text


def test_what_an_action_would_do_is_told_from_its_description() -> None:
    text = about("would git reset throw away my edits?").text
    assert text.startswith("git_reset of mcp-server-git: Unstages all staged changes. It changes something")


def test_safety_is_told_by_facts_only() -> None:
    text = about("is the git plugin safe?").text
    assert "PyPI package mcp-server-git" in text
    assert "published by modelcontextprotocol" in text
    assert "It can change things with: git_commit and git_reset." in text
    assert "cannot judge" in text


def test_settings_never_show_a_secret() -> None:
    configured = Made(
        "configure_plugin",
        {
            "plugin_name": DISCORD.name,
            "configuration": [{"name": "CHANNEL_IDS", "value": "5,7"}, {"name": "DISCORD_API_TOKEN", "value": "hush"}],
        },
        {"ok": True, "name": DISCORD.name},
    )
    text = about("what is discord set to?", [Exchange("set it", [configured], "Done.")]).text
    assert "CHANNEL_IDS: 5,7" in text
    assert "DISCORD_API_TOKEN: missing, and needed" in text
    assert "hush" not in text


def test_it_is_the_plugin_that_was_spoken_of_last() -> None:
    before = Exchange("turn git on", [Made("activate_plugin", {"plugin_name": GIT.name}, {"ok": True})], "It is on.")
    assert about("what does it do?", [before]).text.startswith("mcp-server-git: Reads, searches")


def test_what_was_done_is_told_from_the_calls() -> None:
    calls = [
        Made("install_plugin", {"plugin_name": "weather"}, {"ok": True, "name": "weather"}),
        Made("activate_plugin", {"plugin_name": "weather"}, {"ok": False, "error": {"code": "load_failed"}}),
    ]
    text = about("what did you just do?", [Exchange("get weather going", calls, "…")]).text
    assert "installed weather and switched on weather (it failed)" in text


def test_a_call_that_the_person_was_asked_about_did_not_fail() -> None:
    asked = {"ok": False, "error": {"code": "needs_confirmation", "message": "a person has to agree first"}}
    made = {"ok": True, "plugin": "git", "action": "git_log", "result": "one commit"}
    before = [
        Exchange("show the log", [Made("git__git_log", {}, asked)], "May git read it?"),
        Exchange("yes", [Made("git__git_log", {}, made)], "one commit"),
    ]
    assert "I asked about git_log and called git_log." in about("what did you just do?", before).text
    cut = result_in('<data>{"ok": false, "error": {"code": "needs_confirmation", "message": "a person…</data>')
    before[0].calls = [Made("git__git_log", {}, cut)]
    assert "it failed" not in about("what did you just do?", before).text


def test_an_ability_is_offered_by_what_is_off_then_by_the_registry() -> None:
    assert 'Say "switch weather on"' in about("can you tell me the weather?").text
    assert 'Say "install @elizaos/plugin-telegram"' in about("can you be on telegram?").text


def test_switching_off_unloading_and_uninstalling_are_told_apart() -> None:
    text = about("what's the difference between switching off, unloading and uninstalling?").text
    assert text.index("Switching") < text.index("Unloading") < text.index("Uninstalling")
    assert "removes" not in about("are my messages gone if I turn discord off?").text


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("how do I uninstall discord?", "dynamic-plugins uninstall @elizaos/plugin-discord"),
        ("how do I enter the token for discord?", "dynamic-plugins configure @elizaos/plugin-discord"),
        ("how do I use another model?", "--base-url"),
    ],
)
def test_how_something_is_done_names_the_command(said: str, command: str) -> None:
    assert command in about(said).text


def test_greetings_are_short_and_say_once_what_there_is_to_do() -> None:
    assert "plugins" in about("hello").text
    assert about("hello", [Exchange("hi", [], "Hello!")]).text == "Hello! What shall I do?"
    assert about("danke!").text == "Gern geschehen!"
    assert about("bye").text == "Goodbye!"


def test_a_question_about_the_world_is_declined_in_varying_words() -> None:
    questions = ["tell me a joke", "who won the world cup?", "what is the capital of peru?", "write me a poem"]
    answers = [about(said) for said in questions]
    assert len({answer.text for answer in answers}) > 1
    assert not any("search for" in answer.text.lower() for answer in answers)


def test_an_order_is_not_taken_for_a_question() -> None:
    said = "install the telegram plugin and turn it on"
    links = links_in(said, Resolver(list(ENTRIES.values())), {})
    assert answer_about(said, PLUGINS, TOOLS, (), ENTRIES, links) is None
