"""Our client for the conformance suite: an application with one remote plugin, the server that the suite has started.

usage: MCP_CONFORMANCE_SCENARIO=NAME python -m evals.conformance_client URL

The plugin is installed from a registry of this one entry, activated, signed in to by a person who clicks at nothing,
and called, all as with any other plugin. The suite sets the scenario, and ``MCP_CONFORMANCE_CONTEXT`` where it has
registered a client by hand. Exits with 1 where something raised.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import LoadError, PluginError
from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.approval import SignInRequest
    from dynamic_plugins.registry.entry import Variable

NAME = "conformance"
ARGUMENTS = {"add_numbers": {"a": 5, "b": 3}}
OUR_DOCUMENT = "https://conformance-test.local/client-metadata.json"
"""The suite's own address for a document that describes a client (SEP-991)."""


async def sign_in(request: SignInRequest) -> None:
    """Open the address as a browser would: the suite's server lets everybody in, and redirects at once."""
    async with httpx2.AsyncClient(timeout=30) as browser:
        answer = await browser.get(request.url)
        await browser.get(answer.headers["location"])


async def accept_defaults(_plugin: str, _variables: Sequence[Variable]) -> dict[str, str]:
    """Enter nothing into a form."""
    return {}


async def configuration(url: str, context: Mapping[str, Any]) -> dict[str, str]:
    """Return what the operator sets: where the server is, and what they registered at its authorization server."""
    values = {"SERVER_HOST": urlsplit(url).netloc, "OAUTH_CLIENT_METADATA_URL": OUR_DOCUMENT}
    for name in ("client_id", "client_secret"):
        if context.get(name):
            values[f"OAUTH_{name.upper()}"] = context[name]
    if context.get("private_key_pem"):
        values["OAUTH_PRIVATE_KEY"] = context["private_key_pem"]
        values["OAUTH_SIGNING_ALGORITHM"] = context.get("signing_algorithm", "ES256")
    if "client-credentials" in context["name"]:
        values |= {"OAUTH_GRANT": "client_credentials", "OAUTH_ISSUER": await _issuer(url)}
    return values


async def _issuer(url: str) -> str:
    """Look up, as an operator would, who the server's authorization server is."""
    parts = urlsplit(url)
    async with httpx2.AsyncClient(timeout=30) as client:
        found = await client.get(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}")
    return str(found.json()["authorization_servers"][0])


async def main(url: str, scenario: str, context: Mapping[str, Any]) -> None:
    entry = {
        "name": NAME,
        "remote": {"url": f"http://{{SERVER_HOST}}{urlsplit(url).path}"},
        "config": [{"name": "SERVER_HOST", "required": True}],
    }
    with tempfile.TemporaryDirectory() as folder:
        registry = Path(folder) / "registry.json"
        registry.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
        settings = Settings(home=Path(folder) / "home", registries=(str(registry),), passphrase="of this run")  # noqa: S106 # of nothing
        app = App(settings, approve=approve_everything, ask_values=accept_defaults, ask_sign_in=sign_in)
        async with app:
            await app.service.install(NAME)
            await app.service.configure(NAME, await configuration(url, {"name": scenario, **context}))
            await use(app, scenario)


async def use(app: App, scenario: str) -> None:
    """Activate the plugin and call each of its actions."""
    try:
        await app.service.activate(NAME)
    except LoadError as error:
        if scenario == "initialize" and "offers nothing" in error.reason:
            return  # that server has nothing to call, and is done with once it was spoken to
        raise
    for action in app.components.plugins[NAME].actions:
        print(action.name, await app.service.call(NAME, action.name, ARGUMENTS.get(action.name, {})))


if __name__ == "__main__":
    told = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    try:
        asyncio.run(main(sys.argv[-1], os.environ["MCP_CONFORMANCE_SCENARIO"], told))
    except PluginError as error:
        sys.exit(f"{error.code}: {error}")
