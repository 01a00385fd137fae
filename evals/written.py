"""What actions an elizaOS package's source has, told without running it: an opinion beside what was offered.

Reads with :mod:`ast` and knows nothing of how the worker finds things. An action is

- a class with a ``name`` and a method ``handler``, ``execute`` or ``handle`` that is no evaluator, provider or service;
- a call or dictionary with a ``name`` and a ``handler``, or that a variable called ``…_action`` holds;
- an item of a dictionary of functions called ``actions``;
- where there is none of these, a public coroutine function of the package's ``actions`` modules.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RUNS = {"handler", "execute", "handle"}
_NOT_READ = {"tests", "test", "examples", "benchmarks", "generated", "scripts", "__main__.py", "conftest.py"}
_NO_ACTION = re.compile(r"Evaluator|Provider|Service|Client|Manager|Executor|Registry|Base|Mock")
_SAYS_NOTHING = {"action", "actions", "handle", "handler", "plugin", ""}


def written_in(package: Path) -> dict[str, str]:
    """Return the actions that the modules under *package* have, each with its place."""
    trees: dict[str, ast.Module] = {}
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if not _NOT_READ & set(inside.parts) and not inside.name.startswith("test_"):
            try:
                trees[inside.as_posix()] = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
            except SyntaxError:
                continue
    constants = {name: text for tree in trees.values() for name, text in _constants(tree)}
    found: dict[frozenset[str], tuple[str, str]] = {}
    for where, tree in trees.items():
        for name, line in _actions(tree, constants):
            found.setdefault(meaning(name), (name, f"{where}:{line}"))
    if not found:
        for where, tree in trees.items():
            if "actions" in where.removesuffix(".py").split("/"):
                for name, line in _functions(tree):
                    found.setdefault(meaning(name), (name, f"{where}:{line}"))
    return dict(found.values())


def missing_from(offered: list[str], written: dict[str, str]) -> dict[str, str]:
    """Return the *written* actions that no *offered* name means: the same words, or those and more."""
    known = [meaning(name) for name in offered]
    return {
        name: where
        for name, where in written.items()
        if not any(meaning(name) <= each or each <= meaning(name) for each in known)
    }


def meaning(name: str) -> frozenset[str]:
    """Return the words in a name: ``LobsterRunAction`` and ``LOBSTER_RUN`` mean the same."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return frozenset(word.lower() for word in words) - _SAYS_NOTHING


def _actions(tree: ast.Module, constants: dict[str, str]) -> Iterator[tuple[str, int]]:
    held: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            held[node.value] = getattr(target, "id", getattr(target, "attr", ""))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    held[value] = str(key.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node, constants)
        elif isinstance(node, (ast.Call, ast.Dict)):
            yield from _of_value(node, held.get(node, ""), constants)


def _of_class(node: ast.ClassDef, constants: dict[str, str]) -> Iterator[tuple[str, int]]:
    members = dict(_members(node))
    bases = {ast.unparse(each).rsplit(".", 1)[-1] for each in node.bases}
    if _RUNS & members.keys() and "name" in members and not _NO_ACTION.search(node.name) and not bases & {"Protocol"}:
        inner = members["name"]
        abstract = isinstance(inner, ast.FunctionDef) and any(
            "abstract" in ast.unparse(d) for d in inner.decorator_list
        )
        if not abstract and not (isinstance(inner, ast.Constant) and not inner.value):
            yield _text(inner, constants) or node.name, node.lineno


def _of_value(node: ast.Call | ast.Dict, holder: str, constants: dict[str, str]) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Call):
        made_by = ast.unparse(node.func).rsplit(".", 1)[-1]
        keys = {each.arg: each.value for each in node.keywords if each.arg}
        if node.args and re.search(r"action$", made_by) and made_by.startswith(("_create", "create", "make", "_make")):
            keys.setdefault("name", node.args[0])
        is_action = made_by == "Action" or made_by.endswith("_action") or bool(re.search(r"_action$", holder, re.I))
        if _NO_ACTION.search(made_by):
            return
    else:
        pairs = zip(node.keys, node.values, strict=True)
        keys = {str(each.value): value for each, value in pairs if isinstance(each, ast.Constant)}
        if holder == "actions" and keys and all(_is_function(each) for each in keys.values()):
            yield from ((name, node.lineno) for name in keys)
            return
        is_action = bool(re.search(r"_action$", holder, re.I)) and "description" in keys
    if "name" not in keys or not (is_action or "handler" in keys) or {"alwaysRun", "always_run"} & keys.keys():
        return
    name = _text(keys["name"], constants) or (holder if re.search(r"_action$", holder, re.I) else "")
    if name:
        yield name, node.lineno


def _is_function(node: ast.AST) -> bool:
    """Whether *node* may be a function: one by name, a lambda, or what a call wraps."""
    return isinstance(node, (ast.Attribute, ast.Lambda, ast.Call, ast.Name))


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith(("_", "validate")):
            yield node.name, node.lineno


def _members(node: ast.ClassDef) -> Iterator[tuple[str, ast.AST]]:
    """Yield a class's own members: its attributes' values (also those set in ``__init__``) and its functions."""
    for each in node.body:
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield each.name, each
            for inner in ast.walk(each) if each.name == "__init__" else ():
                if isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Attribute):
                    yield inner.targets[0].attr, inner.value
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            yield each.targets[0].id, each.value
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            yield each.target.id, each.value


def _text(node: ast.AST, constants: dict[str, str]) -> str:
    """Return the text that *node* stands for: a constant, a name of one, a property or ``field(default=…)`` of one."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name):
        return constants.get(node.id, "")
    if isinstance(node, ast.FunctionDef):
        returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
        return _text(returned[0], constants) if len(returned) == 1 else ""
    if isinstance(node, ast.Call):
        return next((_text(each.value, constants) for each in node.keywords if each.arg == "default"), "")
    return ""


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Constant):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                yield target.id, node.value.value
