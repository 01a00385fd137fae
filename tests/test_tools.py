"""Tools: names a model can say, arguments repaired before they are checked, and one way to call them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.plugin import Action, Handler, Plugin, action
from dynamic_plugins.tools.argument_repair import repair, with_texts, with_types
from dynamic_plugins.tools.management import NAMES, schema
from dynamic_plugins.tools.plugin_tools import MAX_LISTED, MAX_LISTED_CHARACTERS
from dynamic_plugins.tools.tool_formats import in_format
from dynamic_plugins.tools.toolbox import Toolbox


async def install(plugin_name: str, version: str | None) -> dict[str, Any]:
    return {"name": plugin_name, "version": version}


async def configure(plugin_name: str, configuration: list[dict[str, str]] | None) -> dict[str, Any]:
    return {"name": plugin_name, "configuration": configuration}


def toolbox(*plugins: Plugin, characters: int = 0) -> Toolbox:
    runtime = ComponentRegistry()
    for plugin in plugins:
        runtime.mount(plugin)
    handlers: dict[str, Handler] = {"install_plugin": install, "configure_plugin": configure}
    actions = [Action(name, name, handlers.get(name, install), schema(name)) for name in NAMES]
    return Toolbox(actions, runtime, characters=characters)


@pytest.mark.parametrize(
    "arguments",
    [
        {"plugin_name": "x", "version": None},
        {"plugin_name": "x"},
        {"pluginName": "x"},
        '{"plugin_name": "x"}',
        '"{\\"plugin_name\\": \\"x\\"}"',
        {"install_plugin": {"plugin_name": "x"}},
        {"arguments": {"pluginName": "x"}},
    ],
    ids=["exact", "left out", "camel", "text", "text in text", "own name", "nested"],
)
async def test_what_models_get_wrong_is_mended(arguments: Any) -> None:
    assert await toolbox().call("install_plugin", arguments) == {"ok": True, "name": "x", "version": None}


async def test_the_camel_case_names_of_older_recordings_still_work() -> None:
    assert (await toolbox().call("installPlugin", {"pluginName": "x"}))["ok"]


async def test_a_configuration_given_as_an_object_becomes_the_list() -> None:
    done = await toolbox().call("configure_plugin", {"plugin_name": "x", "configuration": {"A": "1"}})
    assert done["configuration"] == [{"name": "A", "value": "1"}]


@pytest.mark.parametrize(
    "arguments", ["{", "[]", "3", {"plugin_name": ["x"]}, {}, {"plugin_name": "x", "force": True}, {"version": "1"}]
)
async def test_arguments_that_cannot_be_mended_come_back_with_the_schema(arguments: Any) -> None:
    result = await toolbox().call("install_plugin", arguments)
    assert result["ok"] is False
    assert result["error"]["code"] == "bad_arguments"
    assert result["error"]["schema"] == schema("install_plugin")


def test_a_strangers_parameter_keeps_its_name() -> None:
    stranger = {"type": "object", "properties": {"maxResults": {"type": "integer"}}}
    assert repair("t", {"maxResults": 3}, stranger) == {"maxResults": 3}


async def test_tools_follow_every_change_of_what_is_mounted() -> None:
    runtime = ComponentRegistry()
    tools = Toolbox([], runtime)

    def offering(name: str, answer: str) -> Plugin:
        return Plugin("p", actions=[Action(name, name, lambda: answer)])

    unmount = runtime.mount(offering("one", "old"))
    assert (await tools.call("p__one", {}))["result"] == "old"
    unmount()
    assert (await tools.call("p__one", {}))["ok"] is False
    runtime.mount(offering("two", "new"))
    assert (await tools.call("p__two", {}))["result"] == "new"
    assert [tool.name for tool in tools.plugin_tools()] == ["p__two"]
    unmount()  # a second time: not its own to withdraw
    assert (await tools.call("p__two", {}))["result"] == "new"


async def test_a_tool_that_is_not_there_is_an_error_that_names_what_is() -> None:
    @action
    def greet(name: str) -> str:
        return f"Hello, {name}!"

    box = toolbox(Plugin("hello", actions=[greet]))
    result = await box.call("no_such_tool", {})
    assert "hello__greet" in result["error"]["message"]
    assert await box.call("hello__greet", {"name": "Ada"}) == {
        "ok": True,
        "plugin": "hello",
        "action": "greet",
        "result": "Hello, Ada!",
    }
    assert (await box.call("greet", {"name": "Ada"}))["ok"], "a bare name that only one plugin has is understood"


def named(name: str, actions: list[str]) -> Plugin:
    return Plugin(name, actions=[Action(each, f"does {each}", lambda: None) for each in actions])


def test_names_are_unique_short_and_plain_whatever_plugins_call_their_actions() -> None:
    box = toolbox(
        named("@a/plugin-x", ["do it", "do_it", "ü" * 300, "y" * 300, "y" * 299]), named("@b/plugin-x", ["do it"])
    )
    names = [tool.name for tool in box.plugin_tools()]
    assert len(names) == len(set(names)) == 6
    assert all(0 < len(name) <= 64 and name.isascii() for name in names)
    assert all(character.isalnum() or character in "_-" for name in names for character in name)


@pytest.mark.parametrize(
    ("real", "other", "plain"),
    [
        (("notes", "add"), ("@evil/notes", "add"), "notes__add"),
        (("my_notes", "add"), ("my.notes", "add"), "my_notes__add"),
        (("@acme/notes", "add"), ("@evil/notes", "add"), None),
        (("a", "b__c"), ("a__b", "c"), None),
    ],
)
def test_no_plugin_takes_anothers_tool_name_by_being_there_first(
    real: tuple[str, str], other: tuple[str, str], plain: str | None
) -> None:
    orders = [[real, other], [other, real]]
    boxes = [toolbox(*(named(plugin, [action]) for plugin, action in order)) for order in orders]
    called, again = ({tool.plugin: tool.name for tool in box.plugin_tools()} for box in boxes)
    assert called == again
    assert called[other[0]] != called[real[0]]
    if plain is None:
        assert not {f"{real[0].rpartition('/')[2]}__{real[1]}"} & set(called.values())
    else:
        assert called[real[0]] == plain


async def test_many_actions_are_offered_through_a_search_and_a_call() -> None:
    box = toolbox(named("many", [f"action_{n}" for n in range(MAX_LISTED)] + ["make_coffee"]))
    assert [tool.name for tool in box.offered()][6:] == ["search_plugin_actions", "call_plugin_action"]
    found = await box.call("search_plugin_actions", {"query": "coffee"})
    assert found["actions"][0]["action"] == "many__make_coffee"
    done = await box.call("call_plugin_action", {"action": "many__make_coffee", "arguments": "{}"})
    assert (done["ok"], done["action"]) == (True, "make_coffee")


async def test_few_actions_with_much_text_are_offered_through_the_search_too() -> None:
    long = Action("explain", "Explains at length. " * (MAX_LISTED_CHARACTERS // 40), lambda: None)
    few = toolbox(Plugin("one", actions=[replace(long, name=f"explain_{n}") for n in range(6)]))
    assert [tool.name for tool in few.offered()][6:] == ["search_plugin_actions", "call_plugin_action"]


async def test_a_result_that_is_too_long_is_read_page_by_page() -> None:
    @action
    def tell(length: int) -> Any:
        "Tells."
        if length > 90:
            raise ValueError("x" * length)
        return {"said": "abcdefghij" * (length // 10)}

    box = toolbox(Plugin("p", actions=[tell]), characters=50)
    assert (await box.call("p__tell", {"length": 10}))["result"] == {"said": "abcdefghij"}
    assert "read_result_page" not in {tool.name for tool in box.offered()}
    first = await box.call("p__tell", {"length": 80})
    assert (first["action"], first["page"], first["pages"], len(first["result"])) == ("tell", 1, 2, 50)
    assert "read_result_page" in {tool.name for tool in box.offered()}
    (asked,) = re.findall(r"{.*}", first["next"])
    second = await box.call("read_result_page", asked)
    assert json.loads(first["result"] + second["result"]) == {"said": "abcdefghij" * 8}
    assert "next" not in second
    wrapped = {"action": "read_result_page", "arguments": asked}  # as a client calls whose list never changes
    assert await box.call("call_plugin_action", wrapped) == second
    key = json.loads(asked)["result"]
    for wrong in ({"result": "none", "page": 1}, {"result": key, "page": 3}, {}, None):
        assert (await box.call("read_result_page", wrong))["error"]["code"] == "bad_arguments"
    failed = await box.call("p__tell", {"length": 5000})
    assert failed["error"]["message"].endswith("… (5,028 characters in all)")


async def test_the_call_for_plugins_actions_reaches_none_of_the_six() -> None:
    box = toolbox(named("p", ["a"]))
    smuggled = await box.call("call_plugin_action", {"action": "install_plugin", "arguments": '{"plugin_name": "x"}'})
    assert smuggled["error"]["code"] == "bad_arguments"


def test_a_model_is_told_how_people_say_it() -> None:
    box = toolbox(Plugin("p", actions=[Action("brew", "Makes tea.", lambda: None, similes=["put the kettle on"])]))
    told = [form["function"]["description"] for form in in_format(box.offered(), "openai")]
    assert told[-1] == "Makes tea. People also say: put the kettle on."


def test_only_our_own_schemas_are_said_to_be_strict() -> None:
    forms = in_format(toolbox(named("p", ["a"])).offered(), "openai")
    assert [form["function"]["strict"] for form in forms] == [True] * 6 + [False]


ANY_OF = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("shape", "written", "meant"),
    [
        ({"type": "integer"}, "3", 3),
        ({"type": "number"}, "3", 3),
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "boolean"}, "True", True),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "array", "items": {"type": "integer"}}, "[1]", [1]),
        (ANY_OF, "3", 3),
        (ANY_OF, "null", None),
        ({"type": "integer"}, "3.5", "3.5"),
        ({"type": "integer"}, "three", "three"),
        ({"type": "string"}, "3", "3"),
        ({"type": ["string", "integer"]}, "3", "3"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "03", "03"),
        ({"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/a"}]}, "3", "3"),
        ({"enum": [1, "1"]}, "1", "1"),
        ({}, "3", "3"),
        (ANY_OF, None, None),
    ],
)
def test_what_is_written_as_text_is_read_where_no_text_fits(shape: dict[str, Any], written: Any, meant: Any) -> None:
    assert with_types({"a": written}, {"type": "object", "properties": {"a": shape}}) == {"a": meant}


def test_null_is_left_out_where_it_does_not_fit_and_nothing_is_required() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}
    assert with_types({"a": None, "b": None, "c": None}, schema) == {"b": None, "c": None}


def test_mend_refuses_what_is_no_object() -> None:
    with pytest.raises(BadArgumentsError):
        repair("t", "[1, 2]", {"type": "object"})


def test_whole_numbers_and_truth_values_are_texts_where_texts_are_wanted() -> None:
    shape = schema("configure_plugin")
    given = {"plugin_name": 7, "configuration": [{"name": "PORT", "value": 8080}, {"name": "LOUD", "value": True}]}
    repaired = with_texts(repair("configure_plugin", given, shape), shape)
    assert repaired == {
        "plugin_name": "7",
        "configuration": [{"name": "PORT", "value": "8080"}, {"name": "LOUD", "value": "true"}],
    }
    assert with_texts({"plugin_name": "x", "version": 1.1}, schema("install_plugin"))["version"] == 1.1, "1.10, perhaps"
