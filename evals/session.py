"""A terminal session as a person has it, and its transcript: streaming, a table, bars, a caught token, a refusal.

usage: python -m evals.session [FILE]

A real ``dynamic-plugins chat`` runs in a real terminal: tmux where it is there, else one of our own, whose transcript
is then what was written, not what stood there in the end. A stand-in answers in place of a model, so that everything
is seen in one minute and nothing has to be downloaded; its words come slowly. The transcript is printed, and written
to FILE if one is given; the exit code says whether all five were seen.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests import slow_server
from tests.fake_tokens import KINDS
from tests.scripted_model import Messages, ScriptedModel
from tests.terminal import Terminal

COLUMNS = 90
SECONDS = 60.0
SLOWLY = 0.08


class Tmux:
    """*command* in a tmux server of its own, so that nobody's sessions and settings are touched."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self._tmux = [shutil.which("tmux") or "tmux", "-S", str(folder / "tmux")]
        words = [f"{name}={value}" for name, value in env.items() if name != "TERM"]
        size = ("-x", str(COLUMNS), "-y", "40")
        # The shell stays when the command has ended, so that its last words can still be read.
        held = ["/bin/sh", "-c", 'env "$@"; exec cat', "sh", *words, *command]
        self._run("-f", os.devnull, "new-session", "-d", *size, *held)

    def _run(self, *words: str) -> str:
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, timeout=20).stdout

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")

    def screen(self) -> str:
        """Return what stands there, from the first line that has scrolled away."""
        return self._run("capture-pane", "-p", "-S", "-1000").rstrip()

    def close(self) -> None:
        self._run("kill-server")


class Own:
    """The same in the terminal that the tests use: what was written there, not what it made of it."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self._terminal = Terminal(command, folder, env | {"TERM": "xterm-256color"}, COLUMNS)

    def type(self, text: str) -> None:
        self._terminal.type(text)

    def screen(self) -> str:
        with contextlib.suppress(AssertionError):
            self._terminal.shows(r"\Znever", 0.05)
        return self._terminal.seen

    def close(self) -> None:
        self._terminal.__exit__()


class Session:
    """What is said, and what is seen at the moments that matter."""

    def __init__(self, terminal: Tmux | Own) -> None:
        self._terminal = terminal
        self._begun = 0
        self.moments: list[str] = []

    def say(self, text: str) -> None:
        self._begun = len(self._terminal.screen())
        self._terminal.type(text)

    def sees(self, pattern: str, title: str = "") -> None:
        """Wait until *pattern* is there behind what was said last; with *title* keep what is seen then."""
        end = time.monotonic() + SECONDS
        screen = ""
        while time.monotonic() < end:
            screen = self._terminal.screen()
            if re.search(pattern, screen[max(0, self._begun - COLUMNS) :]):
                if title:
                    self.moments.append(f"--- {title} ---\n" + "\n".join(screen.splitlines()[-12:]))
                return
            time.sleep(0.03)
        raise AssertionError(f"{pattern!r} is not seen:\n{screen}")


def stand_in(until: Path) -> ScriptedModel:
    """Return what answers in place of a model: by the first word that was said, its words one after the other."""
    calls: dict[str, Any] = {
        "which": [("list_available_plugins", {"query": "time zones", "limit": 4})],
        "add": [("install_plugin", {"plugin_name": slow_server.NAME, "version": None})],
        "switch": [("activate_plugin", {"plugin_name": slow_server.NAME})],
        "work": [(slow_server.TOOL, {"until": str(until)})],
    }

    def answer(messages: Messages) -> Any:
        said = [each["content"] for each in messages if each["role"] == "user"]
        if messages[-1]["role"] == "tool":
            return f"These words arrive one by one, as they are thought of, and this was answer number {len(said)}."
        return calls.get(said[-1].split()[0], f"I see only a placeholder, and this was answer number {len(said)}.")

    model = ScriptedModel(answer)
    model.before_word = lambda _word: time.sleep(SLOWLY)
    return model


def talk(session: Session, until: Path, token: str) -> None:
    """Say what a person would, and wait for each of the five things."""
    session.sees(r"/help[\s\S]*> ?")
    session.say("which plugin knows time zones?")
    session.sees(r"one by one,", "a reply streams in, below a table")
    session.sees(r"number\s+1\.")
    session.say("add slow-server")
    session.sees(r"\[y/N\]", "consent is asked for")
    session.say("n")
    session.sees(r"declined[\s\S]*number\s+2\.", "and was declined")
    session.say("add slow-server, I have thought about it")
    session.sees(r"\[y/N\]")
    session.say("y")
    session.sees(r"slow-server \S*━+", "an install shows a bar")
    session.sees(r"number\s+3\.")
    session.say("switch slow-server on")
    session.sees(r"\[y/N\]")
    session.say("y")
    session.sees(r"number\s+4\.")
    session.say("work for a while")
    session.sees(r"slow-server \S*━+.*half of it is done", "a plugin's long work shows a bar")
    until.touch()
    session.sees(r"number\s+5\.")
    session.say(f"my token is {token} for later")
    session.sees(r"secret:1:GITHUB[\s\S]*kept out[\s\S]*number\s+6\.", "a pasted token was caught")
    session.say("/status")
    session.sees(r"slow-server +1\.0 +mcp +active")
    session.say("/quit")


def main(argv: list[str]) -> int:
    token = KINDS["github"](random.Random(7))  # noqa: S311 - a fake
    # A path of its own below the short one that sockets can have.
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        folder = Path(name)
        until = folder / "until"
        with stand_in(until).serving() as model:
            listed = slow_server.registry(folder)
            command = [sys.executable, "-m", "dynamic_plugins", "--home", str(folder / "home")]
            command += ["--registry", "bundled", "--registry", str(listed)]
            command += ["chat", "--base-url", model.base_url, "--model", "stand-in"]
            kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "DYNAMIC_"))}
            environment = kept | {
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
                "DYNAMIC_PLUGINS_OFFLINE": "1",
            }
            terminal = (Tmux if shutil.which("tmux") else Own)(command, folder, environment)
            session = Session(terminal)
            try:
                talk(session, until, token)
                whole = terminal.screen()
            finally:
                terminal.close()
    transcript = "\n\n".join([*session.moments, f"--- the whole session ---\n{whole}"]) + "\n"
    print(transcript)
    for file in argv:
        Path(file).write_text(transcript, encoding="utf-8")
    return int(isinstance(terminal, Tmux) and token in whole)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
