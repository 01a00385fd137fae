"""The command ``model``: which models there are, which one answers, and getting one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dynamic_plugins.chat.local_models import PATIENT, all_models, look
from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.cli.model_at_start import GOOD_FOR, choice_of, why_gone
from dynamic_plugins.errors import ModelError
from dynamic_plugins.events import Event
from dynamic_plugins.settings import BUILT_IN, MODEL_SERVERS, MODEL_VARIABLES
from dynamic_plugins.storage.saved_model import Choice, SavedModel
from dynamic_plugins.text.printable import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Coroutine, Sequence

    from dynamic_plugins.chat.local_models import FoundServer, LocalModel
    from dynamic_plugins.chat.ollama_pull import PullProgress
    from dynamic_plugins.cli.output import Output
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.settings import ModelServer, Settings


async def model(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``model``: list, use or get."""
    if arguments.verb == "list":
        return out.wrong_usage("`model list` takes no name.") if arguments.name else await _list(settings, out)
    if not arguments.name:
        return out.wrong_usage(f"Give the NAME of a model: dynamic-plugins model {arguments.verb} NAME")
    if arguments.verb == "use":
        return await _use(arguments.name, arguments.server, settings, out)
    return await _get(arguments.name, settings, out)


# ---------------------------------------------------------------- list


async def _list(settings: Settings, out: Output) -> int:
    found = await look(settings.model_servers, PATIENT)
    gone = await why_gone(settings) if settings.model.source == "saved" else None
    if out.as_json:
        out.document({"ok": True, **_models_document(settings, found, gone)})
        return DONE
    rows = [("built-in", "in this process", "", "answers" if settings.model.embedded else "")]
    rows += [_row(each, settings) for each in all_models(found)]
    if not settings.model.embedded and not any(row[-1].startswith("answers") for row in rows):
        rows.append((settings.model.name or "(default)", settings.model.shown_address, "", gone or "answers"))
    render.table(out, ("model", "where", "size", ""), rows)
    for line in _remarks(settings, found):
        out.aside(line)
    return DONE


def _row(model: LocalModel, settings: Settings) -> tuple[str, str, str, str]:
    notes = ["answers"] if _answers(model, settings) else []
    if model.calls_tools is False:
        notes.append("calls no tools, so it cannot manage plugins")
    if model.remote_host:
        notes.append(f"runs at {model.remote_host}: what you say leaves this machine")
    return model.name, f"{model.server.title}, {model.server.address}", _size(model.size_bytes), "; ".join(notes)


def _remarks(settings: Settings, found: Sequence[FoundServer]) -> list[str]:
    """Return what is worth knowing besides the table."""
    lines = []
    for each in found:
        if each.problem:
            lines.append(f"What listens on {each.server.address}, as {each.server.title} would, {each.problem}.")
        elif not each.models:
            how = " Get one: dynamic-plugins model get NAME" if each.server.kind == "ollama" else ""
            lines.append(f"{each.server.title} at {each.server.address} has no model that chats.{how}")
    if variables := _variables(settings):
        lines.append(f"Set in the environment: {', '.join(variables)}. It goes before a saved choice.")
    return lines


def _models_document(settings: Settings, found: Sequence[FoundServer], gone: str | None) -> dict[str, Any]:
    chosen = settings.model
    return {
        "answers": {
            "name": BUILT_IN if chosen.embedded else chosen.name,
            "base_url": None if chosen.embedded else chosen.shown_address,
            "source": chosen.source,
            "problem": gone,
        },
        "models": [{"name": BUILT_IN, "server": None, "answers": chosen.embedded}]
        + [_as_dict(each, settings) for each in all_models(found)],
        "servers": [
            {"server": each.server.kind, "base_url": each.server.base_url, "problem": each.problem or None}
            for each in found
        ],
        "environment": _variables(settings),
    }


def _as_dict(model: LocalModel, settings: Settings) -> dict[str, Any]:
    return {
        "name": model.name,
        "server": model.server.kind,
        "base_url": model.server.base_url,
        "size_bytes": model.size_bytes,
        "calls_tools": model.calls_tools,
        "remote_host": model.remote_host,
        "answers": _answers(model, settings),
    }


def _answers(model: LocalModel, settings: Settings) -> bool:
    return (settings.model.name, settings.model.base_url) == (model.name, model.server.base_url)


def _variables(settings: Settings) -> list[str]:
    """Return the names, never the values, of the variables that choose a model."""
    return [name for name in MODEL_VARIABLES if settings.environment.get(name)]


def _size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"{size_bytes / 1e9:.1f} GB"


# ---------------------------------------------------------------- use


async def _use(name: str, kind: str | None, settings: Settings, out: Output) -> int:
    saved = SavedModel(settings.home)
    if name == BUILT_IN:
        saved.choose(BUILT_IN)
        return _chosen(saved, settings, out)
    found = await look(settings.model_servers, PATIENT)
    try:
        wanted = _pick(name, kind, found)
    except ModelError as error:
        return out.failure(error)
    saved.choose(choice_of(wanted))
    if wanted.remote_host:
        out.aside(f"It runs at {wanted.remote_host}: what you say to it leaves this machine.", "yellow")
    return _chosen(saved, settings, out)


def _pick(name: str, kind: str | None, found: Sequence[FoundServer]) -> LocalModel:
    """Return the one model that *name* means. Raises ModelError."""
    models = [each for each in all_models(found) if kind in {None, each.server.kind}]
    # Ollama means "latest" where no tag is given.
    matching = [each for each in models if each.name in {name, f"{name}:latest"}]
    if not matching:
        have = ", ".join(dict.fromkeys(each.name for each in models)) or "none"
        raise ModelError(
            f"No model {name} was found on this machine; there are: {have}. Get one with `dynamic-plugins model get "
            "NAME`, or name an endpoint elsewhere with OPENAI_BASE_URL."
        )
    if len({each.server for each in matching}) > 1:
        kinds = ", ".join(f"--server {each.server.kind}" for each in matching)
        raise ModelError(f"Several servers have {name}: say which, with {kinds}.")
    if matching[0].calls_tools is False:
        raise ModelError(f"{name} calls no tools, so it cannot manage plugins or use them. Choose another one.")
    return matching[0]


def _chosen(saved: SavedModel, settings: Settings, out: Output) -> int:
    chosen = saved.read().chosen
    if variables := _variables(settings):
        out.aside(f"{', '.join(variables)} in the environment goes before this choice.", "yellow")
    if out.as_json:
        told = chosen.to_dict() if isinstance(chosen, Choice) else {"name": chosen, "server": None, "port": None}
        out.document({"ok": True, "chosen": told})
    elif isinstance(chosen, Choice):
        out.say(f"{visible(chosen.name)} of {chosen.server.title} answers from now on.")
    else:
        out.say("The built-in model is chosen." if variables else GOOD_FOR)
    return DONE


# ---------------------------------------------------------------- get


async def _get(name: str, settings: Settings, out: Output) -> int:
    from dynamic_plugins.chat.ollama_pull import pull
    from dynamic_plugins.cli.screen import Screen

    with Screen(out) as screen:
        try:
            await pull(name, ollama_of(settings), _shown(name, screen), settings.timeouts.install)
        except ModelError as error:
            screen.settle()
            return out.failure(error)
        except asyncio.CancelledError:
            screen.settle()
            out.aside(f"Stopped. Ollama keeps what has come of {name}; the same command goes on from there.")
            raise
    if out.as_json:
        out.document({"ok": True, "name": name})
    else:
        out.say(f"{name} is there. To use it: dynamic-plugins model use {name}")
    return DONE


def ollama_of(settings: Settings) -> ModelServer:
    """Return where Ollama is looked for."""
    return next(each for each in (*settings.model_servers, *MODEL_SERVERS) if each.kind == "ollama")


def _shown(name: str, screen: Screen) -> Callable[[PullProgress], object]:
    """Return what shows progress: bytes where a bar can be drawn; elsewhere a line for each new step."""

    def show(progress: PullProgress) -> None:
        status = progress.status
        if progress.total_bytes and not screen.out.dumb:
            status += f", {_size(progress.completed_bytes)} of {_size(progress.total_bytes)}"
        # What is whole still has to be checked: only success takes the bar away.
        fraction = None if progress.fraction is None or progress.fraction >= 1.0 else progress.fraction
        stage = "installed" if progress.status == "success" else "progress"
        screen.listen(Event(name, stage, status, fraction))

    return show


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings, Output], Coroutine[Any, Any, int]]] = {"model": model}
