"""The settings of an elizaOS plugin of npm: those that its ``package.json`` declares, and those that its source reads.

Nothing of it is run. What is only found in its source is not required, nor is it trusted: any source can mention any
variable, so ``configure --from-env`` takes these only by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import looks_secret, secret_unless_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dynamic_plugins.install.javascript_names import JavaScript
    from dynamic_plugins.install.npm_package import NpmPackage

_NAME = re.compile(r"[A-Z][A-Z0-9]{0,60}_[A-Z0-9_]{1,80}")
# runtime.getSetting("X"), and the keys of a plugin's own `config: {X: process.env.X}`; only where all is spelled out.
_ASKED = re.compile(r"(?<![\w$])getSetting\s*\(\s*\x01(\d+)\x01")
# process.env.X, where X is a key or a token: a bundle reads many others that are nobody's settings.
_ENVIRONMENT = re.compile(r"(?<![\w$.])process\s*\.\s*env\s*(?:\.\s*([A-Z][A-Z0-9_]*)|\[\s*\x01(\d+)\x01\s*\])")
_CONFIG = re.compile(r"(?<![\w$.])config\s*:\s*\{([^{}]*)\}")
_KEY = re.compile(r"(?:^|,)\s*(?:([A-Za-z_]\w*)|\x01(\d+)\x01)\s*(?=:)")
_MOST_NAMES = 200


def declared_settings(manifest: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Return the configuration that an elizaOS ``package.json`` declares.

    ``agentConfig.pluginParameters`` is read as the elizaOS command line does: a parameter without ``required`` is
    required unless it is ``optional`` or has a default; ``elizaos.requiredEnvVars`` is an older form. A default is only
    told: the plugin's code has it, and some take a value that is set for the wish of a person.
    """
    declared = (manifest.get("agentConfig") or {}).get("pluginParameters") or {}
    found = [_parameter(name, each) for name, each in declared.items() if isinstance(each, dict)]
    for each in (manifest.get("elizaos") or {}).get("requiredEnvVars") or ():
        if isinstance(each, dict) and each.get("name"):
            secret = bool(each.get("sensitive", looks_secret(each["name"])))
            found.append(
                Variable(
                    each["name"],
                    str(each.get("description", "")),
                    required=True,
                    secret=secret,
                    secret_declared="sensitive" in each,
                )
            )
    return tuple(each for each in found if not is_forbidden(each.name))


def _parameter(name: str, told: Mapping[str, Any]) -> Variable:
    default = told.get("default")
    by_itself = str(default).lower() if isinstance(default, bool) else "" if default is None else str(default)
    described = [str(told.get("description") or ""), f"(default: {by_itself})" if by_itself else ""]
    return Variable(
        name=name,
        description=" ".join(part for part in described if part),
        required=bool(told.get("required", not (told.get("optional", False) or default is not None))),
        secret=bool(told.get("sensitive", looks_secret(name))),
        secret_declared="sensitive" in told,
        format={"number": "number", "boolean": "boolean"}.get(str(told.get("type")), "string"),  # type: ignore[arg-type]
    )


def read_settings(package: NpmPackage, declared: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return the settings that *package* reads, without those *declared*, in order of name."""
    entry = package.entry()
    known = {each.name for each in declared}
    names = {name for module in package.modules(entry) for name in _names(module)} if entry is not None else set()
    found = sorted(name for name in names - known if _NAME.fullmatch(name) and not is_forbidden(name))
    return tuple(Variable(name, secret=secret_unless_plain(name), found=True) for name in found[:_MOST_NAMES])


def _names(module: JavaScript) -> Iterator[str]:
    yield from (module.string(number) for number in _ASKED.findall(module.code))
    for plain, number in _ENVIRONMENT.findall(module.code):
        if looks_secret(name := plain or module.string(number)):
            yield name
    for config in _CONFIG.findall(module.code):
        for plain, number in _KEY.findall(config):
            yield plain or module.string(number)
