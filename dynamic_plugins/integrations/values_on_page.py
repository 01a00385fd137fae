"""A plugin's values, entered on the page of this home: where one is open, nothing else listens for them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dynamic_plugins.lifecycle.shared_approval import WITHOUT_PAGE
from dynamic_plugins.storage.approval_queue import ApprovalQueue
from dynamic_plugins.storage.open_page import VALUES, page_address
from dynamic_plugins.storage.value_questions import OpenValues

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dynamic_plugins.registry.entry import Variable

_BETWEEN = 0.25
"""What was entered is looked for so often."""

log = logging.getLogger(__name__)


class ValuesOnPage:
    """One form for one plugin on the page at *address*, open for *seconds* and good for one answer.

    Raises OSError, and ValueError for more than the page can show.
    """

    def __init__(self, home: Path, address: str, plugin: str, variables: Sequence[Variable], seconds: float) -> None:
        self.plugin, self.variables, self._home = plugin, tuple(variables), home
        self._asked = OpenValues(ApprovalQueue(home, "mcp"), plugin, self.variables, seconds)
        self.url = f"{address}{VALUES}?{urlencode({'ticket': self._asked.ticket})}"
        """The address to open; whoever has it may enter the values, once."""
        self._closed = False
        self._end = asyncio.get_running_loop().call_later(seconds, self._drop)

    @property
    def useful(self) -> bool:
        """Whether it still waits for an answer, or has one with values in it."""
        return not self._closed and self._asked.given() != {}

    async def values(self) -> dict[str, str]:
        """Wait for the person and return what they entered; nothing when they did not in time, or the page has gone."""
        open_at = time.monotonic()
        while not self._closed and time.time() < self._asked.until:
            if (given := self._asked.given()) is not None:
                return given
            if page_address(self._home) is not None:
                open_at = time.monotonic()
            if time.monotonic() - open_at > WITHOUT_PAGE:
                break
            await asyncio.sleep(_BETWEEN)
        return {}

    async def close(self) -> None:
        """End it; safe to repeat."""
        self._end.cancel()
        self._drop()

    def _drop(self) -> None:
        self._closed = True
        self._asked.close()


def on_page(home: Path, plugin: str, variables: Sequence[Variable], seconds: float) -> ValuesOnPage | None:
    """Return a form for *variables* on the page of *home*; None where no page is open that can show it."""
    if (address := page_address(home)) is None:
        return None
    try:
        return ValuesOnPage(home, address, plugin, variables, seconds)
    except (OSError, ValueError) as error:
        log.warning("%s: the page cannot ask for its values: %s", plugin, error)
        return None
