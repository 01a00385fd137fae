"""What a home may take of the disk: nothing is installed past it, and what plugins write ends what may change more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import DiskLimitError
from dynamic_plugins.install.disk_budget import DiskBudget
from dynamic_plugins.settings import Settings
from tests.package_index import package_index

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

MB = 2**20
WRITER = """
import os
from pathlib import Path
from dynamic_plugins.plugin import Plugin, action

@action
def write(name: str, count: int) -> int:
    "Writes so many megabytes."
    return Path(name).write_bytes(os.urandom(count * 2**20))

plugin = Plugin("writer", "Writes", actions=[write])
"""
PROJECT = """
[project]
name = "NAME"
version = "1.0"
[project.entry-points."dynamic_plugins.plugins"]
NAME = "NAME:plugin"
"""


def folder_of(place: Path, name: str, source: str) -> Path:
    folder = place / name
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT.replace("NAME", name))
    (folder / f"{name}.py").write_text(source)
    return folder


def home_of(
    home: Path, megabytes: int, told: Mapping[str, str] | None = None, registries: tuple[str, ...] = ()
) -> tuple[App, list[str]]:
    """Return the application on a home that may take so much, and the names that its person is asked about."""
    asked: list[str] = []

    async def person(request: ApprovalRequest) -> bool:
        asked.append(request.question)
        return True

    environment = {**os.environ, **(told or {}), "DYNAMIC_PLUGINS_DISK_MB": str(megabytes)}
    return App(Settings.from_environment(environment, home=home, registries=registries), approve=person), asked


def left_in(home: Path, pattern: str) -> list[Path]:
    return list(home.rglob(pattern))


async def written_until_refused(app: App) -> None:
    """Write the same megabyte again and again: what was measured a moment ago is not measured again at once."""
    for _ in range(2000):
        await app.service.call("writer", "write", {"name": "d.bin", "count": 1})


async def test_what_plugins_write_past_the_limit_ends_what_may_change_more(home: Path, tmp_path: Path) -> None:
    writer = folder_of(tmp_path, "writer", WRITER)
    app, _ = home_of(home, 8)
    async with app:
        await app.service.install_path(writer)
        await app.service.activate("writer")
        for name in ("a.bin", "b.bin", "c.bin"):
            await app.service.call("writer", "write", {"name": name, "count": 3})
        with pytest.raises(DiskLimitError, match=r"may take 8\.0 MB, and with this it takes (9|10)\.\d MB") as caught:
            await written_until_refused(app)
        assert (caught.value.code, caught.value.facts()["limit"]) == ("over_limit", "disk")
        for changing in (app.service.activate("writer"), app.service.configure("writer", {})):
            with pytest.raises(DiskLimitError):
                await changing
        # It can be removed, and then there is room.
        await app.service.uninstall("writer")
        await app.service.install_path(writer)
        await app.service.activate("writer")
        assert await app.service.call("writer", "write", {"name": "e.bin", "count": 1}) == MB


async def test_what_only_reads_may_be_called_a_little_longer_since_that_is_the_plugins_own_word(tmp_path: Path) -> None:
    budget = DiskBudget(tmp_path, 4 * MB, tmp_path / "runtime_plugins")
    (tmp_path / "a.bin").write_bytes(os.urandom(4 * MB + 4096))
    await budget.check_call("any", reads=True)
    with pytest.raises(DiskLimitError):
        await budget.check_call("any", reads=False)
    (tmp_path / "b.bin").write_bytes(os.urandom(MB))
    with pytest.raises(DiskLimitError):
        await DiskBudget(tmp_path, 4 * MB, tmp_path / "runtime_plugins").check_call("any", reads=True)


async def test_what_would_not_fit_is_refused_before_anybody_is_asked(home: Path, tmp_path: Path) -> None:
    large = folder_of(tmp_path, "writer", WRITER)
    (large / "data.bin").write_bytes(os.urandom(9 * MB))
    app, asked = home_of(home, 8)
    async with app:
        with pytest.raises(DiskLimitError, match="writer"):
            await app.service.install_path(large)
        assert (asked, app.service.status(), left_in(home, "data.bin")) == ([], [], [])


async def test_a_package_that_turns_out_not_to_fit_is_not_put_in_place_and_not_run(home: Path, tmp_path: Path) -> None:
    with package_index() as index:
        source = f"NEVER = {os.urandom(5 * MB).hex()!r}\nraise SystemExit('it was run')\n"
        index.add_wheel("heavy", "1.0", "2020-01-01", source, "[dynamic_plugins.plugins]\nheavy = heavy:plugin\n")
        index.add("tea", "1.0", "2020-01-01")
        listed = tmp_path / "listed.json"
        entries = '{{"name": "{0}", "kind": "python", "packages": [{{"type": "pypi", "name": "{0}"}}]}}'
        listed.write_text(f'{{"schema": 1, "plugins": [{entries.format("heavy")}, {entries.format("tea")}]}}')
        app, asked = home_of(home, 8, index.environment(home / "caches"), (str(listed),))
        async with app:
            with pytest.raises(DiskLimitError, match="heavy"):
                await app.service.install("heavy")
            assert len(asked) == 1
            assert (app.service.status(), left_in(home, "heavy.py")) == ([], [])
            # What package managers keep for the next install makes room for it.
            (home / "caches" / "old.bin").write_bytes(os.urandom(9 * MB))
            await app.service.install("tea")
            assert not (home / "caches" / "old.bin").exists()


async def test_a_file_that_several_places_share_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(os.urandom(3 * MB))
    for number in range(3):
        (tmp_path / f"link{number}.bin").hardlink_to(tmp_path / "one.bin")
    (tmp_path / "elsewhere").symlink_to("/usr")
    await DiskBudget(tmp_path, 4 * MB, tmp_path / "installs").check("any")
    with pytest.raises(DiskLimitError):
        await DiskBudget(tmp_path, 2 * MB, tmp_path / "installs").check("any")
