"""A tool's error in a conversation, for the person: the message of the error object is worded for the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Phrase = Callable[[str, Mapping[str, Any]], str]


def in_conversation(error: Mapping[str, Any], plugin: str) -> str:
    """Return what the error object of a call about *plugin* (as it was asked for) says, and what the person can do.

    That is the message itself where it reads alike for both, or where *plugin* is empty.
    """
    code = str(error.get("code"))
    if code == "declined":
        return "You declined, so nothing was changed."
    if plugin and (phrase := _PHRASES.get(code)) is not None:
        return phrase(plugin, error)
    return str(error.get("message") or "it gave no reason").rstrip()


def _unknown(plugin: str, error: Mapping[str, Any]) -> str:
    near = _listed(error, "suggestions")
    return f"I know no plugin called {plugin!r}. " + (
        f"Did you mean {' or '.join(near[:4])}?" if near else "Tell me what it should be able to do."
    )


def _ambiguous(plugin: str, error: Mapping[str, Any]) -> str:
    return f"{plugin!r} could be {', '.join(_listed(error, 'suggestions'))}. Which one do you mean?"


def _not_installed(plugin: str, _error: Mapping[str, Any]) -> str:
    return f"{plugin} is not installed. Tell me to install it first."


def _needs_configuration(plugin: str, error: Mapping[str, Any]) -> str:
    if command := error.get("sign_in"):
        return f"{plugin} needs you to sign in first: {command}"
    return f"{plugin} needs {', '.join(_listed(error, 'missing'))} first: dynamic-plugins configure {plugin}"


def _listed(error: Mapping[str, Any], key: str) -> list[str]:
    return [str(each) for each in error.get(key) or ()]


_PHRASES: dict[str, Phrase] = {
    "unknown_plugin": _unknown,
    "ambiguous_name": _ambiguous,
    "not_installed": _not_installed,
    "needs_configuration": _needs_configuration,
}
