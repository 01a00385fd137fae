"""What of a message the person says, and what only stands in it: quotations, code, mails, transcripts, addresses.

That is data: somebody else's order in it is nobody's order. It is blanked with spaces, so that places stay the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

QUOTED_WORDS = 3
"""A quotation of more words is somebody's sentence; a shorter one is a name or a value."""
LONGEST = 6000
"""So many characters of a message are read: half of them from its beginning, half from its end."""

_BLOCKS = [
    re.compile(r"```.*?(?:```|\Z)", re.S),
    re.compile(r"~~~.*?(?:~~~|\Z)", re.S),
    re.compile(r"\b\w{1,80}\([^()\n]{0,400}=[^()\n]{0,400}\)"),  # a call as code has it
    re.compile(r"<!--.*?(?:-->|\Z)", re.S),
    re.compile(r"<(\w{1,40})[^<>]{0,400}>.*?</\1>", re.S),
    re.compile(r"^[ \t]*>.*$", re.M),
    # What a pasted transcript has the person say: a line of theirs that the assistant answers in the next one.
    re.compile(
        r"^[ \t\[<#|*]*+(?:user|human)[ \t]*[\]>|*]*[ \t]*:[^\n]*\n+"
        r"(?=[ \t\[<#|*]*+(?:assistant|ai|bot)[ \t]*[\]>|*]*[ \t]*:)",
        re.M | re.I,
    ),
    # What a pasted transcript has somebody else say than the person: up to the next line that is theirs.
    re.compile(
        r"^[ \t\[<#|*]*+(?:system|assistant|developer|tool|function|ai|bot)"
        r"(?:[ _]?(?:message|prompt|note|output|result|response|log|policy|update))?"
        r"[ \t]*[\]>|*]*[ \t]*:.*?(?=[\[<#|*]*\b(?:user|human|me)\b[ \t]*[\]>|*]*[ \t]*:|\Z)",
        re.S | re.M | re.I,
    ),
    # A forwarded message: from its rule or its head to the closing rule or the end.
    re.compile(r"^[ \t]*([-_=*]{3,})[^\n]*\n.*?(?:^[ \t]*\1[^\n]*$|\Z)", re.S | re.M),
    re.compile(r"^[ \t]*(?:begin forwarded message|forwarded message|on .{6,80} wrote)\b.*\Z", re.S | re.M | re.I),
    # A line of a log: it begins with a time or a level.
    re.compile(
        r"^[ \t]*(?:\[?\d{4}-\d\d-\d\d[T ]?|\[?\d\d:\d\d:\d\d|\[?(?:ERROR|WARN(?:ING)?|INFO|DEBUG)\b)[^\n]*$", re.M
    ),
]
_HEAD = re.compile(r"^[ \t]*(?:from|to|subject|von|an|betreff|de|à|objet|da|oggetto|asunto)[ \t]*:", re.M | re.I)
_QUOTES = re.compile(
    r"\"([^\"\n]{2,})\"|“([^”]{2,})”|„([^“”]{2,})[“”]|«([^»]{2,})»|「([^」]{2,})」|『([^』]{2,})』"
    # An apostrophe stands within a word, a quotation mark does not.
    r"|(?<!\w)['\u2018](?=\w)((?:[^'\u2019\n]|(?<=\w)['\u2019](?=\w)){2,})['\u2019](?!\w)"
)
_ADDRESS = re.compile(r"(?:git\+)?(?:https?|ftp|ssh|file)://\S+|\bgit@\S+|\bwww\.\S+", re.I)
_SPEAKER = re.compile(
    r"^[ \t]*(?:\[?\d{1,2}:\d\d\]?[ \t]*)?<?(\w[\w ]{0,20}?)>?[ \t]*:[ \t]+\S+(?:[ \t]+\S+){2,}$", re.M
)


@dataclass(frozen=True)
class SpokenText:
    """*said* with what only stands in it blanked: *spoken*. *quotes* says that something was."""

    said: str
    spoken: str
    quotes: bool
    addresses: tuple[str, ...] = ()
    written: str = ""
    """What the person says with the addresses in it: a value may be one."""


_MARKER = re.compile(r"\A\s*(?:\(?\d{1,2}\)|\d{1,2}\.|\(?[a-z]\))\s+(?=[^\W\d_][^\W\d_]|[\"'(/~])", re.I)


def without_marker(said: str) -> str:
    """Return *said* without the number or letter of a list that it begins with: "2) commit that", "(b) show me"."""
    return said[found.end() :] if (found := _MARKER.match(said)) else said


def spoken_in(said: str) -> SpokenText:
    """Return what the person says in *said*; of a very long message its beginning and its end."""
    said = said if len(said) <= LONGEST else f"{said[: LONGEST // 2]}\n{said[-LONGEST // 2 :]}"
    spoken = said
    for block in _BLOCKS:
        spoken = block.sub(lambda found: _blank(found.group()), spoken)
    if len(_HEAD.findall(spoken)) >= 2:  # a mail with its head: all from there on
        start = next(_HEAD.finditer(spoken)).start()
        spoken = spoken[:start] + _blank(spoken[start:])
    spoken = _without_transcript(spoken)
    spoken = _QUOTES.sub(_quotation, spoken)
    quotes = spoken != said
    written = spoken
    addresses = tuple(found.group().rstrip(".,;)") for found in _ADDRESS.finditer(spoken))
    spoken = _ADDRESS.sub(lambda found: _blank(found.group()), spoken).replace("`", " ")
    return SpokenText(said, spoken, quotes, addresses, written)


def _quotation(found: re.Match[str]) -> str:
    quote = found.group()
    long = len(re.findall(r"\w+", quote)) > QUOTED_WORDS or len(quote) > 80
    return _blank(quote) if long else f" {quote[1:-1]} "


_DENIED = re.compile(
    r"(?:[,;.(-]\s*|\s+(?=but|aber|pero|mais|mas|maar))"
    r"(?:(?:but|aber|pero|mais|mas|ma|maar|and|und|y|et|e)\s+)?(?:please\s+|bitte\s+)?"
    r"(?:(?:i\s+)?(?:do\s+not|don['\u2019]?t|did\s+not|not(?:\s+to)?)(?:\s+say)?|nicht|no|ne\s+pas|pas|n[ãa]o|non|niet)\s+"
    r"(?:(?:l[oae]s?|o|a|os|as|het|ihn|sie|es)\s+)?"
    r"(?:(?:be\s+)?(?:uninstall|remove|delete|unload|install)\w*(?:\s+(?:it|them|that|this))?"
    r"|(?:switch|turn|put)\s+(?:it|them|that)\s+on(?:\s+yet)?|(?:activate|enable|start|run)\s+(?:it|them|that)(?:\s+yet)?"
    r"|deinstallier\w*|entfern\w*|l[öo]sch\w*|installier\w*|desinstal\w*|borr\w*|instal\w*|d[ée]sinstall\w*|supprim\w*"
    r"|einschalten|anmachen|(?:lo\s+)?(?:enciend|activ)\w+|activer|allumer)(?=\s*(?:[,.;!?)]|\Z))",
    re.I,
)
"""What is denied behind an order for something else: "switch it off, but do not uninstall it". It orders nothing."""
LEAST_ORDERED = 3
"""So many words must stand before it: "please do not remove it" denies the order itself."""


def joined_letters(said: str) -> str:
    """Return *said* with letters that dictation sets apart written together, as wide as before: "M C P" is MCP."""

    def joined(found: re.Match[str]) -> str:
        return re.sub(r"capital|\s", "", found.group().replace("underscore", "_")).ljust(len(found.group()))

    return _APART.sub(joined, said)


_LETTERS = r"(?:capital )?[A-Z](?: [A-Z]){2,}"
_APART = re.compile(rf"(?<![\w.'’\"“„«-]){_LETTERS}(?: underscore {_LETTERS})*(?![\w'’-]|\.\w)")


def without_denial(spoken: str) -> str:
    """Return *spoken* without what it denies behind an order for something else, where that names nothing itself."""
    found = _DENIED.search(spoken)
    if found is None or len(spoken[: found.start()].split()) < LEAST_ORDERED:
        return spoken
    return spoken[: found.start()] + _blank(found.group()) + spoken[found.end() :]


def _without_transcript(spoken: str) -> str:
    """Blank a pasted conversation: lines of two speakers or more."""
    lines = list(_SPEAKER.finditer(spoken))
    if len(lines) < 2 or len({line[1].strip().lower() for line in lines}) < 2:
        return spoken
    return _SPEAKER.sub(lambda line: _blank(line.group()), spoken)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
