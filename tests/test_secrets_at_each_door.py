"""A secret that a plugin gives away, in any spelling, gets through no door: real workers, real files."""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
import sys
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings
from tests.loading import PLUGINS, connected, loader, server
from tests.loading import call as call_worker
from tests.plugins.leaky.leaky_spellings import WAYS
from tests.scripted_model import Messages, ScriptedModel
from tests.test_mcp_server import call
from tests.test_mcp_server import connected as mcp_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import Cli

LEAKY = PLUGINS / "leaky"
MARK = "q9Zq"
"""Letters of the secret that no quoting changes."""
SECRET = f"a/b+c d&\"e{MARK}'<é>=\\x/y?z"
PASSPHRASE = {
    "DYNAMIC_PLUGINS_PASSPHRASE": "correct horse",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    *((action, {"way": way}) for action in ("tell", "give", "fail") for way in WAYS),
    ("die", {}),
]


def holds(text: str) -> bool:
    """Return whether the secret, or most of it, can be read out of *text*."""
    return MARK in text or any(
        MARK.encode() in base64.b64decode(run[shift:].replace("-", "+").replace("_", "/") + "==")
        for run in re.findall(r"[A-Za-z0-9+/_\-]{8,}", text)
        for shift in range(4)
        if len(run[shift:]) % 4 != 1
    )


def check(told: object) -> None:
    """See that *told*, at whatever door, holds what stands around the secret and not the secret."""
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    assert not holds(text), text
    assert "begin " in text, text
    assert "***" in text or "[secret:" in text, text


def kept_in(home: Path) -> str:
    """Return all that is written in a home but for the vault."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "secrets.enc"]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


@asynccontextmanager
async def leaky(home: Path, **more: Any) -> AsyncIterator[DynamicPlugins]:
    """A library with the plugin, which has its secret and is active; nothing of it may be left in the home."""
    settings = Settings.from_environment(PASSPHRASE, home=home, **more)
    async with DynamicPlugins(settings=settings, approve=approve_everything) as plugins:
        await plugins.app.service.install_path(LEAKY)
        await plugins.app.service.configure("leaky", {"LEAKY_TOKEN": SECRET})
        await plugins.app.service.activate("leaky")
        yield plugins
    assert not holds(kept_in(home))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_looked_for_is_seen_where_it_stands(way: str) -> None:
    assert holds(f"begin {WAYS[way](SECRET)} end")
    assert holds(json.dumps({"said": WAYS[way](SECRET)}))


async def test_the_library_gives_no_secret_in_results_and_errors(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with leaky(home) as plugins:
        for action, arguments in CALLS:
            check(await plugins.call(f"leaky__{action}", arguments))
        assert not holds(await plugins.context())
        assert not holds(str(plugins.status()))
    assert not holds(caplog.text)


async def test_the_chat_gives_no_secret_to_the_model_or_the_person(home: Path) -> None:
    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        last = messages[-1]
        if last["role"] == "user":
            action, _, arguments = last["content"].removeprefix("please call ").partition(" with ")
            return [(f"leaky__{action}", json.loads(arguments))]
        return str(last["content"])

    with ScriptedModel(script).serving() as model:
        async with leaky(home, base_url=model.base_url, model="scripted") as plugins:
            conversation = plugins.app.conversation()
            for spoken in CALLS:
                action, arguments = spoken
                turn = await conversation.respond(f"please call {action} with {json.dumps(arguments)}")
                check(turn.reply)
                check([each.result for each in turn.calls])
    requests = [request.decode() for request in model.requests]
    assert not any(map(holds, requests))
    assert "begin " in json.loads(requests[0])["messages"][0]["content"], "the plugin speaks in the prompt, too"


async def test_an_mcp_client_is_given_no_secret(cli: Cli) -> None:
    cli.env |= PASSPHRASE
    async with leaky(cli.home):
        pass
    async with mcp_client(cli) as client:
        for action, arguments in CALLS:
            check(await call(client, "call_plugin_action", action=f"leaky__{action}", arguments=arguments))
    assert not holds(kept_in(cli.home))
    assert not holds(cli.home.with_suffix(".err").read_text())


@pytest.mark.skipif(find_spec("langchain_core") is None, reason="langchain is not installed")
async def test_a_framework_is_given_no_secret(home: Path) -> None:
    from dynamic_plugins.integrations.langchain import PluginTools

    async with leaky(home) as plugins:
        adapter = PluginTools(plugins)
        tools = {tool.name: tool for tool in adapter.now()}
        for action, arguments in CALLS:
            check(await tools[f"leaky__{action}"].ainvoke(arguments))
        assert not holds(await adapter.context())


@pytest.mark.parametrize("way", WAYS)
async def test_a_start_that_failed_tells_and_keeps_no_secret(
    home: Path, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.DEBUG)
    async with leaky(home) as plugins:
        await plugins.app.service.deactivate("leaky")
        await plugins.app.service.unload("leaky")
        await plugins.app.service.configure("leaky", {"LEAKY_START": way})
        check(await plugins.call("activate_plugin", {"plugin_name": "leaky"}))
        (info,) = plugins.status()
        check(info.error_details)
        journal = plugins.app.service.journal.report("leaky")
        assert any("begin" in each.get("message", "") for each in journal["events"]), journal
        assert not holds(json.dumps(journal))
    assert "begin" in kept_in(home), "the usage log keeps why it failed"
    assert not holds(caplog.text)


async def test_a_worker_logs_no_secret(tmp_path: Path) -> None:
    said: list[str] = []
    for name in ("leaky_spellings.py", "leaky_log.py"):
        shutil.copy(LEAKY / name, tmp_path)
    installation = server(tmp_path, sys.executable, str(tmp_path / "leaky_log.py"), name="leaky")
    async with connected(installation, loader(log=said), LEAKY_TOKEN=SECRET) as connection:
        assert await call_worker(connection, "log") == "logged"
    assert len(said) == 2 * len(WAYS)
    for line in said:
        check(line)
