"""The runtime that handlers are given: elizaOS' own where it is installed, on a store of ours."""

from __future__ import annotations

import os
from typing import Any

from .bag import Bag, StateBag, state_of
from .call import ROOM, WORLD, Call
from .model import Ask, answer
from .store import Store

_TEXT_MODELS = (
    *("TEXT_SMALL", "TEXT_LARGE", "TEXT_COMPLETION", "REASONING_SMALL", "REASONING_LARGE"),
    *("TEXT_REASONING_SMALL", "TEXT_REASONING_LARGE", "TEXT_SMALL_STREAM", "TEXT_LARGE_STREAM"),
)
_OBJECT_MODELS = ("OBJECT_SMALL", "OBJECT_LARGE")
_AGENT = "00000000-0000-4000-8000-64796e616d69"
_FILE = "elizaos-store.sqlite3"


async def make_runtime(settings: dict[str, str], ask: Ask, folder: str) -> Any:
    """Return a runtime with the plugin's *settings*, a store in *folder*, and the host's model behind ``use_model``.

    Nothing is registered in it yet.
    """
    store = Store(os.path.join(folder, _FILE), _AGENT)  # noqa: PTH118 # pathlib is slow to import
    if await store.get_rooms_by_ids([ROOM]) == []:
        await store.create_worlds([{"id": WORLD, "name": "host", "agentId": _AGENT, "metadata": {}}])
        room = {"id": ROOM, "name": "conversation", "source": "direct", "type": "DM", "worldId": WORLD}
        await store.create_rooms([{**room, "channelId": ROOM, "serverId": WORLD, "metadata": {}}])
    try:
        runtime = _real(settings, store)
    except ImportError:
        runtime = BareRuntime(settings, store)

    async def text(_runtime: Any, params: Any) -> Any:
        return await answer(ask, params)

    async def whole(_runtime: Any, params: Any) -> Any:
        return await answer(ask, params, as_object=True)

    for name in _TEXT_MODELS:
        runtime.register_model(name, text, "host")
    for name in _OBJECT_MODELS:
        runtime.register_model(name, whole, "host")

    async def compose_state(message: Any, *_: Any, **__: Any) -> StateBag:
        return await _compose(runtime, message)

    # Its own keeps the first state of a room for ever, and one failing provider ends the call.
    runtime.compose_state = compose_state
    return runtime


def _real(settings: dict[str, str], store: Store) -> Any:
    from elizaos.runtime import AgentRuntime  # type: ignore[import-not-found, unused-ignore] # the plugin's environment
    from elizaos.types.agent import Character  # type: ignore[import-not-found, unused-ignore]

    character = Character(name="agent", bio=["An agent that uses plugins"])
    runtime = AgentRuntime(character=character, agent_id=_AGENT, adapter=store, settings=dict(settings))
    runtime._init_complete = True
    runtime._init_event.set()
    return runtime


class BareRuntime:
    """What plugins use of a runtime, for an environment without elizaOS: settings, services, models and the store."""

    def __init__(self, settings: dict[str, str], store: Store) -> None:
        import logging

        self.agent_id = _AGENT
        self.character = Bag({"name": "agent", "id": _AGENT, "settings": Bag(settings), "bio": "", "system": ""})
        self.logger = logging.getLogger("agent")
        self.providers: list[Any] = []
        self.actions: list[Any] = []
        self.evaluators: list[Any] = []
        self._services: dict[str, list[Any]] = {}
        self._models: dict[str, Any] = {}
        self._settings: dict[str, Any] = dict(settings)
        self._store = store

    def get_setting(self, key: str) -> Any:
        return self._settings.get(key)

    def set_setting(self, key: str, value: Any, _secret: bool = False) -> None:
        self._settings[key] = value

    def get_service(self, name: str) -> Any:
        return (self._services.get(name) or [None])[0]

    def has_service(self, name: str) -> bool:
        return bool(self._services.get(name))

    def register_model(self, name: str, handler: Any, _provider: str, _priority: int = 0) -> None:
        self._models[name] = handler

    async def use_model(self, model_type: Any, params: Any = None, **more: Any) -> Any:
        name = getattr(model_type, "value", model_type)
        if name not in self._models:
            raise RuntimeError(f"No model handler registered for: {name}")
        return await self._models[name](self, {**(params or {}), **more} if not isinstance(params, str) else params)

    async def get_room(self, room_id: Any) -> Any:
        return next(iter(await self._store.get_rooms_by_ids([room_id])), None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._store, name)


async def _compose(runtime: Any, message: Any) -> StateBag:
    """Return a state with the text of every provider that has one; a failing one is left out."""
    texts = []
    for provider in list(runtime.providers):
        try:
            result = await provider.get(runtime, message, state_of({}))
        except Exception:  # noqa: S112 # it is context, not the answer
            continue
        text = result.get("text") if isinstance(result, dict) else getattr(result, "text", None)
        if text:
            texts.append(str(text))
    return state_of({"providers": "\n".join(texts), "recentMessages": ""}, "\n".join(texts))


def service_call(runtime: Any, name: str) -> Call:
    """Return a call without arguments, for handing a service or a plugin's init what it asks for."""
    return Call(name, {}, str(runtime.agent_id) if runtime is not None else _AGENT)
