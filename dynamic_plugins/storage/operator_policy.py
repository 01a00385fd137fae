"""What the operator of a machine allows: ``policy.toml``, which no plugin, model or registry can change.

It is read anew when it changes. A file that is damaged allows nothing: it was written to forbid.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dynamic_plugins.core.atomic_file import Stamp, stamp_of
from dynamic_plugins.errors import NotAllowedError, SourceNotAllowedError
from dynamic_plugins.registry.sources import UNLISTED
from dynamic_plugins.storage.policy_rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_plugins.core.permissions import Permissions


class Policy:
    """The rules in the file *path*. *required* says that the operator named it, so that it must be there."""

    def __init__(self, path: Path, *, required: bool = False) -> None:
        self.path, self._required = path, required
        self._seen: Stamp | None = None
        self._rules = Rules()
        self._problem = ""

    @property
    def problem(self) -> str:
        """What is wrong with the file, and where; empty when it is good, or not there and not required."""
        self._read()
        return self._problem

    def rules(self, plugin: str) -> Rules:
        """Return what the file says now. Raises NotAllowedError, about *plugin*, for a damaged one."""
        self._read()
        if self._problem:
            raise NotAllowedError(plugin, f"{self.path} cannot be followed: {self._problem}. Mend or remove it")
        return self._rules

    def check_name(self, plugin: str) -> None:
        """Raise NotAllowedError for a plugin that may be neither installed nor started."""
        rules = self.rules(plugin)
        if (pattern := _match(plugin, rules.deny)) is not None:
            raise self._refused(plugin, "plugins.deny", f"has {pattern!r}")
        if rules.allow is not None and _match(plugin, rules.allow) is None:
            raise self._refused(plugin, "plugins.allow", "does not have it")

    def check_door(self, plugin: str, door: str) -> None:
        """Raise NotAllowedError where *plugin* is to be installed or started through a door that is closed."""
        doors = self.rules(plugin).doors
        if doors is not None and door not in doors:
            raise self._refused(plugin, "doors.allow", f"does not have {door!r}")

    def check_source(self, plugin: str, package_type: str, registries: Iterable[str]) -> None:
        """Raise SourceNotAllowedError where code may not come from there.

        *registries* are the name and the address of the one that lists it; none, where none does.
        """
        rules, names = self.rules(plugin), [each for each in registries if each]
        if rules.packages is not None and package_type not in rules.packages:
            raise self._untrusted(plugin, package_type, "sources.packages")
        if UNLISTED in names:
            if rules.unlisted == "refuse" or (rules.unlisted is None and rules.registries is not None):
                rule = "sources.unlisted" if rules.unlisted else "sources.registries"
                raise self._untrusted(plugin, "no registry", rule)
            return
        if rules.registries is None or not names:
            return
        if not any(_match(name, rules.registries) is not None for name in names):
            raise self._untrusted(plugin, names[0], "sources.registries")

    def check_address(self, plugin: str, address: str) -> None:
        """Raise NotAllowedError where *plugin* may not run at *address*, which may hold ``{NAME}`` of a variable."""
        remotes = self.rules(plugin).remotes
        plain = address.partition("?")[0]
        if remotes is not None and _match(plain, remotes) is None:
            raise NotAllowedError(plugin, f"{self.path} does not allow the address {plain!r} (sources.remotes)")

    def named_hosts(self, plugin: str) -> tuple[str, ...]:
        """Return the hosts, with their ports, that ``sources.remotes`` names without a ``*`` in them."""
        netlocs = (urlsplit(pattern).netloc for pattern in self.rules(plugin).remotes or ())
        return tuple(each for each in netlocs if each and not set(each) & set("*?[@"))

    def allows_own_network(self, plugin: str) -> bool:
        """Return whether this machine and its own network may be reached. Raises NotAllowedError for a damaged file."""
        return self.rules(plugin).own_network != "refuse"

    def limits_files(self, plugin: str) -> bool:
        """Return whether there is a ceiling for files. Raises NotAllowedError for a damaged file."""
        return self.rules(plugin).files is not None

    def excess(self, plugin: str, asked: Permissions) -> list[str]:
        """Return what of the permissions *asked* for is above the ceiling, as sentences that name the rule.

        Raises NotAllowedError for a damaged file.
        """
        rules = self.rules(plugin)
        hosts = ("any",) if asked.network is None else asked.network
        found = self._above("permissions.network", "host", hosts, rules.network)
        if rules.files is not None:
            folders = [_absolute(folder) for folder in rules.files]
            paths = [each.path for each in asked.files]
            outside = [path for path in paths if not any(_absolute(path).is_relative_to(each) for each in folders)]
            found += self._above("permissions.files", "path", outside, ())
        return found + self._above("permissions.programs", "program", asked.programs, rules.programs)

    def check_permissions(self, plugin: str, asked: Permissions) -> None:
        """Raise NotAllowedError where more is *asked* for than the policy allows to grant."""
        if excess := self.excess(plugin, asked):
            raise NotAllowedError(plugin, "; ".join(excess))

    def _above(self, rule: str, kind: str, asked: Iterable[str], allowed: tuple[str, ...] | None) -> list[str]:
        if allowed is None:
            return []
        return [
            f"{self.path} does not allow the {kind} {each!r} ({rule})"
            for each in asked
            if _match(each, allowed) is None
        ]

    def _refused(self, plugin: str, rule: str, why: str) -> NotAllowedError:
        return NotAllowedError(plugin, f"{self.path} does not allow it ({rule} {why})")

    def _untrusted(self, plugin: str, source: str, rule: str) -> SourceNotAllowedError:
        return SourceNotAllowedError(plugin, source, f"{self.path} does not allow that ({rule})")

    def _read(self) -> None:
        try:
            stamp = stamp_of(self.path)
        except OSError as error:
            self._rules, self._problem, self._seen = Rules(), error.strerror or str(error), None
            return
        if stamp is None:
            self._rules, self._seen = Rules(), None
            self._problem = "there is no such file" if self._required else ""
        elif stamp != self._seen:
            # With what it needs: only where there is a policy.
            from dynamic_plugins.storage.policy_file import read_policy

            self._rules, self._problem = read_policy(self.path)
            self._seen = stamp


def _match(name: str, patterns: Iterable[str]) -> str | None:
    """Return the first of *patterns* that fits *name*."""
    return next((pattern for pattern in patterns if fnmatchcase(name.lower(), pattern.lower())), None)


def _absolute(path: str) -> Path:
    """Return a path without ``..`` and links; a variable in it, whose value is not known, lies in no folder."""
    return Path(path).expanduser().resolve() if "$" not in path else Path(path)
