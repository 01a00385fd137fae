"""What a message asks about plugins or about the program itself, of which plugins, and the answer to it.

A small trained model tells the kind of a question (:mod:`dynamic_plugins.embedded.replies.question_kinds`); each kind
is answered (:mod:`dynamic_plugins.embedded.replies.question_answers`) from the status, the tools on offer, the
registry's entries and the calls of the conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dynamic_plugins.embedded.replies import courtesy
from dynamic_plugins.embedded.replies.plugin_facts import Facts
from dynamic_plugins.embedded.replies.question_answers import ANSWERS, Asked, able_here, missing_plugin
from dynamic_plugins.embedded.replies.question_kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Exchange
    from dynamic_plugins.embedded.replies.plugin_facts import Plugin, Tool
    from dynamic_plugins.embedded.replies.question_kinds import Kind
    from dynamic_plugins.registry.entry import Entry
    from dynamic_plugins.resolver.linker import Link

MOST_SUBJECTS = 4
_CALLED = frozenset({"exact", "whole", "part", "alias"})
"""A plugin that is called so is meant, whether it is installed or not."""
_NEARLY_CALLED = frozenset({"ambiguous", "similar", "slip", "beginning"})
_LEANING = re.compile(
    r"(?i)\b(it|its|it's|that|this|the one|that one|das|es|davon|eso|este|esto|ese|ça|lui|questo|isso|ele|bu)\b"
)


@dataclass(frozen=True)
class About:
    """An answer in words. *probability*, from 0 to 1, is that the message asks such a thing and orders nothing."""

    text: str
    probability: float
    kind: Kind
    elsewhere: bool = False
    """Whether it is asked who could do something, and nothing that is installed could."""
    of_none: bool = False
    """Whether it tells what is known of plugins in general, where none is spoken of."""
    evasive: bool = False
    """Whether it is said for want of an answer."""


def answer_about(
    said: str,
    plugins: Sequence[Plugin],
    tools: Sequence[Tool],
    exchanges: Sequence[Exchange],
    entries: Mapping[str, Entry],
    links: Sequence[Link],
    *,
    only_words: bool = False,
    find: Callable[[str], Sequence[Entry]] = lambda _: (),
) -> About | None:
    """Return the answer to *said*, or None where it asks nothing about plugins and is no small talk.

    *exchanges* are those before this message. With *only_words* there is always an answer: for a caller who found
    nothing to do. *find* finds plugins by the meaning of a message.
    """
    facts = Facts({plugin.name: plugin for plugin in plugins}, tools, entries, exchanges, find)
    guess = kind_of(said, links, {name: facts.is_on(name) for name in facts.plugins})
    ranked = sorted((kind for kind in guess.all if kind != "none"), key=lambda kind: -guess.all[kind])
    if guess.label == "none" and not only_words:
        return None
    kind = cast("Kind", ranked[0])
    asked = Asked(said, _subjects(said, links, facts, kind), facts, len(exchanges))
    missing = missing_plugin(asked) if guess.label == "none" else ""
    text = missing or ANSWERS[kind](asked)
    of_none = kind in _OF_A_PLUGIN and not asked.subjects
    evasive = not missing and (guess.label == "none" or courtesy.is_evasive(text))
    elsewhere = kind == "able" and not able_here(asked)
    return About(text, 1.0 - guess.all["none"], kind, elsewhere, of_none and not missing, evasive)


def _subjects(said: str, links: Sequence[Link], facts: Facts, kind: Kind) -> tuple[str, ...]:
    """Return the plugins that *said* speaks of, the surest first; the last one of the conversation for "it"."""
    called = [link for link in links if link.named and link.kind in _CALLED]
    called = called or [link for link in links if link.named and link.kind in _NEARLY_CALLED]
    if kind in _OF_INSTALLED:
        called = [_installed_instead(link, links, facts) for link in called]
    names: list[str] = []
    for link in called:
        mine = [name for name in link.names if name in facts.plugins]
        if mine or link.kind != "similar":
            names += mine or link.names[:2]
    if names:
        ordered = sorted(dict.fromkeys(names), key=lambda name: name not in facts.plugins)
        return tuple(ordered[:MOST_SUBJECTS])
    described = [link.names[0] for link in links if link.kind == "described"]
    if described and kind not in _OF_ALL:
        fitting = facts.fitting(said, described)
        return (fitting[0][1].plugin if fitting else described[0],)
    last = facts.last_plugin()
    leans = kind not in _OF_ALL or _LEANING.search(said)
    return (last,) if last and leans and kind not in _ALONE else ()


def _installed_instead(link: Link, links: Sequence[Link], facts: Facts) -> Link:
    """Return the installed plugin that is described by the words of *link*, where that is not installed itself."""
    if any(name in facts.plugins for name in link.names):
        return link
    others = (each for each in links if each.kind == "described" and link.start <= each.start < link.end)
    return next(others, link)


_OF_INSTALLED = frozenset({"effects", "feature", "history", "safety", "settings", "status", "trouble"})
"""These are asked of what is there: "the browser plugin" is the browser that is installed, whatever it is called."""
_OF_ALL = frozenset({"status", "abilities", "history", "how", "able", "leave", "effects"})
"""Without a plugin's name these ask about all of them, unless they lean on what came before."""
_OF_A_PLUGIN = frozenset({"about", "advice", "compare", "cost", "feature", "origin", "safety", "settings"})
"""These are asked of some plugin; where none is spoken of, it is something else that is asked for."""
_ALONE = frozenset({"able", "unknown", "remark", "greeting", "thanks", "bye", "self", "concept", "leave"})
