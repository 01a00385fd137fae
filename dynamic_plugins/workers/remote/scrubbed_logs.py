"""What the libraries log of our connections: without secrets, and as nothing to be alarmed about.

They name addresses and sessions. A record is changed only where it is of a connection of ours; those of whoever else
uses the same libraries in this process stay as they are.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamic_plugins.redaction.scrubber import Scrubber

ours: ContextVar[Scrubber | None] = ContextVar("ours", default=None)
"""The scrubber of the connection that is at work here; tasks inherit it."""
_LOGGERS = ("httpx2", "mcp.client.streamable_http", "mcp.client.sse", "mcp.shared.jsonrpc_dispatcher")


def _changed(record: logging.LogRecord) -> bool:
    scrubber = ours.get()
    if scrubber is None:
        return True
    record.msg, record.args = scrubber.text(record.getMessage())[:2000], ()
    record.exc_info = record.exc_text = None  # failures are told by the calls that they end
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def scrub() -> None:
    """Begin to look at what is logged; safe to repeat."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_changed)
