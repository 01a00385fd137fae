"""Text from outside, between marks that tell the model: this is data."""

from __future__ import annotations

import json
import re
from typing import Any

RESULT_CHARACTERS = 8_000
"""What of one result the model is shown; the person's copy is whole."""


def fenced(value: Any, source: str = "", characters: int = RESULT_CHARACTERS) -> str:
    """Return *value* as JSON between marks that say: data from outside. What is inside cannot close the fence."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > characters:
        cut = len(text) - characters
        text = json.dumps({"cut": f"{cut} of {len(text)} characters left out", "beginning": text[:characters]})
    label = f' from="{re.sub(r"[^A-Za-z0-9@/._ -]", "_", source)}"' if source else ""
    return f"<data{label}>{text.replace('<', chr(92) + 'u003c')}</data>"


def shortened(text: str, characters: int) -> str:
    """Return fenced *text* cut to *characters* of what is inside, saying so; as it is where it is no longer."""
    if len(text) <= characters:
        return text
    told = f"an older result of {len(text)} characters; call the tool again to see it"
    return fenced({"cut": told, "beginning": text.partition(">")[2][:characters]})
