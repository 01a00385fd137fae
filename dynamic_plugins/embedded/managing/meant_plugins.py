"""Which plugins a message means, and what of each is wanted, after what the grammar of the message rules out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.language.hedges import names_a_thing
from dynamic_plugins.embedded.language.pointing_words import PRONOUN, SAYS_WHICH
from dynamic_plugins.embedded.language.removal_words import SAYS_GONE

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.reading import PluginReading, Reading
    from dynamic_plugins.resolver.linker import Link

REMOVES = 0.15
"""From this probability on that a plugin shall go it is asked whether to remove it, where it is off already."""
PLAIN = 1.0
"""What the words say is done at once only where it is so much likelier than its contrary, in log odds."""
PLAIN_REMOVAL = 2.0
"""The same for removing a plugin, which takes its settings along."""


@dataclass(frozen=True)
class Wanted:
    """What of one plugin is wanted: the steps' letters, and how sure that is."""

    plugin: PluginReading
    letters: str
    probability: float

    @property
    def plain(self) -> bool:
        """Whether the words tell it from its contrary."""
        return self.plugin.contrary(self.letters).odds >= (PLAIN_REMOVAL if "X" in self.letters else PLAIN)


ALL = re.compile(
    r"\b(?:all|everything|every|both|each|any|rest|others?|whole lot|alles?|s[äa]mtliche|beide[ns]?|todos?"
    r"|todas?|ambos|tout(?:es)?|tous"
    r"|tutt[ioe]|tudo|hepsi(?:ni)?|wszystk\w+|вс[её]|them)\b|全部|すべて|所有",
    re.I,
)
_BUT = re.compile(
    r"\b(?:except|exept|excpet|but(?: not)?|apart from|other than|besides|save(?: for)?|bar|minus|au(?:ß|ss)er"
    r"|sauf|excepto|menos|salvo|tranne"
    r"|hariç|opr[óo]cz|кроме)\b",
    re.I,
)
CORRECTS = re.compile(
    r"(?:^|[\s.,;!?…—-])(?:no+|nope|wait|sorry|actually|i mean(?:t)?|er+m?|(?<!['\u2019]d )(?<!would )rather"
    r"|scratch that|oops|my bad|digo"
    r"|perd[óo]n|nein|halt|quatsch"
    r"|non|pardon|euh|nee|wrong one|correction|instead)[\s.,;!?…:—-]|じゃなくて|ではなく|말고|不是[^。！？]*而是",
    re.I,
)


def meant_plugins(reading: Reading) -> list[Wanted]:
    """Return what is wanted of which plugins, after what the grammar of a message rules out.

    One that no word names is meant only by a word for all of them; what stands behind "except" is not; of two that a
    correction stands between the second is.
    """
    spoken = reading.text.spoken
    meant = [plugin for plugin in reading.wanted if not kept(spoken, plugin.link)]
    meant = [plugin for plugin in meant if not any(_is_inside(plugin.link, other.link) for other in meant)]
    wanted = [_taken_away(Wanted(plugin, plugin.intents, plugin.probability), spoken) for plugin in meant]
    named = [each for each in wanted if each.plugin.link.pointed]
    if (named and not ALL.search(spoken)) or reading.act.label != "manage":
        wanted = named
    if _MEANS.match(spoken) and any(each.plugin.link.named for each in wanted):
        wanted = [each for each in wanted if each.plugin.link.named]  # not what was spoken of before
    adds = any(each.plugin.link.named and set(each.letters) & set("IA") for each in wanted)
    first = min((each.plugin.link.start for each in wanted if each.plugin.link.named), default=0)
    if adds and not _ALSO.search(spoken) and not PRONOUN.search(_ARTICLE.sub("", spoken[:first])):
        # Who names the one to be added does not want what was only listed.
        wanted = [each for each in wanted if each.plugin.link.named or each.plugin.state != "new"]
    if says_another(reading):
        wanted = [each for each in wanted if each.plugin.link.named]
    if (but := _BUT.search(spoken)) and any(not each.plugin.link.named for each in wanted):
        wanted = [each for each in wanted if each.plugin.link.end <= but.start()]
    for each in (one for one in named if one.plugin.link.named):
        later = [other for other in named if other.plugin.link.start > each.plugin.link.end]
        between = (
            spoken[each.plugin.link.end : other.plugin.link.start] for other in later if other.letters == each.letters
        )
        if any(CORRECTS.search(f" {text} ") for text in between) and each in wanted:
            wanted.remove(each)
    return wanted


def says_another(reading: Reading) -> bool:
    """Whether a message means another plugin than those that were spoken of before: "the notes one", where none of them
    is called so.
    """
    links = [each.link for each in reading.plugins if each.link.named]
    found = (said.start(1) for said in SAYS_WHICH.finditer(reading.text.spoken))
    return any(not any(link.start <= at < link.end for link in links) for at in found)


_ALSO = re.compile(
    r"\A\W*(?:yes|yeah|yep|ja|s[ií]|oui|sim|ok(?:ay)?)\b"
    r"|\b(?:too|also|as well|besides|plus|auch|dazu|también|tambien|aussi|anche|também|ook|both)\b",
    re.I,
)
"""Then what was listed or offered is meant besides the one that is named."""


_ARTICLE = re.compile(r"\b(?:das|den|la|le|lo|that|this)\s+(?:\w+\s+)?\Z", re.I)
"""Before a plugin's name these point at nothing else: "installe le plugin Slack"."""


def _is_inside(link: Link, other: Link) -> bool:
    """Whether *link* is only a part of the words that call another plugin by its name: "Google" of "Google Chat"."""
    covers = other.start <= link.start and link.end <= other.end and (link.start, link.end) != (other.start, other.end)
    return other.named and link.named and covers and link.kind == "part" and other.kind != "part"


_KEEPS = re.compile(
    r"\b(?:keep|leave|keeping|leaving|behalte?|lass|deja|dejar|garde[rz]?|laisse[rz]?|tieni|lascia|deixa)\s+"
    r"(?:the\s+|my\s+|die\s+|den\s+|das\s+|el\s+|la\s+|le\s+|il\s+|o\s+|a\s+)?\Z",
    re.I,
)
"""What stands behind stays as it is: "turn git off, keep time"."""


_STAYS = re.compile(
    r"(?: (?:plugin|one|thing|server))?,? (?:stays?|remains?|(?:can|may|should) stay|keeps running|bleibt"
    r"|darf bleiben|se queda|reste|rimane|resta|fica|zostaje|остаётся|остается|blijft|kals[ıi]n)\b"
    r"(?! (?:installed|on the|in the|here|there|installiert|instalad\w*|installé\w*|zainstal\w*"
    r"|off|out|away|aus|apagad\w*|éteint\w*|spent\w*|deslig\w*|wyłącz\w*|выключен\w*|uit)\b)",
    re.I,
)
"""What stands in front of it stays as it is: "spotify off please. roblox stays"."""


def kept(spoken: str, link: Link) -> bool:
    if names_a_thing(spoken, link):
        return True
    before = spoken[: link.start]
    return link.named and bool(_KEEPS.search(before) or _NOT_THIS.search(before) or _STAYS.match(spoken, link.end))


_NOT_THIS = re.compile(
    r"(?<!why )(?<!if )(?<!or )"
    r"\b(?:not|did not say|didn['\u2019]?t (?:say|mean)|nicht|pas|n[ãa]o|niet|inte|ikke|nie|не)\s+"
    r"(?:(?:the|my|that|die|das|den|der|le|la|el|o|a|het|de)\s+)?\Z",
    re.I,
)
"""What stands behind it is what was not meant: "not discord, google chat"."""


_MEANS = re.compile(
    r"\W*(?:(?:no|nein|non|oh|sorry)\W+)*"
    r"(?:i (?:mean|meant)|ich mein\w*|quiero decir|quise decir|je veux dire|intendo)\b",
    re.I,
)
_SAYS_UNINSTALL = re.compile(
    r"(?<!not )(?<!n't )\b(?:uninstall|de-?install|desinstal|d[ée]sinstall|disinstall|odinstal)", re.I
)


def _taken_away(wanted: Wanted, spoken: str) -> Wanted:
    """Return *wanted*, or that the plugin be removed, where the message says so in that word, or it is off already and
    that may well be meant.
    """
    if wanted.letters == "U" and (_SAYS_UNINSTALL.search(spoken) or SAYS_GONE.search(spoken)):
        return replace(wanted, letters="X")
    shares = wanted.plugin.prediction.all
    gone = shares.get("X", 0.0) + shares.get("U", 0.0)
    if wanted.letters != "D" or wanted.plugin.state != "off" or gone < REMOVES:
        return wanted
    return replace(wanted, letters="X", probability=gone)


def corrected(spoken: str) -> bool:
    """Whether a message takes back a part of itself: "turn off slack. sorry, I meant discord"."""
    return bool(CORRECTS.search(f" {spoken} "))
