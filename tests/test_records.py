"""Statuses: one table says which may follow which."""

from __future__ import annotations

import json

import pytest

from dynamic_plugins.core.status import DynamicPluginInfo, PluginState, RequiredVariable, Status, now
from dynamic_plugins.errors import StepError


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (Status.NEEDS_CONFIGURATION, Status.ACTIVE),
        (Status.INSTALLED, Status.ACTIVE),
        (Status.INSTALLED, Status.INACTIVE),
        (Status.ERROR, Status.ACTIVE),
        (Status.NEEDS_CONFIGURATION, Status.LOADED),
    ],
)
def test_a_step_that_is_not_in_the_table_is_refused_and_says_which(start: Status, end: Status) -> None:
    with pytest.raises(StepError, match=f"is {start} and cannot become {end}"):
        PluginState("x", start).to(end)


def test_a_life_goes_from_installed_to_active_and_back() -> None:
    state = PluginState("x", Status.INSTALLED)
    for step in (Status.LOADED, Status.ACTIVE, Status.INACTIVE, Status.ACTIVE, Status.INSTALLED):
        state = state.to(step)
    assert state == PluginState("x", Status.INSTALLED)


def test_every_status_can_reach_every_other() -> None:
    def reachable(start: Status) -> set[Status]:
        seen, edge = {start}, {start}
        while edge:
            edge = {end for each in edge for end in Status if can(each, end)} - seen
            seen |= edge
        return seen

    def can(start: Status, end: Status) -> bool:
        try:
            PluginState("x", start).to(end)
        except StepError:
            return False
        return True

    assert all(reachable(start) == set(Status) for start in Status)


def test_what_is_told_about_a_plugin_is_json() -> None:
    info = DynamicPluginInfo(
        "x", "1.0", "mcp", Status.ACTIVE, "/p", (RequiredVariable("KEY", "a key", True, False),), None, now(), None
    )
    assert json.loads(json.dumps(info.to_dict()))["required_env_vars"] == [
        {"name": "KEY", "description": "a key", "sensitive": True, "is_set": False}
    ]
