"""The program that stands in front of every worker: ``launch.py DESCRIPTOR COMMAND…``.

It is run by the host's interpreter with ``-I -S``, so that nothing of a plugin's environment has run before it. What
it reads from DESCRIPTOR (``../fence.py`` writes it) says what the command may do. In this order: limits, namespaces,
capabilities, Landlock, seccomp, then the command.
"""

import marshal
import os
import sys
import types
from importlib import import_module

_PACKAGE = "_dynamic_plugins_launcher"


def _main() -> None:
    # Reached as a package of an odd name: sys.path stays as it is, and the standard library is not shadowed.
    package = types.ModuleType(_PACKAGE)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120 # pathlib takes a tenth of the start
    sys.modules[_PACKAGE] = package
    with os.fdopen(int(sys.argv[1]), "rb") as said:
        order = marshal.load(said)  # noqa: S302 # the host wrote it; json takes as long as the rest of this program
    import_module(f"{_PACKAGE}.confinement").start(order, sys.argv[2:])


if __name__ == "__main__":
    _main()
