"""What a plugin offered when a person agreed to it, compared with what it offers now: what is new or changed waits.

A plugin that changes its descriptions after consent, at a later start or in the middle of a session, is a known attack:
a model reads them. What was agreed to is the pin; a component goes on as long as its digest is that of the pin.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.workers.components import READ, Component, Offers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.registry.entry import Remote
    from dynamic_plugins.storage.stored_plugin import StoredPlugin

_UNPINNED = frozenset({"service"})
"""Kinds that no model reads and nobody calls: a service runs in the plugin's own process like the rest of its code."""
_LABEL = 9
"""The columns of a label in an approval: ``changed  action add``."""

Key = tuple[str, str]
_NONE = Offers()


@dataclass(frozen=True)
class Review:
    """What may be used of what a plugin offers, and what waits until a person agrees."""

    usable: Offers
    withheld: Offers


def digest(component: Component) -> str:
    """Return the digest that two components share exactly when they are described alike."""
    (facts,) = Offers((component,)).to_list()
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def action_digest(plugin: StoredPlugin, action: str) -> str | None:
    """Return the digest of one action that *plugin* offers and may be used; None where there is none."""
    actions = plugin.offers.of("action") if plugin.offers is not None else []
    return next((digest(each) for each in actions if each.name == action), None)


def review(offers: Offers, agreed: Offers | None) -> Review:
    """Return *offers* without what is new or changed since *agreed*; with None, nothing was agreed to before.

    What an MCP server keeps (its resources) are data and may come and go: of one that is new the name is used, and its
    description is left out, since a model would read it.
    """
    if agreed is None:
        return Review(offers, _NONE)
    pinned = {digest(component) for component in agreed.components}
    if not any(_waits(each, pinned) for each in offers.components):
        return Review(offers, _NONE)
    if _lists_resources(offers):
        offers = _with_names_only(offers, pinned)
    withheld = tuple(each for each in offers.components if _waits(each, pinned) and not _is_resource(each, offers))
    usable = tuple(each for each in offers.components if each not in withheld)
    return Review(Offers(usable), Offers(withheld))


def added(agreed: Offers | None, offers: Offers) -> Offers:
    """Return *agreed* with all of *offers*: what the person has agreed to from now on."""
    pins = {key(each): each for each in (agreed or Offers()).components}
    pins |= {key(each): each for each in offers.components}
    return Offers(tuple(pins.values()))


def key(component: Component) -> Key:
    """Return what tells a component of a plugin from its others."""
    return component.kind, component.name


def difference(changed: Offers, agreed: Offers | None) -> tuple[str, ...]:
    """Return how *changed* differs from *agreed*, as lines for a person: complete, nothing cut."""
    before = {key(each): each for each in (agreed or Offers()).components}
    lines: list[str] = []
    for component in changed.components:
        old = before.get(key(component))
        lines.append(f"{'new' if old is None else 'changed':<{_LABEL}}{_named(component)}")
        lines += _indented(_line_difference([] if old is None else _described(old), _described(component)))
    return tuple(lines)


def update_difference(
    old: Installation, new: Installation, offered: Offers | None, agreed: Offers | None
) -> tuple[str, ...]:
    """Return what *new* has that *old* had not, as lines for a person: variables, its command, what it offers.

    *offered* is what it offered in a trial run, *agreed* what was agreed to of *old*; None where that is not known.
    """
    had = {variable.name for variable in old.variables}
    fresh = [variable for variable in new.variables if variable.name not in had]
    lines = [
        f"{'new':<{_LABEL}}variable {each.name}" + (" (required)" if each.required and each.default is None else "")
        for each in fresh
    ]
    before, after = _started_by(old), _started_by(new)
    if before != after:
        lines.append(f"{'changed':<{_LABEL}}how it is started")
        lines += _indented(_line_difference([before], [after]))
    if offered is not None and agreed is not None:
        lines += difference(review(offered, agreed).withheld, agreed)
    return tuple(lines)


def names(withheld: Offers | None) -> list[str]:
    """Return what is withheld, in short: ``action add``."""
    return [_named(each) for each in (withheld or Offers()).components]


def _named(component: Component) -> str:
    """Return what a component is called; its instructions a plugin has once, and they have no name of their own."""
    return component.kind if component.kind == "instructions" else f"{component.kind} {component.name}"


def _waits(component: Component, pinned: set[str]) -> bool:
    return component.kind not in _UNPINNED and digest(component) not in pinned


def _lists_resources(offers: Offers) -> bool:
    return any(_is_reader(each) for each in offers.components)


def _is_reader(component: Component) -> bool:
    return component.kind == "action" and component.address == READ


def _is_resource(component: Component, offers: Offers) -> bool:
    return (component.kind == "provider" or _is_reader(component)) and _lists_resources(offers)


def _with_names_only(offers: Offers, pinned: set[str]) -> Offers:
    """Return *offers* without the descriptions of resources that are not pinned."""
    from dynamic_plugins.workers.discovery import reading

    resources = [
        replace(each, description="") if _waits(each, pinned) else each
        for each in offers.components
        if each.kind == "provider"
    ]
    others = [each for each in offers.components if each.kind != "provider" and not _is_reader(each)]
    return Offers((*others, *resources, *reading(resources, {each.name for each in others})))


def _described(component: Component) -> list[str]:
    """Return all that *component* says of itself, a line each."""
    lines = component.description.splitlines()
    lines += [f"also called {simile}" for simile in component.similes]
    if component.parameters is not None:
        lines += ["parameters", *json.dumps(component.parameters, indent=1, ensure_ascii=False).splitlines()]
    if component.read_only is not None:
        lines.append("says that it only reads" if component.read_only else "says that it changes things")
    if component.interval is not None:
        lines.append(f"runs every {component.interval:g} s")
    if component.address is not None:
        lines.append(f"address {component.address}")
    return lines


def _line_difference(old: list[str], new: list[str]) -> Iterable[str]:
    if not old:
        return [f"+{line}" for line in new]
    import difflib

    compared = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]  # without the names of two files
    return [line for line in compared if not line.startswith("@@")]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{'':<{_LABEL}}{line[:1]} {line[1:]}" for line in lines]


def _started_by(installation: Installation) -> str:
    """Return how it is started, without the folder that every install has for itself."""
    values = (argument.value or "" for argument in installation.arguments)
    words = [*installation.command, installation.entry_point or "", *values]
    started = " ".join(word.replace(installation.path, "…") for word in words if word)
    return started if installation.remote is None else _reached_by(installation.remote)


def _reached_by(remote: Remote) -> str:
    headers = (f"{header.name}: {header.template}" for header in remote.headers)
    return " ".join((remote.url, remote.transport, f"sign-in: {remote.auth}", *headers))
