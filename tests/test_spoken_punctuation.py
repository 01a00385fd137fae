"""Marks that dictation spells out."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.language.spoken_punctuation import with_punctuation


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("install telegram comma and switch it on period", "install telegram, and switch it on."),
        ("does obsidian work with NVDA question mark", "does obsidian work with NVDA?"),
        ("note it full stop what have we got on Leo", "note it. what have we got on Leo"),
        ("milk new line bread exclamation mark", "milk\n bread!"),
    ],
)
def test_a_mark_that_is_spelled_out_is_one(said: str, read: str) -> None:
    assert with_punctuation(said) == read


@pytest.mark.parametrize(
    "said",
    [
        "put a comma after every name",
        "Meenal is on notice period it seems",
        "how long is the trial period",
        "Say period, then go on.",
        "is the comma right",
        "a period of ten years",
        "commander of the periodicals",
    ],
)
def test_a_word_for_a_mark_may_be_what_is_spoken_of(said: str) -> None:
    assert with_punctuation(said) == said
