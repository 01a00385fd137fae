"""Parts of a large package without all of it, importing without the garbage collector, models made when used.

``import mcp`` imports its client, its server, two web frameworks and the models of two protocol versions, since the
package's own module offers all of that by name; so does each submodule, whose package is imported first. Here the
packages stand in ``sys.modules`` before that, and run when somebody asks them for a name: who imports ``mcp`` finds
what it always has.
"""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBED = frozenset({"__wrapped__", "__warningregistry__", "__test__"})
"""Asked of every module by tools that look through all of them."""
_lock = threading.RLock()
_own = threading.Event()


def take_process() -> None:
    """Say that this process runs a command of ours and nobody else's code, whose imports would be put off with ours."""
    _own.set()


def is_own_process() -> bool:
    """Return whether :func:`take_process` was called."""
    return _own.is_set()


class _PackageToRun(ModuleType):
    """A package whose own module has not run yet; it does for the first name that is not there."""

    def __getattr__(self, name: str) -> Any:
        if name in _PROBED:
            raise AttributeError(name)
        with _lock:
            if type(self) is _PackageToRun:
                self.__class__ = ModuleType  # type: ignore[assignment] # from here on, what is missing is missing
                spec = self.__spec__
                assert spec is not None  # noqa: S101 # made from one
                assert spec.loader is not None  # noqa: S101 # as above
                try:
                    spec.loader.exec_module(self)
                except BaseException:  # whatever ends it, the package stays one that is still to be run
                    self.__class__ = _PackageToRun
                    raise
        return getattr(self, name)


def postpone(*packages: str) -> None:
    """Have *packages* (outer ones first) run when they are asked for a name, not for the sake of their submodules.

    One that is imported already stays as it is; nothing happens for one that is not there.
    """
    with _lock:
        for name in packages:
            if name in sys.modules or (spec := find_spec(name)) is None:
                continue
            module = module_from_spec(spec)
            module.__class__ = _PackageToRun
            sys.modules[name] = module
            outer, _, inner = name.rpartition(".")
            if outer:
                setattr(sys.modules[outer], inner, module)


@contextmanager
def models_made_when_used() -> Iterator[None]:
    """Have Pydantic's models of this block made ready when they are first used, as its setting ``defer_build`` does.

    Of the models of a protocol a process uses a few. For a process of our own alone: models of other threads' modules
    are put off as well.
    """
    from pydantic import BaseModel

    settings = BaseModel.model_config
    BaseModel.model_config = {**settings, "defer_build": True}
    try:
        yield
    finally:
        BaseModel.model_config = settings


@contextmanager
def without_collection() -> Iterator[None]:
    """Import in this block without looking for garbage: there is none, and looking takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
