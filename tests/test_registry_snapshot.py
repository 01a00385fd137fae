"""The snapshot that ships: whole, plain, and fit to be shown to a person and a model."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from dynamic_plugins.core.permissions import FileAccess, Permissions
from dynamic_plugins.registry.entry import to_dict
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.settings import FORBIDDEN_VARIABLES
from dynamic_plugins.text.secret_names import looks_secret

PARSED = parse_registry(SNAPSHOT.read_bytes(), "bundled")
WRITTEN = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["plugins"]
BY_NAME = {entry.name: entry for entry in PARSED.entries}


def test_every_entry_is_read_and_every_name_is_there_once() -> None:
    assert PARSED.skipped == ()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", PARSED.updated)
    assert [entry.name for entry in PARSED.entries] == [each["name"] for each in WRITTEN]
    assert max(Counter(name.lower() for name in BY_NAME).values()) == 1
    assert Counter(entry.kind for entry in PARSED.entries)["elizaos"] >= 95
    assert Counter(entry.kind for entry in PARSED.entries)["mcp"] >= 60


def test_no_entry_loses_anything_when_it_is_read() -> None:
    for written in WRITTEN:
        name, entry = written["name"], BY_NAME[written["name"]]
        assert (entry.kind, entry.description) == (written["kind"], written["description"]), name
        assert list(entry.keywords) == written["keywords"], name
        assert entry.repository == written.get("repository", ""), name
        for key in ("packages", "config", "actions"):
            said = [each["name"] for each in written.get(key, [])]
            assert [each.name for each in getattr(entry, key)] == said, name
        assert to_dict(entry).get("permissions") == written.get("permissions"), name
        for package, told in zip(entry.packages, written["packages"], strict=True):
            assert (package.type, package.version) == (told["type"], told.get("version")), name
            assert len(package.arguments) == len(told.get("arguments", [])), name


def test_every_entry_can_run_here_and_says_in_a_line_what_it_does() -> None:
    for entry in PARSED.entries:
        types = {package.type for package in entry.packages}
        assert types, f"{entry.name}: what cannot run anywhere is not listed"
        assert types <= ({"pypi"} if entry.kind == "elizaos" else {"pypi", "npm"}), entry.name
        assert 3 <= len(entry.description.split()) <= 14, entry.name
        assert len(entry.description) <= 90, entry.name
        assert not entry.description.endswith("."), entry.name
        assert 2 <= len(entry.keywords) <= 8, entry.name
        assert all(word and word == word.strip() for word in entry.keywords), entry.name


def test_every_variable_says_what_it_is_and_secrets_are_flagged() -> None:
    for variable in (variable for entry in PARSED.entries for variable in entry.variables):
        name = variable.name
        assert variable.description, name
        assert name.upper() not in FORBIDDEN_VARIABLES, name
        assert not (variable.secret and variable.default), f"{name}: a secret that everybody knows is none"
        assert variable.secret or not looks_secret(name) or variable.format == "filepath", name
        assert not variable.choices or variable.default in (None, *variable.choices), name


@pytest.mark.parametrize(
    ("name", "package", "needs"),
    [
        ("mcp-server-time", ("pypi", "mcp-server-time"), []),
        ("mcp-server-sqlite", ("pypi", "mcp-server-sqlite"), ["DB_PATH"]),
        ("@modelcontextprotocol/server-filesystem", ("npm", "@modelcontextprotocol/server-filesystem"), ["DIRECTORY"]),
        ("@modelcontextprotocol/server-everything", ("npm", "@modelcontextprotocol/server-everything"), []),
        ("@elizaos/plugin-scratchpad", ("pypi", "elizaos-plugin-scratchpad"), []),
        ("@elizaos/plugin-memory", ("pypi", "elizaos-plugin-memory"), []),
        ("@elizaos/plugin-eliza-classic", ("pypi", "elizaos-plugin-eliza-classic"), []),
        ("@elizaos/plugin-github", ("pypi", "elizaos-plugin-github"), ["GITHUB_API_TOKEN"]),
        ("@elizaos/plugin-shell", ("pypi", "elizaos-plugin-shell"), ["SHELL_ALLOWED_DIRECTORY"]),
    ],
)
def test_plugins_that_people_ask_for_are_there_with_what_they_need(
    name: str, package: tuple[str, str], needs: list[str]
) -> None:
    entry = BY_NAME[name]
    assert (entry.packages[0].type, entry.packages[0].name) == package
    assert [variable.name for variable in entry.variables if variable.required and not variable.default] == needs


@pytest.mark.parametrize(
    ("name", "network", "files", "programs"),
    [
        ("mcp-server-time", (), (), ()),
        ("mcp-server-fetch", None, (), ()),
        ("mcp-server-git", (), (FileAccess("$REPOSITORY", "write"),), ("git",)),
        ("mcp-server-sqlite", (), (FileAccess("$DB_PATH/..", "write"),), ()),
        ("@modelcontextprotocol/server-filesystem", (), (FileAccess("$DIRECTORY", "write"),), ()),
        ("@modelcontextprotocol/server-sequential-thinking", (), (), ()),
        ("firecrawl-mcp", ("api.firecrawl.dev:443",), (), ()),
    ],
)
def test_what_plugins_may_reach_is_declared(
    name: str, network: tuple[str, ...] | None, files: tuple[FileAccess, ...], programs: tuple[str, ...]
) -> None:
    assert BY_NAME[name].permissions == Permissions(network, files, programs, declared=True)


def test_few_entries_may_reach_any_host_without_a_word_of_anybody() -> None:
    silent = [entry.name for entry in PARSED.entries if not entry.permissions.declared]
    assert len(silent) <= 32, silent


def test_the_reference_servers_can_be_found_by_what_their_actions_are_called() -> None:
    assert {action.name for action in BY_NAME["mcp-server-time"].actions} == {"get_current_time", "convert_time"}
    assert {"echo", "get-sum"} <= {action.name for action in BY_NAME["@modelcontextprotocol/server-everything"].actions}


GERMAN_OR_SPANISH = re.compile(r"\b(der|die|das|eine[nrm]?|für|und|im|abrufen|el|los|una?|para|les?|des)\b")


def test_what_actions_do_is_told_in_english() -> None:
    # The only words of another language in the catalogue make their plugin the answer to whatever is asked in it.
    for entry in PARSED.entries:
        for action in entry.actions:
            assert not GERMAN_OR_SPANISH.search(action.description), (entry.name, action.description)
