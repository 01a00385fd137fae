"""Whether a request to a page on this machine comes from that page: the checks that all our pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Refusal = tuple[int, str]
"""An HTTP status and a text."""


def refusal(headers: Mapping[str, str], host: str, *, changes: bool = False) -> Refusal | None:
    """Return why a request is turned away; None for one that names *host* and comes from its own pages.

    *host* is ``127.0.0.1:8767``, *headers* have names in lower case. One that *changes* something has to say where it
    comes from: browsers send their origin with every POST, so one without an origin is no form of ours.
    """
    # Another site's script may reach this port under a name of its own (DNS rebinding): it is turned away.
    if headers.get("host") != host:
        return 421, "Wrong host."
    origin = headers.get("origin")
    if origin != f"http://{host}" and (changes or origin is not None):
        return 403, "Wrong origin."
    return None
