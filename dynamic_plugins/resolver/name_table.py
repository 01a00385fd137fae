"""The known names and the forms in which a rule finds them again: without scope, prefix or separators, by package, by
repository. Only rules that map a text to names stand here; what is done with several or none is the resolver's.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from dynamic_plugins.registry.lazy_entries import without_garbage_collection
from dynamic_plugins.registry.sources import BUNDLED
from dynamic_plugins.resolver.repositories import address
from dynamic_plugins.text import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dynamic_plugins.registry.entry import Entry

_SCOPES = {"@elizaos-plugins/": "@elizaos/", "elizaos-plugins/": "@elizaos/"}


class NameTable:
    """The names of *entries*, which are kept; a name that occurs twice counts once.

    A position is one in :attr:`names`.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        listed = getattr(entries, "names", None)
        all_names: list[str] = listed() if callable(listed) else [entry.name for entry in entries]
        self._positions = {name: position for position, name in reversed(list(enumerate(all_names)))}
        self.names = list(dict.fromkeys(all_names))
        self._ids = {name: index for index, name in enumerate(self.names)}
        self._normals = normalize.normals(self.names)
        self._by_normal = _grouped(self._normals)

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def position(self, name: str) -> int:
        """Return where an exact name stands in :attr:`names`. Raises KeyError."""
        return self._ids[name]

    # ---------------------------------------------------------------- the forms of the names, made when needed

    @cached_property
    def bares(self) -> list[str]:
        """The names without their scopes, in normal form, in the order of :attr:`names`."""
        return [normalize.bare(name) for name in self._normals]

    @cached_property
    def cores(self) -> list[str]:
        """The bare names without ``plugin-``, ``mcp-server-``, ``-mcp`` and the like."""
        return normalize.cores(self.bares)

    @cached_property
    def _by_bare(self) -> dict[str, list[int]]:
        return _grouped(self.bares)

    @cached_property
    def _by_core(self) -> dict[str, list[int]]:
        return _grouped(self.cores)

    @cached_property
    def by_squash(self) -> dict[str, list[int]]:
        """The names by their cores without separators."""
        return _grouped(normalize.squashes(self.cores))

    @cached_property
    def _by_package(self) -> dict[str, list[int]]:
        """The names by their packages."""
        owners, packages = [], []
        for entry in self._entries:
            for package in entry.packages:
                if package.type in ("pypi", "npm"):
                    owners.append(self._ids[entry.name])
                    packages.append(package.name)
        return _grouped(normalize.normals(packages), owners) if packages else {}

    @cached_property
    def _by_alias(self) -> dict[str, list[int]]:
        """The names by their aliases, as the catalogue that comes with us has them: others could claim any word."""
        own = [entry for entry in self._entries if entry.aliases and entry.source == BUNDLED]
        owners = [self._ids[entry.name] for entry in own for _ in entry.aliases]
        return _grouped(normalize.normals([alias for entry in own for alias in entry.aliases]), owners) if own else {}

    @cached_property
    def _by_index(self) -> dict[str, list[int]]:
        """The names by their packages with the index before them: ``npm:@playwright/mcp``."""
        owners, packages = [], []
        for entry in self._entries:
            for package in entry.packages:
                if package.type in ("pypi", "npm"):
                    owners.append(self._ids[entry.name])
                    packages.append(f"{package.type}:{normalize.normal(package.name)}")
        return _grouped(packages, owners) if packages else {}

    def packaged(self, index: str, package: str) -> list[int]:
        """Return the positions in :attr:`names` of those that exactly this package of *index* belongs to."""
        return self._by_index.get(f"{index.lower()}:{normalize.normal(package)}", [])

    @cached_property
    def _by_url(self) -> dict[str, list[int]]:
        """The names by the addresses of their servers."""
        served = [(entry.remote.url, self._ids[entry.name]) for entry in self._entries if entry.remote is not None]
        return _grouped([url.rstrip("/") for url, _ in served], [owner for _, owner in served])

    def served(self, url: str) -> list[int]:
        """Return the positions in :attr:`names` of those whose server is at *url*."""
        return self._by_url.get(url.rstrip("/"), [])

    @cached_property
    def _by_address(self) -> dict[str, list[int]]:
        """The names by their repositories; ``address`` and ``address#folder`` both lead there."""
        owners, places = [], []
        for entry in self._entries:
            if entry.repository and (place := address(entry.repository)):
                owners += [self._ids[entry.name]] * 2
                places += [place[0], f"{place[0]}#{place[1]}"]
        return _grouped(places, owners)

    # ---------------------------------------------------------------- the rules

    def meant(self, text: str) -> list[int]:
        """Return the positions in :attr:`names` that a rule maps *text* to: none, one, or several."""
        key = normalize.normal(text)
        for form in _scoped(key):
            if form in self._by_normal:
                return self._by_normal[form]
        by_name, known = self._by_rules(text, key), self._by_alias.get(key, ())
        # Another name that we gave a plugin fills a gap, or decides between several: a word that already means one goes
        # on meaning it, unless that is known not to work.
        several = len(by_name) > 1 and self.keeper([self.names[index] for index in by_name]) is None
        decides = several and set(known) < set(by_name)
        if len(known) == 1 and (decides or all(self.entry(index).problem for index in by_name)):
            return list(known)
        return by_name

    def _by_rules(self, text: str, key: str) -> list[int]:
        if place := address(text):
            return self._by_address.get(f"{place[0]}#{place[1]}" if place[1] else place[0], [])
        packaged = self._by_package.get(key, [])
        if "/" in key:
            return packaged or self._by_address.get(f"github.com/{key}", [])
        found = dict.fromkeys([*self._by_bare.get(key, ()), *packaged, *self._by_core.get(key, ())])
        if key.startswith(("elizaos-plugin-", "eliza-plugin-")):
            found |= dict.fromkeys(self._by_bare.get(key[key.index("plugin-") :], ()))
        squash = normalize.squashed(key)
        if not found and re.search(r"\s", text.strip()) and "-" not in text:
            found = dict.fromkeys(self.by_squash.get(squash, ()))
            found = {index: None for index in found if self.cores[index] == squash}
        if not found or (len(found) == 1 and key in normalize.GENERIC and not self._by_bare.get(key)):
            return []
        # "computer-use" and "computeruse" sound the same: a person may mean either.
        return list(found | dict.fromkeys(self.by_squash.get(squash, ())))

    def alike(self, name: str) -> list[str]:
        """Return the known names with the same core as *name*, itself among them; none where it is not known here."""
        if name not in self:
            return []
        squash = normalize.squashed(self.cores[self.position(name)])
        return [self.names[index] for index in self.by_squash[squash]]

    def keeper(self, names: Sequence[str]) -> str | None:
        """Return which of *names* a word has always meant in our catalogue; None where that is none of them.

        Said in a sentence, "github" means what is called plugin-github, whatever else serves GitHub by now, unless that
        is known not to work.
        """
        entries = [self.entry(self._ids[name]) for name in names if name in self._ids]
        own = [entry for entry in entries if entry.source == BUNDLED and normalize.bare(entry.name)[:7] == "plugin-"]
        return own[0].name if len(own) == 1 and not own[0].problem else None

    def spoken_forms(self, name: str) -> frozenset[str]:
        """Return letters without separators of which a text must hold some to name *name* by any of the rules."""
        index = self._ids.get(name)
        said = [name] if index is None else [name, *(each.name for each in self.entry(index).packages)]
        if index is not None and (place := address(self.entry(index).repository)):
            said.append(place[0].rpartition("/")[2])
        forms = set()
        for each in said:
            bare = normalize.bare(normalize.normal(each))
            core = normalize.squashed(normalize.core(bare))
            forms.add(core if core not in normalize.GENERIC else normalize.squashed(bare))
        return frozenset(forms - {""}) or frozenset({normalize.squashed(normalize.normal(name)) or name})

    def entry(self, index: int) -> Entry:
        """Return the first entry of the name at this position in :attr:`names`."""
        return self._entries[self._positions[self.names[index]]]


def _grouped(keys: Sequence[str], owners: Iterable[int] | None = None) -> dict[str, list[int]]:
    """Return the owners of each key, each once, in order; without *owners* a key's own position owns it."""
    groups: dict[str, list[int]] = {}
    with without_garbage_collection():
        for index, key in zip(count() if owners is None else owners, keys, strict=False):
            same = groups.get(key)
            if same is None:
                groups[key] = [index]
            elif same[-1] != index:
                same.append(index)
    return groups


def _scoped(key: str) -> Iterator[str]:
    """Give the key, and with the scope as the registry writes it: the organisation's name and its npm scope differ."""
    yield key
    for said, meant in _SCOPES.items():
        if key.startswith(said):
            yield meant + key[len(said) :]
    if "/" in key and not key.startswith("@"):
        yield f"@{key}"
