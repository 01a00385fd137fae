"""The commands that find plugins, one question at a time or one a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.output import DONE, FAILED, USAGE, Output, exit_code
from dynamic_plugins.errors import BadArgumentsError, PluginError

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dynamic_plugins.settings import Settings

Result = dict[str, Any]


async def search(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``list``: search the registry."""
    app = App(settings)

    async def answer(query: str) -> Result:
        return await app.toolbox.call(
            "list_available_plugins", {"query": query or None, "limit": getattr(arguments, "limit", None)}
        )

    if arguments.stdin:
        return await _each_line(out, answer)
    result = await answer(" ".join(arguments.query))
    if out.as_json or not result["ok"]:
        return _print(out, result)
    render.matches(out, result)
    return DONE


async def resolve(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``resolve``: tell what names mean."""
    app = App(settings)

    async def answer(query: str) -> Result:
        found = await app.catalogue.resolve(query)
        candidates = [{"name": each.name, "score": round(each.score, 4)} for each in found.candidates]
        told = {"query": query, "kind": str(found.kind), "name": found.name, "candidates": candidates}
        return told | ({"warning": found.warning} if found.warning else {})

    if arguments.stdin:
        return await _each_line(out, answer)
    if not arguments.names:
        out.aside("Give a NAME, or --stdin.")
        return USAGE
    answers = [await answer(name) for name in arguments.names]
    if out.as_json:
        out.document(answers[0] if len(answers) == 1 else answers)
    else:
        for each in answers:
            out.say(render.resolution(each))
    return DONE if all(each["kind"] == "exact" for each in answers) else FAILED


async def _each_line(out: Output, answer: Callable[[str], Awaitable[Result]]) -> int:
    """Answer one JSON object a line; a bad line is answered with an error, so that the order is kept."""
    failed = False
    async for line in _lines():
        if not line.strip():
            continue
        try:
            result = await answer(_query(line))
        except PluginError as error:
            failed = True
            result = {"ok": False, "error": error.to_dict()}
        out.line(result)
    return FAILED if failed else DONE


def _query(line: str) -> str:
    try:
        query = json.loads(line)["query"]
    except (ValueError, KeyError, TypeError):
        query = None
    if not isinstance(query, str):
        raise BadArgumentsError("--stdin", 'each line must be {"query": "some text"}')
    return query


async def _lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line


def _print(out: Output, result: Result) -> int:
    """Print one tool result and return its exit code."""
    if out.as_json:
        out.document(result)
    elif not result["ok"]:
        out.aside(f"{result['error']['code']}: {result['error']['message']}", "red")
    return DONE if result["ok"] else exit_code(result["error"]["code"])
