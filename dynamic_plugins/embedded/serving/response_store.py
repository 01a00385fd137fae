"""The responses that the endpoint was told to keep: in memory only, without secrets, the newest up to a limit."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from dynamic_plugins.embedded.identity import fingerprint
from dynamic_plugins.redaction.blanked_text import blanked

MOST_RESPONSES, MOST_BYTES = 200, 16 * 2**20
"""So many are kept, as long as they are no more than so many bytes together; the oldest go first."""
# What the endpoint or the client's program named, never what a person said.
_NAMES = {"id", "call_id", "name", "type", "role", "status", "object", "model", "previous_response_id"}


Item = dict[str, Any]


@dataclass(frozen=True)
class StoredResponse:
    """A response, the items that it answered, and the whole conversation up to and with it."""

    response: Item
    input: tuple[Item, ...]
    conversation: tuple[Item, ...]

    @property
    def size(self) -> int:
        """How many bytes it is as JSON."""
        return len(json.dumps([self.response, self.conversation], ensure_ascii=False).encode())


def _blanked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _blanked(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_blanked(each, key) for each in value]
    return blanked(value) if isinstance(value, str) and value and key not in _NAMES else value


class ResponseStore:
    """Responses by id, the newest of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[StoredResponse, int]] = OrderedDict()
        self._bytes = 0
        self._tools: tuple[str, Any] = "", []
        """The last tools without secrets, and what tells them from others: most requests of a client have the same."""

    def without_secrets(self, response: Item, read: list[Item], before: StoredResponse | None) -> StoredResponse:
        """Return *response* to the items *read* as it is kept: ``***`` for what looks like a secret. It takes time.

        *before* is the one that it goes on from.
        """
        clean, asked = _blanked({**response, "tools": [], "metadata": {}}), tuple(_blanked(read))
        earlier = before.conversation if before else ()
        notes = {name: blanked(value) for name, value in response["metadata"].items()}
        whole = {**clean, "tools": self._without_secrets(response["tools"]), "metadata": notes}
        return StoredResponse(whole, asked, (*earlier, *asked, *clean["output"]))

    def _without_secrets(self, tools: list[Item]) -> Any:
        digest, clean = self._tools
        if (now := fingerprint({"tools": tools})) != digest:
            clean = _blanked(tools)
            self._tools = now, clean
        return clean

    def put(self, stored: StoredResponse) -> None:
        """Keep *stored*, in place of one with its id, and let the oldest go where they are too much."""
        name, size = stored.response["id"], stored.size
        self.remove(name)
        self._kept[name] = stored, size
        self._bytes += size
        while len(self._kept) > MOST_RESPONSES or self._bytes > MOST_BYTES:
            self.remove(next(iter(self._kept)))

    def get(self, name: str) -> StoredResponse | None:
        """Return the response *name*; None where it was never kept, or is no longer."""
        kept = self._kept.get(name)
        return kept[0] if kept else None

    def remove(self, name: str) -> bool:
        """Forget the response *name*; return whether it was kept."""
        kept = self._kept.pop(name, None)
        self._bytes -= kept[1] if kept else 0
        return kept is not None
