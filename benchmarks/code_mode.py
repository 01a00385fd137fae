"""What a task of ten calls takes with and without code mode: tokens sent and received, steps, seconds.

usage: python -m benchmarks.code_mode

A local plugin with eight actions is installed in a temporary home, and one turn is held with a stand-in for an endpoint
that does the same task in three ways: a call in each step, all calls in one step, and one program. Tokens are counted
as ``benchmarks/tokens.py`` counts them; seconds are ours alone, since the stand-in answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from benchmarks.tokens import size, tokens
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.chat.model_client import EndpointModel
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 10
PLUGIN = """
from dynamic_plugins.plugin import Plugin, action

def page(number: int) -> dict:
    "Returns a page of the log: its text, the number of errors it names, and that of the next page."
    return {"text": "the quick brown fox jumps over the lazy dog. " * %d, "errors": number %% 3, "next": number + 1}

def other(text: str, limit: int = 10, exact: bool = False) -> list[str]:
    "Does something else with the log that this task does not need."
    return []

actions = [action(page)] + [action(name=f"other_{number}")(other) for number in range(7)]
plugin = Plugin("log", "Reads a log", actions=actions)
"""
SAID = "add up the errors on the first ten pages of the log"
PROGRAM = """total, number = 0, 0
for _ in range(10):
    found = log__page(number)
    total, number = total + found["errors"], found["next"]
print(total)"""

Steps = list[list[tuple[str, dict[str, Any]]]]
WAYS: dict[str, Steps] = {
    "a call in each step": [[("log__page", {"number": number})] for number in range(CALLS)],
    "all calls in one step": [[("log__page", {"number": number}) for number in range(CALLS)]],
    "one program": [[("run_program", {"code": PROGRAM})]],
}


class Scripted(httpx2.AsyncBaseTransport):
    """A stand-in for an endpoint that takes *steps*, and then says how many errors there are."""

    def __init__(self, steps: Steps) -> None:
        self._steps = iter(steps)
        self.requests: list[dict[str, Any]] = []
        self.received = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(await request.aread()))
        message: dict[str, Any] = {"role": "assistant", "content": None}
        wanted = next(self._steps, None)
        if wanted is None:
            message["content"] = "There are 9 errors on the first ten pages."
            self.received += tokens(message["content"])
        else:
            calls = [{"name": name, "arguments": json.dumps(arguments)} for name, arguments in wanted]
            message["tool_calls"] = [
                {"id": f"call_{len(self.requests)}_{index}", "type": "function", "function": call}
                for index, call in enumerate(calls)
            ]
            self.received += sum(tokens(json.dumps(call)) for call in calls)
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "none", "choices": [choice]}
        return httpx2.Response(200, json=answer)


@dataclass(frozen=True)
class Taken:
    """What one turn took."""

    sent: int
    received: int
    steps: int
    seconds: float


async def taken(home: Path, steps: Steps, *, code_mode: bool) -> Taken:
    """Hold the turn that takes *steps* on *home*, and return what it took."""
    settings = replace(Settings.from_environment(home=home), code_mode=code_mode, max_steps=CALLS + 2)
    async with App(settings, approve=approve_everything, door="chat") as app:
        scripted = Scripted(steps)
        client = openai.AsyncOpenAI(api_key="none", http_client=openai.DefaultAsyncHttpxClient(transport=scripted))
        app._model = EndpointModel(client, "none")
        await app.service.activate("log")
        conversation = app.conversation()
        begun = time.perf_counter()
        turn = await conversation.respond(SAID)
        seconds = time.perf_counter() - begun
        if any(not (call.result or {}).get("ok") for call in turn.calls):
            raise SystemExit(f"a call failed: {turn.calls}")
        sent = sum(sum(size(request).values()) for request in scripted.requests)
        return Taken(sent, scripted.received, len(scripted.requests), seconds)


async def measure(folder: Path, tell: Callable[[str], None] = print) -> None:
    """Print what each way takes, with short and with long results."""
    for name, repeats in (("short results (some 20 tokens)", 1), ("long results (some 500 tokens)", 45)):
        plugin, home = folder / name[:4].strip() / "log", folder / name[:4].strip() / "home"
        plugin.mkdir(parents=True)
        (plugin / "plugin.py").write_text(PLUGIN % repeats)
        async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
            await app.service.install_path(plugin)
        tell(f"{name:34}{'sent':>8}{'received':>10}{'steps':>7}{'seconds':>9}")
        for way, steps in WAYS.items():
            got = await taken(home, steps, code_mode=way == "one program")
            tell(f"  {way:32}{got.sent:>8}{got.received:>10}{got.steps:>7}{got.seconds:>9.2f}")


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
