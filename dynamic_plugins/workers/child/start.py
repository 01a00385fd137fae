"""The script a worker starts with: ``start.py MODE FACTS``.

MODE is a kind of plugin (``python``, ``elizaos``) or ``script`` (an MCP server's console script, run in this process).
FACTS is a JSON object that the loader makes.
"""

import os
import sys
import types
from importlib import import_module

_PACKAGE = "_dynamic_plugins_worker"


def _start() -> None:
    # The folder is reached as a package of an odd name, not through sys.path: nothing of a plugin's may be shadowed.
    package = types.ModuleType(_PACKAGE)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120 # pathlib takes a tenth of the start
    sys.modules[_PACKAGE] = package
    import_module(f"{_PACKAGE}.bootstrap").run(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    _start()
