"""Files that are replaced whole: any number of writers, killed ones too, and readers that never wait."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.core.atomic_file import read_json, stamp_of, sweep, write_atomically
from dynamic_plugins.registry.cache import Cache, Checked

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60
# A writer that says that it is about to put its file in place, and waits there.
WRITER = """
import sys
from pathlib import Path
from dynamic_plugins.core import atomic_file

def stop(path, target):
    print("written", flush=True)
    sys.stdin.read(1)
    return replace(path, target)

replace, Path.replace = Path.replace, stop
atomic_file.write_atomically(Path(sys.argv[1]), "from the other process")
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def writer(path: Path) -> subprocess.Popen[str]:
    """Start a writer and wait until its temporary file is written."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=SECONDS)


def test_what_was_written_is_the_owners_alone_and_its_stamp_is_known(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    assert stamp_of(path) is None
    first = write_atomically(path, "ä")
    assert (first, path.read_bytes(), path.stat().st_mode & 0o077) == (stamp_of(path), "ä".encode(), 0)
    assert write_atomically(path, b"b") == stamp_of(path) != first
    assert names(path.parent) == ["file"]


def _write(path: Path, letter: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(write_atomically, path, letter * 10_000) for _ in range(20)]:
            done.result(SECONDS)


def test_any_number_of_writers_leave_one_whole_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path / "file", letter)) for letter in "abc"]
    for process in writers:
        process.start()
    for process in writers:
        process.join(SECONDS)
        assert process.exitcode == 0
    content = (tmp_path / "file").read_text()
    assert (len(content), len(set(content)), names(tmp_path)) == (10_000, 1, ["file"])


@pytest.mark.skipif(os.name != "posix", reason="nothing is swept there")
def test_what_a_killed_writer_left_is_removed_by_the_next_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    killed, living = writer(tmp_path / "file"), writer(tmp_path / "file")
    assert len(names(tmp_path)) == 2
    kill(killed)
    write_atomically(tmp_path / "another", "")
    assert len(names(tmp_path)) == 2, "the living one's and the new file"
    living.communicate("\n", timeout=SECONDS)
    assert living.returncode == 0
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["another", "file"], "from the other process")


@pytest.mark.skipif(os.name != "posix", reason="nothing is swept there")
def test_what_a_killed_writer_of_the_registry_cache_left_is_removed(tmp_path: Path) -> None:
    killed = writer(tmp_path / "official.entries")
    kill(killed)
    Cache(tmp_path).check("https://registry.example", Checked())
    assert [name for name in names(tmp_path) if name.endswith(".tmp")] == []


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_atomically(tmp_path / "file", "x")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="there are none there")
def test_a_pipe_is_neither_waited_for_nor_taken_for_a_leftover_that_can_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / ".file.tmp"
    os.mkfifo(pipe)
    for look in (read_json, stamp_of):
        with pytest.raises(OSError, match="not a regular file"):
            look(pipe)
    sweep(tmp_path)


def test_json_that_is_nested_too_deeply_is_not_json(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "file")
