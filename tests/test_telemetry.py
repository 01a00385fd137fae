"""OpenTelemetry: one conversation as a collector on loopback gets it, and nothing at all where none is configured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.core import telemetry, telemetry_export
from dynamic_plugins.settings import Settings, Telemetry
from dynamic_plugins.workers import mcp_connection
from tests import loading
from tests.collector import Collector
from tests.conftest import EXAMPLES, Cli
from tests.remote_server import RemoteServer, entry, registry
from tests.scripted_model import Messages, ScriptedModel
from tests.test_mcp_server import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = str(EXAMPLES / "hello-plugin")
KEEPER = str(loading.PLUGINS / "keeper")
TOKEN = "sk-fake-0123456789abcdefghij"
SECRET_WORDS = "Ada Lovelace of 12 St James's Square"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector().serving() as made:
        yield made


@pytest.fixture
def traced(cli: Cli, collector: Collector) -> Cli:
    """A command line whose commands export to the collector."""
    cli.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.address
    return cli


@pytest.fixture(scope="module")
def greeter(module_cli: Cli) -> Cli:
    """A home where a plugin is active that greets; its commands export nothing."""
    module_cli("install", "--path", HELLO, "--yes")
    module_cli("activate", "hello")
    return module_cli


def greeting(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
    """A model that greets by the plugin, then says so."""
    if messages[-1]["role"] == "tool":
        return "I have greeted her."
    return [("hello__greet", {"name": SECRET_WORDS})]


# --------------------------------------------------------------------------------------------- one conversation


@pytest.fixture(scope="module")
def conversation(greeter: Cli) -> tuple[Collector, int]:
    """What a collector got of one conversation, and the port of its model."""
    with Collector().serving() as collector, ScriptedModel(greeting).serving() as model:
        traced = replace(greeter, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
        traced("ask", f"greet {SECRET_WORDS}", "--base-url", model.base_url, "--model", "scripted")
    return collector, int(model.base_url.split(":")[2].split("/")[0])


def test_one_conversation_is_one_trace(conversation: tuple[Collector, int]) -> None:
    collector, port = conversation
    turn, tool = collector.named("invoke_agent dynamic-plugins"), collector.named("execute_tool hello__greet")
    plugin = collector.named("tools/call greet")
    first, second = [span for span in collector.spans if span.name == "chat scripted"]
    assert {span.trace for span in collector.spans} == {turn.trace}
    assert [turn.parent, first.parent, second.parent, tool.parent, plugin.parent] == [
        *("", turn.id, turn.id, turn.id),
        tool.id,
    ]
    assert collector.named("start_plugin hello").parent == tool.id
    assert len(collector.spans) == 6
    assert turn.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "dynamic-plugins",
        "gen_ai.request.model": "scripted",
    }
    assert first.kind == "client"
    assert first.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "scripted",
        "gen_ai.response.model": "scripted",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert tool.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "hello__greet",
        "gen_ai.tool.type": "function",
        "dynamic_plugins.plugin.name": "hello",
    }
    assert plugin.kind == "client"
    assert plugin.attributes.pop("mcp.protocol.version")
    assert plugin.attributes == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "greet",
        "network.transport": "pipe",
        "dynamic_plugins.plugin.name": "hello",
    }
    assert not any(span.failed or span.told for span in collector.spans)
    assert collector.resource["service.name"] == "dynamic-plugins"


def test_its_metrics_are_counted(conversation: tuple[Collector, int]) -> None:
    collector, _ = conversation
    assert collector.counted == {
        "gen_ai.invoke_agent.duration": 1,
        "gen_ai.client.inference.duration": 2,
        "gen_ai.client.inference.usage.input_tokens": 0,  # the scripted model tells of none
        "gen_ai.client.inference.usage.output_tokens": 0,
        "gen_ai.execute_tool.duration": 1,
        "mcp.client.operation.duration": 1,
    }
    (point,) = collector.metrics["gen_ai.client.inference.usage.input_tokens"]
    assert point["gen_ai.token.modality"] == "unknown"


def test_no_argument_result_or_secret_is_sent(traced: Cli, collector: Collector) -> None:
    traced("install", "--path", HELLO, "--yes")
    traced("install", "--path", KEEPER, "--yes")
    traced.env["KEEPER_API_TOKEN"] = TOKEN
    traced.env |= {"DYNAMIC_PLUGINS_PASSPHRASE": "opens it", "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={TOKEN}"}
    traced("configure", "keeper", "--from-env")
    traced("activate", "hello", "keeper")

    wanted: Iterator[str | list[tuple[str, dict[str, Any]]]] = iter(
        [[("hello__greet", {"name": SECRET_WORDS})], [("keeper__tell", {}), ("keeper__fail", {})], "It is done."]
    )
    with ScriptedModel(lambda _: next(wanted)).serving() as model:
        address = model.base_url.replace("://", f"://user:{TOKEN}@")
        traced("ask", f"tell {SECRET_WORDS} all", "--base-url", address, "--model", "scripted", code=None)
    assert collector.named("execute_tool keeper__tell").attributes
    failed = collector.named("execute_tool keeper__fail")
    assert (failed.failed, failed.attributes["error.type"]) == (True, "action_failed")
    failed = collector.named("tools/call fail")
    assert (failed.failed, failed.attributes["error.type"], failed.told) == (True, "tool_error", ())
    for word in (TOKEN, "Lovelace", "Hello", "401 for", "api.invalid", "It is done", "/v1"):
        assert word.encode() not in collector.bytes, word


def test_a_streamed_answer_tells_when_its_first_piece_came(
    collector: Collector, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    code = f"""
import asyncio
from pathlib import Path
from dynamic_plugins.app import App
from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.settings import Settings
import sys

async def main() -> None:
    settings = Settings.from_environment(home={str(home)!r}, model="scripted", base_url=sys.argv[1])
    async with App(settings) as app:
        turn = await app.conversation().respond("hello", Watch(on_text=lambda _: None))
        assert not turn.failed, turn

asyncio.run(main())
"""
    with ScriptedModel(lambda _: "Good day to you").serving() as model:
        subprocess.run([sys.executable, "-c", code, model.base_url], check=True, timeout=60)
    span = collector.named("chat scripted")
    assert span.attributes["gen_ai.request.stream"] is True
    assert 0 < span.attributes["gen_ai.response.time_to_first_chunk"] < 60
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_a_model_that_cannot_be_reached_is_told_as_a_failure(traced: Cli, collector: Collector) -> None:
    traced("ask", "hello", "--base-url", "http://127.0.0.1:9/v1", "--model", "none", code=1)
    asked, turn = collector.named("chat none"), collector.named("invoke_agent dynamic-plugins")
    assert (asked.failed, asked.attributes["error.type"]) == (True, "APIConnectionError")
    assert (turn.failed, turn.attributes["error.type"]) == (True, "model_unavailable")


def test_the_built_in_model_is_a_model_of_this_process(traced: Cli, collector: Collector) -> None:
    traced("ask", "what is there for the time?")
    (asked,) = [span for span in collector.spans if span.name.startswith("chat ")][:1]
    assert (asked.kind, asked.attributes["gen_ai.provider.name"]) == ("internal", "dynamic_plugins")
    assert "server.address" not in asked.attributes


# ------------------------------------------------------------------------------------------------ from end to end


async def test_the_trace_goes_on_in_the_plugins_process(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    async with (
        telemetry.started(Telemetry(traces=True)),
        loading.connected(loading.raw(tmp_path, "traced")) as connection,
    ):
        with telemetry.tool_call("raw__go", "raw"):
            meta = await loading.call(connection, "go")
        with pytest.raises(Exception, match="that is no way"):
            async with loading.connected(loading.raw(tmp_path, "")) as refusing:
                await loading.call(refusing, "refuse")
    span = collector.named("tools/call go")
    assert meta["traceparent"].startswith(f"00-{span.trace}-{span.id}-")
    assert span.parent == collector.named("execute_tool raw__go").id
    refused = collector.named("tools/call refuse").attributes
    assert (refused["error.type"], refused["rpc.response.status_code"]) == ("-32602", "-32602")


async def test_the_trace_of_an_mcp_client_goes_on_with_us(greeter: Cli, collector: Collector) -> None:
    traced = replace(greeter, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with connected(traced) as client:
        asked = {"action": "hello__greet", "arguments": {"name": "Ada"}}
        meta: Any = {"traceparent": f"00-{trace}-{span}-01"}
        await client.call_tool("call_plugin_action", asked, meta=meta)
    served = collector.named("tools/call call_plugin_action")
    assert (served.kind, served.trace, served.parent) == ("server", trace, span)
    assert served.attributes["network.transport"] == "pipe"
    assert collector.named("execute_tool hello__greet").parent == served.id
    assert collector.named("tools/call greet").trace == trace
    assert collector.counted["mcp.server.operation.duration"] == 1


def test_of_a_remote_server_its_host_is_told_and_not_its_address(
    traced: Cli, collector: Collector, tmp_path: Path
) -> None:
    with RemoteServer(folder=tmp_path) as notes:
        traced("--registry", registry(tmp_path, entry(f"{notes.url}?key={TOKEN}")), "install", "notes", "--yes")
        traced("permissions", "notes", "--allow-network", notes.host)
        traced("activate", "notes")
        traced("call", "notes", "add", "--args", '{"a": 1, "b": 2}')
    called = collector.named("tools/call add").attributes
    assert (called["network.transport"], called["network.protocol.name"]) == ("tcp", "http")
    assert (called["server.address"], called["server.port"]) == ("127.0.0.1", notes.port)
    assert TOKEN.encode() not in collector.bytes


# ---------------------------------------------------------------------------------------------- what is configured


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (False, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, (True, True)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, (True, False)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, (True, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_METRICS_EXPORTER": "none"}, (True, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "console"}, (False, True)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "True"}, (False, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, (False, False)),
    ],
)
def test_what_is_exported_is_what_the_variables_say(variables: dict[str, str], expected: tuple[bool, bool]) -> None:
    found = Settings.from_environment(variables).telemetry
    assert (found.traces, found.metrics) == expected
    assert bool(found.problem) is ("OTEL_EXPORTER_OTLP_PROTOCOL" in variables)


def test_doctor_says_what_is_exported(cli: Cli) -> None:
    def told() -> list[str]:
        return [each["found"] for each in cli("doctor", code=None).json["checks"] if each["name"] == "telemetry"]

    assert told() == []
    cli.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    assert told() == ["traces and metrics are exported"]
    cli.env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    assert "only http/protobuf" in told()[0]


NAMED = re.compile(r'"((?:gen_ai|mcp|server|network|rpc|error|dynamic_plugins)\.[a-z_.]+)"')


def test_the_page_lists_every_attribute_and_metric() -> None:
    code = "".join(Path(str(each.__file__)).read_text() for each in (telemetry, telemetry_export, mcp_connection))
    page = (EXAMPLES.parent / "docs" / "telemetry.md").read_text()
    assert set(NAMED.findall(code)) <= set(re.findall(r"`([a-z_.]+)`", page))


LOADED = "import sys; print(*sorted(m for m in sys.modules if m.split('.')[0] in {'opentelemetry', 'google'}))"


def loaded_by(code: str, **environment: str) -> set[str]:
    """Return the modules of OpenTelemetry that *code* has loaded at its end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | environment
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"], capture_output=True, text=True, timeout=120, env=env
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


CALL = """
import asyncio
from pathlib import Path
from dynamic_plugins.app import App
from dynamic_plugins.settings import Settings

async def main() -> None:
    async with App(Settings.from_environment(home={home!r})) as app:
        turn = await app.conversation().respond("hello")
        assert turn.reply, turn
        {more}

asyncio.run(main())
"""


def test_without_configuration_nothing_of_it_is_imported(greeter: Cli) -> None:
    assert loaded_by(CALL.format(home=str(greeter.home), more="pass")) == set()
    # A call of a plugin needs the mcp package, and that imports the API for itself.
    called = loaded_by(CALL.format(home=str(greeter.home), more="await app.service.call('hello', 'recall', {})"))
    assert called <= loaded_by("import mcp, mcp.client, mcp.shared.jsonrpc_dispatcher")
    assert not {name for name in called if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "google"))}


def test_a_collector_that_is_not_there_delays_no_command_for_long_and_says_little(cli: Cli) -> None:
    cli.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    ran = cli("ask", "what is there for the time?", json=False)
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) < 5, ran.err


async def test_a_host_that_traces_itself_gets_our_spans_in_its_trace(tmp_path: Path) -> None:
    code = f"""
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

kept = InMemorySpanExporter()
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
from dynamic_plugins import DynamicPlugins

async def main() -> None:
    with trace.get_tracer("host").start_as_current_span("host"):
        async with DynamicPlugins({str(tmp_path)!r}) as plugins:
            await plugins.call("list_available_plugins", {{"query": "time"}})

asyncio.run(main())
inner, outer = kept.get_finished_spans()
assert inner.name == "execute_tool list_available_plugins", inner.name
assert inner.parent.span_id == outer.context.span_id
"""
    assert loaded_by(code)
