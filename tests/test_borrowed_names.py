"""A server that pins an early MCP library gets a pydantic that this can be imported with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.install.python_environment import PythonEnvironment, too_new

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = "from pydantic._internal._typing_extra import eval_type_backport\n"


def environment(folder: Path, mcp: str, pydantic: str) -> PythonEnvironment:
    """Return an environment whose MCP library and pydantic have these sources, and ``tea``, which needs them."""
    packages = folder / "lib" / "python3.11" / "site-packages"
    for name, text in (
        ("tea-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tea\nVersion: 1.0\nRequires-Dist: mcp==1.6.0\n"),
        ("mcp/server/fastmcp/utilities/func_metadata.py", mcp),
        ("pydantic/_internal/_typing_extra.py", pydantic),
    ):
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return PythonEnvironment(folder)


@pytest.mark.parametrize(
    ("mcp", "pydantic", "brought_back"),
    [
        (IMPORTS, "def try_eval_type(): ...\n", ["pydantic<2.12"]),
        (IMPORTS, "def eval_type_backport(): ...\n", []),
        ("import pydantic\n", "def try_eval_type(): ...\n", []),
    ],
)
def test_pydantic_is_brought_back_only_where_something_is_missing(
    tmp_path: Path, mcp: str, pydantic: str, brought_back: list[str]
) -> None:
    assert too_new(environment(tmp_path, mcp, pydantic), "tea") == brought_back
