"""Permissions as a person reads them: three lines (network, files, programs), each with whether it is enforced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.core.permissions import asks_more

if TYPE_CHECKING:
    from dynamic_plugins.core.permissions import Enforcement, FileAccess, Permissions

NAMES = ("network", "files", "programs")
NOBODY_DECLARED = "any host: nobody declared which ones it needs"
"""Said of a plugin that may reach every host because nobody said what it needs: a warning."""
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def permission_lines(
    permissions: Permissions, enforced: Enforcement, held: Permissions | None = None
) -> dict[str, str]:
    """Return the three lines by what they are about: ``network``, ``files``, ``programs``, in this order.

    With *held*, what the person agreed to before, only what is new is told.
    """
    shown = permissions if held is None else asks_more(held, permissions)
    texts = _texts(shown) if held is None else _new_texts(shown)
    marks = [
        "enforced" if holds else "not enforced here" for holds in (enforced.network, enforced.files, enforced.programs)
    ]
    if shown.network is None and enforced.network:
        marks[0] = "no limit"  # there is nothing to hold it to
    return {name: f"{text} ({mark})" for name, text, mark in zip(NAMES, texts, marks, strict=True)}


def in_a_sentence(permissions: Permissions) -> str:
    """Return *permissions* on one line, without whether they are enforced."""
    return "; ".join(f"{name}: {text}" for name, text in zip(NAMES, _texts(permissions), strict=True))


def as_verbs(permissions: Permissions) -> str:
    """Return *permissions* as what may be done: ``read /srv/data and reach api.example.org``."""
    verbs = {"read": "read", "write": "read and write"}
    files = [f"{verbs[file.access]} {file.path}" for file in permissions.files]
    hosts = [f"reach {host}" for host in _hosts(permissions)]
    return ", and ".join((*files, *hosts, *(f"start {program}" for program in permissions.programs)))


def granted_by_name(permissions: Permissions) -> str:
    """Return on one line what a person granted."""
    return ", ".join((*_hosts(permissions), *map(_file, permissions.files), *permissions.programs))


def taken_back(permissions: Permissions) -> str:
    """Return on one line what a person took back."""
    verbs = {"write": "writing", "read": "reading and writing"}
    files = (f"{verbs[each.access]} {each.path}" for each in permissions.files)
    return ", ".join((*_hosts(permissions), *files, *permissions.programs))


def _hosts(permissions: Permissions) -> tuple[str, ...]:
    return ("any host",) if permissions.network is None else permissions.network


def _texts(permissions: Permissions) -> tuple[str, str, str]:
    if permissions.elsewhere:
        return f"{_network(permissions)}, where it runs", "none of this machine", "none of this machine"
    files = (
        ", ".join(["its own folder", *map(_file, permissions.files)]) if permissions.files else "its own folder only"
    )
    return _network(permissions), files, ", ".join(permissions.programs) or "none"


def _new_texts(more: Permissions) -> tuple[str, str, str]:
    network = "nothing new" if more.network == () else f"also {_network(more)}"
    files = f"also {', '.join(map(_file, more.files))}" if more.files else "nothing new"
    return network, files, f"also {', '.join(more.programs)}" if more.programs else "nothing new"


def _network(permissions: Permissions) -> str:
    if permissions.network is None:
        return "any host" if permissions.declared else NOBODY_DECLARED
    return ", ".join(_set_by_you("the host", host) for host in permissions.network) or "none"


def _file(file: FileAccess) -> str:
    verb = "reads and writes" if file.access == "write" else "reads"
    if file.path.endswith("/.."):
        return f"{verb} the folder of {_set_by_you('what', file.path.removesuffix('/..'))}"
    return f"{verb} {_set_by_you('what', file.path)}"


def _set_by_you(what: str, word: str) -> str:
    """Return *word*, with a variable in it told as what it is: ``what you set as DIRECTORY``."""
    found = _VARIABLE.match(word)
    if found is None:
        return word
    rest = word[found.end() :]
    return f"{rest.lstrip('/')} in {what} you set as {found[1]}" if rest else f"{what} you set as {found[1]}"
