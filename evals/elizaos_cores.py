"""What the published versions of ``@elizaos/core`` export, written into the table that an install chooses one by.

usage: python -m evals.elizaos_cores [--write] [--import VERSION…]

Every version that npm's registry has is downloaded and read; nothing of it is run. What the table has already is kept
where it is the same. ``--import`` installs a version besides, imports it in Node.js and says how what it exports there
differs from what was read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dynamic_plugins.install.command import child_environment
from dynamic_plugins.install.elizaos_core import CORE, TABLE, as_table, precedence
from dynamic_plugins.install.npm import Npm
from dynamic_plugins.install.npm_package import NpmPackage
from dynamic_plugins.registry.entry import Package

# Into a file: some versions print while they are imported.
_IMPORT = "import('@elizaos/core').then(core => fs.writeFileSync('names.json', JSON.stringify(Object.keys(core))))"


async def read_cores(folder: Path) -> dict[str, list[str]]:
    """Return the names that each published version exports; *folder* is empty."""
    npm = Npm(environ=child_environment(os.environ))
    found: dict[str, list[str]] = {}
    for version in sorted(await npm.published(CORE, folder), key=precedence):
        place = folder / version
        place.mkdir()
        package = NpmPackage.packed(await npm.pack(CORE, place, Package("npm", CORE), version))
        if (entry := package.entry()) is None:
            print(f"{version:<20} has no module that could be imported")
            continue
        found[version] = sorted(package.exports(entry))
        print(f"{version:<20} {len(found[version])} names")
    return found


def difference(version: str, names: list[str], folder: Path) -> str:
    """Return how what Node.js sees of *version* differs from the *names* that were read."""
    (folder / "package.json").write_text('{"private": true}')
    words = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", f"{CORE}@{version}")
    subprocess.run(words, cwd=folder, check=True)
    done = subprocess.run([shutil.which("node") or "node", "-e", _IMPORT], cwd=folder, capture_output=True, text=True)
    if not (folder / "names.json").is_file():
        return f"cannot be imported: {done.stderr.strip().splitlines()[-1:]}"
    seen = set(json.loads((folder / "names.json").read_text()))
    return f"only read: {sorted(set(names) - seen)}, only seen: {sorted(seen - set(names))}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--import", nargs="*", default=[], dest="imported", metavar="VERSION")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cores = asyncio.run(read_cores(Path(folder)))
    for version in given.imported:
        with tempfile.TemporaryDirectory() as folder:
            print(version, difference(version, cores[version], Path(folder)))
    if given.write:
        rows = as_table(cores)
        lines = ",\n".join(json.dumps(row) for row in rows["cores"])  # type: ignore[attr-defined]
        TABLE.write_text(f'{{"package": "{CORE}", "cores": [\n{lines}\n]}}\n', encoding="utf-8")
        print(f"{TABLE}: {len(cores)} versions, {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
