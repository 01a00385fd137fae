"""The snapshot that ships: whole, plain, and fit to be shown to a person and a model."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from dynamic_plugins.registry.fields import looks_secret
from dynamic_plugins.registry.formats import parse_registry
from dynamic_plugins.registry.reading import SNAPSHOT
from dynamic_plugins.settings import FORBIDDEN_VARIABLES

PARSED = parse_registry(SNAPSHOT.read_bytes(), "bundled")
BY_NAME = {entry.name: entry for entry in PARSED.entries}


def test_every_entry_is_read_and_every_name_is_there_once() -> None:
    assert PARSED.skipped == ()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", PARSED.updated)
    written = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["plugins"]
    assert [entry.name for entry in PARSED.entries] == [each["name"] for each in written]
    assert max(Counter(name.lower() for name in BY_NAME).values()) == 1
    assert Counter(entry.kind for entry in PARSED.entries)["elizaos"] >= 95
    assert Counter(entry.kind for entry in PARSED.entries)["mcp"] >= 60


@pytest.mark.parametrize(
    "written", json.loads(SNAPSHOT.read_text(encoding="utf-8"))["plugins"], ids=lambda e: e["name"]
)
def test_an_entry_of_the_snapshot_loses_nothing_when_it_is_read(written: dict[str, Any]) -> None:
    entry = BY_NAME[written["name"]]
    assert (entry.kind, entry.description) == (written["kind"], written["description"])
    assert list(entry.keywords) == written["keywords"]
    assert entry.repository == written.get("repository", "")
    for key in ("packages", "config", "actions"):
        assert [each.name for each in getattr(entry, key)] == [each["name"] for each in written.get(key, [])]
    for package, said in zip(entry.packages, written["packages"], strict=True):
        assert (package.type, package.version) == (said["type"], said.get("version"))
        assert len(package.arguments) == len(said.get("arguments", []))


@pytest.mark.parametrize("entry", PARSED.entries, ids=lambda entry: entry.name)
def test_an_entry_of_the_snapshot_can_run_here_and_says_what_it_does(entry: Any) -> None:
    assert entry.packages, "what cannot run anywhere is not listed"
    assert {package.type for package in entry.packages} <= {"pypi", "npm"}
    assert entry.kind != "elizaos" or all(package.type == "pypi" for package in entry.packages)
    assert 3 <= len(entry.description.split()) <= 14
    assert len(entry.description) <= 90
    assert not entry.description.endswith(".")
    assert 2 <= len(entry.keywords) <= 8
    assert all(word == word.strip() and word for word in entry.keywords)
    for variable in entry.variables:
        assert variable.description
        assert variable.name.upper() not in FORBIDDEN_VARIABLES
        assert not (variable.secret and variable.default), "a secret that everybody knows is none"
        assert variable.secret or not looks_secret(variable.name) or variable.format == "filepath", variable.name
        assert not variable.choices or variable.default is None or variable.default in variable.choices


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


def test_the_reference_servers_can_be_found_by_what_their_actions_are_called() -> None:
    assert {action.name for action in BY_NAME["mcp-server-time"].actions} == {"get_current_time", "convert_time"}
    assert {"echo", "get-sum"} <= {action.name for action in BY_NAME["@modelcontextprotocol/server-everything"].actions}
