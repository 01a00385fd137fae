"""Who the person is to git: copied into the home of a plugin that may start git, which cannot read the person's own.

Without it a commit would name a user of this machine as its author, and a repository that the person calls safe would
be refused. Nothing else of the person's settings goes along: they can hold passwords and name programs.
"""

from __future__ import annotations

import stat
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "# Written anew at each start, from your own settings of git.\n"
_COPIED = r"^(user\.name|user\.email|safe\.directory)$"
_SECONDS = 5.0


def copy_identity(git: str, home: str, folder: Path) -> None:
    """Write the identity in *home* to ``.gitconfig`` in *folder*, unless the plugin has one of its own there."""
    own = folder / ".gitconfig"
    if not home or not _is_ours(own):
        return
    lines = [_line(*each.split("\n", 1)) for each in _settings(git, home) if "\n" in each]
    content = _MARK + "".join(lines)
    with suppress(OSError):  # git works without
        if (lines or own.exists()) and not (own.exists() and own.read_text(encoding="utf-8") == content):
            write_atomically(own, content)


def _is_ours(file: Path) -> bool:
    try:
        if not stat.S_ISREG(file.lstat().st_mode):  # the plugin can put anything there
            return False
        with file.open(encoding="utf-8", errors="replace") as text:
            return text.read(len(_MARK)) == _MARK
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _settings(git: str, home: str) -> list[str]:
    words = [git, "config", "--global", "--includes", "--null", "--get-regexp", _COPIED]
    try:
        done = subprocess.run(  # git itself, which the person lets the plugin start
            words, env={"HOME": home}, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.decode("utf-8", "replace").split("\0")


def _line(name: str, value: str) -> str:
    section, _, key = name.partition(".")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'[{section}]\n\t{key} = "{quoted}"\n'
