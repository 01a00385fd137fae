"""Which models there are on this machine: what model servers on loopback say of themselves.

All of them speak ``GET /v1/models`` of the OpenAI API. Ollama's own ``GET /api/tags`` says more: sizes, and which of
its models run elsewhere (``remote_host``); its ``POST /api/show`` says what a model can do (``capabilities``).
https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.loopback_http import get_json
from dynamic_plugins.text.printable import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dynamic_plugins.settings import ModelServer

QUICK = 0.2
"""Seconds to look for, where somebody waits for a prompt."""
PATIENT = 2.0
"""Seconds to look for, where somebody asked for the list, or chose this very model."""
_RESERVE = 0.1
"""The part of the time that is kept for an answer to be put together."""
_MAX_MODELS = 200
_MAX_NAME = 200
_DESCRIBED = 12
"""How many models Ollama is asked about one by one."""


@dataclass(frozen=True)
class LocalModel:
    """A model that a server on this machine offers.

    *size_bytes* and *calls_tools* are None where the server does not say; *remote_host* is where the model really runs,
    and None where that is this machine.
    """

    name: str
    server: ModelServer
    size_bytes: int | None = None
    calls_tools: bool | None = None
    remote_host: str | None = None

    @property
    def usable(self) -> bool:
        """Whether it may be able to manage plugins and keeps what is said on this machine."""
        return self.calls_tools is not False and self.remote_host is None


@dataclass(frozen=True)
class FoundServer:
    """Something that listens where a model server would. *problem* says why it has no list of models."""

    server: ModelServer
    models: tuple[LocalModel, ...] = ()
    problem: str = ""


async def look(servers: Sequence[ModelServer], seconds: float = QUICK) -> list[FoundServer]:
    """Return what listens on the ports of *servers*, in their order; all are asked at once, for *seconds* in all.

    Only loopback is asked, and nothing is raised: one that hangs, or answers something else, has a ``problem``.
    """
    end = asyncio.get_running_loop().time() + seconds
    found = await asyncio.gather(*(_ask(server, end, seconds * _RESERVE) for server in servers))
    return [each for each in found if each is not None]


async def _ask(server: ModelServer, end: float, reserve: float) -> FoundServer | None:
    try:
        async with asyncio.timeout_at(end):
            if server.kind == "ollama":
                return FoundServer(server, await _of_ollama(server, end - reserve))
            return FoundServer(server, _of_openai(await get_json(server.port, "/v1/models"), server))
    except TimeoutError:
        return FoundServer(server, problem="does not answer in time")
    except OSError:
        return None  # nothing listens, which is how it is on most machines
    except ValueError:
        return FoundServer(server, problem="answers, but not as a model server does")


def _of_openai(answer: Any, server: ModelServer) -> tuple[LocalModel, ...]:
    models = (LocalModel(str(row["id"]), server) for row in _rows(answer, "data", "id"))
    return tuple(model for model in models if _converses(model.name))


async def _of_ollama(server: ModelServer, end: float) -> tuple[LocalModel, ...]:
    rows = _rows(await get_json(server.port, "/api/tags"), "models", "name")
    models = [_from_tag(row, server) for row in rows if _converses(row["name"])]
    described = await asyncio.gather(*(_described(model, end) for model in models[:_DESCRIBED]))
    return tuple(model for model in (*described, *models[_DESCRIBED:]) if model is not None)


def _from_tag(row: dict[str, Any], server: ModelServer) -> LocalModel:
    size, host = row.get("size"), row.get("remote_host")
    return LocalModel(
        row["name"],
        server,
        size_bytes=size if isinstance(size, int) and size > 0 else None,
        remote_host=one_line(host) if isinstance(host, str) and host else None,
    )


async def _described(model: LocalModel, end: float) -> LocalModel | None:
    """Return *model* with what it can do, where there is time to learn that; None for one that only embeds."""
    answer: Any = None
    with contextlib.suppress(OSError, ValueError):  # older ones do not say it
        async with asyncio.timeout_at(end):
            answer = await get_json(model.server.port, "/api/show", {"model": model.name})
    abilities = answer.get("capabilities") if isinstance(answer, dict) else None
    if not isinstance(abilities, list) or not abilities:
        return model
    return replace(model, calls_tools="tools" in abilities) if "completion" in abilities else None


def _rows(answer: Any, key: str, name: str) -> list[dict[str, Any]]:
    """Return the models in *answer* that have a name one can show and type. Raises ValueError where it has no list."""
    rows = answer.get(key) if isinstance(answer, dict) else None
    if rows is None and isinstance(answer, dict) and key in answer:
        return []  # a list of none, as Go writes it
    if not isinstance(rows, list):
        raise ValueError(f"no list {key!r}")  # noqa: TRY004 - a server's answer is wrong, not a caller's argument
    return [row for row in rows[:_MAX_MODELS] if isinstance(row, dict) and _is_name(row.get(name))]


def _is_name(name: object) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
        return False
    return name.split() == [name] and visible(name) == name


def _converses(name: str) -> bool:
    """Whether a name is not that of a model that only turns text into vectors; lists do not tell them apart."""
    return "embed" not in name.lower()


def all_models(found: Iterable[FoundServer]) -> list[LocalModel]:
    """Return the models of all servers, in order."""
    return [model for each in found for model in each.models]
