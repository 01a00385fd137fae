import os

from dynamic_plugins.plugin import Plugin, action


@action
def report() -> dict[str, object]:
    "Reports by an author, after a search."
    author, limit = os.environ.get("AUTHOR", ""), os.environ.get("MAX_TOKENS", "")
    return {
        "search": f"of {limit} rows by {author} 3 need a token; the search is done",
        "token": [os.environ.get("SERVICE_TOKEN", "")],
        "choices": {"enum": ["token", "search", os.environ.get("SHARED_KEY", "")]},
    }


@action
def search(token: str) -> str:
    "Looks for a token."
    return f"no {token} found"


@action
def fail() -> None:
    "Fails with everything in its error."
    raise RuntimeError(f"refused {os.environ.get('SERVICE_TOKEN')} and {os.environ.get('SHARED_KEY')}")


plugin = Plugin("outspoken", "Repeats what it was configured with", actions=[report, search, fail])
