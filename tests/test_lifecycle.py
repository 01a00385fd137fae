"""A plugin's life through the command line, each step a process of its own, on real packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli, workers_of


def the_plugin(cli: Cli) -> dict[str, object]:
    (plugin,) = cli("status").json["plugins"]
    assert isinstance(plugin, dict)
    return plugin


@pytest.mark.index
def test_a_server_from_pypi_lives_through_every_verb(cli: Cli) -> None:
    installed = cli("install", "mcp-server-time", "--yes").json
    assert (installed["ok"], installed["status"], installed["kind"]) == (True, "installed", "mcp")
    again = cli("install", "mcp-server-time", "--yes").json
    assert (again["ok"], again["changed"]) == (True, False)
    assert "installed already" in again["note"]

    active = cli("activate", "mcp-server-time").json
    assert (active["status"], set(active["actions"])) == ("active", {"get_current_time", "convert_time"})
    called = cli("call", "mcp-server-time", "get_current_time", "--args", '{"timezone": "Asia/Tokyo"}').json
    assert called["result"]["timezone"] == "Asia/Tokyo"
    wrong = cli("call", "mcp-server-time", "get_current_time", "--args", '{"timezone": 3}', code=1).json
    assert (wrong["error"]["code"], wrong["error"]["schema"]["required"]) == ("bad_arguments", ["timezone"])
    assert the_plugin(cli)["status"] == "active"

    assert cli("deactivate", "mcp-server-time").json["status"] == "inactive"
    assert the_plugin(cli)["status"] == "inactive"
    refused = cli("call", "mcp-server-time", "get_current_time", "--args", '{"timezone": "UTC"}', code=1).json
    assert refused["error"]["code"] == "action_failed"
    assert cli("unload", "mcp-server-time").json["status"] == "installed"

    path = Path(str(the_plugin(cli)["path"]))
    assert path.is_dir()
    assert cli("uninstall", "mcp-server-time").json["uninstalled"] is True
    assert cli("status").json["plugins"] == []
    assert not path.exists()


def test_arguments_of_the_wrong_type_come_back_with_the_schema(cli: Cli) -> None:
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    cli("activate", "hello")
    wrong = cli("call", "hello", "greet", "--args", '{"name": 3}', code=1).json
    assert wrong["error"]["code"] == "bad_arguments"
    assert wrong["error"]["schema"]["required"] == ["name"]
    assert cli("call", "hello", "greet", "--args", "[1]", code=1).json["error"]["code"] == "bad_arguments"


@pytest.mark.index
def test_a_server_from_npm_answers_and_was_told_no_folder_but_its_own(cli: Cli) -> None:
    name = "@modelcontextprotocol/server-everything"
    cli("install", name, "--yes")
    cli("activate", name)
    assert "hi" in cli("call", name, "echo", "--args", '{"message": "hi"}').json["result"]
    assert str(cli.home / "plugin_data") in str(cli("call", name, "get-roots-list").json)


@pytest.mark.index
async def test_a_note_written_through_an_elizaos_plugin_is_read_back(cli: Cli) -> None:
    name = "@elizaos/plugin-scratchpad"
    cli("install", name, "--yes")
    async with App(Settings.from_environment(cli.environment(), home=cli.home), approve=approve_everything) as app:
        await app.service.activate(name)
        actions = {each.name for each in app.components.plugins[name].actions}
        assert {"SCRATCHPAD_WRITE", "SCRATCHPAD_READ"} <= actions
        await app.service.call(name, "SCRATCHPAD_WRITE", {"title": "Shopping", "content": "milk and eggs"})
        assert "milk and eggs" in str(await app.service.call(name, "SCRATCHPAD_READ", {"id": "shopping"}))


@pytest.mark.index
def test_a_plugin_that_does_not_import_ends_in_error_with_its_own_words(cli: Cli) -> None:
    cli("install", "@elizaos/plugin-eliza-classic", "--yes")
    failed = cli("activate", "@elizaos/plugin-eliza-classic", code=1).json
    assert failed["error"]["code"] == "load_failed"
    assert failed["plugin"]["status"] == "error"
    plugin = the_plugin(cli)
    assert plugin["status"] == "error"
    assert "KeyError" in str(plugin["error_details"])
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    assert cli("activate", "hello").json["status"] == "active"


def test_a_plugin_of_ones_own_from_a_folder_needs_no_index(cli: Cli) -> None:
    assert cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes").json["name"] == "hello"
    assert cli("activate", "hello").json["status"] == "active"
    assert cli("call", "hello", "greet", "--args", '{"name": "Ada"}').json["result"] == "Hello, Ada!"
    assert workers_of(cli.home) == []


def test_several_plugins_are_named_in_one_command_and_each_has_its_result(cli: Cli) -> None:
    cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--yes")
    both = cli("activate", "hello", "no-such-plugin-at-all", code=1).json
    assert [each["ok"] for each in both["results"]] == [True, False]
    assert both["results"][1]["error"]["code"] == "unknown_plugin"


def test_names_that_are_not_known_are_told_with_what_is_near(cli: Cli) -> None:
    error = cli("install", "mcp-server-tme", "--yes", code=1).json["error"]
    assert error["code"] == "unknown_plugin"
    assert error["suggestions"][0] == "mcp-server-time"
    assert cli("activate", "mcp-server-time", code=1).json["error"]["code"] == "not_installed"


@pytest.mark.index
def test_a_version_that_does_not_exist_is_an_error_and_nothing_stays(cli: Cli) -> None:
    error = cli("install", "mcp-server-time", "--version", "0.0.999", "--yes", code=1).json["error"]
    assert error["code"] == "install_failed"
    assert "0.0.999" in error["message"]
    assert cli("status").json["plugins"] == []
    assert [each for each in (cli.home / "runtime_plugins").glob("*/*") if not each.name.endswith(".lock")] == []


def test_an_install_that_nobody_agreed_to_is_refused_with_exit_code_four(cli: Cli) -> None:
    error = cli("install", "mcp-server-time", code=4).json["error"]
    assert error["code"] == "needs_confirmation"
    assert "mcp-server-time" in error["message"]


def test_a_registry_that_is_garbage_is_told_and_nothing_is_lost(cli: Cli, tmp_path: Path) -> None:
    garbage = tmp_path / "registry.json"
    garbage.write_text("<html>Sign in</html>")
    assert cli("--registry", str(garbage), "list", "time", code=1).json["error"]["code"] == "registry_unavailable"
    assert cli("list", "time").json["plugins"]


def test_six_tools_have_closed_schemas_that_strict_mode_takes(cli: Cli) -> None:
    tools = cli("tools", "--format", "openai").json
    assert [tool["function"]["name"] for tool in tools] == [
        "list_available_plugins",
        "install_plugin",
        "configure_plugin",
        "activate_plugin",
        "deactivate_plugin",
        "unload_plugin",
    ]
    for tool in tools:
        assert tool["function"]["strict"] is True
        assert_strict(tool["function"]["parameters"])


def assert_strict(schema: dict[str, object]) -> None:
    """OpenAI's strict mode: every object is closed and requires all its properties."""
    if "properties" in schema:
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(properties)  # type: ignore[call-overload]
        for each in properties.values():
            assert_strict(each)
    if isinstance(schema.get("items"), dict):
        assert_strict(schema["items"])  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["openai", "openai-responses", "anthropic", "gemini", "mcp"])
def test_tools_print_in_every_form_as_one_document(cli: Cli, form: str) -> None:
    assert len(cli("tools", "--format", form).json) == 6


@pytest.mark.parametrize("words", [("install",), ("frobnicate",), ("list", "--limit", "0"), ("registry", "add")])
def test_wrong_usage_ends_with_exit_code_two(cli: Cli, words: tuple[str, ...]) -> None:
    for_person = cli(*words, code=2, json=False)
    assert (for_person.out, bool(for_person.err)) == ("", True)
    answer = cli(*words, code=2)
    assert (answer.json["ok"], answer.json["error"]["code"], answer.err) == (False, "wrong_usage", "")
    after = cli(*words, "--json", code=2, json=False)
    assert after.json == answer.json, "wherever --json stands"


def test_doctor_says_what_is_there_and_how_to_get_what_is_not(cli: Cli) -> None:
    told = cli("doctor", code=1).json
    checks = {each["name"]: each for each in told["checks"]}
    assert told["ok"] is False
    assert checks["uv"]["ok"]
    assert checks["secrets"]["ok"] is False
    assert "DYNAMIC_PLUGINS_PASSPHRASE" in checks["secrets"]["remedy"]
    assert checks["model"]["ok"]
    assert "manages plugins" in checks["model"]["found"]
    assert json.dumps(checks["registry"]["found"])
