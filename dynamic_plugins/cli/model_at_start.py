"""Which model a conversation starts with: the one that is configured or saved, or one found here and agreed to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.chat.local_models import PATIENT, all_models, look
from dynamic_plugins.cli import prompts
from dynamic_plugins.settings import ModelSettings
from dynamic_plugins.storage.saved_model import Choice, SavedModel
from dynamic_plugins.text.printable import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.chat.local_models import LocalModel
    from dynamic_plugins.cli.screen import Screen
    from dynamic_plugins.settings import Settings

GOOD_FOR = "The built-in model answers. It is for short, plain orders; it does not chat, write or reason."


def what_answers(model: ModelSettings) -> str:
    """Return, in a sentence, which model answers and what it is good for."""
    if model.embedded:
        return GOOD_FOR
    where = "on this machine" if model.source == "saved" else f"at {visible(model.shown_address)}"
    return f"{visible(model.name or 'The default model')} answers, {where}."


async def model_at_start(settings: Settings, screen: Screen, *, may_ask: bool) -> Settings:
    """Return *settings* with the model that answers from now on.

    A saved one that is gone is said to be, and the built-in one takes its place. With *may_ask*, and nothing
    configured or chosen, model servers are looked for on loopback, and the person is asked once about what is there.
    """
    if settings.model.source == "saved":
        return await _if_it_is_there(settings, screen)
    saved = SavedModel(settings.home)
    if not may_ask or settings.model.source != "default" or saved.read().chosen is not None:
        return settings
    declined = set(saved.read().declined)
    models = [model for model in all_models(await look(settings.model_servers)) if model.usable]
    fresh = [model for model in models if choice_of(model) not in declined]
    if not fresh:
        return settings
    return await _offer(settings, saved, fresh, screen)


async def _offer(settings: Settings, saved: SavedModel, models: Sequence[LocalModel], screen: Screen) -> Settings:
    model, others = models[0], len(models) - 1
    more = f" and {others} more (`dynamic-plugins model list`)" if others else ""
    screen.note(f"{model.server.title} runs on this machine and has {visible(model.name)}{more}.", "")
    screen.note("Such a model also chats, writes and reasons; the built-in one manages plugins and uses them.", "")
    if await prompts.agrees(f"Use {model.name} from now on?", screen):
        saved.choose(choice_of(model))
        return replace(settings, model=ModelSettings(model.name, model.server.base_url, None, "saved"))
    saved.decline([choice_of(each) for each in models])
    screen.note("You are not asked about that again; `dynamic-plugins model use NAME` changes it.", "")
    return settings


async def _if_it_is_there(settings: Settings, screen: Screen) -> Settings:
    if (gone := await why_gone(settings)) is None:
        return settings
    screen.note(f"{gone}, so the built-in model answers (`dynamic-plugins model list` shows what there is).", "yellow")
    return replace(settings, model=ModelSettings())


async def why_gone(settings: Settings) -> str | None:
    """Return why the saved model cannot answer now, as the beginning of a sentence; None where it can."""
    chosen = SavedModel(settings.home).read().chosen
    if not isinstance(chosen, Choice):
        return None
    name, server = settings.model.name or chosen.name, chosen.server
    shown = f"The saved model {visible(name)}"
    found = await look([server], PATIENT)
    if not found:
        return f"{shown} is gone: no {server.title} runs at {server.address}"
    if found[0].problem:
        return f"{shown} is gone: what listens on {server.address} {found[0].problem}"
    # Ollama means "latest" where no tag is given.
    if not {name, f"{name}:latest"} & {model.name for model in found[0].models}:
        return f"{shown} is gone: {server.title} at {server.address} does not have it any more"
    return None


def choice_of(model: LocalModel) -> Choice:
    """Return what is saved of a model that was found."""
    return Choice(model.name, model.server)
