"""As elizaos-plugin-minecraft: a plugin object of its own class, whose components are functions by name."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class KeyedPlugin:
    name: str = "keyed"
    description: str = "Components by name"
    bridge: str | None = None
    actions: dict = field(default_factory=dict)
    providers: dict = field(default_factory=dict)

    def __post_init__(self):
        self.actions = {"KEYED_SAY": self._say, "KEYED_LEFT": self._left, "KEYED_SHOW": self._show}
        self.providers = {"KEYED_STATE": self._state}

    async def init(self):
        self.bridge = "open"

    def stop(self):
        Path(os.environ["LEFT_BEHIND"]).write_text("stopped")

    async def _say(self, message: str):
        """Says it."""
        return f"{self.bridge}: {message}"

    async def _left(self, x: int, y: int = 0):
        return {"x": x, "y": y}

    async def _show(self, kind: str, callback=None):
        await callback({"text": "Here", "attachments": [{"url": "https://keyed.example/map.png"}]})
        return {"listed": {"success": True, "data": ["map"]}, "silent": True}[kind]

    async def _state(self):
        return f"the bridge is {self.bridge}"


plugin = KeyedPlugin()


def create_keyed_plugin():
    return KeyedPlugin()
