"""Which model answers: the endpoint that the settings name, or the built-in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamic_plugins.core.model_protocol import Model
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.settings import Settings

RETRIES = 2


def open_model(settings: Settings, catalogue: Catalogue) -> Model:
    """Return the model that answers; the built-in one needs nothing, and nothing of it is loaded yet."""
    if settings.model.embedded:
        from dynamic_plugins.embedded.model import EmbeddedModel

        return EmbeddedModel(catalogue, *filter(None, [settings.model.name]))
    import openai

    from dynamic_plugins.chat.model_client import EndpointModel

    client = openai.AsyncOpenAI(
        api_key=settings.model.api_key or "none",  # local endpoints want some key, and any will do
        base_url=settings.model.base_url,
        timeout=settings.timeouts.model,
        max_retries=RETRIES,
        # What is said to a model on this machine goes through no proxy.
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False) if settings.model.source == "saved" else None,
    )
    return EndpointModel(client, settings.model.name or "gpt-5-mini")
