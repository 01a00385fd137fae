"""Of which kind a package is that no registry lists, found out where it lies and without running any of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.outside_data import read_file
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.install.entry_points import ENTRY_POINT_GROUP
from dynamic_plugins.install.plugin_table import OWN_FILE
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.install.python_environment import Distribution, PythonEnvironment
    from dynamic_plugins.registry.entry import Kind

_MOST_METADATA = 2**23
_SPEAKS = re.compile(r"(?<![a-z])mcp(?![a-z])|model[ -]context[ -]protocol", re.IGNORECASE)
_TELLING = re.compile(r"^(?:Name|Summary|Keywords):(.*)$", re.MULTILINE | re.IGNORECASE)
_PYTHON_LIBRARIES = frozenset({"mcp", "fastmcp"})
_NPM_LIBRARIES = ("@modelcontextprotocol/", "fastmcp", "mcp-framework")
_NO_PLUGIN = "the {where} package {package} is no plugin, as far as can be seen without running it. {looked}"


def python_kind(plugin: str, package: str, environment: PythonEnvironment) -> Kind:
    """Return the kind of a Python package in its *environment*. Raises InstallError where it is no plugin at all."""
    if environment.entry_points(package, ENTRY_POINT_GROUP) or environment.own_file(package, OWN_FILE):
        return "python"
    needed = {canonical(each.name) for each in environment.requirements(package)}
    if "elizaos" in needed or canonical(package).startswith(("elizaos-plugin-", "elizaos-client-", "elizaos-adapter-")):
        return "elizaos"
    installed = {canonical(each.name) for each in environment.distributions()} - {canonical(package)}
    speaks = bool(installed & _PYTHON_LIBRARIES) or _names_protocol(package, environment)
    has_command = bool(environment.entry_points(package, "console_scripts")) or any(
        (environment.site_packages / module / "__main__.py").is_file() for module in environment.modules(package)
    )
    if speaks and has_command:
        return "mcp"
    lacking = "no command that could be started" if speaks else "nothing of MCP in its name, description or packages"
    looked = (
        f"As an MCP server it has {lacking}; as a plugin for elizaOS it would need elizaos; as one of this project it "
        f"would have an entry point in {ENTRY_POINT_GROUP} or a {OWN_FILE}"
    )
    raise InstallError(plugin, _NO_PLUGIN.format(where="PyPI", package=package, looked=looked))


def npm_kind(manifest: Mapping[str, Any]) -> Kind:
    """Return the kind of an npm package by its ``package.json``: a plugin for elizaOS, or what may be an MCP server."""
    needed = {**_table(manifest, "dependencies"), **_table(manifest, "peerDependencies")}
    is_plugin = CORE in needed or any(manifest.get(key) for key in ("agentConfig", "elizaos"))
    return "elizaos" if is_plugin and not (manifest.get("bin") and _speaks(manifest)) else "mcp"


def _table(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = manifest.get(key)
    return found if isinstance(found, dict) else {}


def _speaks(manifest: Mapping[str, Any]) -> bool:
    told = " ".join(str(manifest.get(key) or "") for key in ("name", "description", "keywords"))
    return bool(manifest.get("mcpName")) or _SPEAKS.search(told) is not None


def check_npm_server(
    plugin: str, package: str, manifest: Mapping[str, Any], distributions: Iterable[Distribution]
) -> None:
    """Raise InstallError for an npm package that is no MCP server, by its ``package.json`` and what came with it."""
    brings = any(each.name.startswith(_NPM_LIBRARIES) for each in distributions if each.name != package)
    speaks = brings or _speaks(manifest)
    if speaks and manifest.get("bin"):
        return
    lacking = "no command (bin)" if speaks else "nothing of MCP in its name, description, keywords or packages"
    looked = f"As an MCP server it has {lacking}; as a plugin for elizaOS it would need {CORE}"
    raise InstallError(plugin, _NO_PLUGIN.format(where="npm", package=package, looked=looked))


def _names_protocol(package: str, environment: PythonEnvironment) -> bool:
    info = environment.dist_info(package)
    if info is None:
        return False
    head = read_file(info / "METADATA", _MOST_METADATA).decode(errors="replace").partition("\n\n")[0]
    return any(_SPEAKS.search(said.replace("_", "-")) for said in _TELLING.findall(head))
