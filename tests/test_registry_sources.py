"""Several registries side by side: which are asked, which are trusted, and files among them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.errors import RegistryUnavailableError
from dynamic_plugins.registry import refresh
from dynamic_plugins.registry.cache import Cache, CopyFacts
from dynamic_plugins.registry.entry import Entry, OfferedAction, Package, Variable
from dynamic_plugins.registry.lazy_entries import EntryList
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.registry.sources import SourceError, SourceList

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, *names: str, **fields: Any) -> Path:
    path.write_text(json.dumps({"schema": 1, "plugins": [{"name": name, **fields} for name in names]}))
    return path


async def sources_of(registry: Registry, name: str) -> list[str]:
    return [entry.source for entry in await registry.get(name)]


async def test_at_first_there_is_the_bundled_snapshot_and_nothing_is_fetched(home: Path) -> None:
    registry = Registry(home)
    entries = await registry.entries()
    assert {entry.source for entry in entries} == {"bundled"}
    assert registry.notices == []
    assert registry.is_trusted("bundled")
    assert list(home.parent.glob("home")) == [], "looking leaves nothing behind"


def test_the_bundled_snapshot_is_parsed_once_and_again_when_it_is_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    first = Registry(home).cached_entries()
    (kept,) = (home / "catalogue").glob("*.entries")
    written = kept.stat().st_mtime_ns
    assert list(Registry(home).cached_entries()) == list(first)
    assert kept.stat().st_mtime_ns == written
    other = tmp_path / "other.json"
    other.write_text('{"schema": 1, "updated": "2026-01-01", "plugins": [{"name": "tea"}]}')
    monkeypatch.setattr(refresh, "SNAPSHOT", other)
    assert [entry.name for entry in Registry(home).cached_entries()] == ["tea"]


async def test_the_same_name_in_two_sources_stays_two(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    registry.sources.add(str(write(tmp_path / "mine.json", "mcp-server-time", "other")), "mine")
    assert await sources_of(registry, "mcp-server-time") == ["bundled", "mine"]
    assert await sources_of(registry, "other") == ["mine"]
    assert await registry.get("unheard-of") == []
    assert [entry.name for entry in await registry.entries()].count("mcp-server-time") == 2


async def test_a_source_is_trusted_only_once_the_person_says_so(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    registry.sources.add(str(write(tmp_path / "mine.json", "a")))
    assert not registry.is_trusted("mine")
    registry.sources.trust("mine")
    assert registry.is_trusted("mine")
    assert Registry(home).is_trusted("mine")
    registry.sources.trust("mine", trusted=False)
    assert not registry.is_trusted("mine")
    assert not registry.is_trusted("unheard-of")


def test_official_registries_are_on_and_trusted_in_a_new_home_and_known_by_name(
    home: Path, official: dict[str, str]
) -> None:
    sources = SourceList(home, official)
    assert list(official) == ["elizaos", "mcp"]
    on = [("bundled", True), ("elizaos", True), ("mcp", True)]
    assert [(source.name, source.trusted) for source in sources.all()] == on
    assert [sources.remove(name).location for name in official] == list(official.values())
    assert [source.name for source in sources.all()] == ["bundled"]
    assert [sources.add(name).location for name in official] == list(official.values())
    assert [(source.name, source.trusted) for source in sources.all()] == on


def test_an_official_registry_that_was_removed_stays_off(home: Path, official: dict[str, str], tmp_path: Path) -> None:
    SourceList(home, official).remove("elizaos")
    again = SourceList(home, official)
    assert [source.name for source in again.all()] == ["bundled", "mcp"]
    assert [source.name for source in again.off()] == ["elizaos"]
    again.add(str(write(tmp_path / "mine.json", "a")), "mine")
    assert [source.name for source in SourceList(home, official).all()] == ["bundled", "mcp", "mine"]
    assert again.add("mcp").trusted, "one that is on stays on"
    assert again.add("elizaos").name == "elizaos"
    assert again.off() == ()


def test_a_home_that_names_its_sources_keeps_what_it_says(home: Path, official: dict[str, str]) -> None:
    SourceList(home, {}).add("https://registry.example/index.json", "mine")
    assert [source.name for source in SourceList(home, official).all()] == ["bundled", "mine"]


def test_an_address_that_only_looks_official_is_not_trusted(home: Path, official: dict[str, str]) -> None:
    sources = SourceList(home, official)
    assert not sources.add(official["mcp"].replace(".io/", ".io.example/"), "mcp2").trusted
    assert not sources.add(official["elizaos"].replace("https:", "http:"), "elizaos2").trusted


def test_sources_are_added_once_and_removed(home: Path, tmp_path: Path) -> None:
    sources = SourceList(home)
    mine = str(write(tmp_path / "Mine & Yours.json", "a"))
    assert sources.add(mine).name == "mine-yours"
    with pytest.raises(SourceError, match="there already"):
        sources.add(mine, "again")
    with pytest.raises(SourceError, match="give another name"):
        sources.add("https://registry.example/index.json", "mine-yours")
    assert sources.remove("mine-yours").location == mine
    with pytest.raises(SourceError, match="no registry called"):
        sources.remove("mine-yours")
    assert sources.remove("bundled").name == "bundled"
    assert sources.all() == ()
    assert sources.add("bundled").trusted


@pytest.mark.parametrize(
    ("location", "name", "why"),
    [
        ("https://me:sesame@registry.example/", None, "plain text"),
        ("https:///index.json", None, "not an address"),
        ("/nowhere/at/all.json", None, "not a file"),
        ("https://registry.example/", "Not A Name", "cannot be"),
        ("https://registry.example/", "bundled", "cannot be"),
    ],
)
def test_a_source_that_cannot_be_one_is_refused(home: Path, location: str, name: str | None, why: str) -> None:
    with pytest.raises(SourceError, match=why) as caught:
        SourceList(home).add(location, name)
    assert "sesame" not in str(caught.value)


async def test_a_broken_source_does_not_hide_the_others(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    broken, good = write(tmp_path / "broken.json", "b"), write(tmp_path / "good.json", "g")
    registry.sources.add(str(broken))
    registry.sources.add(str(good))
    broken.write_text("not JSON at all")
    assert await sources_of(registry, "g") == ["good"]
    assert await sources_of(registry, "mcp-server-time") == ["bundled"]
    (notice,) = registry.notices
    assert str(broken) in notice
    assert "not JSON" in notice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "not a list of sources"),
        ('{"sources": [3]}', "sources.0: a source is a table"),
        ('{"sources": [{"name": "a", "location": "/a"}, {"name": "b"}]}', "sources.1: 'location' is missing"),
        ('{"sources": [{"name": "bundled", "location": "http://evil.example/"}]}', "may pass for the bundled snapshot"),
    ],
)
async def test_a_damaged_list_of_sources_leaves_the_bundled_snapshot_and_says_so(
    home: Path, text: str, said: str, official: dict[str, str]
) -> None:
    SourceList(home, official).remove("mcp")
    (home / "sources.json").write_text(text)
    registry = Registry(home, official=official)
    assert {entry.source for entry in await registry.entries()} == {"bundled"}
    assert "sources.json" in registry.notices[0]
    with pytest.raises(SourceError, match=said):
        registry.sources.all()


async def test_a_source_that_is_added_again_under_another_name_needs_trust_again(home: Path, tmp_path: Path) -> None:
    registry, path = Registry(home), str(write(tmp_path / "mine.json", "a"))
    registry.sources.add(path, "one")
    registry.sources.trust("one")
    assert await sources_of(registry, "a") == ["one"]
    registry.sources.remove("one")
    registry.sources.add(path, "two")
    assert await sources_of(registry, "a") == ["two"]
    assert not registry.is_trusted("two")


async def test_a_given_file_takes_the_place_of_the_configured_sources_and_is_trusted(
    home: Path, tmp_path: Path
) -> None:
    SourceList(home).add(str(write(tmp_path / "configured.json", "configured")))
    given = write(tmp_path / "given.json", "given")
    registry = Registry(home, [str(given), str(given)])
    assert [entry.name for entry in await registry.entries()] == ["given"]
    assert registry.is_trusted(str(given))
    assert not registry.is_trusted("configured")


async def test_a_file_that_changes_is_read_anew_and_one_that_breaks_is_shown_as_it_was(
    home: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "mine.json", "first")
    registry = Registry(home, [str(path)])
    assert [entry.name for entry in await registry.entries()] == ["first"]
    before = registry.fingerprint
    write(path, "second", "third")
    assert [entry.name for entry in await registry.entries()] == ["second", "third"]
    assert registry.fingerprint != before
    path.write_text("<html>")
    assert [entry.name for entry in await registry.entries()] == ["second", "third"]
    assert "last good copy" in registry.notices[0]
    path.unlink()
    another_process = Registry(home, [str(path)])
    assert [entry.name for entry in await another_process.entries()] == ["second", "third"]
    assert "cannot be read" in another_process.notices[0]


@pytest.mark.parametrize("text", [None, "", "<html>", "[]", '{"plugins": [3]}'])
async def test_a_given_file_that_is_no_registry_is_an_error(home: Path, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RegistryUnavailableError, match=r"mine\.json") as caught:
        await Registry(home, [str(path)]).entries()
    assert caught.value.code == "registry_unavailable"


async def test_skipped_entries_are_counted_in_a_notice(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"plugins": [{"name": "a"}, 3, {"name": 4}]}))
    registry = Registry(home, [str(path)])
    await registry.entries()
    (state,) = registry.states()
    assert (state.entries, state.skipped) == (1, 2)
    assert "2 bad entries skipped" in registry.notices[0]


async def test_a_home_that_cannot_be_written_still_reads(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file where the folder should be")
    registry = Registry(home, [str(write(tmp_path / "mine.json", "a"))])
    assert [entry.name for entry in await registry.entries()] == ["a"]


async def test_how_each_source_stands_is_known_without_asking(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    registry.sources.add(str(write(tmp_path / "mine.json", "a", "b")))
    registry.sources.add("http://127.0.0.1:9/index.json", "far")
    bundled, mine, far = registry.states()
    assert (bundled.source.trusted, bundled.problem) == (True, "")
    assert datetime.fromtimestamp(bundled.fetched_at, UTC).date().isoformat() == bundled.updated
    assert (mine.entries, mine.source.trusted) == (2, False)
    assert (far.entries, far.fetched_at) == (0, 0.0)
    (refreshed,) = await registry.refresh("far")
    assert "cannot be reached" in refreshed.problem
    with pytest.raises(SourceError):
        await registry.refresh("unheard-of")


def test_the_copy_of_a_removed_source_is_forgotten(home: Path, tmp_path: Path) -> None:
    registry = Registry(home)
    registry.sources.add(str(write(tmp_path / "mine.json", "a")))
    registry.states()
    assert list((home / "registry").iterdir())
    registry.forget(registry.sources.remove("mine"))
    assert [path.name for path in (home / "registry").iterdir() if not path.name.startswith("bundled-")] == []


# ---------------------------------------------------------------- copies


def many(count: int) -> EntryList:
    return EntryList(
        [
            Entry(
                f"io.github.somebody/server-{index}",
                "mcp",
                f'Does "thing" number {index}, caf\u00e9 and \U0001f308',
                f"github:somebody/server-{index}",
                ("one", "two", "three"),
                (Package("npm", f"server-{index}", "1.0.0"),),
                (Variable("API_KEY", "The key", required=True, secret=True),),
                (OfferedAction("act", "Acts"),),
                "many",
            )
            for index in range(count)
        ],
        "many",
    )


def test_a_copy_reads_back_exactly_and_by_name(tmp_path: Path) -> None:
    cache, entries = Cache(tmp_path), many(50)
    cache.keep("somewhere", CopyFacts("digest", 1.0, etag='"x"', why_skipped=("a",)), entries)
    copy = cache.load("somewhere", "many")
    assert copy is not None
    assert copy.facts == CopyFacts("digest", 1.0, etag='"x"', why_skipped=("a",))
    assert copy.entries.names() == [entry.name for entry in entries]
    assert copy.entries.named("io.github.somebody/server-7") == entries[7]
    assert copy.entries[-1].source == "many"
    assert tuple(copy.entries[10:12]) == tuple(entries[10:12])
    assert tuple(copy.entries) == tuple(entries)
    assert cache.load("elsewhere", "many") is None


def test_a_copy_is_read_without_the_libraries_that_fetch_and_check(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", "a")
    program = (
        "import asyncio, pathlib, sys\n"
        "from dynamic_plugins.registry.registry import Registry\n"
        f"registry = Registry(pathlib.Path({str(tmp_path / 'home')!r}), [{str(path)!r}])\n"
        "assert [e.name for e in asyncio.run(registry.entries())] == ['a']\n"
        "print([m for m in ('pydantic', 'httpx2', 'jsonschema', 'mcp', 'rapidfuzz', 'filelock') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
