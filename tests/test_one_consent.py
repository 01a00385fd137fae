"""Installing and switching on in one order is asked about once, with all that either question would show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest
    from tests.conftest import Cli

BOTH, INSTALL = ("install_plugin", "activate_plugin"), ("install_plugin",)


class Person:
    """Answers each question with *answer*, and keeps what was asked."""

    def __init__(self, *, answer: bool = True) -> None:
        self.asked: list[ApprovalRequest] = []
        self._answer = answer

    async def approve(self, request: ApprovalRequest) -> bool:
        self.asked.append(request)
        return self._answer

    @property
    def questions(self) -> list[str]:
        return [request.question.split(" 1")[0] for request in self.asked]


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "registry.json"
    package = {"type": "path", "name": str(EXAMPLES / "hello-plugin")}
    path.write_text(json.dumps({"schema": 1, "plugins": [{"name": "hello", "kind": "python", "packages": [package]}]}))
    return path


async def said(home: Path, registry: Path, person: Person, steps: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Say each of *steps* to a model that makes its calls, all at once; return how hello stands after each."""
    wanted: list[Sequence[str]] = []

    def reply(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] != "user":
            return "done"
        return [(tool, {"plugin_name": "hello"}) for tool in wanted[-1]]

    found = []
    with ScriptedModel(reply).serving() as model:
        settings = Settings.from_environment(
            home=home, registries=(str(registry),), base_url=model.base_url, model="scripted"
        )
        async with App(settings, approve=person.approve) as app:
            conversation = app.conversation()
            for text, calls in steps:
                wanted.append(calls)
                await conversation.respond(text)
                found.append(", ".join(str(info.status) for info in app.service.status()) or "not there")
    return found


async def test_both_in_one_order_are_one_question_that_shows_what_is_started(tmp_path: Path, registry: Path) -> None:
    person = Person()
    assert await said(tmp_path / "home", registry, person, [("install hello and switch it on", BOTH)]) == ["active"]
    assert person.questions == ["Install and switch on hello"]
    (asked,) = person.asked
    assert asked.starts
    alone = Person()
    await said(tmp_path / "other", registry, alone, [("install hello", INSTALL)])
    assert asked.commands[:-1] == alone.asked[0].commands, "and before it what the install alone would have shown"
    assert "hello" in asked.commands[-1]


async def test_a_no_to_both_leaves_nothing(tmp_path: Path, registry: Path) -> None:
    person = Person(answer=False)
    assert await said(tmp_path / "home", registry, person, [("install hello and switch it on", BOTH)]) == ["not there"]
    assert person.questions == ["Install and switch on hello"]


async def test_a_yes_to_an_install_alone_is_none_to_a_start(tmp_path: Path, registry: Path) -> None:
    person = Person()
    steps = [("install hello", INSTALL), ("switch hello on", ("activate_plugin",))]
    assert await said(tmp_path / "home", registry, person, steps) == ["installed", "active"]
    assert person.questions == ["Install hello", "Activate hello"]


def test_install_with_activate_installs_and_switches_on(cli: Cli) -> None:
    done = cli("install", "--path", str(EXAMPLES / "hello-plugin"), "--activate", "--yes", "--allow-unlisted").json
    assert (done["name"], done["status"]) == ("hello", "active")
    assert "greet" in done["actions"]
