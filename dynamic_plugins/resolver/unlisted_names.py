"""Finds what a person named and no registry lists: a package of npm or PyPI, or a server at an address.

Registries go first, always: what they list is what is meant, and what is near a listed name is offered before anything
else. A bare name that only a package has is that package; one that both indexes have is nobody's to decide.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from dynamic_plugins.errors import AmbiguousNameError, UnknownPluginError
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.registry.unlisted import parse_direct, unlisted_entry
from dynamic_plugins.resolver.catalog import SUGGESTED, Found
from dynamic_plugins.resolver.suggestions import LIKELY
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.registry.unlisted import Direct
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.resolver.resolver import Resolution

SLIPS = 2
"""So many letters apart a name with a scope is a slip of another."""
_SAYS_NOTHING = normalize.GENERIC | {"mcp"}
INDEXES = {"npm": "npm", "pypi": "PyPI"}


class Indexes(Protocol):
    """What knows the package indexes of this machine."""

    async def holding(self, name: str) -> dict[str, bool | None]:
        """Return, by ``npm`` and ``pypi``, whether that index has a package *name*; None where it does not answer."""
        ...


class UnlistedNames:
    """Finds plugins by name in *catalogue*, and what it does not know in the package *indexes*."""

    def __init__(self, catalogue: Catalogue, indexes: Indexes) -> None:
        self._catalogue, self._indexes = catalogue, indexes

    async def find(self, said: str) -> Found:
        """Return what *said* names, listed or not.

        Raises UnknownPluginError, AmbiguousNameError, and BadArgumentsError for an address that must not be used.
        """
        direct = parse_direct(said)  # first: an address with a password is refused, whatever else it may be
        if (here := await self._catalogue.unlisted_here(said)) is not None:
            return here
        try:
            return await self._catalogue.find(said)
        except UnknownPluginError:
            if direct is None:
                raise
        if direct.kind == "address":
            return Found(unlisted_entry(direct))
        resolution = await self._catalogue.resolve(direct.shown)
        return await self._found(await self._of_an_index(direct, resolution), resolution)

    async def _of_an_index(self, direct: Direct, resolution: Resolution) -> Direct:
        """Return *direct* as the package of one index that it is.

        Raises UnknownPluginError where there is no such package, or a listed plugin is nearly called so and the person
        has not written in full which package they mean; AmbiguousNameError where both indexes have one.
        """
        if not direct.in_full and (near := await self._near(direct, resolution)):
            raise UnknownPluginError(direct.name, near[:SUGGESTED], also=_in_full(direct))
        held = await self._indexes.holding(direct.name)
        if direct.kind != "bare":
            held = {direct.kind: held.get(direct.kind, None)}
        forms = [f"{index}:{direct.name}" for index, is_there in held.items() if is_there]
        silent = [INDEXES[index] for index, is_there in held.items() if is_there is None]
        if direct.kind != "bare" and (forms or silent):
            return direct  # an index that does not answer says so when the package is asked for
        if not forms or silent:
            absent = [INDEXES[index] for index, is_there in held.items() if is_there is False]
            names = [each.name for each in resolution.candidates]
            said = direct.shown if direct.in_full else direct.name
            raise UnknownPluginError(said, names[:SUGGESTED], unlisted=forms, also=_absence_text(absent, silent))
        if len(forms) > 1:
            raise AmbiguousNameError(direct.name, forms)
        found = parse_direct(forms[0])
        return replace(found or direct, version=direct.version)

    async def _found(self, direct: Direct, resolution: Resolution) -> Found:
        others = [each for each in await self._catalogue.called(direct.name) if not _is_of(each, direct)]
        entry = unlisted_entry(direct, {each.name for each in others})
        namesakes = [each for each in others if each.source != UNLISTED]
        near = [name for name in await self._near(direct, resolution) if await self._catalogue.registry.get(name)]
        warning = _warning(direct, namesakes, near) or resolution.warning
        return Found(entry, direct.version, warning)

    async def _near(self, direct: Direct, resolution: Resolution) -> list[str]:
        """Return the listed names that this is, but for a slip; in what many names end in, nothing is alike."""
        from rapidfuzz.distance import OSA

        core = normalize.core(normalize.bare(normalize.normal(direct.name)))
        by_rule = [] if core in _SAYS_NOTHING else [e.name for e in resolution.candidates if e.score >= LIKELY]
        if not direct.name.startswith("@"):
            return by_rule
        names = (await self._catalogue.names()).table.names
        whole = [name for name in names if name.startswith("@") and 0 < OSA.distance(name, direct.name) <= SLIPS]
        return list(dict.fromkeys([*whole, *by_rule]))


def _in_full(direct: Direct) -> str:
    """Return how to name the package itself, for whoever does mean that."""
    forms = [direct.shown] if direct.kind != "bare" else [f"{index}:{direct.name}" for index in INDEXES]
    return f"If you mean a package of exactly that name, which no registry lists, say {' or '.join(forms)}."


def _absence_text(absent: list[str], silent: list[str]) -> str:
    """Return what the indexes answered, as sentences."""
    told = f"{' and '.join(silent)} could not be asked." if silent else ""
    nothing = (
        f"{' and '.join(absent)} {'have' if len(absent) > 1 else 'has'} no package of that name." if absent else ""
    )
    return " ".join(filter(None, (nothing, told)))


def _is_of(entry: Entry, direct: Direct) -> bool:
    """Return whether *entry*, of an installed plugin, is of the package that *direct* names."""
    packages = [(each.type, each.name) for each in entry.packages]
    return entry.source == UNLISTED and (direct.kind, direct.name) in packages


def _is_other_language(entry: Entry, direct: Direct) -> bool:
    """Return whether *direct* is the package of npm that is called like the listed elizaOS plugin *entry*, of which the
    Python form is taken here. Under a name without a scope anybody could have published something else.
    """
    is_its_name = direct.kind == "npm" and direct.name == entry.name and entry.name.startswith("@")
    return is_its_name and entry.kind == "elizaos" and entry.runs_as == "Python"


def _warning(direct: Direct, namesakes: list[Entry], near: list[str]) -> str | None:
    """Return what a careful person is told of a name that a listed plugin has too, or nearly has."""
    if namesakes:
        known = next((f" ({each.type}:{each.name})" for each in namesakes[0].packages), "")
        if _is_other_language(namesakes[0], direct):
            return (
                f"A registry lists {namesakes[0].name}, which runs as Python here{known}. This is npm's package of "
                "that name, where elizaOS has its plugins in TypeScript."
            )
        return f"A registry lists {namesakes[0].name}, but with another package than this one{known}."
    if not near:
        return None
    return f"Did you mean {' or '.join(near[:3])}? That is listed; this is not, and is nearly called so."
