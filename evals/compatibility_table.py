"""The tables of ``docs/elizaos-typescript.md``, from what :mod:`evals.compatibility` found.

usage: python -m evals.compatibility_table RESULTS.jsonl…

Of a plugin that was examined twice the last result counts. Nothing is judged here: who loads, what a plugin must be
told and why one does not load are as they were found.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

Result = dict[str, Any]

_NAME = r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b"
_LACKS = re.compile(
    rf"{_NAME}[^.;|]{{0,40}}?\b(?:is required|(?:is )?not set|not configured|must start)"
    rf"|(?:requires|set|provide) {_NAME}"
)
MAX_REASON = 240


def results_in(files: list[Path]) -> list[Result]:
    """Return the last result of each plugin, by name."""
    found: dict[str, Result] = {}
    for file in files:
        for line in file.read_text().splitlines():
            result = json.loads(line)
            found[plain_name(result)] = result
    return [found[name] for name in sorted(found)]


def plain_name(result: Result) -> str:
    """Return the name of the npm package, with a version where one was asked for."""
    return str(result["name"]).removeprefix("npm:")


def package(result: Result) -> str:
    """Return the name of the npm package."""
    name = plain_name(result)
    return name if name.rfind("@") < 1 else name[: name.rfind("@")]


def settings(result: Result) -> list[str]:
    """Return what the plugin must be told: what it declares, then what its errors name."""
    said = [found[1] or found[2] for text in result["failed"].values() for found in _LACKS.finditer(text)]
    return [name for name in dict.fromkeys([*result["needs"], *said]) if name not in result["actions"]]


def loads(result: Result) -> bool:
    return bool(result["verdict"] == "offered")


def loaded_table(results: list[Result]) -> str:
    """Return the plugins that load: version, core, what they offer, and what they must be told."""
    rows = ["| plugin | core | actions | providers | services | must be told |", "|---|---|---|---|---|---|"]
    for each in filter(loads, results):
        told = ", ".join(f"`{name}`" for name in settings(each)[:4])
        counts = (len(each["actions"]), each["providers"], each["services"])
        numbers = " | ".join(str(count) if count else "" for count in counts)
        rows.append(f"| `{package(each)}` {each['version']} | {each['core']} | {numbers} | {told} |")
    return "\n".join(rows)


def failed_table(results: list[Result]) -> str:
    """Return the plugins that do not, each with the error that a person gets."""
    rows = ["| plugin | error |", "|---|---|"]
    for each in results:
        if not loads(each):
            reason = re.sub(r"^(\w+): \S+ \S+ failed: ", r"`\1`: ", each["detail"]).replace("|", "\\|")
            reason = re.sub(r"/\S*/runtime_plugins/\S*", "…", " ".join(reason.split()))
            shown = reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} …"
            rows.append(f"| `{plain_name(each)}` | {shown} |")
    return "\n".join(rows)


def counts(results: list[Result]) -> str:
    """Return how many packages there are of which kind; one loads that does so in any version which was tried."""
    loaded = {package(each): each for each in results if loads(each)}
    newest = {package(each) for each in results if loads(each) and package(each) == plain_name(each)}
    keys = sum(bool(settings(each)) for each in loaded.values())
    tried = {package(each) for each in results}
    honest = {package(each) for each in results if each["verdict"] == "honest error"} - loaded.keys()
    ours = {package(each) for each in results if each["verdict"] == "our fault"}
    return (
        f"{len(tried)} plugins: {len(loaded)} load ({100 * len(loaded) / len(tried):.0f} %), "
        f"{len(loaded) - len(newest)} of them only in a version before the newest; {keys} must be told something; "
        f"{len(honest)} do not load and say why; {len(ours)} fail by our fault"
    )


def main() -> int:
    results = results_in([Path(name) for name in sys.argv[1:]])
    print(counts(results), loaded_table(results), failed_table(results), sep="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
