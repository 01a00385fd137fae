"""Which model answers: the endpoint that the settings name, or the embedded model behind the same SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.chat.model_client import Model

if TYPE_CHECKING:
    from dynamic_plugins.resolver.catalog import Catalogue
    from dynamic_plugins.settings import Settings

RETRIES = 2


def open_model(settings: Settings, catalogue: Catalogue) -> Model:
    """Return the model. Raises ModelError when it is the embedded one and that is not installed."""
    import openai

    if settings.model.embedded:
        from dynamic_plugins.embedded.transport import embedded_client

        return Model(embedded_client(catalogue), settings.model.name or "needle-3")
    client = openai.AsyncOpenAI(
        api_key=settings.model.api_key or "none",  # local endpoints want some key, and any will do
        base_url=settings.model.base_url,
        timeout=settings.timeouts.model,
        max_retries=RETRIES,
    )
    return Model(client, settings.model.name or "gpt-5-mini")
