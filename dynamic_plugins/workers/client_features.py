"""What an MCP server may ask of its client in the middle of a call: the model, folders, the person, a line in the log.

The client is told of a feature only where the plugin's host has it to give.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import mcp_types as types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from contextvars import Context

    from mcp.client.session import ClientRequestContext, ElicitationFnT, ListRootsFnT, SamplingFnT

    from dynamic_plugins.redaction.scrubber import Scrubber
    from dynamic_plugins.workers.components import Host

_LONGEST_LINE = 2000


class ClientFeatures:
    """Answers the requests of the plugin *name* with what *host* has for it; what leaves it is scrubbed.

    The time in *waiting_for_person* is not counted as the plugin's.
    """

    def __init__(
        self,
        name: str,
        host: Host,
        scrubber: Scrubber,
        waiting_for_person: Callable[[], AbstractContextManager[None]],
        caller: Callable[[], Context | None],
    ) -> None:
        """*caller* gives the context of the call that a question must belong to, where it can be no other."""
        self._name, self._host, self._scrubber = name, host, scrubber
        self._waiting_for_person, self._caller = waiting_for_person, caller

    @property
    def sampling(self) -> SamplingFnT | None:
        return self._sample if self._host.use_model else None

    @property
    def roots(self) -> ListRootsFnT | None:
        return self._list_roots if self._host.roots else None

    @property
    def elicitation(self) -> ElicitationFnT | None:
        return self._elicit if self._host.ask_values else None

    async def log(self, params: types.LoggingMessageNotificationParams) -> None:
        """Pass on what it logs."""
        if self._host.log is not None:
            data = params.data
            if not isinstance(data, str):  # cleaned as it came: within our JSON it is written in yet another way
                data = json.dumps(self._scrubber.result(data), default=str)
            self._host.log(self._name, self._scrubber.text(f"{params.level}: {data}")[:_LONGEST_LINE])

    async def _sample(self, context: ClientRequestContext, params: types.CreateMessageRequestParams) -> Any:  # noqa: ARG002 # the client calls it so
        assert self._host.use_model is not None  # noqa: S101 # given to the client only with a model
        messages = [{"role": "system", "content": params.system_prompt}] if params.system_prompt else []
        messages += [{"role": each.role, "content": _plain_text(each.content)} for each in params.messages]
        text = await self._host.use_model(self._scrubber.result(messages))
        if text is None:
            return types.ErrorData(code=types.INVALID_REQUEST, message="There is no model here to ask.")
        return types.CreateMessageResult(
            role="assistant", content=types.TextContent(text=text), model="host", stop_reason="endTurn"
        )

    async def _list_roots(self, context: ClientRequestContext) -> types.ListRootsResult:  # noqa: ARG002 # the client calls it so
        from pathlib import Path

        return types.ListRootsResult.model_validate(
            {"roots": [{"uri": Path(root).as_uri(), "name": Path(root).name} for root in self._host.roots]}
        )

    async def _elicit(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:  # noqa: ARG002 # the client calls it so
        from dynamic_plugins.workers.elicitation import answer

        assert self._host.ask_values is not None  # noqa: S101 # given to the client only with it
        with self._waiting_for_person():
            # The person is asked by the door that the call came through, which its context tells.
            asking = answer(self._name, params, self._host.ask_values)
            task = asyncio.create_task(asking, context=self._caller())
            try:
                return await task
            finally:
                task.cancel()  # the server, or the caller, does not wait any more


def _plain_text(content: Any) -> str:
    blocks: Sequence[Any] = content if isinstance(content, list) else [content]
    return "\n".join(block.text for block in blocks if getattr(block, "type", "") == "text")
