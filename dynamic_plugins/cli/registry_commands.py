"""The commands about what there is: search, what a name means, and the registries that are asked."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE, FAILED, exit_code
from dynamic_plugins.cli.registry_status import standing
from dynamic_plugins.core.error_phrases import in_conversation
from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import AmbiguousNameError, BadArgumentsError, PluginError, UnknownPluginError
from dynamic_plugins.registry.sources import SourceActivity, SourceState
from dynamic_plugins.tools.management import DEFAULT_LIMIT, MAX_LIMIT

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.registry.registry import Registry
    from dynamic_plugins.registry.unlisted import Direct
    from dynamic_plugins.resolver.catalog import Catalogue, Found
    from dynamic_plugins.resolver.resolver import Resolution
    from dynamic_plugins.settings import Settings

EMBEDDING_SECONDS = 60.0
"""So many seconds of processor time a file of requests may wait for, until the registry is embedded: it gains by it."""
_TAKES = {"list": (0, 0), "add": (1, 2), "remove": (1, 1), "refresh": (0, 1), "trust": (1, 1)}


async def registry(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``registry list|add|remove|refresh|trust``."""
    fewest, most = _TAKES[arguments.verb]
    if not fewest <= len(arguments.values) <= most:
        return out.wrong_usage("registry list | add ADDRESS [NAME] | remove NAME | refresh [NAME] | trust NAME")
    known = App(settings, door="terminal").registry
    states = await _do(known, arguments.verb, arguments.values)
    told = [_source_document(state) for state in states]
    asked = arguments.verb in {"add", "refresh"}
    failed = asked and any(state.problem or state.doing is SourceActivity.OFFLINE for state in states)
    if arguments.verb == "list" and not settings.registries:
        told += [_source_document(SourceState(source, doing=SourceActivity.OFF)) for source in known.sources.off()]
    if out.as_json:
        out.document({"ok": not failed, "sources": told})
    else:
        render.sources(out, told)
        if arguments.verb == "add" and any(each["problem"] and not each["entries"] for each in told):
            out.aside("It was not added: nothing could be read there.", "red")
    return FAILED if failed else DONE


async def _do(known: Registry, verb: str, values: list[str]) -> tuple[SourceState, ...]:
    match verb:
        case "add":
            source = known.sources.add(values[0], values[1] if len(values) > 1 else None)
            states = await known.refresh(source.name)
            if any(state.problem and not state.entries for state in states):
                known.forget(known.sources.remove(source.name))  # what gave nothing is not left behind
            return states
        case "remove":
            known.forget(known.sources.remove(values[0]))
        case "trust":
            known.sources.trust(values[0])
        case "refresh":
            return await known.refresh(values[0] if values else None)
    return known.states()


def _source_document(state: SourceState) -> dict[str, Any]:
    fetched = datetime.fromtimestamp(state.fetched_at, UTC).isoformat(timespec="seconds") if state.fetched_at else None
    return {
        "name": state.source.name,
        "location": state.source.shown,
        "trusted": state.source.trusted,
        "entries": state.entries,
        "skipped": state.skipped,
        "why_skipped": list(state.why_skipped),
        "fetched_at": fetched,
        "problem": state.problem or None,
        **standing(state),
    }


def _shown(app: App) -> list[dict[str, Any]]:
    """Return, for each registry, how many entries were searched and how old they are."""
    return [
        {"name": state.source.name, "entries": state.entries, **standing(state)}
        for state in app.registry.states(look=False)
    ]


Result = dict[str, Any]


async def search(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``list``: search the registry."""
    from dynamic_plugins.tools.plugin_details import with_origin

    app = App(settings, door="terminal")

    async def answer(query: str) -> Result:
        query, notices = await _named(app.catalogue, query)
        words = {"query": query or None, "limit": getattr(arguments, "limit", None)}
        found = await app.toolbox.call("list_available_plugins", words)
        # A program sees where each comes from as well; a model would pay for that in every search.
        if not found["ok"]:
            return found
        if notices:
            found["notices"] = [*found.get("notices", []), *notices]
        return found | {"plugins": await with_origin(app.catalogue, found["plugins"]), "registries": _shown(app)}

    if arguments.stdin:
        await app.catalogue.embed(EMBEDDING_SECONDS)
        return await _answer_lines(out, answer)
    result = await answer(" ".join(arguments.query))
    if out.as_json or not result["ok"]:
        return _print(out, result)
    render.matches(out, result, _more(arguments), arguments.limit or DEFAULT_LIMIT)
    return DONE


async def info(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``info``: all about one plugin, from its registry and, where it is installed, from here."""
    from dynamic_plugins.tools.plugin_details import details

    app = App(settings, door="terminal")
    app.service.sync()
    found = await _known(app.catalogue, arguments.name)
    listed = await app.catalogue.registry.get(found.entry.name)
    told = await details(app.service, listed[0] if listed else found.entry)
    if out.as_json:
        out.document({"ok": True, **told} | ({"warning": found.warning} if found.warning else {}))
        return DONE
    render.details(out, told)
    if found.warning:
        out.say(f"  warning  {found.warning}")
    return DONE


async def _named(catalogue: Catalogue, query: str) -> tuple[str, list[str]]:
    """Return what to search for, and what to say beside it: ``npm:NAME`` is no wish but the name of one plugin.

    An address may be either, since a wish can be about a page. Raises UnknownPluginError.
    """
    from dynamic_plugins.registry.unlisted import parse_direct  # of all commands only these read such names

    if re.search(r"\s", query):
        return query, []
    try:
        direct = parse_direct(query)
    except BadArgumentsError:  # an address that nothing is installed from; a page may have it
        return query, []
    if direct is None or not direct.in_full:
        return query, []
    try:
        return (await _known(catalogue, query)).entry.name, []
    except AmbiguousNameError:
        return query, []
    except UnknownPluginError:
        if direct.kind != "address":
            raise
        return query, [_how_to_install(direct)]


async def _known(catalogue: Catalogue, said: str) -> Found:
    """Return what *said* names. Raises UnknownPluginError, which says how to install what no registry lists."""
    try:
        return await catalogue.find_any(said)
    except UnknownPluginError as error:
        from dynamic_plugins.registry.unlisted import parse_direct

        direct = parse_direct(said)
        if direct is None or not direct.in_full:
            raise
        raise UnknownPluginError(said, error.suggestions, also=f"{_how_to_install(direct)}.") from None


def _how_to_install(direct: Direct) -> str:
    there = "an MCP server answers there" if direct.kind == "address" else "there is such a package"
    return (
        f"No registry lists {direct.shown}. To be asked whether to add it, if {there}, "
        f"say: dynamic-plugins install {direct.shown}"
    )


def _more(arguments: argparse.Namespace) -> str:
    """Return how to see more than was shown."""
    if arguments.limit == MAX_LIMIT:
        return "Say more exactly what it should do to see others."
    if arguments.query:
        return f"See more with --limit N (at most {MAX_LIMIT})."
    return f"See more with --limit N (at most {MAX_LIMIT}), or say what it should do: dynamic-plugins list WHAT"


async def resolve(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``resolve``: tell what names mean."""
    app = App(settings, door="terminal")

    async def answer(query: str) -> Result:
        found = await app.catalogue.resolve(query)
        candidates = [{"name": each.name, "score": round(each.score, 4)} for each in found.candidates]
        told = {"query": query, "kind": str(found.kind), "name": found.name, "candidates": candidates}
        if found.kind != "exact":
            return {"ok": False, **told, "error": _unresolved(found).to_dict()}
        return {"ok": True, **told} | ({"warning": found.warning} if found.warning else {})

    if arguments.stdin:
        return await _answer_lines(out, answer)
    if not arguments.names:
        return out.wrong_usage("Give a NAME, or --stdin.")
    answers = [await answer(name) for name in arguments.names]
    if out.as_json:
        out.document(answers[0] if len(answers) == 1 else answers)
    else:
        for each in answers:
            out.say(render.resolution(each))
    return DONE if all(each["ok"] for each in answers) else FAILED


def _unresolved(found: Resolution) -> PluginError:
    names = [each.name for each in found.candidates]
    return (AmbiguousNameError if found.kind == "ambiguous" else UnknownPluginError)(found.said, names)


async def _answer_lines(out: Output, answer: Callable[[str], Awaitable[Result]]) -> int:
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
        query = parse_json(line)["query"]
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
        out.aside(f"{result['error']['code']}: {in_conversation(result['error'], '')}", "red")
    return DONE if result["ok"] else exit_code(result["error"]["code"])
