"""How the host tells the launcher what to do: in a file that has no name, since a command line is read by everybody."""

from __future__ import annotations

import marshal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LAUNCH = str(Path(__file__).parent / "launcher" / "launch.py")


@contextmanager
def handed_over(
    order: Mapping[str, Any], command: Sequence[str], uplink: int | None = None
) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Give the command line of the launcher, and the descriptors that its process has to inherit.

    *order* is described in ``launcher/confinement.py``; *command* is absolute; *uplink* is the launcher's end of one.
    """
    import tempfile

    with tempfile.TemporaryFile() as file:
        marshal.dump(dict(order) | {"uplink": uplink}, file)
        file.seek(0)
        descriptors = (file.fileno(), *(() if uplink is None else (uplink,)))
        # The host's own interpreter, without the packages of anybody: a plugin's would run their .pth files first.
        yield [sys.executable, "-I", "-S", _LAUNCH, str(file.fileno()), *command], descriptors
