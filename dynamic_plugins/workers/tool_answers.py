"""What an MCP server answers, on its way to the caller: pictures in their place, schemas compared, errors in words."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types as types

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.workers.media import Media, described
from dynamic_plugins.workers.results import brings_media

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.shared.exceptions import MCPError

    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.workers.components import Host
    from dynamic_plugins.workers.results import Take

Result = TypeVar("Result", types.CallToolResult, types.GetPromptResult, types.ReadResourceResult)

_LONGEST_REASON, _LONGEST_ERROR = 500, 10_000


class Answers:
    """Takes the answers of the plugin *name*; *host* keeps its files and its log, *scrubber* knows its secrets."""

    def __init__(self, name: str, host: Host, scrubber: Scrubber) -> None:
        self._name, self._host, self._scrubber = name, host, scrubber
        self._told: set[str] = set()
        """The actions of which was logged that they answer otherwise than they say."""

    async def value(self, result: Result, value: Callable[[Result, Take], Any]) -> Any:
        """Return the *value* of a result, once its pictures, sound and files are where they belong."""
        if not brings_media(result):
            return value(result, described)
        return await asyncio.to_thread(value, result, Media(self._host.folder, self._scrubber).take)

    async def compare(self, action: str, result: types.CallToolResult, schema: dict[str, Any]) -> None:
        """Log where an answer is not what its server says that it answers: it is given all the same."""
        if action in self._told or self._host.log is None:
            return
        try:
            await asyncio.to_thread(check_arguments, action, result.structured_content or {}, schema)
        except BadArgumentsError as error:
            self._told.add(action)
            reason = self._scrubber.text(error.reason)[:_LONGEST_REASON]
            self._host.log(self._name, f"{action} answers otherwise than its schema says: {reason}")

    def reason(self, error: MCPError) -> str:
        """Return the words of a protocol error, with what it says besides in its data."""
        message, data = error.message.strip(), error.error.data
        if data is None:
            return self._scrubber.text(message)
        more = (
            data if isinstance(data, str) else json.dumps(self._scrubber.result(data), ensure_ascii=False, default=str)
        )
        told = message if more in message else f"{message} ({more[:_LONGEST_REASON]})" if message else more
        return self._scrubber.text(told)[:_LONGEST_ERROR]
