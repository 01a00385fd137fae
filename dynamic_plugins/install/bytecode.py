"""Bytecode of what was installed, written before the install is recorded.

So it is part of the record, and an environment that a worker cannot write to starts as fast as any other.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.command import run
from dynamic_plugins.install.layout import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dynamic_plugins.install.layout import PluginFolders

_WRITER = str(Path(__file__).with_name("bytecode_writer.py"))
_SECONDS = "120"
_NOTHING_SHARED = "-"


class Bytecode:
    """Writes bytecode with the interpreter *python*; nothing of a plugin's runs (``-I -S``).

    Installs that are under way at once share what they compile (:meth:`sharing`), one after the other: of what they
    bring most is the same. They do not where *may_share* is false, since packages have run code of theirs meanwhile.
    """

    def __init__(self, folders: PluginFolders, python: str, environ: Mapping[str, str], *, may_share: bool) -> None:
        self._folders, self._python, self._environ, self._may_share = folders, python, environ, may_share
        self._under_way = 0
        self._turn = asyncio.Lock()
        self._held = contextlib.AsyncExitStack()
        self._shared: Path | None = None

    @contextlib.asynccontextmanager
    async def sharing(self) -> AsyncIterator[None]:
        """Be one of the installs that are under way; what they share goes with the last."""
        if not self._under_way:
            self._turn = asyncio.Lock()  # of the event loop that runs now
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                held, self._held, self._shared = self._held, contextlib.AsyncExitStack(), None
                await held.aclose()

    async def write(self, plugin: str, folder: Path) -> None:
        """Write the bytecode of what lies in *folder*; what cannot be compiled is left out."""
        if not (places := await in_thread(_places, folder)):
            return
        async with self._turn:
            if self._shared is None and self._may_share and self._under_way > 1:
                self._shared = await self._held.enter_async_context(self._folders.scratch())
            command = (self._python, "-I", "-S", _WRITER, _SECONDS, str(self._shared or _NOTHING_SHARED), *places)
            await run(plugin, command, cwd=folder, environ=self._environ)


def _places(folder: Path) -> list[str]:
    """Return the folders with modules below *folder*."""
    places = (*folder.glob("env/lib/python3*/site-packages"), folder / "source")
    return [str(place) for place in places if next(place.glob("**/*.py"), None) is not None]
