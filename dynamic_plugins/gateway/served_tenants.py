"""The tenants that a gateway serves now: read anew whenever their file changes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import Stamp, stamp_of
from dynamic_plugins.core.cancellation import ended, to_the_end
from dynamic_plugins.errors import PluginError, TenantsFileError
from dynamic_plugins.gateway.rate_limits import TenantGate
from dynamic_plugins.gateway.tenant_home import environment, problems
from dynamic_plugins.gateway.tenant_order import TenantOrder
from dynamic_plugins.gateway.tenant_process import TenantProcess
from dynamic_plugins.gateway.tenants_file import whose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dynamic_plugins.gateway.tenants_file import Tenant, TenantsFile
    from dynamic_plugins.settings import Settings

_LOOK_SECONDS = 0.25
"""So often is looked whether the file has changed, besides at every request."""


@dataclass(frozen=True)
class ServedTenant:
    """One tenant, what it may do, and its process; *problem* is why it cannot be served."""

    tenant: Tenant
    gate: TenantGate
    process: TenantProcess
    problem: str = ""


class ServedTenants:
    """The tenants in *file*. *tell* gets what happens to each: its name and a sentence, never what was said.

    A file that cannot be read lets nobody in, as a policy that cannot be read allows nothing: it may have been changed
    to keep somebody out.
    """

    def __init__(
        self,
        file: TenantsFile,
        settings: Settings,
        tell: Callable[[str, str], None],
        *,
        idle_seconds: float,
        allow_installs: bool = False,
        allow_unlisted: bool = False,
    ) -> None:
        self._file, self._settings, self._tell = file, settings, tell
        self._idle_seconds = idle_seconds
        self._agreed = (allow_installs, allow_unlisted)
        self._seen: Stamp | None = None
        self._served: dict[str, ServedTenant] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def open(self) -> int:
        """Read the file for the first time and return how many tenants are in it.

        Raises TenantsFileError where it is not there or cannot be read, or a tenant in it cannot be served.
        """
        self._seen = stamp_of(self._file.path)
        if self._seen is None:
            raise TenantsFileError(
                str(self._file.path), "it is not there. Make it with: dynamic-plugins tenants add NAME"
            )
        tenants = self._file.read()
        for name, problem in problems(tenants.values(), self._settings.home).items():
            raise TenantsFileError(str(self._file.path), f"{name}: {problem}")
        self._take(tenants)
        return len(tenants)

    def whose(self, token: str) -> ServedTenant | None:
        """Return the tenant whose *token* that is, as the file says now; None for nobody's."""
        self.look()
        tenant = whose(token, [each.tenant for each in self._served.values()])
        return None if tenant is None else self._served[tenant.name]

    def look(self) -> None:
        """Read the file where it has changed. Who is not in it as before is not served any more, from now on."""
        try:
            stamp = stamp_of(self._file.path)
            if stamp == self._seen and stamp is not None:
                return
            self._seen = stamp
            self._take(self._file.read())
        except (OSError, PluginError) as error:
            if self._served:
                self._tell("gateway", f"{error} Nobody is served.")
            self._seen = None
            self._take({})

    async def watch(self) -> None:
        """Look again and again, and end processes that nobody uses, until cancelled."""
        ending: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()
            # Not waited for: a process may take its time to end, and until then nobody would see who was removed.
            for served in self._served.values():
                if served.process.is_idle(self._idle_seconds):
                    ending.add(task := asyncio.create_task(served.process.end_if_idle(self._idle_seconds)))
                    task.add_done_callback(ending.discard)

    async def close(self) -> None:
        """End all processes."""
        served, self._served = self._served, {}
        for each in served.values():
            self._leave(each)
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _take(self, tenants: dict[str, Tenant]) -> None:
        found = problems(tenants.values(), self._settings.home)
        before, self._served = self._served, {}
        for name, tenant in tenants.items():
            problem = found.get(name, "")
            present = before.get(name)
            if present is not None and present.tenant == tenant and present.problem == problem:
                self._served[name] = before.pop(name)
                continue
            if problem:
                self._tell(name, f"not served: {problem}")
            self._served[name] = self._new(tenant, problem)
        for name, served in before.items():
            if name not in self._served:
                self._tell(name, "not served any more")
            self._leave(served)

    def _new(self, tenant: Tenant, problem: str) -> ServedTenant:
        settings = self._settings
        # Without a word of the operator's, what a fence cannot hold is not started: others' homes lie beside.
        sandbox = settings.sandbox if settings.environment.get("DYNAMIC_PLUGINS_SANDBOX") else "require"
        process = TenantProcess(
            TenantOrder(tenant.name, -1, settings.registries, *self._agreed, tenant.limits),
            Path(os.path.realpath(tenant.home)),
            environment(tenant, settings.environment, settings.passphrase, sandbox),
            lambda said: self._tell(tenant.name, said),
        )
        return ServedTenant(tenant, TenantGate(tenant.limits), process, problem)

    def _leave(self, served: ServedTenant) -> None:
        served.process.gone.set()
        task = asyncio.get_running_loop().create_task(served.process.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


@contextlib.asynccontextmanager
async def watching(served: ServedTenants) -> AsyncIterator[None]:
    """Watch the file of *served* while the block lasts, and end all processes after it."""
    task = asyncio.create_task(served.watch())
    try:
        yield
    finally:
        await to_the_end(_close(task, served))


async def _close(watch: asyncio.Task[None], served: ServedTenants) -> None:
    await ended(watch)
    await served.close()
