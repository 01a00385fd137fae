"""An address of a client's file, with its headers, as the entry of a server that runs elsewhere.

Secrets become variables: a header's value, and what an address holds in its query.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from dynamic_plugins.clients.argument_fit import is_secret
from dynamic_plugins.clients.client import header_variable, variable_name
from dynamic_plugins.clients.launch_command import CannotImportError
from dynamic_plugins.clients.placeholders import Filled, Reference, plain
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.install.remote_address import RemoteAddressError, check
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.registry.entry import Header, Remote, Variable
from dynamic_plugins.registry.unlisted import parse_direct, unlisted_entry
from dynamic_plugins.text.secret_names import looks_credential

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.clients.candidate import FoundValues
    from dynamic_plugins.registry.entry import Entry, Transport

_SCHEME = re.compile(r"(?P<scheme>Bearer|Basic|Token|ApiKey)\s+(?P<rest>\S.*)", re.IGNORECASE | re.DOTALL)
_BRACED = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def remote_entry(
    server: str,
    url: Filled,
    transport: Transport,
    headers: Iterable[tuple[str, Filled]],
    told: FoundValues,
    client: str,
) -> Entry:
    """Return the entry of the *server* at *url*; what it must be told is noted in *told*. Raises CannotImportError."""
    address = _address(url, told, client)
    made = [header for name, value in headers if (header := _header(server, name, value, told, client)) is not None]
    try:
        direct = parse_direct(_BRACED.sub("x", address))
        if direct is None or direct.kind != "address":
            raise CannotImportError("that is not the address of a server")
        names = {header.variable for header in made if header.variable} | set(_names(address))
        known = {each.name: each for each in told.variables()}
        remote = Remote(
            address,
            transport,
            "headers" if any(header.variable for header in made) else "none",
            tuple(made),
            tuple(replace(known.get(name, Variable(name)), required=True) for name in sorted(names)),
        )
        check(remote)
    except (BadArgumentsError, RemoteAddressError) as error:
        raise CannotImportError(_reason(error)) from None
    return replace(unlisted_entry(direct), remote=remote)


def listed_header_values(
    remote: Remote, headers: Mapping[str, Filled]
) -> dict[str, tuple[Filled, tuple[str, str]]] | None:
    """Return the values of the variables that a listed *remote* has for *headers*; None where it has no such header."""
    declared = {header.name.lower(): header for header in remote.headers}
    values: dict[str, tuple[Filled, tuple[str, str]]] = {}
    for name, value in headers.items():
        header = declared.get(name.lower())
        if header is None or not header.variable:
            return None
        before, _, after = header.template.partition(f"{{{header.variable}}}")
        if not value.text.startswith(before) or not value.text.endswith(after):
            return None
        end = len(value.text) - len(after)
        values[header.variable] = (replace(value, text=value.text[len(before) : end]), ("headers", name))
    return values


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2] if isinstance(error, BadArgumentsError) else str(error)


def _names(address: str) -> list[str]:
    return [found[0][1:-1] for found in _BRACED.finditer(address)]


def _address(url: Filled, told: FoundValues, client: str) -> str:
    """Return the address with a variable in the place of each secret, and of what is not known here."""
    text = url.text
    for reference in url.missing:
        name = _variable_of(reference)
        told.take(name, replace(url, text="", missing=(reference,)), client, secret=reference.secret)
        text = text.replace(reference.spelling, f"{{{name}}}")
    try:
        query = parse_qsl(urlsplit(text).query)
    except ValueError:
        raise CannotImportError("that is not the address of a server") from None
    for parameter, value in query:
        if (looks_credential(parameter) or is_secret(variable_name(parameter), value)) and not _BRACED.search(value):
            name = variable_name(parameter)
            told.take(name, Filled(value, plain(value)), client, secret=True)
            text = re.sub(rf"([?&]{re.escape(parameter)}=)[^&]*", rf"\g<1>{{{name}}}", text)
            told.notes.append(f"{name} stands in its address")
    for finding in find_secrets(text):
        if not _BRACED.fullmatch(finding.value):
            told.take("ADDRESS_KEY", Filled(finding.value, plain(finding.value)), client, secret=True)
            text = text.replace(finding.value, "{ADDRESS_KEY}")
    return text


def _variable_of(reference: Reference) -> str:
    return variable_name(reference.name)


def _header(server: str, name: str, value: Filled, told: FoundValues, client: str) -> Header | None:
    """Return a header, with a variable for its value where that is a secret or not known here."""
    try:
        check(Remote("https://example.org/", headers=(Header(name, "", "x"),)))
    except RemoteAddressError:
        told.notes.append(f"the header {name} is not taken: the connection sets it")
        return None
    secret = value.secret or looks_credential(name) or is_secret(variable_name(name), value.text)
    if not (secret or value.missing or _BRACED.search(value.text)):
        return Header(name, "", value.text) if value.text else None
    scheme = _SCHEME.fullmatch(value.text)
    before = f"{scheme['scheme']} " if scheme else ""
    text = scheme["rest"] if scheme else value.text
    references = value.value.references
    literal = "".join(part for part in value.value.parts if isinstance(part, str)).strip()
    alone = len(references) == 1 and literal.lower() == before.strip().lower()
    variable = _variable_of(references[0]) if alone else header_variable(server, name)
    told.take(variable, replace(value, text=text), client, secret=True, place=("headers", name))
    return Header(name, variable, f"{before}{{{variable}}}")
