"""The start of a worker process that runs Python: a console script, or a plugin behind our own MCP server.

Its limits and its fence were there before the interpreter was: see ``workers/fence/launcher/``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any


def run(mode: str, facts_text: str) -> None:
    """Run what *mode* names (``start.py`` lists the modes); returns when the worker's work is done."""
    facts: dict[str, Any] = json.loads(facts_text)
    sys.path[:0] = facts["search_path"]
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
    gc.disable()  # nothing of what is imported is garbage, and looking for it takes a tenth of a server's start
    try:
        main: Any = import_module(module)
    finally:
        gc.freeze()
        gc.enable()
    for part in attribute.split("."):
        main = getattr(main, part)
    sys.exit(main())
