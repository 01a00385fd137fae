"""A person's consent to calls that change the world, for the doors through which a model calls by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dynamic_plugins.approval import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.lifecycle.service import PluginManagementService
    from dynamic_plugins.settings import ConfirmCalls
    from dynamic_plugins.tools.prepared_call import Prepared


class CallConsent:
    """Asks before a call of a plugin's action, as *mode* says: ``always``, for those that are ``changing`` something,
    or ``never``.

    The person says how long their yes holds: for this call, for this conversation (the life of this object), or
    always, which ends when the plugin describes the action otherwise. *changes* tells whether a call may change
    something: what the plugin declares decides, else the action's verb, and what nothing tells counts as changing.
    """

    def __init__(
        self, service: PluginManagementService, changes: Callable[[Prepared], bool], mode: ConfirmCalls
    ) -> None:
        self._service, self._changes, self._mode = service, changes, mode
        self._agreed: set[tuple[str, str]] = set()

    async def check(self, call: Prepared) -> None:
        """Return when *call* may be made. Raises DeclinedError, or NeedsConfirmationError where nobody can be asked."""
        if self._mode == "never" or call.tool is None or call.tool.plugin is None:
            return
        plugin, action = call.tool.plugin, call.tool.action.name
        if self._mode == "changing" and not self._changes(call):
            return
        if (plugin, action) in self._agreed or self._service.may_always_call(plugin, action):
            return
        arguments = json.dumps(call.arguments, ensure_ascii=False, default=str)
        answer = await self._service.ask_to_call(plugin, action, arguments)
        if answer is Answer.CONVERSATION:
            self._agreed.add((plugin, action))
