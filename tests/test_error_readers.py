"""Who reads an error: no person is spoken to as a model, no model as a person, whichever error is raised where.

Every class of the tree, and every place of the package that makes one: its texts are put together from the source, with
a word in place of what is only known at run time.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.app import App
from dynamic_plugins.core.error_phrases import to_the_person
from dynamic_plugins.errors import LoadError, ModelError, PluginError, UsageError
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.state import StateStore
from tests.test_errors import KEEPER, PACKAGE, classes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli

TOOLS = r"(list_available|install|configure|activate|deactivate|unload)_plugins?|(search|call)_plugin_actions?"
TO_A_MODEL = re.compile(rf"\b({TOOLS})\b|\b[Tt]he person\b|\b[Aa] person\b|\b[Aa]sk (them|the)\b|\b[Tt]ell them\b")
"""What is said to a model alone: the names of tools, and of the person as of somebody else."""
COMMAND = re.compile(r"\bdynamic-plugins [a-z-]+")
OF_THE_PERSON = re.compile(r"\b([Tt]he|[Aa]) person\b|\b[Tt]hey\b")
TO_A_PERSON = re.compile(r"(?<!Did )\b[Yy]ou(r|rself)?\b(?! (call|may call))|--yes\b|--[a-z]+-[a-z]+\b")
"""What is said to somebody at a terminal alone: you, and options."""
ONLY_FOR_PERSONS = (ModelError, UsageError)
"""No model reads that it could not be reached, nor how a command has to be typed."""
SAMPLES: dict[str, Any] = {
    "suggestions": ("one-plugin", "other-plugin"),
    "candidates": ("one-plugin", "other-plugin"),
    "unlisted": ("npm:one",),
    "missing": ("API_TOKEN",),
    "paths": ("a.py", "b.py", "c.py", "d.py"),
    "clashes": ("greet",),
    "known": ("greet",),
    "kind": "network",
    "what": "api.example.org:443",
    "seconds": 5.0,
    "most": 8 * 2**20,
    "used": 9 * 2**20,
    "status": 401,
    "schema": None,
    "told": {"output": "one line", "calls": 2},
}


OTHERS = {"refused": "PermissionDeniedError", "nobody": "NeedsConfirmationError"}
"""Parameters that are errors themselves."""


def sample(error: type[PluginError], **given: Any) -> PluginError:
    """Return one of its kind, made with *given* and a likely value for everything else that it must have."""
    values: dict[str, Any] = {}
    for name, parameter in inspect.signature(error).parameters.items():
        if name in OTHERS:
            values[name] = sample(classes()[OTHERS[name]])
        elif name in given:
            values[name] = given[name]
        elif parameter.default is parameter.empty:
            values[name] = SAMPLES.get(name, f"some-{name}")
    return error(**values)


def made() -> Iterator[tuple[str, PluginError]]:
    """Each class of the tree, with as little and with as much as it takes."""
    for name, error in classes().items():
        yield f"{name} (least)", sample(error)
        full = {key: SAMPLES.get(key, f"some {key}") for key in inspect.signature(error).parameters}
        full = {key: value for key, value in full.items() if key not in ("for_model", *OTHERS)}
        yield f"{name} (most)", sample(error, **full)


# ---------------------------------------------------------------------------------------------- where they are made


class Site:
    """One place that makes an error, and the function round it, whose texts its names stand for."""

    def __init__(self, path: Path, call: ast.Call, names: dict[str, ast.expr], error: type[PluginError]) -> None:
        self.where = f"{path.relative_to(PACKAGE)}:{call.lineno}"
        self._call, self._names, self._error = call, names, error

    def error(self) -> PluginError | None:
        """Return it as it is made there; None where a text is made elsewhere, and stands in the list by itself."""
        parameters = [name for name in inspect.signature(self._error).parameters if name != "self"]
        given = dict(zip(parameters, map(self._value, self._call.args), strict=False))
        given |= {word.arg: self._value(word.value) for word in self._call.keywords if word.arg}
        try:
            return sample(self._error, **{name: value for name, value in given.items() if value is not None})
        except (TypeError, AttributeError, ValueError, KeyError):
            return None

    def _value(self, node: ast.expr, depth: int = 0) -> Any:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.JoinedStr():
                return "".join(str(self._value(part, depth) or "thing") for part in node.values)
            case ast.FormattedValue():
                return self._value(node.value, depth) or "thing"
            case ast.BinOp(op=ast.Add()):
                return f"{self._value(node.left, depth) or ''}{self._value(node.right, depth) or ''}" or None
            case ast.IfExp():
                return self._value(node.body, depth) or self._value(node.orelse, depth)
            case ast.Name() if node.id in self._names and depth < 4:
                return self._value(self._names[node.id], depth + 1)
            case _:
                return None


def sites() -> Iterator[Site]:
    known = classes()
    for path in sorted(PACKAGE.rglob("*.py")):
        if "child" in path.parts or path.parent.name == "errors":
            continue
        tree = ast.parse(path.read_text())
        texts = _texts(tree)
        for scope in ast.walk(tree):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                names = texts | _texts(scope)
                for node in ast.walk(scope):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
                        yield Site(path, node, names, known[node.func.id])


def _texts(scope: ast.AST) -> dict[str, ast.expr]:
    """Return what the names of *scope* stand for, where they are given a value once, in plain words."""
    return {
        node.targets[0].id: node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }


def wrong_with(error: PluginError) -> Iterator[str]:
    """Yield what is wrong with how *error* speaks to whoever reads it."""
    for_person, for_model = error.for_person(), error.to_dict()["message"]
    if TO_A_MODEL.search(for_person):
        yield f"a person is spoken to as a model: {for_person}"
    if COMMAND.search(for_model) and not OF_THE_PERSON.search(for_model):
        yield f"a model is told to type a command: {for_model}"
    if not isinstance(error, ONLY_FOR_PERSONS) and TO_A_PERSON.search(for_model.split("dynamic-plugins")[0]):
        yield f"a model is spoken to as a person: {for_model}"
    if TO_A_MODEL.search(in_conversation := to_the_person(for_model, error.code)):
        yield f"a person is shown what a model was told: {in_conversation}"


def test_every_error_speaks_to_whoever_reads_it() -> None:
    all_sites = list(sites())
    there = [(site.where, error) for site in all_sites if (error := site.error()) is not None]
    assert [f"{where}: {wrong}" for where, error in (*made(), *there) for wrong in wrong_with(error)] == []
    assert len(all_sites) > 150
    assert len(there) > 0.95 * len(all_sites), "some places are not looked at"


def test_what_a_plugin_says_of_other_persons_is_left_alone() -> None:
    said = "crm: find failed: the person has no address"
    assert to_the_person(said, "action_failed") == said
    assert to_the_person("The person has not named hello.", "needs_confirmation") == "You have not named hello."


def test_of_a_command_in_a_persons_text_a_model_is_told_whose_it_is() -> None:
    error = LoadError("keeper", "it needs a room. Set it with: dynamic-plugins configure keeper")
    assert error.for_person().endswith("Set it with: dynamic-plugins configure keeper")
    assert error.for_model().endswith("configure keeper. That command is the person's to type.")


def test_the_status_that_a_model_reads_speaks_to_a_model(cli: Cli) -> None:
    cli("install", "--path", str(KEEPER), "--yes")
    broken = StateStore(cli.home / "plugin-management-state.json")
    broken.change("keeper", error_details="It failed. Set it with: dynamic-plugins configure keeper")

    async def told() -> str:
        async with App(Settings.from_environment(cli.environment(), home=cli.home)) as app:
            return str(app.providers[1].get())

    assert "configure keeper. That command is the person's to type." in asyncio.run(told())
    assert "the person's" not in cli("status", json=False).out
