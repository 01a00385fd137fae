"""Whether the grammar of a message leaves a doubt about an order: then it is asked about, however likely it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.hedges import hedged, poses, sentences, without_asides, without_statements
from dynamic_plugins.embedded.managing.installed_names import shares_its_name
from dynamic_plugins.embedded.managing.meant_plugins import ALL, CORRECTS
from dynamic_plugins.embedded.managing.not_now import why_nothing_now
from dynamic_plugins.embedded.managing.removal import is_told_to_go

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.managing.meant_plugins import Wanted
    from dynamic_plugins.embedded.managing.reading import Reading
    from dynamic_plugins.resolver.linker import Link

GUESSED = frozenset({"described", "similar", "slip"})
"""A plugin that is called so is asked about, never acted on."""
# What takes an order back, or only seems to give one: then the likeliest is asked about.
TAKES_BACK = re.compile(
    r"\b(?:not|never|no|don'?t|do not|doesn'?t|won'?t|isn'?t|can'?t|without|keep|keeps|leave|stays?|unless"
    r"|until|if|before|later|tomorrow|as soon as|when (?:you|we|i|he|she|they)"
    r"|nicht|kein\w*|lass|erst|wenn|falls|bevor|pas|jamais|sans|laisse|sinon|n'\w+|ne|no|nunca|sin|deja|si"
    r"|cuando|antes|n[ãa]o|nunca|sem"
    r"|non|senza|lascia|niet|geen|laat|nie|bez|не|без|de[ğg]il|sak[ıi]n)\b|[不别別勿没未]|ない|しないで|ません|않|마세요|말고",
    re.I,
)
_CONDITION = re.compile(
    r"\b(?:unless|until|if|in case|before|later|tomorrow|as soon as|except"
    r"|(?:once|when|the (?:moment|minute|second|instant)) (?:you|we|i|he|she|they|the|it|that|this)"
    r"|wenn|falls|sobald|bevor|bis|au[ßs]er|sinon|sauf|si|quand|d[èe]s que|avant|jusqu\w*"
    r"|cuando|antes|hasta|salvo|se|quando|at[ée]|prima|finch[ée]|als|zodra|voordat|om|n[äa]r|hvis|je[śs]li|gdy"
    r"|если|когда|пока|eğer)\b|[若如]果|要是|たら|なら(?!\w*ない)|(?:으|하)면",
    re.I,
)
"""What makes an order one for a case that may not hold: then it is asked about whatever else speaks for it."""
_UNINSTALLS = re.compile(
    r"uninstall|deinstall|desinstal|d[ée]sinstall|disinstall|odinstal|\bremove\b(?!.*\b(?:note|item|file|task|todo)\b)|\bpurge\b"
    r"|\bcompletely\b|\bfor good\b|\bplugin\b|\bserver\b|\bkomplett\b|\bganz\b",
    re.I,
)
"""Only with such a word is a plugin removed without a question: "delete the todo" may mean what is in it."""


ASKED_BACK = re.compile(
    r"\W*(?:install|uninstall|remove|delete|add|activate|deactivate|enable|disable|turn|switch|unload|configure)\b[^.!?\n]*\?",
    re.I,
)
"""An order with a question mark is somebody else's that is repeated: "Install it? Over my dead body"."""


DOUBT = "doubt_"
"""So the names of doubts begin among what speaks for and against an order."""
STANDING = frozenset(
    {
        *("corrects", "guessed", "told_to_go", "shared_name", "whether", "asked_back", "which"),
        *("condition", "question", "denied", "asked", "meant", "state", "says_off", "other"),
        *("poses", "address", "list"),
    }
)
"""What no likelihood outweighs: another plugin may be meant than the likeliest, or nothing ordered at all."""


SAYS_OFF = re.compile(
    r"\b(?:off|aff|stop\w*|quit|close|aus|abschalt\w*|ausschalt\w*|apag\w*|deslig\w*|[ée]teins?|coupe\w*|spegn\w*|wyłącz\w*"
    r"|zet\w* uit|kapat\w*|выключ\w*)\b",
    re.I,
)
"""Who says so does not agree to what only adds: "switch the thing off" to "Activate it?", of a plugin that is off."""


_OTHER = re.compile(
    r"\b(?:other (?:one|fell(?:a|er|ow)|bloke|guy|lad|chap|thing|option|candidate|plugin)"
    r"|(?:der|die|das|den) andere[nrs]?|l['\u2019]autre|el otro|la otra|l['\u2019]altr[oa]|o outro|a outra|de andere"
    r"|den andra|drug(?:i|ą)|друг(?:ой|ую)"
    r")\b",
    re.I,
)
"""Who wants the other one does not want the one that was spoken of last."""


def doubts(reading: Reading, wanted: Sequence[Wanted]) -> frozenset[str]:
    """Return what in the grammar of a message speaks against doing *wanted* at once, however likely the models find it.

    Each is named for what was found; the empty set is no doubt.
    """
    letters = "".join(dict.fromkeys(letter for each in wanted for letter in each.letters))
    links, said = [each.plugin.link for each in wanted], reading.text.spoken
    spoken = without_asides(said, letters, reading.links)
    removes = "X" in letters
    found = {
        # What is to be installed may be what stands at the address.
        "address": bool(reading.text.addresses) and "I" in letters,
        "list": _TO_A_LIST.search(spoken),
        "poses": poses(said),
        "takes_back": TAKES_BACK.search(without_statements(spoken)),
        "says_off": set(letters) <= set("IA") and not any(link.named for link in links) and SAYS_OFF.search(spoken),
        "other": any(not link.named for link in links) and _OTHER.search(spoken),
        "corrects": CORRECTS.search(spoken),
        "asked_back": ASKED_BACK.match(spoken),
        "told_to_go": any(is_told_to_go(each, spoken) for each in wanted),
        "everyday": any(_is_an_everyday_word(each, spoken, reading.links) for each in wanted),
        "guessed": any(link.kind in GUESSED for link in links),
        "shared_name": any(shares_its_name(each, reading) for each in wanted),
        "whether": any(_asks_whether(each, spoken) for each in wanted),
        # Several were listed, and none of them is named.
        "listed": sum(link.context.startswith("r") for link in reading.links) > 1
        and any(not each.plugin.link.named and each.plugin.state == "new" for each in wanted),
        # Which of them is not said.
        "which": len(wanted) > 1 and not ALL.search(spoken) and any(link.kind == "unnamed" for link in links),
        # What is said beside it may take it back, and a removal cannot be; or a note is to be deleted.
        "beside_removal": removes and len(sentences(spoken)) > 1,
        "removes": removes and not _UNINSTALLS.search(spoken),
        "hedged": hedged(spoken, links),
    }
    if why := why_nothing_now(spoken):
        found[why] = True
    named = frozenset(name for name, holds in found.items() if holds)
    # Alone these words say little: "se" is if in one language and itself in another.
    return named | {"condition"} if named and _CONDITION.search(spoken) else named


def _is_an_everyday_word(wanted: Wanted, spoken: str, links: Sequence[Link]) -> bool:
    """Whether a plugin that would be taken away is called by a word of everyday that no verb for it stands beside."""
    link = wanted.plugin.link
    if not link.named or not set(wanted.letters) & set("DUX"):
        return False
    if spoken[link.start : link.end].lower() not in _EVERYDAY or _CALLS_A_PLUGIN.match(spoken, link.end):
        return False
    before = spoken[: link.start]
    for name in {spoken[other.start : other.end] for other in links if other.named and other.end <= link.start}:
        before = before.replace(name, " and ")  # "switch off git, time and weather"
    return not _VERB_BEFORE.search(before)


_TO_A_LIST = re.compile(r"\bto (?:my|the|our) (?:to-?do|list|notes?)\b", re.I)
"""What is put on a list is nothing to be done now: "add 'uninstall shop' to my todo list"."""
_EVERYDAY = frozenset({"weather", "shop", "memory", "time", "fetch", "everything", "hello", "todo", "notes", "files"})
_CALLS_A_PLUGIN = re.compile(
    r"\W*(?:plugin|one|thing|thingy|server|app|tool|add-?on|off|out|down|aus|ab|uit|weg|av|fra)\b"
    r"|['\u2019]?\w{0,3}\s+(?:kapat|kaldır|durdur)\b|\s+(?:is|be) off\b|を?(?:オフ|無効|アンインストール|止め|切)",
    re.I,
)
_VERB_BEFORE = re.compile(
    r"(?:\b(?:turn|switch|put|shut|kill|stop|deactivat|disabl|unload|uninstall|remov|get|take|close|pause|drop|dump|bin|nuke|ditch"
    r"|scrap|rid|of|schalt|mach|nimm|deaktivier|deinstallier|entfern|apag|desactiv|desinstal|quit|elimin|[ée]tei?n|d[ée]sactiv"
    r"|d[ée]sinstall|coup|retir|enl[èe]v|spegn|disattiv|disinstall|deslig|desativ|remov|zet|verwijder|st[äa]ng|sl[åa]|wy[łl][aą]cz"
    r"|odinstaluj|выключ|отключ|удал)\w*|关闭|卸载|停用)"
    r"\W*(?:(?:off|out|av|ab|aan|an|ein|uit|both|down|up|back|of|the|my|that|this|our|your|then|also|el|la|los|las|le|les"
    r"|l|das|den|die|der|de|il|lo|o|a|os|as|det|please|bitte|and)\W+){0,6}\Z",
    re.I,
)


def _asks_whether(wanted: Wanted, spoken: str) -> bool:
    """Whether the sentence that calls the plugin asks how it stands: "may I know whether Teams is active?"."""
    link = wanted.plugin.link
    mine = (spoken[begin:end] for begin, end in sentences(spoken) if link.named and begin <= link.start < end)
    return any(part.rstrip().endswith(("?", "\uff1f")) and _WHETHER.search(part) for part in mine)


_WHETHER = re.compile(
    r"\b(?:whether|may i (?:know|ask)|do you know|any idea|ob|saber si|savoir si|sapere se|saber se)\b"
    r"|\A\W*(?:is|are|was|were|has|have|ist|sind|está|están|est-ce|è|sono)\b",
    re.I,
)
