"""What actions an elizaOS plugin in TypeScript lists, without the worker: an opinion beside what was offered.

What is bundled and minified cannot be read reliably, so a bare script imports the plugin, as anybody's would, and gives
the names. It is run outside the fence, with an empty home: use it only for what may run on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).with_name("bare_elizaos_actions.mjs")
SECONDS = 120


def listed_in(node: str, root: Path, package: str) -> list[str] | None:
    """Return the names of the actions that the npm *package* in *root* lists.

    None where it cannot be told: it does not import, or no export of it is a plugin.
    """
    with tempfile.TemporaryDirectory() as home:
        Path(home, ".env").touch()
        environment = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home}
        command = [node, "--input-type=module", "-e", SCRIPT.read_text(), package]
        try:
            ran = subprocess.run(
                command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return None
    lines = ran.stdout.strip().splitlines()
    if ran.returncode != 0 or not lines:
        return None
    names: list[str] | None = json.loads(lines[-1])
    return names
