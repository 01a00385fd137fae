"""Orders that say nothing but what a call does and with what are carried out, as are texts behind a colon."""

from __future__ import annotations

import pytest

from tests.test_offers import SHOP, answer

ON = {SHOP: "active"}


@pytest.mark.parametrize(
    ("said", "item"),
    [
        ("put oat cakes on my shopping list please", "oat cakes"),
        ("ok now add brown paper to the list", "brown paper"),
        ("Pon tomates", "tomates"),
        ("the shop shuts at noon today, so put on the list: oat cakes", "oat cakes"),
    ],
)
def test_an_order_with_nothing_left_over_is_done(said: str, item: str) -> None:
    done = answer(ON, said)
    assert [(call.tool, call.arguments) for call in done.calls] == [("shop__add_item", {"item": item})]


@pytest.mark.parametrize(
    "said",
    [
        "shall I put oat cakes on my shopping list?",
        "my mother said to put oat cakes on the shopping list",
        "don't put oat cakes on my shopping list",
        "I never put oat cakes on the shopping list",
        "the note says: put on the list: oat cakes",
        "he told me to add this to the list: oat cakes",
        "add no oat cakes to my list",
    ],
)
def test_what_says_more_than_the_order_changes_nothing_at_once(said: str) -> None:
    assert not answer(ON, said).calls
