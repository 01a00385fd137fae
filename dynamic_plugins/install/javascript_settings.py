"""The settings that an elizaOS plugin of npm reads and does not declare, found in its source: nothing of it is run.

What its ``package.json`` declares counts more. Nothing found here is required, nor is it trusted: any source can
mention any variable, so ``configure --from-env`` takes these only by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import secret_unless_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dynamic_plugins.install.javascript_names import JavaScript
    from dynamic_plugins.install.npm_package import NpmPackage

_NAME = re.compile(r"[A-Z][A-Z0-9]{0,60}_[A-Z0-9_]{1,80}")
# runtime.getSetting("X"), and the keys of a plugin's own `config: {X: process.env.X}`; only where all is spelled out.
_ASKED = re.compile(r"(?<![\w$])getSetting\s*\(\s*\x01(\d+)\x01")
_CONFIG = re.compile(r"(?<![\w$.])config\s*:\s*\{([^{}]*)\}")
_KEY = re.compile(r"(?:^|,)\s*(?:([A-Za-z_]\w*)|\x01(\d+)\x01)\s*(?=:)")
_MOST_NAMES = 200


def read_settings(package: NpmPackage, declared: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return the settings that *package* reads, without those *declared*, in order of name."""
    entry = package.entry()
    known = {each.name for each in declared}
    names = {name for module in package.modules(entry) for name in _names(module)} if entry is not None else set()
    found = sorted(name for name in names - known if _NAME.fullmatch(name) and not is_forbidden(name))
    return tuple(Variable(name, secret=secret_unless_plain(name), found=True) for name in found[:_MOST_NAMES])


def _names(module: JavaScript) -> Iterator[str]:
    yield from (module.string(number) for number in _ASKED.findall(module.code))
    for config in _CONFIG.findall(module.code):
        for plain, number in _KEY.findall(config):
            yield plain or module.string(number)
