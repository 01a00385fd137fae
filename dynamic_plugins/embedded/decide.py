"""From what was understood to what is done: at once when it is certain, after a question when it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.standing import Standing
    from dynamic_plugins.embedded.targets import Target


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


@dataclass(frozen=True)
class Step:
    """One thing to do to one plugin, and whether nothing speaks against doing it without asking."""

    intent: str
    target: Target
    certain: bool
    at: int = 0
    """Where it was said, in characters."""


TOOLS = {
    "install": "install_plugin",
    "activate": "activate_plugin",
    "deactivate": "deactivate_plugin",
    "unload": "unload_plugin",
    "configure": "configure_plugin",
}


def calls_for(step: Step, standing: Standing) -> tuple[tuple[Call, ...], str, bool]:
    """Return the calls that *step* takes as things stand, what there is to say, and whether it changed its meaning."""
    name = step.target.name or ""
    named = {"plugin_name": name}
    match step.intent:
        case "install" if name in standing:
            return _have(step, standing)
        case "install":
            version = {"version": step.target.version} if step.target.version else {}
            return (Call("install_plugin", named | version),), "", False
        case "activate" if standing.is_active(name):
            return (), f"{name} is active already.", False
        case "activate" if name not in standing:
            return (
                (Call("install_plugin", named), Call("activate_plugin", named)),
                f"{name} is not installed yet.",
                True,
            )
        case "deactivate" if name not in standing:
            return (), f"{name} is not installed, so there is nothing to switch off.", False
        case "deactivate" if not standing.is_active(name):
            return (), f"{name} is not active.", False
        case "unload" if name not in standing:
            return (), f"{name} is not installed, so nothing of it is loaded.", False
        case "restart" if name not in standing:
            return (), f"{name} is not installed.", False
        case "restart":
            off = (Call("deactivate_plugin", named),) if standing.is_active(name) else ()
            return (*off, Call("activate_plugin", named)), "", True
    return (Call(TOOLS[step.intent], named),), "", False


def _have(step: Step, standing: Standing) -> tuple[tuple[Call, ...], str, bool]:
    name, version = step.target.name or "", step.target.version
    mine = standing.plugins[name]
    if version and version != mine.version:
        return (
            (Call("install_plugin", {"plugin_name": name, "version": version}),),
            f"{name} {mine.version} is installed.",
            True,
        )
    if mine.active:
        return (), f"{name} is installed and active already.", False
    return (Call("activate_plugin", {"plugin_name": name}),), f"{name} is installed already, but not active.", True


def question(calls: Sequence[Call], said: Sequence[str]) -> str:
    """Return the question that names exactly what a yes would do."""
    parts = [describe(call) for call in calls]
    asked = f"{', then '.join(parts)}?"
    return " ".join([*said, asked[0].upper() + asked[1:]])


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
        case "unload_plugin":
            return f"unload {name} from memory"
        case "configure_plugin":
            values = call.arguments.get("configuration") or []
            told = ", ".join(_told(each["name"], each["value"]) for each in values)
            return f"set {told} for {name}" if told else f"configure {name}"
        case "list_available_plugins":
            query = call.arguments.get("query")
            return f'search the registry for "{query}"' if query else "list the available plugins"
    return f"call {call.tool}"


def _told(name: str, value: str) -> str:
    """Return a setting in words; a secret's value is never repeated."""
    from dynamic_plugins.redaction.detector import find_secrets
    from dynamic_plugins.text.secret_names import looks_secret

    return name if looks_secret(name) or value.startswith("[secret:") or find_secrets(value) else f"{name} to {value}"
