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
# Unicode 16's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and what is drawn as nothing without being
# white space: the fillers of Hangul are in the former, the empty Braille cell and the note without a head are not.
_IGNORABLE = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_BLANK = r"\u2800\U0001d159"
INVISIBLE = re.compile(f"[{_IGNORABLE}{_BLANK}]")
"""A character that is drawn as nothing, so that two texts that look alike may differ by it."""
# Those that no script and no emoji needs; joiners and variation selectors are part of words and of pictures.
_NEEDLESS = re.compile(
    r"[\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_NOT_IN_JSON = re.compile(rf"{_CONTROL.pattern}|{_NEEDLESS.pattern}|[\u2028\u2029]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


def printable(text: str) -> str:
    """Return *text* without what controls a terminal; lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return _NEEDLESS.sub("", _CONTROL.sub("", _LINE_END.sub("\n", _SEQUENCE.sub("", text))))


def one_line(text: str) -> str:
    """Return *text* printable and on one line."""
    return " ".join(printable(text).split())


def visible(text: str) -> str:
    """Return *text* on one line with everything that cannot be seen written as an escape, ``\\x1b`` for instance."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(each) if _unseen(each) else each for each in text)


def odd_name(name: str) -> str | None:
    """Return what is to be told of a *name* that is not all ASCII: its letters may only look like those of another."""
    odd = [each for each in dict.fromkeys(name) if not each.isascii()]
    if not odd:
        return None
    told = ", ".join(f"{_seen(each)} (U+{ord(each):04X} {unicodedata.name(each, 'no name')})" for each in odd[:_TOLD])
    more = f" and {len(odd) - _TOLD} more" if len(odd) > _TOLD else ""
    return f"The name is NOT plain ASCII: {told}{more}. Such letters can look exactly like those of another name."


_TOLD = 8


def _seen(character: str) -> str:
    return _escaped(character) if _unseen(character) else character


def _unseen(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _UNSEEN or INVISIBLE.match(character) is not None


def json_text(value: Any, indent: int | None = None) -> str:
    """Return *value* as JSON that says the same and holds nothing that controls a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    # json has escaped what is below U+0020, but neither DEL nor the upper control characters and line ends.
    return _NOT_IN_JSON.sub(lambda found: _json_escape(found.group()), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _json_escape(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
