"""Which plugins a message speaks of: those of the registry by the resolver's rules, and each installed one by whatever
people call it: a part of its name, a word of its description, a slip, another script.

Nothing here decides that a plugin is meant: a :class:`Link` says how it is called, and whoever reads the message weighs
that. What is installed is looked for in every message, since somebody who has three plugins says "the notes thing".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.resolver.mentions import mentions_in
from dynamic_plugins.text.plain_english import MAX_CHARACTERS, in_plain_english
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.tokenizer import placed_tokens, plain, tokens
from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.mentions import Mention
    from dynamic_plugins.resolver.resolver import Resolver

LinkKind = Literal[
    "exact", "ambiguous", "similar", "whole", "part", "slip", "beginning", "alias", "described", "unnamed"
]
"""How a plugin is called. The first three are the resolver's word on a name of the registry; the others are for what is
installed: its whole name, a part of it, a slip of a part, a beginning, another name of the product, a word of its
description or its actions, or nothing at all."""

NEARLY = 0.74
"""So much alike are a word and the part of a name that it is a slip of."""
MISSPELLED, NEARLY_NAMED = 5, 0.78
"""A misspelled name of the registry has so many letters, and is so much alike."""
SHORTEST = 4
"""A slip or a beginning has at least so many letters."""
MOST_WORDS = 400
"""Words of a message that are looked at; what is longer was pasted."""
_COMMON_VERBS = "read write open show create make run find search send play draw delete convert speak get give put set"
_UNTELLING = frozenset(map(stem, (*_COMMON_VERBS.split(), "add", "day", "list", "turn", "down", "new")))
"""What many plugins do; a word for it in another language calls none of them."""

_SWITCHES = frozenset(map(stem, ("turn", "turns", "switch", "switches")))
"""With these words any plugin is switched: "turn it off" calls none that turns pages into text."""

_STRENGTH: dict[str, float] = {"alias": 5, "part": 4, "slip": 3, "beginning": 2.5, "described": 1}
_BY_NAME = frozenset({"whole", "part", "alias"})
_WEAK = frozenset({"slip", "beginning", "described", "unnamed"})
# Parts of names that tell no plugin from another.
_GENERIC = frozenset(
    {"a", "adapter", "agent", "ai", "and", "api", "app", "client", "com", "context", "dev", "eliza", "elizaos", "for"}
    | {"github", "integration", "io", "js", "mcp", "model", "modelcontextprotocol", "net", "node", "of", "official"}
    | {"org", "plugin", "plugins", "protocol", "py", "server", "servers", "the", "tool", "tools", "ts", "v1", "v2"}
)


@dataclass(frozen=True, slots=True)
class Link:
    """A plugin that a message may speak of.

    *names* are several where one rule leads to several. *start* and *end* are where it is called so, or -1. *cover* is
    the share of the name's own words that stand there, from 0 to 1; *confidence* is the resolver's, that a plugin is
    meant at all.
    """

    names: tuple[str, ...]
    kind: LinkKind
    start: int = -1
    end: int = -1
    cover: float = 0.0
    confidence: float = 0.0
    version: str | None = None
    context: str = ""
    """How the conversation just spoke of it (``embedded/managing/memory.py``); empty where it did not."""

    @property
    def pointed(self) -> bool:
        """Whether a word of the message is taken for it, or the turn before spoke of it."""
        return self.named or bool(self.context)

    @property
    def named(self) -> bool:
        """Whether some word of the message is taken for it."""
        return self.start >= 0


def links_in(
    text: str,
    resolver: Resolver,
    installed: Mapping[str, Entry],
    context: Mapping[str, str] | None = None,
    listed: Mapping[str, Entry] | None = None,
) -> list[Link]:
    """Return a link for every installed plugin, and one for each other plugin that *text* names, in order.

    *installed* has the entry of each installed plugin, or what is known of it; *context* those that the conversation
    just spoke of, with how it did; *listed* the entries of those of them that are not installed, which a part of their
    name is enough for: "the toolkit one".
    """
    resolver = resolver.spoken
    words = list(islice(placed_tokens(text), MOST_WORDS))
    mentions = [_settled(mention, resolver, installed) for mention in mentions_in(text, resolver)]
    english = _english_stems(text)
    mine = [_installed_link(name, entry, words, mentions, english) for name, entry in installed.items()]
    # Whoever has one Spotify server means that one by "Spotify", though the registry calls another so.
    called = {(link.start, link.end) for link in mine if link.kind in _BY_NAME and link.cover >= 1}
    others = (
        mention
        for mention in mentions
        if not any(name in installed for name in mention.names) and (mention.start, mention.end) not in called
    )
    named = [_by_its_maker(_registry_link(mention, mention.names), words, resolver) for mention in others]
    found = _outside_of_names(text, [*mine, *(link for link in named if not means_all(text, link))])
    spoken_of = {name for link in found if link.named for name in link.names}
    found += [
        link
        for name, entry in (listed or {}).items()
        if name not in spoken_of and (link := _installed_link(name, entry, words, (), {})).kind in _BY_NAME
    ]
    if not any(link.named for link in found):
        found += _misspelled(words, resolver)
    return _in_context(found, context) if context else found


def _outside_of_names(text: str, links: Sequence[Link]) -> list[Link]:
    """Return *links* without words that only stand in another plugin's full name.

    "git" in "mcp-server-git" is no GitLab, and "mcp-server" in "mcp-server-docker" no Redis.
    """
    written = [link for link in links if link.kind == "exact" and re.search(r"[-/]", text[link.start : link.end])]
    whole = [(link.start, link.end) for link in written if link.named]

    def inside(link: Link) -> bool:
        return link.kind != "exact" and any(
            start <= link.start and link.end <= end and link.end - link.start < end - start for start, end in whole
        )

    return [Link(link.names, "unnamed") if link.named and inside(link) else link for link in links]


def means_all(text: str, link: Link) -> bool:
    """Whether the word that is taken for a plugin may mean all there is: "switch everything off" need not name the
    plugin of that name, "the everything server" does.
    """
    if not link.named or text[link.start : link.end].lower() not in _QUANTIFIERS:
        return False
    return not (_NAMES_A_THING.search(text[: link.start]) or _CALLS_IT_ONE.match(text[link.end :]))


def _in_context(links: Sequence[Link], context: Mapping[str, str]) -> list[Link]:
    """Return *links* with what the conversation adds to them, and those that only it knows."""
    marked = [replace(link, context=context.get(link.names[0], "")) if len(link.names) == 1 else link for link in links]
    known = {name for link in links for name in link.names}
    return [*marked, *(Link((name,), "unnamed", context=how) for name, how in context.items() if name not in known)]


def _misspelled(words: Sequence[tuple[str, int, int]], resolver: Resolver) -> list[Link]:
    """Return the one name that a word is a slip of, where no name is spelled right."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    ordinary = wordlist("ordinary") | wordlist("stop") | wordlist("asking") | wordlist("joining")
    table = resolver.table.by_squash
    for word, start, end in words:
        if len(word) < MISSPELLED or word in ordinary:
            continue
        near = process.extractOne(word, table.keys(), scorer=OSA.normalized_similarity, score_cutoff=NEARLY_NAMED)
        if near is not None and near[0][:1] == word[:1]:
            names = tuple(resolver.table.names[index] for index in table[near[0]])
            return [Link(names[:1], "similar", start, end, 1.0, round(0.5 * near[1], 3))]
    return []


def _settled(mention: Mention, resolver: Resolver, installed: Mapping[str, Entry]) -> Mention:
    """Return *mention*; of several that its word may mean the one that it has always meant, unless only another of them
    is installed.
    """
    keeper = resolver.table.keeper(mention.names) if mention.kind == "ambiguous" else None
    if keeper is None or (keeper not in installed and any(name in installed for name in mention.names)):
        return mention
    return replace(mention, names=(keeper,), kind="exact")


def _by_its_maker(link: Link, words: Sequence[tuple[str, int, int]], resolver: Resolver) -> Link:
    """Return *link*, or the plugin of its name whose maker is named beside it: "the Excel server by Negokaz"."""
    beside = {word for word, start, _ in words if not link.start <= start < link.end} - _GENERIC
    for name in resolver.table.alike(link.names[0]):
        if name not in link.names[:1] and beside.intersection(tokens(name.rpartition("/")[0])):
            return replace(link, names=(name,), kind="exact")
    return link


def _registry_link(mention: Mention, names: tuple[str, ...]) -> Link:
    return Link(names, mention.kind, mention.start, mention.end, 1.0, mention.confidence, mention.version)


def _english_stems(text: str) -> Mapping[str, frozenset[str]]:
    """Return what the words of a text in another language are in English, as stems: "calculette" is a calculator."""
    told = in_plain_english(text[:MAX_CHARACTERS])
    if not told.foreign:
        return {}
    stems = {plain(said): frozenset(map(stem, tokens(words))) for said, words in told.told.items() if words != said}
    return {said: roots - _UNTELLING for said, roots in stems.items()}


def _installed_link(
    name: str,
    entry: Entry,
    words: Sequence[tuple[str, int, int]],
    mentions: Iterable[Mention],
    english: Mapping[str, frozenset[str]],
) -> Link:
    by_rule = next((mention for mention in mentions if name in mention.names), None)
    called = _called(_forms(entry), words, english)
    if by_rule is not None and (
        by_rule.kind != "similar" or called.kind in ("slip", "beginning", "described", "unnamed")
    ):
        return _registry_link(by_rule, (name,))
    if by_rule is not None:
        return Link((name,), called.kind, called.start, called.end, called.cover, by_rule.confidence, by_rule.version)
    return Link((name,), called.kind, called.start, called.end, called.cover)


# ---------------------------------------------------------------- how an installed plugin may be called


@dataclass(frozen=True, slots=True)
class _Forms:
    """The words by which one plugin is called, as stems."""

    parts: tuple[str, ...]
    """The words of its name that tell it from others, in order."""
    scope: frozenset[str]
    squashed: str
    aliases: frozenset[str]
    described: frozenset[str]
    keywords: frozenset[str]
    """Those of one word, words of everyday among them: "notes"."""


@lru_cache(maxsize=2048)
def _forms(entry: Entry) -> _Forms:
    own = tokens(entry.name.rpartition("/")[2] or entry.name)
    scope = frozenset(tokens(entry.name.rpartition("/")[0]))
    parts = [word for word in own if word not in _GENERIC and word not in scope]
    parts = parts or [word for word in [*own, *scope] if word not in _GENERIC] or own
    told = " ".join([entry.description, *(f"{a.name.replace('_', ' ')}" for a in entry.actions)])
    described = {stem(word) for word in tokens(told) if len(word) > 2 and word not in _GENERIC}
    keywords = {stem(word) for keyword in entry.keywords for word in tokens(keyword)}
    alone = {stem(word) for keyword in entry.keywords if len(found := tokens(keyword)) == 1 for word in found}
    return _Forms(
        tuple(parts),
        scope - _GENERIC - set(parts),
        "".join(parts),
        frozenset(stem(word) for alias in getattr(entry, "aliases", ()) for word in tokens(alias)),
        frozenset((described | keywords) - _SWITCHES - {stem(word) for word in wordlist("stop")}),
        frozenset(alone),
    )


def _called(forms: _Forms, words: Sequence[tuple[str, int, int]], english: Mapping[str, frozenset[str]]) -> Link:
    """Return the likeliest place at which *words* call the plugin, without its name."""
    hits = [hit for at in range(len(words)) if (hit := _hit(forms, words, at) or _told(forms, words[at], english))]
    if not hits:
        return Link((), "unnamed")
    return max(_joined(hits, forms), key=lambda link: (_worth(link), -link.start))


def _worth(link: Link) -> float:
    return _STRENGTH.get(link.kind, 6.0) + link.cover


_QUANTIFIERS = frozenset({"everything"})
_NAMES_A_THING = re.compile(r"\b(?:the|that|this|server|plugin|mcp|called|named)[ -]\Z", re.I)
_CALLS_IT_ONE = re.compile(r"[ -](?:server|plugin|mcp|one)\b", re.I)

_THING = frozenset({"one", "plugin", "thing", "app", "tool", "server"})
"""Before such a word "the notes" calls a plugin, and no notes."""

_Hit = tuple[str, str, int, int]
"""The kind, the stem of the name's part (or of the word), and the place."""


def _hit(forms: _Forms, words: Sequence[tuple[str, int, int]], at: int) -> _Hit | None:
    word, start, end = words[at]
    root = stem(word)
    for part in forms.parts:
        if word == part or root == stem(part):
            return "part", part, start, end
    if word in forms.scope:
        return "part", word, start, end
    if len(forms.squashed) >= SHORTEST:
        if word == forms.squashed:
            return "whole", word, start, end
        if at + 1 < len(words) and stem(word + words[at + 1][0]) in (forms.squashed, stem(forms.squashed)):
            return "whole", word, start, words[at + 1][2]
    if root in forms.aliases:
        return "alias", root, start, end
    plain = word if word.isascii() else _in_latin(word)
    if len(plain) >= SHORTEST:
        for part in forms.parts:
            if len(part) >= SHORTEST and (alike := _alike(plain, part)):
                return alike, part, start, end
    things = (
        forms.described | forms.keywords if words[at + 1 : at + 2] and words[at + 1][0] in _THING else forms.described
    )
    return ("described", root, start, end) if root in things else None


def _told(forms: _Forms, placed: tuple[str, int, int], english: Mapping[str, frozenset[str]]) -> _Hit | None:
    """Return the hit of a word of another language, where the plugin is called or described so in English."""
    word, start, end = placed
    roots = english.get(word, frozenset())
    for part in forms.parts:
        if stem(part) in roots:
            return "part", part, start, end
    root = next(iter(sorted(roots & (forms.aliases | forms.described | forms.keywords))), None)
    return ("described", root, start, end) if root is not None else None


def _alike(word: str, part: str) -> Literal["slip", "beginning"] | None:
    from rapidfuzz.distance import OSA

    if OSA.normalized_similarity(word, part) >= NEARLY:
        return "slip"
    return "beginning" if word.startswith(part) or part.startswith(word) else None


def _joined(hits: Sequence[_Hit], forms: _Forms) -> list[Link]:
    """Return the hits as links, neighbouring parts of the name as one."""
    links: list[Link] = []
    seen: set[str] = set()
    for kind, part, start, end in hits:
        of_name = kind in ("part", "slip", "beginning")
        last = links[-1] if links else None
        if of_name and last is not None and last.kind in ("part", "slip") and start - last.end <= 2:
            seen.add(part)
            links[-1] = Link((), last.kind, last.start, end, _cover(seen, forms))
        else:
            seen = {part}
            cover = _cover(seen, forms) if of_name else float(kind in ("whole", "alias"))
            links.append(Link((), kind, start, end, cover))  # type: ignore[arg-type] # the kinds of hits are kinds of links
    return [
        Link((), "whole", link.start, link.end, 1.0) if link.kind == "part" and link.cover >= 1 else link
        for link in links
    ]


def _cover(found: set[str], forms: _Forms) -> float:
    return len(found.intersection(forms.parts)) / len(forms.parts) if forms.parts else 0.0


@lru_cache(maxsize=4096)
def _in_latin(word: str) -> str:
    """Return how a word of another script is written in Latin letters: "дискорд" is "diskord"."""
    from anyascii import anyascii

    return re.sub(r"\W", "", anyascii(word)).lower()
