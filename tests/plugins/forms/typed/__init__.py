"""As elizaos-plugin-trust, -blooio, -pdf and -experience: what handlers ask for, they say by types."""

from .actions import CountAction, JudgeAction, PaintAction, ReadAction, RememberAction
from .context import Colour, Judged, JudgeServices, ReadService

__all__ = [
    "Colour",
    "CountAction",
    "JudgeAction",
    "JudgeServices",
    "Judged",
    "PaintAction",
    "ReadAction",
    "ReadService",
    "RememberAction",
]
