"""What a plugin's own code says that it needs: ``Plugin(…, requires=["other"])``, read without running any of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def declared_requires(folder: Path, entry_point: str | None) -> tuple[str, ...]:
    """Return the names that the plugin object of *entry_point*, whose module lies in *folder*, is made with.

    Only names that are written out are found: what code works out is known when it runs.
    """
    module, _, attribute = (entry_point or "").partition(":")
    for path in (folder / f"{module.replace('.', '/')}.py", folder / module.replace(".", "/") / "__init__.py"):
        try:
            body = ast.parse(path.read_bytes()).body
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        return tuple(each for node in body for each in _written(node, attribute.strip() or "plugin"))
    return ()


def _written(node: ast.stmt, attribute: str) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    if not any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
        return []
    made = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    for keyword in made.keywords if isinstance(made, ast.Call) else ():
        if keyword.arg == "requires" and isinstance(keyword.value, ast.List | ast.Tuple):
            values = [each.value for each in keyword.value.elts if isinstance(each, ast.Constant)]
            return [value for value in values if isinstance(value, str)]
    return []
