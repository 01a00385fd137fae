"""Which registries are asked, and which of them the person trusts: ``sources.json`` in the home folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUNDLED = "bundled"
UNLISTED = "unlisted"
"""What stands in place of a registry for a plugin that none lists; no registry may be called so."""
LOCK_SECONDS = 10.0

#: The official registries, by the name that ``add`` takes. On in a new home; ``remove`` switches one off for good.
OFFICIAL: dict[str, str] = {
    "elizaos": "https://raw.githubusercontent.com/elizaos-plugins/registry/main/index.json",
    "mcp": "https://registry.modelcontextprotocol.io/v0.1/servers",
}

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class SourceError(InputError):
    """A source cannot be added, found or changed; the text says why."""

    code = "bad_arguments"


class SourceListError(SourceError, StateError):
    """``sources.json`` is damaged."""

    code = "state_unavailable"


@dataclass(frozen=True, slots=True)
class Source:
    """A registry: its name, where it is (``bundled``, a file or an http address), and whether it is trusted."""

    name: str
    location: str
    trusted: bool = False

    @property
    def is_remote(self) -> bool:
        return is_address(self.location)

    @property
    def shown(self) -> str:
        """The location as it may be shown and kept: without user, password and query."""
        if not self.is_remote:
            return self.location
        parts = urlsplit(self.location)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


BUNDLED_SOURCE = Source(BUNDLED, BUNDLED, trusted=True)


def is_address(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def given_source(location: str) -> Source:
    """Return the source for a file or address that the operator named for this run, which is trusting it."""
    location = OFFICIAL.get(location, location)
    if location == BUNDLED:
        return BUNDLED_SOURCE
    if not is_address(location):
        location = str(Path(location).expanduser().absolute())
    return Source(Source("", location).shown, location, trusted=True)


class SourceList:
    """The configured sources; several processes may share them.

    Without a file these are the bundled snapshot and the *official* ones, which are given by name and address. Where
    there is a file, nothing is on but what it names.
    """

    def __init__(self, home: Path, official: Mapping[str, str] = OFFICIAL) -> None:
        self._path = home / "sources.json"
        self._official = dict(official)

    @property
    def official(self) -> tuple[Source, ...]:
        """The official sources, on or off."""
        return tuple(Source(name, location, trusted=True) for name, location in self._official.items())

    def is_official(self, source: Source) -> bool:
        """Return whether *source* is at an official address, whatever it is called."""
        return source.location in self._official.values()

    def off(self) -> tuple[Source, ...]:
        """Return the official sources that are switched off. Raises :class:`SourceListError`."""
        on = {source.location for source in self.all()}
        return tuple(source for source in self.official if source.location not in on)

    def all(self) -> tuple[Source, ...]:
        """Return the sources in the order they were added. Raises :class:`SourceListError`."""
        try:
            data = read_json(self._path)
        except FileNotFoundError:
            return (BUNDLED_SOURCE, *self.official)
        except (OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            raise SourceListError(f"{self._path} cannot be read ({why}). Mend or remove it.") from None
        listed = data.get("sources") if isinstance(data, dict) else None
        if not isinstance(listed, list):
            raise SourceListError(f"{self._path} is not a list of sources. Mend or remove it.")
        found = []
        for number, each in enumerate(listed):
            try:
                found.append(_source(each))
            except (KeyError, TypeError) as error:
                why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                raise SourceListError(f"{self._path}: sources.{number}: {why}. Mend or remove it.") from None
        return tuple(found)

    def get(self, name: str) -> Source:
        """Return the source of this name. Raises :class:`SourceError`."""
        found = next((source for source in self.all() if source.name == name), None)
        if found is None:
            known = ", ".join(source.name for source in self.all()) or "none"
            raise SourceError(f"There is no registry called {name!r}; there are: {known}.")
        return found

    def add(self, location: str, name: str | None = None) -> Source:
        """Add a file, an address, or the name of an official registry, and return it as a source.

        Only official registries and the bundled snapshot are trusted at once. An official one that is on stays on.
        Raises :class:`SourceError` if the name or the location is there already, or if the address holds a password
        (it would be kept in plain text).
        """
        source = self._new(location.strip(), name)
        with self._locked():
            sources = self.all()
            if source in sources and self.is_official(source):
                return source
            for other in sources:
                if other.location == source.location:
                    raise SourceError(f"{source.shown} is there already, as {other.name}.")
                if other.name == source.name:
                    raise SourceError(f"A registry called {source.name} is there already; give another name.")
            self._write([*sources, source])
        return source

    def remove(self, name: str) -> Source:
        """Remove a source and return it; what was installed from it stays. Raises :class:`SourceError`."""
        with self._locked():
            removed = self.get(name)
            self._write([source for source in self.all() if source.name != name])
        return removed

    def trust(self, name: str, trusted: bool = True) -> Source:
        """Trust a source (or no longer) and return it. Raises :class:`SourceError`."""
        with self._locked():
            changed = replace(self.get(name), trusted=trusted)
            self._write([changed if source.name == name else source for source in self.all()])
        return changed

    def _new(self, location: str, name: str | None) -> Source:
        if location == BUNDLED:
            return BUNDLED_SOURCE
        official = location in self._official
        address = self._official.get(location, location)
        if is_address(address):
            parts = urlsplit(address)
            if parts.username is not None or parts.password is not None:
                raise SourceError("The address holds a user or password, which would be kept in plain text.")
            if not parts.hostname:
                raise SourceError(f"{address!r} is not an address.")
        else:
            address = str(Path(address).expanduser().absolute())
            if not Path(address).is_file():
                raise SourceError(f"{address} is not a file.")
        chosen = name or (location if official else _name_for(address))
        if not _NAME.fullmatch(chosen) or chosen in (BUNDLED, UNLISTED):
            raise SourceError(f"{chosen!r} cannot be a registry's name: small letters, digits, dots and dashes.")
        return Source(chosen, address, trusted=address in self._official.values())

    def _write(self, sources: Sequence[Source]) -> None:
        data = {
            "schema": 1,
            "sources": [{"name": s.name, "location": s.location, "trusted": s.trusted} for s in sources],
        }
        write_atomically(self._path, json.dumps(data, indent=1) + "\n")

    def _locked(self) -> Any:
        from filelock import FileLock

        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS)


def _source(data: Any) -> Source:
    if not isinstance(data, dict):
        raise TypeError("a source is a table")
    name, location = data["name"], data["location"]
    if not isinstance(name, str) or not isinstance(location, str):
        raise TypeError("a source's name and location are text")
    if (name == BUNDLED) != (location == BUNDLED) or name == UNLISTED:
        raise TypeError("nothing else may pass for the bundled snapshot, or for what no registry lists")
    return BUNDLED_SOURCE if location == BUNDLED else Source(name, location, data.get("trusted") is True)


def _name_for(location: str) -> str:
    """Return a name out of an address' host or a file's name."""
    raw = urlsplit(location).hostname or "" if is_address(location) else Path(location).stem
    return re.sub(r"[^a-z0-9._-]+", "-", raw.lower()).strip("-._") or "registry"


class SourceActivity(StrEnum):
    """What is done, or can be, to know a source better."""

    NOTHING = "on"
    """It is asked when its time comes."""
    OFF = "off"
    REFRESHING = "refreshing"
    """This or another process reads it now."""
    RESUMING = "resuming"
    """Its pages were read in part, and are read on from there."""
    FAILED = "failed"
    """It could not be read, and is left alone until :attr:`SourceState.next_try`."""
    OFFLINE = "offline"
    """Nothing is asked."""


@dataclass(frozen=True)
class SourceState:
    """How one source stands. Times are seconds since 1970, 0 where there was none; *problem* is empty when it works."""

    source: Source
    entries: int = 0
    fetched_at: float = 0.0
    """When what is shown was read."""
    checked_at: float = 0.0
    """When the source last said that it is still so; only addresses are asked."""
    problem: str = ""
    skipped: int = 0
    why_skipped: tuple[str, ...] = ()
    """Why, for the first few."""
    updated: str = ""
    """When the registry says that it was made."""
    doing: SourceActivity = SourceActivity.NOTHING
    page: int = 0
    """How many of its pages have been read by now, where they are being read."""
    next_try: float = 0.0
    """When it is asked again, where it failed."""

    @property
    def as_of(self) -> float:
        """The time that its entries are of: when they were read, or when the source last confirmed them."""
        return max(self.fetched_at, self.checked_at) if self.fetched_at else 0.0


def age(seconds: float) -> str:
    """Return a length of time as people say it: ``5 minutes``, ``3 hours``, ``12 days``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
