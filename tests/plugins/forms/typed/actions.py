from __future__ import annotations

from datetime import datetime  # noqa: TC003 # looked up when it is called
from typing import TYPE_CHECKING, Literal, Protocol

Finish = Literal["matt", "gloss"]


class ReadServiceProtocol(Protocol):
    def read(self, who: str) -> str: ...


if TYPE_CHECKING:
    from .context import Colour, Judged, JudgeServices


class CountAction:
    """Its name is what a method gives."""

    def name(self) -> str:
        return "COUNT_BYTES"

    def description(self) -> str:
        return "Counts"

    def similes(self) -> list[str]:
        return ["MEASURE"]

    async def validate(self, message, state):
        return bool(message and state)

    async def handler(self, data: bytes = b"", pdf_file: bytes = b"", picture_base64: bytes = b""):
        return {"count": len(data or pdf_file or picture_base64)}


class ReadAction:
    name = "READ_BOOK"
    description = "Reads, by a service that only a protocol describes"
    similes = ()

    async def handler(self, context: Judged, service: ReadServiceProtocol):
        return service.read(context.entity_id)


class JudgeAction:
    name = "JUDGE"
    description = "Judges, and keeps a book of it"

    async def validate(self, context: Judged) -> bool:
        return bool(context.entity_id)

    async def handler(self, context: Judged, services: JudgeServices):
        services.book.entries.append(context.data.get("verdict"))
        return {"who": context.entity_id, "entries": list(services.book.entries)}


class PaintAction:
    name = "PAINT"
    description = "Paints"

    async def handler(self, colour: Colour, coats: int = 1, finish: Finish = "matt", dried: datetime | None = None):
        return {"member": colour.name, "coats": coats, "finish": finish, "hour": dried.hour if dried else None}

    validate = None


class RememberAction:
    name = "REMEMBER_THIS"
    description = "Remembers"
    similes = ()

    @staticmethod
    def handler(*, agent_id: str, message_text: str):
        return {"agent": agent_id, "learned": message_text}
