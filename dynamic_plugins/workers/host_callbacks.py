"""What the host answers when a plugin asks something back, and what it hears."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

UseModel = Callable[[Sequence[dict[str, str]]], Awaitable[str | None]]
"""Called with messages (``{"role", "content"}``, oldest first); gives the model's text, or None where there is none."""


@dataclass(frozen=True)
class Host:
    """What one plugin gets from us besides its configuration: by default, nothing."""

    use_model: UseModel | None = None
    roots: tuple[str, ...] = ()
    """Absolute folders that an MCP server may work on."""
    log: Callable[[str, str], None] | None = None
    """Called with the plugin's name and one line that it logged; instead of the loader's own log."""
    progress: Callable[[float | None, str], None] | None = None
    """Told how far calls are that bring no listener of their own."""
