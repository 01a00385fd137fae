"""Finding out exactly what a plan would install, before anybody is asked about it: the version, the commit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.core.cancellation import ended, to_the_end
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.command import run, short
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.install.entry_points import start_of_entry
from dynamic_plugins.install.git_checkout import GitAddress
from dynamic_plugins.install.kind_detection import npm_kind
from dynamic_plugins.install.plan import requirements
from dynamic_plugins.registry.entry import Package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.uv import Uv

NO_TIMES = "{index} does not say when packages were published, so those of the last days are not left out."


async def from_index(plan: InstallPlan, folder: Path, uv: Uv, *, alone: bool = False) -> InstallPlan:
    """Return *plan* with the version that uv would take; with no cutoff where the index knows no times.

    With *alone* the index is not asked for what the package needs. Raises InstallError where there is none, or the
    index cannot be reached. *folder* is empty, and to be removed.
    """
    needed = requirements(plan.kind, plan.package, plan.version)[: 1 if alone else None]
    found = await uv.resolve(
        plan.name, folder, needed, plan.cutoff, may_lift=plan.cooled, loose=plan.loose, alone=alone
    )
    if found.lifted:
        plan = replace(plan, cutoff=None, cooled=False, notes=(*plan.notes, NO_TIMES.format(index=plan.index)))
    return replace(plan, version=found.version)


async def from_npm(plan: InstallPlan, folder: Path, npm: Npm) -> InstallPlan:
    """Return *plan* with the version that npm would take; errors and *folder* as for :func:`from_index`."""
    # At once: where no times are told npm passes over the cutoff, and takes what it would take without.
    telling = asyncio.create_task(_npm_knows_times(plan, folder, npm))
    try:
        version = plan.version or await npm.resolve(plan.name, folder, plan.package, plan.cutoff)
        if not await telling:
            plan = replace(plan, cutoff=None, cooled=False, notes=(*plan.notes, NO_TIMES.format(index=plan.index)))
    finally:
        await to_the_end(ended(telling))
    return replace(plan, version=version)


_TELLING = ("name", "description", "keywords", "bin", "mcpName", "agentConfig", "elizaos", "dependencies")


async def of_found_kind(plan: InstallPlan, folder: Path, npm: Npm) -> InstallPlan:
    """Return *plan*, of what no registry lists, as one of an elizaOS plugin where npm's registry says that it is one.

    Where the registry says nothing of it, it stays what it was taken for.
    """
    try:
        told = await npm.view(f"{plan.package.name}@{plan.version}", (*_TELLING, "peerDependencies"), folder)
    except ValueError:
        return plan
    kind = npm_kind(told) if isinstance(told, dict) else plan.kind
    entry = replace(plan.entry, kind=kind)
    return replace(plan, kind=kind, entry=entry, start_command=start_of_entry(entry, plan.package))


async def with_times(plan: InstallPlan, folder: Path, npm: Npm) -> InstallPlan:
    """Return *plan*, whose packages are npm's but for its own, with no cutoff where npm's registry knows no times."""
    if not plan.cooled or await npm.knows_times(plan.name, folder, Package("npm", CORE)):
        return plan
    return replace(plan, cutoff=None, cooled=False, notes=(*plan.notes, NO_TIMES.format(index="npm")))


async def _npm_knows_times(plan: InstallPlan, folder: Path, npm: Npm) -> bool:
    return not plan.cooled or await npm.knows_times(plan.name, folder, plan.package)


async def from_git(plan: InstallPlan, folder: Path, environ: Mapping[str, str]) -> InstallPlan:
    """Return *plan* for the commit that its reference leads to now, so that no other is built. Raises InstallError."""
    where = GitAddress.parse(plan.package.name)
    address, reference = where.address, where.reference or plan.version or "HEAD"
    commit = GitAddress(address, reference).commit
    if commit is None:
        command = ("git", "ls-remote", "--", address, reference, f"{reference}^{{}}")
        done = await run(plan.name, command, cwd=folder, environ=dict(environ) | {"GIT_TERMINAL_PROMPT": "0"})
        found = {name: commit for commit, _, name in (line.partition("\t") for line in done.out.splitlines())}
        # A reference matches the end of a name too; and of a tag with a message, the commit is the one behind it.
        tag = f"refs/tags/{reference}"
        names = [name for name in (f"{tag}^{{}}", tag, f"refs/heads/{reference}", reference) if name in found]
        if done.code != 0 or not names:
            why = short(done.err) or f"there is no {reference}"
            raise InstallError(plan.name, f"its repository {address} does not tell what {reference} is: {why}")
        commit = found[names[0]]
    package = replace(plan.package, name=f"git+{address}@{commit}" + (f"#{where.fragment}" if where.fragment else ""))
    return replace(plan, package=package, commit=commit)
