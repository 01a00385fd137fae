"""Imports point one way, and a command does not pay for what it does not use."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dynamic_plugins"

# From the ground up: a room may import from itself and from those above it in this list.
ROOMS = [
    "core",
    "text",
    "redaction",
    "registry",
    "resolver",
    "install",
    "oauth",
    "workers",
    "storage",
    "lifecycle",
    "clients",
    "project",
    "tools",
    "embedded",
    "chat",
    "app",
    "library",
    "integrations",
    "web",
    "gateway",
    "testing",
    "cli",
    "__main__",
]
# Small files at the top that everything may import; what they import themselves is listed.
OPEN = {
    "__init__": {"library"},
    "errors": set(),
    "events": set(),
    "plugin": set(),
    "settings": set(),
    "approval": {"core", "registry", "text"},
}
# The code of other processes: a plugin's interpreter runs the first, the host's without any packages the second.
APART = [PACKAGE / "workers" / "child", PACKAGE / "workers" / "fence" / "launcher"]
FLOOR = {room: floor for floor, room in enumerate(ROOMS)}
# The same within the built-in model, whose rooms are folders; the modules beside them bring the readings together.
EMBEDDED = ["language", "learned", "values", "context", "slots", "managing", "actions", "replies", "", "serving"]


@cache
def modules() -> list[Path]:
    # What runs in processes of their own belongs to no floor of ours; it is held to the stdlib below.
    return [path for path in PACKAGE.rglob("*.py") if not any(path.is_relative_to(each) for each in APART)]


def dotted(path: Path) -> str:
    return ".".join(("dynamic_plugins", *path.relative_to(PACKAGE).with_suffix("").parts))


@cache
def nodes(path: Path) -> tuple[ast.ImportFrom | ast.Import | ast.Attribute, ...]:
    """Return what *path* imports and the attributes that it asks for, anywhere in it."""
    wanted = (ast.ImportFrom, ast.Import, ast.Attribute)
    return tuple(node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, wanted))


def imported(path: Path) -> set[str]:
    """Return the modules of ours that *path* imports, anywhere in it."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dynamic_plugins"):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("dynamic_plugins.")}
    return names


@cache
def room(name: str) -> str:
    """Return the room of a dotted name; ``from dynamic_plugins import __version__`` leads to none."""
    part = [*name.split("."), "__init__"][1]
    return part if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file() else "__init__"


def imported_from_above(path: Path) -> set[str]:
    here = room(dotted(path))
    others = {name for name in imported(path) if room(name) not in (*OPEN, here)}
    return {name for name in others if room(name) not in OPEN.get(here, ()) and FLOOR[room(name)] > FLOOR.get(here, -1)}


def test_a_module_imports_only_from_its_own_room_and_those_below() -> None:
    above = {path.relative_to(PACKAGE).as_posix(): imported_from_above(path) for path in modules()}
    assert len(above) > 500
    assert {path: names for path, names in above.items() if names} == {}, "they are below what they import"


def test_a_module_of_the_built_in_model_imports_only_from_its_own_room_and_those_below() -> None:
    def floor(name: str) -> int:
        part = [*name.split("."), ""][2]
        return EMBEDDED.index(part if part in EMBEDDED else "")

    mine = {path: dotted(path) for path in modules() if path.parent.parent == PACKAGE / "embedded"}
    assert {path.parent.name for path in mine} == set(EMBEDDED) - {""}
    above = {
        name: {each for each in imported(path) if room(each) == "embedded" and floor(each) > floor(name)}
        for path, name in mine.items()
    }
    assert {name: names for name, names in above.items() if names} == {}, "they are below what they import"


def circle(needs: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other, the first one again at the end; nothing where there are none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = {dotted(path): path for path in modules()}
    needs = {}
    for name, path in known.items():
        found = {part for each in imported(path) for part in (each, each.rpartition(".")[0]) if part in known}
        needs[name] = found - {name}
    assert circle(needs) == []


@pytest.mark.parametrize("child", APART, ids=lambda path: path.name)
def test_the_workers_modules_do_not_import_each_other_in_a_circle(child: Path) -> None:
    needs: dict[str, set[str]] = {}
    for path in child.rglob("*.py"):
        folder = path.relative_to(child).parts[:-1]
        needs[".".join((*folder, path.stem))] = {
            ".".join((*folder[: len(folder) - node.level + 1], *name.split(".")))
            for node in nodes(path)
            if isinstance(node, ast.ImportFrom) and node.level
            for name in ([node.module] if node.module else [alias.name for alias in node.names])
        }
    assert set().union(*needs.values()) <= set(needs)
    assert circle(needs) == []


def test_no_two_files_have_one_name() -> None:
    counted = Counter(path.name for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    assert {name for name, times in counted.items() if times > 1} == set()


def reads_the_environment(path: Path) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        )
        for node in nodes(path)
    )


def test_only_the_settings_read_the_environment() -> None:
    readers = {path.relative_to(PACKAGE).as_posix() for path in modules() if reads_the_environment(path)}
    # One does not read but write it, for a plugin in this process.
    assert readers <= {"settings/__init__.py", "workers/in_process.py"}, readers


def test_only_the_chat_imports_the_openai_sdk() -> None:
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in modules()
        for node in nodes(path)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "openai" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "openai")
    }
    assert users == {"chat"}


def test_the_worker_imports_only_the_standard_library() -> None:
    roots = set()
    for path in (PACKAGE / "workers" / "child").rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots.add((node.module or "").split(".")[0])
    mine = {path.stem for path in (PACKAGE / "workers" / "child").rglob("*.py")}
    # The contract, and what elizaOS plugins bring themselves, are found in the plugin's environment.
    theirs = {"dynamic_plugins", "_dynamic_plugins_worker", "elizaos", "google"}
    assert roots - set(sys.stdlib_module_names) - mine <= theirs, roots


def test_the_launcher_imports_only_the_standard_library() -> None:
    roots = set()
    for path in APART[1].rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots.add((node.module or "").split(".")[0])
    assert roots <= set(sys.stdlib_module_names)


HEAVY = {
    *("mcp", "openai", "httpx2", "jsonschema", "keyring", "pydantic", "rich", "needle", "psycopg"),
    *("ray", "dynamic_plugins.workers.fleet"),
}


def test_making_the_application_imports_nothing_heavy() -> None:
    code = (
        "import sys; from dynamic_plugins.app import App; from dynamic_plugins.cli import commands; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    names = set(done.stdout.split())
    assert "dynamic_plugins.app" in names
    assert names & HEAVY == set()


def test_a_home_in_a_folder_loads_nothing_of_a_shared_state(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.settings import Settings

async def main() -> None:
    async with App(Settings(home=Path({str(tmp_path)!r}), registries=()), approve=approve_everything) as app:
        await app.service.install_path(Path({str(PACKAGE.parent / "examples" / "hello-plugin")!r}))
        await app.service.activate("hello")
        assert app.configuration.names("hello") == set()
        await app.service.uninstall("hello")
        app.sweep()

asyncio.run(main())
print([name for name in sys.modules if "psycopg" in name or "postgres" in name or "platform_vault" in name])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_chat_with_the_built_in_model_imports_no_sdk_of_a_large_one(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from dynamic_plugins.app import App
from dynamic_plugins.settings import Settings

async def main() -> None:
    async with App(Settings(home=Path({str(tmp_path)!r}), registries=())) as app:
        turn = await app.conversation().respond("hello")
        assert turn.reply and not turn.failed, turn

asyncio.run(main())
print([name for name in ("openai", "httpx2") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_package_that_was_postponed_is_whole_for_whoever_asks_it() -> None:
    code = """
import sys
from dynamic_plugins.core.light_import import postpone, without_collection
postpone("mcp", "mcp.client", "no_such_package")
with without_collection():
    import mcp.client.session
print([name for name in ("mcp.server", "mcp.client.stdio", "no_such_package") if name in sys.modules])
import mcp
from mcp.client import Client
print(mcp.Client is Client, hasattr(mcp, "nothing_of_that_name"), "StdioServerParameters" in mcp.__all__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "True False True"], done.stderr


def test_a_first_call_imports_no_server_and_none_of_the_protocol_s_single_versions() -> None:
    code = """
import sys
from dynamic_plugins.core.light_import import take_process
take_process()
from dynamic_plugins.workers.loader import _client
_client()
print([name for name in ("mcp.server", "mcp.client.client", "starlette", "uvicorn", "httpx2", "jsonschema",
                         "mcp_types._v2025_11_25", "mcp_types._v2026_07_28") if name in sys.modules])
from mcp_types import methods
print(len(methods.SERVER_RESULTS) > 20, "mcp_types._v2025_11_25" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "True True"], done.stderr


def test_a_host_s_own_models_are_made_as_ever_beside_ours() -> None:
    code = """
import pydantic
from dynamic_plugins.core.light_import import models_made_when_used
with models_made_when_used():
    class Ours(pydantic.BaseModel):
        number: int
class Theirs(pydantic.BaseModel):
    number: int
print(Ours.__pydantic_complete__, Theirs.__pydantic_complete__, Ours(number="3").number)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True", "3"], done.stderr
