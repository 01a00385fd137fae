"""The ways to start: a console script, a command, or a plugin that our own server speaks for."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from . import resource_limits

if TYPE_CHECKING:
    from collections.abc import Callable


def run(mode: str, facts_text: str, arguments: list[str]) -> None:
    """Start what *mode* says; does not return while the worker lives."""
    facts: dict[str, Any] = json.loads(facts_text)
    resource_limits.apply(facts)
    resource_limits.bind(facts["parent"])  # before any code of a stranger's: it may never let go of the interpreter
    sys.path[:0] = facts["search_path"]
    if mode == "command":
        os.execvp(arguments[0], arguments)  # noqa: S606 # the command is the one the person agreed to
    if mode == "script":
        _run_script(facts, json.loads(os.environ.pop(facts["arguments_in"], "[]")))
        return
    from . import server

    server.serve(mode, facts)


def _run_script(facts: dict[str, Any], arguments: list[str]) -> None:
    from importlib import import_module

    module, _, attribute = facts["entry_point"].partition(":")
    sys.argv = [facts["name"], *arguments]
    if not attribute:  # as `python -m module` does
        import runpy

        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    target: Any = import_module(module)
    for part in attribute.split("."):
        target = getattr(target, part)
    main: Callable[[], Any] = target
    sys.exit(main())
