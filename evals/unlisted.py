"""From "add it" to an answer with what no registry lists: a package of npm, one of PyPI, and a server somewhere else.

usage: python -m evals.unlisted [--npm PACKAGE] [--pypi PACKAGE] [FILE]

A real ``dynamic-plugins chat`` with the built-in model runs in a terminal, in an empty home; npm and PyPI are the real
ones. The server is the official SDK's, on loopback, over streamable HTTP, with its own authorization server; a person
who signs in there in a browser is played by :class:`tests.oauth_server.Browser`. Each of the three names is first tried
with ``--yes`` alone, which must install nothing. Both packages are to be calculators. The transcript is printed, and
written to FILE if one is given; exits with 1 where something was not seen.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.oauth_server import Browser, OAuthServer, oauth_server
from tests.terminal import Terminal

COLUMNS = 100
SECONDS = 180.0
"""How long anything may take: an index may be slow."""
_COMMAND = (sys.executable, "-m", "dynamic_plugins")
_YES = r"\[y/N\]"
_WAITING = re.compile(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \w+ *")


@dataclass(frozen=True)
class Held:
    """A name that no registry has, what is asked of it, and what the answer is."""

    name: str
    said: str
    answer: str
    signs_in: bool = False


def refused(name: str, home: Path, environment: dict[str, str]) -> str:
    """Try to install *name* with ``--yes`` alone, and return what came of it. Raises AssertionError."""
    words = [*_COMMAND, "--home", str(home), "install", name, "--yes"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    status = [*_COMMAND, "--home", str(home), "--json", "status"]
    left = subprocess.run(status, env=environment, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    assert done.returncode != 0, f"--yes alone installed {name}"
    assert '"plugins": []' in left, left
    return f"$ dynamic-plugins install {name} --yes\n{(done.stdout + done.stderr).strip()}\n"


def hold(terminal: Terminal, held: Held) -> None:
    """Say what a person would, and wait for each thing. Raises AssertionError where one does not come."""

    def answers(text: str, pattern: str) -> str:
        terminal.type(text)
        return terminal.shows(pattern, SECONDS)

    answers(f"add {held.name}", rf"listed in no registry[\s\S]*{_YES}")
    answers("y", r"is installed[\s\S]*> $")
    answers("switch it on", _YES)
    if held.signs_in:
        address = answers("y", r"http://\S+/authorize\?\S+(?=\s)")
        asyncio.run(_sign_in(address))
        terminal.shows(r" is on\.[\s\S]*> $", SECONDS)
    else:
        answers("y", r" is on\.[\s\S]*> $")
    answers(held.said, rf"\n {{0,2}}(?:[^\n]*\W)?{held.answer}\b[\s\S]*> $")
    answers("uninstall it", r"Uninstall [^\n]*\?\s+> $")
    answers("yes", _YES)
    answers("y", r"no longer on\s+this machine[\s\S]*> $")


async def _sign_in(address: str) -> None:
    browser = Browser()
    await browser.follow(await browser.sign_in(address))


def session(npm: str, pypi: str, server: OAuthServer, folder: Path) -> str:
    """Hold the session and return its transcript. Raises AssertionError."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "DYNAMIC_"))}
    environment = kept | {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DYNAMIC_PLUGINS_PASSPHRASE": "a passphrase of this session",
        "DYNAMIC_PLUGINS_OFFLINE": "1",  # no registry is asked; npm and PyPI are
        "BROWSER": "true",  # opens nothing
        "TERM": "dumb",  # no bars, which a transcript would have a hundred times
    }
    all_held = [
        Held(f"npm:{npm}", "calculate 12 * 7", "84"),
        Held(f"pypi:{pypi}", "calculate 3 * 14", "42"),
        Held(server.url, "add 2 and 40", "42", signs_in=True),
    ]
    home = folder / "home"
    tried = "\n".join(refused(held.name, home, environment) for held in all_held)
    with Terminal([*_COMMAND, "--home", str(home), "chat"], folder, environment, COLUMNS) as terminal:
        terminal.shows(r"> $", SECONDS)
        try:
            for held in all_held:
                hold(terminal, held)
        finally:
            talked = re.sub(r"\n\s*\n+", "\n", _WAITING.sub("", terminal.seen)).strip()
            print(f"{tried}\n{talked}", flush=True)
    return f"{tried}\n{talked}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument("--npm", default="@coo-quack/calc-mcp", metavar="PACKAGE")
    parser.add_argument("--pypi", default="calc-mcp-server", metavar="PACKAGE")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="s-") as folder, oauth_server() as server:
        try:
            transcript = session(told.npm, told.pypi, server, Path(folder))
        except AssertionError as error:
            print(f"not held: {error}")
            return 1
    if told.file is not None:
        told.file.write_text(transcript, encoding="utf-8")
    print("held: three names, three answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
