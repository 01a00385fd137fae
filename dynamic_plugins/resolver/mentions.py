"""The plugins that a sentence names, by the same rules as a name alone, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.text import normalize
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.resolver.resolver import Candidate, Resolution, Resolver

MentionKind = Literal["exact", "ambiguous", "similar"]

LONGEST = 12_000
"""So many characters of a text are looked through, half of them from its beginning, half from its end."""
MAX_SIMILAR = 30
"""So many places of a text are looked at for mistyped names; each takes milliseconds."""
MAX_WORDS = 6
"""A name is at most this many words."""
MAX_MISTYPED = 3
"""A mistyped name is looked for in at most this many words."""
NEAR = 0.75
"""From this score on words are taken for a mistyped name."""

# A word may hold what names hold; what is in another script than Latin is none.
_WORD = re.compile(r"@?[A-Za-z0-9_À-ɏ][\wÀ-ɏ./:@=+#-]*(?:['\u2019]s\b)?", re.ASCII)
_POSSESSIVE = re.compile(r"['\u2019]s$")
_NO_NAME = re.compile(r"[^\S ]|[,;!?(){}\"]|[.:]\s")
"""What stands in no name of several words."""
_PLUGIN = re.compile(
    r"(?:plug-?ins?|add-?ons?|extensions?|servers?|mcp|integrations?|connectors?|erweiterung|complemento|módulo)",
    re.IGNORECASE,
)
_PLUGIN_ELSEWHERE = r"(?:プラグイン|插件|外掛|플러그인|плаг[иі]н\w*|πρόσθετο|إضافة|תוסף)"
_BESIDE_ELSEWHERE = re.compile(rf"\s?{_PLUGIN_ELSEWHERE}", re.I), re.compile(rf"{_PLUGIN_ELSEWHERE}\s?\Z", re.I)
_ORDERED_ELSEWHERE = (
    re.compile(r"\s?を?\s?(?:インストール|有効|オン|起動)|\s?(?:을|를)?\s?(?:설치|켜|활성화)"),
    re.compile(r"(?:安装|安裝|启用|啟用|установи\w*|поставь\w*|включи\w*|встанови\w*|увімкни\w*)\s?\Z", re.I),
)
"""What orders a plugin in scripts that are no words here, behind its name and in front of it."""

MERELY_A_WORD = 0.5
"""Below this confidence a mention is an ordinary word sooner than a plugin."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A plugin, or one of several, that ``text[start:end]`` names.

    *kind* is ``exact`` or ``ambiguous`` where a rule decided, ``similar`` where the word is only near a name. *names*
    are best first. *confidence*, from 0 to 1, says how likely it is that a plugin is meant at all: low for ordinary
    words ("a line of text"), high for full names and beside words such as "plugin" or "install".
    """

    names: tuple[str, ...]
    start: int
    end: int
    kind: MentionKind
    confidence: float
    version: str | None = None

    @property
    def name(self) -> str | None:
        """The one name it means, or None."""
        return self.names[0] if self.kind == "exact" else None


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int

    plain: str
    """In lower case, without a possessive ending."""


class _Known:
    """What the resolver makes of a text's phrases: each is looked up once, mistyped ones so many times at most."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._decided: dict[str, Resolution | None] = {}
        self._near: dict[str, tuple[Candidate, ...]] = {}

    def decide(self, said: str) -> Resolution | None:
        if said not in self._decided:
            self._decided[said] = self._resolver.decide(said)
        return self._decided[said]

    def near(self, said: str) -> Sequence[Candidate]:
        if said not in self._near:
            if len(self._near) >= MAX_SIMILAR:
                return ()
            candidates = self._resolver.resolve(said).candidates
            self._near[said] = tuple(each for each in candidates if each.score >= NEAR)
        return self._near[said]


def mentions_in(text: str, resolver: Resolver) -> list[Mention]:
    """Return the plugins that *text* names, in order; at each place the longest name.

    Of a long text the middle is left out (:data:`LONGEST`).
    """
    known, words = _Known(resolver), _words(text)
    found, at = [], 0
    while at < len(words):
        mention, used = _mention_at(known, text, words, at)
        if mention is not None:
            found.append(mention)
        at += used
    return found


def _words(text: str) -> list[_Word]:
    half = LONGEST // 2
    spans = [(0, len(text))] if len(text) <= LONGEST else [(0, half), (len(text) - half, len(text))]
    words = []
    for begin, end in spans:
        for each in _WORD.finditer(text, begin, end):
            word = each[0].rstrip(".:/=@+-")
            words.append(_Word(word, each.start(), each.start() + len(word), _POSSESSIVE.sub("", word).lower()))
    return words


def _mention_at(known: _Known, text: str, words: Sequence[_Word], at: int) -> tuple[Mention | None, int]:
    for count, said in _phrases(text, words, at):
        resolution = known.decide(said)
        if resolution is not None:
            kind: MentionKind = "exact" if resolution.kind == "exact" else "ambiguous"
            names = tuple(each.name for each in resolution.candidates)
            confidence = _confidence(text, said, words, at, count)
            end = words[at].start + len(said)
            return Mention(names, words[at].start, end, kind, confidence, resolution.version), count
    return _similar_at(known, text, words, at)


def _phrases(text: str, words: Sequence[_Word], at: int) -> Iterator[tuple[int, str]]:
    """Give the phrases that begin at a word, the longest first, with how many words they have."""
    if words[at].plain in wordlist("joining"):
        return
    for count in range(min(MAX_WORDS, len(words) - at), 0, -1):
        last = words[at + count - 1]
        said = text[words[at].start : last.end]
        if count > 1 and (_NO_NAME.search(said) or last.plain in wordlist("joining")):
            continue
        if count == 1 and _PLUGIN.fullmatch(said):
            continue
        if last.plain.startswith(("plugin", "plug-in", "add-on", "addon")) and count > 1:
            continue  # the name ends before it; how near it stands tells how sure that is
        yield count, _POSSESSIVE.sub("", said)


def _confidence(text: str, said: str, words: Sequence[_Word], at: int, count: int) -> float:
    key = normalize.normal(said)
    if "/" in said or said.startswith("@") or normalize.core(key) != key:
        return 1.0
    begins, ends = words[at].start, words[at].start + len(said)
    if _beside_plugin(words, at, count) or _stands_beside(_BESIDE_ELSEWHERE, text, begins, ends):
        return 0.95
    is_ordinary = all(word.plain in wordlist("ordinary") for word in words[at : at + count])
    is_asked = _asked(words, at, count) or _stands_beside(_ORDERED_ELSEWHERE, text, begins, ends)
    if not is_ordinary:
        return 0.9 if is_asked or count > 1 else 0.8
    is_capital = said[:1].isupper() and not _begins_sentence(text, words[at].start)
    if is_asked:
        return 0.8
    return 0.6 if is_capital else 0.3


def _begins_sentence(text: str, start: int) -> bool:
    return not text[:start].strip() or text[:start].rstrip().endswith((".", "!", "?", ":", "\n"))


def _beside_plugin(words: Sequence[_Word], at: int, count: int) -> bool:
    after = [word.text for word in words[at + count : at + count + 1]]
    before = [word.text for word in words[max(0, at - 2) : at] if word.plain not in {"for", "called", "named", "de"}][
        -1:
    ]
    return any(_PLUGIN.fullmatch(word) for word in after + before)


def _stands_beside(forms: tuple[re.Pattern[str], re.Pattern[str]], text: str, begins: int, ends: int) -> bool:
    """Whether the first of *forms* stands right behind a place in *text*, or the second right in front of it."""
    behind, before = forms
    return bool(behind.match(text, ends) or before.search(text, max(0, begins - 24), begins))


def _asked(words: Sequence[_Word], at: int, count: int) -> bool:
    before = [word.plain for word in words[max(0, at - 3) : at] if word.plain not in wordlist("joining")]
    after = [word.plain for word in words[at + count : at + count + 1]]
    return bool(before and before[-1] in wordlist("asking")) or any(word in wordlist("switching") for word in after)


def _similar_at(known: _Known, text: str, words: Sequence[_Word], at: int) -> tuple[Mention | None, int]:
    """Return a name that the words resemble, where the words around them speak of a plugin, and how many they are."""
    word = words[at]
    if word.plain in wordlist("ordinary") | wordlist("joining") | wordlist("asking") or _PLUGIN.fullmatch(word.text):
        return None, 1
    best: tuple[Mention | None, int] = (None, 1)
    for count, said in _phrases(text, words, at):
        if count > MAX_MISTYPED or len(said) < 4:
            continue
        if not (_beside_plugin(words, at, count) or _asked(words, at, count) or (count == 1 and "-" in said)):
            continue
        near = known.near(said)
        if near and (best[0] is None or 0.9 * near[0].score > best[0].confidence):
            names = tuple(each.name for each in near)
            confidence = round(0.9 * near[0].score, 3)
            best = Mention(names, word.start, word.start + len(said), "similar", confidence), count
    return best
