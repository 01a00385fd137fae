"""Answers with what cannot be written as JSON, or be looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from dynamic_plugins.plugin import Plugin, Provider, action


class _Shy:
    def to_dict(self) -> NoReturn:
        raise KeyError("mine")

    def __str__(self) -> str:
        raise RuntimeError("do not look")


class _ShyError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("do not look")


@action
def names() -> list[str]:
    "Lists a folder that holds a name in Latin-1."
    Path("here").mkdir()
    Path(os.fsdecode(b"here/caf\xe9")).touch()
    return os.listdir("here")  # noqa: PTH208


@action
def missing() -> NoReturn:
    "Does not find a file with such a name."
    raise FileNotFoundError("caf\udce9")


@action
def huge() -> int:
    "Returns a number of too many digits."
    return 10**5000


@action
def shy() -> Any:
    "Returns what fails when it is looked at."
    return _Shy()


@action
async def shy_later() -> Any:
    "The same, out of a coroutine."
    return _Shy()


@action
def shy_error() -> NoReturn:
    "Raises what fails when it is looked at."
    raise _ShyError


@action
def speak() -> str:
    "Answers in several scripts."
    return "naïve, 日本, 😀"


plugin = Plugin(
    "unwritable",
    actions=[names, missing, huge, shy, shy_later, shy_error, speak],
    providers=[Provider("half", "half a character", lambda: "a\ud83d")],
)
