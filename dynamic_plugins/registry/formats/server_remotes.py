"""``remotes`` of a ``server.json``: an address, with ``{variables}`` in it, and the headers that go with it.

A header has a fixed ``value``, one with ``{variables}`` that are described beside it, or none: the person gives it.
The schema of 2025-12-11 has no word for how one signs in; a server that has no header for that asks when it is called.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.registry.entry import Header, Remote, Variable
from dynamic_plugins.registry.formats import fields, remote_fields
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from dynamic_plugins.registry.entry import Transport

_TRANSPORTS: dict[str, Transport] = {"streamable-http": "streamable-http", "sse": "sse"}
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")


def remote_of(value: Any) -> Remote | None:
    """Return one member of ``remotes``, with what the person has to tell it; None where it could not be reached."""
    if not isinstance(value, dict) or value.get("type") not in _TRANSPORTS or not isinstance(value.get("url"), str):
        return None
    url, variables = _with_variables(value["url"], value.get("variables"), required=True)
    given = value.get("headers") or []
    made = [_header(each) for each in given[: remote_fields.HEADERS]] if isinstance(given, list) else [None]
    headers: list[Header] = []
    for each, one in zip(given, made, strict=False):
        if one is not None:
            headers.append(one[0])
            variables += one[1]
        elif not isinstance(each, dict) or each.get("isRequired") is True:
            return None  # without a header that it needs it would only be refused
    auth = "headers" if any(header.variable for header in headers) else "none"
    listed = [{"name": each.name, "variable": each.variable, "template": each.template} for each in headers]
    remote = remote_fields.remote({"url": url, "transport": value["type"], "auth": auth, "headers": listed})
    return None if remote is None else replace(remote, config=tuple(variables))


def _header(value: Any) -> tuple[Header, list[Variable]] | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    fixed = value.get("value")
    if not isinstance(fixed, str) or not fixed:
        name = re.sub(r"[^A-Za-z0-9_]+", "_", value["name"]).upper()
        return _filled(value["name"], name, f"{{{name}}}", _variable(name, value, secret=True))
    template, variables = _with_variables(fixed, value.get("variables"), required=value.get("isRequired") is True)
    if not variables:
        return Header(value["name"], "", template), []
    if len(variables) > 1:
        return None
    described = variables[0]
    if value.get("isSecret") is True:
        described = replace(described, secret=True, secret_declared=True)
    return _filled(value["name"], described.name, template, described)


def _filled(
    name: str, variable: str, template: str, described: Variable | None
) -> tuple[Header, list[Variable]] | None:
    return None if described is None else (Header(name, variable, template), [described])


def _with_variables(text: str, described: Any, *, required: bool) -> tuple[str, list[Variable]]:
    """Return *text* with its variables as we name them, ``{github-token}`` as ``{GITHUB_TOKEN}``, and what they are."""
    known = described if isinstance(described, dict) else {}
    variables: dict[str, Variable] = {}

    def renamed(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_").upper()
        told = known.get(found[1])
        one = _variable(name, {"isRequired": required, **(told if isinstance(told, dict) else {})}, secret=False)
        if one is not None:
            variables[name] = one
        return f"{{{name}}}"

    return _PLACE.sub(renamed, text), list(variables.values())


def _variable(name: str, told: dict[str, Any], *, secret: bool) -> Variable | None:
    """Return a variable; one that nobody says is none is *secret*, or where its name tells."""
    said = told.get("isSecret")
    is_secret = said if isinstance(said, bool) else secret or looks_secret(name)
    return fields.variable({**told, "name": name, "value": None, "isSecret": is_secret})
