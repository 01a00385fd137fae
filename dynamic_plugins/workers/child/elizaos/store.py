"""A database adapter for the elizaOS runtime, on SQLite: what a plugin remembers outlives its process.

Plugins pass dictionaries, objects or protocol buffers, and parameters one by one or in one dictionary: all of these are
accepted. What is returned can be read as a dictionary or as an object.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from ..serialize import plain
from .call import AttributeDict, camel_case, with_attributes

if TYPE_CHECKING:
    from collections.abc import Callable

_COLLECTIONS = ("agent", "entity", "component", "world", "room", "relationship", "log", "task")


class Store:
    """Documents by kind and id. *path* is a file, or ``:memory:``."""

    def __init__(self, path: str, agent_id: str) -> None:
        import sqlite3

        self._agent_id = agent_id
        # Autocommit: a worker may be killed at any moment.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS document"
            " (kind TEXT, id TEXT, body TEXT, number INTEGER PRIMARY KEY, UNIQUE (kind, id))"
        )

    @property
    def db(self) -> Store:
        return self

    async def init(self) -> None:
        """Nothing is left to do; the runtime calls it."""

    initialize = init

    async def is_ready(self) -> bool:
        return True

    async def close(self) -> None:
        self._db.close()

    async def get_connection(self) -> Any:
        return self._db

    async def ensure_embedding_dimension(self, _dimension: int) -> None:
        """Vectors of any length are kept."""

    # Memories

    async def create_memory(self, memory: Any, table_name: str = "messages", unique: bool = False) -> str:
        body = as_document(memory)
        body.setdefault("createdAt", body.get("created_at"))
        body["createdAt"] = body["createdAt"] or int(time.time() * 1000)
        body["agentId"] = body.get("agentId") or self._agent_id
        body["unique"] = unique or bool(body.get("unique"))
        body["metadata"] = {**(body.get("metadata") or {}), "type": table_name}
        return self._put("memory", body)

    async def get_memories(self, params: Any = None, **more: Any) -> list[AttributeDict]:
        filters = _filters(params, more)
        table, start, end = filters.pop("tableName", None), filters.pop("start", None), filters.pop("end", None)
        count, offset = filters.pop("limit", None) or filters.pop("count", None), filters.pop("offset", None) or 0
        only_unique = filters.pop("unique", False)
        fields = {key: filters[key] for key in ("entityId", "agentId", "roomId", "worldId") if filters.get(key)}

        def matches(memory: AttributeDict) -> bool:
            created = memory.get("createdAt") or 0
            return (
                _matches(memory, fields)
                and (not table or (memory.get("metadata") or {}).get("type") == table)
                and (start is None or created >= start)
                and (end is None or created <= end)
                and (not only_unique or bool(memory.get("unique")))
            )

        found = sorted(self._all("memory", matches), key=lambda memory: memory.get("createdAt") or 0, reverse=True)
        return found[offset:] if count is None else found[offset : offset + int(count)]

    async def get_memory_by_id(self, id: Any) -> AttributeDict | None:  # noqa: A002 # the name the runtime's interface has
        return self._get("memory", id)

    async def get_memories_by_ids(self, ids: list[Any], table_name: str | None = None) -> list[AttributeDict]:
        found = [memory for memory in (self._get("memory", memory_id) for memory_id in ids) if memory is not None]
        return [memory for memory in found if not table_name or memory["metadata"].get("type") == table_name]

    async def get_memories_by_room_ids(self, params: Any) -> list[AttributeDict]:
        filters = _filters(params, {})
        rooms = {str(room_id) for room_id in filters.pop("roomIds", ())}
        return [memory for memory in await self.get_memories(filters) if str(memory.get("roomId")) in rooms]

    async def search_memories(self, params: Any = None, **more: Any) -> list[AttributeDict]:
        filters = _filters(params, more)
        vector, threshold = filters.pop("embedding", None), filters.pop("matchThreshold", 0.0) or 0.0
        query = str(filters.pop("query", "") or "").lower().split()
        limit = filters.pop("limit", None) or filters.pop("count", None) or 10
        scored = []
        for memory in await self.get_memories(filters):
            text = str((memory.get("content") or {}).get("text", "")).lower()
            score = (
                _cosine(vector, memory.get("embedding") or [])
                if vector
                else sum(word in text for word in query) / max(len(query), 1)
            )
            if score > 0 and score >= threshold:
                scored.append((score, memory))
        scored.sort(key=lambda pair: pair[0], reverse=True)
        return [AttributeDict({**memory, "similarity": score}) for score, memory in scored[: int(limit)]]

    async def get_cached_embeddings(self, _params: Any) -> list[Any]:
        return []

    async def count_memories(self, room_id: Any = None, unique: bool = False, table_name: str | None = None) -> int:
        filters = {} if isinstance(room_id, dict) else {"roomId": room_id, "unique": unique, "tableName": table_name}
        return len(await self.get_memories(room_id if isinstance(room_id, dict) else filters))

    async def update_memory(self, memory: Any) -> bool:
        return self._merge("memory", as_document(memory))

    async def delete_memory(self, memory_id: Any) -> None:
        self._delete("memory", memory_id)

    async def delete_many_memories(self, memory_ids: list[Any]) -> None:
        for memory_id in memory_ids:
            self._delete("memory", memory_id)

    async def delete_all_memories(self, room_id: Any, table_name: str | None = None) -> None:
        for memory in await self.get_memories({"roomId": room_id, "tableName": table_name}):
            self._delete("memory", memory["id"])

    # Tasks

    async def create_task(self, task: Any) -> str:
        return self._put("task", as_document(task))

    async def get_tasks(self, params: Any = None, **more: Any) -> list[AttributeDict]:
        filters = _filters(params, more)
        tags = set(filters.pop("tags", None) or ())
        fields = {key: filters[key] for key in ("entityId", "roomId", "worldId", "name") if filters.get(key)}
        return self._all(
            "task", lambda task: _matches(task, fields) and (not tags or bool(tags & set(task.get("tags") or ())))
        )

    async def get_task(self, id: Any) -> AttributeDict | None:  # noqa: A002 # the name the runtime's interface has
        return self._get("task", id)

    async def get_tasks_by_name(self, name: str) -> list[AttributeDict]:
        return self._all("task", lambda task: task.get("name") == name)

    async def update_task(self, id: Any, task: Any) -> None:  # noqa: A002 # the name the runtime's interface has
        self._merge("task", {**as_document(task), "id": str(id)})

    async def delete_task(self, task_id: Any) -> None:
        self._delete("task", task_id)

    # The cache

    async def get_cache(self, key: str) -> Any:
        found = self._get("cache", key)
        return None if found is None else found["value"]

    async def set_cache(self, key: str, value: Any) -> bool:
        self._put("cache", {"id": key, "value": plain(value)})
        return True

    async def delete_cache(self, key: str) -> bool:
        return self._delete("cache", key)

    # Participants

    async def add_participants_room(self, entity_ids: list[Any], room_id: Any) -> bool:
        for entity_id in entity_ids:
            ids = {"entityId": str(entity_id), "roomId": str(room_id)}
            self._put("participant", {"id": f"{room_id}/{entity_id}", **ids})
        return True

    async def remove_participant(self, entity_id: Any, room_id: Any) -> bool:
        return self._delete("participant", f"{room_id}/{entity_id}")

    async def is_room_participant(self, room_id: Any, entity_id: Any) -> bool:
        return self._get("participant", f"{room_id}/{entity_id}") is not None

    async def get_participants_for_room(self, room_id: Any) -> list[str]:
        found = self._all("participant", lambda p: p["roomId"] == str(room_id))
        return [participant["entityId"] for participant in found]

    async def get_rooms_for_participant(self, entity_id: Any) -> list[str]:
        found = self._all("participant", lambda p: p["entityId"] == str(entity_id))
        return [participant["roomId"] for participant in found]

    # All other methods are about one kind of document: get_room, create_entities, update_world, get_relationships, …

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, _, rest = name.partition("_")
        for kind in _COLLECTIONS:
            for noun in (_plural(kind), kind):
                if rest == noun or rest.startswith(f"{noun}_by_"):
                    return self._method(verb, kind, noun != kind, rest.endswith("_by_ids"))
        raise AttributeError(name)

    def _method(self, verb: str, kind: str, is_plural: bool, by_ids: bool) -> Callable[..., Any]:
        async def create(given: Any) -> Any:
            ids = [self._put(kind, as_document(value)) for value in (given if is_plural else [given])]
            if kind not in ("world", "room"):
                return True
            return ids if is_plural and kind == "room" else ids[0]

        async def update(first: Any, second: Any = None) -> bool:
            return self._merge(
                kind, as_document(first) if second is None else {**as_document(second), "id": str(first)}
            )

        async def delete(document_id: Any) -> bool:
            return self._delete(kind, document_id)

        async def get(given: Any = None, *_: Any, **more: Any) -> Any:
            if by_ids:
                return [found for found in (self._get(kind, document_id) for document_id in given) if found is not None]
            if not is_plural and not isinstance(given, dict):
                return self._get(kind, given)
            fields = {key: value for key, value in _filters(given, more).items() if isinstance(value, str)}
            found = self._all(kind, lambda document: _matches(document, fields))
            return found if is_plural else found[0] if found else None

        verbs: dict[str, Callable[..., Any]] = {"create": create, "update": update, "delete": delete, "get": get}
        if verb not in verbs:
            raise AttributeError(f"{verb}_{kind}")
        return verbs[verb]

    def _put(self, kind: str, body: dict[str, Any]) -> str:
        document_id = str(body.get("id") or uuid.uuid4())
        self._db.execute(
            "INSERT INTO document (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, document_id, json.dumps({**body, "id": document_id}, default=plain)),
        )
        return document_id

    def _get(self, kind: str, document_id: Any) -> AttributeDict | None:
        row = self._db.execute(
            "SELECT body FROM document WHERE kind = ? AND id = ?", (kind, str(document_id))
        ).fetchone()
        return None if row is None else with_attributes(json.loads(row[0]))

    def _all(self, kind: str, matches: Callable[[AttributeDict], bool]) -> list[AttributeDict]:
        rows = self._db.execute("SELECT body FROM document WHERE kind = ? ORDER BY number", (kind,)).fetchall()
        return [document for document in (with_attributes(json.loads(row[0])) for row in rows) if matches(document)]

    def _merge(self, kind: str, body: dict[str, Any]) -> bool:
        old = self._get(kind, body.get("id"))
        if old is None:
            return False
        self._put(kind, {**old, **body})
        return True

    def _delete(self, kind: str, document_id: Any) -> bool:
        return self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, str(document_id))).rowcount > 0


def as_document(value: Any) -> dict[str, Any]:
    """Return a value that a plugin stores as a plain dictionary."""
    document = plain(value)
    return document if isinstance(document, dict) else {"value": document}


def _filters(params: Any, more: dict[str, Any]) -> dict[str, Any]:
    """Return a query's parameters in camelCase, without those that are None."""
    given = {**(as_document(params) if params is not None else {}), **more}
    return {camel_case(key): value for key, value in given.items() if value is not None}


def _matches(found: AttributeDict, fields: dict[str, Any]) -> bool:
    return all(str(found.get(key)) == str(value) for key, value in fields.items())


def _plural(kind: str) -> str:
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _cosine(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        return 0.0
    long = (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
    product = sum(a * b for a, b in zip(one, other))  # noqa: B905 # `strict` is newer than the oldest Python here
    return product / long if long else 0.0
