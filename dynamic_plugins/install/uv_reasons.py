"""uv's own words on why it failed, turned into a reason that a person understands, with what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.install.command import short
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from dynamic_plugins.install.command import Finished

BY_ENTRY, BY_LOCK = "its registry entry describes", "was locked"
"""Who knows the digest of a file: what stands behind "is not the file that"."""
# What uv says, and what a person is told. ``name`` is the package that it is about; the first that fits counts.
_REASONS = (
    (
        "because the network was disabled",
        "uv is set to work offline, and not all that it needs has been downloaded before",
    ),
    (
        r"`(?P<name>[\w.-]+)` was filtered by `exclude-newer`",
        "{name} was published too recently: only what was published before {cutoff} is installed. Whoever trusts it "
        "installs it with --no-cooldown, or with another DYNAMIC_PLUGINS_EXCLUDE_NEWER",
    ),
    (r"(?P<name>[\w.-]+) was not found in the package registry", "the package index has no package {name}"),
    (r"there is no version of (?P<name>[\w.-]+)\S*?==(?P<version>[^\s,]+)", "there is no version {version} of {name}"),
    (
        r"Python version \((?P<ours>[\d.]+)\S*\) does not satisfy Python(?P<theirs>\S+)"
        r" and (?:all versions of )?(?P<name>[\w.-]+)",
        "{name} needs Python {theirs}, and plugins are installed with Python {ours}: no other that would do was found. "
        "To get one: uv python install '{theirs}'",
    ),
    (
        r"(?P<name>[\w.-]+?)(?:[<>=!]=\S+)? requires Python (?P<theirs>[<>=!~]\S+)",
        "{name} needs Python {theirs}: no Python that would do was found. To get one: uv python install '{theirs}'",
    ),
    (
        r"Hash mismatch for `(?P<name>[\w.-]+)",
        "{name} is not the file that {described} (SHA-256 differs)",
    ),
    (
        r"(?P<name>[\w.-]+?)(?:[<>=!]=\S+)? ha(?:s|ve) no wheels with a matching",
        "{name} is not published for this system and this version of Python",
    ),
    (
        r"(?P<name>[\w.-]+?)(?:[<>=!]=\S+)? ha(?:s|ve) no usable wheels",
        "{name} is only published as source. Building that runs its code at once; a person can allow it with "
        "DYNAMIC_PLUGINS_ALLOW_BUILDS=1",
    ),
    ("No space left", "the disk is full. Make room and try again"),
    (
        "(?i)dns error|tcp connect|connection|timed out|network|sending request|unable to access",
        "the package index cannot be reached{why}. Check the network and try again",
    ),
)


def explain(done: Finished, requirement: str, cutoff: str | None = None, described: str = BY_ENTRY) -> str:
    """Return uv's own reason in a sentence or two, with what to do. *requirement* is what was asked for, *described*
    says who knows the digest of a file.
    """
    text = " ".join(done.err.replace("├─▶", "cause:").replace("╰─▶", "cause:").split())
    wanted = re.split(r"[=<>@ ]", requirement)[0]
    for pattern, sentence in _REASONS:
        if found := re.search(pattern, text):
            facts = {"cutoff": cutoff or "", "described": described, "why": _deepest(text), **found.groupdict()}
            if wanted and canonical(facts.get("name", wanted)) != canonical(wanted):
                facts["name"] += f" (which {wanted} needs)"
            return sentence.format_map(facts)
    reason = text.partition("error: ")[2] or text or f"uv ended with exit code {done.code}"
    return short(reason.replace(" cause: ", ": "))


def _deepest(text: str) -> str:
    """Return the last of uv's causes as it stands in a sentence: a refused connection is mended elsewhere than a name
    that nobody knows.
    """
    cause = re.sub(r" \(os error \d+\)", "", text.rpartition("cause: ")[2]) if "cause: " in text else ""
    return f" ({short(cause)})" if cause else ""
