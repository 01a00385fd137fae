"""As elizaos-plugin-trust, -blooio, -pdf and -experience: what handlers ask for, they say by types."""

from .actions import CountAction, JudgeAction, PaintAction, RememberAction
from .context import Colour, Judged, JudgeServices

__all__ = ["Colour", "CountAction", "JudgeAction", "JudgeServices", "Judged", "PaintAction", "RememberAction"]
