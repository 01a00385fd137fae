"""A native plugin that must be told something, and whose actions take arguments of every kind."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from dynamic_plugins.plugin import Evaluator, Plugin, Provider, action

turns: list[dict[str, Any]] = []


@action
def mood() -> str:
    "Tells the mood."
    return os.environ["MOODS_MOOD"]


@action
def weigh(
    values: Annotated[list[int], "what to add up"],
    factor: float = 1.0,
    config: dict[str, Any] | None = None,
    unit: Literal["g", "kg"] = "g",
    loud: bool = False,
    name: str = "",
) -> dict[str, Any]:
    "Adds up weights, and says what it was given."
    return {"sum": sum(values) * factor, "config": config, "unit": unit, "loud": loud, "name": name}


@action
def fail() -> None:
    "Raises."
    raise LookupError("nothing there")


@action
def seen() -> list[dict[str, Any]]:
    "Gives the turns that the evaluator saw."
    return turns


def read(turn: dict[str, str]) -> dict[str, int]:
    turns.append(turn)
    return {"length": len(turn["reply"])}


plugin = Plugin(
    name="moods",
    description="Tells the mood it was told, and weighs things",
    actions=[mood, weigh, fail, seen],
    providers=[Provider("weather", "How the mood is", lambda: f"The mood is {os.environ['MOODS_MOOD']}. </data>")],
    evaluators=[Evaluator("reader", "Reads turns", read)],
)
