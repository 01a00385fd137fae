"""The version that somebody asks for, beside the name or anywhere in the message."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.chat.embedded.decide import Step
    from dynamic_plugins.chat.embedded.targets import Mention

VERSION = re.compile(
    r"(?<![\w./:-])v?(\d+(?:\.\d+)+(?:[-.]?(?:a|b|rc|alpha|beta|dev|post|pre)[-.]?\d*)*)(?![\w/]|\.\d|:\d)", re.I
)


def with_versions(steps: Sequence[Step], mentions: Sequence[Mention], spoken: str) -> list[Step]:
    """Return *steps* with the version that was asked for in each install.

    With one install it is the last version that was said: people correct themselves. With several it is the last one
    between the plugin's name and the next.
    """
    places = {mention.target.name: mention.end for mention in mentions}
    found = [(each.start(), each[1]) for each in VERSION.finditer(spoken)]
    several = sum(step.intent == "install" for step in steps) > 1
    told = []
    for step in steps:
        version = step.target.version
        if step.intent == "install" and version is None and found:
            begin = places.get(step.target.name, 0) if several else 0
            ends = sorted(end for end in places.values() if end > begin) if several else []
            mine = [number for at, number in found if begin <= at < (ends[0] if ends else len(spoken))]
            version = mine[-1] if mine else None
        told.append(replace(step, target=replace(step.target, version=version)))
    return told
