"""A database adapter for the elizaOS runtime, on SQLite: what a plugin remembers outlives its process.

Takes what plugins really pass, which is dictionaries, objects or protocol buffers, parameters one by one or in one
dictionary, and gives back what can be read either way.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from ..serialize import plain
from .bag import Bag, bag

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
        body = document(memory)
        body.setdefault("createdAt", body.get("created_at"))
        body["createdAt"] = body["createdAt"] or int(time.time() * 1000)
        body["agentId"] = body.get("agentId") or self._agent_id
        body["unique"] = unique or bool(body.get("unique"))
        body["metadata"] = {**(body.get("metadata") or {}), "type": table_name}
        return self._put("memory", body)

    async def get_memories(self, params: Any = None, **more: Any) -> list[Bag]:
        wanted = _wanted(params, more)
        table, start, end = wanted.pop("tableName", None), wanted.pop("start", None), wanted.pop("end", None)
        count, offset = wanted.pop("limit", None) or wanted.pop("count", None), wanted.pop("offset", None) or 0
        only_unique = wanted.pop("unique", False)
        fields = {key: wanted[key] for key in ("entityId", "agentId", "roomId", "worldId") if wanted.get(key)}

        def fits(memory: Bag) -> bool:
            made = memory.get("createdAt") or 0
            return (
                _has(memory, fields)
                and (not table or (memory.get("metadata") or {}).get("type") == table)
                and (start is None or made >= start)
                and (end is None or made <= end)
                and (not only_unique or bool(memory.get("unique")))
            )

        found = sorted(self._all("memory", fits), key=lambda each: each.get("createdAt") or 0, reverse=True)
        return found[offset:] if count is None else found[offset : offset + int(count)]

    async def get_memory_by_id(self, id: Any) -> Bag | None:  # noqa: A002 # the name the runtime's interface has
        return self._get("memory", id)

    async def get_memories_by_ids(self, ids: list[Any], table_name: str | None = None) -> list[Bag]:
        found = [each for each in (self._get("memory", number) for number in ids) if each is not None]
        return [each for each in found if not table_name or each["metadata"].get("type") == table_name]

    async def get_memories_by_room_ids(self, params: Any) -> list[Bag]:
        wanted = _wanted(params, {})
        rooms = {str(each) for each in wanted.pop("roomIds", ())}
        return [each for each in await self.get_memories(wanted) if str(each.get("roomId")) in rooms]

    async def search_memories(self, params: Any = None, **more: Any) -> list[Bag]:
        wanted = _wanted(params, more)
        vector, least = wanted.pop("embedding", None), wanted.pop("matchThreshold", 0.0) or 0.0
        query = str(wanted.pop("query", "") or "").lower().split()
        most = wanted.pop("limit", None) or wanted.pop("count", None) or 10
        scored = []
        for memory in await self.get_memories(wanted):
            text = str((memory.get("content") or {}).get("text", "")).lower()
            score = (
                _cosine(vector, memory.get("embedding") or [])
                if vector
                else sum(word in text for word in query) / max(len(query), 1)
            )
            if score > 0 and score >= least:
                scored.append((score, memory))
        scored.sort(key=lambda pair: pair[0], reverse=True)
        return [Bag({**memory, "similarity": score}) for score, memory in scored[: int(most)]]

    async def get_cached_embeddings(self, _params: Any) -> list[Any]:
        return []

    async def count_memories(self, room_id: Any = None, unique: bool = False, table_name: str | None = None) -> int:
        wanted = {} if isinstance(room_id, dict) else {"roomId": room_id, "unique": unique, "tableName": table_name}
        return len(await self.get_memories(room_id if isinstance(room_id, dict) else wanted))

    async def update_memory(self, memory: Any) -> bool:
        return self._merge("memory", document(memory))

    async def delete_memory(self, memory_id: Any) -> None:
        self._delete("memory", memory_id)

    async def delete_many_memories(self, memory_ids: list[Any]) -> None:
        for each in memory_ids:
            self._delete("memory", each)

    async def delete_all_memories(self, room_id: Any, table_name: str | None = None) -> None:
        for each in await self.get_memories({"roomId": room_id, "tableName": table_name}):
            self._delete("memory", each["id"])

    # Tasks

    async def create_task(self, task: Any) -> str:
        return self._put("task", document(task))

    async def get_tasks(self, params: Any = None, **more: Any) -> list[Bag]:
        wanted = _wanted(params, more)
        tags = set(wanted.pop("tags", None) or ())
        fields = {key: wanted[key] for key in ("entityId", "roomId", "worldId", "name") if wanted.get(key)}
        return self._all(
            "task", lambda task: _has(task, fields) and (not tags or bool(tags & set(task.get("tags") or ())))
        )

    async def get_task(self, id: Any) -> Bag | None:  # noqa: A002 # the name the runtime's interface has
        return self._get("task", id)

    async def get_tasks_by_name(self, name: str) -> list[Bag]:
        return self._all("task", lambda task: task.get("name") == name)

    async def update_task(self, id: Any, task: Any) -> None:  # noqa: A002 # the name the runtime's interface has
        self._merge("task", {**document(task), "id": str(id)})

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

    # Who is where

    async def add_participants_room(self, entity_ids: list[Any], room_id: Any) -> bool:
        for each in entity_ids:
            self._put("participant", {"id": f"{room_id}/{each}", "entityId": str(each), "roomId": str(room_id)})
        return True

    async def remove_participant(self, entity_id: Any, room_id: Any) -> bool:
        return self._delete("participant", f"{room_id}/{entity_id}")

    async def is_room_participant(self, room_id: Any, entity_id: Any) -> bool:
        return self._get("participant", f"{room_id}/{entity_id}") is not None

    async def get_participants_for_room(self, room_id: Any) -> list[str]:
        return [each["entityId"] for each in self._all("participant", lambda p: p["roomId"] == str(room_id))]

    async def get_rooms_for_participant(self, entity_id: Any) -> list[str]:
        return [each["roomId"] for each in self._all("participant", lambda p: p["entityId"] == str(entity_id))]

    # Everything else is documents: get_room, create_entities, update_world, delete_component, get_relationships, …

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, _, rest = name.partition("_")
        for kind in _COLLECTIONS:
            for many in (_plural(kind), kind):
                if rest == many or rest.startswith(f"{many}_by_"):
                    return self._verb(verb, kind, many != kind, rest.endswith("_by_ids"))
        raise AttributeError(name)

    def _verb(self, verb: str, kind: str, many: bool, by_ids: bool) -> Callable[..., Any]:
        async def create(given: Any) -> Any:
            made = [self._put(kind, document(each)) for each in (given if many else [given])]
            return made if many and kind == "room" else True if kind not in ("world", "room") else made[0]

        async def update(first: Any, second: Any = None) -> bool:
            return self._merge(kind, document(first) if second is None else {**document(second), "id": str(first)})

        async def delete(number: Any) -> bool:
            return self._delete(kind, number)

        async def get(given: Any = None, *_: Any, **more: Any) -> Any:
            if by_ids:
                return [each for each in (self._get(kind, number) for number in given) if each is not None]
            if not many and not isinstance(given, dict):
                return self._get(kind, given)
            fields = {key: value for key, value in _wanted(given, more).items() if isinstance(value, str)}
            found = self._all(kind, lambda each: _has(each, fields))
            return found if many else found[0] if found else None

        verbs: dict[str, Callable[..., Any]] = {"create": create, "update": update, "delete": delete, "get": get}
        if verb not in verbs:
            raise AttributeError(f"{verb}_{kind}")
        return verbs[verb]

    def _put(self, kind: str, body: dict[str, Any]) -> str:
        number = str(body.get("id") or uuid.uuid4())
        self._db.execute(
            "INSERT INTO document (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, number, json.dumps({**body, "id": number}, default=plain)),
        )
        return number

    def _get(self, kind: str, number: Any) -> Bag | None:
        row = self._db.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, str(number))).fetchone()
        return None if row is None else bag(json.loads(row[0]))

    def _all(self, kind: str, fits: Callable[[Bag], bool]) -> list[Bag]:
        rows = self._db.execute("SELECT body FROM document WHERE kind = ? ORDER BY number", (kind,)).fetchall()
        return [each for each in (bag(json.loads(row[0])) for row in rows) if fits(each)]

    def _merge(self, kind: str, body: dict[str, Any]) -> bool:
        old = self._get(kind, body.get("id"))
        if old is None:
            return False
        self._put(kind, {**old, **body})
        return True

    def _delete(self, kind: str, number: Any) -> bool:
        return self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, str(number))).rowcount > 0


def document(value: Any) -> dict[str, Any]:
    """Return what a plugin wants kept as a plain dictionary."""
    found = plain(value)
    return found if isinstance(found, dict) else {"value": found}


def _wanted(params: Any, more: dict[str, Any]) -> dict[str, Any]:
    from .bag import camel

    given = {**(document(params) if params is not None else {}), **more}
    return {camel(key): value for key, value in given.items() if value is not None}


def _has(found: Bag, fields: dict[str, Any]) -> bool:
    return all(str(found.get(key)) == str(value) for key, value in fields.items())


def _plural(kind: str) -> str:
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _cosine(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        return 0.0
    long = (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5
    product = sum(a * b for a, b in zip(one, other))  # noqa: B905 # `strict` is newer than the oldest Python here
    return product / long if long else 0.0
