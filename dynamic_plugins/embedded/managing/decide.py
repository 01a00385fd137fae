"""Calls, answers, and what a wish comes to as things stand: a plugin that is off is switched on, one that is on is not
switched on again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.managing.standing import Standing


@dataclass(frozen=True)
class Call:
    """A tool to be called."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def plugin(self) -> str | None:
        name = self.arguments.get("plugin_name")
        return name if isinstance(name, str) else None


@dataclass(frozen=True)
class Answer:
    """What is done about a message: *calls* now, or a *text*; *proposed* is what a yes to the text would do."""

    calls: tuple[Call, ...] = ()
    text: str = ""
    proposed: tuple[Call, ...] = ()
    choices: tuple[str, tuple[str, ...]] | None = None
    """What was asked about when one of several plugins is to be chosen: the intent and their names."""
    weak: bool = False
    """Whether an active plugin's own action, if one fits, is the better answer."""
    doubtful: bool = False
    """Whether what is proposed is never done without a question: the grammar of the message leaves a doubt."""
    probability: float = 0.0
    """How likely the least likely of its steps is wanted; 0 where that is not known."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """What speaks for it and against it, for the arbiter."""


@dataclass(frozen=True)
class Step:
    """One thing to do to the plugin *name*. *at* and *end* are where the plugin is called so in the message."""

    intent: str
    name: str
    version: str | None = None
    at: int = 0
    end: int = 0


TOOLS = {
    "install": "install_plugin",
    "activate": "activate_plugin",
    "deactivate": "deactivate_plugin",
    "unload": "unload_plugin",
    "uninstall": "unload_plugin",
    "configure": "configure_plugin",
}


def calls_for(step: Step, standing: Standing, before: Sequence[Call] = ()) -> tuple[tuple[Call, ...], str, bool]:
    """Return the calls that *step* takes as things stand after *before*, what there is to say, and whether that is
    another thing than was said.
    """
    name, here = step.name, step.name in standing or any(_installs(call, step.name) for call in before)
    named = {"plugin_name": name}
    match step.intent:
        case "install" if name in standing:
            return _have(step, standing)
        case "install":
            version = {"version": step.version} if step.version else {}
            return (Call("install_plugin", named | version),), "", False
        case "activate" if standing.is_active(name):
            return (), f"{name} is active already.", False
        case "activate" if not here:
            both = (Call("install_plugin", named), Call("activate_plugin", named))
            return both, f"{name} is not installed yet.", True
        case "deactivate" if not here:
            return (), f"{name} is not installed, so there is nothing to switch off.", False
        case "deactivate" if name in standing and not standing.is_active(name):
            return (), f"{name} is not active.", False
        case "unload" | "uninstall" if not here:
            return (), f"{name} is not installed, so nothing of it is loaded.", False
        case "uninstall":
            return (Call("unload_plugin", named | {"uninstall": True}),), "", False
    return (Call(TOOLS[step.intent], named),), "", False


def _installs(call: Call, name: str) -> bool:
    return call.tool == "install_plugin" and call.plugin == name


def _have(step: Step, standing: Standing) -> tuple[tuple[Call, ...], str, bool]:
    name, version = step.name, step.version
    mine = standing.plugins[name]
    if version and version != mine.version:
        call = Call("install_plugin", {"plugin_name": name, "version": version})
        return (call,), f"{name} {mine.version} is installed.", True
    if mine.active:
        return (), f"{name} is installed and active already.", False
    return (Call("activate_plugin", {"plugin_name": name}),), f"{name} is installed already, but not active.", True


def plain_name(plugin: str) -> str:
    """Return a plugin's name as the names of tools begin with it: without its publisher and signs."""
    return re.sub(r"[^a-z0-9]", "", plugin.rpartition("/")[2].lower())


ASKS_FOR = "What should"
"""So begins a question for a value that is missing. It is answered with the value, not with a yes."""


def question(calls: Sequence[Call], notes: Sequence[str] = ()) -> str:
    """Return the question that names exactly what a yes would do."""
    asked = f"{', then '.join(describe(call) for call in calls)}?"
    return " ".join([*notes, asked[0].upper() + asked[1:]])


def which(names: Sequence[str]) -> str:
    """Ask which of *names* is meant."""
    if len(names) == 1:
        return f"Do you mean {names[0]}?"
    return f"Which one do you mean: {', '.join(names[:-1])} or {names[-1]}?"


def describe(call: Call) -> str:
    """Return *call* in a person's words."""
    name = call.plugin or ""
    match call.tool:
        case "install_plugin":
            version = call.arguments.get("version")
            return f"install {name}{f' {version}' if version else ''}"
        case "activate_plugin":
            return f"activate {name}"
        case "deactivate_plugin":
            return f"deactivate {name}"
        case "unload_plugin" if call.arguments.get("uninstall"):
            return f"uninstall {name}"
        case "unload_plugin":
            return f"unload {name} from memory"
        case "configure_plugin":
            values = call.arguments.get("configuration") or []
            told = ", ".join(_setting(each["name"], each["value"]) for each in values)
            return f"set {told} for {name}" if told else f"configure {name}"
        case "list_available_plugins":
            query = call.arguments.get("query")
            return f'search the registry for "{query}"' if query else "list the available plugins"
    return f"call {_action(call)}"


def _action(call: Call) -> str:
    plugin, _, action = call.tool.rpartition("__")
    said = ", ".join(f"{name} {_short(value)}" for name, value in call.arguments.items())
    return f"{action} of {plugin}{f' with {said}' if said else ''}" if plugin else call.tool


def _short(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _setting(name: str, value: str) -> str:
    """Return a setting in words; a secret's value is never repeated."""
    from dynamic_plugins.redaction.detector import find_secrets
    from dynamic_plugins.text.secret_names import looks_secret

    return name if looks_secret(name) or value.startswith("[secret:") or find_secrets(value) else f"{name} to {value}"
