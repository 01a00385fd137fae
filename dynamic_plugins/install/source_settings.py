"""The settings that an elizaOS package reads, found in its source: none of them declares any.

What the same plugin's npm package declares stands in its registry entry and counts more; this adds what is left, so
that a person is told of it and ``configure --from-env`` takes it. Nothing found here is required: code that cannot do
without a setting says so itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.registry.fields import looks_secret
from dynamic_plugins.settings import FORBIDDEN_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dynamic_plugins.install.python_environment import PythonEnvironment

# environ["X"], getenv("X"), runtime.get_setting("X"), and helpers of a plugin's own such as _env_bool("X").
_READ = re.compile(r"""(?i:\w*(?:env|setting)\w*)(?:\.get)?\s*[(\[]\s*["']([A-Z][A-Z0-9]*_[A-Z0-9_]+)["']""")
_NOT_READ = {"tests", "test", "examples", "conftest.py"}
_MOST_BYTES = 2**20


def read_settings(environment: PythonEnvironment, package: str, declared: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return the settings that *package*'s modules read, without those *declared*, in order of name."""
    folders = [environment.site_packages / module for module in environment.modules(package)]
    names = {name for folder in folders for name in _names(folder)} - {each.name for each in declared}
    kept = sorted(name for name in names - FORBIDDEN_VARIABLES if "TEST" not in name.split("_"))
    return tuple(Variable(name, secret=looks_secret(name)) for name in kept)


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        if not _NOT_READ & set(path.relative_to(folder).parts) and path.stat().st_size <= _MOST_BYTES:
            yield from _READ.findall(path.read_text(encoding="utf-8", errors="replace"))
