"""What becomes of a picture, a sound or a file in a plugin's result: handed on to the caller, or kept as a file."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.attachments import Attachment, hand_on, picture_type
from dynamic_plugins.workers.line_buffer import CUT_SHORT

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.core.attachments import Kind
    from dynamic_plugins.redaction.scrubber import Scrubber

FOLDER = "results"
"""The folder within the plugin's own that the files are put into."""
_MOST_FILES = 100
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_SUFFIXES = {
    "audio/wav": ".wav",
    "audio/mp3": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "image/webp": ".webp",
}
"""Of types that the standard library knows by other names, or not yet."""
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


class Media:
    """Takes what a plugin's results bring; files of it lie in *folder*, the plugin's own, where there is one.

    What holds one of the plugin's secrets (*scrubber* knows them) goes nowhere.
    """

    def __init__(self, folder: Path | None, scrubber: Scrubber) -> None:
        self._folder, self._scrubber = folder, scrubber

    def take(self, kind: Kind, mime: str | None, data: str, name: str = "") -> dict[str, Any]:
        """Return what is told of base64 *data*: its kind, type and size, and where it is. It blocks."""
        told = described(kind, mime, data)
        if (found := _decoded(data)) is None:
            return told
        if self._holds_secret(found):
            return {**told, "left_out": "it holds a secret"}
        actual = picture_type(found) if kind == "image" else ""
        attachment = Attachment(kind, actual or mime or "application/octet-stream", found, name)
        told = {**told, "mime": attachment.mime, "bytes": len(found)}
        if hand_on(attachment):
            return {**told, "attached": True}
        try:
            file = None if self._folder is None else _kept(self._folder, attachment)
        except OSError:  # a full disk, or a plugin that put something else in its place
            file = None
        return told if file is None else {**told, "file": file}

    def _holds_secret(self, data: bytes) -> bool:
        texts = {data.decode("latin-1"), data.decode("utf-8", "replace")}
        return any(self._scrubber.result(text) != text for text in texts)


def described(kind: str, mime: str | None, data: str) -> dict[str, Any]:
    """Return what is told of base64 *data* that is not handed on: of what was too long for an answer, its size."""
    if data.startswith(CUT_SHORT) and (length := data.removeprefix(CUT_SHORT)).isdecimal():
        return {"type": kind, "mime": mime, "bytes": int(length)}
    return {"type": kind, "mime": mime, "bytes": len(data) * 3 // 4 - data[-2:].count("=")}


def _decoded(data: str) -> bytes | None:
    """Return the bytes of base64 as servers write it: with line ends, for addresses, or without its padding."""
    plain = "".join(data.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _kept(folder: Path, attachment: Attachment) -> str:
    """Write *attachment* below *folder*, which a plugin may write to, and return the path. Raises OSError.

    No link of the plugin's is followed, and no file of its is written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(FileExistsError):
            os.mkdir(FOLDER, 0o700, dir_fd=own)
        inside = os.open(FOLDER, _OPEN_FOLDER, dir_fd=own)
    finally:
        os.close(own)
    try:
        name = _file_name(attachment)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
        with os.fdopen(descriptor, "wb") as file:
            file.write(attachment.data)
        _remove_oldest(inside)
    finally:
        os.close(inside)
    return str(folder / FOLDER / name)


def _file_name(attachment: Attachment) -> str:
    """Return a name that says what the file is: ``report-1f2e3d4c.pdf``, ``image-1f2e3d4c.png``."""
    last = attachment.name.rstrip("/").rpartition("/")[2].partition("?")[0]
    stem, dot, end = last.rpartition(".")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem if dot else last).strip("_")[:60]
    mime = attachment.mime.partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(mime) or mimetypes.guess_extension(mime) or (f".{end.lower()}" if dot else "")
    return f"{stem or attachment.kind}-{secrets.token_hex(4)}{suffix if _SUFFIX.fullmatch(suffix) else '.bin'}"


def _remove_oldest(folder: int) -> None:
    names = os.listdir(folder)
    if len(names) <= _MOST_FILES:
        return
    times = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns for name in names}
    for name in sorted(names, key=times.__getitem__)[: len(names) - _MOST_FILES]:
        with suppress(OSError):  # a folder of the plugin's
            os.unlink(name, dir_fd=folder)
