"""The runtime that handlers get: elizaOS' own where it is installed, on our store and the host's language model."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from .call import (
    AGENT_ID,
    ROOM_ID,
    WORLD_ID,
    AttributeDict,
    Call,
    StateDict,
    camel_case,
    current_call,
    make_state,
    snake_case,
)
from .parameter_schema import requested_fields
from .store import Store

AskModel = Callable[[list[dict[str, str]]], Awaitable["str | None"]]
"""Has the host's model answer messages (``{"role", "content"}``); gives None where the host has no model."""

_TEXT_MODELS = (
    *("TEXT_SMALL", "TEXT_LARGE", "TEXT_COMPLETION", "REASONING_SMALL", "REASONING_LARGE"),
    *("TEXT_REASONING_SMALL", "TEXT_REASONING_LARGE", "TEXT_SMALL_STREAM", "TEXT_LARGE_STREAM"),
)
_OBJECT_MODELS = ("OBJECT_SMALL", "OBJECT_LARGE")
_STORE_FILE = "elizaos-store.sqlite3"


async def make_runtime(settings: dict[str, str], ask_model: AskModel, folder: str) -> Any:
    """Return a runtime with the plugin's *settings*, a store in *folder*, and the host's model behind ``use_model``.

    Nothing of the plugin's is registered in it yet.
    """
    store = Store(os.path.join(folder, _STORE_FILE), AGENT_ID)  # noqa: PTH118 # pathlib is slow to import
    await _add_conversation(store)
    try:
        runtime = _eliza_runtime(settings, store)
    except ImportError:
        runtime = MinimalRuntime(settings, store)

    async def answer_text(_runtime: Any, params: Any) -> Any:
        return await _answer(ask_model, params)

    async def answer_object(_runtime: Any, params: Any) -> Any:
        return _json_object(await _answer(ask_model, params))

    for name in _TEXT_MODELS:
        runtime.register_model(name, answer_text, "host")
    for name in _OBJECT_MODELS:
        runtime.register_model(name, answer_object, "host")

    async def compose_state(message: Any, *_: Any, **__: Any) -> StateDict:
        return await _compose_state(runtime, message)

    # Its own keeps the first state of a room for ever, and one failing provider ends the call.
    runtime.compose_state = compose_state
    return runtime


async def _add_conversation(store: Store) -> None:
    """Add the world and the room of the only conversation there is, unless they are there from an earlier start."""
    if await store.get_rooms_by_ids([ROOM_ID]) == []:
        await store.create_worlds([{"id": WORLD_ID, "name": "host", "agentId": AGENT_ID, "metadata": {}}])
        room = {"id": ROOM_ID, "name": "conversation", "source": "direct", "type": "DM", "worldId": WORLD_ID}
        await store.create_rooms([{**room, "channelId": ROOM_ID, "serverId": WORLD_ID, "metadata": {}}])


def _eliza_runtime(settings: dict[str, str], store: Store) -> Any:
    """Return elizaOS' own runtime, as if it had been initialized. Raises ImportError where there is none."""
    from elizaos.runtime import AgentRuntime  # type: ignore[import-not-found, unused-ignore] # the plugin's environment
    from elizaos.types.agent import Character  # type: ignore[import-not-found, unused-ignore]

    character = Character(name="agent", bio=["An agent that uses plugins"])
    runtime = AgentRuntime(character=character, agent_id=AGENT_ID, adapter=store, settings=dict(settings))
    runtime._init_complete = True
    runtime._init_event.set()
    return runtime


class MinimalRuntime:
    """What plugins use of a runtime, for an environment without elizaOS: settings, services, models and the store."""

    def __init__(self, settings: dict[str, str], store: Store) -> None:
        import logging

        self.agent_id = AGENT_ID
        self.character = AttributeDict(
            {"name": "agent", "id": AGENT_ID, "settings": AttributeDict(settings), "bio": "", "system": ""}
        )
        self.logger = logging.getLogger("agent")
        self.providers: list[Any] = []
        self.actions: list[Any] = []
        self.evaluators: list[Any] = []
        self._services: dict[str, list[Any]] = {}
        self._models: dict[str, Any] = {}
        self._task_workers: dict[str, Any] = {}
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

    def register_task_worker(self, worker: Any) -> None:
        name = worker["name"] if isinstance(worker, dict) else worker.name
        self._task_workers[name] = worker

    def get_task_worker(self, name: str) -> Any:
        return self._task_workers.get(name)

    async def get_room(self, room_id: Any) -> Any:
        return next(iter(await self._store.get_rooms_by_ids([room_id])), None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._store, name)


async def _compose_state(runtime: Any, message: Any) -> StateDict:
    """Return a state with the text of every provider that has one; a failing one is left out."""
    texts = []
    for provider in list(runtime.providers):
        try:
            result = await provider.get(runtime, message, make_state({}))
        except Exception:  # noqa: S112 # it is context, not the answer
            continue
        text = result.get("text") if isinstance(result, dict) else getattr(result, "text", None)
        if text:
            texts.append(str(text))
    return make_state({"providers": "\n".join(texts), "recentMessages": ""}, "\n".join(texts))


# The model behind use_model. Plugins ask one to pick values out of a person's message; a caller that filled in the
# action's parameters has picked them out already, so what the arguments hold is answered without any model.


async def _answer(ask_model: AskModel, params: Any) -> str:
    """Answer one ``use_model``: from the call's arguments, or by the host's model; empty where neither can."""
    prompt, messages = _messages_of(params)
    call = current_call.get()
    known = None if call is None else _answer_from_arguments(prompt, call.arguments)
    if call is not None and known is not None and _is_complete(call, prompt):
        return known
    text = await ask_model(messages)
    if text is None and call is not None:
        text = known
        if text is None:
            call.unanswered_fields = requested_fields(prompt)[1] or ["an answer"]
    return text or ""


def _answer_from_arguments(prompt: str, arguments: dict[str, Any]) -> str | None:
    """Return the answer to *prompt* that *arguments* hold, in the form it asks for; None where they hold nothing."""
    form, names = requested_fields(prompt)
    fields = {name: value for name in names if (value := _argument(arguments, name)) is not None}
    if not fields:
        return None
    if form == "json":
        return json.dumps(fields, default=str)
    lines = (f"<{name}>{_inline(value)}</{name}>" for name, value in fields.items())
    return "<response>\n" + "\n".join(lines) + "\n</response>"


def _is_complete(call: Call, prompt: str) -> bool:
    """Whether the arguments are all there is to know: each requested field has one, or no message came with them."""
    names = requested_fields(prompt)[1]
    return not call.has_text or all(_argument(call.arguments, name) is not None for name in names)


def _messages_of(params: Any) -> tuple[str, list[dict[str, str]]]:
    """Return what ``use_model`` was given as one prompt and as messages."""
    if isinstance(params, str):
        params = {"prompt": params}
    messages = [
        {"role": str(message.get("role", "user")), "content": str(message.get("content", ""))}
        for message in params.get("messages") or ()
        if isinstance(message, dict)
    ]
    if params.get("prompt"):
        messages.append({"role": "user", "content": str(params["prompt"])})
    if params.get("system"):
        messages.insert(0, {"role": "system", "content": str(params["system"])})
    return "\n".join(message["content"] for message in messages), messages


def _argument(arguments: dict[str, Any], name: str) -> Any:
    for spelling in (name, snake_case(name), camel_case(name)):
        if spelling in arguments:
            return arguments[spelling]
    return None


def _inline(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _json_object(text: str) -> Any:
    start, end = text.find("{"), text.rfind("}")
    try:
        return json.loads(text[start : end + 1]) if start >= 0 else {}
    except ValueError:
        return {}
