"""Why a request to a remote server was refused, for whoever made the call that it belongs to."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.errors import PluginError

_NOTED: ContextVar[list[PluginError] | None] = ContextVar("sign_in_refusals", default=None)


@contextmanager
def noting_refusals() -> Iterator[list[PluginError]]:
    """Collect in this block why requests were refused; the client's own error only says that they were.

    The client's transports send each message in the context of whoever sends it, so that calls do not mix.
    """
    noted: list[PluginError] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_refusal(error: PluginError) -> None:
    """Tell the call that this request belongs to, if it listens, why it was refused."""
    if (noted := _NOTED.get()) is not None:
        noted.append(error)
