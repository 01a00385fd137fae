"""Which versions lie in which ranges of npm, by the ``semver`` that npm itself brings and goes by.

Nothing else reads npm's ranges exactly as npm does, and where a package of npm is installed npm is there. Many are
compared in one process of Node.js, which takes some 50 ms.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.command import run, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Asked = tuple[str, tuple[str, ...]]
"""A version, and what was asked for, one of which it has to be: ``^1.2.0``, ``>=1 <3 || 4.x``, or the name of a tag."""

# A tag names whatever its registry says, so any version may be behind it. "*" takes pre-releases too, as npm has it.
_SCRIPT = """\
const semver = require('node:module').createRequire(process.argv[1])('semver')
const fits = (version, asked) => {
  const range = asked.trim()
  return range === '' || range === '*' || semver.validRange(range, true) === null
    || semver.satisfies(version, range, true)
}
const versions = JSON.parse(require('node:fs').readFileSync(process.argv[2], 'utf8'))
const wrong = versions.findIndex(([version, asked]) => !asked.some(each => fits(version, each)))
process.stdout.write(JSON.stringify(wrong))
"""


async def first_outside(
    plugin: str, versions: Sequence[Asked], node: str, npm: Path, environ: Mapping[str, str]
) -> int | None:
    """Return which of *versions* is the first that is not as it was asked for; None where all are.

    *npm* is npm's own folder. Raises InstallError where its ``semver`` does not answer.
    """
    if not versions:
        return None
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "versions.json"
        await asyncio.to_thread(told.write_text, json.dumps(versions), encoding="utf-8")
        command = (node, "-e", _SCRIPT, "--", str(npm / "package.json"), str(told))
        done = await run(plugin, command, cwd=Path(folder), environ=environ)
    try:
        found = parse_json(done.out)
    except ValueError:
        found = None
    if done.code != 0 or not isinstance(found, int):
        reason = "which versions it may be installed with cannot be compared, as the semver that npm brings does not "
        raise InstallError(plugin, f"{reason}answer: {short(done.err) or npm}. Install npm anew, with Node.js")
    return found if found >= 0 else None
