"""Imports point one way, and a command does not pay for what it does not use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dynamic_plugins"

# From the ground up: a module may import from its own layer and from those below it.
LAYERS = [
    {"arguments", "errors", "events", "finishing", "mending", "plugin", "prompts", "settings"},
    {"records", "approval", "registry"},
    {"install", "load"},
    {"configuration", "runtime", "store", "secrets"},
    {"catalogue", "consent", "dependencies", "journal", "launch", "live", "presence", "schedule"},
    {"installs", "means", "switches", "trials", "updates"},
    {"service"},
    {"actions", "providers"},
    {"tools"},
    {"chat", "integrations"},
    {"app"},
    {"library"},
    {"cli", "testing"},
    {"__main__", "__init__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    # The worker runs in the plugin's interpreter and belongs to no layer of ours; it is held to the stdlib below.
    return [path for path in PACKAGE.rglob("*.py") if "load/worker" not in path.as_posix()]


def imported(path: Path) -> set[str]:
    """Return the modules of ours that *path* imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dynamic_plugins"):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("dynamic_plugins.")}
    return names


def layer(dotted: str) -> str:
    return [*dotted.split("."), "__init__"][1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_its_own_layer_and_below(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    # `from dynamic_plugins import prompts` names a module; `from dynamic_plugins import __version__` does not.
    above = {name for name in imported(path) if LEVEL.get(layer(name), 0) > LEVEL[here] and layer(name) != "__init__"}
    assert above == set(), f"{here} is below what it imports"


def reads_the_environment(path: Path) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        )
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_only_the_settings_read_the_environment() -> None:
    readers = {path.relative_to(PACKAGE).as_posix() for path in modules() if reads_the_environment(path)}
    # Two do not read but write it: for a plugin in this process, and to switch an engine's telemetry off.
    assert readers <= {"settings.py", "load/in_process.py", "chat/embedded/needle.py"}, readers


def test_only_the_chat_imports_the_openai_sdk() -> None:
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "openai" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "openai")
    }
    assert users == {"chat"}


def test_the_worker_imports_only_the_standard_library() -> None:
    roots = set()
    for path in (PACKAGE / "load" / "worker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots.add((node.module or "").split(".")[0])
    mine = {path.stem for path in (PACKAGE / "load" / "worker").rglob("*.py")}
    # The contract, and what elizaOS plugins bring themselves, are found in the plugin's environment.
    theirs = {"dynamic_plugins", "_dynamic_plugins_worker", "elizaos", "google"}
    assert roots - set(sys.stdlib_module_names) - mine <= theirs, roots


@pytest.mark.parametrize("heavy", ["mcp", "openai", "httpx2", "jsonschema", "keyring", "pydantic", "rich", "needle"])
def test_making_the_application_imports_nothing_heavy(heavy: str) -> None:
    code = (
        "import sys; from dynamic_plugins.app import App; from dynamic_plugins.cli import commands; print(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert f"'{heavy}':" not in done.stdout
