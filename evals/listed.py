"""What actions an elizaOS plugin in TypeScript lists, without the worker: an opinion beside what was offered.

What is bundled and minified cannot be read reliably, so a bare script imports the plugin, as anybody's would, and gives
the names. It is run outside the fence, with an empty home: use it only for what may run on this machine.
"""

from __future__ import annotations

import contextlib
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
        names_file = Path(home, "names.json")
        command = [node, "--input-type=module", "-e", SCRIPT.read_text(), package, str(names_file)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=SECONDS, check=False)
        names: list[str] | None = json.loads(names_file.read_text()) if names_file.exists() else None
        return names
