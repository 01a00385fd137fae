"""All about one plugin, in plain words: a sentence or two, then a line for each thing that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.permission_text import permission_lines
from dynamic_plugins.core.permissions import permissions_from_json
from dynamic_plugins.embedded.replies.result_text import listed
from dynamic_plugins.tools.plugin_details import size_in_words, use_in_words, verified_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 8
_PACKAGES = {"pypi": "PyPI package", "npm": "npm package", "git": "git repository", "path": "folder"}


def account(told: Mapping[str, Any]) -> str:
    """Return in plain words what :func:`~dynamic_plugins.tools.plugin_details.details` tells of a plugin."""
    name = str(told["name"])
    parts = [f"{name}: {str(told.get('description') or 'nobody says what it is for').rstrip('.')}.", _origin(told)]
    if told.get("problem"):
        parts.append(f"It is known not to work here: {str(told['problem']).rstrip('.')}.")
    return "\n".join(
        [" ".join(filter(None, parts)), *(f"- {line}" for line in _lines(told)), _next(name, told)]
    ).rstrip()


def _origin(told: Mapping[str, Any]) -> str:
    packages = [f"the {_PACKAGES[each['type']]} {each['name']}" for each in told.get("packages", ())]
    source = listed(packages, "or") if packages else str(told.get("address") or told.get("repository") or "")
    by = f", by {told['publisher']}" if told.get("publisher") else ""
    registry = f" (listed in {told['registry']})" if told.get("registry") else ""
    version = f", version {told['version']}" if told.get("version") else ""
    return f"It comes from {source}{by}{version}{registry}." if source else ""


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    if told.get("status"):
        size = f", {size_in_words(told['size_bytes'])} on this disk" if told.get("size_bytes") else ""
        yield f"Here: {_standing(told)}, version {told['installed_version']}{size}"
    for name, text in permission_lines(*permissions_from_json(told["permissions"])).items():
        yield f"{name.capitalize()}: {text}"
    if actions := told.get("actions"):
        yield f"It can: {_shortened([each['name'] for each in actions], told.get('more_actions', 0))}"
    if config := told.get("config"):
        yield f"It can be told: {_shortened([_setting(each) for each in config])}"
    if told.get("verified"):
        yield f"Seen working {verified_in_words(told['verified'])}"
    if used := use_in_words(told):
        yield f"Used: {used}"
    if told.get("tokens"):
        yield f"It costs a model about {told['tokens']:,} tokens in each request while it is on"
    for label, key in (("Also called", "aliases"), ("It is for", "categories")):
        if told.get(key):
            yield f"{label}: {_shortened(told[key])}"


def _setting(told: Mapping[str, Any]) -> str:
    facts = [word for word in ("required", "secret") if told.get(word)]
    if "set" in told:
        facts.append("set" if told["set"] else "not set")
    return f"{told['name']} ({', '.join(facts)})" if facts else str(told["name"])


def _shortened(names: Sequence[str], more: int = 0) -> str:
    left = len(names) - SHOWN + more
    return f"{', '.join(names[:SHOWN])} and {left} more" if left > 0 else listed(list(names))


def _standing(told: Mapping[str, Any]) -> str:
    return {"active": "installed and on", "error": "installed, but it failed"}.get(told["status"], "installed, and off")


def _next(name: str, told: Mapping[str, Any]) -> str:
    if not told.get("status"):
        return f'Say "install {name}" to have it.'
    return f'Say "switch {name} on" to use it.' if told["status"] in ("installed", "inactive", "loaded") else ""
