"""Three plugins that no registry lists, from "add it" to an answer, in one conversation with the built-in model.

usage: python -m evals.unlisted_session [FILE]

A package of npm, one of PyPI, and the address of a server on loopback that wants a sign-in: the official SDK's, with an
authorization server of its own. A real ``dynamic-plugins chat`` runs in a terminal; each question is answered with yes,
and the page where one signs in is opened and agreed to as a browser does. The transcript is printed, and written to
FILE if one is given; the exit code says whether all three answered.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from tests.oauth_server import Browser, oauth_server
from tests.terminal import Terminal

COLUMNS = 110
SECONDS = 600.0
NPM, PYPI = "time-mcp", "calculator-mcp"


def conversation(address: str) -> list[tuple[str, str]]:
    """Return what is typed, each line with what its answer has to hold."""
    return [
        (f"install npm:{NPM}", r"installed"),
        ("switch it on", r"\bon\b"),
        ("what time is it in Tokyo?", r"\d\d:\d\d"),
        (f"uninstall {NPM}", r"uninstalled|removed|gone"),
        (f"install pypi:{PYPI}", r"installed"),
        ("switch it on", r"\bon\b"),
        ("calculate 13 * 7", r"\b91\b"),
        (f"add {address}", r"installed|needs"),
        ("switch it on", r"\bon\b"),
        ("add 20 and 22", r"\b42\b"),
    ]


def question(terminal: Terminal) -> str:
    """Wait until it asks for something, and return the end of what it shows."""
    asks = r"\[y/N\]\s*\Z|ends this\):\s*\Z|> \s*\Z"
    return terminal.shows(asks, SECONDS)


def answer(terminal: Terminal, seen_before: int) -> bool:
    """Answer what the terminal asks now; return whether it waits for the next line of the conversation."""
    asked = question(terminal)
    if "[y/N]" in asked:
        terminal.type("y")
    elif "ends this" in asked:
        url = re.findall(r"http://\S+/authorize\S+", terminal.seen[seen_before:].replace("\n", ""))[-1]
        # A terminal breaks the address; what follows it is a sentence.
        terminal.type(asyncio.run(Browser().sign_in(url.partition("Paste")[0])))
    else:
        return True
    return False


def hold(terminal: Terminal, lines: list[tuple[str, str]]) -> int:
    """Hold the conversation; return how many answers were not as they have to be."""
    wrong = 0
    while not answer(terminal, 0):
        pass
    for line, wanted in lines:
        begun = len(terminal.seen)
        terminal.type(line)
        while not answer(terminal, begun):
            pass
        said = terminal.seen[begun:].partition(line)[2]
        if re.search(wanted, said, re.IGNORECASE) is None:
            wrong += 1
            print(f"NOT SO: {line!r} was to be answered with {wanted}", file=sys.stderr)
    terminal.type("/quit")
    return wrong


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder, oauth_server() as server:
        environment = {**os.environ, "DYNAMIC_PLUGINS_OFFLINE": "1", "DYNAMIC_PLUGINS_PASSPHRASE": "a session"}
        command = [sys.executable, "-m", "dynamic_plugins", "--home", f"{folder}/home", "chat"]
        with Terminal(command, Path(folder), environment, COLUMNS) as terminal:
            try:
                wrong = hold(terminal, conversation(f"{server.address}/mcp"))
            finally:
                print(terminal.seen)
        if words:
            Path(words[0]).write_text(terminal.seen, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
