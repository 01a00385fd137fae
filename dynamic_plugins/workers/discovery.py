"""What a worker says that it offers, checked and turned into components."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT
from pydantic import ValidationError

from dynamic_plugins.core.schema_checks import cleaned, name_problem, schema_problem
from dynamic_plugins.errors import ComponentClashError, ContractError
from dynamic_plugins.workers.components import NOT_ANSWERED, PROMPT, READ, READ_BY_ADDRESS, TOOL, Component, Offers
from dynamic_plugins.workers.message_repair import ANSWERS, ListedSchemas, problem_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from mcp.client.client import Client
    from mcp_types import Prompt, Resource, ResourceTemplate, Tool

    from dynamic_plugins.workers.handshake_client import HandshakeClient

    AnyClient = Client | HandshakeClient

META = "dynamic-plugins"
"""The key in a tool's ``_meta`` under which our own worker says what kind of component it is."""
_MOST_PAGES = 500
LIST_SECONDS = 5.0
"""So long may a server take for its list of prompts, or of resources."""
_NO_ANSWER = (CONNECTION_CLOSED, REQUEST_TIMEOUT, NOT_ANSWERED)
_LISTED = 50
_NAME_LENGTH = 128
_LONGEST_INSTRUCTIONS = 4_000

LeftOut = Callable[[str], None]
"""Called with a sentence for each thing that was left out of what a server offers; it names the thing."""


async def offers_of(plugin: str, client: AnyClient, *, ours: bool, left_out: LeftOut) -> Offers:
    """Ask for everything. Raises ContractError for a broken component of *ours*, MCPError when the worker refuses.

    Of a server that anybody wrote, what cannot be used is left out by itself, and *left_out* is told.

    Only a worker of *ours* is believed what it says in ``_meta`` that its tools are: a server that anybody wrote could
    call one an evaluator, and be shown every turn.
    """
    answers: dict[str, dict[str, Any]] = {}
    try:
        components = await _components(plugin, client, ours, left_out, answers)
    except ValidationError as error:
        raise ContractError(plugin, f"what it offers is no valid list: {problem_in(error)}") from None
    found: dict[tuple[str, str], Component] = {}
    twice = set()
    for each in components:
        if found.setdefault((each.kind, each.name), each) is not each:
            twice.add(each.name)
    if twice and ours:
        raise ComponentClashError(plugin, twice)
    for name in sorted(twice):
        left_out(f"{name!r} is there more than once; the first one counts")
    if found and not ours and (instructions := _instructions(client.instructions)):
        found["instructions", "instructions"] = Component("instructions", "instructions", instructions)
    return Offers(tuple(found.values()), result_schemas=answers)


def _instructions(told: str | None) -> str:
    """Return what a server says of how it is used, as far as a model should have to read it."""
    text = (told or "").strip()
    return text if len(text) <= _LONGEST_INSTRUCTIONS else f"{text[:_LONGEST_INSTRUCTIONS]}…"


async def _components(
    plugin: str, client: AnyClient, ours: bool, left_out: LeftOut, answers: dict[str, dict[str, Any]]
) -> list[Component]:
    """Return everything but its instructions; *answers* gets what its tools answer, by the action's name."""
    can = client.server_capabilities
    silent = can.tools is None and can.resources is None and can.prompts is None
    tools: list[Tool] = []
    if can.tools is not None and (ours or not (can.resources or can.prompts)):
        tools = await _pages(client.list_tools, lambda page: page.tools, left_out)
    elif can.tools is not None or silent:  # some forget to say what they can
        tools = await _optional(client.list_tools, lambda page: page.tools, "tools", left_out)
    if ours:
        ListedSchemas.model_validate({"tools": [{"inputSchema": tool.input_schema} for tool in tools]})
    found = [_our_tool(plugin, tool) for tool in tools] if ours else _their_tools(tools, left_out, answers)
    listed, prompts, templates = await asyncio.gather(
        _in_time(client.list_resources, lambda page: page.resources, "resources", left_out, wanted=can.resources),
        _in_time(client.list_prompts, lambda page: page.prompts, "prompts", left_out, wanted=can.prompts),
        _templates(client, left_out, wanted=not ours and can.resources is not None),
    )
    if listed:
        resources = _providers(listed)
        found += resources
        found += reading(resources, {each.name for each in found}) if resources and not ours else []
    found += _prompts(prompts, {each.name for each in found})
    found += reading_by_address(templates, {each.name for each in found})
    return found


async def _templates(client: AnyClient, left_out: LeftOut, *, wanted: bool) -> list[ResourceTemplate]:
    """Return how the addresses of resources are made that a server does not list; most have none and say so oddly."""
    said: list[str] = []
    found = await _in_time(
        client.list_resource_templates,
        lambda page: page.resource_templates,
        "resource templates",
        said.append,
        wanted=wanted or None,
    )
    for sentence in said if found else ():
        left_out(sentence)
    return found


async def _optional(
    ask: Callable[..., Awaitable[Any]], items: Callable[[Any], list[Any]], what: str, left_out: LeftOut
) -> list[Any]:
    """Return what a server lists; nothing where it answers with an error, so that its tools can be used all the same.

    Some say that they have resources and have no way to list them; some ask another machine for them.
    """
    try:
        return await _pages(ask, items, left_out)
    except MCPError as error:
        if error.error.code in _NO_ANSWER:
            raise
        left_out(f"its {what} cannot be listed: {error.error.message[:200]}")
    except ValidationError as error:
        left_out(f"its {what} cannot be listed: {problem_in(error)}")
    return []


async def _in_time(
    ask: Callable[..., Awaitable[Any]],
    items: Callable[[Any], list[Any]],
    what: str,
    left_out: LeftOut,
    *,
    wanted: object,
) -> list[Any]:
    """Return what a server lists besides its tools, which do not wait for it for long."""
    if wanted is None:
        return []
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return await _optional(ask, items, what, left_out)
    except TimeoutError:
        left_out(f"its {what} cannot be listed: it did not answer within {LIST_SECONDS:g} s")
    return []


async def _pages(ask: Callable[..., Awaitable[Any]], items: Callable[[Any], list[Any]], left_out: LeftOut) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        try:
            page = await ask(cursor=cursor)
        except MCPError as error:
            if not found or error.error.code in _NO_ANSWER:
                raise
            left_out(f"its list breaks off after {len(found)}: {error.error.message[:200]}")
            return found
        found += items(page)
        cursor = page.next_cursor
        if not cursor:
            return found
        if cursor in seen:
            left_out(f"its list begins anew after {len(seen) + 1} pages, and is not followed further")
            return found
        seen.add(cursor)
    left_out(f"its list has more than {_MOST_PAGES} pages; what is on the others is left out")
    return found


def _our_tool(plugin: str, tool: Tool) -> Component:
    meta = (tool.meta or {}).get(META)
    meta = meta if isinstance(meta, dict) else {}
    if meta.get("kind", "action") != "action":
        return Component(
            kind=meta["kind"],
            name=meta["name"],
            description=tool.description or "",
            interval=meta.get("interval"),
            address=tool.name,
        )
    if problem := name_problem(tool.name):
        raise ContractError(plugin, problem)
    schema = cleaned(tool.input_schema)
    if problem := schema_problem(schema):
        raise ContractError(plugin, f"{tool.name}: {problem}")
    similes = tuple(each for each in meta.get("similes") or () if isinstance(each, str))
    return _action(tool, tool.name, schema, similes)


def _their_tools(tools: list[Tool], left_out: LeftOut, answers: dict[str, dict[str, Any]]) -> list[Component]:
    found = []
    taken = {tool.name for tool in tools if name_problem(tool.name) is None}
    for tool in tools:
        if problem := schema_problem(tool.input_schema):
            left_out(f"tool {tool.name[:60]!r} is left out: {problem}")
            continue
        name = tool.name
        if name_problem(name) is not None:
            name = plain_name(name, taken)
            taken.add(name)
        found.append(_action(tool, name, tool.input_schema))
        if tool.meta and ANSWERS in tool.meta:
            answers.setdefault(name, tool.meta[ANSWERS])
    return found


def plain_name(name: str, taken: set[str]) -> str:
    """Return a usable name for what a server calls *name*, different from all *taken*."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
    if plain and len(plain) <= _NAME_LENGTH and plain not in taken:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{(plain or 'action')[: _NAME_LENGTH - 9]}_{digest}"


def _action(tool: Tool, name: str, schema: dict[str, Any], similes: tuple[str, ...] = ()) -> Component:
    hint = tool.annotations.read_only_hint if tool.annotations is not None else None
    described = tool.description or tool.title or ""
    if name != tool.name and not described:
        described = tool.name[:200]  # what it is called is all that it says of itself
    address = TOOL + tool.name if name != tool.name else None
    return Component("action", name, described, schema, similes, address=address, read_only=hint)


def _providers(resources: list[Resource]) -> list[Component]:
    found: dict[str, Component] = {}
    for resource in resources:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", resource.name).strip("_")[:100] or "resource"
        name, number = plain, 1
        while name in found:
            number += 1
            name = f"{plain}_{number}"
        found[name] = Component(
            "provider", name, resource.description or resource.title or "", address=str(resource.uri)
        )
    return list(found.values())


def reading(resources: list[Component], taken: set[str]) -> list[Component]:
    """Return the action that reads a resource: what a server keeps goes along in no turn by itself."""
    name = next((each for each in ("read_resource", "read_one_resource") if each not in taken), None)
    if name is None:
        return []
    listed = resources[:_LISTED]
    lines = [f"{each.name}: {' '.join(each.description.split())[:80]}".removesuffix(": ") for each in listed]
    one: dict[str, Any] = {"type": "string", "description": "; ".join(lines)}
    if len(listed) == len(resources):
        one["enum"] = [each.name for each in listed]
    schema = {
        "type": "object",
        "properties": {"resource": one},
        "required": ["resource"],
        "additionalProperties": False,
    }
    return [
        Component(
            "action", name, "Reads one of the texts that this server keeps.", schema, address=READ, read_only=True
        )
    ]


def reading_by_address(templates: list[ResourceTemplate], taken: set[str]) -> list[Component]:
    """Return the action that reads a resource of which a server lists only how its address is made."""
    name = next((each for each in ("read_resource", "read_resource_at") if each not in taken), None)
    if not templates or name is None:
        return []
    lines = [f"{each.uri_template} {' '.join((each.description or each.name).split())[:80]}" for each in templates]
    address = {"type": "string", "description": f"An address, made like one of: {'; '.join(lines[:_LISTED])}"}
    schema = {
        "type": "object",
        "properties": {"uri": address},
        "required": ["uri"],
        "additionalProperties": False,
    }
    about = "Reads one of the texts that this server has."
    return [Component("action", name, about, schema, address=READ_BY_ADDRESS, read_only=True)]


def _prompts(prompts: list[Prompt], taken: set[str]) -> list[Component]:
    """Return the actions that give *prompts*, under names that none of *taken* is."""
    names = {prompt.name: f"prompt_{prompt.name}" for prompt in prompts}
    odd = {own for own, name in names.items() if name in taken or name_problem(name) is not None}
    taken = taken | {name for own, name in names.items() if own not in odd}
    for own in names:
        if own in odd:
            names[own] = plain_name(names[own], taken)
            taken.add(names[own])
    return [_prompt(prompt, names[prompt.name]) for prompt in prompts]


def _prompt(prompt: Prompt, name: str) -> Component:
    arguments = prompt.arguments or []
    return Component(
        "action",
        name,
        f"Gives the text of a prompt, with its blanks filled in. {prompt.description or ''}".strip(),
        {
            "type": "object",
            "properties": {
                each.name: {"type": "string", **({"description": each.description} if each.description else {})}
                for each in arguments
            },
            "required": [each.name for each in arguments if each.required],
            "additionalProperties": False,
        },
        address=PROMPT + prompt.name,
    )
