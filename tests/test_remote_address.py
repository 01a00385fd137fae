"""The address of a server elsewhere: what a registry says, what a person is told, and what comes of their values."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.install.remote_address import (
    RemoteAddressError,
    check,
    filled,
    headers_of,
    is_near,
    is_public,
    permissions_of,
)
from dynamic_plugins.registry.entry import Header, Remote, Variable
from dynamic_plugins.registry.formats.mcp import server_entry
from dynamic_plugins.workers.remote.address_guard import proxy_for

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mcp.example.com/mcp", "mcp.example.com:443"),
        ("https://mcp.example.com:8443/mcp", "mcp.example.com:8443"),
        ("http://localhost:8000/mcp", "localhost:8000"),
        ("http://[::1]:8000/mcp", "[::1]:8000"),
        ("https://{TEAM}.example.com/mcp", "*.example.com:443"),
        ("https://a-{TEAM}.eu.example.com/mcp", "*.eu.example.com:443"),
        ("https://{HOST}/mcp", "$HOST"),
        ("https://mcp.example.com:{PORT}/mcp", "mcp.example.com"),
        ("{BASE_URL}/mcp", "$BASE_URL"),
    ],
)
def test_what_is_agreed_to_is_the_host_of_the_address(url: str, host: str) -> None:
    check(Remote(url))
    permissions = permissions_of(Remote(url))
    assert (permissions.network, permissions.elsewhere, permissions.files) == ((host,), True, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://{TEAM}.com/mcp",
        "https://{A}{B}/mcp",
        "https://user@mcp.example.com/mcp",
        "https:///mcp",
        "ftp://mcp.example.com",
        "http://mcp.example.com/mcp",
        "https://mcp.example.com/ mcp",
    ],
)
def test_what_could_be_anybodys_address_is_refused(url: str) -> None:
    with pytest.raises(RemoteAddressError):
        check(Remote(url))


@pytest.mark.parametrize(
    ("url", "values", "address"),
    [
        (
            "https://{TEAM}.example.com/{PLACE}/mcp",
            {"TEAM": "ada", "PLACE": "a/b"},
            "https://ada.example.com/a%2Fb/mcp",
        ),
        ("https://example.com/mcp?key={KEY}", {"KEY": "a&b=c#d"}, "https://example.com/mcp?key=a%26b%3Dc%23d"),
        ("{BASE}/mcp", {"BASE": "https://mcp.example.org:8443/"}, "https://mcp.example.org:8443/mcp"),
        ("https://{HOST}/mcp", {"HOST": "mcp.example.org"}, "https://mcp.example.org/mcp"),
        ("http://{HOST}/mcp", {"HOST": "localhost:8000"}, "http://localhost:8000/mcp"),
    ],
)
def test_values_are_put_into_their_place_and_nowhere_else(url: str, values: dict[str, str], address: str) -> None:
    assert filled(Remote(url), values) == address


@pytest.mark.parametrize(
    ("url", "values"),
    [
        ("https://{TEAM}.example.com/mcp", {"TEAM": "evil.example.org/"}),
        ("https://{TEAM}.example.com/mcp", {"TEAM": "ada@evil.example.org"}),
        ("https://{TEAM}.example.com/mcp", {}),
        ("{BASE}/mcp", {"BASE": "http://mcp.example.org"}),
        ("{BASE}/mcp", {"BASE": "https://ada:key@mcp.example.org"}),
        ("{BASE}/mcp", {"BASE": "file:///etc/passwd"}),
        ("http://{HOST}/mcp", {"HOST": "mcp.example.org"}),
        ("https://example.com/{PLACE}", {"PLACE": "a\r\nb"}),
    ],
)
def test_a_value_cannot_lead_elsewhere_and_is_not_quoted(url: str, values: dict[str, str]) -> None:
    with pytest.raises(RemoteAddressError) as refused:
        filled(Remote(url), values)
    assert not any(value in str(refused.value) for value in values.values())


def test_a_header_without_its_value_is_left_out_and_the_connections_own_are_not_an_entrys() -> None:
    remote = Remote("https://e.com", headers=(Header("X-Key", "KEY", "Key {KEY}"), Header("X-Plain", "", "yes")))
    assert headers_of(remote, {}) == {"X-Plain": "yes"}
    assert headers_of(remote, {"KEY": " abc\n"}) == {"X-Key": "Key abc", "X-Plain": "yes"}
    with pytest.raises(RemoteAddressError):
        headers_of(remote, {"KEY": "a\nb"})
    for name in ("Host", "Mcp-Session-Id", "content-length", "Proxy-Authorization"):
        with pytest.raises(RemoteAddressError, match=name):
            check(Remote("https://e.com", headers=(Header(name, "KEY", "{KEY}"),)))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1", "::ffff:192.168.0.1", "2002:a00:1::"),
        *("::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "3fff::1", "5f00::1"),
    ],
)
def test_an_address_of_the_own_network_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_near(address)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        *(("mcp.example.com:443", False), ("8.8.8.8", False), ("printer.local", True), ("intranet", True)),
        *(("$HOST", False), ("2130706433", True), ("127.1:80", True)),
        *(("2606:4700::1111", False), ("[2606:4700::1111]:443", False)),
    ],
)
def test_a_name_may_say_that_it_is_near(host: str, near: bool) -> None:
    assert is_near(host) is near


def test_a_proxy_is_used_as_the_environment_says_and_never_for_this_machine() -> None:
    environment = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "inner.example, .corp.example"}
    assert proxy_for(("https", "mcp.example.com", 443), environment) == "http://proxy.example:3128"
    assert proxy_for(("https", "a.inner.example", 443), environment) == ""
    assert proxy_for(("https", "corp.example", 443), environment) == ""
    assert proxy_for(("https", "localhost", 443), environment) == ""


# ---------------------------------------------------------------------------------------------- server.json


def server(*remotes: Any, **more: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "name": "com.example/notes", "version": "1.0.0", "remotes": list(remotes), **more}


def test_a_server_json_says_where_it_runs_and_what_it_must_be_told() -> None:
    entry = server_entry(
        server(
            {"type": "sse", "url": "https://mcp.example.com/sse"},
            {
                "type": "streamable-http",
                "url": "https://{team-name}.example.com/mcp",
                "variables": {"team-name": {"description": "Your team", "isRequired": True}},
                "headers": [
                    {
                        "name": "Authorization",
                        "value": "Bearer {api_key}",
                        "isRequired": True,
                        "variables": {"api_key": {"isSecret": True, "description": "Your key"}},
                    },
                    {"name": "X-Region", "description": "Where", "default": "eu", "isSecret": False},
                    {"name": "X-Client", "value": "agent"},
                ],
            },
        ),
        "mcp",
    )
    assert entry.remote == Remote(
        "https://{TEAM_NAME}.example.com/mcp",
        "streamable-http",
        "headers",
        (
            Header("Authorization", "API_KEY", "Bearer {API_KEY}"),
            Header("X-Region", "X_REGION", "{X_REGION}"),
            Header("X-Client", "", "agent"),
        ),
        (
            Variable("TEAM_NAME", "Your team", required=True, secret_declared=True),
            Variable("API_KEY", "Your key", required=True, secret=True, secret_declared=True),
            Variable("X_REGION", "Where", default="eu", secret_declared=True),
        ),
    )
    assert [each.name for each in entry.variables] == ["TEAM_NAME", "API_KEY", "X_REGION"]


@pytest.mark.parametrize(
    "remote",
    [
        {"type": "websocket", "url": "wss://mcp.example.com"},
        {"type": "streamable-http"},
        {"type": "sse", "url": "https://e.com/sse", "headers": [{"name": "bad name", "isRequired": True}]},
        "https://mcp.example.com",
    ],
)
def test_a_remote_that_cannot_be_used_is_passed_over(remote: Any) -> None:
    assert server_entry(server(remote), "mcp").remote is None
    second = {"type": "sse", "url": "https://mcp.example.com/sse"}
    assert server_entry(server(remote, second), "mcp").remote == Remote("https://mcp.example.com/sse", "sse")


def test_what_only_its_server_must_be_told_is_not_asked_for_its_package() -> None:
    package = {"registryType": "npm", "identifier": "notes", "version": "1.0.0", "transport": {"type": "stdio"}}
    remote = {"type": "sse", "url": "https://e.com/sse", "headers": [{"name": "X-Key", "isRequired": True}]}
    entry = server_entry(server(remote, packages=[package]), "mcp")
    assert entry.variables == ()
    assert entry.remote is not None
    assert [each.name for each in entry.remote.config] == ["X_KEY"]
