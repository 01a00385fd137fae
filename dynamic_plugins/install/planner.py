"""What installing a plugin would do: from which package, in which version, by which commands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import UNDECLARED
from dynamic_plugins.errors import BadArgumentsError, InstallError, UnavailableHereError
from dynamic_plugins.install.entry_points import start_of_entry, start_of_install
from dynamic_plugins.install.index_names import npm_index, package_index
from dynamic_plugins.install.plan import (
    InstallPlan,
    check_package_name,
    checked_version,
    choose_package,
    requirements,
    with_digest,
    with_reference,
)
from dynamic_plugins.registry.entry import Entry, Package
from dynamic_plugins.registry.sources import BUNDLED

if TYPE_CHECKING:
    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.install.locked_packages import LockedPackages
    from dynamic_plugins.install.programs import Programs
    from dynamic_plugins.registry.entry import Kind

ENVIRONMENT = "<its own environment>"
"""Stands in a plan for the folder, whose name is made when the install begins."""
COPY = "<the copy of it>"
"""Stands in a plan for the folder with the copy of a wheel."""
_SCRIPTS = "the install scripts of the package, and of what it needs, are run at once"
_BUILDS = "packages that are only published as source are built, which runs their code at once"


class Planner:
    """Plans installs; nothing is done, and no index is asked.

    *programs* are the package managers that the plans are for; *allow_builds*, *exclude_newer* and *cooldown_days* are
    as :class:`~dynamic_plugins.install.installer.Installer` has them.
    """

    def __init__(
        self, programs: Programs, *, allow_builds: bool, exclude_newer: str | None, cooldown_days: int
    ) -> None:
        self._programs, self._allow_builds = programs, allow_builds
        self._exclude_newer, self._cooldown_days = exclude_newer, cooldown_days
        self._indexes: dict[tuple[str, str], str] = {}

    def plan(self, entry: Entry, version: str | None = None, *, remote: bool = False) -> InstallPlan:
        """Return what installing *entry* would do; *remote* uses it where it runs, though it could be installed.

        Raises UnavailableHereError when this machine can run none of its packages and it runs nowhere else,
        BadArgumentsError for a version that is none, InstallError for an entry that names no real package or address.
        """
        from dynamic_plugins.install.remote_plan import remote_plan, why_elsewhere

        why = "" if remote else why_elsewhere(entry, has_node=self._programs.npm.available)
        if why is not None:
            return remote_plan(entry, version, why)
        package = choose_package(entry, has_node=self._programs.npm.available)
        if package.type == "path":
            told = self.plan_path(Path(package.name), version=version)
            kind = entry.kind if package.name.endswith(".whl") else told.kind
            package = replace(told.package, sha256=package.sha256)
            if told.entry.permissions != UNDECLARED:  # its own word is the newer one
                entry = replace(entry, permissions=told.entry.permissions)
            return replace(told, source=entry.source, entry=entry, name=entry.name, package=package, kind=kind)
        check_package_name(entry.name, package)
        wanted = checked_version(entry.name, version, package)
        package = with_reference(with_digest(entry.name, package, wanted), version)
        if package.typescript and not self._programs.has_git:
            reason = (
                f"its code is only in its repository ({entry.repository}), and this machine has no git to fetch that. "
            )
            raise UnavailableHereError(entry.name, f"{reason}Get it from git-scm.com and try again.")
        if package.type == "git" and not package.typescript and not self._allow_builds:
            raise InstallError(
                entry.name,
                "it comes from git, so installing it builds it, which runs its code at once. That is done only where "
                "DYNAMIC_PLUGINS_ALLOW_BUILDS=1 allows it",
            )
        cools = self._exclude_newer is None and self._cooldown_days > 0 and not _is_verified(entry, package, wanted)
        start = start_of_entry(entry, package)
        plan = InstallPlan(
            name=entry.name,
            kind=entry.kind,
            version=wanted,
            package=package,
            source=entry.source,
            commands=(),
            start_command=start,
            entry=entry,
            warnings=() if not self._allow_builds else (_SCRIPTS if start[:1] == ("node",) else _BUILDS,),
            index=self._index(package),
            cutoff=_days_ago(self._cooldown_days) if cools else self._exclude_newer,
            cooled=cools,
        )
        return replace(plan, commands=self._commands(plan))

    def _index(self, package: Package) -> str:
        """Return where *package* is looked for; a search plans all that it shows, so it is found out once."""
        key = (package.type, package.name.partition("/")[0] if package.type == "npm" else "")
        if package.type in ("npm", "pypi") and key not in self._indexes:
            is_npm = package.type == "npm"
            self._indexes[key] = (
                npm_index(self._programs.environment, package.name, self._programs.npm.node)
                if is_npm
                else package_index(self._programs.environment)
            )
        return self._indexes.get(key, "")

    def _commands(self, plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
        if plan.locked is not None:
            return self._locked_commands(plan, plan.locked)
        if plan.package.type != "npm" and not plan.is_typescript:
            needed = requirements(plan.kind, plan.package, plan.version)
            return self._programs.uv.commands(needed, ENVIRONMENT, plan.cutoff)
        try:
            if plan.is_typescript:
                return self._project_commands(plan)
            return self._programs.npm.commands(plan.package, plan.version, ENVIRONMENT, plan.cutoff)
        except ValueError as error:
            raise InstallError(plan.name, f"DYNAMIC_PLUGINS_EXCLUDE_NEWER is no date: {error}") from error

    def _locked_commands(self, plan: InstallPlan, locked: LockedPackages) -> tuple[tuple[str, ...], ...]:
        uv, count = self._programs.uv, locked.count
        named = f"<what is locked: {count} package{'' if count == 1 else 's'}, each with its digest>" if count else ""
        if plan.package.type == "npm" or plan.is_typescript:
            node = (
                uv.locked_commands("<Node.js, with its digest>", (), f"{ENVIRONMENT}/env") if plan.brings_node else ()
            )
            return (*_bundling(plan), *node, (*self._programs.npm.locked_command(ENVIRONMENT), named))
        if plan.package.type == "git":
            return uv.locked_commands(named, requirements("mcp", plan.package, plan.version), ENVIRONMENT)
        wheel = [f"{COPY}/{Path(plan.package.name).name}"] if plan.package.name.endswith(".whl") else []
        return uv.locked_commands(named, wheel if plan.package.type == "path" else (), ENVIRONMENT)

    def _project_commands(self, plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
        from dynamic_plugins.install.node import WHEEL

        node = self._programs.uv.commands([WHEEL], f"{ENVIRONMENT}/env") if plan.brings_node else ()
        installer = self._programs.bun if plan.with_bun else self._programs.npm
        return (*_bundling(plan), *node, *installer.project_commands(plan.project, ENVIRONMENT, plan.cutoff))

    def plan_path(self, path: Path, *, editable: bool = False, version: str | None = None) -> InstallPlan:
        """Return what installing the plugin in a folder or wheel on this machine would do.

        The folder is copied, so that what was agreed to is what runs; with *editable* it is used as it lies there.
        Raises InstallError, and BadArgumentsError for a *version* that does not lie there.
        """
        from dynamic_plugins.install.local_source import read_local
        from dynamic_plugins.install.mcpb import ServerManifest
        from dynamic_plugins.install.skills import SkillsManifest

        path = path.expanduser().absolute()
        is_wheel = path.suffix == ".whl" and path.is_file()
        told = read_local(path)
        if editable and isinstance(told, SkillsManifest):
            raise InstallError(told.name, "skills are copied. To take over changes in them, install them again")
        if version not in {None, "latest", told.version, f"v{told.version}"}:
            raise BadArgumentsError(told.name, f"there is no version {version}: {path} holds {told.version}")
        needed = [str(path)] if is_wheel else list(told.dependencies)
        is_server = isinstance(told, ServerManifest)
        brings_all = is_server and not needed
        kind: Kind = "mcp" if is_server else "python"
        package = Package("path", str(path), told.version, told.arguments if isinstance(told, ServerManifest) else ())
        entry = Entry(
            told.name, kind, told.description, packages=(package,), config=told.config, permissions=told.permissions
        )
        return InstallPlan(
            name=told.name,
            kind=kind,
            version=told.version,
            package=package,
            source="",
            commands=() if brings_all else self._programs.uv.commands(needed, ENVIRONMENT, self._exclude_newer),
            cutoff=self._exclude_newer,
            start_command=start_of_entry(entry, package),
            entry=entry,
            warnings=(_BUILDS,) if needed and self._allow_builds else (),
            requires=told.requires,
            notes=told.notes,
            editable=editable and not is_wheel and not is_server,
        )

    def plan_of(self, installation: Installation) -> InstallPlan:
        """Return the plan that *installation* came from, to say what starting it means."""
        package = Package(
            installation.package_type,
            installation.package,
            installation.version,
            typescript=installation.package_type == "git" and installation.runs_in_node,
        )
        entry = Entry(
            installation.plugin,
            installation.kind,
            packages=(package,),
            config=installation.variables,
            source=installation.source,
            permissions=installation.permissions,
            remote=installation.remote,
        )
        return InstallPlan(
            name=entry.name,
            kind=entry.kind,
            version=installation.version,
            package=package,
            source=installation.source,
            commands=(),
            start_command=start_of_install(installation),
            entry=entry,
            index=self._index(package) if installation.remote is None else installation.remote.url,
        )

    def from_lock(self, plan: InstallPlan, locked: LockedPackages, mark: str, commit: str | None = None) -> InstallPlan:
        """Return *plan* for exactly what is *locked* of it, which *mark* stands for; of git for that *commit*."""
        plan = replace(plan, locked=locked, mark=mark, pins=locked.pins, commit=commit, cutoff=None, cooled=False)
        return replace(plan, commands=self._commands(plan))

    def _with_copy(self, plan: InstallPlan, folder: Path) -> InstallPlan:
        """Return *plan* for a copy in *folder* of what it names; what is told of it is what the copy says."""
        from dynamic_plugins.install.copied_source import copied, digest

        path = Path(plan.package.name)
        copy = copied(path, folder / path.name)
        told = self.plan_path(copy)
        if not plan.source and told.name != plan.name:
            raise InstallError(plan.name, f"{path} holds the plugin {told.name} now")
        entry = plan.entry if plan.source else replace(told.entry, packages=(plan.package,))
        commands = [[word.replace(str(copy), f"{COPY}/{copy.name}") for word in command] for command in told.commands]
        commands = list(map(list, plan.commands)) if plan.locked is not None else commands
        return replace(
            plan,
            version=told.version,
            entry=entry,
            commands=tuple(map(tuple, commands)),
            requires=told.requires,
            copy=str(copy),
            digest=digest(copy),
        )


def _is_verified(entry: Entry, package: Package, version: str | None) -> bool:
    """Return whether *version* is the one that the registry that comes with us names, which somebody has looked at."""
    return entry.source == BUNDLED and version is not None and version == package.version


def _bundling(plan: InstallPlan) -> tuple[tuple[str, ...], ...]:
    """Return what is run to make the package of a plugin's repository; nothing for any other."""
    if not plan.is_bundled:
        return ()
    from dynamic_plugins.install.bundled_package import shown_commands

    return shown_commands(plan, ENVIRONMENT)


def _days_ago(days: int) -> str:
    """Return the beginning of a day, so that a plan is the same when it is made again for an answer."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}T00:00:00Z"
