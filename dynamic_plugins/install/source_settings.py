"""The settings that an elizaOS package reads, found in its source: none of them declares any.

What the same plugin's npm package declares stands in its registry entry and counts more; this adds what is left, so
that a person is told of it. Nothing found here is required: code that cannot do without a setting says so itself. Nor
is it trusted: any source can mention any variable, so ``configure --from-env`` takes these only by name.
"""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import walk
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import is_forbidden
from dynamic_plugins.text.secret_names import secret_unless_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dynamic_plugins.install.python_environment import PythonEnvironment

# environ["X"], getenv("X"), runtime.get_setting("X"), and helpers of a plugin's own such as _env_bool("X").
_READS = re.compile(r"(?i)env|setting")
_NAME = re.compile(r"[A-Z][A-Z0-9]{0,60}_[A-Z0-9_]{1,80}")
# The same in text that is no Python, or too long to parse at once. Every part has an end, so it is linear.
_SPELLED = re.compile(
    r"""(?i:\b(?=\w{0,80}?(?:env|setting))\w{1,80})(?:\.get)?\s{0,20}[(\[]\s{0,20}"""
    r"""["']([A-Z][A-Z0-9]{0,60}_[A-Z0-9_]{1,80})["']"""
)
_NOT_READ = {"tests", "test", "examples", "conftest.py"}
_MOST_PARSED = 2**18
"""Parsing holds the interpreter: this many characters take it about a quarter of a second."""
_MOST_BYTES = 2**20
_MOST_IN_ALL = 2**23
_MOST_FILES = 2000
_MOST_NAMES = 200


def read_settings(environment: PythonEnvironment, package: str, declared: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return the settings that *package*'s modules read, without those *declared*, in order of name."""
    known = {each.name for each in declared}
    names: set[str] = set()
    for text in _texts(environment.site_packages, environment.modules(package)):
        names |= {each for each in _names(text) if each not in known and _is_setting(each)}
        if len(names) >= _MOST_NAMES:
            break
    return tuple(Variable(name, secret=secret_unless_plain(name), found=True) for name in sorted(names)[:_MOST_NAMES])


def _is_setting(name: str) -> bool:
    return not is_forbidden(name) and "TEST" not in name.split("_")


def _texts(site_packages: Path, modules: Iterable[str]) -> Iterator[str]:
    """Yield the text of the modules' files, as far as the limits go."""
    left = _MOST_IN_ALL
    for path, _ in zip(_files(site_packages, modules), range(_MOST_FILES), strict=False):
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            if size > _MOST_BYTES or not path.is_file():
                continue
            left -= size
            if left < 0:
                return
            with path.open(encoding="utf-8", errors="replace") as file:
                yield file.read(_MOST_BYTES)


def _files(site_packages: Path, modules: Iterable[str]) -> Iterator[Path]:
    for module in modules:
        yield from (each for each in (site_packages / f"{module}.py",) if each.is_file())
        for folder, inner, files in walk(site_packages / module):
            inner[:] = sorted(set(inner) - _NOT_READ)
            yield from (Path(folder, each) for each in sorted(set(files) - _NOT_READ) if each.endswith(".py"))


def _names(text: str) -> Iterator[str]:
    """Yield the settings that *text* reads: by its calls and subscripts where it is Python, else as it is spelled."""
    if not _READS.search(text):
        return
    if len(text) <= _MOST_PARSED:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a stranger's escapes is nobody's concern here
            tree = ast.parse(text)
            yield from filter(None, map(_read, ast.walk(tree)))
            return
    yield from _SPELLED.findall(text)


def _read(node: ast.AST) -> str | None:
    """Return the setting that *node* reads itself, if it does."""
    if isinstance(node, ast.Call) and node.args:
        held, key = node.func, node.args[0]
        if isinstance(held, ast.Attribute) and held.attr in ("get", "pop", "setdefault"):
            held = held.value
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        held, key = node.value, node.slice
    else:
        return None
    if isinstance(held, ast.Call):
        held = held.func  # get_settings()["X"]
    said = held.id if isinstance(held, ast.Name) else held.attr if isinstance(held, ast.Attribute) else ""
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not _READS.search(said):
        return None
    return key.value if _NAME.fullmatch(key.value) else None
