import os
import sys

from leaky_spellings import WAYS, written  # type: ignore[import-not-found]  # it lies beside this file

from dynamic_plugins.plugin import Plugin, Provider, action


@action
def tell(way: str) -> str:
    "Gives the token away."
    return str(written(way))


@action
def give(way: str) -> dict[str, object]:
    "Gives the token away in an object."
    return {"lines": [written(way)], "key": {"deep": written(way)}}


@action
def fail(way: str) -> None:
    "Gives the token away in an error."
    raise RuntimeError(written(way))


@action
def die() -> None:
    "Gives the token away with its last words."
    sys.stderr.write(" ".join(map(written, WAYS)) + "\n")
    sys.stderr.flush()
    os._exit(3)


if way := os.environ.get("LEAKY_START"):
    raise RuntimeError(written(way))

plugin = Plugin(
    "leaky",
    "Gives its token away",
    actions=[tell, give, fail, die],
    providers=[Provider("open", "Gives the token away", lambda: "\n".join(map(written, WAYS)))],
)
