"""A native plugin with one component of every kind, and some that behave oddly."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated, Any

from dynamic_plugins.plugin import Evaluator, Plugin, Provider, Service, Task, action

_state: dict[str, Any] = {"running": False, "starts": 0, "turns": [], "runs": 0}


@action
def greet(name: Annotated[str, "whom"], times: int = 1) -> str:
    "Greets somebody."
    return " ".join([f"Hello, {name}!"] * times)


@action(similes=["add up", "plus"])
async def add(a: float, b: float) -> dict[str, float]:
    "Adds two numbers."
    await asyncio.sleep(0)
    return {"sum": a + b}


@action
def fail() -> None:
    "Raises."
    raise LookupError(f"nothing there, and the key is {os.environ.get('WHOLE_KEY')}")


@action
def state() -> dict[str, Any]:
    "Tells what the other components did."
    return _state


@action
def environment() -> dict[str, str]:
    "Gives the variables that the worker sees."
    return dict(os.environ)


@action
def chatter(lines: int = 3) -> str:
    "Prints to standard output, then answers."
    for number in range(lines):
        print('{"jsonrpc": "2.0", "id": 1, "result": {}}', number)  # noqa: T201
        sys.stdout.flush()
    return "said"


@action
async def wait_for_ever() -> None:
    "Never answers, and says so when it is cancelled."
    _state["waiting"] = True
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        _state["cancelled"] = True
        raise


async def _start() -> None:
    _state["running"] = True
    _state["starts"] += 1


def _stop() -> None:
    _state["running"] = False


def _run() -> int:
    _state["runs"] += 1
    return int(_state["runs"])


plugin = Plugin(
    name="whole",
    description="Has one of everything",
    actions=[greet, add, fail, state, environment, chatter, wait_for_ever],
    providers=[Provider("mood", "How it feels", lambda: "cheerful, 100% of it")],
    services=[Service("engine", _start, _stop)],
    evaluators=[Evaluator("reader", "Reads turns", lambda turn: _state["turns"].append(turn) or len(turn["reply"]))],
    tasks=[Task("tick", "Counts", _run, interval=5.0)],
)
