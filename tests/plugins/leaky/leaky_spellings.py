import base64
import html
import json
import os
import re
from collections.abc import Callable
from urllib.parse import quote


def lower(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), quoted)


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "in an address, slashes kept": quote,
    "in an address, lower case": lambda secret: lower(quote(secret, safe="")),
    "in an address, slashes kept, lower case": lambda secret: lower(quote(secret)),
    "in HTML": html.escape,
    "in JSON": json.dumps,
    "in JSON in JSON": lambda secret: json.dumps(json.dumps({"key": secret})),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in the base64 of more": lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
    "in url-safe base64": lambda secret: base64.urlsafe_b64encode(f"m:{secret}".encode()).decode(),
}


def written(way: str) -> str:
    return f"begin {WAYS[way](os.environ['LEAKY_TOKEN'])} end"
