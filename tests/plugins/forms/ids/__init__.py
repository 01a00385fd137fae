"""Ids: some are the caller's to say, some the conversation's."""

from dataclasses import dataclass


@dataclass
class Ban:
    user_id: str
    days: int = 1


@dataclass
class RoomContext:
    room_id: str
    word: str = ""


class BanAction:
    name = "BAN"
    description = "Bans somebody"
    similes = ()

    async def handler(self, user_id: str, world_id: str, reason=""):
        return {"user": user_id, "world": world_id, "reason": reason}


class DirectAction:
    name = "WRITE_TO"
    description = "Writes to somebody: the message is a text"
    similes = ()

    async def handler(self, user_id: str, message: str):
        return {"user": user_id, "message": message}


class BanAllAction:
    name = "BAN_BY_FORM"
    description = "Bans as a form says"
    similes = ()

    async def handler(self, form: Ban):
        return {"user": form.user_id}


class WhereAction:
    name = "WHERE"
    description = "Says where it is"
    similes = ()

    async def handler(self, runtime, room_id: str):
        return {"room": room_id, "runtime": bool(runtime)}


class HereAction:
    name = "HERE"
    description = "Says where it is, by a context"
    similes = ()

    async def handler(self, where: RoomContext):
        return {"room": where.room_id}
