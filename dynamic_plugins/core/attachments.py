"""Pictures, sound and files that a plugin's result brings along, for whoever can hand them on as what they are.

Whoever makes a call within :func:`taking` gets them as bytes; of any other call they become files of the plugin's.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Kind = Literal["image", "audio", "resource"]

_MOST, _MOST_BYTES = 20, 20_000_000
"""What one call hands on, which may be of a program that makes many; more become files."""
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One picture, sound or file. *name* is that of a file, or the address it has with its plugin."""

    kind: Kind
    mime: str
    data: bytes
    name: str = ""

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()

    @property
    def address(self) -> str:
        """Its bytes as a ``data:`` address."""
        return f"data:{self.mime};base64,{self.base64}"


class _Taken(list[Attachment]):
    def __init__(self, kinds: Collection[Kind]) -> None:
        super().__init__()
        self.kinds = kinds


_taken: ContextVar[_Taken | None] = ContextVar("taken", default=None)


@contextmanager
def taking(*kinds: Kind) -> Iterator[list[Attachment]]:
    """Have the calls in this block put what they bring of these *kinds* into the list that this gives."""
    found = _Taken(kinds)
    token = _taken.set(found)
    try:
        yield found
    finally:
        _taken.reset(token)


def hand_on(attachment: Attachment) -> bool:
    """Give *attachment* to whoever made the call under way; false where nobody takes such a thing.

    A picture that is none of those which models read is not handed on: an API refuses the whole request for it.
    """
    taken = _taken.get()
    if taken is None or attachment.kind not in taken.kinds:
        return False
    if attachment.kind == "image" and attachment.mime != picture_type(attachment.data):
        return False
    if len(taken) >= _MOST or sum(len(each.data) for each in taken) + len(attachment.data) > _MOST_BYTES:
        return False
    taken.append(attachment)
    return True


def picture_type(data: bytes) -> str:
    """Return the type of a picture by how it begins; empty for one that not every model reads."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for begins, mime in _PICTURES if data.startswith(begins)), "")
