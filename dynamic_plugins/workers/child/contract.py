"""Gives plugins ``dynamic_plugins.plugin`` and nothing else of the host's."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from typing import Any

_PACKAGE = "dynamic_plugins"


class ContractFinder(importlib.abc.MetaPathFinder):
    """Finds the contract for plugin authors at *file*, as a package that holds only that."""

    def __init__(self, file: str) -> None:
        self._file = file

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        if name == _PACKAGE:
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        if name == f"{_PACKAGE}.plugin":
            return importlib.util.spec_from_file_location(name, self._file)
        return None


def install(file: str) -> None:
    """Make the contract importable. It goes first: a plugin's environment may hold some version of ours."""
    sys.meta_path.insert(0, ContractFinder(file))
