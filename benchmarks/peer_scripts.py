"""The programs that ``benchmarks.peers`` runs in each library's own environment, as texts.

Each connects to MCP servers in the way that its library's documentation shows first, and then does the same as all
others: it says when it has its first answer, how long further calls take, and what tools a model would be told of.
"""

from __future__ import annotations

_COMMON = '''
import asyncio, json, sys, time
from contextlib import AsyncExitStack

SERVERS = json.loads(sys.argv[1])  # by name: the words of a command
CALLS, AT_ONCE, ROUNDS = map(int, sys.argv[2:5])
TOOL, ARGUMENTS = "get_current_time", {"timezone": "Asia/Tokyo"}
FIRST = next(iter(SERVERS))


def say(**facts):
    """Say something, and wait to be told to go on."""
    print(json.dumps(facts), flush=True)
    sys.stdin.readline()


async def main():
    async with AsyncExitStack() as stack:
        call, listed = await connected(stack)
        tools = await listed()
        say(tools=tools)
        await call()
        say(first=True)
        took = []
        for _ in range(CALLS):
            begun = time.perf_counter()
            await call()
            took.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        for _ in range(ROUNDS):
            await asyncio.gather(*(call() for _ in range(AT_ONCE)))
        say(took=took, rate=AT_ONCE * ROUNDS / (time.perf_counter() - begun) if ROUNDS else 0)


asyncio.run(main())
'''

BARE = '''
import itertools, subprocess


class Bare:
    """JSON-RPC over the pipes of a process, and nothing else."""

    async def start(self, words):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, limit=2**26
        )
        self.numbers, self.waiting = itertools.count(1), {}
        self.reading = asyncio.create_task(self.read())
        info = {"name": "bare", "version": "1"}
        await self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=info)
        self.send(method="notifications/initialized")

    def send(self, **message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")

    async def read(self):
        while line := await self.process.stdout.readline():
            message = json.loads(line)
            if "method" not in message:
                self.waiting.pop(message["id"]).set_result(message)

    async def ask(self, method, **params):
        number = next(self.numbers)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        self.send(id=number, method=method, params=params)
        answer = await asyncio.wait_for(self.waiting[number], 280)
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(str(answer)[:500])
        return answer["result"]

    async def end(self):
        self.process.stdin.close()
        await self.process.wait()
        await self.reading


async def connected(stack):
    clients = [Bare() for _ in SERVERS]
    await asyncio.gather(*(client.start(words) for client, words in zip(clients, SERVERS.values())))
    for client in clients:
        stack.push_async_callback(client.end)

    async def listed():
        pages = await asyncio.gather(*(client.ask("tools/list") for client in clients))
        return [tool for page in pages for tool in page["tools"]]

    tools = await listed()
    # A gateway may put a server's name before it, or have all of them called through one tool of its own.
    names = [tool["name"] for tool in tools]
    name = next((name for name in names if name.endswith(TOOL)), "call_plugin_action")
    arguments = {"action": f"{FIRST}__{TOOL}", "arguments": ARGUMENTS} if name == "call_plugin_action" else ARGUMENTS
    return lambda: clients[0].ask("tools/call", name=name, arguments=arguments), listed
'''

OFFICIAL = """
from mcp import Client, StdioServerParameters, stdio_client


async def connected(stack):
    quiet = open("/dev/null", "w")
    made = [
        Client(stdio_client(StdioServerParameters(command=words[0], args=words[1:]), errlog=quiet), mode="legacy")
        for words in SERVERS.values()
    ]
    clients = [await stack.enter_async_context(client) for client in made]

    async def listed():
        pages = [await client.list_tools() for client in clients]
        return [tool.model_dump(mode="json", exclude_none=True, by_alias=True) for page in pages for tool in page.tools]

    return lambda: clients[0].call_tool(TOOL, ARGUMENTS), listed
"""

OURS = """
from pathlib import Path
from dynamic_plugins import DynamicPlugins


async def connected(stack):
    home = Path(SERVERS[FIRST][0])
    plugins = await stack.enter_async_context(DynamicPlugins(home, confirm_calls="never"))
    name = next(tool.name for tool in plugins.app.toolbox.plugin_tools() if TOOL in tool.name)

    async def call():
        result = await plugins.call(name, ARGUMENTS)
        assert result["ok"], result

    async def listed():
        return [tool["function"] for tool in plugins.tools()]

    return call, listed
"""

FASTMCP = """
from fastmcp import Client


async def connected(stack):
    servers = {name: {"command": words[0], "args": words[1:]} for name, words in SERVERS.items()}
    client = await stack.enter_async_context(Client({"mcpServers": servers}))

    async def listed():
        return [tool.model_dump(mode="json", exclude_none=True, by_alias=True) for tool in await client.list_tools()]

    name = next(tool["name"] for tool in await listed() if tool["name"].endswith(TOOL))
    return lambda: client.call_tool(name, ARGUMENTS), listed
"""

MCP_USE = """
from mcp_use import MCPClient


async def connected(stack):
    servers = {name: {"command": words[0], "args": words[1:]} for name, words in SERVERS.items()}
    client = MCPClient.from_dict({"mcpServers": servers})
    await client.create_all_sessions()
    stack.push_async_callback(client.close_all_sessions)
    sessions = client.get_all_active_sessions()

    async def listed():
        pages = [await session.list_tools() for session in sessions.values()]
        return [tool.model_dump(mode="json", exclude_none=True, by_alias=True) for page in pages for tool in page]

    return lambda: sessions[FIRST].call_tool(TOOL, ARGUMENTS), listed
"""


def program(connecting: str) -> str:
    """Return a whole program that connects in the way of *connecting*."""
    head, _, rest = _COMMON.partition("async def main")
    return f"{head}{connecting}\n\nasync def main{rest}"
