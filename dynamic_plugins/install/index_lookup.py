"""What the package indexes say of a package that no registry lists: whether there is one, whose it is, and how old.

They are asked by uv and npm, at the addresses that this machine is set up with. What these two do not tell is read from
the same index as JSON; an index that has no such page, or does not answer in time, leaves it *not told*.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.errors import PluginError
from dynamic_plugins.install import attestations
from dynamic_plugins.registry.formats import fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable
    from pathlib import Path

    from dynamic_plugins.install.layout import PluginFolders
    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.uv import Uv
    from dynamic_plugins.registry.entry import Package

T = TypeVar("T")
ASKED_SECONDS = 30.0
"""How long it may take to find out whether there is a package."""
TOLD_SECONDS = 20.0
"""How long may be waited for what an index says of one."""
DOWNLOADS_SECONDS = 15.0
"""How long of that for how often it is downloaded, which a registry may well not tell."""
ATTESTED_SECONDS = 6.0
"""How long a question waits for who built a package."""
MOST_BYTES = 2**24
NOT_TOLD = "not told"
_SIMPLE = "application/vnd.pypi.simple.v1+json"
_DESCRIPTION, _PUBLISHER = 300, 120


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What an index says of a package in one version. Days are ``2026-11-29``; empty is not told."""

    publisher: str = ""
    first: str = ""
    """The day on which the package was published for the first time."""
    published: str = ""
    """The day on which this version was."""
    downloads: str = ""
    """``12,345 a week``"""
    description: str = ""
    deprecated: str = ""

    def lines(self, today: datetime | None = None) -> tuple[tuple[str, str], ...]:
        """Return it for a person, as pairs of a label and a text."""
        today = today or datetime.now(UTC)
        first = f"first published {self.first} ({_ago(self.first, today)})" if self.first else ""
        version = f"this version {self.published} ({_ago(self.published, today)})" if self.published else ""
        found = [
            ("by", self.publisher or NOT_TOLD),
            ("age", ", ".join(filter(None, (first, version))) or NOT_TOLD),
            ("used", f"downloaded {self.downloads}" if self.downloads else "how often is not told"),
            ("says", f"“{self.description}”" if self.description else ""),
            ("warning", f"Its publisher calls it deprecated: {self.deprecated}" if self.deprecated else ""),
        ]
        return tuple((label, text) for label, text in found if text)


class IndexLookup:
    """Asks the package indexes by *uv* and *npm*, in a folder that is made among *folders*; none where *offline*."""

    def __init__(self, folders: PluginFolders, uv: Uv, npm: Npm, *, offline: bool = False) -> None:
        self._folders, self._uv, self._npm, self._offline = folders, uv, npm, offline

    async def holding(self, name: str) -> dict[str, bool | None]:
        """Return, by ``npm`` and ``pypi``, whether that index has a package *name*; None where it does not answer.

        Where this machine has no npm, nothing is said of it.
        """
        if self._offline:
            return {"npm": None, "pypi": None}
        async with self._folders.scratch() as folder:
            asked: dict[str, Awaitable[bool | None]] = {"pypi": self._uv.has_package(name, folder)}
            if self._npm.available:
                asked["npm"] = self._npm.has_package(name, folder)
            answers = await asyncio.gather(*(_in_time(each, ASKED_SECONDS) for each in asked.values()))
        return dict(sorted(zip(asked, answers, strict=True)))

    async def facts(self, package: Package, version: str | None, folder: Path) -> IndexFacts:
        """Return what its index says of *package* in *version*; *folder* is there to run in."""
        if self._offline:
            return IndexFacts()
        asked = self._of_npm if package.type == "npm" else self._of_pypi
        return await _in_time(asked(package.name, version, folder), TOLD_SECONDS) or IndexFacts()

    async def attested(self, package: Package, version: str, folder: Path) -> str:
        """Return who built *package* in *version*, as its index attests that; empty where it does not, or not in time.

        *folder* is there to run in.
        """
        if self._offline or package.type not in ("npm", "pypi"):
            return ""
        asked = self._attested_by_npm if package.type == "npm" else self._attested_by_pypi
        return await _in_time(asked(package.name, version, folder), ATTESTED_SECONDS) or ""

    async def _attested_by_npm(self, name: str, version: str, folder: Path) -> str:
        where = ("dist.attestations.url",)
        told, index = await asyncio.gather(
            self._npm.view(f"{name}@{version}", where, folder), self._npm.registry(name, folder)
        )
        if not isinstance(told, str) or not attestations.is_at(told, index):
            return ""
        return attestations.of_npm(await _json_at(told), index)

    async def _attested_by_pypi(self, name: str, version: str, folder: Path) -> str:
        index = (await self._uv.index_of(f"{name}=={version}", folder)).rstrip("/")
        listed = await _json_at(f"{index}/{quote(name)}/", _SIMPLE)
        addresses, count = attestations.provenance_addresses(listed["files"], version, index)
        if not addresses:
            return ""
        said = attestations.of_pypi(await _json_at(addresses[0]), index)
        return f"{said}, of {len(addresses)} of its {count} files" if said and len(addresses) < count else said

    # ---------------------------------------------------------------- npm

    async def _of_npm(self, name: str, version: str | None, folder: Path) -> IndexFacts:
        wanted = ("description", "author", "maintainers", "_npmUser", "deprecated", "time.created", f"time[{version}]")
        told, times, downloads = await asyncio.gather(
            self._npm.view(f"{name}@{version or 'latest'}", wanted, folder),
            self._npm.times(name, folder),
            _in_time(self._npm_downloads(name, folder), DOWNLOADS_SECONDS),
        )
        told = told if isinstance(told, dict) else {}
        publisher = _person(told.get("_npmUser")) or ", ".join(
            filter(None, map(_person, _listed(told.get("maintainers"))))
        )
        return IndexFacts(
            publisher=_by(publisher, _person(told.get("author"))),
            first=_day(told.get("time.created")) or min(filter(None, map(_day, times.values())), default=""),
            published=_day(told.get(f"time[{version}]")) or _day(times.get(version or "")),
            downloads=downloads or "",
            description=fields.text(told.get("description"), _DESCRIPTION),
            deprecated=fields.text(told.get("deprecated"), _DESCRIPTION),
        )

    async def _npm_downloads(self, name: str, folder: Path) -> str:
        """Return how often a package is downloaded, where the registry's search tells that."""
        address = await self._npm.registry(name, folder)
        found = await _json_at(f"{address.rstrip('/')}/-/v1/search?text={quote(name, safe='')}&size=20")
        for each in found.get("objects") or ():
            if each["package"]["name"] == name and (count := fields.count(each["downloads"]["weekly"])):
                return f"{count:,} times a week"
        return ""

    # ---------------------------------------------------------------- PyPI

    async def _of_pypi(self, name: str, version: str | None, folder: Path) -> IndexFacts:
        index = (await self._uv.index_of(f"{name}=={version}" if version else name, folder)).rstrip("/")
        if not index.startswith(("https://", "http://")):
            return IndexFacts()
        facts = IndexFacts()
        with suppress(PluginError, *_ODD):
            facts = _of_page(await _json_at(f"{index.removesuffix('/simple')}/pypi/{quote(name)}/json"), version)
        if not facts.published:
            with suppress(PluginError, *_ODD):
                listed = await _json_at(f"{index}/{quote(name)}/", _SIMPLE)
                facts = _with_times(facts, listed["files"], version)
        return facts


_ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What comes of an answer that is of another form than it should be."""


async def _in_time(asked: Awaitable[T], seconds: float) -> T | None:
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except (TimeoutError, PluginError, OSError, *_ODD):
        return None


async def _json_at(address: str, accept: str = "application/json") -> Any:
    from dynamic_plugins.registry.http import fetch, open_client

    async with open_client(TOLD_SECONDS / 2) as client:
        client.headers["Accept"] = accept
        return parse_json((await fetch(client, address, limit=MOST_BYTES)).content or b"{}")


def _of_page(page: dict[str, Any], version: str | None) -> IndexFacts:
    """Return what an index's JSON page of a package says: the form that PyPI has beside its list of files."""
    info, releases = page["info"], page.get("releases") or {}
    days = {each: _first_day(files) for each, files in releases.items()}
    owners = (page.get("ownership") or {}).get("roles") or ()
    publisher = ", ".join(str(each.get("user")) for each in owners if isinstance(each, dict))
    author = info.get("author") or info.get("author_email") or info.get("maintainer") or info.get("maintainer_email")
    return IndexFacts(
        publisher=_by(fields.text(publisher, _PUBLISHER), _person(author)),
        first=min(filter(None, days.values()), default=""),
        published=days.get(version or info.get("version"), ""),
        downloads=_last_week(info.get("downloads")),
        description=fields.text(info.get("summary"), _DESCRIPTION),
    )


def _with_times(facts: IndexFacts, files: Iterable[Any], version: str | None) -> IndexFacts:
    """Return *facts* with the days out of a list of files (PEP 700)."""
    days = [(str(each["filename"]), _day(each.get("upload-time"))) for each in files]
    mine = [day for file, day in days if day and version and f"-{version}-" in file.replace(".tar.gz", "-")]
    return replace(facts, first=min((day for _, day in days if day), default=""), published=min(mine, default=""))


def _last_week(counts: Any) -> str:
    count = fields.count(counts.get("last_week")) if isinstance(counts, dict) else 0
    return f"{count:,} times a week" if count else ""


def _first_day(files: Any) -> str:
    return min(
        filter(None, (_day(each.get("upload_time_iso_8601") or each.get("upload_time")) for each in files)), default=""
    )


def _by(publisher: str, author: str) -> str:
    """Return whose a package is: who publishes it, which the index knows, and its author as the package says."""
    said = f"{author} (as the package itself says)" if author and author != publisher else ""
    return "; ".join(filter(None, (publisher, said)))


def _person(value: Any) -> str:
    """Return a name without the address behind it."""
    name = value.get("name") if isinstance(value, dict) else value
    return fields.text(re.sub(r"\s*<[^<>]*>", "", name) or name, _PUBLISHER) if isinstance(name, str) else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _day(value: Any) -> str:
    return value[:10] if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) else ""


def _ago(day: str, today: datetime) -> str:
    """Return how long ago a day is: ``today``, ``3 days ago``, ``2 years ago``."""
    try:
        days = (today.date() - datetime.fromisoformat(day).date()).days
    except ValueError:
        return "at a day that is none"
    for unit, length in (("year", 365), ("month", 30), ("day", 1)):
        if days >= length:
            count = days // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "today"
