"""What of a message the person says, and what is only quoted in it: mails, code, pages, text to translate.

Quoted text is data. It is blanked with spaces, so that places in the message stay the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.phrases import cues, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.embedded.phrases import Text

LONG_QUOTE_WORDS = 3

LONGEST = 6000
"""So many characters of a message are read: half of them from its beginning, half from its end."""

_BLOCKS = [
    re.compile(r"```.*?(?:```|\Z)", re.S),
    re.compile(r"~~~.*?(?:~~~|\Z)", re.S),
    re.compile(r"<!--.*?(?:-->|\Z)", re.S),
    re.compile(r"^[ \t]*>.*$", re.M),
    # What a pasted transcript has somebody else say than the person: up to the next line that is theirs.
    re.compile(
        r"^[ \t\[<#|*]*+(?:system|assistant|developer|tool|function|ai|bot)"
        r"(?:[ _]?(?:message|prompt|note|output|result|response|log|policy|update))?"
        r"[ \t]*[\]>|*]*[ \t]*:.*?(?=[\[<#|*]*\b(?:user|human|me)\b[ \t]*[\]>|*]*[ \t]*:|\Z)",
        re.S | re.M | re.I,
    ),
    # A forwarded message: from its rule or its head to the closing rule or the end.
    re.compile(r"^[ \t]*([-_=*]{3,})[^\n]*\n.*?(?:^[ \t]*\1[^\n]*$|\Z)", re.S | re.M),
    re.compile(
        r"^[ \t]*(?:from|to|subject|date|von|an|betreff|de|à|objet|da|oggetto|asunto|от|тема)[ \t]*:[^\n]*\n"
        r"(?:[^\n]*\n)*?.*\Z",
        re.S | re.M | re.I,
    ),
    re.compile(r"^[ \t]*(?:begin forwarded message|forwarded message|on .{6,80} wrote)\b.*\Z", re.S | re.M | re.I),
]
_FENCES = 2
"""So many of them only set code off, which may well be the person's own."""
_QUOTES = re.compile(
    r"\"([^\"\n]{2,})\"|“([^”]{2,})”|„([^“”]{2,})[“”]|«([^»]{2,})»|「([^」]{2,})」|『([^』]{2,})』"
    # An apostrophe stands within a word, a quotation mark does not.
    r"|(?<!\w)['\u2018](?=\w)((?:[^'\u2019\n]|(?<=\w)['\u2019](?=\w)){2,})['\u2019](?!\w)"
)
_ADDRESS = re.compile(
    r"(?:git\+)?(?:https?|ftp|ssh|file)://\S+|\bgit@\S+|(?<!\S)\S{1,300}\.(?:whl|zip|tgz|exe|sh|tar\.gz)\b|\bwww\.\S+",
    re.I,
)
_SET_OFF = re.compile(r"(?<=\w)[^\S\n]*(?::\s|\n)|(?<=\w)[^\w\n]{0,3}[\"“„«「『]")
_TAG = re.compile(r"<(/?)(\w{1,40})[^<>]{0,400}>")
_ROLES = re.compile(r"^[ \t]*(user|human|me|you|assistant|bot|ai|agent|model|system)[ \t]*:[^\n]*$", re.M | re.I)
_SPEAKER = re.compile(
    r"^[ \t]*(?:\[?\d{1,2}:\d\d\]?[ \t]*)?<?(\w[\w ]{0,20}?)>?[ \t]*:[ \t]+\S+(?:[ \t]+\S+){2,}$", re.M
)
_TOOL_CALL = re.compile(r"\b[a-z]+(?:_[a-z]+)+\s*\(")
_SHELL_PIPE = re.compile(r"\bcurl\b.*\|\s*(?:ba)?sh\b|\bsudo\b|\brm -rf\b|\beval\(", re.I)


@dataclass(frozen=True)
class Message:
    """A message with what is quoted blanked out.

    *addresses* are the places it names (web pages, repositories, files), blanked too. *hostile* says that it talks
    like somebody who wants to trick an assistant, *lure* that only what is quoted does; *about_text* that it asks
    something about a text; *dubious* that it may: then nothing in it is certain.
    """

    said: str
    spoken: str
    addresses: tuple[str, ...] = ()
    hostile: bool = False
    about_text: bool = False
    quotes: bool = False
    lure: bool = False
    dubious: bool = False


def listen(said: str, is_name: Callable[[str], bool] = lambda _: False) -> Message:
    """Return what the person says in *said* and what is only quoted. *is_name* tells the names of plugins."""
    spoken = _without_turns(_without_markup(said))
    for block in _BLOCKS:
        spoken = block.sub(lambda found: _blank(found.group()), spoken)
    spoken = _without_talk(spoken, is_name)
    spoken = _without_what_is_passed_on(spoken)
    head = _head(spoken)
    works = head is not None and _works_on_text(read(head))
    about_text = works or cues("cues", "about_text").match(read(_opening(spoken)))
    quotes = spoken != said
    spoken = _QUOTES.sub(lambda found: _quotation(found.group(), about_text), spoken)
    if about_text:
        spoken = _without_subject(spoken)
    quotes = quotes or spoken != said
    first = re.split(r"(?<=[.!?])\s", spoken.strip(), maxsplit=1)[0]
    dubious = not about_text and (
        (head is not None and cues("cues", "this_text").match(read(head)))
        # "Turn the following into French. …": what comes after the task may be its text.
        or (cues("cues", "this_text").match(read(first)) and cues("cues", "text_work").match(read(first)))
    )
    addresses = tuple(found.group().rstrip(".,;)") for found in _ADDRESS.finditer(spoken))
    spoken = _ADDRESS.sub(lambda found: _blank(found.group()), spoken.replace("`", " "))
    suspicious = cues("cues", "suspicious")
    hostile = bool(suspicious.match(read(spoken)) or _TOOL_CALL.search(spoken) or _SHELL_PIPE.search(spoken))
    lure = not hostile and suspicious.match(read(said))
    return Message(said, spoken, addresses, hostile, about_text, quotes, lure, dubious)


def _works_on_text(head: Text) -> bool:
    """Whether *head* asks for work on the text after it, or has it sent to somebody ("post to Slack: …")."""
    return cues("cues", "text_work").match(head) or cues("cues", "sends_on").begins(head)


def passed_on(said: str, start: int, end: int) -> bool:
    """Return whether what stands at *start* to *end* is in markup, or a part of a pasted mail or talk."""
    spoken = _without_turns(_without_markup(said[:start] + "x" * (end - start) + said[end:]))
    for block in _BLOCKS[_FENCES:]:
        spoken = block.sub(lambda found: _blank(found.group()), spoken)
    return not spoken[start:end].strip()


def _head(spoken: str) -> str | None:
    """Return what stands before a text of some words that is set off by a colon, a line break or quotation marks."""
    for cut in _SET_OFF.finditer(spoken):
        rest = spoken[cut.end() :]
        closes = re.search(r"[\"”“»」』]", rest) if not cut.group().endswith((" ", "\n", ":")) else None
        if len(re.findall(r"\w+", rest[: closes.start()] if closes else rest)) >= LONG_QUOTE_WORDS:
            return spoken[: cut.start()]
    return None


def within(said: str) -> str:
    """Return what of *said* is read: all of it, or its beginning and its end."""
    return said if len(said) <= LONGEST else f"{said[: LONGEST // 2]}\n{said[-LONGEST // 2 :]}"


def is_cut(said: str) -> bool:
    """Return whether *said* is as long as only a cut message is: then nothing in it is certain."""
    return len(said) > LONGEST


def _without_markup(said: str) -> str:
    """Blank what stands between a tag and the next that closes it."""
    tags = list(_TAG.finditer(said))
    closing: dict[str, list[re.Match[str]]] = {}
    for tag in reversed(tags):
        if tag[1]:
            closing.setdefault(tag[2], []).append(tag)
    parts, done = [], 0
    for tag in tags:
        if tag[1] or tag.start() < done:
            continue
        ends = closing.get(tag[2], [])
        while ends and ends[-1].start() < tag.end():
            ends.pop()
        if ends:
            parts += [said[done : tag.start()], _blank(said[tag.start() : ends[-1].end()])]
            done = ends[-1].end()
    return "".join([*parts, said[done:]])


def _without_turns(said: str) -> str:
    """Blank the turns of a pasted talk with an assistant, however short they are."""
    roles = {line[1].lower() for line in _ROLES.finditer(said)}
    answered = roles & {"assistant", "bot", "ai", "agent", "model"}
    return _ROLES.sub(lambda line: _blank(line.group()), said) if answered and roles - answered - {"system"} else said


def _without_what_is_passed_on(spoken: str) -> str:
    """Blank the paragraph after "somebody sent me this:", up to the next empty line."""
    text = spoken.lstrip()
    begin = len(spoken) - len(text)
    cut = re.search(r":\s|\n", text)
    if cut is None or not cues("company", "passes_on").match(read(text[: cut.start()])):
        return spoken
    if re.match(r":[^\S\n]{4,}", text[cut.start() :]):
        return spoken  # A value that was given, and is blank by now: "he gave me this: TOKEN".
    begin += cut.start()
    rest = spoken[begin:]
    gap = re.search(r"\S[^\S\n]*\n[^\S\n]*\n", rest[1:])
    end = begin + (gap.end() + 1 if gap else len(rest))
    return spoken[:begin] + _blank(spoken[begin:end]) + spoken[end:]


def _without_talk(spoken: str, is_name: Callable[[str], bool]) -> str:
    """Blank a pasted conversation: lines of two speakers or more."""
    lines = list(_SPEAKER.finditer(spoken))
    speakers = {line[1].strip().lower() for line in lines}
    if len(lines) < 2 or len(speakers) < 2 or any(is_name(speaker) for speaker in speakers):
        return spoken
    return _SPEAKER.sub(lambda line: _blank(line.group()), spoken)


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
