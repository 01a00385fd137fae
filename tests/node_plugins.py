"""elizaOS plugins in TypeScript that are installed by hand, with a core that stands in for elizaOS' own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from dynamic_plugins.install.installation import Installation

NODE_TESTS = Path(__file__).parent / "node"
OLDEST = (20, 12)
SECONDS = 150


@cache
def node() -> str:
    """Return the program ``node``, or an empty text where there is none that is new enough."""
    found = shutil.which("node")
    if found is None:
        return ""
    ran = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True)
    version = tuple(int(part) for part in ran.stdout.strip().removeprefix("v").split(".")[:2])
    return found if version >= OLDEST else ""


needs_node = pytest.mark.skipif(
    not node() and os.environ.get("CI") != "true", reason="needs Node.js 20.12 or newer as `node` on the PATH"
)


def installed(folder: Path, source: str) -> Installation:
    """Install a plugin of one file in *folder*."""
    root = folder / "plugin"
    core = (NODE_TESTS / "fixtures" / "core.mjs").read_text()
    for name, version, code in (("@elizaos/core", "2.0.0", core), ("plugin-fixture", "1.0.0", source)):
        place = root / "node_modules" / name
        place.mkdir(parents=True)
        (place / "package.json").write_text(json.dumps({"name": name, "version": version, "exports": "./index.mjs"}))
        (place / "index.mjs").write_text(code)
    return Installation(
        plugin="fixture",
        kind="elizaos",
        version="1.0.0",
        path=str(root),
        package_type="npm",
        package="plugin-fixture",
        source="tests",
        command=(node(),),
    )


def with_action(handler: str, before: str = "") -> str:
    """Return the source of a plugin whose one action, ``ACT``, is *handler*; *before* is run at import."""
    action = f"{{ name: 'ACT', description: 'Acts.', validate: async () => true, handler: {handler} }}"
    return f"{before}\nexport default {{ name: 'fixture', actions: [{action}] }}"
