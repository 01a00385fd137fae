"""A remote block of a stranger's entry: where a server is reached that runs elsewhere, and with which headers."""

from __future__ import annotations

import re
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from dynamic_plugins.registry.entry import Header, Remote, RemoteAuth, Transport
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.settings import is_forbidden

URL_LENGTH, HEADERS = 2000, 20

_FILLED_ADDRESS = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]{0,127}\}(?:[/?]\S*)?")
# RFC 9110, 5.1 and 5.5: a field's name is a token, and its value holds no control character.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def remote(value: Any) -> Remote | None:
    """Return where a remote server is reached, or None if it could not be, or only without a header it needs."""
    if not isinstance(value, dict):
        return None
    url = _web_address(value.get("url"))
    transport, auth = value.get("transport", "streamable-http"), value.get("auth", "none")
    if url is None or transport not in get_args(Transport) or auth not in get_args(RemoteAuth):
        return None
    given = value.get("headers") or []
    headers = fields.listed(given, header, HEADERS)
    if not isinstance(given, list) or len(headers) != len(given):
        return None
    config = fields.listed(value.get("config"), fields.variable, fields.VARIABLES)
    return Remote(url, cast("Transport", transport), cast("RemoteAuth", auth), headers, config)


def header(value: Any) -> Header | None:
    """Return a request header, or None if it is none or names a variable that no plugin may be told."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not _HEADER.fullmatch(value["name"]):
        return None
    filled, template = value.get("variable") or "", fields.scalar(value.get("template"))
    if filled and (not isinstance(filled, str) or not fields.VARIABLE_NAME.fullmatch(filled) or is_forbidden(filled)):
        return None
    if template is None:
        template = f"{{{filled}}}" if filled else ""
    return Header(value["name"], filled, template) if template else None


def _web_address(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > URL_LENGTH or not value.isprintable() or " " in value:
        return None
    if _FILLED_ADDRESS.fullmatch(value):
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.username is None
    except ValueError:
        return None
    return value if usable else None
