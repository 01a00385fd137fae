"""What a worker says that it offers, checked and turned into components."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT
from pydantic import ValidationError

from dynamic_plugins.core.schema_checks import cleaned, name_problem, schema_problem
from dynamic_plugins.errors import ComponentClashError, ContractError
from dynamic_plugins.workers.components import NOT_ANSWERED, READ, Component, Offers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp import Client
    from mcp_types import Prompt, Resource, Tool

META = "dynamic-plugins"
"""The key in a tool's ``_meta`` under which our own worker says what kind of component it is."""
PROMPT = "prompt:"
_MOST_PAGES = 50
_LISTED = 50


async def offers_of(plugin: str, client: Client, *, ours: bool) -> Offers:
    """Ask for everything. Raises ContractError for a broken component, MCPError when the worker refuses.

    Only a worker of *ours* is believed what it says in ``_meta`` that its tools are: a server that anybody wrote could
    call one an evaluator, and be shown every turn.
    """
    try:
        components = await _components(plugin, client, ours)
    except ValidationError as error:
        raise ContractError(plugin, f"what it offers is no valid list: {problem_in(error)}") from None
    seen: set[tuple[str, str]] = set()
    twice = [each.name for each in components if (each.kind, each.name) in seen or seen.add((each.kind, each.name))]  # type: ignore[func-returns-value] # add gives None, which is the point
    if twice:
        raise ComponentClashError(plugin, set(twice))
    return Offers(tuple(components))


def problem_in(error: ValidationError) -> str:
    """Return the first thing that is wrong with a message, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


async def _components(plugin: str, client: Client, ours: bool) -> list[Component]:
    can = client.server_capabilities
    found: list[Component] = []
    if can.tools is not None:
        found += [_tool(plugin, tool, ours) for tool in await _pages(client.list_tools, lambda page: page.tools)]
    if can.resources is not None:
        resources = _providers(await _optional(client.list_resources, lambda page: page.resources))
        found += resources
        found += reading(resources, {each.name for each in found}) if resources and not ours else []
    if can.prompts is not None:
        found += [_prompt(plugin, prompt) for prompt in await _optional(client.list_prompts, lambda page: page.prompts)]
    return found


async def _optional(ask: Callable[..., Awaitable[Any]], items: Callable[[Any], list[Any]]) -> list[Any]:
    """Return what a server lists; nothing where it answers with an error, so that its tools can be used all the same.

    Some say that they have resources and have no way to list them; some ask another machine for them.
    """
    try:
        return await _pages(ask, items)
    except MCPError as error:
        if error.error.code in (CONNECTION_CLOSED, REQUEST_TIMEOUT, NOT_ANSWERED):
            raise
        return []


async def _pages(ask: Callable[..., Awaitable[Any]], items: Callable[[Any], list[Any]]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await ask(cursor=cursor)
        found += items(page)
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def _tool(plugin: str, tool: Tool, ours: bool) -> Component:
    meta = (tool.meta or {}).get(META) if ours else None
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
    hint = tool.annotations.read_only_hint if tool.annotations is not None else None
    described = tool.description or tool.title or ""
    return Component("action", tool.name, described, schema, similes, read_only=hint)


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


def _prompt(plugin: str, prompt: Prompt) -> Component:
    if problem := name_problem(prompt.name):
        raise ContractError(plugin, f"prompt {problem}")
    arguments = prompt.arguments or []
    return Component(
        "action",
        f"prompt_{prompt.name}"[:128],
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
