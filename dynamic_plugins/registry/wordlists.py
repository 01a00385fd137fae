"""Lists of English words that names and searches are read with, from ``words.txt`` beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

List = Literal["asking", "joining", "ordinary", "stop", "switching"]


@cache
def wordlist(name: List) -> frozenset[str]:
    """Return the words of one list, in lower case."""
    text = Path(__file__).with_name("words.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    start = lines.index(f"[{name}]") + 1
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("[")), len(lines))
    return frozenset(" ".join(lines[start:end]).split())
