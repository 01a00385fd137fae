"""Seconds of processor time per 100 kB of adversarial text through names, redaction and descriptions.

Run with ``python -m benchmarks.outside_text``.

The shapes are those that each of the three found slowest; every figure is the median of several runs. ``others_wait``
is the longest that another thread got no turn meanwhile, in processor time as well: names and secrets are looked for
off the event loop, and a regular expression holds the interpreter until it ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import string
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.app import App
from dynamic_plugins.plugin import Action
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.detectors.token_formats import warm_up
from dynamic_plugins.redaction.scrubber import Scrubber
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.resolver.mentions import mentions_in
from dynamic_plugins.resolver.outside_names import names_plugin
from dynamic_plugins.settings import Settings
from dynamic_plugins.text.printable import printable, visible
from dynamic_plugins.tools.tool_formats import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.resolver.resolver import Resolver

CHARACTERS, RUNS, LIMIT = 100_000, 3, 1.0
SLIPPED = ("mcp-server-time", "mcp-server-fetch", "mcp-server-git", "@elizaos/plugin-discord", "sequential-thinking")


def shapes() -> dict[str, str]:
    """Return the texts by what they are made of, each of 100,000 characters; the same at every run."""
    rng = random.Random(1)  # noqa: S311 - nothing is kept secret by it

    def words(count: int, make: Callable[[], str]) -> str:
        return " ".join(make() for _ in range(count))

    letters, marks = string.ascii_lowercase, string.ascii_letters + string.digits
    parts = ["mcp", "server", "plugin", "time", "fetch", "git"]
    repeated = {
        "one letter": "a", "letters apart": "a ", "nested quotes": "\"'`([", "quoted": "\"a' `b\" ", "dots": "a.",
        "punctuation": ".:/=@+-", "versions": "a version 1 ", "mixed scripts": "日本語abc\u043f\u0440 ",
        "accents": "e\u0301",
        "assignments": "A_KEY=abc1 ", "announced": "key is ", "addresses": "https://a:b@c/ ", "broken lines": "a\n",
        "mistyped": "install mcp-servr-tme plugin ", "one name": "mcp-server-time ", "invisible": "a\u3164",
    }  # fmt: skip
    made = {name: text * (CHARACTERS // len(text) + 1) for name, text in repeated.items()}
    made["name-like words"] = words(9000, lambda: "-".join(rng.choices(parts, k=3)))
    made["slips"] = words(6000, lambda: f"install {_slip(rng, rng.choice(SLIPPED))} plugin")
    made["unknown names"] = words(7000, lambda: f"install {''.join(rng.choices(letters, k=8))} plugin")
    made["near-tokens"] = words(7000, lambda: "sk-" + "".join(rng.choices(letters, k=12)))
    made["random words"] = words(6000, lambda: "".join(rng.choices(marks, k=20)))
    return {name: text[:CHARACTERS] for name, text in made.items()}


def _slip(rng: random.Random, name: str) -> str:
    """Return *name* with a letter too many somewhere and another one missing."""
    out, at = rng.randrange(len(name)), rng.randrange(len(name))
    name = name[:out] + name[out + 1 :]
    return name[:at] + rng.choice(string.ascii_lowercase) + name[at:]


def parts_of(names: Resolver) -> dict[str, Callable[[str], object]]:
    """Return what is measured, by name."""
    scrubber = Scrubber({f"secret/{number} with 'quotes'": "***" for number in range(20)})
    return {
        "names": lambda text: mentions_in(text, names),
        "guard": lambda text: names_plugin(text, "mcp-server-time", names),
        "redaction": lambda text: find_secrets(text, {"A_KEY"}, {"A_KEY"}),
        "scrubbing": lambda text: scrubber.result({"text": text}),
        "descriptions": lambda text: (fields.text(text, 2000), described(Action("x", text, print)), visible(text)),
        "printing": printable,
    }


def median(measured: Callable[[str], object], text: str) -> float:
    """Return the median processor time of several runs, in seconds: what else the machine does is left out."""
    took = []
    for _ in range(RUNS):
        begun = time.process_time()
        measured(text)
        took.append(time.process_time() - begun)
    return statistics.median(took)


def others_wait(measured: Callable[[str], object], text: str) -> float:
    """Return how long another thread waited for its turn at most, in seconds of this process' processor time."""
    longest, last = 0.0, time.process_time()
    working = threading.Thread(target=measured, args=(text,))
    working.start()
    while working.is_alive():
        now = time.process_time()
        longest, last = max(longest, now - last), now
    return longest


async def known_names() -> Resolver:
    """Return the index of the bundled registry's names."""
    with tempfile.TemporaryDirectory() as home:
        async with App(Settings(home=Path(home))) as app:
            return await app.catalogue.names()


def main() -> None:
    """Print the slowest shape of each part and its seconds, as one JSON document."""
    warm_up()
    texts = shapes()
    told = {}
    for part, measured in parts_of(asyncio.run(known_names())).items():
        seconds = {shape: round(median(measured, text), 3) for shape, text in texts.items()}
        slowest = max(seconds, key=lambda shape: seconds[shape])
        waited = round(max(others_wait(measured, text) for text in texts.values()), 3)
        told[part] = {"slowest": slowest, "seconds": seconds[slowest], "within": seconds[slowest] < LIMIT}
        told[part]["others_wait"] = waited
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
