"""What of a message the person says, and what is only quoted in it: mails, code, pages, text to translate.

Quoted text is data. It is blanked with spaces, so that places in the message stay the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dynamic_plugins.chat.embedded.phrases import cues, read

LONG_QUOTE_WORDS = 3

_BLOCKS = [
    re.compile(r"```.*?(?:```|\Z)", re.S),
    re.compile(r"~~~.*?(?:~~~|\Z)", re.S),
    re.compile(r"<!--.*?(?:-->|\Z)", re.S),
    re.compile(r"<(\w+)[^>]*>.*?</\1\s*>", re.S),
    re.compile(r"^[ \t]*>.*$", re.M),
    # A forwarded message: from its rule or its head to the closing rule or the end.
    re.compile(r"^[ \t]*([-_=*]{3,})[^\n]*\n.*?(?:^[ \t]*\1[^\n]*$|\Z)", re.S | re.M),
    re.compile(
        r"^[ \t]*(?:from|to|subject|date|von|an|betreff|de|à|objet|da|oggetto|asunto|от|тема)[ \t]*:[^\n]*\n"
        r"(?:[^\n]*\n)*?.*\Z",
        re.S | re.M | re.I,
    ),
    re.compile(r"^[ \t]*(?:begin forwarded message|forwarded message|on .{6,80} wrote)\b.*\Z", re.S | re.M | re.I),
]
_QUOTES = re.compile(r"\"([^\"\n]{2,})\"|“([^”]{2,})”|„([^“”]{2,})[“”]|«([^»]{2,})»|「([^」]{2,})」|『([^』]{2,})』")
_ADDRESS = re.compile(
    r"(?:git\+)?(?:https?|ftp|ssh|file)://\S+|\bgit@\S+|\S+\.(?:whl|zip|tgz|exe|sh|tar\.gz)\b|\bwww\.\S+", re.I
)
_TOOL_CALL = re.compile(r"\b[a-z]+(?:_[a-z]+)+\s*\(")
_SHELL_PIPE = re.compile(r"\bcurl\b.*\|\s*(?:ba)?sh\b|\bsudo\b|\brm -rf\b|\beval\(", re.I)


@dataclass(frozen=True)
class Message:
    """A message with what is quoted blanked out.

    *addresses* are the places it names (web pages, repositories, files), blanked too. *hostile* says that it talks
    like somebody who wants to trick an assistant; *about_text* that it asks something about a text.
    """

    said: str
    spoken: str
    addresses: tuple[str, ...] = ()
    hostile: bool = False
    about_text: bool = False
    quotes: bool = False


def listen(said: str) -> Message:
    """Return what the person says in *said* and what is only quoted."""
    spoken = said
    for block in _BLOCKS:
        spoken = block.sub(lambda found: _blank(found.group()), spoken)
    about_text = cues("cues", "about_text").match(read(_opening(spoken)))
    quotes = spoken != said
    spoken = _QUOTES.sub(lambda found: _quotation(found.group(), about_text), spoken)
    if about_text:
        spoken = _without_subject(spoken)
    quotes = quotes or spoken != said
    addresses = tuple(found.group().rstrip(".,;)") for found in _ADDRESS.finditer(spoken))
    spoken = _ADDRESS.sub(lambda found: _blank(found.group()), spoken.replace("`", " "))
    everything = read(said)
    hostile = bool(
        cues("cues", "suspicious").match(everything) or _TOOL_CALL.search(spoken) or _SHELL_PIPE.search(spoken)
    )
    return Message(said, spoken, addresses, hostile, about_text, quotes)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _opening(text: str) -> str:
    """Return the first sentences: what a text is asked about stands before it, or right after it."""
    return text[:400]


def _quotation(quote: str, about_text: bool) -> str:
    words = re.findall(r"\w+", quote)
    # A name in quotes is a name; a sentence in quotes is somebody's words.
    return _blank(quote) if about_text or len(words) > LONG_QUOTE_WORDS else f" {quote[1:-1]} "


def _without_subject(spoken: str) -> str:
    """Blank the text that is asked about: what follows the first colon or line break."""
    cut = re.search(r":\s|\n", spoken.strip() + "\n")
    if cut is None:
        return spoken
    begin = len(spoken) - len(spoken.lstrip()) + cut.start()
    return spoken[:begin] + _blank(spoken[begin:])
