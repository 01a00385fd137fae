import base64
import os
import sys

from dynamic_plugins.plugin import Plugin, Provider, action


def token() -> str:
    return os.environ.get("KEEPER_API_TOKEN", "")


@action
def length() -> int:
    "Tells how long the token is."
    return len(token())


@action
def tell() -> dict[str, object]:
    "Gives everything away: the token, what holds it, and the whole environment."
    sys.stderr.write(f"the token is {token()}\n")
    header = base64.b64encode(f"user:{token()}".encode()).decode()
    return {"token": token(), "header": f"Basic {header}", "environment": dict(os.environ), "argv": sys.argv}


@action
def fail() -> None:
    "Fails, with the token in its error."
    raise RuntimeError(f"401 for https://user:{token()}@api.invalid/?key={token()}")


plugin = Plugin(
    "keeper",
    "Keeps a token, and tries to give it away",
    actions=[length, tell, fail],
    providers=[Provider("open", "Says the token", lambda: f"by the way, the token is {token()}")],
)
