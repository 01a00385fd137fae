"""Makes what a plan names in a folder that nobody sees yet: from the package index, from npm, or from this machine."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.errors import InstallError
from dynamic_plugins.install import npm
from dynamic_plugins.install.entry_points import node_command, python_entry_point
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.local_source import check_digest, check_python, digest, place
from dynamic_plugins.install.manifest import OWN_FILE, Own, all_requires, own_file, read_folder, read_wheel
from dynamic_plugins.install.plan import requirements
from dynamic_plugins.install.python_environment import canonical, too_new

if TYPE_CHECKING:
    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.python_environment import PythonEnvironment
    from dynamic_plugins.install.uv import Uv
    from dynamic_plugins.registry.entry import Package, Variable


async def make(plan: InstallPlan, staging: Path, uv: Uv, node: Npm, tell: Tell) -> Installation:
    """Put what *plan* says into *staging* and return the facts, whose paths lie there. Raises InstallError."""
    if plan.package.type == "npm":
        return await _from_npm(plan, staging, node, tell)
    if plan.package.type == "path":
        return await _from_path(plan, staging, uv, tell)
    return await _from_index(plan, staging, uv, tell)


async def _from_npm(plan: InstallPlan, staging: Path, node: Npm, tell: Tell) -> Installation:
    package = plan.package.name
    await node.install(plan.name, staging, plan.package, plan.version, tell)
    tell("verify", "", 0.9)
    folder, manifest = staging / "node_modules" / package, node.manifest(staging, package)
    return replace(
        _facts(plan, staging, str(manifest.get("version", plan.version or "")), npm.variables(manifest)),
        command=node_command(plan.name, package, manifest, folder, node.node or "node"),
        distributions=node.distributions(plan.name, staging),
    )


async def _from_index(plan: InstallPlan, staging: Path, uv: Uv, tell: Tell) -> Installation:
    needed = requirements(plan.kind, plan.package, plan.version)
    # Its plugins ask for "elizaos>=2.0.0" while all there is are pre-releases of that.
    loose = "elizaos" if plan.kind == "elizaos" else None
    environment = await uv.create(plan.name, staging / "env", needed, tell, loose=loose)
    tell("verify", "", 0.9)
    package = _distribution_name(plan.package, environment)
    found = environment.dist_info(package)
    if found is None:
        raise InstallError(plan.name, f"{package} was installed but left no metadata; it is not a proper package")
    version = found.name.removesuffix(".dist-info").rpartition("-")[2]
    if plan.kind == "mcp" and (older := too_new(environment, package)):
        message = f"changing to {', '.join(older)}, which it was written for"
        # Anew: where several packages bring the same folder, a change leaves files of both.
        await in_thread(shutil.rmtree, environment.folder)
        needed += older
        environment = await uv.create(
            plan.name, environment.folder, needed, lambda stage, *_: tell(stage, message, 0.9)
        )
    own = await in_thread(_own, plan, package, environment)
    entry_point = python_entry_point(plan.name, plan.kind, package, environment)
    return replace(
        _facts(plan, staging, version, own.config),
        python=str(environment.python),
        entry_point=entry_point,
        requires=await in_thread(_requires, plan, own.requires, environment, entry_point),
        distributions=await in_thread(environment.distributions),
    )


async def _from_path(plan: InstallPlan, staging: Path, uv: Uv, tell: Tell) -> Installation:
    path = Path(plan.package.name)
    is_wheel = path.suffix == ".whl"
    told = read_wheel(path) if is_wheel else read_folder(path)
    if is_wheel:
        await in_thread(check_digest, plan.name, path, plan.package.sha256)
    environment = await uv.create(plan.name, staging / "env", [str(path)] if is_wheel else told.dependencies, tell)
    facts = replace(_facts(plan, staging, told.version, told.config), requires=told.requires)
    if is_wheel:
        package = canonical(path.name.split("-")[0])
        entry_point = python_entry_point(plan.name, plan.kind, package, environment)
        requires = await in_thread(_requires, plan, told.requires, environment, entry_point)
        facts = replace(facts, entry_point=entry_point, requires=requires)
    else:
        check_python(plan.name, told, environment)
        source = await in_thread(place, told, path, staging / "source", editable=plan.editable)
        facts = replace(facts, entry_point=told.entry_point, search_path=(str(source),))
    tell("verify", "", 0.9)
    distributions = await in_thread(environment.distributions)
    made_of = None if plan.editable else await in_thread(digest, path)
    return replace(facts, python=str(environment.python), distributions=distributions, digest=made_of)


def _own(plan: InstallPlan, package: str, environment: PythonEnvironment) -> Own:
    """Return what an installed plugin says of itself to us. Raises InstallError where that is no sense."""
    if plan.kind == "elizaos":
        from dynamic_plugins.install.source_settings import read_settings

        return Own(read_settings(environment, package, plan.entry.variables))
    if plan.kind != "python":
        return Own()
    try:
        return own_file(environment.own_file(package, OWN_FILE))
    except (ValueError, TypeError, KeyError) as error:
        raise InstallError(plan.name, f"its {OWN_FILE} cannot be read: {error}") from error


def _requires(
    plan: InstallPlan, said: tuple[str, ...], environment: PythonEnvironment, entry_point: str
) -> tuple[str, ...]:
    """Return what an installed package needs, as it has *said* and as its code says. Raises InstallError."""
    if plan.kind != "python":
        return said
    try:
        return all_requires(said, environment.site_packages, entry_point)
    except ValueError as error:
        raise InstallError(plan.name, f"what it requires cannot be read: {error}") from error


def _distribution_name(package: Package, environment: PythonEnvironment) -> str:
    """Return the name of what was installed: for git, of what came from that address (PEP 610)."""
    if package.type != "git":
        return package.name
    address = package.name.removeprefix("git+").partition("#")[0].rpartition("@")[0] or package.name
    found = {
        each["url"]: info.name.removesuffix(".dist-info").rpartition("-")[0]
        for info in environment.dist_infos()
        if (info / "direct_url.json").is_file()
        and "vcs_info" in (each := json.loads((info / "direct_url.json").read_text(encoding="utf-8")))
    }
    return found.get(address.removeprefix("git+")) or next(iter(found.values()), package.name)


def _facts(plan: InstallPlan, staging: Path, version: str, declared: tuple[Variable, ...] = ()) -> Installation:
    """Return what is known of every install. What the package itself declares comes first: it is the newer word."""
    chosen = replace(plan.entry, packages=(plan.package,))
    variables = {each.name: each for each in (*chosen.variables, *declared)}
    return Installation(
        plugin=plan.name,
        kind=plan.kind,
        version=version,
        path=str(staging),
        package_type=plan.package.type,
        package=plan.package.name,
        source=plan.source,
        arguments=plan.package.arguments,
        variables=tuple(variables.values()),
    )
