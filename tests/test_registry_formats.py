"""What strangers write into registries, and what we read out of it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_plugins.errors import InstallError, NotARegistryError, PluginError, RegistryUnavailableError
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.entry import Argument, Entry, Package, Variable, Verified, to_dict
from dynamic_plugins.registry.formats.detect import ParsedRegistry, parse_registry
from dynamic_plugins.registry.formats.fields import DESCRIPTION_LENGTH
from dynamic_plugins.registry.lazy_entries import EntryList

if TYPE_CHECKING:
    from pathlib import Path


def parse(data: Any, **python: Entry) -> ParsedRegistry:
    return parse_registry(data if isinstance(data, str | bytes) else json.dumps(data), "test", lambda: python)


def own(**fields: Any) -> Entry:
    """Read one entry of our own format."""
    (entry,) = parse({"schema": 1, "plugins": [{"name": "x", **fields}]}).entries
    return entry


def server(**fields: Any) -> dict[str, Any]:
    package = {"registryType": "npm", "identifier": "weather-mcp", "version": "1.2.3", "transport": {"type": "stdio"}}
    return {"name": "io.github.somebody/weather", "description": "Weather", "packages": [package | fields]}


# ---------------------------------------------------------------- our own format


def test_an_entry_is_read_with_everything_it_says() -> None:
    entry = own(
        kind="mcp",
        description="Reads\n  weather",
        repository="https://github.com/somebody/weather.git",
        keywords=["rain", "sun", "rain", 7],
        packages=[{"type": "npm", "name": "weather-mcp", "version": "1.2.3"}],
        config=[{"name": "CITY", "choices": ["Zurich", "Bern"], "default": "Bern"}],
        actions=[{"name": "forecast", "description": "Tomorrow"}, "now"],
    )
    assert (entry.description, entry.repository, entry.keywords) == (
        "Reads weather",
        "github:somebody/weather",
        ("rain", "sun"),
    )
    assert entry.packages == (Package("npm", "weather-mcp", "1.2.3"),)
    assert entry.config == (Variable("CITY", choices=("Zurich", "Bern"), default="Bern"),)
    assert [action.name for action in entry.actions] == ["forecast", "now"]
    assert entry.source == "test"


def test_what_is_written_reads_back_as_it_was() -> None:
    entry = own(packages=[{"type": "pypi", "name": "a", "arguments": [{"type": "named", "name": "--b"}]}])
    assert own(**to_dict(entry)) == entry


def test_what_was_seen_of_a_plugin_and_where_it_is_served_are_read_and_kept() -> None:
    said = {
        "aliases": ["gh"],
        "categories": ["developer"],
        "popularity": 6300,
        "command": "serve",
        "popularity_rank": 4300,
        "problem": "its server is gone",
        "verified": {
            "date": "2026-11-29",
            "version": "1.2",
            "actions": 3,
            "tokens": 210,
            "keyless": True,
            "node": "20",
        },
        "remote": {
            "url": "https://api.example.org/{TEAM}/mcp",
            "transport": "sse",
            "auth": "headers",
            "headers": [{"name": "Authorization", "variable": "TOKEN", "template": "Bearer {TOKEN}"}],
        },
    }
    entry = own(**said)
    assert to_dict(entry) == {"name": "x", "kind": "mcp", **said}
    assert EntryList(EntryList([entry], "test").rows(), "test")[0] == entry


@pytest.mark.parametrize(
    "remote",
    [
        {"url": "ftp://example.org/mcp"},
        {"url": "https://me:word@example.org/mcp"},
        {"url": "https://example.org/mcp", "transport": "pigeon"},
        {"url": "https://example.org/mcp", "headers": [{"name": "Bad: header", "template": "x"}]},
        {"url": "https://example.org/mcp", "headers": [{"name": "X-Key", "template": "a\r\nHost: b"}]},
        {"url": "https://example.org/mcp", "headers": [{"name": "X-Key", "variable": "LD_PRELOAD"}]},
        "https://example.org/mcp",
    ],
)
def test_a_remote_that_could_not_be_reached_as_it_is_meant_is_none(remote: Any) -> None:
    assert own(remote=remote).remote is None


@pytest.mark.parametrize("said", [10**13, int("9" * 4_000), -1, 1.5, True, "12"])
def test_a_number_that_nobody_counts_is_none(said: Any) -> None:
    assert own(popularity=said, popularity_rank=said) == own()


def test_what_says_no_day_was_not_verified() -> None:
    assert own(verified={"actions": 3}).verified is None
    assert own(verified={"date": "2026-11-29", "actions": -1}, popularity=True).verified == Verified("2026-11-29")


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        (
            {"type": "named", "name": "--db-path", "isRequired": True, "format": "filepath"},
            Argument("named", "--db-path", required=True, format="filepath"),
        ),
        (
            {"type": "positional", "valueHint": "directory", "isRepeated": True},
            Argument("positional", hint="directory", repeated=True),
        ),
        (
            {"type": "positional", "hint": "directory", "repeated": True},
            Argument("positional", hint="directory", repeated=True),
        ),
        ({"type": "positional", "value": "serve"}, Argument("positional", value="serve")),
        (
            {"type": "named", "name": "--options", "value": '{"headless": true}'},
            Argument("named", "--options", value='{"headless": true}'),
        ),
        ({"type": "positional", "value": "Bearer ${API}"}, Argument("positional", value="Bearer ${API}")),
        ({"type": "positional", "value": "{{API}} of ${API}"}, Argument("positional", value="{{API}} of ${API}")),
        ({"type": "positional", "value": '{\n\t"a": 1}\n'}, Argument("positional", value='{\n\t"a": 1}')),
        ({"type": "named", "name": "--to", "default": "there\n"}, Argument("named", "--to", default="there")),
        ({"type": "named", "name": "--port", "value": 80}, Argument("named", "--port", value="80")),
        ({"type": "named", "name": "--api-key"}, Argument("named", "--api-key", secret=True)),
        (
            {
                "type": "named",
                "name": "--to",
                "value": "{where}",
                "variables": {"where": {"isRequired": True, "format": "filepath"}},
            },
            Argument("named", "--to", hint="where", required=True, format="filepath"),
        ),
    ],
)
def test_arguments_are_read_in_our_spelling_and_in_that_of_server_json(
    spelled: dict[str, Any], expected: Argument
) -> None:
    entry = own(packages=[{"type": "npm", "name": "a", "arguments": [spelled]}])
    assert entry.packages[0].arguments == (expected,)


@pytest.mark.parametrize("argument", [{"value": "x"}, {"type": "positional", "value": ["x"]}, {"value": "a {b} c"}])
def test_an_argument_that_is_not_understood_is_told(argument: dict[str, Any]) -> None:
    told = {"type": "positional"} | argument if "{" in str(argument["value"]) else argument
    entry = own(packages=[{"type": "npm", "name": "a", "arguments": [told]}])
    assert entry.packages == ()
    assert entry.problem.startswith("its argument {")
    assert str(argument["value"][0]) in entry.problem


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("@elizaos/plugin-rss", "elizaos"),
        ("@somebody/plugin-rss", "elizaos"),
        ("plugin-rss", "elizaos"),
        ("elizaos-plugin-rss", "elizaos"),
        ("mcp-server-time", "mcp"),
        ("io.github.somebody/rss", "mcp"),
    ],
)
def test_an_entry_that_does_not_say_its_kind_gets_the_likely_one(name: str, kind: str) -> None:
    (entry,) = parse({"plugins": [{"name": name}]}).entries
    assert entry.kind == kind


def test_an_entry_that_only_git_or_a_folder_has_is_a_python_plugin() -> None:
    entry = own(packages=[{"type": "git", "name": "github:somebody/thing#v1"}])
    assert (entry.kind, entry.packages[0].name) == ("python", "https://github.com/somebody/thing@v1")


@pytest.mark.parametrize(
    "bad",
    [
        17,
        "text",
        None,
        ["a"],
        {},
        {"name": 17},
        {"name": ""},
        {"name": "   "},
        {"name": None},
        {"name": "a" * 300},
        {"name": "tele\u202egram"},
        {"name": "tele\ngram"},
        {"name": "x", "kind": "malware"},
        {"name": "x", "kind": ["mcp"]},
    ],
)
def test_a_bad_entry_is_skipped_and_told_and_the_others_stay(bad: Any) -> None:
    parsed = parse({"schema": 1, "plugins": [bad, {"name": "good"}]})
    assert [entry.name for entry in parsed.entries] == ["good"]
    assert len(parsed.skipped) == 1


def test_a_name_keeps_its_capitals() -> None:
    assert parse({"plugins": [{"name": "@elizaos/plugin-ATTPs"}]}).entries[0].name == "@elizaos/plugin-ATTPs"


def test_a_name_that_a_registry_has_twice_counts_once() -> None:
    parsed = parse({"plugins": [{"name": "x", "description": "first"}, {"name": "x", "description": "second"}]})
    assert [entry.description for entry in parsed.entries] == ["first"]
    assert parsed.skipped == ("x: named twice",)


def test_fields_of_the_wrong_type_are_left_out() -> None:
    entry = own(description=7, repository=[], keywords="rain", packages={}, config=3, actions=[None, {"name": 3}])
    assert entry == Entry("x")


def test_a_description_of_ten_megabytes_is_cut_and_one_line() -> None:
    entry = own(description="word\n" * 2_000_000)
    assert len(entry.description) <= DESCRIPTION_LENGTH
    assert "\n" not in entry.description


def test_text_for_a_terminal_holds_no_control_characters() -> None:
    assert own(description="\x1b[31mred\u200b \u202eder\x07").description == "[31mred der"


@pytest.mark.parametrize(
    "package",
    [
        {"type": "pypi", "name": "--index-url=http://evil"},
        {"type": "pypi", "name": "a b"},
        {"type": "pypi", "name": "https://evil/x.whl"},
        {"type": "npm", "name": "../../etc"},
        {"type": "npm", "name": "@a/b/c"},
        {"type": "git", "name": "ext::sh -c evil"},
        {"type": "git", "name": "--upload-pack=evil"},
        {"type": "cargo", "name": "a"},
        {"type": ["npm"], "name": "a"},
        {"type": "npm", "name": 4},
        {"type": "npm", "name": "a", "sha256": "not a digest"},
        {"type": "npm", "name": "a", "sha256": 7},
        {"type": "npm", "name": "a", "arguments": [{"type": "named", "name": ""}]},
        {"type": "npm", "name": "a", "arguments": [{"type": "positional", "value": "--x={y}"}]},
        {"type": "npm", "name": "a", "arguments": "rm -rf"},
    ],
)
def test_a_package_that_could_not_be_installed_as_meant_is_left_out(package: Any) -> None:
    assert own(packages=[package]).packages == ()


@pytest.mark.parametrize("version", ["latest", "0.0.0", "", None])
def test_no_version_pins_nothing(version: Any) -> None:
    assert own(packages=[{"type": "npm", "name": "a", "version": version}]).packages[0].version is None


@pytest.mark.parametrize("kind", ["npm", "pypi"])
@pytest.mark.parametrize(
    "version", ["$VERSION", "{{VERSION}}", "^1.2", "~=1.0", ">=1", "*", "1.x", "next", 3, 1.5, [], True]
)
def test_a_version_that_is_none_is_refused_and_does_not_mean_the_newest(
    tmp_path: Path, kind: str, version: Any
) -> None:
    entry = own(packages=[{"type": kind, "name": "a", "version": version}])
    installer = Installer(tmp_path, python=sys.executable, environ=dict(os.environ))
    with pytest.raises(InstallError, match="only exact ones are understood"):
        installer.plan(entry)
    assert installer.plan(entry, "1.2.3").version == "1.2.3"


def test_a_variable_that_decides_which_code_runs_is_left_out() -> None:
    entry = own(config=[{"name": "LD_PRELOAD", "default": "evil.so"}, {"name": "Path"}, {"name": "CITY"}])
    assert [variable.name for variable in entry.config] == ["CITY"]


@pytest.mark.parametrize(
    "name",
    """HTTPS_PROXY http_proxy ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR NIX_SSL_CERT_FILE REQUESTS_CA_BUNDLE
    CURL_CA_BUNDLE AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED SSLKEYLOGFILE PYTHONHTTPSVERIFY
    GIT_SSL_NO_VERIFY GIT_SSL_CAINFO XDG_CONFIG_HOME XDG_DATA_DIRS APPDATA TMPDIR NETRC CURL_HOME UV_INDEX_URL
    UV_CONFIG_FILE PIP_INDEX_URL PIP_CONFIG_FILE PIP_CERT npm_config_registry NPM_CONFIG_CAFILE YARN_REGISTRY
    MY_INDEX_URL GOPROXY HF_ENDPOINT PYTHON_KEYRING_BACKEND KEYRING_PROPERTY_KEYRING_PATH PYTHONSAFEPATH MPLBACKEND
    NODE_V8_COVERAGE LD_BIND_NOW OPENSSL_CONF_INCLUDE""".split(),  # noqa: SIM905 - a table of words reads better
)
def test_a_variable_that_is_the_person_s_own_to_set_is_left_out(name: str) -> None:
    server = {"name": name, "value": "http://collector.invalid"}
    package = {"registryType": "npm", "identifier": "x", "version": "1.0.0", "environmentVariables": [server]}
    assert own(config=[{"name": name, "default": "http://collector.invalid"}]).config == ()
    (entry,) = parse({"name": "a/x", "$schema": "", "packages": [package]}).entries
    assert (len(entry.packages), entry.config) == (1, ())


@pytest.mark.parametrize(
    "name",
    """NODE_ENV INSTAGRAM_PROXY TELEGRAM_PROXY_URL SSH_HOST SSH_KEY GIT_TOKEN GIT_REPO_PATH CONFIG_FILE KUBECONFIG
    DOCKER_HOST DB_SSL_CERT API_BASE_URL DATA_DIR PYTHON_VERSION HTTP_PORT""".split(),  # noqa: SIM905 - a table of words reads better
)
def test_a_variable_of_the_plugin_s_own_stays_with_its_default(name: str) -> None:
    assert [each.default for each in own(config=[{"name": name, "default": "x"}]).config] == ["x"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("GITHUB_TOKEN", True),
        ("OPENAI_API_KEY", True),
        ("DB_PASSWORD", True),
        ("DATABASE_DSN", True),
        ("NEO4J_RESPONSE_TOKEN_LIMIT", False),
        ("WALLET_PUBLIC_KEY", False),
        ("MONKEY", False),
        ("CITY", False),
    ],
)
def test_a_variable_that_nobody_flagged_is_secret_if_its_name_says_so(name: str, secret: bool) -> None:
    assert own(config=[{"name": name}]).config[0].secret is secret
    assert own(config=[{"name": name, "isSecret": not secret}]).config[0].secret is not secret
    assert own(config=[{"name": name, "isSecret": str(not secret)}]).config[0].secret is not secret


# ---------------------------------------------------------------- elizaOS


@pytest.mark.parametrize(
    ("value", "repository"),
    [
        ("github:elizaos-plugins/plugin-rss", "github:elizaos-plugins/plugin-rss"),
        ("github.com/somebody/plugin-rss", "github:somebody/plugin-rss"),
        ("https://github.com/somebody/plugin-rss.git", "github:somebody/plugin-rss"),
        ("git+https://github.com/somebody/plugin-rss", "github:somebody/plugin-rss"),
        ("git@github.com:somebody/plugin-rss.git", "github:somebody/plugin-rss"),
        ("somebody/plugin-rss", "github:somebody/plugin-rss"),
        ("github:Somebody/Mono#main:packages/rss", "github:Somebody/Mono#main:packages/rss"),
        ("github:somebody/plugin-rss#1.x", "github:somebody/plugin-rss#1.x"),
        ("  github:somebody/plugin-rss ", "github:somebody/plugin-rss"),
        ("https://gitlab.com/somebody/plugin-rss.git", "https://gitlab.com/somebody/plugin-rss"),
    ],
)
def test_an_index_maps_names_to_repositories_however_they_are_written(value: str, repository: str) -> None:
    (entry,) = parse({"@elizaos/plugin-rss": value}).entries
    # There a plugin is called like its npm package.
    assert (entry.kind, entry.repository, entry.packages) == ("elizaos", repository, (Package("npm", entry.name),))


def test_a_name_without_a_scope_is_no_package_that_anybody_could_have_published() -> None:
    (entry,) = parse({"plugin-rss": "github:somebody/plugin-rss"}).entries
    assert (entry.kind, entry.packages) == ("elizaos", ())


def test_keys_that_are_empty_or_there_twice_do_no_harm() -> None:
    text = """{
      "": "---- clients ----", "@a/plugin-x": "github:a/old", "": "---- plugins ----",
      "@a/plugin-x": "github:a/new", "@a/plugin-y": "github:a/y", " ": 3
    }"""
    parsed = parse(text)
    assert {entry.name: entry.repository for entry in parsed.entries} == {
        "@a/plugin-x": "github:a/new",
        "@a/plugin-y": "github:a/y",
    }
    assert parsed.skipped == ()


@pytest.mark.parametrize("value", [7, None, [], {}, "", "no repository at all", "javascript:alert(1)"])
def test_a_value_that_is_no_repository_is_skipped(value: Any) -> None:
    parsed = parse({"@a/plugin-x": value, "@a/plugin-y": "github:a/y"})
    assert [entry.name for entry in parsed.entries] == ["@a/plugin-y"]
    assert len(parsed.skipped) == 1


def test_a_plugin_that_exists_in_python_gets_its_package_and_configuration() -> None:
    known = Entry(
        "@a/plugin-x",
        "elizaos",
        "Known",
        packages=(Package("pypi", "elizaos-plugin-x"),),
        config=(Variable("KEY"),),
        source="bundled",
    )
    (entry,) = parse({"@a/plugin-x": "github:a/x"}, **{"@a/plugin-x": known}).entries
    assert (entry.packages, entry.config) == (known.packages, known.config)
    assert (entry.repository, entry.source) == ("github:a/x", "test")


@pytest.mark.parametrize("newest", ["alpha", "v2"])
def test_the_generated_registry_is_read_in_both_its_dialects(newest: str) -> None:
    listed = {
        "git": {"repo": "a/x", "v0": {"version": None, "branch": None}, newest: {"version": None, "branch": "main"}},
        "npm": {"repo": "@a/plugin-x", "v0": None, "v1": "1.0.1", newest: "2.0.0-alpha.3"},
        "description": "Does x",
        "topics": ["elizaos-plugin", "weather"],
        "language": "TypeScript",
    }
    parsed = parse({"lastUpdatedAt": "2026-04-22", "registry": {"@a/plugin-x": listed, "": listed, "@a/plugin-y": 3}})
    (entry,) = parsed.entries
    assert (entry.description, entry.repository, entry.keywords) == ("Does x", "github:a/x", ("weather",))
    assert entry.packages == (Package("npm", "@a/plugin-x", "2.0.0-alpha.3"),)
    assert len(parsed.skipped) == 2


# ---------------------------------------------------------------- MCP


def test_a_server_becomes_an_entry_with_its_variables_and_arguments() -> None:
    (entry,) = parse(
        server(
            packageArguments=[{"type": "positional", "value": "serve"}],
            runtimeArguments=[{"type": "named", "name": "-e", "value": "X={y}"}],
            environmentVariables=[
                {"name": "API_KEY", "isRequired": True, "isSecret": True, "description": "The key"},
                {"name": "MODE", "default": "fast", "choices": ["fast", "slow"]},
                {"name": "FIXED", "value": "1", "isRequired": True},
                {"name": "not a name"},
            ],
        )
    ).entries
    assert entry.packages == (Package("npm", "weather-mcp", "1.2.3", (Argument("positional", value="serve"),)),)
    assert entry.config == (
        Variable("API_KEY", "The key", required=True, secret=True),
        Variable("MODE", default="fast", choices=("fast", "slow")),
        Variable("FIXED", default="1"),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"transport": {"type": "streamable-http", "url": "http://localhost"}},
        {"transport": {"type": "sse"}},
        {"registryType": "oci"},
        {"registryType": "nuget"},
        {"registryType": ["npm"]},
        {"registryBaseUrl": "https://npm.internal.example.net/"},
        {"registryBaseUrl": 3},
        {"fileSha256": "abc"},
    ],
)
def test_a_server_that_cannot_be_started_here_is_listed_without_a_package(fields: dict[str, Any]) -> None:
    (entry,) = parse([server(**fields), {**server(), "name": "other"}]).entries[:1]
    assert entry.packages == ()


def test_a_page_of_the_api_is_read_with_what_it_withdrew_and_where_the_next_begins() -> None:
    def wrapped(name: str, description: str, **official: Any) -> dict[str, Any]:
        meta = {"io.modelcontextprotocol.registry/official": official}
        return {"server": {**server(), "name": name, "description": description}, "_meta": meta}

    parsed = parse(
        {
            "servers": [
                wrapped("a", "new", status="active", isLatest=True),
                wrapped("a", "old", status="active", isLatest=False),
                wrapped("b", "gone", status="deleted", isLatest=True),
                wrapped("c", "still there", status="deprecated", isLatest=True),
                {"server": 3},
            ],
            "metadata": {"count": 5, "nextCursor": "c:1.0.0"},
        }
    )
    assert [(entry.name, entry.description) for entry in parsed.entries] == [("a", "new"), ("c", "still there")]
    assert (set(parsed.deleted), parsed.next_cursor, len(parsed.skipped)) == ({"b"}, "c:1.0.0", 1)


def test_one_server_json_is_a_registry_of_one() -> None:
    assert [entry.name for entry in parse({**server(), "$schema": "x"}).entries] == ["io.github.somebody/weather"]


# ---------------------------------------------------------------- no registry at all


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>Not found</html>",
        b'{"plugins": [',
        b"\xff\xfe\x00",
        b"null",
        b"true",
        b"17",
        b'"text"',
        b"[]",
        b"{}",
        b'{"message": "rate limit exceeded"}',
        b'{"plugins": {"a": 1}}',
        b'{"schema": 2, "plugins": []}',
        b'{"plugins": [1, 2, 3]}',
        b"[" * 100_000,
        b'{"plugins": [' + b"9" * 10_000 + b"]}",
    ],
)
def test_what_is_no_registry_is_an_error_with_its_code(text: bytes) -> None:
    with pytest.raises(NotARegistryError) as caught:
        parse_registry(text, "test")
    assert isinstance(caught.value, RegistryUnavailableError)
    assert caught.value.code == "registry_unavailable"


def test_an_empty_registry_of_ours_is_one() -> None:
    assert parse({"schema": 1, "plugins": []}).entries == ()


# ---------------------------------------------------------------- anything at all

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_KEYS = """
    name kind description repository keywords packages config actions server registryType identifier version type
    arguments packageArguments environmentVariables transport value variables choices git npm repo _meta fileSha256
    remotes $schema metadata nextCursor
""".split()  # noqa: SIM905 - a table of words reads better than thirty quoted strings
_near_miss = st.dictionaries(
    st.sampled_from(_KEYS),
    _json | st.sampled_from(["npm", "pypi", "mcp", "named", "positional", "{x}", "github:a/b"]),
    max_size=8,
)
_registries = st.one_of(
    _json,
    _near_miss,
    st.lists(_near_miss, max_size=4),
    st.fixed_dictionaries({"plugins": st.lists(_near_miss | _json, max_size=4)}),
    st.fixed_dictionaries({"servers": st.lists(_near_miss | _json, max_size=4), "metadata": _near_miss}),
    st.fixed_dictionaries({"registry": st.dictionaries(st.text(max_size=8), _near_miss | _json, max_size=4)}),
    st.dictionaries(st.text(max_size=8), st.sampled_from(["github:a/b", "x", ""]) | _json, max_size=4),
)


@settings(max_examples=80, deadline=None)
@given(_registries)
def test_whatever_json_a_registry_holds_it_is_read_or_refused(data: Any) -> None:
    try:
        parsed = parse_registry(json.dumps(data), "fuzz")
    except PluginError:
        return
    for entry in parsed.entries:
        assert entry.name.strip()
        assert entry.name.isprintable()
        assert entry.description.isprintable()
    kept = EntryList(EntryList(parsed.entries, "fuzz").rows(), "fuzz")
    assert tuple(kept) == parsed.entries


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_a_registry_holds_they_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(NotARegistryError):
        parse_registry(data, "fuzz")
