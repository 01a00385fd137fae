"""How plugins stand: by objects in this process; over HTTP by the prompt, or by the calls and the tools on offer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.embedded.context.request import Request, read_request
from dynamic_plugins.embedded.managing.status_text import standing_in_text
from dynamic_plugins.plugin import Provider
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

FAILED = {"ok": False, "error": {"code": "declined", "message": "no"}}


def request(*steps: tuple[str, dict[str, Any], Any], tools: tuple[str, ...] = (), system: str = "") -> Request:
    """A conversation in which *steps*, calls with their results, were made."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}, {"role": "user", "content": "go on"}]
    for number, (tool, arguments, result) in enumerate(steps):
        function = {"name": tool, "arguments": json.dumps(arguments)}
        call = {"id": str(number), "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": str(number), "content": json.dumps(result)})
    offered = [{"type": "function", "function": {"name": name}} for name in tools]
    return read_request({"messages": [*messages, {"role": "user", "content": "and now"}], "tools": offered})


def stands(*steps: tuple[str, dict[str, Any], Any], **more: Any) -> dict[str, str]:
    found = standing_in_text(request(*steps, **more), {"hello", "moods"})
    return {plugin.name: plugin.status for plugin in found.plugins.values()}


HELLO = {"plugin_name": "hello"}
INSTALL = ("install_plugin", HELLO, {"ok": True, "name": "hello", "version": "1.0.0"})
ACTIVATE = ("activate_plugin", HELLO, {"ok": True, "name": "hello", "status": "active"})


def test_each_call_that_worked_changes_how_its_plugin_stands() -> None:
    assert stands(INSTALL) == {"hello": "installed"}
    assert stands(INSTALL, ACTIVATE) == {"hello": "active"}
    assert stands(INSTALL, ACTIVATE, ("deactivate_plugin", HELLO, {"ok": True})) == {"hello": "inactive"}
    assert stands(INSTALL, ACTIVATE, ("unload_plugin", HELLO, {"ok": True})) == {"hello": "installed"}
    assert stands(INSTALL, ("unload_plugin", HELLO | {"uninstall": True}, {"ok": True})) == {}


def test_a_call_that_failed_changes_nothing() -> None:
    assert stands(("install_plugin", HELLO, FAILED)) == {}
    assert stands(INSTALL, ("activate_plugin", HELLO, FAILED)) == {"hello": "installed"}


def test_a_result_names_the_plugin_that_was_meant_and_what_it_lacks() -> None:
    result = {"ok": True, "name": "moods", "version": "2.0", "needs": [{"name": "MOODS_MOOD"}]}
    [moods] = standing_in_text(request(("install_plugin", {"plugin_name": "Moods!"}, result))).plugins.values()
    assert (moods.name, moods.version, moods.missing) == ("moods", "2.0", ("MOODS_MOOD",))


def test_a_search_tells_what_is_installed() -> None:
    rows = [{"name": "hello", "installed": True, "status": "active"}, {"name": "moods", "installed": False}]
    assert stands(("list_available_plugins", {}, {"ok": True, "plugins": rows})) == {"hello": "active"}


def test_a_known_plugin_whose_actions_are_offered_is_active() -> None:
    assert stands(tools=("hello__greet", "other__thing", "install_plugin")) == {"hello": "active"}


def test_the_status_in_the_system_prompt_goes_before_all_that() -> None:
    system = "<dynamic_plugins_status>" + json.dumps({"plugins": [{"name": "moods"}]}) + "</dynamic_plugins_status>"
    assert stands(INSTALL, ACTIVATE, system=system) == {"moods": "installed"}


async def test_the_built_in_model_of_a_conversation_goes_by_the_plugins_and_not_by_a_text_about_them(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, registries=())
    async with App(settings, approve=approve_everything) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        app.providers = [Provider("dynamic_plugins_status", "", lambda: json.dumps({"plugins": []}))]
        turn = await app.conversation().respond("which plugins are installed?")
        assert "hello" in turn.reply, turn
        plan = await app.conversation().plan("switch hello on")
        assert [(call.tool, call.arguments) for call in plan.calls] == [("activate_plugin", {"plugin_name": "hello"})]
