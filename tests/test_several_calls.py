"""Several calls that one message asks for: for all that was listed, off a list and on it, one that leans on another."""

from __future__ import annotations

from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.context.request import Exchange, Made
from dynamic_plugins.embedded.slots.kept_things import things_kept
from tests.test_call_proposals import tool
from tests.test_last_call_again import ADD, again

STATUS = "modified: src/round.py\nmodified: tests/test_round.py\nuntracked: scratch.txt"
PAPERS = [
    tool("lib__get_abstract", "Get the abstract of a paper.", {"paper_id": "string"}),
    tool("lib__download_paper", "Download a paper.", {"paper_id": "string"}),
    tool(
        "lib__export_citations",
        "Export BibTeX citations of papers.",
        {"paper_ids": {"type": "array", "items": {"type": "string"}}},
    ),
]
FOUND = [{"id": "2305.10001"}, {"id": "2309.20002"}, {"id": "2401.30003"}]
SPOKEN_OF = [
    Exchange("search papers on imputation", [Made("lib__search_papers", {"query": "imputation"}, FOUND)], "Three."),
    Exchange("abstract of the second", [Made("lib__get_abstract", {"paper_id": "2309.20002"}, "text")], "It compares."),
    Exchange("and the third?", [Made("lib__get_abstract", {"paper_id": "2401.30003"}, "text")], "It trains."),
]


@pytest.mark.parametrize(
    "said",
    [
        "stage both modified, scratch stays out",
        "stage the modified ones, scratch stays out",
        "allebei stagen, die scratch niet",
        "añade los dos, scratch no",
    ],
)
def test_all_that_was_listed_is_meant_but_what_is_left_out(said: str) -> None:
    proposals = again(said, "git__git_status", {"repo_path": "/srv/l"}, STATUS, [ADD])
    both = {"repo_path": "/srv/l", "files": ["src/round.py", "tests/test_round.py"]}
    assert (("git__git_add", both),) in [each.calls for each in proposals]


def test_both_of_several_are_those_that_are_named() -> None:
    status = (
        "On branch main\nChanges not staged:\n  modified: a/moth.png\n  modified: b/dash.gd\n  modified: b/dash.tscn"
    )
    proposals = again(
        "stage both dash files, the png's ugly, leave it", "git__git_status", {"repo_path": "/m"}, status, [ADD]
    )
    both = {"repo_path": "/m", "files": ["b/dash.gd", "b/dash.tscn"]}
    assert (("git__git_add", both),) in [each.calls for each in proposals]
    assert not any("Changes not staged:" in str(each.calls) for each in proposals)


def test_the_paper_that_was_downloaded_is_meant_and_no_part_of_a_word_is_one() -> None:
    before = [Exchange("download it", [Made("lib__download_paper", {"paper_id": "2405.09316"}, "downloaded")], "Done.")]
    calls = [each.calls for each in propose("A BibTeX entry for the paper we downloaded from arXiv.", before, PAPERS)]
    assert calls[0] == (("lib__export_citations", {"paper_ids": ["2405.09316"]}),)


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("BibTeX for the two, please", ["2309.20002", "2401.30003"]),
        ("bibtex de los dos porfa", ["2309.20002", "2401.30003"]),
        ("BibTeX for that and for the first", ["2401.30003", "2305.10001"]),
        ("bibtex for all of them", ["2305.10001", "2309.20002", "2401.30003"]),
    ],
)
def test_both_are_those_spoken_of_and_all_are_those_listed(said: str, ids: list[str]) -> None:
    calls = [each.calls for each in propose(said, SPOKEN_OF, PAPERS)]
    assert (("lib__export_citations", {"paper_ids": ids}),) in calls


def test_what_takes_one_thing_is_called_for_each_that_is_meant() -> None:
    calls = [each.calls for each in propose("Download both.", SPOKEN_OF, PAPERS)]
    each_one = tuple(("lib__download_paper", {"paper_id": one}) for one in ("2309.20002", "2401.30003"))
    assert each_one in calls


ON_THE_LIST = [{"item": "double cream", "amount": 1}, {"item": "rolls", "amount": 6}, {"item": "sugar", "amount": 2}]


@pytest.mark.parametrize(
    ("said", "off", "on"),
    [
        (
            "that cream's off, so take that off and I want two cabbages",
            "double cream",
            {"item": "cabbages", "amount": 2},
        ),
        ("sugar haben wir, die kommt weg. und 3 laib brot drauf", "sugar", {"item": "brot", "amount": 3}),
        ("take the sugar off and put honey on instead", "sugar", {"item": "honey"}),
        # Another amount of what is there.
        ("there's eight of us, make it eight rolls", "rolls", {"item": "rolls", "amount": 8}),
        ("ach mist, 4 sugar, die oma kommt", "sugar", {"item": "sugar", "amount": 4}),
        ("three, not two! sorry", "sugar", {"item": "sugar", "amount": 3}),
    ],
)
def test_one_thing_goes_off_a_list_and_another_or_more_of_it_goes_on(said: str, off: str, on: dict[str, Any]) -> None:
    calls = [each.calls for each in again(said, "shop__show_list", {}, ON_THE_LIST)]
    assert (("shop__remove_item", {"item": off}), ("shop__add_item", on)) in calls


def test_what_was_taken_off_a_list_is_not_on_it() -> None:
    before = [
        Exchange("what is on it?", [Made("shop__show_list", {}, ON_THE_LIST)], "Three things."),
        Exchange("sugar off", [Made("shop__remove_item", {"item": "sugar"}, "removed")], "Done."),
    ]
    kept = things_kept(Memory(before), "shop__add_item", "shop__remove_item", "item", "amount")
    assert kept.amounts == {"double cream": 1, "rolls": 6}


BRANCH = tool("git__git_create_branch", "Creates a new branch", {"repo_path": "string", "branch_name": "string"})
SWITCH = tool("git__git_checkout", "Switches branches", {"repo_path": "string", "branch_name": "string"})
COMMIT = tool("git__git_commit", "Records changes to the repository", {"repo_path": "string", "message": "string"})
DIFF = tool("git__git_diff_staged", "Shows the changes that are staged for commit", {"repo_path": "string"})


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (
            "make me a branch warm-oven and check it out pls",
            [("git_create_branch", {"branch_name": "warm-oven"}), ("git_checkout", {"branch_name": "warm-oven"})],
        ),
        (
            'add the untracked one only and commit with "add scratch"',
            [("git_add", {"files": ["scratch.txt"]}), ("git_commit", {"message": "add scratch"})],
        ),
    ],
)
def test_the_second_action_of_a_message_takes_what_the_first_is_about(
    said: str, wanted: list[tuple[str, dict[str, Any]]]
) -> None:
    tools = [BRANCH, SWITCH, COMMIT, DIFF, ADD]
    calls = [each.calls for each in again(said, "git__git_status", {"repo_path": "/srv/l"}, STATUS, tools)]
    assert tuple((f"git__{name}", {"repo_path": "/srv/l", **given}) for name, given in wanted) in calls
