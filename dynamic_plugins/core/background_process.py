"""Programs of this package that run beside the process that started them, which does not wait for them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_running: list[subprocess.Popen[bytes]] = []
"""Who starts one may forget it; it is kept until it has ended, so that none is left as a zombie for long."""


def start_in_background(module: str, *words: str, folder: Path) -> subprocess.Popen[bytes] | None:
    """Start ``python -m module words`` in *folder*, without a terminal; None where no Python can be named.

    Raises OSError where it cannot be started.
    """
    _running[:] = [each for each in _running if each.poll() is None]
    if not sys.executable:
        return None
    process = subprocess.Popen(
        # -P: a folder in which somebody types a command is no place to import from.
        [sys.executable, "-P", "-m", module, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,  # Ctrl-C is for the command
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    _running.append(process)
    return process
