"""One plugin that several registries list: the same name, or the same package. It is shown once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.search import Match


def without_duplicates(matches: Sequence[Match], near: Sequence[Entry], is_far: Callable[[Entry], bool]) -> list[Match]:
    """Return *matches* without duplicates: in place of one that *is_far* stands the same plugin of *near*.

    Entries of *near* are never taken for one another: whoever added a registry wants to see what it lists.
    """
    if not any(is_far(match.entry) for match in matches):
        return list(matches)
    ours = {identity: entry for entry in reversed(near) for identity in _identities(entry)}
    shown: dict[str, None] = {}
    found: list[Match] = []
    there = {id(match.entry) for match in matches if not is_far(match.entry)}
    for match in matches:
        entry, names = match.entry, list(_identities(match.entry))
        if is_far(entry):
            if any(name in shown for name in names):
                continue
            same = next((ours[name] for name in names if name in ours), None)
            if same is not None and id(same) in there:
                continue  # it stands at a place of its own
            if same is not None:
                match, names = replace(match, entry=same), [*names, *_identities(same)]
        found.append(match)
        shown |= dict.fromkeys(names)
    return found


def _identities(entry: Entry) -> Iterator[str]:
    yield f"name {entry.name.casefold()}"
    for package in entry.packages:
        if package.type in ("pypi", "npm"):
            yield f"{package.type} {package.name.casefold()}"
