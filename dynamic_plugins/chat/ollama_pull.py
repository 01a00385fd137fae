"""Getting a model through Ollama: ``POST /api/pull``, whose answer is one JSON object a line.

``{"status", "digest", "total", "completed"}`` while layers come, ``{"status": "success"}`` at the end, ``{"error"}``
where it fails, after status 200 too. https://github.com/ollama/ollama/blob/main/docs/api.md#pull-a-model
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.loopback_http import exchange
from dynamic_plugins.errors import ModelError
from dynamic_plugins.text.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.chat.loopback_http import Answer
    from dynamic_plugins.settings import ModelServer

CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class PullProgress:
    """What Ollama is doing, and how many bytes of all that it has announced are there."""

    status: str
    completed_bytes: int = 0
    total_bytes: int = 0

    @property
    def fraction(self) -> float | None:
        """How much is there, 0 to 1; None where no size is known yet."""
        return min(1.0, self.completed_bytes / self.total_bytes) if self.total_bytes else None


async def pull(
    name: str, server: ModelServer, on_progress: Callable[[PullProgress], object], quiet_seconds: float
) -> None:
    """Have Ollama download the model *name*; done once it is there, whole and checked.

    To cancel it closes the connection, at which Ollama stops, keeps what has come, and goes on from there the next
    time. Raises ModelError where no Ollama runs, where it refuses or fails, and where it says nothing for
    *quiet_seconds*.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS) as limit:
            async with exchange(server.port, "/api/pull", {"model": name, "stream": True}) as answer:
                limit.reschedule(None)  # from here on each line has a limit of its own
                await _follow(name, answer, on_progress, quiet_seconds)
    except TimeoutError:
        raise ModelError(_AGAIN.format(f"Ollama at {server.address} says nothing more of {name}")) from None
    except ConnectionRefusedError as error:
        raise ModelError(no_ollama(server)) from error
    except OSError as error:
        raise ModelError(_AGAIN.format(f"The connection to Ollama broke off while {name} came")) from error
    except ValueError as error:
        raise ModelError(f"What listens on {server.address} does not answer as Ollama does.") from error


_AGAIN = "{}. Type the command again: it goes on from where it stopped."


def no_ollama(server: ModelServer) -> str:
    """Return what to do where no Ollama runs."""
    return (
        f"No Ollama runs at {server.address}, and it is what gets models. Start it with `ollama serve`, or install it "
        "from https://ollama.com/download. Another server's models are got with its own program."
    )


async def _follow(
    name: str, answer: Answer, on_progress: Callable[[PullProgress], object], quiet_seconds: float
) -> None:
    layers: dict[str, tuple[int, int]] = {}
    status = ""
    while status != "success":
        async with asyncio.timeout(quiet_seconds):
            line = await answer.reader.readline()
        if not line:
            raise ModelError(_AGAIN.format(f"Ollama ended without saying that {name} is there"))
        row = _row(line)
        if complaint := row.get("error"):
            raise ModelError(f"Ollama cannot get {name}: {one_line(str(complaint))}.")
        status = one_line(str(row.get("status", "")))
        _count(row, layers)
        completed, total = (sum(each[index] for each in layers.values()) for index in (0, 1))
        on_progress(PullProgress(status, completed, total))


def _row(line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("no object")  # noqa: TRY004 - a server's answer is wrong, not a caller's argument
    return row


def _count(row: dict[str, Any], layers: dict[str, tuple[int, int]]) -> None:
    digest, total, completed = row.get("digest"), row.get("total"), row.get("completed", 0)
    if isinstance(digest, str) and isinstance(total, int) and isinstance(completed, int):
        layers[digest] = (completed, total)
