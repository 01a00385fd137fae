"""What may be installed and started at all, whoever agrees to it: the operator's policy, and what is revoked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dynamic_plugins.errors import NotAllowedError, OverLimitError, PluginError, RevokedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dynamic_plugins.core.permissions import Permissions
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.registry.registry import Registry
    from dynamic_plugins.registry.revocation import Revocation
    from dynamic_plugins.storage.audit import AuditLog
    from dynamic_plugins.storage.operator_policy import Policy
    from dynamic_plugins.storage.policy_rules import Revoked


class Admission:
    """Refuses what *policy* does not allow and what *registry* has revoked, and notes that in *audit*.

    All checks raise NotAllowedError (RevokedError, SourceNotAllowedError among them) and name the rule. *revoked* is
    what becomes of running plugins that are revoked, where the policy does not say; *most* is how many plugins may be
    installed.
    """

    def __init__(
        self,
        policy: Policy,
        registry: Registry,
        audit: AuditLog,
        revoked: Revoked = "warn",
        most: int | None = None,
    ) -> None:
        self.policy, self.audit = policy, audit
        self._registry, self._revoked, self._most = registry, revoked, most

    @property
    def stops_revoked(self) -> bool:
        """Whether a plugin that is revoked does not go on running."""
        try:
            return (self.policy.rules("").revoked or self._revoked) == "stop"
        except NotAllowedError:
            return True  # a damaged policy may have said so

    @property
    def allows_unlisted(self) -> bool:
        """Whether consent that was given beforehand is also for what no registry lists, by the operator's policy."""
        return self.policy.rules("").unlisted == "allow"

    def revocation(self, plugin: Installation) -> Revocation | None:
        """Return who has revoked an installed *plugin*, and why; None where nobody has."""
        return self.revocations()(plugin)

    def revocations(self) -> Callable[[Installation], Revocation | None]:
        """Return what answers as :meth:`revocation` does, for a list of plugins: what registries say is read once."""
        known = self._registry.revocations()
        return lambda plugin: known(plugin.plugin, plugin.version, plugin.source)

    def check_install(self, plan: InstallPlan) -> None:
        """Check what is to be installed, before anybody is asked."""
        with self._noting(plan.name, plan.version or "", plan.source):
            self._check(plan.name, plan.package.type, plan.source)
            if plan.remote is not None:
                self.policy.check_address(plan.name, plan.remote.url)
            self._check_revoked(
                plan.name, plan.version, self._registry.revocation(plan.name, plan.version, plan.source)
            )

    def check_installed(self, plugin: Installation) -> None:
        """Check what has just been made, whose version is known only now, and what is to be activated."""
        with self._noting(plugin.plugin, plugin.version, plugin.source):
            self._check(plugin.plugin, plugin.package_type, plugin.source)
            self._check_revoked(plugin.plugin, plugin.version, self.revocation(plugin))

    def check_start(self, plugin: Installation) -> None:
        """Check what was activated before and is to be started again."""
        with self._noting(plugin.plugin, plugin.version, plugin.source):
            self._check(plugin.plugin, plugin.package_type, plugin.source)
            if self.stops_revoked:
                self._check_revoked(plugin.plugin, plugin.version, self.revocation(plugin))

    def check_address(self, plugin: str, address: str) -> None:
        """Check the address of a server that runs elsewhere, as it is to be connected to now."""
        with self._noting(plugin):
            self.policy.check_address(plugin, address)

    def named_hosts(self, plugin: str) -> tuple[str, ...]:
        """Return the hosts that the policy names in full, as servers that may be spoken to."""
        return self.policy.named_hosts(plugin)

    def allows_own_network(self, plugin: str) -> bool:
        """Return whether *plugin* may reach this machine and its own network, as far as it is granted that."""
        return self.policy.allows_own_network(plugin)

    def limits_files(self, plugin: str) -> bool:
        """Return whether the policy has a ceiling for the paths that *plugin* reaches."""
        return self.policy.limits_files(plugin)

    def check_room(self, plugin: str, installed: int) -> None:
        """Raise OverLimitError where *plugin* would be one more than this home may have, beside those *installed*."""
        if self._most is not None and installed >= self._most:
            with self._noting(plugin):
                raise OverLimitError(plugin, self._most)

    def check_permissions(self, plugin: str, asked: Permissions) -> None:
        """Check what is to be granted against the policy's ceilings."""
        with self._noting(plugin):
            self.policy.check_permissions(plugin, asked)

    def _check(self, name: str, package_type: str, source: str) -> None:
        self.policy.check_door(name, self.audit.door)
        self.policy.check_name(name)
        address = next((each.location for each in self._registry.configured() if each.name == source), "")
        self.policy.check_source(name, package_type, (source, address))

    def _check_revoked(self, name: str, version: str | None, found: Revocation | None) -> None:
        if found is not None:
            raise RevokedError(name, version or "(latest)", found.sentence)

    @contextlib.contextmanager
    def _noting(self, name: str, version: str = "", source: str = "") -> Iterator[None]:
        try:
            yield
        except PluginError as error:
            self.audit.note("refusal", name, version=version, source=source, answer="no", detail=str(error))
            raise
