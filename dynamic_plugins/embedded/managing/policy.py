"""From what was read to what is done: at once when it is certain, after a question when it is likely, else nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.hedges import hedged, sentences
from dynamic_plugins.embedded.managing.decide import Answer, Call, Step, calls_for, question, which
from dynamic_plugins.embedded.managing.installed_names import called_alike, of_the_installed
from dynamic_plugins.embedded.managing.meant_plugins import ALL, Wanted, corrected, kept, meant_plugins, says_another
from dynamic_plugins.embedded.managing.not_now import orders_nothing_now
from dynamic_plugins.embedded.managing.order_doubts import ASKED_BACK, DOUBT, GUESSED, TAKES_BACK, doubts
from dynamic_plugins.embedded.managing.plain_order import plain_order
from dynamic_plugins.embedded.managing.removal import as_removed, orders_removal
from dynamic_plugins.embedded.managing.settings_text import given_settings
from dynamic_plugins.embedded.managing.versions import with_versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.embedded.managing.memory import Memory
    from dynamic_plugins.embedded.managing.reading import Reading
    from dynamic_plugins.embedded.managing.settings_text import Settings
    from dynamic_plugins.embedded.managing.standing import Standing
    from dynamic_plugins.registry.entry import Entry

ACTS = 0.93
"""From this probability on of every step, and of nothing besides, it is done without a question."""
SHORT, ACTS_SHORT = 8, 0.7
"""In a message of at most so many words that calls the plugin by its name, less is enough."""
ASKS = 0.28
"""From this probability on that something is wanted of a plugin, the likeliest is asked about."""
ORDERED = 0.8
"""What changes something is done at once only when the message orders it at least so likely."""
MAY_ORDER = 0.2
"""A message that orders something less likely than that is a question or a tale: nothing is proposed for it."""
MANAGES, MANAGES_PLAIN = 0.6, 0.3
"""So likely must it be that the whole message is about managing plugins; the second holds for a short one that surely
orders something of a plugin that it calls by its name."""
LISTS = 0.42
"""From this probability on of a search being wanted, it is made: it changes nothing."""

CONTRARY = -2.5
"""From here down the contrary is meant, where it is likely by itself: only the way the plugin stands spoke against
it."""

NOTHING_STANDS_SO = "There is nothing to switch: no installed plugin stands otherwise."
"""The answer to an order for everything where all is so already."""

MAY_MANAGE, MEANT_ANYHOW = 0.05, 0.3
"""A message that is less likely to manage plugins than the first wants something only of what it means so likely."""
MOST_MEANT, MOST_WANTS, THINKABLE = 4, 4, 0.02
"""Of so many plugins what may be wanted is weighed, in so many ways together, each at least so likely."""

_VERBS = {"I": "install", "A": "activate", "D": "deactivate", "U": "unload", "X": "uninstall", "C": "configure"}


def decide(
    reading: Reading, standing: Standing, entries: Mapping[str, Entry], memory: Memory | None = None, acts: float = ACTS
) -> Answer | None:
    """Return what to do about the plugins that a message speaks of; None when it wants nothing of any."""
    ordered = plain_order(reading)
    if ordered == []:
        return Answer(text=NOTHING_STANDS_SO)
    wanted = [Wanted(plugin, what, 1.0) for plugin, what in ordered or ()]
    sure = bool(wanted)
    if ordered is None:
        wanted, sure = _read_wants(reading, standing, entries)
    focus = memory.focus if memory else ()
    settings = given_settings(reading, standing, entries, focus, [each.plugin for each in wanted if sure])
    if settings is not None and settings.alone:
        wanted = []
    elif settings is not None and not any(each.plugin.link.names[0] == settings.plugin for each in wanted):
        wanted = [each for each in wanted if sure]
    if not wanted and settings is None:
        return None
    if (asked := _which_is_meant(reading, wanted)) is not None:
        return asked
    calls, notes, changed = _carried_out(wanted, settings, reading, standing)
    if not calls:
        return _only_noted(notes, wanted, standing)
    against = doubts(reading, wanted)
    plain = ordered is not None and not orders_nothing_now(reading.text.spoken)
    certain = plain or (sure and not against and _certain(reading, wanted, acts))
    certain = certain or _only_told(settings, reading, wanted)
    likely = min((each.probability for each in wanted), default=float(settings is not None and settings.certain))
    if certain and not changed and (settings is None or settings.certain):
        return Answer(tuple(calls), " ".join(notes), probability=likely, evidence=evidence(reading, wanted))
    guessed = reading.act.label != "manage" and all(each.plugin.link.kind in GUESSED for each in wanted)
    unsure = changed or not sure or (settings is not None and not settings.certain)
    return Answer(
        text=question(calls, notes),
        proposed=tuple(calls),
        weak=not sure or guessed,
        probability=likely,
        doubtful=unsure or ordered is not None or bool(against),
        evidence=evidence(reading, wanted)
        | _against(reading, wanted, against)
        | {
            "changed": float(changed),
            "sure": float(sure),
            "settings": float(settings is not None),
            "settings_sure": float(settings is not None and settings.certain),
            "plain": float(ordered is not None),
        },
    )


def _which_is_meant(reading: Reading, wanted: Sequence[Wanted]) -> Answer | None:
    """Return the question which plugin is meant, where one of *wanted* may be several."""
    for each in wanted:
        names = each.plugin.link.names
        if len(names) == 1 and not ALL.search(reading.text.spoken):
            names = (*names, *called_alike(each, reading))
        if len(names) > 1:
            verb = _VERBS[each.letters[0]]
            return Answer(text=which(names), choices=(verb, names), evidence=evidence(reading, wanted))
    return None


def _only_noted(notes: Sequence[str], wanted: Sequence[Wanted], standing: Standing) -> Answer | None:
    """Return what is said where nothing is left to do.

    How a plugin stands that nobody spoke of answers nothing: "turn the wether off" is not about the clock.
    """
    spoken_of = len(standing.plugins) == 1 or any(each.plugin.link.pointed for each in wanted)
    return Answer(text=" ".join(notes), weak=True) if notes and spoken_of else None


def _read_wants(reading: Reading, standing: Standing, entries: Mapping[str, Entry]) -> tuple[list[Wanted], bool]:
    """Return what the models read to be wanted, and whether that is more than the likeliest."""
    if reading.ordered < MAY_ORDER or forbids(reading.text.spoken):
        return [], False
    meant = meant_plugins(reading)
    said = [_as_said(each, reading) for each in meant or _likeliest(reading)]
    if orders_removal(reading.text.spoken):  # of what it names, and of nothing that was spoken of before
        said = [each for each in said if each.plugin.link.named] or said
    wanted = [of_the_installed(each, reading, standing, entries) for each in said]
    return wanted, bool(meant)


def evidence(reading: Reading, wanted: Sequence[Wanted]) -> dict[str, float]:
    """Return what speaks for and against wanting *wanted*, and nothing else, of the plugins of a message."""
    spoken, links = reading.text.spoken, [each.plugin.link for each in wanted]
    meant = {link.names for link in links}
    others = [plugin for plugin in reading.plugins if plugin.link.names not in meant]
    held = [(link.start, link.end) for link in links if link.named]
    beside = [found.group() for found in _WORD.finditer(spoken) if not any(s <= found.start() < e for s, e in held)]
    found = {
        "odds_against": min((min(each.plugin.contrary(each.letters).odds, 6.0) for each in wanted), default=0.0) / 3,
        "confidence": min((link.confidence for link in links), default=0.0),
        "cover": min((link.cover for link in links), default=0.0),
        "others_meant": max((plugin.meant for plugin in others if plugin.link.pointed), default=0.0),
        "others_named": float(sum(plugin.link.named for plugin in others)),
        "others_unnamed": max((plugin.meant for plugin in others if not plugin.link.pointed), default=0.0),
        "takes_back": float(bool(TAKES_BACK.search(spoken))),
        "corrects": float(corrected(spoken)),
        "asked_back": float(bool(ASKED_BACK.match(spoken))),
        "all": float(bool(ALL.search(spoken))),
        "sentences": float(min(len(sentences(spoken)), 4)),
        "beside": min(len(beside), 30) / 10,
        "removes": float(any("X" in each.letters for each in wanted)),
        "count": float(min(len(wanted), 4)),
    }
    found |= {f"called_{link.kind}": 1.0 for link in links}
    found |= {f"from_{each.plugin.state}": 1.0 for each in wanted}
    return found | {f"leans_{link.context or 'not'}": 1.0 for link in links}


_WORD = re.compile(r"\w+")


def _against(reading: Reading, wanted: Sequence[Wanted], named: frozenset[str]) -> dict[str, float]:
    """Return what in the grammar speaks against *wanted*: the doubts that are *named*, and words beside the order."""
    hedges = hedged(reading.text.spoken, [each.plugin.link for each in wanted])
    return {"hedged": float(hedges), **{f"{DOUBT}{name}": 1.0 for name in named}}


def other_wants(reading: Reading, standing: Standing, entries: Mapping[str, Entry]) -> list[Answer]:
    """Return what else the message may want of the plugins that it may speak of, one each, the likeliest first.

    They are for the arbiter to weigh beside what :func:`decide` finds; none is sure by itself.
    """
    if reading.ordered < MAY_ORDER or forbids(reading.text.spoken):
        return []
    least = MEANT_ANYHOW if reading.act.all.get("manage", 0.0) < MAY_MANAGE else 0.0
    pointed = [plugin for plugin in reading.plugins if plugin.link.pointed and plugin.meant >= least]
    if orders_removal(reading.text.spoken):
        pointed = [plugin for plugin in pointed if plugin.link.named] or pointed
    likeliest = sorted(pointed, key=lambda plugin: -plugin.meant)[:MOST_MEANT]
    wants = [
        Wanted(plugin, "".join(letter for letter in "IXCADU" if letter in label), share)
        for plugin in likeliest
        for label, share in plugin.prediction.all.items()
        if label != "-" and share >= THINKABLE and len(plugin.link.names) == 1
        if not kept(reading.text.spoken, plugin.link)
    ]
    found: list[Answer] = []
    for each in sorted(wants, key=lambda want: -want.probability):
        wanted = of_the_installed(as_removed(each, reading.text.spoken), reading, standing, entries)
        calls, notes, changed = _carried_out([wanted], None, reading, standing)
        if not calls or any(tuple(calls) == other.proposed for other in found):
            continue
        against = doubts(reading, [wanted])
        found.append(
            Answer(
                text=question(calls, notes),
                proposed=tuple(calls),
                weak=True,
                probability=each.probability,
                doubtful=changed or bool(against),
                evidence=evidence(reading, [wanted])
                | _against(reading, [wanted], against)
                | {"changed": float(changed), "meant": each.plugin.meant, "other_place": float(len(found))},
            )
        )
    return found[:MOST_WANTS]


def _only_told(settings: Settings | None, reading: Reading, wanted: Sequence[Wanted]) -> bool:
    """Whether the message does nothing but give values by their variables' names ("SOME_KEY is …")."""
    told = settings is not None and all(value.explicit for value in settings.values)
    others = any(each.letters != "C" for each in wanted)
    spoken = reading.text.spoken
    asked = TAKES_BACK.search(spoken) or _WONDERS.match(spoken)
    return told and not others and reading.mood.label == "order" and not asked


_WONDERS = re.compile(r"\W*(?:would|should|what|why|does|do|is|are|will|how|when|if)\b.*\?\W*\Z", re.I | re.S)
"""A message that asks: "would setting X to 1 get us banned?"."""
_FORBIDS = re.compile(
    r"\W*(?:(?:please|pls|oh|no|and|but|bitte|por favor)\W+)*(?:do not|don['\u2019]?t|never)\s+"
    r"(?!forget|hesitate|worry|mind|you\b|bother|just\b|only\b)(?:ever\s+)?\w+[^,;.!?\n]*[.!]*\s*\Z",
    re.I,
)
"""A message of one clause that forbids: "please do not uninstall it"."""


def forbids(spoken: str) -> bool:
    """Whether a message forbids something, and orders nothing beside it: then nothing is proposed for it."""
    return bool(_FORBIDS.match(spoken) or _FORBIDS_ABROAD.fullmatch(spoken))


_FORBIDS_ABROAD = re.compile(
    r"\W*(?:(?:please|bitte|por favor|ok|so|no)\W+)*"
    r"(?:don['\u2019]?t you dare|under no circumstances|on no account|you must not"
    r"|no \w+(?:es|as)\b|ne \w+ pas|non \w+re\b|n[ãa]o \w+|nie \w+|не \w+|别|不要|不许)[^,;.!?\n]*\W*"
    r"|[^,;.!?\n]*\b(?:auf keinen fall|bloß nicht|surtout pas|under no circumstances|on no account)\b[^,;.!?\n]*\W*"
    r"|[^,;.!?\n]*(?:しないで|ないでください)\W*",
    re.I,
)
_CALLED = frozenset({"exact", "whole"})


def wants_list(reading: Reading) -> bool:
    """Whether the message looks for plugins."""
    return reading.act.all.get("list", 0.0) >= LISTS


def _likeliest(reading: Reading) -> list[Wanted]:
    """Return the likeliest want of the one plugin that something may be wanted of; nothing where none is likely."""
    named = [plugin for plugin in reading.plugins if plugin.link.pointed and plugin.meant >= ASKS]
    named = [plugin for plugin in named if not kept(reading.text.spoken, plugin.link)]
    if says_another(reading):
        named = [plugin for plugin in named if plugin.link.named]
    if not named or reading.ordered < MAY_ORDER:
        return []
    best = max(named, key=lambda plugin: plugin.meant)
    shares = {label: share for label, share in best.prediction.all.items() if label != "-"}
    label = max(shares, key=shares.__getitem__)
    return [Wanted(best, "".join(letter for letter in "IXCADU" if letter in label), best.meant)]


def _as_said(wanted: Wanted, reading: Reading) -> Wanted:
    """Return *wanted*, or its contrary where that is what the words say."""
    removed = as_removed(wanted, reading.text.spoken)
    contrary = wanted.plugin.contrary(wanted.letters)
    if removed is not wanted or contrary.odds > CONTRARY or contrary.probability < ACTS:
        return removed
    return replace(wanted, letters=contrary.letter)


def _certain(reading: Reading, wanted: Sequence[Wanted], acts: float) -> bool:
    spoken = reading.text.spoken
    if reading.ordered < ORDERED:
        return False
    called = all(each.plugin.link.kind in _CALLED and each.plugin.link.confidence >= 0.5 for each in wanted)
    short = called and len(spoken.split()) <= SHORT
    plain = short and reading.ordered >= ACTS and all(each.probability >= ACTS for each in wanted)
    if reading.act.all.get("manage", 0.0) < (MANAGES_PLAIN if plain else MANAGES):
        return False
    needed = min(acts, ACTS_SHORT) if acts <= ACTS and short else acts
    if any(each.probability < needed or not each.plain for each in wanted):
        return False
    meant = {each.plugin.link.names for each in wanted}
    rest = (plugin for plugin in reading.plugins if plugin.link.named and plugin.link.names not in meant)
    return all(1 - plugin.meant >= ACTS for plugin in rest)


def _carried_out(
    wanted: Sequence[Wanted], settings: Settings | None, reading: Reading, standing: Standing
) -> tuple[list[Call], list[str], bool]:
    """Return the calls that *wanted* comes to as things stand, what there is to say, and whether that is another thing
    than was said.
    """
    steps = [
        Step(
            _VERBS[letter],
            each.plugin.link.names[0],
            each.plugin.link.version,
            each.plugin.link.start,
            each.plugin.link.end,
        )
        for each in wanted
        for letter in each.letters
    ]
    calls: list[Call] = []
    notes: list[str] = []
    changed = False
    for step in with_versions(steps, reading.text.spoken):
        if step.intent == "configure":
            mine = settings is not None and settings.plugin == step.name
            made: tuple[Call, ...] = (settings.call,) if mine and settings is not None else ()
            note, other = "" if mine else enter_values(step.name), False
        else:
            made, note, other = calls_for(step, standing, calls)
        if note and not made and len(wanted) > 1:
            other = True  # an order that does not fit all that it names may be none
        calls += [call for call in made if call not in calls]
        notes += [note] if note and note not in notes else []
        changed = changed or other
    if settings is not None and settings.call not in calls:
        calls.insert(0, settings.call)
    return calls, notes, changed


def enter_values(name: str) -> str:
    """Tell how values are given to a plugin, secrets outside of the conversation."""
    return f"Say NAME=value for {name}, or enter its secrets with: dynamic-plugins configure {name}"
