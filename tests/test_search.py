"""Finding plugins by what they do: by names, words, parts of words, slips and whole requests."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import made_up
from dynamic_plugins.registry.entry import Entry, OfferedAction, Verified
from dynamic_plugins.resolver.search import SearchIndex

if TYPE_CHECKING:
    from pathlib import Path


def plugin(name: str, description: str, *actions: str, keywords: tuple[str, ...] = ()) -> Entry:
    return Entry(name, "mcp", description, keywords=keywords, actions=tuple(OfferedAction(each) for each in actions))


ENTRIES = [
    plugin("@elizaos/plugin-webhooks", "Receives calls from other services", "register_hook"),
    plugin("@elizaos/plugin-pdf", "Extracts text from PDF documents", "readPdfText"),
    plugin(
        "mcp-server-time", "Current time and time zone conversion", "get_current_time", keywords=("timezone", "clock")
    ),
    plugin("io.github.acme/weather-mcp", "Forecasts for any city", "get_forecast", keywords=("weather",)),
    plugin("@elizaos/plugin-telegram", "Talks in Telegram groups and channels", "sendMessage"),
    plugin("io.github.acme/charts", "Draws bar charts and pie charts", "generate_bar_chart"),
    plugin("io.github.acme/files", "Reads and writes files in folders", "read_file", "write_file"),
    plugin("io.github.acme/word", "Makes Word documents", "create_document"),
    plugin("bazi", "八字命理分析", "getChineseCalendar"),
    plugin("@elizaos/plugin-café", "Orders from cafés nearby"),
]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    index = SearchIndex(ENTRIES)
    index.search("food in Rome")  # the table of cities is read at the first of them
    return index


def first(index: SearchIndex, query: str) -> str | None:
    matches = index.search(query, 1)
    return matches[0].entry.name if matches else None


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("webhooks", "@elizaos/plugin-webhooks"),
        ("web hooks", "@elizaos/plugin-webhooks"),
        ("something that reads PDFs", "@elizaos/plugin-pdf"),
        ("what time is it in Tokyo", "mcp-server-time"),
        ("time zones", "mcp-server-time"),
        ("forecasting", "io.github.acme/weather-mcp"),
        ("weathr", "io.github.acme/weather-mcp"),
        ("telegr", "@elizaos/plugin-telegram"),
        ("telegarm", "@elizaos/plugin-telegram"),
        ("barchart", "io.github.acme/charts"),
        ("send message", "@elizaos/plugin-telegram"),
        ("sendMessage", "@elizaos/plugin-telegram"),
        ("generate_bar_chart", "io.github.acme/charts"),
        ("八字", "bazi"),
        ("cafe", "@elizaos/plugin-café"),
        ("temperature tomorrow", "io.github.acme/weather-mcp"),
        ("a graph of my spending", "io.github.acme/charts"),
    ],
)
def test_a_request_finds_what_does_it(index: SearchIndex, query: str, name: str) -> None:
    assert first(index, query) == name


def test_a_file_name_tells_what_is_to_be_done_with_it(index: SearchIndex) -> None:
    assert first(index, "what is in /data/pdf/report.docx") == "io.github.acme/word"
    found = [match.entry.name for match in index.search("save it to /home/me/notes.xyz", 3)]
    assert "io.github.acme/files" in found


def test_a_request_for_several_things_finds_a_plugin_for_each(index: SearchIndex) -> None:
    found = {match.entry.name for match in index.search("Check the weather in Oslo, then make a bar chart of it", 2)}
    assert found == {"io.github.acme/weather-mcp", "io.github.acme/charts"}


def test_scores_fall_from_one_and_there_are_at_most_as_many_as_asked_for(index: SearchIndex) -> None:
    matches = index.search("text files and documents", 3)
    scores = [match.score for match in matches]
    assert len(matches) <= 3
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    assert all(0 < score <= 1 for score in scores)


def test_nothing_is_found_for_what_no_plugin_does(index: SearchIndex) -> None:
    assert index.search("qwxzkjv") == []
    assert index.search("the and of") == []


def test_an_empty_request_shows_the_first_plugins(index: SearchIndex) -> None:
    assert [match.entry for match in index.search("  ", 3)] == ENTRIES[:3]


def test_an_empty_registry_has_nothing() -> None:
    index = SearchIndex([])
    assert index.search("anything") == []
    assert index.search("") == []


@given(st.text(max_size=80))
def test_any_text_is_a_request(index: SearchIndex, query: str) -> None:
    matches = index.search(query, 5)
    assert len(matches) <= 5
    assert len({match.entry.name for match in matches}) == len(matches)


@pytest.mark.parametrize("marked", ['"pdf', "pdf)", "(((pdf", "+pdf", "-pdf", "pdf^9", "pdf~2", "pdf*", "pdf\x00"])
def test_marks_of_a_query_language_mean_nothing(index: SearchIndex, marked: str) -> None:
    assert first(index, marked) == first(index, "pdf") == "@elizaos/plugin-pdf"


@pytest.mark.parametrize("query", ['"', "(((", "*", "\x00", "x" * 100_000])
def test_what_holds_no_word_finds_nothing(index: SearchIndex, query: str) -> None:
    assert index.search(query) == []


def test_the_index_is_kept_for_the_next_process(tmp_path: Path) -> None:
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    # Other entries under the same fingerprint: only the kept index can know the words of the first.
    kept = SearchIndex([Entry(entry.name) for entry in ENTRIES], cache=tmp_path, fingerprint="one")
    assert first(kept, "forecast") == "io.github.acme/weather-mcp"


def test_other_entries_have_an_index_of_their_own(tmp_path: Path) -> None:
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    other = SearchIndex([plugin("new", "Plays chess")], cache=tmp_path, fingerprint="two")
    assert first(other, "chess") == "new"
    assert other.search("forecast") == []


def test_only_the_newest_indexes_stay(tmp_path: Path) -> None:
    for number in range(8):
        SearchIndex(ENTRIES[:2], cache=tmp_path, fingerprint=f"f{number}")
    left = sorted(folder.name for folder in tmp_path.iterdir())
    assert len(left) <= 5
    assert "search-f7" in left


@pytest.mark.parametrize("damage", ["truncated", "emptied", "not a folder"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    folder = tmp_path / "search-one"
    if damage == "truncated":
        for file in folder.iterdir():
            if file.name != "complete":
                file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "emptied":
        for file in folder.iterdir():
            if file.name != "complete":
                file.unlink()
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("a file")
    assert first(SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one"), "forecast") == "io.github.acme/weather-mcp"


def test_a_kept_index_that_lacks_any_one_of_its_files_still_answers(tmp_path: Path) -> None:
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    names = {file.name for file in (tmp_path / "search-one").iterdir()}
    assert names >= {"complete", "words.sqlite"}
    for name in sorted(names):
        (tmp_path / "search-one" / name).unlink()
        index = SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
        assert first(index, "forecast") == "io.github.acme/weather-mcp", name


def test_an_index_answers_on_when_its_files_are_removed(tmp_path: Path) -> None:
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    kept = SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    shutil.rmtree(tmp_path / "search-one")
    assert first(kept, "forecast") == "io.github.acme/weather-mcp"
    assert first(kept, "weathr") == "io.github.acme/weather-mcp"


def test_what_a_killed_process_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    now = time.time()
    for name, age in {"search-one.abandoned": 7200, "search-two.at-work": 60}.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now - age, now - age))
    SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one")
    assert {folder.name for folder in tmp_path.iterdir()} == {"search-one", "search-two.at-work"}


def test_a_cache_that_cannot_be_written_does_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    index = SearchIndex(ENTRIES, cache=tmp_path / "file" / "cache", fingerprint="one")
    assert first(index, "forecast") == "io.github.acme/weather-mcp"


def test_several_may_build_the_same_index_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=30)

    def build(_: int) -> str | None:
        together.wait()
        return first(SearchIndex(ENTRIES, cache=tmp_path, fingerprint="one"), "forecast")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(build, range(4))) == {"io.github.acme/weather-mcp"}


def test_each_of_many_plugins_is_found_by_its_own_words() -> None:
    entries = made_up.entries(300, seed=5)
    index = SearchIndex(entries)
    found = [entry.name == first(index, entry.name.rpartition("/")[2].replace("-", " ")) for entry in entries]
    assert sum(found) / len(found) > 0.9


def test_other_names_and_categories_are_searched_too() -> None:
    index = SearchIndex(
        [
            Entry("acme/issues", description="Issues and pull requests", aliases=("gh", "git hub")),
            Entry("acme/sheets", description="Cells of a workbook", aliases=("google sheets",), categories=("office",)),
            Entry("acme/maps", description="Google maps and sheets of paper"),
        ]
    )
    assert first(index, "gh") == "acme/issues"
    assert first(index, "github") == "acme/issues"
    assert first(index, "google sheets") == "acme/sheets"
    assert first(index, "office") == "acme/sheets"


def test_of_two_that_do_the_same_the_used_and_tried_one_comes_first() -> None:
    seen = Verified("2026-11-01")
    entries = [
        Entry("a", description="Plays chess", problem="it crashes at the first move"),
        Entry("b", description="Plays chess"),
        Entry("c", description="Plays chess", popularity=100_000),
        Entry("d", description="Plays chess", popularity=100_000, verified=seen),
        Entry("e", description="Plays chess", popularity=100_000, verified=seen, repository="elsewhere"),
        Entry("f", description="Mows the lawn", popularity=10_000_000, verified=seen),
    ]
    index = SearchIndex(entries, runs_here=lambda entry: not entry.repository)
    assert [match.entry.name for match in index.search("chess")] == ["d", "c", "b", "e", "a"]


def test_how_much_a_plugin_is_used_moves_it_by_little_and_is_not_held_against_what_nobody_counts() -> None:
    entries = [
        Entry("a", description="Plays chess", popularity=300),
        Entry("b", description="Plays chess"),
        Entry("c", description="Plays chess", popularity_rank=14_000),
        Entry("d", description="Plays chess", popularity_rank=2_000),
        Entry("e", description="Plays chess openings"),
        Entry("f", description="Plays tunes and openings of songs", popularity=10**12),
    ]
    index = SearchIndex(entries)
    found = [match.entry.name for match in index.search("chess")]
    assert found[:4] == ["d", "c", "b", "a"]
    assert first(index, "chess openings") == "e"


def test_what_only_shares_a_common_word_is_not_shown() -> None:
    index = SearchIndex([*ENTRIES, *(Entry(f"reader-{n}", description=f"Reads market {n}") for n in range(9))])
    assert [match.entry.name for match in index.search("read a PDF")] == ["@elizaos/plugin-pdf"]


def test_a_product_that_nobody_has_is_not_answered_with_its_second_word() -> None:
    index = SearchIndex([*ENTRIES, *(Entry(f"pages-{n}", description=f"Pages of kind {n}") for n in range(9))])
    assert index.search("figmatic pages") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ein Pferd und ein Sattel", []),
        ("resumir una hoja", []),
        ("ein PDF, bitte", ["@elizaos/plugin-pdf"]),
        ("look something up in telegram", ["@elizaos/plugin-telegram"]),
    ],
)
def test_what_joins_words_finds_nothing_in_other_languages_either(query: str, found: list[str]) -> None:
    others = [
        Entry("hiking", description="Liefert eine Karte im Gebirge, ein Blatt, bitte"),
        Entry("docs", description="Looks up documents", actions=(OfferedAction("unarchive"),)),
    ]
    assert [match.entry.name for match in SearchIndex([*ENTRIES, *others]).search(query)] == found
