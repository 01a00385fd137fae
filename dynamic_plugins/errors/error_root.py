"""The root of all errors, with what they tell a person, a model and a program; and the three groups under it."""

from __future__ import annotations

from typing import Any, ClassVar

_COMMAND = "dynamic-plugins "
_TYPED = "That command is the person's to type."


def to_a_model(text: str) -> str:
    """Return a person's *text* as a model may read it: of a command in it is said that the person types it."""
    return f"{text.rstrip().removesuffix('.')}. {_TYPED}" if _COMMAND in text else text


class PluginError(Exception):
    """Something went wrong; ``code`` says what kind of thing. The root itself stands for what nobody foresaw.

    Its text is for a person; *for_model* is the text for a model, where that is another one.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, text: str = "", *, for_model: str | None = None) -> None:
        self._for_model = for_model
        super().__init__(text)

    def facts(self) -> dict[str, Any]:
        """Return what else a caller can use: ``suggestions``, ``schema``, … (JSON-able, may be empty)."""
        return {}

    def for_person(self) -> str:
        """Return the text for a person at a terminal; the next step is a command that they can type."""
        return str(self)

    def for_model(self) -> str:
        """Return the text for a model; the next step is a tool to call, or something to ask the person."""
        return to_a_model(str(self)) if self._for_model is None else self._for_model

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"code", "message", …facts}``, the error object of every tool result; the message is the model's."""
        return {"code": self.code, "message": self.for_model(), **self.facts()}


class InputError(PluginError):
    """It cannot be done as it was asked for: another name, a value or a person's word is needed."""


class UnavailableError(PluginError):
    """Something that is needed is not to be had on this machine, or from it, now."""


class PluginFaultError(PluginError):
    """The plugin's packages, its process or its code failed; no other plugin is concerned."""


class StepError(PluginError):
    """A status cannot follow another (the table is in :mod:`dynamic_plugins.core.status`): a mistake of ours."""

    def __init__(self, name: str, current: str, wanted: str) -> None:
        self.name, self.current, self.wanted = name, current, wanted
        super().__init__(f"{name} is {current} and cannot become {wanted}.")
