"""What strangers wrote, made fit for a terminal: it can neither move the cursor, nor colour, hide or reorder text.

Two ways: :func:`printable` takes the control characters out, for reading; :func:`visible` shows them as escapes, for
what a person is asked to agree to, where nothing may be missing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

# ECMA-48: control sequences (CSI), strings for the terminal (OSC, DCS, SOS, PM, APC) and the short escapes. A string
# that is never closed ends with its line, so that it cannot swallow what follows.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Control characters; marks that turn the direction of what follows, have no width or tag text; halves of surrogates.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_NOT_IN_JSON = re.compile(rf"{_CONTROL.pattern}|[\u2028\u2029]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """Return *text* without what controls a terminal; lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub("", _LINE_END.sub("\n", _SEQUENCE.sub("", text)))


def one_line(text: str) -> str:
    """Return *text* printable and on one line."""
    return " ".join(printable(text).split())


def visible(text: str) -> str:
    """Return *text* on one line with everything that cannot be seen written as an escape, ``\\x1b`` for instance."""
    return "".join(_escaped(each) if unicodedata.category(each) in _UNSEEN else each for each in text)


def json_text(value: Any, indent: int | None = None) -> str:
    """Return *value* as JSON that says the same and holds nothing that controls a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    # json has escaped what is below U+0020, but neither DEL nor the upper control characters and line ends.
    return _NOT_IN_JSON.sub(lambda found: _json_escape(found.group()), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _json_escape(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
