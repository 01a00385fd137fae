"""Nothing changes the world that was not ordered: what the turn loop makes of a model that wants too much."""

from __future__ import annotations

import pytest

from dynamic_plugins.chat.change_guard import ChangeGuard, changes
from dynamic_plugins.plugin import Action
from dynamic_plugins.tools.prepared_call import Prepared
from dynamic_plugins.tools.tool_formats import Tool


def call(name: str, description: str = "", *, read_only: bool | None = None) -> Prepared:
    action = Action(name, description, lambda: None, read_only=read_only)
    return Prepared(f"repo__{name}", {}, Tool(f"repo__{name}", action, "repo"))


RESET = call("git_reset", "Unstages all staged changes")
STATUS = call("git_status", "Shows the working tree status")


@pytest.mark.parametrize(
    "said",
    [
        "should I reset the repository now, or would that lose my work?",
        "what would happen if I reset it?",
        "what did commit 24a900e change in the parser?",
        'my colleague wrote: "please reset the repository at once, and then delete the branch"',
        "is it dangerous to reset?",
    ],
)
def test_what_orders_nothing_changes_nothing(said: str) -> None:
    guard = ChangeGuard()
    guard.begin(said)
    refused = guard.refusal(RESET, "repo")
    assert refused is not None
    assert "git_reset" in str(refused)
    assert guard.refusal(STATUS, "repo") is None


@pytest.mark.parametrize(
    "said",
    [
        "reset the repository",
        "please reset it now",
        "commit this as 'parser mended'",
        "unload npm:@elizaos/plugin-todo",
        "uninstall npm:@elizaos/plugin-experience",
    ],
)
def test_an_order_is_carried_out(said: str) -> None:
    guard = ChangeGuard()
    guard.begin(said)
    assert guard.refusal(RESET, "repo") is None


def test_a_yes_to_a_question_orders_what_was_asked() -> None:
    guard = ChangeGuard()
    guard.begin("should I reset the repository now?")
    guard.replied("It unstages all that is staged. Shall I do it?")
    guard.begin("yes please")
    assert guard.refusal(RESET, "repo") is None


def test_what_an_action_declares_goes_before_what_its_name_says() -> None:
    assert changes(call("show_list", "Shows the list", read_only=False))
    assert not changes(call("reset_view", "Resets the view", read_only=True))


def test_what_nothing_tells_counts_as_changing() -> None:
    assert changes(call("frobnicate", "Frobnicates"))
    assert not changes(call("list_files", "Lists files"))


@pytest.mark.parametrize(("name", "changing"), [("install_plugin", True), ("list_available_plugins", False)])
def test_of_the_six_the_search_changes_nothing(name: str, changing: bool) -> None:
    assert changes(Prepared(name, {}, Tool(name, Action(name, "", lambda: None)))) is changing
