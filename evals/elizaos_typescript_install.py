"""What installing an elizaOS plugin in TypeScript costs, beside Bun alone with the same packages.

usage: python -m evals.elizaos_typescript_install NAME[@VERSION]

NAME is an npm package. It is installed in an empty home, as ``dynamic-plugins install`` does it, which reads its code,
picks its core, and writes down what lies there; then taken away and installed again, when what Bun has downloaded is
kept. Beside it Bun installs the same versions in an empty folder, with a cache of its own, twice as well.

Prints processor seconds (user and system, of all processes), and the megabytes that were added on the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.bun import find_bun
from dynamic_plugins.install.elizaos_core import CORE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEGABYTE = 10**6
SECONDS = 300


@dataclass(frozen=True)
class Cost:
    """What one install took: processor seconds, and megabytes of the disk."""

    seconds: float
    megabytes: float


def cost_of(words: Sequence[str], folder: Path, place: Path, environ: Mapping[str, str]) -> Cost:
    """Return what running *words* in *place* took, and left in *folder*. Raises CalledProcessError where it fails."""
    before, lay = resource.getrusage(resource.RUSAGE_CHILDREN), used(folder)
    subprocess.run(words, cwd=place, env=environ, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(seconds, (used(folder) - lay) / MEGABYTE)


def used(folder: Path) -> int:
    """Return the bytes that the files in *folder* take, each once however many links lead to it."""
    found = (os.lstat(Path(place, name)) for place, _, names in os.walk(folder) for name in names)
    return sum({each.st_ino: each.st_blocks * 512 for each in found}.values())


def ours(folder: Path, name: str) -> tuple[Cost, str]:
    """Install *name* by its own name with ``dynamic-plugins`` in *folder*; return the cost and the core's version."""
    command = [sys.executable, "-m", "dynamic_plugins", "--home", str(folder)]
    cost = cost_of([*command, "install", f"npm:{name}", "--yes", "--allow-unlisted"], folder, folder, os.environ)
    manifest = next(folder.glob(f"runtime_plugins/**/node_modules/{CORE}/package.json"))
    version = str(json.loads(manifest.read_text())["version"])
    subprocess.run([*command, "uninstall", name.rpartition("@")[0] or name], check=True, timeout=SECONDS)
    return cost, version


def bare(folder: Path, place: Path, name: str, core: str) -> Cost:
    """Install *name* and *core* with Bun alone in *place*, which is not there yet, with its cache in *folder* too."""
    environ = os.environ | {"BUN_INSTALL_CACHE_DIR": str(folder / "cache")}
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"private": True, "overrides": {CORE: core}}))
    words = [find_bun(os.environ.get("PATH")) or "bun", "add", "--ignore-scripts", "--linker=hoisted", name]
    return cost_of([*words, f"{CORE}@{core}"], folder, place, environ)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME", help="with a version where it has one: @elizaos/plugin-starter@1.7.2")
    name = parser.parse_args().name
    with tempfile.TemporaryDirectory() as made:
        home, others = Path(made, "home"), Path(made, "bare")
        home.mkdir()
        for again in range(2):
            cost, core = ours(home, name)
            alone = bare(others, others / str(again), name, core)
            when = "again" if again else f"{name}, {CORE} {core}: first"
            print(f"{when}: Bun alone {alone.seconds:.1f} s, {alone.megabytes:.0f} MB", end="; ")
            print(f"dynamic-plugins {cost.seconds:.1f} s, {cost.megabytes:.0f} MB")


if __name__ == "__main__":
    main()
