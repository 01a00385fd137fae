"""What a person configures reaches the plugin as it was given, and spoils nothing of what the plugin says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.redaction.scrubber import Scrubber
from tests.package_index import wheel_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

SERVER = """
import json, os, sys

TOOLS = {tools!r}
def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method, result = message["method"], {{}}
        if method == "initialize":
            version = message["params"]["protocolVersion"]
            info = {{"name": "teller", "version": "1"}}
            result = {{"protocolVersion": version, "capabilities": {{"tools": {{}}}}, "serverInfo": info}}
        elif method == "tools/list":
            result = {{"tools": TOOLS}}
        elif method == "tools/call":
            result = {{"content": [{{"type": "text", "text": answer(**message["params"])}}]}}
        sys.stdout.write(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": result}}) + "\\n")
        sys.stdout.flush()
"""
TOKEN_ARGUMENT = {
    "type": "object",
    "properties": {"token": {"type": "string"}, "user": {"type": "string"}},
    "required": ["token"],
}


def tool(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "description": "a tool", "inputSchema": schema or {"type": "object"}}


def installed(cli: Cli, tmp_path: Path, config: list[dict[str, Any]], tools: list[Any], answer: str) -> Cli:
    """Install a server as people get one: out of a registry, as a wheel, with no network."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    source = SERVER.format(tools=tools) + f"def answer(name, arguments=None, **more):\n    return {answer}\n"
    wheel = wheel_of("teller", "1.0", source, "[console_scripts]\nteller = teller:main\n")
    (wheels / "teller-1.0-py3-none-any.whl").write_bytes(wheel)
    entry = {"name": "teller", "kind": "mcp", "packages": [{"type": "pypi", "name": "teller"}], "config": config}
    (tmp_path / "registry.json").write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    cli.env |= {
        "UV_FIND_LINKS": str(wheels),
        "UV_NO_INDEX": "1",
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "DYNAMIC_PLUGINS_PASSPHRASE": "passphrase",
        "DYNAMIC_PLUGINS_REGISTRIES": str(tmp_path / "registry.json"),
    }
    cli("--registry", str(tmp_path / "registry.json"), "install", "teller", "--yes")
    return cli


SETTINGS = {"MAX_TOKENS": "100", "AUTHOR": "Ada", "AUTH_TYPE": "token", "AUTH_MODE": "search"}


def test_settings_that_the_registry_calls_no_secrets_are_blotted_out_nowhere(cli: Cli, tmp_path: Path) -> None:
    says = "of 100 rows by Ada 3 need a token; the search is done"
    answer = f"{says!r} if name == 'report' else json.dumps(arguments)"
    config = [{"name": name, "secret": False, "required": False} for name in SETTINGS]
    tools = [tool("report"), tool("login", TOKEN_ARGUMENT), tool("search")]
    installed(cli, tmp_path, config, tools, answer)
    cli("configure", "teller", *(f"{name}={value}" for name, value in SETTINGS.items()))
    cli("activate", "teller")
    assert cli("call", "teller", "report").json["result"] == says
    assert cli("call", "teller", "login", "--args", '{"token": "x"}').json["result"] == {"token": "x"}
    assert cli("call", "teller", "search").json["result"] == {}
    offered = cli("tools", "--all").json
    told = {each["function"]["name"]: each["function"] for each in offered if "teller" in json.dumps(each)}
    assert list(told) == ["teller__report", "teller__login", "teller__search"]
    assert list(told["teller__login"]["parameters"]["properties"]) == ["token", "user"]
    assert "***" not in json.dumps(told)


KEY = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"


def test_a_secret_keeps_its_last_line_end(cli: Cli, tmp_path: Path) -> None:
    answer = "json.dumps({'length': len(os.environ['SSH_KEY']), 'ends': os.environ['SSH_KEY'].encode()[-2:].hex()})"
    installed(cli, tmp_path, [{"name": "SSH_KEY", "secret": True}], [tool("tail")], answer)
    cli.env["SSH_KEY"] = KEY
    cli("configure", "teller", "--from-env")
    cli("activate", "teller")
    assert cli("call", "teller", "tail").json["result"] == {"length": 42, "ends": "2d0a"}
    cli("configure", "teller", f"SSH_KEY= {KEY}")
    assert cli("call", "teller", "tail").json["result"] == {"length": 43, "ends": "2d0a"}
    failed = cli("configure", "teller", "SSH_KEY= \n", code=1).json
    assert "must not be empty" in failed["error"]["message"]


@pytest.mark.parametrize("around", ["{}\n", " {}", "{}\r\n", "\n{} \n"])
@pytest.mark.parametrize("secret", ["hunter2x", "aB3dE5fG7hJ9kL1mN3pQ5rS7", "a/b c&9Zq"])
def test_a_secret_is_taken_out_without_the_blanks_around_it_too(around: str, secret: str) -> None:
    scrubber = Scrubber({around.format(secret): "***"})
    assert scrubber.text(f"key '{secret}', and so on") == "key '***', and so on"
    assert scrubber.result([f"key {secret}"]) == ["key ***"]
    assert scrubber.result([json.dumps({"key": secret})]) == ['{"key": "***"}']


def test_a_common_word_is_one_with_a_line_end_too() -> None:
    assert Scrubber({"token\n": "***"}).result("needs a token") == "needs a token"
