"""The program that a command starts to refresh the registries after it has ended (``registry/refresh_process.py``)."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING

from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.resolver.catalog import Catalogue
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

NICENESS = 10
"""So much less urgent is it than whatever the person waits for."""


def main(words: Sequence[str]) -> None:
    """Refresh what is due on a home, and make the index that a search will want."""
    parser = argparse.ArgumentParser(prog="registry_refresh")
    parser.add_argument("--home", required=True)
    parser.add_argument("--registry", action="append", default=[])
    told = parser.parse_args(words)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    settings = Settings.from_environment(home=told.home, registries=tuple(told.registry), take_passphrase=True)
    registry = Registry(
        settings.home, settings.registries, timeout=settings.timeouts.registry, offline=settings.offline
    )
    registry.watch(before_new_copy=Catalogue(registry, cache=settings.home / "registry").prepare)
    asyncio.run(registry.refresh_due())


if __name__ == "__main__":
    main(sys.argv[1:])
