"""What a plugin may reach is granted and taken back on its page: seen exactly, agreed to once, and noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import made_up
from dynamic_plugins.core.permissions import named_permissions
from dynamic_plugins.storage.approval_queue import ApprovalQueue
from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.tier import Level
from tests.conftest import Cli
from tests.test_web import LOOKER
from tests.web_page import HELLO, PASSPHRASE, registry_of, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.web_page import Page, Served, Visitor

PERMISSIONS = "/plugin/permissions"


@pytest.fixture
async def served(home: Path, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(home, registry_of(tmp_path / "registry.json", HELLO)) as served, served.visitor() as visitor:
        await visitor.answer(await visitor.do("install", "hello"), "once")
        yield served


@pytest.fixture
async def visitor(served: Served) -> AsyncIterator[Visitor]:
    async with served.visitor() as visitor:
        yield visitor


async def change(visitor: Visitor, name: str = "hello", **fields: str) -> Page:
    """Send the form of the page, and wait until it asks."""
    told = {field.replace("_", "-"): value for field, value in fields.items()}
    return await visitor.settled(await visitor.post(PERMISSIONS, name=name, **told))


def noted(served: Served, plugin: str = "hello") -> list[tuple[str, str]]:
    return [
        (line["what"], line.get("detail", ""))
        for line in served.app.audit.read(plugin)
        if "consent" not in line["what"]
    ]


async def test_a_grant_is_shown_as_it_will_be_and_counts_once_it_is_agreed_to(
    home: Path, served: Served, visitor: Visitor, tmp_path: Path
) -> None:
    before = served.app.store.get("hello")
    asked = await change(visitor, allow_network="API.example.org:443", allow_read=str(tmp_path), allow_program="git")
    assert f"Grant hello api.example.org:443, reads {tmp_path}, git?" in asked.text
    assert "programs git (" in asked.text
    assert f"its own folder, reads {tmp_path} (" in asked.text
    assert "It counts from its next call" in asked.text
    assert served.app.store.get("hello") == before
    done = await visitor.answer(asked, "once")
    assert done.path.startswith(PERMISSIONS)
    assert "hello may reach what you agreed to, from its next call on." in done.text
    assert served.app.store.get("hello").allowed == named_permissions(
        ["api.example.org:443"], [str(tmp_path)], [], ["git"]
    )
    assert ("grant", f"network: api.example.org:443; files: its own folder, reads {tmp_path}; programs: git") in noted(
        served
    )
    told = Cli(home, {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE})("permissions", "hello").json
    assert told["allowed"]["programs"] == ["git"]


async def test_what_was_granted_is_taken_back_and_a_no_changes_nothing(served: Served, visitor: Visitor) -> None:
    await visitor.answer(await change(visitor, allow_program="git"), "once")
    page = await visitor.get(f"{PERMISSIONS}?name=hello")
    assert "start git you granted it" in page.text
    refused = await visitor.answer(await change(visitor, deny_program="git"), "no")
    assert served.app.store.get("hello").allowed.programs == ("git",)
    assert "declined" in refused.text.lower() or "did not agree" in refused.text.lower()
    asked = await change(visitor, deny_program="git")
    assert "Take back from hello: git?" in asked.text
    assert "programs none (" in asked.text
    done = await visitor.answer(asked, "once")
    assert served.app.store.get("hello").allowed.programs == ()
    assert "start git you took it back" in done.text
    assert [what for what, _ in noted(served) if what in ("grant", "take back")] == ["grant", "take back"]


async def test_of_two_changes_at_once_each_is_asked_about_by_itself_and_answered_once(
    served: Served, visitor: Visitor
) -> None:
    first = await change(visitor, allow_program="git")
    async with served.visitor() as other:
        second = await change(other, allow_program="make")
        assert "make?" in second.text
        await visitor.answer(first, "once")
        # Somebody has changed something since it was shown: what it comes to now is shown before it is done.
        again = await other.answer(second, "once")
        assert "programs git, make (" in again.text
        assert served.app.store.get("hello").allowed.programs == ("git",)
        await other.answer(again, "once")
        late = await other.post("/doing/answer", **again.hidden("/doing/answer"), answer="once")
        assert late.status == 409
    assert served.app.store.get("hello").allowed.programs == ("git", "make")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"allow_network": "https://example.org/x"}, "is no host"),
        ({"allow_read": "notes"}, "is no path"),
        ({"allow_program": "git push"}, "is no program"),
        ({}, "Nothing was entered."),
    ],
)
async def test_what_is_no_host_path_or_program_is_told_and_stays_in_the_form(
    served: Served, visitor: Visitor, fields: dict[str, str], told: str
) -> None:
    page = await change(visitor, **fields)
    assert (page.status, told in page.text) == (409, True)
    assert all(f'value="{text}"' in page.html for text in fields.values())
    assert served.site.operations.under_way() == []


async def test_what_the_operator_s_policy_is_against_is_not_even_asked(home: Path, visitor: Visitor) -> None:
    (home / "policy.toml").write_text("[permissions]\nprograms = []\n")
    page = await change(visitor, allow_program="git")
    assert page.status == 409
    assert "policy" in page.text


async def test_a_folder_with_keys_in_it_is_granted_only_with_a_warning(visitor: Visitor) -> None:
    asked = await change(visitor, allow_read="~/.ssh")
    assert "warning" in asked.text
    assert "keys, passwords or sessions are kept in" in asked.text


@pytest.mark.skipif(probe.best_tier().level is Level.NONE, reason=f"no fence here: {probe.best_tier()}")
async def test_what_a_call_was_refused_is_offered_with_one_click_and_still_asked_about(
    home: Path, tmp_path: Path
) -> None:
    folder = made_up.write_plugin(tmp_path / "looker", "looker", "Looks", LOOKER)
    note = tmp_path / "person" / "note.txt"
    note.parent.mkdir()
    note.write_text("buy milk")
    cli = Cli(home, {"DYNAMIC_PLUGINS_PASSPHRASE": PASSPHRASE})
    registry = registry_of(tmp_path / "registry.json", folder)
    cli("--registry", registry, "install", "looker", "--yes")
    cli("activate", "looker", "--yes")
    call = ("call", "looker", "look", "--args", f'{{"path": "{note.parent}"}}')
    assert cli(*call, code=1).json["error"]["code"] == "permission_denied"
    async with serving(home, registry) as served, served.visitor() as visitor:
        assert "It was refused one thing." in (await visitor.get("/plugin?name=looker")).text
        page = await visitor.get(f"{PERMISSIONS}?name=looker")
        assert f"read {note.parent}" in page.text
        assert "by look" in page.text
        (offered,) = [form for form in forms(page) if "allow-read" in form]
        asked = await visitor.settled(await visitor.post(PERMISSIONS, **offered))
        assert f"Grant looker reads {note.parent}" in asked.text
        done = await visitor.answer(asked, "once")
        assert "What it was refused" not in done.text
        assert ApprovalQueue(home).open() == []
        assert "was refused" not in (await visitor.get("/plugin?name=looker")).text
        assert served.app.audit.read("looker")[-1]["what"] == "grant"
    assert cli(*call).json["result"] == "buy milk"


def forms(page: Page) -> list[dict[str, str]]:
    """Return the hidden fields of each form that changes permissions."""
    import re
    from html import unescape

    found = re.findall(rf'<form method="post" action="{PERMISSIONS}".*?</form>', page.html, re.DOTALL)
    hidden = (re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form) for form in found)
    return [{unescape(name): unescape(value) for name, value in fields} for fields in hidden]
