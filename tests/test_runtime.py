"""What is registered: whole plugins or nothing, all five kinds of component, and a way out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dynamic_plugins.errors import ActionError, BadArgumentsError, ComponentClashError, ContractError
from dynamic_plugins.lifecycle.component_registry import ComponentRegistry
from dynamic_plugins.plugin import Action, Evaluator, Plugin, Provider, Service, Task, action


def everything(name: str = "everything", log: list[str] | None = None) -> Plugin:
    log = [] if log is None else log

    @action
    def double(number: int) -> int:
        "Doubles a number."
        return number * 2

    return Plugin(
        name,
        actions=[double],
        providers=[Provider("mood", "How it is", lambda: "fine")],
        services=[Service("clock", lambda: log.append("start"), lambda: log.append("stop"))],
        evaluators=[Evaluator("length", "Counts", lambda turn: len(turn["reply"]))],
        tasks=[Task("tidy", "Tidies", lambda: log.append("tidy"))],
    )


async def test_all_five_kinds_are_registered_and_leave_again() -> None:
    runtime = ComponentRegistry()
    log: list[str] = []
    unmount = runtime.mount(everything(log=log))
    assert await runtime.execute_action("everything", "double", {"number": 4}) == 8
    assert await runtime.context() == {"everything/mood": "fine"}
    assert await runtime.evaluate({"user": "hi", "reply": "hello"}) == {"everything/length": 5}
    await runtime.start_services("everything")
    await runtime.stop_services("everything")
    assert log == ["start", "stop"]
    unmount()
    unmount()
    assert runtime.plugins == {}
    assert await runtime.context() == {}
    with pytest.raises(ActionError, match="not active"):
        await runtime.execute_action("everything", "double", {"number": 4})


@pytest.mark.parametrize(
    "broken",
    [
        Plugin(""),
        Plugin("x", actions=[Action("", "no name", lambda: None)]),
        Plugin("x", actions=[Action("a", "", lambda: None), Action("a", "", lambda: None)]),
        Plugin("x", actions=[Action("a", "", lambda: None, {"type": "array"})]),
        Plugin("x", actions=[Action("a", "", lambda: None, {"type": "object", "properties": {"b": 3}})]),
        Plugin("x", actions=[Action("a", "", lambda: None, {"type": "object", "default": float("nan")})]),
        Plugin("x", providers=[Provider("p", "", lambda: ""), Provider("p", "", lambda: "")]),
        Plugin("x", services=[Service(" ", lambda: None, lambda: None)]),
    ],
    ids=[
        "no name",
        "nameless action",
        "twice",
        "not an object",
        "not a schema",
        "no JSON",
        "two providers",
        "blank service",
    ],
)
def test_a_plugin_with_a_broken_component_is_refused_whole(broken: Plugin) -> None:
    runtime = ComponentRegistry()
    with pytest.raises((ContractError, ComponentClashError)):
        runtime.mount(broken)
    assert runtime.plugins == {}


def test_a_plugin_that_is_registered_cannot_be_registered_again() -> None:
    runtime = ComponentRegistry()
    runtime.mount(everything())
    with pytest.raises(ComponentClashError):
        runtime.mount(everything())
    assert list(runtime.plugins) == ["everything"]


def test_the_undo_of_an_earlier_mount_does_not_withdraw_a_later_one() -> None:
    runtime = ComponentRegistry()
    first = runtime.mount(everything())
    first()
    runtime.mount(everything())
    first()
    assert list(runtime.plugins) == ["everything"]


async def test_two_plugins_may_use_the_same_names() -> None:
    runtime = ComponentRegistry()
    runtime.mount(everything("one"))
    runtime.mount(everything("two"))
    assert await runtime.execute_action("two", "double", {"number": 1}) == 2


async def test_arguments_that_do_not_fit_are_refused_before_the_handler_runs() -> None:
    called: list[Any] = []

    @action
    def remember(text: str) -> None:
        called.append(text)

    runtime = ComponentRegistry()
    runtime.mount(Plugin("notes", actions=[remember]))
    for wrong in ({}, {"text": 3}, {"text": "a", "more": 1}):
        with pytest.raises(BadArgumentsError) as caught:
            await runtime.execute_action("notes", "remember", wrong)
        assert caught.value.schema == remember.parameters
    assert called == []


async def test_a_handlers_own_error_is_that_calls_error() -> None:
    @action
    def fail() -> None:
        raise RuntimeError("out of paper")

    runtime = ComponentRegistry()
    runtime.mount(Plugin("printer", actions=[fail]))
    with pytest.raises(ActionError, match="out of paper"):
        await runtime.execute_action("printer", "fail", {})


async def test_when_a_service_does_not_start_those_before_it_are_stopped() -> None:
    log: list[str] = []

    def explode() -> None:
        raise RuntimeError("port taken")

    runtime = ComponentRegistry()
    runtime.mount(
        Plugin(
            "server",
            services=[
                Service("first", lambda: log.append("start"), lambda: log.append("stop")),
                Service("second", explode, lambda: log.append("never")),
            ],
        )
    )
    with pytest.raises(RuntimeError, match="port taken"):
        await runtime.start_services("server")
    assert log == ["start", "stop"]


async def test_one_service_that_does_not_stop_does_not_keep_the_others() -> None:
    log: list[str] = []

    def explode() -> None:
        raise RuntimeError("stuck")

    runtime = ComponentRegistry()
    runtime.mount(
        Plugin(
            "server",
            services=[
                Service("first", lambda: None, lambda: log.append("stopped")),
                Service("second", lambda: None, explode),
            ],
        )
    )
    await runtime.stop_services("server")
    assert log == ["stopped"]


async def test_a_provider_that_hangs_or_fails_is_left_out() -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    def fail() -> str:
        raise RuntimeError("no")

    runtime = ComponentRegistry()
    runtime.mount(
        Plugin(
            "p",
            providers=[Provider("good", "", lambda: "yes"), Provider("slow", "", hang), Provider("bad", "", fail)],
        )
    )
    assert await runtime.context(seconds=0.05) == {"p/good": "yes"}
