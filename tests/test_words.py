"""Words and their stems: what counts as the same word in a name, a description, a request and a message."""

from __future__ import annotations

import pytest

from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import placed_tokens, plain, tokens, words_and_marks


@pytest.mark.parametrize(
    "forms",
    [
        ("search", "searches", "searching", "searched"),
        ("library", "libraries"),
        ("plan", "plans", "planning", "planned"),
        ("sell", "sells", "selling"),
        ("file", "files", "filed", "filing"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["bus", "red", "ring", "news", "e"])
def test_a_short_word_loses_no_more_than_a_plural(word: str) -> None:
    assert stem(word) in (word, word.removesuffix("s"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("getStockPrice of two_PDFs", ["get", "stock", "price", "of", "two", "pdfs"]),
        ("What's Anna’s café?", ["what", "anna", "cafe"]),  # noqa: RUF001 - as people write them
        ("I'd, we'll, don't", ["i", "we", "dont"]),
        ("天気予報 tokyo", ["天気", "気予", "予報", "tokyo"]),
    ],
)
def test_a_text_is_read_as_plain_words(text: str, words: list[str]) -> None:
    assert tokens(text) == words


@pytest.mark.parametrize("word", ["ディスコード", "디스코드", "твой", "हिन्दी"])
def test_only_latin_letters_lose_their_accents(word: str) -> None:
    assert plain(word) == word


def test_words_are_found_at_their_places() -> None:
    text = "Anna's notes"
    assert [(word, text[start:end]) for word, start, end in placed_tokens(text)] == [
        ("anna", "Anna's"),
        ("notes", "notes"),
    ]
    assert words_and_marks("don't: stop!") == ["don't", ":", "stop", "!"]
