"""Makes what a plan names in a folder that nobody sees yet: from the package index, from npm, or from this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.core.permissions import UNDECLARED, Permissions
from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install import installed_packages, npm_lock
from dynamic_plugins.install.bundled_package import BundledPackage, bundled_package
from dynamic_plugins.install.copied_source import check_digest, digest, place
from dynamic_plugins.install.entry_points import node_command, python_entry_point
from dynamic_plugins.install.installation import Installation
from dynamic_plugins.install.javascript_settings import declared_settings, read_settings
from dynamic_plugins.install.kind_detection import check_npm_server, python_kind
from dynamic_plugins.install.layout import in_thread
from dynamic_plugins.install.local_source import read_local
from dynamic_plugins.install.locked_needs import check_python_needs
from dynamic_plugins.install.manifest import all_requires
from dynamic_plugins.install.mcpb import HERE, ServerManifest, unpack
from dynamic_plugins.install.npm_package import NpmPackage
from dynamic_plugins.install.plan import requirements
from dynamic_plugins.install.plugin_table import OWN_FILE, Own, own_file
from dynamic_plugins.install.python_environment import Distribution, too_new
from dynamic_plugins.install.remote_plan import remote_installation
from dynamic_plugins.install.skills import SkillsManifest, write_module
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.install.command import Tell
    from dynamic_plugins.install.manifest import Manifest
    from dynamic_plugins.install.npm import Npm
    from dynamic_plugins.install.plan import InstallPlan
    from dynamic_plugins.install.programs import Programs
    from dynamic_plugins.install.python_environment import PythonEnvironment
    from dynamic_plugins.install.uv import Uv
    from dynamic_plugins.registry.entry import Package, Variable


async def make(plan: InstallPlan, staging: Path, programs: Programs, tell: Tell) -> Installation:
    """Put what *plan* says into *staging* and return the facts, whose paths lie there. Raises InstallError."""
    if plan.package.type == "remote":
        return remote_installation(plan, staging)
    if plan.is_typescript:
        return await _with_core(plan, staging, programs, tell)
    if plan.package.type == "npm":
        return await _from_npm(plan, staging, programs.npm, tell)
    if plan.package.type == "path":
        return await _from_path(plan, staging, programs, tell)
    return await _from_index(plan, staging, programs.uv, tell)


async def _with_core(plan: InstallPlan, staging: Path, programs: Programs, tell: Tell) -> Installation:
    """Install an elizaOS plugin in TypeScript with its core; what it declares and reads is what can be told to it."""
    own = programs.npm
    if plan.brings_node:
        node = plan.locked.node if plan.locked is not None else ()
        own = await programs.node_from_pypi(plan.name, staging / "env", tell, node)
    if plan.is_bundled:
        return await _from_repository(plan, staging, programs, own, tell)
    await _with_packages(plan, staging, programs, own, tell)
    return await _of_node(plan, staging, own, plan.package.name)


async def _from_repository(plan: InstallPlan, staging: Path, programs: Programs, own: Npm, tell: Tell) -> Installation:
    """Make the package of a plugin that is only in a repository, and put it beside what it needs of npm."""
    tell("download", "fetching and bundling its source", 0.1)
    folder = staging / "bundling"
    await in_thread(folder.mkdir)
    if plan.copy is not None:
        bundled = await in_thread(BundledPackage.made, Path(plan.copy))
    else:
        bundled = await bundled_package(plan, folder, programs, own)
    plan = replace(plan, needs=bundled.needs(plan.name, plan.project.pinned))
    await _with_packages(plan, staging, programs, own, tell)
    await in_thread(bundled.place, plan.name, staging)
    await in_thread(remove_folder, folder)
    return replace(await _of_node(plan, staging, own, bundled.name), entry_point=bundled.name)


async def _with_packages(plan: InstallPlan, staging: Path, programs: Programs, own: Npm, tell: Tell) -> None:
    """Install what *plan* has of npm, in the versions that are locked, or by the program that it names."""
    if plan.locked is not None:
        await own.install_locked(plan.name, staging, plan.project, plan.locked, tell)
    else:
        installer = programs.bun if plan.with_bun else own
        await installer.install_project(plan.name, staging, plan.project, tell, plan.cutoff)
    tell("verify", "", 0.9)


async def _of_node(plan: InstallPlan, staging: Path, own: Npm, package: str) -> Installation:
    """Return the facts of a plugin that Node.js runs, which lies in *staging* as *package*."""
    manifest = own.manifest(staging, package)
    facts = _facts(plan, staging, str(manifest.get("version", plan.version or "")), declared_settings(manifest))
    return replace(
        facts,
        command=(own.node or "node",),
        variables=(*facts.variables, *await in_thread(_mentioned, plan, staging / "node_modules" / package, facts)),
        distributions=await in_thread(installed_packages.distributions, plan.name, staging),
    )


def _mentioned(plan: InstallPlan, folder: Path, facts: Installation) -> tuple[Variable, ...]:
    try:
        return read_settings(NpmPackage.installed(folder), facts.variables)
    except ValueError as error:
        raise InstallError(plan.name, f"the npm package {plan.package.name} cannot be read: {error}") from None


async def _from_npm(plan: InstallPlan, staging: Path, node: Npm, tell: Tell) -> Installation:
    package = plan.package.name
    if plan.locked is not None:
        await node.install_locked(plan.name, staging, plan.project, plan.locked, tell)
    else:
        await node.install(plan.name, staging, plan.package, plan.version, tell, plan.cutoff)
    tell("verify", "", 0.9)
    folder, manifest = staging / "node_modules" / package, node.manifest(staging, package)
    distributions = npm_lock.distributions(plan.name, staging)
    if plan.is_unlisted:
        check_npm_server(plan.name, package, manifest, distributions)
    return replace(
        _facts(plan, staging, str(manifest.get("version", plan.version or "")), declared_settings(manifest)),
        command=node_command(plan.name, package, manifest, folder, node.node or "node", plan.entry.command),
        distributions=distributions,
    )


async def _from_index(plan: InstallPlan, staging: Path, uv: Uv, tell: Tell) -> Installation:
    needed = requirements(plan.kind, plan.package, plan.version)
    environment = await _environment(plan, staging / "env", uv, needed, tell)
    tell("verify", "", 0.9)
    package = _distribution_name(plan.package, environment)
    found = environment.dist_info(package)
    if found is None:
        raise InstallError(plan.name, f"{package} was installed but left no metadata; it is not a proper package")
    version = found.name.removesuffix(".dist-info").rpartition("-")[2]
    if plan.is_unlisted:
        plan = replace(plan, kind=await in_thread(python_kind, plan.name, package, environment))
    if plan.kind == "mcp" and plan.locked is None and (older := too_new(environment, package)):
        message = f"changing to {', '.join(older)}, which it was written for"
        # Anew: where several packages bring the same folder, a change leaves files of both.
        await in_thread(remove_folder, environment.folder)
        needed += older
        environment = await uv.create(
            plan.name, environment.folder, needed, lambda stage, *_: tell(stage, message, 0.9), plan.cutoff
        )
    own = await in_thread(_own, plan, package, environment)
    entry_point = python_entry_point(plan.name, plan.kind, package, environment, plan.entry.command)
    return replace(
        _facts(plan, staging, version, own.config),
        python=str(environment.python),
        entry_point=entry_point,
        permissions=_permissions(plan, own.permissions),
        requires=await in_thread(_requires, plan, own.requires, environment, entry_point),
        distributions=await in_thread(environment.distributions),
    )


async def _from_path(plan: InstallPlan, staging: Path, programs: Programs, tell: Tell) -> Installation:
    path = Path(plan.copy or plan.package.name)
    is_wheel = path.suffix == ".whl"
    told = read_local(path)
    if isinstance(told, ServerManifest):
        return await _from_bundle(plan, told, staging, programs, tell)
    if is_wheel:
        await in_thread(check_digest, plan.name, path, plan.package.sha256)
    needed = [str(path)] if is_wheel else told.dependencies
    environment = await _environment(plan, staging / "env", programs.uv, needed, tell)
    facts = _facts(plan, staging, told.version, told.config)
    facts = replace(facts, requires=told.requires, permissions=_permissions(plan, told.permissions))
    if is_wheel:
        package = canonical(path.name.split("-")[0])
        entry_point = python_entry_point(plan.name, plan.kind, package, environment, plan.entry.command)
        requires = await in_thread(_requires, plan, told.requires, environment, entry_point)
        facts = replace(facts, entry_point=entry_point, requires=requires)
    else:
        check_python(plan.name, told, environment)
        source = await in_thread(place, told, path, staging / "source", editable=plan.editable)
        if isinstance(told, SkillsManifest):
            source = await in_thread(write_module, told, source, staging / "module")
        facts = replace(facts, entry_point=told.entry_point, search_path=(str(source),))
    tell("verify", "", 0.9)
    distributions = await in_thread(environment.distributions)
    made_of = None if plan.editable else await in_thread(digest, path)
    return replace(facts, python=str(environment.python), distributions=distributions, digest=made_of)


async def _from_bundle(
    plan: InstallPlan, told: ServerManifest, staging: Path, programs: Programs, tell: Tell
) -> Installation:
    """Unpack an MCP bundle, which brings what it needs; only an interpreter is found for it."""
    path, source = Path(plan.copy or plan.package.name), staging / "source"
    distributions: tuple[Distribution, ...] = ()
    await in_thread(unpack, path, source)
    program = told.program
    if program == "node":
        program = programs.npm.node or ""
        if not program:
            raise UnavailableHereError(plan.name, "it needs Node.js, which PATH lacks; get it from nodejs.org.")
    elif program == "python":
        environment = await _environment(plan, staging / "env", programs.uv, told.dependencies, tell)
        program, distributions = str(environment.python), await in_thread(environment.distributions)
    tell("verify", "", 0.9)

    def placed(text: str) -> str:
        return text.replace(HERE, str(source))

    facts = _facts(plan, staging, told.version, told.config)
    return replace(
        facts,
        command=tuple(map(placed, (program, *told.words))),
        arguments=tuple(replace(each, value=each.value and placed(each.value)) for each in told.arguments),
        variables=tuple(replace(each, default=each.default and placed(each.default)) for each in facts.variables),
        distributions=distributions,
        digest=await in_thread(digest, path),
    )


async def _environment(plan: InstallPlan, folder: Path, uv: Uv, needed: Sequence[str], tell: Tell) -> PythonEnvironment:
    """Make the environment of *plan*: with what is locked for it, or with what uv finds for what is *needed*."""
    if plan.locked is None:
        return await uv.create(plan.name, folder, needed, tell, plan.cutoff, loose=plan.loose)
    # What has no digest in an index: a commit, or a file of this machine.
    is_direct = plan.package.type == "git" or (plan.package.type == "path" and plan.copy in needed[:1])
    direct = needed[:1] if is_direct else ()
    environment = await uv.create_locked(plan.name, folder, plan.locked.requirements, direct, tell)
    await in_thread(check_python_needs, plan.name, environment, plan.locked, needed[len(direct) :], plan.loose)
    return environment


def _own(plan: InstallPlan, package: str, environment: PythonEnvironment) -> Own:
    """Return what an installed plugin says of itself to us. Raises InstallError where that is no sense."""
    if plan.kind == "elizaos":
        from dynamic_plugins.install import source_settings

        return Own(source_settings.read_settings(environment, package, plan.entry.variables))
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
        and "vcs_info" in (each := parse_json(read_file(info / "direct_url.json")))
    }
    return found.get(address.removeprefix("git+")) or next(iter(found.values()), package.name)


def _with_secrecy(variable: Variable, listed: Variable | None) -> Variable:
    """Return what a package declares, secret as the registry's *listed* one is where the package does not say."""
    if variable.secret_declared or listed is None:
        return variable
    return replace(variable, secret=listed.secret, secret_declared=listed.secret_declared)


def _facts(plan: InstallPlan, staging: Path, version: str, declared: tuple[Variable, ...] = ()) -> Installation:
    """Return what is known of every install. What the package itself declares comes first: it is the newer word."""
    chosen = replace(plan.entry, packages=(plan.package,))
    listed = {variable.name: variable for variable in chosen.variables}
    variables = listed | {variable.name: _with_secrecy(variable, listed.get(variable.name)) for variable in declared}
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
        permissions=plan.entry.permissions,
        own_arguments=plan.own_arguments,
        server_command=plan.entry.command,
        mark=plan.mark,
    )


def _permissions(plan: InstallPlan, own: Permissions) -> Permissions:
    """Return what the package itself declares, which is the newer word; where it is silent, what its entry does."""
    return plan.entry.permissions if own == UNDECLARED else own


def check_python(plugin: str, told: Manifest, environment: PythonEnvironment) -> None:
    """Raise InstallError where the environment's Python is none that the folder asks for."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    ours = environment.python_version()
    try:
        fits = SpecifierSet(told.requires_python).contains(ours, prereleases=True)
    except InvalidSpecifier as error:
        raise InstallError(plugin, f"its pyproject.toml asks for an impossible Python: {error}") from error
    if not fits:
        raise InstallError(plugin, f"it needs Python {told.requires_python}, and plugins are installed with {ours}")
