"""What was written before is kept: no call puts a new text in its place, or takes away another thing than was named."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.request import Exchange, Made
from tests.test_call_proposals import tool
from tests.test_offers import answer

DIARY = [
    tool("diary__DIARY_WRITE", "Writes a page", {"title": "string", "content": "string"}),
    tool("diary__DIARY_APPEND", "Adds a text to the end of a page", {"id": "string", "content": "string"}),
    tool("diary__DIARY_DELETE", "Deletes a page", {"id": "string"}),
]
PAGES = {"ok": True, "result": {"pages": [{"id": "boat", "title": "boat"}, {"id": "shed", "title": "shed"}]}}


def proposed(said: str, *before: Exchange) -> list[tuple[str, dict[str, Any]]]:
    return [call for each in propose(said, list(before), DIARY) if not each.missing for call in each.calls]


def written(title: str, content: str) -> Exchange:
    result = {"ok": True, "result": {"id": title, "title": title}}
    call = Made("diary__DIARY_WRITE", {"title": title, "content": content}, result)
    return Exchange(f"write a page {title}: {content}", [call], "Written.")


@pytest.mark.parametrize("said", ["and a second page please: varnish comes on monday", "add to it: varnish on monday"])
def test_a_new_text_never_takes_the_place_of_one_that_was_written_before(said: str) -> None:
    calls = proposed(said, written("boat", "caulk the hull"))
    assert [a for name, a in calls if name == "diary__DIARY_WRITE" and a.get("title") == "boat"] == []


def test_the_old_text_is_not_written_under_another_name() -> None:
    calls = proposed("and for shed: called the roofer", written("boat", "caulk the hull"))
    assert ("diary__DIARY_WRITE", {"title": "shed", "content": "caulk the hull"}) not in calls


def test_what_is_named_is_deleted_and_not_what_was_spoken_of_before() -> None:
    listed = Exchange("which pages are there", [Made("diary__DIARY_LIST", {}, PAGES)], "boat and shed")
    read = Exchange("read boat", [Made("diary__DIARY_READ", {"id": "boat"}, {"ok": True, "result": "x"})], "x")
    calls = proposed("DIARY_DELETE attic", listed, read)
    assert ("diary__DIARY_DELETE", {"id": "boat"}) not in calls


@pytest.mark.parametrize(
    "said", ["install /tmp/things/hello-plugin", "there is a plugin in ~/things/hello-plugin, please install that"]
)
def test_an_order_to_install_a_folder_is_answered_with_its_command(said: str) -> None:
    made = answer({"mcp-server-time": "active"}, said)
    assert "dynamic-plugins install --path" in made.text
    assert (made.calls, made.proposed) == ((), ())
