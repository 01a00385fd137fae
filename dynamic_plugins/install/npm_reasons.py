"""What npm says of an install that failed, and what a person is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dynamic_plugins.install.command import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.install.command import Finished

_REASONS = (  # the first that fits counts
    (
        "with a date before|ENOVERSIONS",
        "{package} was published too recently: only what was published before {cutoff} is installed. Whoever trusts it "
        "installs it with --no-cooldown, or with another DYNAMIC_PLUGINS_EXCLUDE_NEWER",
    ),
    (
        r"No matching version found for (?P<name>\S+)@(?P<version>[^\s@]+?)\.?(?:\s|$)",
        "there is no version {version} of {name}",
    ),
    (r"E404[\s\S]*'(?P<name>[^'\s]+)@[^'\s]*'", "npm has no package {name}"),
    ("E404", "npm has no package {package}"),
    (
        r'Refusing to fetch "[^"@]*@?(?P<wanted>[^"]+)"|EALLOW(?P<kind>[A-Z]+)|ls-remote (?P<git>\S+)',
        "{package}, or what it needs, is from {where} and not from npm's registry. Only what comes from there is "
        "installed",
    ),
    (
        "EINTEGRITY",
        "{package}, or what it needs, is not the file that was locked or published: its digest differs",
    ),
    (
        r"EUSAGE[\s\S]*Missing: (?P<name>\S+?)@",
        "what is locked of it is not whole: {name} is missing. Lock it again",
    ),
    ("ENOSPC", "the disk is full. Make room and try again"),
    ("EBADENGINE", "{package} needs another version of Node.js"),
    (
        "ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED",
        "npm's registry cannot be reached. Check the network and try again",
    ),
)


_KINDS = {"GIT": "git", "REMOTE": "another address", "DIRECTORY": "a folder", "FILE": "a file"}


def explain(
    done: Finished,
    package: str,
    cutoff: str | None = None,
    reasons: Sequence[tuple[str, str]] = _REASONS,
    program: str = "npm",
) -> str:
    """Return the *program*'s own reason in a sentence, with what to do."""
    for pattern, sentence in reasons:
        if found := re.search(pattern, done.err):
            facts: dict[str, Any] = {"package": package, "cutoff": cutoff, **found.groupdict()}
            facts["where"] = facts.get("wanted") or facts.get("git") or _KINDS.get(facts.get("kind", ""), "")
            if facts.get("name", package) != package:
                facts["name"] = unquote(facts["name"]) + f" (which {package} needs)"
            return sentence.format_map(facts)
    lines = [re.sub(r"^(npm )?(error:?|ERR!)\s*", "", line).strip() for line in done.err.splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "A complete log", "code ", "errno "))]
    return short(" ".join(told)) or f"{program} ended with exit code {done.code}"


def nearest(version: str, versions: Sequence[str]) -> list[str]:
    """Return the version before *version*, the one after it, and the newest; *versions* comes in order."""

    def key(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text.split("-")[0])]

    releases = [each for each in versions if "-" not in each] or list(versions)
    before = [each for each in releases if key(each) < key(version)]
    after = [each for each in releases if key(each) > key(version)]
    return [*before[-1:], *after[:1], *releases[-1:]]
