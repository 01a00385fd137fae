"""Folders of strangers that are very deep, closed or full of links: gone through, measured and removed all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.deep_folders import remove_folder, walk
from dynamic_plugins.errors import DiskLimitError, InstallError
from dynamic_plugins.install.disk_budget import DiskBudget
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DEEPER_THAN_PYTHON_GOES = 1500
DEEPER_THAN_A_PATH_IS_LONG = 2500
DIGGER = """
import os
from dynamic_plugins.plugin import Plugin, action

@action
def dig(depth: int) -> int:
    "Makes folders in folders."
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    return depth

plugin = Plugin("digger", "Digs", actions=[dig])
"""


@pytest.fixture(autouse=True)
def filled_in(tmp_path: Path) -> Iterator[None]:
    """Remove what was dug, whatever becomes of the test: pytest could not, and would fail each time after."""
    yield
    remove_folder(tmp_path / "deep")


def dig(folder: Path, depth: int) -> None:
    """Make *folder* and so many more, each in the one before: a path of that length no call takes."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_folder_is_removed_however_deep_it_is_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    dig(tmp_path / "deep", DEEPER_THAN_A_PATH_IS_LONG)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    inner = tmp_path / "deep" / "d" / "d"
    (inner / ".0").mkdir()  # as what is brought up would be called
    (inner / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    os.mkfifo(inner / "pipe")
    remove_folder(tmp_path / "deep")
    assert [each.name for each in tmp_path.rglob("*")] == ["kept", "file"]
    (tmp_path / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    remove_folder(tmp_path / "link")
    remove_folder(tmp_path / "nowhere")
    assert (tmp_path / "kept" / "file").read_text() == "kept"


def test_closed_folders_are_removed_by_an_ordinary_user() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "closed" / "inner" / "innermost").mkdir(parents=True)
        (top / "closed" / "inner" / "file").write_text("hidden")
        for each in ("closed/inner/innermost", "closed/inner", "closed"):
            (top / each).chmod(0)
        who: dict[str, Any] = {}
        if os.getuid() == 0:  # to whom nothing is closed
            for place in (top, top / "closed", top / "closed/inner", top / "closed/inner/innermost"):
                os.chown(place, 65534, 65534)
            who = {"user": 65534, "group": 65534, "extra_groups": []}
        python = sys.executable if not who else f"/usr/bin/python3.{sys.version_info.minor}"
        if shutil.which(python) is None:
            pytest.skip("there is no interpreter that an ordinary user may run")
        code = f"import pathlib, runpy; m = runpy.run_path({str(ROOT / 'dynamic_plugins/core/deep_folders.py')!r}); "
        code += f"m['remove_folder'](pathlib.Path({str(top / 'closed')!r}))"
        subprocess.run([python, "-c", code], check=True, timeout=30, cwd="/", **who)
        assert list(top.iterdir()) == []


async def test_what_a_plugin_has_dug_goes_with_it(tmp_path: Path, home: Path) -> None:
    (tmp_path / "digger").mkdir()
    (tmp_path / "digger" / "plugin.py").write_text(DIGGER)
    async with App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(tmp_path / "digger")
        await app.service.activate("digger")
        assert await app.service.call("digger", "dig", {"depth": DEEPER_THAN_A_PATH_IS_LONG})
        with pytest.raises(DiskLimitError):  # where nobody can look, anything could lie
            await DiskBudget(home, 2**30, home / "runtime_plugins").check("digger")
        await app.service.uninstall("digger")
    assert list((home / "plugin_data").iterdir()) == []


async def test_a_folder_that_is_too_deep_is_not_installed_and_a_sentence_says_so(tmp_path: Path, home: Path) -> None:
    dig(tmp_path / "deep", DEEPER_THAN_PYTHON_GOES)
    (tmp_path / "deep" / "plugin.py").write_text(DIGGER)
    async with App(Settings(home=home), approve=approve_everything) as app:
        with pytest.raises(InstallError, match="nested too deeply"):
            await app.service.install_path(tmp_path / "deep")
    assert list((home / "runtime_plugins").glob("*/*")) == []


def test_folders_are_gone_through_in_the_order_of_the_standard_library(tmp_path: Path) -> None:
    for place in ("b/c", "a/d", "a/e"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "file").write_text("")
    (tmp_path / "a" / "round").symlink_to("round")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b", target_is_directory=True)
    for ours, theirs in zip(walk(tmp_path), os.walk(tmp_path), strict=True):
        assert (ours[0], set(ours[1]), set(ours[2])) == (theirs[0], set(theirs[1]), set(theirs[2]))
        ours[1].sort()
        theirs[1].sort()
    seen = []
    for place, folders, _ in walk(tmp_path):
        folders[:] = sorted(set(folders) - {"b"})
        seen.append(Path(place).name)
    assert seen[1:] == ["a", "d", "e"]
