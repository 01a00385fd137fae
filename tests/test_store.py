"""The saved state: never half written, shared by processes, and careful with a file it does not understand."""

from __future__ import annotations

import json
import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import StateError
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.install.python_environment import Distribution
from dynamic_plugins.registry.entry import Argument, Variable
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.state import StateStore
from dynamic_plugins.storage.stored_plugin import StoredPlugin
from dynamic_plugins.workers.components import Component, Offers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli


def plugin(name: str = "hello") -> StoredPlugin:
    installation = Installation(
        plugin=name,
        kind="mcp",
        version="1.0",
        path=f"/plugins/{name}",
        package_type="pypi",
        package=name,
        source="bundled",
        arguments=(Argument("named", "--path", repeated=True, choices=("a",)),),
        variables=(Variable("KEY", required=True, secret=True),),
        distributions=(Distribution(name, "1.0", "sha256:0"),),
    )
    offers = Offers((Component("action", "greet", parameters={"type": "object"}, similes=("hi",)),))
    return StoredPlugin(installation, "2026-01-01T00:00:00+00:00", enabled=True, offers=offers)


def test_what_was_saved_is_read_back_the_same_by_another_store(tmp_path: Path) -> None:
    StateStore(tmp_path / "state.json").put(plugin())
    assert dict(StateStore(tmp_path / "state.json").read()) == {"hello": plugin()}


def test_a_store_sees_what_another_one_wrote_since(tmp_path: Path) -> None:
    one, other = StateStore(tmp_path / "s"), StateStore(tmp_path / "s")
    assert one.read() == {}
    other.put(plugin())
    assert list(one.read()) == ["hello"]
    other.change("hello", enabled=False)
    assert one.read()["hello"].enabled is False
    other.drop("hello")
    assert one.read() == {}
    assert one.change("hello", enabled=True) is None


def test_a_change_begins_with_what_the_file_says_even_where_its_times_tell_no_difference(tmp_path: Path) -> None:
    one = StateStore(tmp_path / "s")
    one.put(plugin())
    one.change("hello", told="aaaa")
    one.read()
    before = (tmp_path / "s").stat()
    (tmp_path / "s").write_text((tmp_path / "s").read_text().replace("aaaa", "bbbb"))  # as another process would
    os.utime(tmp_path / "s", ns=(before.st_atime_ns, before.st_mtime_ns))
    one.change("hello", enabled=False)
    assert StateStore(tmp_path / "s").read()["hello"].told == "bbbb"


def _put(path: Path, index: int) -> None:
    for step in range(10):
        StateStore(path).put(plugin(f"p{index}-{step}"))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put, args=(tmp_path / "s", index)) for index in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(StateStore(tmp_path / "s").read()) == 40


DEEP = '{"schema": 1, "plugins": ' + '{"x": ' * 100_000


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "plugins": {"x": 3}}', '{"schema": 9}', "[" * 100_000, DEEP],
    ids=lambda content: content[:32],
)
def test_a_file_that_is_not_understood_is_an_error_and_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s"
    path.write_text(content)
    store = StateStore(path)
    with pytest.raises(StateError, match=str(path)):
        store.read()
    with pytest.raises(StateError):
        store.put(plugin())
    assert path.read_text() == content


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop"])
def test_what_is_no_regular_file_is_an_error_at_once_and_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    before = path.lstat()
    for use in (StateStore(path).read, lambda: StateStore(path).put(plugin())):
        with pytest.raises(StateError, match="Move it away to start afresh"):
            use()
    after = path.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("damage", ["pipe", "deep"])
def test_a_command_says_in_one_sentence_what_is_wrong_with_the_state_file(cli: Cli, damage: str) -> None:
    path = Settings(home=cli.home).state_file
    path.parent.mkdir(parents=True, exist_ok=True)
    if damage == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("[" * 100_000)
    error = cli("status", code=1).json["error"]
    assert (str(path) in error["message"], "Move it away" in error["message"]) == (True, True)


def test_a_write_that_fails_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "s")
    store.put(plugin())
    before = (tmp_path / "s").read_text()
    with pytest.raises(TypeError):
        store.change("hello", error_details=object())
    assert (tmp_path / "s").read_text() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["s", "s.lock"]


def test_the_file_is_the_owners_alone_and_says_what_the_person_wishes(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "s")
    store.put(plugin())
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0
    saved = json.loads((tmp_path / "s").read_text())["plugins"]["hello"]
    assert saved["enabled"] is True
    assert "status" not in saved
