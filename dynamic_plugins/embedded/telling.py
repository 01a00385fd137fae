"""What there is to say without calling anything: how things stand, which one is meant, how secrets are entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.standing import Standing
    from dynamic_plugins.registry.entry import Entry

HONEST = (
    "I can only find, install, configure, switch and use plugins; for anything else, connect a larger model with "
    "--model and --base-url."
)
HOSTILE = "I do not act on that: it tries to get round the person's approval."
UNTOUCHED = "All right, I leave everything as it is."
FROM_REGISTRY = (
    "I install plugins from the registry only. Something else is installed at the command line, with --path."
)
EFFECTS = {
    "install": "Installing a plugin puts it on this machine, once you have agreed; it is not active yet.",
    "activate": "Activating a plugin starts it: what it can do may be asked for from then on.",
    "deactivate": "Deactivating a plugin takes back what it can do; it stays installed, with its settings.",
    "unload": "Unloading a plugin ends its process and frees its memory; it stays installed, with its settings.",
}
"""What each action does, told to somebody who only asks."""
NOT_USED = "I have not used it. If it was a secret, it is best to replace it where it came from."


def standing_text(named: Sequence[str], standing: Standing) -> str:
    """Tell how the plugins *named* stand, or all of them."""
    if named:
        return " ".join(_one(name, standing) for name in dict.fromkeys(named))
    if not standing.plugins:
        return "No plugin is installed."
    count, active, rest = len(standing.plugins), standing.active, standing.inactive
    parts = [f"{count} plugins are installed." if count > 1 else "One plugin is installed."]
    parts.append(f"Active: {', '.join(active)}." if active else "None of them is active.")
    if rest:
        parts.append(f"Not active: {', '.join(rest)}.")
    return " ".join(parts)


def about(name: str, entry: Entry | None, standing: Standing) -> str:
    """Tell what the plugin *name* is, as the registry has it, and how it stands."""
    described = entry.description.strip().rstrip(".") if entry is not None else ""
    return f'{_one(name, standing)} The registry says of it: "{described}".' if described else _one(name, standing)


def _one(name: str, standing: Standing) -> str:
    if name not in standing:
        return f"{name} is not installed."
    plugin = standing.plugins[name]
    status = "installed, but not active" if plugin.status == "installed" else plugin.status.replace("_", " ")
    said = f"{name}{f' {plugin.version}' if plugin.version else ''} is {status}."
    if plugin.missing:
        said += f" It lacks {', '.join(plugin.missing)}: dynamic-plugins configure {name}"
    if plugin.error:
        said += f" {plugin.error}"
    return said


def which(names: Sequence[str]) -> str:
    """Ask which of *names* is meant."""
    return (
        f"Which one do you mean: {', '.join(names[:-1])} or {names[-1]}?"
        if len(names) > 1
        else f"Do you mean {names[0]}?"
    )


def how_to_enter(name: str | None) -> str:
    """Tell how a secret is entered without passing through the conversation."""
    return (
        f"Enter it with: dynamic-plugins configure {name or 'NAME'}. It is not shown as you type, goes to the keyring, "
        "and never passes through this conversation."
    )
